"""A query that may only read does nothing else, whatever is hidden in comments, behind quotes or after it."""

from __future__ import annotations

import pytest

from tests.security.composed import config, stage, told, tool

DIALECTS = ["", "postgres", "mysql", "sqlite", "tsql", "duckdb", "oracle", "snowflake"]

TRICKS = {
    "stacked": "select 1; drop table t", "stacked without blanks": "select 1;drop table t", "stacked by lines": "select 1;\n\n\tdelete from t", "stacked after a comment": "select 1; -- x\ndelete from t", "empty and then": "; delete from t", "twice empty": "select 1;;", "no semicolon": "select 1 delete from t",
    "no semicolon, table": "select a from t drop table u", "no semicolon, exec": "select 1 exec xp_cmdshell 'dir'", "exec in brackets": "select 1 exec('drop table t')", "go": "select 1\ngo\ndrop table t", "delimiter": "delimiter //\nselect 1// drop table t//",
    "line comment": "select 1 -- ' ; drop", "block comment": "select /* */ 1", "in a word": "sel/**/ect 1", "for blanks": "select/**/1", "executed": "select 1 /*!; drop table t */", "executed by version": "select 1 /*!99999 union select 2 */", "MariaDB": "select 1 /*M! ; drop table t */", "nested": "select 1 /* /* */ ; drop table t -- */",
    "open": "select 1 /* ", "hash": "select 1 # '\n; drop table t", "hint": "select /*+ parallel(8) */ 1", "NUL": "select 1\0; drop table t", "semicolon alike": "select 1\uff1b drop table t", "line separator": "select 1 --\u2028; drop table t", "carriage return": "select 1 -- x\r; drop table t",
    "escaped quote": "select 'a\\'; drop table t; -- '", "escaped double": 'select "a\\"; drop table t; -- "', "mixed quotes": "select 'a\"' ; drop table t -- \"", "q quote": "select q'[']; drop table t; --]'", "E string": "select E'\\'; drop table t; --'", "triple": "select '''' || ' ; drop table t --'''  ; delete from t",
    "dollar": "select $$ ; drop table t; $$; drop table t", "dollar tag": "select $a$ $b$ $a$ ; drop table t", "identifier quotes": "select `a`; drop table t; --`", "bracket": "select [a]; drop table t; --]", "unicode escape": "select U&'\\0027; drop table t'", "hex and then": "select 0x27; drop table t",
    "delete in with": "with d as (delete from t returning *) select * from d", "insert in with": "with i as (insert into t values (1) returning a) select a from i", "update in with": "with u as (update t set a = 1 returning a) select a from u", "with and then delete": "with d as (select 1) delete from t", "merge": "merge into t using u on true when matched then delete",
    "into": "select * into u from t", "into temp": "select 1 into temp x", "outfile": "select 'x' into outfile '/var/www/x.php'", "dumpfile": "select 'x' into dumpfile '/x'", "into variable": "select 1 into @a", "for update": "select * from t for update", "for update inside": "select * from (select * from t for update) as x", "share": "select * from t lock in share mode",
    "tablock": "select * from t with (tablockx)", "assign": "select @a := 1", "copy program": "copy t to program 'id'", "copy from": "copy t from '/etc/passwd'", "explain analyze": "explain analyze delete from t", "prepare": "prepare p as delete from t", "execute": "execute p", "execute immediate": "execute immediate 'drop table t'", "do": "do $$ begin delete from t; end $$",
    "call": "call f()", "begin": "begin; delete from t; commit", "block": "begin delete from t; end", "declare": "declare @a int select @a", "set": "set role admin", "reset": "reset role", "use": "use other", "pragma": "pragma writable_schema = 1", "pragma function": "select * from pragma_database_list()", "attach": "attach database '/x' as y", "vacuum into": "vacuum into '/x'",
    "load data": "load data local infile '/etc/passwd' into table t", "handler": "handler t open", "show": "show grants", "values": "values (1)", "table": "table t", "only with": "with a as (select 1)", "comment on": "comment on table t is 'x'", "listen": "listen x", "notify": "notify x", "shutdown": "shutdown", "kill": "kill 5", "waitfor": "select 1 waitfor delay '0:0:9'",
}  # fmt: skip
CALLS = [
    "pg_read_file('/etc/passwd')", "pg_read_binary_file('/x')", "pg_ls_dir('/')", "pg_stat_file('/x')", "lo_import('/x')", "lo_export(1, '/x')", "lo_from_bytea(0, 'x')", "pg_sleep(9)", "pg_sleep_for('1 day')", "sleep(9)", "benchmark(9, 9)", "dbms_lock.sleep(9)", "waitfor(1)",
    "nextval('s')", "setval('s', 1)", "set_config('a', 'b', false)", "pg_terminate_backend(1)", "pg_cancel_backend(1)", "pg_reload_conf()", "pg_advisory_lock(1)", "get_lock('a', 9)", "txid_current()", "dblink('h', 'q')", "dblink_exec('h', 'q')", "query_to_xml('delete from t', true, true, '')",
    "database_to_xml(true, true, '')", "load_extension('x')", "load_file('/etc/passwd')", "readfile('/x')", "writefile('/x', 'y')", "edit('x')", "fts3_tokenizer('a', x)", "sys_exec('id')", "sys_eval('id')", "xp_cmdshell('id')", "openrowset('a', 'b', 'c')", "opendatasource('a', 'b')", "openquery(a, 'b')",
    "utl_http.request('http://x')", "utl_file.fopen('a', 'b', 'c')", "httpuritype('http://x')", "dbms_xmlgen.getxml('x')", "java_eval('x')", "read_csv('/etc/passwd')", "read_text('/etc/passwd')", "read_parquet('s3://x')", "http_get('http://x')", "url('http://x')", "file('/x')", "s3('http://x')", "remote('x')", "system$wait(9)",
    "randomblob(1000000000)", "zeroblob(1000000000)", "repeat('x', 1000000000)", "generate_series(1, 1000000000)", "pg_catalog.pg_read_file('/x')", '"pg_read_file"(\'/x\')', "my_function(1)", "other.count(1)", "ai_generate('x')",
]  # fmt: skip


def heard(dialect: str, query: str) -> str:
    rules = config(
        f'{{name: read, allow: ["*.*"], subjects: ["*"], checks: {{query: "read-only-sql{":" + dialect if dialect else ""}"}}}}'
    )
    return told(stage(rules, [tool("read", {"query": {"type": "string"}})]), {"query": query})


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_stays_here_in_every_dialect(trick: str) -> None:
    assert [dialect for dialect in DIALECTS if "args.query" not in heard(dialect, TRICKS[trick])] == []


@pytest.mark.parametrize("call", CALLS)
def test_a_function_that_does_more_than_read_stays_here_wherever_it_is_called(call: str) -> None:
    for query in (f"select {call}", f"select * from {call}", f"select 1 from t where a = {call}"):
        assert [dialect for dialect in DIALECTS if "args.query" not in heard(dialect, query)] == [], query


@pytest.mark.parametrize(
    "query",
    [
        "select a, b from t where c = 'x' order by a limit 5",
        "with x as (select 1 as n) select n from x",
        "select count(*) from t group by a;",
        "select 'drop table t; -- /*' as text",
    ],
)
def test_what_only_reads_goes_through_as_it_was_written(query: str) -> None:
    assert [dialect for dialect in DIALECTS if heard(dialect, query)] in ([], ["oracle"])


def test_the_lists_are_long_enough_to_be_worth_their_names() -> None:
    assert len(set(TRICKS.values())) == len(TRICKS) >= 75
    assert len(set(CALLS)) == len(CALLS) >= 55

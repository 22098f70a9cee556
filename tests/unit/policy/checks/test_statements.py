"""A statement that only reads is one that consists of nothing else."""

from __future__ import annotations

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from ostiary.policy.checks import statements
from ostiary.policy.checks.statements import DEEPEST, DIALECTS, LONGEST, MOST, reading
from ostiary.policy.checks.vocabulary import FUNCTIONS, NODES

COMMON = ["", "postgres", "mysql", "sqlite", "tsql", "duckdb", "snowflake", "bigquery", "oracle"]
GOOD = [
    "select 1", "SELECT a, count(*) FROM t WHERE b = 'x' GROUP BY a HAVING count(*) > 1 ORDER BY 2 DESC", "with x as (select 1 as n) select n from x", "select 1 from t;", "select distinct a from s.t as q",
    "select * from a join b on a.id = b.id left join c on c.id = b.id", "select coalesce(a, 'x') from t where a in (select b from c) and d between 1 and 2", "select case when a then 1 else 2 end from t union all select 3",
    "select cast(a as integer) from t", "select replace(a, 'b', 'c') from t", "select t.* from t where exists (select 1 from u where u.a = t.a)", "select sum(a) over (partition by b order by c) from t",
    "select 'delete from x; -- drop' from t", "select 'it''s' from t", "select upper(a), substring(a, 1, 2), round(b, 2) from t where c like '%x%' and d is not null", "select -a + b * (c - 1) / 2 from t where not d = 1",
]  # fmt: skip
BAD = [
    "", " ", "nonsense", "((", "(1)", "'", "delete from t", "update t set a = 1", "insert into t values (1)", "drop table t", "create table t (a int)", "truncate table t", "merge into t using u on 1=1 when matched then delete",
    "select 1; drop table t", "select 1;;", "; select 1", "select 1; select 2", "select 1 delete from t", "select a from t drop table u", "select 1 exec xp_cmdshell 'dir'", "select 1 waitfor delay '0:0:9'",
    "select 1 -- x", "select 1 /* x */", "/* x */ select 1", "select /**/ 1", "select /*! 1 */ 2", "select /*!50000 1*/", "select /*+ x */ 1", "select 1 --", "select 1/*", "select 1 # x\n; delete from t",
    "with x as (delete from t returning *) select * from x", "with x as (insert into t values (1) returning a) select * from x", "select * into u from t", "select a from t into outfile '/tmp/x'", "select a into dumpfile '/x' from t",
    "select * from t for update", "select * from t for share", "select (select a from t for update)", "explain analyze delete from t", "explain select 1", "describe t", "show tables", "table t", "values (1)", "call f()", "exec f", "do $$x$$",
    "pragma user_version = 1", "attach database 'x' as y", "set x = 1", "use x", "begin", "commit", "copy t to program 'x'", "copy t from '/etc/passwd'", "load data infile 'x' into table t", "vacuum", "analyze t", "grant all on t to u", "kill 1",
    "select pg_read_file('/etc/passwd')", "select pg_sleep(10)", "select sleep(10)", "select benchmark(1, 2)", "select load_file('/etc/passwd')", "select load_extension('x')", "select lo_import('/x')", "select lo_export(1, '/x')", "select nextval('s')",
    "select setval('s', 1)", "select set_config('a', 'b', false)", "select dblink('a', 'b')", "select query_to_xml('delete from t', true, true, '')", "select pg_terminate_backend(1)", "select writefile('a', 'b')", "select xp_cmdshell('x')",
    "select * from openrowset('a', 'b', 'c')", "select * from pg_ls_dir('/')", "select * from read_csv('/etc/passwd')", "select utl_http.request('http://x') from dual", "select pg_catalog.pg_sleep(1)", "select s.abs(1)", 'select "pg_sleep"(1)',
    "select @a := 1", "select get_lock('a', 1)", "select * from pragma_table_info('t')", "select a from t procedure analyse()", "select 1 union select 2 into u", "select 1 where a = 'x\\' or 1=1; drop table t; -- '", "select q'[it's]' from dual", "select\u00a01", "select 1\u2028",
    "select " + "(" * (DEEPEST + 1) + "1" + ")" * (DEEPEST + 1), "select " + "1," * MOST + "1", "select '" + "x" * LONGEST + "'",
]  # fmt: skip


@pytest.mark.parametrize("dialect", COMMON)
@pytest.mark.parametrize("text", GOOD)
def test_what_only_reads_is_taken(text: str, dialect: str) -> None:
    assert reading(dialect)(text) is None or (dialect == "bigquery" and "''" in text)  # it has no doubled quotes


@pytest.mark.parametrize("dialect", COMMON)
@pytest.mark.parametrize("text", BAD)
def test_what_may_do_more_is_refused(
    text: str, dialect: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    said = reading(dialect)(text)
    assert said
    assert "; " in said, "it says what to do"
    assert not caplog.records, "a statement is an argument, and arguments are in no log"
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "dialects"),
    [
        ("select a::int from t", {"postgres", "duckdb", "snowflake"}), ("select `a` from `t`", {"mysql", "bigquery"}), ("select [a b] from [t]", {"tsql", "sqlite"}), ("select data->>'x' from t", {"", "postgres", "mysql", "sqlite"}),
        ("select top 5 a from t", {"tsql"}), ("select a from t where b @> c", {"postgres"}), ("select * from t where a ~ 'x'", set()), ("select date_trunc('day', a) from t", {"", "postgres"}), ("select $$a$$", set()), ("select string_agg(a, ',') from t", {"postgres", "tsql"}),
    ],
)  # fmt: skip
def test_what_one_dialect_has_is_taken_where_the_rule_names_it(text: str, dialects: set[str]) -> None:
    for dialect in dialects:
        assert reading(dialect)(text) is None, dialect


@pytest.mark.parametrize(
    "text",
    [
        "select a::int from t",
        "select `a`",
        "select [a]",
        "select $$a$$",
        "select 'a\\b'",
        'select """a"""',
        "select '''a'''",
        "select N'a'",
        "select x'00'",
        "select @a",
        "select {a}",
        "select a from t where b # c",
    ],
)
def test_without_a_dialect_nothing_is_taken_that_two_read_differently(text: str) -> None:
    """What is a string to one may be code to another, so that it would be hidden from this parser and not from the database."""
    assert reading("")(text)


def test_what_is_a_word_of_writing_and_a_function_is_judged_as_a_function() -> None:
    assert reading("mysql")("select truncate(a, 2) from t") is None
    assert reading("mysql")("select insert(a, 1, 1, 'b') from t") is None
    assert reading("mysql")("select truncate from t")


@pytest.mark.parametrize(
    "text",
    [
        "select " + "join a " * 40,
        "select a from t " + "join a " * 40,
        "select " + "array[" * 20 + "1" + "]" * 20,
        "select a from t where " + "array[" * 20 + "1" + "]" * 20,
    ],
)
def test_a_parser_that_goes_back_and_forth_is_stopped(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by feeding it repetitions: each word doubled its work. What it looks at is counted here as it is there."""
    looked = 0
    real = sqlglot.parser.Parser._advance

    def counted(self: sqlglot.parser.Parser, times: int = 1) -> None:
        nonlocal looked
        looked += 1
        real(self, times)

    monkeypatch.setattr(sqlglot.parser.Parser, "_advance", counted)
    for dialect in ("", "postgres", "snowflake"):
        looked = 0
        reading(dialect)(text)
        assert looked <= statements._STEPS * (len(sqlglot.tokenize(text, read=dialect or None)) + 2)


def test_files_are_no_tables() -> None:
    assert reading("duckdb")("select * from '/etc/passwd'")
    assert reading("duckdb")("select * from 's3://b/x.csv'")
    assert reading("snowflake")("select * from @stage/x")
    assert reading("mysql")("select * from file('/x')")


def test_a_rule_may_add_functions_of_its_own() -> None:
    text = "select st_area(geom) from t"
    assert "+st_area" in (reading("postgres")(text) or "")
    assert reading("postgres+st_area")(text) is None
    assert reading("+st_area")(text) is None
    assert reading("postgres+st_area")("select st_length(geom) from t")


@pytest.mark.parametrize("text", ["postgers", "postgres+", "postgres+A", "+a b", "postgres,mysql"])
def test_a_rule_names_what_exists(text: str) -> None:
    with pytest.raises(ValueError, match="; write"):
        reading(text)


def test_the_vocabulary_is_the_parsers() -> None:
    """A class that was renamed would be refused from then on, and nobody would know why."""
    assert [name for name in NODES | FUNCTIONS if not hasattr(exp, name)] == []
    assert not [name for name in NODES if issubclass(getattr(exp, name), exp.Func)]
    assert all(dialect in {each.value for each in sqlglot.Dialects} for dialect in DIALECTS)


WRITING = (
    exp.DML, exp.DDL, exp.Drop, exp.Alter, exp.Into, exp.Lock, exp.Command, exp.Set, exp.Use, exp.Copy, exp.Pragma, exp.Transaction, exp.Commit, exp.Rollback, exp.Grant, exp.Kill, exp.LoadData, exp.Attach, exp.Execute,
    exp.NextValueFor, exp.ReadCSV, exp.ReadParquet, exp.Hint, exp.Anonymous, exp.PropertyEQ, exp.Dot, exp.Secret, exp.ToFile,
)  # fmt: skip


def test_nothing_that_writes_is_in_it() -> None:
    """DDL and DML are what queries are, too, for a parser: Select and its kind are asked for their clauses."""
    named = {getattr(exp, name) for name in NODES | FUNCTIONS}
    assert {each.__name__ for each in named if issubclass(each, WRITING)} <= {
        "Select",
        "Union",
        "Except",
        "Intersect",
        "Subquery",
        "Values",
        "Table",
    }


PIECES = [
    "select",
    "1",
    "a",
    "from",
    "t",
    "(",
    ")",
    ",",
    ";",
    "'",
    '"',
    "`",
    "--",
    "/*",
    "*/",
    "#",
    "\\",
    "delete",
    "union",
    "into",
    "\n",
    " ",
    "$$",
    "[",
    "]",
    "q'",
    "N'",
    "é",
    "\u2028",
    "with",
    "as",
    "::",
    "@",
    ":",
    "?",
    "{",
    "0x",
]


@given(st.lists(st.sampled_from(PIECES), max_size=24).map(" ".join), st.sampled_from(["", *DIALECTS]))
def test_whatever_comes_is_judged(text: str, dialect: str) -> None:
    """And what passes has no comment, no second statement, and none of the words that write."""
    if reading(dialect)(f"select {text}") is None:
        code = sqlglot.tokenize(f"select {text}", read=dialect or None)
        assert "delete" not in [token.text for token in code if token.token_type not in statements._QUOTING]
        assert not any(token.comments for token in code)

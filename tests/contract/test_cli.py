"""Every command as people and scripts meet it: words, data, exit codes, and a database that a gateway could share."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ostiary.adapters.store import database
from ostiary.adapters.store.generation import Generation
from ostiary.adapters.store.ledger import Ledger
from ostiary.adapters.store.ledger_read import ledger_directory, segment_path
from ostiary.core.model import Allow, Call, Caller, Client, Deny, Era, Inbound, Json, Kind, Reason, Target
from ostiary.core.trail import Trail
from ostiary.entry.cli.main import main
from ostiary.integrity.pins import Offering, Sighting, sighting

CONFIG = """
gateway: {url: "http://127.0.0.1:18080", listen: "127.0.0.1:0", data: data}
servers:
  # where the documents are
  files: {command: [files-server]}
  crm: {url: "https://crm.example.com/mcp", headers: {X-Key: "env:OSTIARY_TEST_UNSET"}}
views:
  support: {include: [files.read_*]}
rules:
  - {name: readers, allow: [files.read_*], roles: [developer], limit: 60/min}
  - {name: nobody-deletes, deny: ["*.delete_*"]}
expect:
  - who: {roles: [developer]}
    can: [files.read_x]
    cannot: [crm.refund]
"""
GROUPS = {"token": ("create", "rotate", "list", "revoke"), "tools": ("list", "diff", "approve", "reject", "sbom"),
          "audit": ("search", "tail", "verify", "export"), "guards": ("list", "test", "eval"),
          "quarantine": ("add", "list", "lift")}  # fmt: skip
SINGLE = ("serve", "check", "import", "connect", "why", "who-can", "probe", "doctor", "demo", "scan", "simulate",
          "diff", "trim", "top", "usage", "cost")  # fmt: skip
EVERY = [(name,) for name in SINGLE] + [(group, name) for group, names in GROUPS.items() for name in names]


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


class Shell:
    """A folder with a configuration, and a way to run commands in it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.file = folder, folder / "ostiary.yaml"
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.file.write_text(CONFIG)
        self.data = folder / "data"

    def __call__(self, *words: str) -> Done:
        self._monkeypatch.setattr(sys, "argv", ["ostiary", *words])
        self._capsys.readouterr()
        code: Any = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        caught = self._capsys.readouterr()
        return Done(int(code or 0), caught.out, caught.err)

    def good(self, *words: str) -> Done:
        done = self(*words)
        assert done.code == 0, done
        return done


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return Shell(tmp_path, monkeypatch, capsys)


def tool(name: str, description: str = "Reads.") -> Sighting:
    schema = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
    return sighting(Kind.TOOL, {"name": name, "description": description, "inputSchema": schema})


def offered(shell: Shell, *definitions: Sighting, approved: tuple[Sighting, ...] = (), offer: str = "") -> None:
    """Leave in the database what a gateway leaves there after it asked the server `files`."""
    engine = database.opened(shell.data)
    database.record_verdict(engine, "files", approved, "approved", "first-use", 1.0)
    database.pin(engine, "files", 1.0)
    told: dict[str, Json] = {"info": {"name": "files"}, "capabilities": {"tools": {}}}
    database.keep_offering(
        engine,
        Offering(
            "files", offer, "handshake", "2025-11-25", told["info"], told["capabilities"], "", definitions, 0, 1.0
        ),
    )
    engine.dispose()


def generation(shell: Shell) -> int:
    counter = Generation(shell.data)
    try:
        return counter()
    finally:
        counter.close()


# What holds for every command


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_has_help_with_an_example(words: tuple[str, ...], shell: Shell) -> None:
    """Surface: every command has --help with an example."""
    done = shell.good(*words, "--help")
    assert (
        f"Example: ostiary {' '.join(words)}" in done.out
        or f"ostiary {' '.join(words)}" in done.out.split("Usage", 1)[1]
    )
    assert "Example" in done.out


@pytest.mark.parametrize("words", [*EVERY, (), ("token",), ("audit",)], ids=" ".join)
def test_wrong_usage_exits_2(words: tuple[str, ...], shell: Shell) -> None:
    """Surface: 2 means wrong usage, and nothing was done."""
    assert shell(*words, "--no-such-option").code == 2
    assert not shell.data.exists()


def test_an_unknown_command_is_wrong_usage(shell: Shell) -> None:
    assert shell("serv").code == 2


@pytest.mark.parametrize(
    "words",
    [("check",), ("connect", "cursor"), ("token", "list"), ("tools", "list"), ("why", "a", "files.x"),
     ("who-can", "files.x"), ("audit", "search"), ("audit", "verify"), ("audit", "export"), ("audit", "tail"),
     ("probe", "files"), ("doctor",), ("serve",)],
    ids=" ".join,
)  # fmt: skip
def test_a_missing_configuration_is_told_in_words(words: tuple[str, ...], shell: Shell) -> None:
    done = shell(*words, "-c", "gone.yaml")
    assert done.code == 1
    assert "gone.yaml" in done.err
    assert "Traceback" not in done.err + done.out


@pytest.mark.parametrize(
    "words", [("token", "list"), ("tools", "list"), ("doctor",), ("audit", "search")], ids=" ".join
)
def test_a_bad_configuration_is_told_with_its_places(words: tuple[str, ...], shell: Shell) -> None:
    shell.file.write_text(CONFIG.replace("developer", "[x]", 1).replace("rules:", "ruls:"))
    done = shell(*words)
    assert done.code == 1
    assert "ostiary.yaml:9:1" in done.err + done.out


def test_completion_is_offered(shell: Shell) -> None:
    """Surface: shell completion."""
    assert "--show-completion" in shell.good("--help").out


# check


def test_a_good_configuration_passes_and_nothing_is_made(shell: Shell) -> None:
    done = shell.good("check")
    assert "good: 2 servers, 2 rules, 1 expectation" in done.err
    assert not shell.data.exists()


def test_every_problem_is_listed_with_its_place_and_a_suggestion(shell: Shell) -> None:
    shell.file.write_text(CONFIG.replace("limit: 60/min", "limt: 60/min").replace("files.read_*]}", "fils.read_*]}"))
    done = shell("check")
    assert done.code == 1
    assert 'did you mean "limit"?' in done.out
    assert 'did you mean "files"?' in done.out
    assert len([each for each in done.out.splitlines() if each.startswith("ostiary.yaml:")]) == 2


def test_problems_are_data_too(shell: Shell) -> None:
    shell.file.write_text(CONFIG.replace("limit: 60/min", "limt: 60/min"))
    done = shell("check", "--json")
    assert done.code == 1
    assert not done.data["ok"]
    assert done.data["problems"][0] | {"message": ""} == {
        "file": "ostiary.yaml", "path": "rules[0].limt", "line": 10, "column": 64, "message": "",
        "suggestion": 'did you mean "limit"?',
    }  # fmt: skip


def test_an_expectation_that_fails_is_a_problem_at_its_place(shell: Shell) -> None:
    shell.file.write_text(CONFIG.replace("can: [files.read_x]", "can: [files.write]"))
    done = shell("check")
    assert done.code == 1
    assert "ostiary.yaml:14:" in done.out
    assert "expect[0].can[0]" in done.out


def test_strict_fails_on_unsafe_keys_and_only_then(shell: Shell) -> None:
    shell.file.write_text(CONFIG.replace("data: data", "data: data, unsafe_open_metrics: true"))
    assert "gateway.unsafe_open_metrics" in shell.good("check").out
    assert shell("check", "--strict").code == 1
    assert shell("check", "--strict", "--json").data["unsafe"] == ["gateway.unsafe_open_metrics"]


def test_a_pattern_that_fits_nothing_seen_is_noted(shell: Shell) -> None:
    offered(shell, tool("write"), approved=(tool("write"),))
    assert "files.read_* fits nothing" in shell.good("check").out


# import

FOREIGN = {
    "mcpServers": {
        "github": {"command": "npx", "args": ["-y", "gh"], "env": {"GITHUB_TOKEN": "ghp_" + "a1B2" * 9}},
        "Time Server": {"command": "uvx", "args": ["mcp-server-time"]},
    }
}


@pytest.fixture
def foreign(shell: Shell) -> Path:
    path = shell.folder / "mcp.json"
    path.write_text(json.dumps(FOREIGN))
    return path


def test_foreign_servers_are_printed_without_their_secrets(shell: Shell, foreign: Path) -> None:
    done = shell.good("import", str(foreign))
    assert "env:GITHUB_TOKEN" in done.out
    assert "GITHUB_TOKEN" in done.err
    assert "ghp_" not in done.out + done.err


def test_import_needs_no_configuration(shell: Shell, foreign: Path) -> None:
    shell.file.unlink()
    assert "github" in shell.good("import", str(foreign), "--json").data["servers"]


def test_appending_keeps_comments_and_order(shell: Shell, foreign: Path) -> None:
    shell.file.chmod(0o640)
    shell.good("import", str(foreign), "--append")
    text = shell.file.read_text()
    assert "# where the documents are" in text
    assert text.index("files:") < text.index("github:") < text.index("rules:")
    assert stat.S_IMODE(shell.file.stat().st_mode) == 0o640
    assert "4 servers" in shell.good("check").err
    assert "ghp_" not in text


def test_appending_a_name_that_is_taken_changes_nothing(shell: Shell, foreign: Path) -> None:
    shell.good("import", str(foreign), "--append")
    before = shell.file.read_bytes()
    done = shell("import", str(foreign), "--append")
    assert done.code == 1
    assert "already has" in done.err
    assert shell.file.read_bytes() == before
    assert [each.name for each in shell.folder.iterdir() if each.name.startswith(".ostiary")] == []


def test_appending_begins_a_configuration_where_there_is_none(shell: Shell, foreign: Path) -> None:
    shell.file.unlink()
    shell.good("import", str(foreign), "--append", "--skip", "github")
    assert "1 server" in shell.good("check").err


def test_a_file_that_is_no_clients_is_refused_in_words(shell: Shell) -> None:
    (shell.folder / "notes.json").write_text('{"a": 1}')
    done = shell("import", "notes.json")
    assert done.code == 1
    assert "notes.json" in done.err


# connect


def test_a_snippet_is_pasteable_and_holds_no_token(shell: Shell) -> None:
    done = shell.good("connect", "cursor")
    assert done.data["mcpServers"]["ostiary"]["url"] == "http://127.0.0.1:18080/mcp"
    assert ".cursor/mcp.json" in done.err


@pytest.mark.parametrize(
    ("words", "url"), [(("--server", "files"), "/servers/files/mcp"), (("--view", "support"), "/views/support/mcp")]
)
def test_a_snippet_leads_to_one_server_or_view(words: tuple[str, ...], url: str, shell: Shell) -> None:
    made = shell.good("connect", "claude-code", *words, "--json").data
    assert made["url"].endswith(url)
    assert made["url"] in made["text"]


@pytest.mark.parametrize("words", [("cursr",), ("cursor", "--server", "fils"), ("cursor", "--token-env", "a b")])
def test_what_cannot_be_connected_is_wrong_usage(words: tuple[str, ...], shell: Shell) -> None:
    assert shell("connect", *words).code == 2


# token


def test_a_token_is_shown_once_and_kept_hashed(shell: Shell) -> None:
    made = shell.good("token", "create", "--subject", "alice", "--role", "developer", "--expires", "1d", "--json").data
    assert set(made) == {"token", "id", "subject", "expires"}
    listed = shell.good("token", "list", "--json")
    assert listed.data[0]["id"] == made["id"]
    assert listed.data[0]["roles"] == ["developer"]
    assert made["token"] not in listed.out
    kept = b"".join(path.read_bytes() for path in shell.data.iterdir() if path.is_file())
    assert made["token"].encode() not in kept


def test_a_token_stands_alone_on_standard_output(shell: Shell) -> None:
    """TOKEN=$(ostiary token create …) must work."""
    done = shell.good("token", "create", "--subject", "alice", "--role", "developer")
    assert done.out.startswith("ost_")
    assert len(done.out.splitlines()) == 1


def test_making_and_revoking_moves_the_generation(shell: Shell) -> None:
    """A running gateway compares this counter at every call."""
    made = shell.good("token", "create", "--subject", "alice", "--json").data
    first = generation(shell)
    shell.good("token", "revoke", made["id"])
    assert first >= 1
    assert generation(shell) > first


def test_many_tokens_are_a_list(shell: Shell) -> None:
    made = shell.good("token", "create", "--subject", "load", "--count", "3", "--json").data
    assert [each["subject"] for each in made] == ["load-1", "load-2", "load-3"]
    assert len({each["token"] for each in made}) == 3


def test_unknown_roles_are_warned_about(shell: Shell) -> None:
    done = shell.good("token", "create", "--subject", "alice", "--role", "develper", "--json")
    assert 'did you mean "developer"?' in done.err
    assert "no rule allows this token anything" in done.err


@pytest.mark.parametrize(
    "words",
    [("--expires", "400d"), ("--expires", "30"), ("--role", "dev*"), ("--server", "fils"), ("--count", "0"),
     ("--note", "a\nb"), ("--team", " ")],
    ids=" ".join,
)  # fmt: skip
def test_a_token_that_may_not_be_is_wrong_usage(words: tuple[str, ...], shell: Shell) -> None:
    assert shell("token", "create", "--subject", "alice", *words).code == 2
    assert shell.good("token", "list", "--json").data == []


def test_all_tokens_of_a_subject_are_revoked_together(shell: Shell) -> None:
    for subject in ("alice", "alice", "bob"):
        shell.good("token", "create", "--subject", subject, "--json")
    assert len(shell.good("token", "revoke", "--subject", "alice", "--json").data) == 2
    assert [each["subject"] for each in shell.good("token", "list", "--json").data] == ["bob"]
    assert [each["state"] for each in shell.good("token", "list", "--all", "--json").data].count("revoked") == 2


def test_revoking_what_is_not_there_is_refused(shell: Shell) -> None:
    made = shell.good("token", "create", "--subject", "alice", "--json").data
    assert shell("token", "revoke", "tok_000000000000").code == 1
    assert shell("token", "revoke").code == 2
    assert shell("token", "revoke", made["token"]).code == 2
    assert len(shell.good("token", "list", "--json").data) == 1


# tools


def test_what_was_seen_is_listed_with_its_state(shell: Shell) -> None:
    old = tool("read_file")
    offered(shell, tool("read_file", "Reads. \u202e\x1b[31m"), tool("read_more"), approved=(old,))
    states = {each["label"]: each["state"] for each in shell.good("tools", "list", "--json").data}
    assert states == {"files.read_file": "changed", "files.read_more": "new"}
    assert "\\u202e\\u001b[31m" in shell.good("tools", "list").out


def test_a_difference_is_shown_beside_what_was_approved(shell: Shell) -> None:
    """CWE-150: the reviewer sees every character, and none acts."""
    offered(shell, tool("read_file", "Obey \u202eme\x1b[2J"), approved=(tool("read_file"),))
    done = shell.good("tools", "diff")
    assert "/description  Reads." in done.out
    assert "\\u202eme\\u001b[2J" in done.out
    assert "\x1b" not in done.out
    change = shell.good("tools", "diff", "--json").data[0]["changes"]
    assert change == [{"at": "/description", "before": "Reads.", "after": "Obey \u202eme\x1b[2J"}]


def test_approving_records_the_definition_that_was_seen(shell: Shell) -> None:
    seen = tool("read_file", "New.")
    offered(shell, seen, approved=(tool("read_file"),))
    before = generation(shell)
    shell.good("tools", "approve", "files.read_file", "--digest", seen.digest[:8])
    assert generation(shell) > before
    verdict = database.verdicts(database.opened(shell.data))["files", "tool", "read_file"]
    assert seen.digest in verdict.approved
    assert shell.good("tools", "list", "--json").data[0]["state"] == "approved"


def test_approving_another_digest_than_the_reviewed_one_is_refused(shell: Shell) -> None:
    offered(shell, tool("read_file", "New."), approved=(tool("read_file"),))
    assert shell("tools", "approve", "files.read_file", "--digest", tool("read_file", "Seen.").digest).code == 1
    assert shell.good("tools", "list", "--json").data[0]["state"] == "changed"


def test_rejecting_an_approved_tool_withdraws_it_and_approving_brings_it_back(shell: Shell) -> None:
    offered(shell, tool("read_file"), approved=(tool("read_file"),))
    shell.good("tools", "reject", "files.read_file")
    assert shell.good("tools", "list", "--json").data[0]["state"] == "rejected"
    shell.good("tools", "approve", "files.read_file")
    assert shell.good("tools", "list", "--json").data[0]["state"] == "approved"


def test_all_that_waits_is_approved_and_nothing_rejected_comes_back(shell: Shell) -> None:
    offered(shell, tool("a"), tool("b"), tool("c"))
    shell.good("tools", "reject", "files.c")
    assert {each["label"] for each in shell.good("tools", "approve", "--all", "--json").data} == {"files.a", "files.b"}
    assert shell.good("tools", "list", "--waiting", "--json").data == []


def test_two_definitions_of_one_name_are_told_apart(shell: Shell) -> None:
    one, two = tool("read", "One."), tool("read", "Two.")
    offered(shell, one)
    offered(shell, two, offer="form")
    done = shell("tools", "approve", "files.read")
    assert done.code == 1
    assert one.digest[:12] in done.err
    assert two.digest[:12] in done.err
    shell.good("tools", "approve", "files.read", "--digest", two.digest[:12])
    states = {each["digest"]: each["state"] for each in shell.good("tools", "list", "--json").data}
    assert states[two.digest] == "approved"
    assert states[one.digest] != "approved"


@pytest.mark.parametrize(
    ("words", "code"),
    [(("approve",), 2), (("approve", "x.y", "--all"), 2), (("approve", "files.gone"), 1), (("diff", "files.gone"), 1),
     (("list", "--server", "fils"), 2)],
)  # fmt: skip
def test_a_verdict_about_nothing_is_refused(words: tuple[str, ...], code: int, shell: Shell) -> None:
    offered(shell, tool("a"))
    assert shell("tools", *words).code == code


# why and who-can


def test_a_decision_is_told_rule_by_rule(shell: Shell) -> None:
    offered(shell, tool("read_file"), approved=(tool("read_file"),))
    shell.good("token", "create", "--subject", "alice", "--role", "developer", "--json")
    shell.good("token", "create", "--subject", "bob", "--json")
    assert "may use files.read_file" in shell.good("why", "alice", "files__read_file").out
    told = shell.good("why", "bob", "files.read_file", "--json").data
    assert told["exposed"] == "files__read_file"
    assert not told["answers"][0]["allowed"]
    assert told["answers"][0]["rules"][0]["needs"] == ["role developer"]


def test_each_token_of_a_subject_is_told(shell: Shell) -> None:
    offered(shell, tool("read_file"), approved=(tool("read_file"),))
    shell.good("token", "create", "--subject", "alice", "--role", "developer", "--json")
    shell.good("token", "create", "--subject", "alice", "--json")
    answers = shell.good("why", "alice", "files.read_file", "--json").data["answers"]
    assert sorted(each["allowed"] for each in answers) == [False, True]


def test_what_the_rules_allow_but_nobody_reaches_is_not_allowed(shell: Shell) -> None:
    offered(shell, tool("read_file", "New."), approved=(tool("read_file"),))
    answer = shell.good("why", "role=developer", "files.read_file", "--json").data["answers"][0]
    assert (answer["decision"], answer["allowed"]) == ("allow", False)
    assert "tools diff" in answer["hindrances"][0]


def test_arguments_are_part_of_the_question(shell: Shell) -> None:
    offered(shell, tool("read_file"), approved=(tool("read_file"),))

    def ask(args: str) -> Any:
        told = shell.good("why", "role=developer", "files.read_file", "--args", args, "--json").data
        return told["answers"][0]

    assert ask('{"path": "/a"}')["allowed"]
    assert not ask('{"pat": "/a"}')["allowed"]
    assert shell("why", "role=developer", "files.read_file", "--args", "{").code == 2


def test_a_revoked_token_is_told_as_such(shell: Shell) -> None:
    offered(shell, tool("read_file"), approved=(tool("read_file"),))
    made = shell.good("token", "create", "--subject", "alice", "--role", "developer", "--json").data
    shell.good("token", "revoke", made["id"])
    answer = shell.good("why", made["id"], "files.read_file", "--json").data["answers"][0]
    assert not answer["allowed"]
    assert "revoked" in answer["hindrances"][0]


@pytest.mark.parametrize(
    ("words", "code"), [(("nobody", "files.x"), 1), (("role=a", "fils.x"), 1), (("age=7", "files.x"), 2)]
)
def test_an_unanswerable_question_is_refused(words: tuple[str, ...], code: int, shell: Shell) -> None:
    assert shell("why", *words).code == code


def test_everyone_who_may_is_listed_with_the_rule(shell: Shell) -> None:
    offered(shell, tool("read_file"), approved=(tool("read_file"),))
    shell.good("token", "create", "--subject", "alice", "--role", "developer", "--json")
    shell.good("token", "create", "--subject", "bob", "--json")
    gone = shell.good("token", "create", "--subject", "eve", "--role", "developer", "--json").data
    shell.good("token", "revoke", gone["id"])
    able = shell.good("who-can", "files.read_file", "--json").data["tokens"]
    assert [(each["subject"], each["rule"]) for each in able] == [("alice", "readers")]


# audit


async def no_body() -> bytes:
    return b""


def called(reference: str, subject: str, *, denied: bool = False) -> Trail:
    trail = Trail(Inbound("POST", "/mcp", {}, frozenset(), "c", "127.0.0.1:5", no_body), reference, 1, 100.0, 1.7e9)
    trail.caller = Caller(subject, "ostiary", "tok_1", "token:tok_1", 9e9)
    client = Client(Era.MODERN, "2026-07-28", {}, "", {})
    trail.call = Call(1, "tools/call", "files__read", {"name": "files__read", "arguments": {"path": "secret"}}, client)
    trail.target = Target("files", Kind.TOOL, "read", "files.read", "files__read")
    trail.decision = Deny(Reason.NO_RULE) if denied else Allow("readers")
    trail.ended, trail.outcome = 100.01, "not_found" if denied else "answered"
    return trail


@pytest.fixture
def written(shell: Shell) -> Shell:
    ledger = Ledger(shell.data)
    for number in range(3):
        trail = called(f"ref-{number}", "alice")
        ledger.begin(trail)
        ledger.end(trail)
    ledger.end(called("ref-no", "=bob\x1b", denied=True))
    ledger.close()
    return shell


def test_what_goes_on_is_shown_by_caller_and_tool(written: Shell) -> None:
    """Surface: `ostiary top`; where nobody looks at a terminal it is one picture."""
    view = written.good("top", "--window", "3650d", "--json").data
    assert (view["total"]["calls"], view["total"]["denied"]) == (4, 1)
    assert [(row["name"], row["calls"]) for row in view["callers"]] == [("alice", 3), ("=bob\x1b", 1)]
    shown = written.good("top", "--window", "3650d").out
    assert "files.read" in shown
    assert "not_found" in shown
    assert "\x1b" not in shown
    assert written.good("top", "--window", "1s", "--json").data["total"]["calls"] == 0


def test_calls_are_found_by_who_and_how_they_ended(written: Shell) -> None:
    """Issue: the results right after a call are visible; JSON is one array."""
    found = written.good("audit", "search", "--json").data
    assert [each["reference"] for each in found if each["type"] == "call"] == ["ref-no", "ref-2", "ref-1", "ref-0"]
    denied = written.good("audit", "search", "--decision", "deny", "--json").data
    assert [each["outcome"] for each in denied] == ["not_found"]
    assert (
        len(written.good("audit", "search", "--subject", "alice", "--tool", "files.*", "--limit", "2", "--json").data)
        == 2
    )
    assert "files.read" in written.good("audit", "search", "--text", "READERS").out
    assert "secret" not in written.good("audit", "search", "--json").out


@pytest.mark.parametrize("since", ["2023-01-01", "2023-11-14T22:00:00Z", "2023-11-14T23:00:00+01:00", "3600d"])
def test_times_are_written_as_people_write_them(since: str, written: Shell) -> None:
    calls = written.good("audit", "search", "--since", since, "--json").data
    assert sum(each["type"] == "call" for each in calls) == 4


@pytest.mark.parametrize("words", [("--since", "yesterday"), ("--decision", "maybe"), ("--limit", "0")], ids=" ".join)
def test_a_search_that_means_nothing_is_wrong_usage(words: tuple[str, ...], written: Shell) -> None:
    assert written("audit", "search", *words).code == 2


def test_the_newest_records_are_tailed(written: Shell) -> None:
    done = written.good("audit", "tail")
    assert "ref-no" in done.out
    assert "\x1b" not in done.out
    lines = written.good("audit", "tail", "-n", "3", "--json").out.splitlines()
    assert len(lines) == 3
    assert all(json.loads(each)["n"] for each in lines)


def test_a_whole_ledger_verifies(written: Shell) -> None:
    assert "whole" in written.good("audit", "verify").out
    report = written.good("audit", "verify", "--json").data
    assert report["ok"]
    assert report["records"] > 7


def test_a_changed_record_is_found_and_named(written: Shell) -> None:
    """Issue: verify finds a changed record and says which."""
    path = segment_path(ledger_directory(written.data), 1)
    path.write_bytes(path.read_bytes().replace(b'"alice"', b'"mallo"', 1))
    done = written("audit", "verify")
    assert done.code == 1
    assert "00000001.jsonl:" in done.out
    problem = written("audit", "verify", "--json").data["problems"][0]
    assert (problem["kind"], problem["file"]) == ("changed", "00000001.jsonl")
    assert problem["line"] > 1


def test_another_ledgers_key_proves_nothing(written: Shell) -> None:
    (written.folder / "other.pub").write_text("not a key")
    assert written("audit", "verify", "--key", "other.pub").code == 2


def test_an_export_is_whole_private_and_no_spreadsheet_runs_it(written: Shell) -> None:
    records = [json.loads(each) for each in written.good("audit", "export").out.splitlines()]
    assert [each["n"] for each in records] == list(range(1, len(records) + 1))
    written.good("audit", "export", "--format", "csv", "-o", "out.csv")
    path = written.folder / "out.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "'=bob" in path.read_text()


@pytest.mark.parametrize("name", ["search", "tail", "verify", "export"])
def test_no_ledger_is_told_in_words(name: str, shell: Shell) -> None:
    done = shell("audit", name)
    assert done.code == 1
    assert "There is no ledger" in done.err


# doctor and probe


def test_the_doctor_names_what_will_bite_and_what_to_do(shell: Shell) -> None:
    offered(shell, tool("read_file", "New."), approved=(tool("read_file"),))
    shell.good("token", "create", "--subject", "alice", "--expires", "2d", "--json")
    (shell.data / "keys").mkdir(exist_ok=True)
    shell.data.chmod(0o755)
    shell.file.chmod(0o666)
    done = shell("doctor", "--json")
    assert done.code == 1
    bad = [(each["topic"], each["level"]) for each in done.data if each["level"] != "ok"]
    assert ("files", "problem") in bad
    assert ("secrets", "problem") in bad
    assert ("programs", "problem") in bad
    assert ("tokens", "warning") in bad
    assert ("catalogue", "warning") in bad
    assert all(each["todo"] for each in done.data if each["level"] != "ok")
    assert "OSTIARY_TEST_UNSET" in done.out


def test_the_doctor_finds_nothing_where_nothing_is_wrong(shell: Shell) -> None:
    command = json.dumps([sys.executable])
    shell.file.write_text(
        CONFIG.replace("[files-server]", command)
        .replace('  crm: {url: "https://crm.example.com/mcp", headers: {X-Key: "env:OSTIARY_TEST_UNSET"}}\n', "")
        .replace("crm.refund", "files.write")
    )
    shell.file.chmod(0o600)
    offered(shell, tool("read_file"), approved=(tool("read_file"),))
    shell.good("token", "create", "--subject", "alice", "--json")
    found = shell.good("doctor", "--json").data
    assert [each for each in found if each["level"] == "problem"] == []


def test_the_doctor_says_why_a_server_is_out_of_reach(shell: Shell) -> None:
    found = shell("doctor", "--online", "--json").data
    online = {each["text"].split(":")[0].split(" ")[0]: each["level"] for each in found if each["topic"] == "online"}
    assert online == {"files": "problem", "crm": "problem"}


def test_a_probe_says_which_side_could_not_be_asked_and_leaves_no_token(shell: Shell) -> None:
    done = shell("probe", "files", "--timeout", "5s", "--json")
    assert done.code == 1
    assert not done.data["direct"]["ok"]
    assert not done.data["through"]["ok"]
    assert shell.good("token", "list", "--json").data == []


def test_a_probe_of_an_unknown_server_is_wrong_usage(shell: Shell) -> None:
    assert shell("probe", "fils").code == 2


def test_a_reader_that_goes_away_is_no_error(shell: Shell) -> None:
    """`ostiary … | head` ends quietly."""
    shell.good("token", "create", "--subject", "x", "--count", "200")
    command = [sys.executable, "-m", "ostiary", "token", "list", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=shell.folder) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""

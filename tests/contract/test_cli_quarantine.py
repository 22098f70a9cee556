"""`ostiary quarantine`: what is meant, what is refused, and that everything who serves is told."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.adapters.identity import tokens
from tests.contract import test_cli
from tests.contract.test_cli import CONFIG, Shell, generation, offered, tool

shell = test_cli.shell
BECAUSE = ("--reason", "lost laptop")
IDENTITY = """
identity:
  staff: {issuer: "https://idp.example.com"}
  robots: {certificates: {names: ["*.agents.example.com"]}}
"""
TLS = "tls: {certificate: file:/x/tls.pem, key: file:/x/tls.key, client_ca: file:/x/ca.pem}"
VIEWS = CONFIG.replace(
    "include: [files.read_*]", "include: [files.*], rename: {files.read_file: peruse, files.read_all: peruse_all}"
)


def shut(shell: Shell, *words: str) -> Any:
    return shell.good("quarantine", "add", *words, *BECAUSE, "--json").data


def said(shell: Shell, *words: str, code: int = 1) -> str:
    """Return why a command does nothing."""
    before = generation(shell) if shell.data.exists() else 0
    done = shell("quarantine", "add", *words)
    assert done.code == code, done
    assert (generation(shell) if shell.data.exists() else 0) == before, "nothing was changed"
    return done.err


@pytest.mark.parametrize("name", ["add", "list", "lift"])
def test_help_has_an_example_that_begins_with_the_command(shell: Shell, name: str) -> None:
    assert f"Example: ostiary quarantine {name}" in " ".join(shell.good("quarantine", name, "--help").out.split())


def test_it_is_added_listed_and_lifted(shell: Shell) -> None:
    before = generation(shell)
    made = shut(shell, "person", "alice", "--expires", "2h")
    assert generation(shell) > before, "a running gateway looks again"
    assert made["id"].startswith("q_")
    assert (made["kind"], made["what"], made["reason"], made["state"]) == (
        "person", "alice", "lost laptop", "standing",
    )  # fmt: skip
    assert "@" in made["by"]
    assert shell.good("quarantine", "list", "--json").data == [made]
    plain = shell.good("quarantine", "list").out
    assert "person alice" in plain
    assert "lost laptop" in plain
    before = generation(shell)
    done = shell.good("quarantine", "lift", made["id"], "--reason", "found", "--json").data
    assert generation(shell) > before
    assert (done["state"], done["lifted_because"], done["lifted_by"]) == ("lifted", "found", made["by"])
    assert shell.good("quarantine", "list", "--json").data == []
    assert "Nothing is quarantined" in shell.good("quarantine", "list").err
    assert shell.good("quarantine", "list", "--all", "--json").data == [done]
    assert "found" in shell.good("quarantine", "list", "--all").out


def test_people_are_told_in_words(shell: Shell) -> None:
    done = shell.good("quarantine", "add", "agent", "robot", *BECAUSE)
    assert "agent robot is shut out from the next call on, until it is lifted" in done.out
    ident = done.out.split(":")[0]
    assert "agent robot may come in again" in shell.good("quarantine", "lift", ident, *BECAUSE).out
    again = shell("quarantine", "lift", ident, *BECAUSE)
    assert (again.code, "is over already: lifted" in again.err) == (1, True)
    assert shell("quarantine", "lift", "q_nothing", *BECAUSE).code == 1


def test_what_is_shut_out_already_keeps_its_id_and_what_still_shuts_out_is_named(shell: Shell) -> None:
    first = shut(shell, "client", "program")
    done = shell.good("quarantine", "add", "client", "program", "--reason", "again", "--json")
    assert done.data["id"] == first["id"]
    assert "shut out already" in done.err
    second = shut(shell, "client", "PROGRAM", "--expires", "1h")
    lifted = shell.good("quarantine", "lift", first["id"], *BECAUSE)
    assert second["id"] in lifted.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("person", "alice"), "--reason"),
        (("person", "alice", "--reason", " "), "--reason"),
        (("person", "alice", "--reason", "two\nlines"), "--reason"),
        (("person", "alice", "--reason", "x" * 300), "--reason"),
        (("person", "", *BECAUSE), "WHAT"),
        (("person", "\u200b", *BECAUSE), "WHAT"),
        (("person", "x" * 2000, *BECAUSE), "WHAT"),
        (("person", "alice", *BECAUSE, "--expires", "soon"), "--expires"),
        (("person", "alice", *BECAUSE, "--expires", "0s"), "--expires"),
        (("robot", "alice", *BECAUSE), "KIND"),
        (("server", "files", *BECAUSE, "--issuer", "ostiary"), "--issuer"),
    ],
)
def test_wrong_usage_changes_nothing(shell: Shell, words: tuple[str, ...], says: str) -> None:
    assert says in said(shell, *words, code=2)


def test_a_token_is_named_by_its_id_and_never_by_itself(shell: Shell) -> None:
    made = shell.good("token", "create", "--subject", "alice", "--json").data
    assert shut(shell, "token", made["id"].upper())["what"] == made["id"]
    assert "shell's history" in said(shell, "token", made["token"], *BECAUSE, code=2)
    assert made["token"] not in said(shell, "client", tokens.made()[1], *BECAUSE, code=2)
    assert "There is no token tok_nothing" in said(shell, "token", "tok_nothing", *BECAUSE)


def test_the_token_that_one_succeeds_is_named_where_it_stays_good(shell: Shell) -> None:
    old = shell.good("token", "create", "--subject", "alice", "--json").data
    new = shell.good("token", "rotate", old["id"], "--json").data
    done = shell.good("quarantine", "add", "token", new["id"], *BECAUSE)
    assert f"{old['id']}, which it succeeds, stays good" in done.err


def test_an_issuer_is_named_as_the_configuration_or_the_ledger_names_it(shell: Shell) -> None:
    shell.file.write_text(CONFIG.replace("data: data", f"data: data, {TLS}").replace("http:", "https:", 1) + IDENTITY)
    known = {
        "staff": "https://idp.example.com", "https://idp.example.com": "https://idp.example.com",
        "robots": "mtls:robots", "mtls:robots": "mtls:robots", "ostiary": "ostiary",
    }  # fmt: skip
    for given, meant in known.items():
        assert shut(shell, "person", f"of-{given}", "--issuer", given)["issuer"] == meant
    assert 'did you mean "staff"?' in said(shell, "person", "alice", "--issuer", "stuff", *BECAUSE)


def test_a_server_is_one_of_the_configuration(shell: Shell) -> None:
    assert shut(shell, "server", "FILES")["what"] == "files"
    assert 'did you mean "files"?' in said(shell, "server", "flies", *BECAUSE)


@pytest.mark.parametrize("name", ["files.read_file", "FILES.Read_File", "files__read_file", "read_file", "peruse"])
def test_a_tool_is_its_label_under_whatever_name_it_is_shown(shell: Shell, name: str) -> None:
    shell.file.write_text(VIEWS)
    both = tool("read_file"), tool("read_all")
    offered(shell, *both, approved=both)
    assert shut(shell, "tool", name)["what"] == "files.read_file"


def test_a_tool_that_waits_for_approval_can_be_shut_out_and_one_that_never_was_seen_too(shell: Shell) -> None:
    offered(shell, tool("read_file"))
    assert shut(shell, "tool", "files.read_file")["what"] == "files.read_file"
    done = shell.good("quarantine", "add", "tool", "files.later", *BECAUSE)
    assert "if it ever appears, it is shut out" in done.err


@pytest.mark.parametrize("name", ["fils.read_file", "files", "files.", "files.*"])
def test_what_is_no_tool_of_any_server_is_refused(shell: Shell, name: str) -> None:
    offered(shell, tool("read_file"), approved=(tool("read_file"),))
    assert "There is no tool" in said(shell, "tool", name, *BECAUSE)


def test_why_and_who_can_name_the_quarantine(shell: Shell) -> None:
    offered(shell, tool("read_file"), approved=(tool("read_file"),))
    shell.good("token", "create", "--subject", "alice", "--role", "developer")
    shell.good("token", "create", "--subject", "bob", "--role", "developer")
    person = shut(shell, "person", "alice")["id"]
    told = shell.good("why", "alice", "files.read_file", "--json").data["answers"][0]
    assert (told["allowed"], told["rule"], told["reason"]) == (False, f"quarantine:{person}", "quarantined")
    assert f"quarantine:{person}" in shell.good("why", "alice", "files.read_file").out
    assert f"quarantine:{person}" in shell.good("why", "alice").out
    assert [each["subject"] for each in shell.good("who-can", "files.read_file", "--json").data["tokens"]] == ["bob"]
    made = shut(shell, "tool", "files.read_file")["id"]
    told = shell.good("why", "bob", "files.read_file", "--json").data["answers"][0]
    assert (told["allowed"], told["rule"]) == (False, f"quarantine:{made}")
    assert shell.good("who-can", "files.read_file", "--json").data["tokens"] == []

"""`ostiary token rotate`, tokens that are narrowed, and what is said of those that end soon."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from ostiary.adapters.identity import tokens
from ostiary.adapters.store import database
from ostiary.core.model import Token
from tests.contract import test_cli
from tests.contract.test_cli import CONFIG, Shell, generation

shell = test_cli.shell
GRANT = (
    "--role",
    "developer",
    "--team",
    "a",
    "--scope",
    "x",
    "--server",
    "files",
    "--tool",
    "files.read_*",
    "--note",
    "ci",
)
KEPT = ("subject", "roles", "teams", "scopes", "servers", "views", "tools", "note")
DAY = 86_400


def made(shell: Shell, *words: str, subject: str = "alice") -> Any:
    return shell.good("token", "create", "--subject", subject, "--json", *words).data


def listed(shell: Shell, ident: str) -> Any:
    return next(each for each in shell.good("token", "list", "--all", "--json").data if each["id"] == ident)


def seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def altered(shell: Shell, ident: str, **fields: Any) -> None:
    """Put another token with these differences in the place of one."""
    engine = database.opened(shell.data)
    old = database.token_by_id(engine, ident)
    assert old is not None
    _, _, digest = tokens.made()
    database.add_token(engine, replace(old, **{"id": "tok_altered", **fields}), digest)
    engine.dispose()


# rotate


def test_a_successor_has_the_same_grant_and_the_old_one_ends_with_the_overlap(shell: Shell) -> None:
    old = made(shell, *GRANT, "--view", "support", "--expires", "30d")
    before = generation(shell)
    new = shell.good("token", "rotate", old["id"], "--overlap", "2h", "--json").data
    assert set(new) == {"token", "id", "subject", "expires", "replaces", "until"}
    assert tokens.well_formed(new["token"])
    assert new["token"] != old["token"]
    assert generation(shell) > before, "a running gateway looks again"
    first, second = listed(shell, old["id"]), listed(shell, new["id"])
    assert {key: first[key] for key in KEPT} == {key: second[key] for key in KEPT}
    assert (first["successor"], second["replaces"], second["successor"]) == (new["id"], [old["id"]], None)
    assert abs(seconds(first["expires"]) - time.time() - 7200) < 60
    assert first["expires"] == new["until"]
    assert abs(seconds(second["expires"]) - time.time() - 30 * DAY) < 60
    assert second["last_used"] is None


def test_the_new_one_stands_alone_on_standard_output(shell: Shell) -> None:
    old = made(shell)
    done = shell.good("token", "rotate", old["id"])
    assert tokens.well_formed(done.out.strip())
    assert f"{old['id']} stays good until" in done.err


def test_an_overlap_never_makes_the_old_one_live_longer(shell: Shell) -> None:
    old = made(shell, "--expires", "1h")
    shell.good("token", "rotate", old["id"], "--overlap", "30d")
    assert listed(shell, old["id"])["expires"] == old["expires"]


@pytest.mark.parametrize("option", ["--expires", "--expires-in"])
def test_the_new_one_may_be_good_for_another_time(option: str, shell: Shell) -> None:
    new = shell.good("token", "rotate", made(shell)["id"], option, "3d", "--json").data
    assert abs(seconds(new["expires"]) - time.time() - 3 * DAY) < 60


def test_a_subject_names_its_token_where_it_has_only_one(shell: Shell) -> None:
    first = made(shell)
    second = shell.good("token", "rotate", "alice", "--json").data
    assert second["replaces"] == first["id"]
    third = shell.good("token", "rotate", "alice", "--json").data
    assert listed(shell, third["id"])["replaces"] == [first["id"], second["id"]]
    other = made(shell)
    done = shell("token", "rotate", "alice")
    assert done.code == 1
    assert third["id"] in done.err
    assert other["id"] in done.err


def test_what_has_a_successor_is_not_rotated_again(shell: Shell) -> None:
    old = made(shell)
    new = shell.good("token", "rotate", old["id"], "--json").data
    done = shell("token", "rotate", old["id"])
    assert done.code == 1
    assert new["id"] in done.err
    assert len(shell.good("token", "list", "--all", "--json").data) == 2


def test_what_was_revoked_or_expired_does_not_come_back(shell: Shell) -> None:
    gone = made(shell)
    shell.good("token", "revoke", gone["id"])
    altered(shell, gone["id"], expires=time.time() - 1, revoked=None)
    for ident in (gone["id"], "tok_altered", "tok_000000000000"):
        assert shell("token", "rotate", ident).code == 1
    assert len(shell.good("token", "list", "--all", "--json").data) == 2


def test_a_line_of_tokens_has_an_end(shell: Shell) -> None:
    """Ours: each carries the ids of all before it, for rules that speak of them."""
    first = made(shell)
    altered(shell, first["id"], subject="bo", replaces=tuple(f"tok_{each}" for each in range(64)))
    done = shell("token", "rotate", "tok_altered")
    assert done.code == 1
    assert "Make a new one" in done.err


@pytest.mark.parametrize(
    "words", [("--overlap", "2"), ("--overlap", "-1h"), ("--expires", "400d"), ("--expires", "x")], ids=" ".join
)
def test_a_rotation_that_cannot_be_is_wrong_usage(words: tuple[str, ...], shell: Shell) -> None:
    old = made(shell)
    assert shell("token", "rotate", old["id"], *words).code == 2
    assert shell("token", "rotate", old["token"]).code == 2, "the token itself is no name for it"
    assert shell("token", "rotate").code == 2
    assert listed(shell, old["id"])["successor"] is None


def test_a_rule_against_a_token_holds_for_its_successor(shell: Shell) -> None:
    old = made(shell, "--role", "developer")
    rule = f'  - {{name: not-this-one, deny: ["*"], clients: [{old["id"]}]}}\n'
    shell.file.write_text(CONFIG.replace("rules:\n", f"rules:\n{rule}"))
    new = shell.good("token", "rotate", old["id"], "--json").data
    answer = shell.good("why", new["id"], "files.read_x", "--json").data["answers"][0]
    assert answer["rule"] == "not-this-one"


def test_revoking_a_rotated_token_says_that_its_successor_stays_good(shell: Shell) -> None:
    old = made(shell)
    new = shell.good("token", "rotate", old["id"], "--json").data
    done = shell.good("token", "revoke", old["id"])
    assert f"ostiary token revoke {new['id']}" in done.err
    assert shell.good("token", "revoke", "--subject", "alice").err == ""


# list and doctor


def test_the_list_says_what_was_rotated_and_what_ends_soon(shell: Shell) -> None:
    old, soon = made(shell), made(shell, "--expires", "5d", subject="bo")
    made(shell, "--tool", "files.read_*", "--view", "support", subject="cy")
    new = shell.good("token", "rotate", old["id"], "--overlap", "1h", "--json").data
    rows = {line.split()[0]: line for line in shell.good("token", "list").out.splitlines()}
    assert f"rotated → {new['id']} until {listed(shell, old['id'])['expires']}" in rows[old["id"]]
    assert "(in 5 days)" in rows[soon["id"]]
    assert "(in " not in rows[new["id"]]
    assert any("view support, files.read_*" in row for row in rows.values())
    data = {each["id"]: each for each in shell.good("token", "list", "--json").data}
    assert [data[each]["expiring"] for each in (old["id"], soon["id"], new["id"])] == [True, True, False]


def told(shell: Shell) -> list[tuple[str, str, str]]:
    found = shell("doctor", "--json").data
    return [(each["level"], each["text"], each["todo"]) for each in found if each["topic"] == "tokens"]


def test_the_doctor_tells_of_tokens_that_end_without_a_successor(shell: Shell) -> None:
    old = made(shell, "--expires", "5d")
    assert told(shell) == [("warning", f"{old['id']} of alice expires in 5 days", f"ostiary token rotate {old['id']}")]
    shell.good("token", "rotate", old["id"], "--expires", "90d")
    assert [level for level, _, _ in told(shell)] == ["ok"]


def test_the_doctor_tells_of_a_rotated_token_that_is_still_used(shell: Shell) -> None:
    old = made(shell)
    new = shell.good("token", "rotate", old["id"], "--json").data
    engine = database.opened(shell.data)
    database.touch_tokens(engine, {old["id"]: time.time() + 5})
    engine.dispose()
    [(level, text, todo)] = told(shell)
    assert level == "warning"
    assert "was rotated and is still used; it ends in 24 hours" in text
    assert new["id"] in todo


# create


def test_a_token_is_narrowed_to_views_and_tools(shell: Shell) -> None:
    done = shell.good("token", "create", "--subject", "alice", "--view", "support", "--tool", "files.read_x", "--json")
    found = listed(shell, done.data["id"])
    assert (found["views"], found["tools"]) == (["support"], ["files.read_x"])
    words = shell.good("token", "create", "--subject", "alice", "--view", "support").err
    assert "/views/support/mcp only" in words


@pytest.mark.parametrize(
    "words",
    [("--view", "suport"), ("--tool", "files"), ("--tool", "*"), ("--tool", "*.read_x"), ("--tool", "fils.read_x"),
     ("--tool", "crm.x", "--server", "files"), tuple(word for each in range(65) for word in ("--tool", f"files.t{each}"))],
    ids=lambda words: " ".join(words[:4]),
)  # fmt: skip
def test_what_would_narrow_to_nothing_or_to_everything_is_wrong_usage(words: tuple[str, ...], shell: Shell) -> None:
    assert shell("token", "create", "--subject", "alice", *words).code == 2
    assert shell.good("token", "list", "--json").data == []


# why and who-can


@pytest.mark.parametrize(
    ("words", "allowed", "said"),
    [
        (("--tool", "files.read_*"), True, "narrowed to files.read_*"),
        (("--tool", "files.write_*"), False, "narrowed to other servers or tools"),
        (("--server", "crm"), False, "narrowed to other servers or tools"),
        (("--view", "support"), True, "narrowed to view support"),
        (("--view", "other"), False, "the token is good at /views/other/mcp only, which does not include it"),
    ],
)
def test_a_decision_says_what_the_token_is_narrowed_to(
    words: tuple[str, ...], allowed: bool, said: str, shell: Shell
) -> None:
    shell.file.write_text(CONFIG.replace("views:\n", "views:\n  other: {include: [crm.*]}\n"))
    token = made(shell, "--role", "developer", *words)
    test_cli.offered(shell, test_cli.tool("read_x"), approved=(test_cli.tool("read_x"),))
    answer = shell.good("why", token["id"], "files.read_x", "--json").data["answers"][0]
    assert answer["allowed"] is allowed
    assert said in str(answer)
    assert said in shell.good("why", token["id"], "files.read_x").out
    able = shell.good("who-can", "files.read_x", "--json").data["tokens"]
    assert [each["id"] for each in able] == ([token["id"]] if allowed else [])


def test_a_decision_counts_the_scopes_that_others_bring(shell: Shell) -> None:
    rule = "  - {name: scoped, allow: [files.read_x], roles: [lead], scopes: [files.read]}\n"
    text = CONFIG.replace("rules:\n", f"rules:\n{rule}").replace(
        "data: data}", "data: data, scopes: {files.all: [files.read]}}"
    )
    shell.file.write_text(f"{text}  - who: {{roles: [lead], scopes: [files.all]}}\n    can: [files.read_x]\n")
    made(shell, "--role", "lead", "--scope", "files.all")
    for who in ("alice", "role=lead,scope=files.all"):
        answer = shell.good("why", who, "files.read_x", "--json").data["answers"][0]
        assert answer["rule"] == "scoped"
    refused = shell.good("why", "role=lead,scope=files.read_", "files.read_x", "--json").data["answers"][0]
    assert refused["because"] == "rule scoped would allow it with the scope files.read"


def test_a_token_that_the_database_holds_says_nothing_of_its_secret(shell: Shell) -> None:
    new = shell.good("token", "rotate", made(shell)["id"], "--json").data
    engine = database.opened(shell.data)
    found: list[Token] = database.all_tokens(engine)
    engine.dispose()
    assert new["token"] not in str(found)

"""`ostiary approvals`: whose approval a call waits for, who may give it, and what the ledger is told."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import msgspec
import pytest

from ostiary.adapters.store import database, holds, keys
from ostiary.adapters.store.holds import Holds
from ostiary.core.errors import Held
from ostiary.core.ports import Wish
from ostiary.core.rules import Approval
from ostiary.entry.chores import Chore
from ostiary.entry.holding import telling
from tests.contract import test_cli
from tests.contract.test_cli import Done, Shell

CONFIG: Final = """\
gateway: {url: "http://127.0.0.1:8080"}
servers: {crm: {command: [crm]}}
rules:
  - {name: large, allow: [crm.refund], teams: [support], approval: {by: [lead, ciso], quorum: 2}}
"""
WISH: Final = Wish(
    "ostiary", "ann", "tok_1", "crm.refund", "tools/call", "rules/large", "the rule large wants it",
    {"name": "refund", "arguments": {"amount": 500}}, (Approval("large", frozenset({"lead", "ciso"}), 2, 900.0),),
)  # fmt: skip
GUARDED: Final = msgspec.structs.replace(WISH, by="orders/request", reason="orders: 1 x override", needs=())


shell = test_cli.shell


class Desk:
    """The data folder of a gateway that holds calls, and the tokens of people who decide."""

    def __init__(self, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run, self._monkeypatch = shell, monkeypatch
        shell.file.write_text(CONFIG)
        data = shell.folder / "ostiary-data"
        self.engine = database.opened(data)
        self._ask = Holds(self.engine, keys.Sealer(keys.key(data, keys.SEAL)), time.time)

    def hold(self, wish: Wish = WISH) -> str:
        with pytest.raises(Held):
            asyncio.run(self._ask(wish))
        return holds.listed(self.engine, time.time())[-1].id

    def passes(self, wish: Wish = WISH) -> str:
        return asyncio.run(self._ask(wish))

    def token(self, subject: str, *more: str) -> str:
        """Return the reference under which somebody's new token can be found."""
        made = self.run.good("token", "create", "--subject", subject, "--expires", "1h", "--json", *more)
        name = f"TOKEN_{subject.upper()}"
        self._monkeypatch.setenv(name, made.data["token"])
        return f"env:{name}"

    def approve(self, ident: str, *who: str) -> Done:
        return self.run("approvals", "approve", ident, *who)

    def listed(self) -> list[Any]:
        found: list[Any] = self.run.good("approvals", "list", "--all", "--json").data["approvals"]
        return found


@pytest.fixture
def desk(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(shell, monkeypatch)


def test_people_who_prove_who_they_are_approve_together(desk: Desk) -> None:
    ident = desk.hold()
    lea, max_ = desk.token("lea", "--role", "lead"), desk.token("max", "--role", "ciso")
    first = desk.approve(ident, "--as", lea)
    assert first.code == 0
    assert "approved by you, and waits for 1 more" in first.out
    [waits] = desk.listed()
    assert (waits["state"], waits["approved_by"]) == ("waiting", ["lea"])
    assert waits["rules"] == [{"rule": "large", "by": ["ciso", "lead"], "quorum": 2, "within": 900.0, "left": 1}]
    assert "may pass once" in desk.approve(ident, "--as", max_).out
    assert desk.passes() == f"lea, max ({ident})"


@pytest.mark.parametrize(
    ("subject", "more", "why"),
    [
        ("ann", ("--role", "lead"), "nobody approves a call of their own"),
        ("bob", ("--role", "dev"), "it takes 2 people with the role ciso or lead"),
        ("lea", ("--role", "lead", "--server", "other"), "narrowed to something else"),
    ],
)
def test_who_may_not_is_told_why(desk: Desk, subject: str, more: tuple[str, ...], why: str) -> None:
    desk.run.file.write_text(CONFIG.replace("servers: {", "servers: {other: {command: [other]}, "))
    ident = desk.hold()
    said = desk.approve(ident, "--as", desk.token(subject, *more))
    assert said.code == 1
    assert why in " ".join(said.err.split())
    assert desk.listed()[0]["approved_by"] == []


def test_who_does_not_say_who_they_are_approves_nothing_that_a_rule_holds(desk: Desk) -> None:
    ident = desk.hold()
    said = desk.approve(ident)
    assert said.code == 1
    assert "--as" in said.err
    assert desk.run("approvals", "refuse", ident).code == 0, "to stop a call takes nobody's role"
    assert desk.listed()[0]["state"] == "refused"


def test_a_credential_that_the_gateway_would_not_take_is_nobodys(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ident = desk.hold()
    monkeypatch.setenv("FORGED", "ost_forged")
    monkeypatch.setenv("MADE_UP", "eyJhbGciOiJub25lIn0.e30.")
    for reference in ("env:FORGED", "env:MADE_UP", "env:MISSING"):
        said = desk.approve(ident, "--as", reference)
        assert said.code == 1
        assert "ost_forged" not in said.err
    assert desk.approve(ident, "--as", "ost_secret").code == 2, "a token itself would be in the shell's history"
    shut = desk.token("lea", "--role", "lead")
    assert desk.run("quarantine", "add", "person", "lea", "--reason", "lost laptop").code == 0
    assert "shut out" in desk.approve(ident, "--as", shut).err


def test_whoever_runs_the_gateway_approves_what_guards_hold(desk: Desk) -> None:
    ident = desk.hold(GUARDED)
    assert "whoever runs the" in desk.run("approvals", "list").out
    assert desk.approve(ident).code == 0
    assert desk.passes(GUARDED)


def test_a_call_is_shown_with_its_arguments_and_who_may_approve(desk: Desk) -> None:
    ident = desk.hold()
    shown = desk.run.good("approvals", "show", ident, "--json").data
    assert shown["arguments"] == WISH.arguments
    assert shown["rules"][0]["by"] == ["ciso", "lead"]
    assert desk.approve("h_none").code == 1


def once(chore: Chore) -> None:
    async def do() -> None:
        await chore()

    asyncio.run(do())


def test_the_ledger_is_told_once_of_everything(desk: Desk) -> None:
    heard: list[str] = []
    stopped, moves = [True], [0]
    chore = telling(desk.engine, lambda: moves[0], lambda kind, said: heard.append(kind), lambda: stopped[0])
    ident = desk.hold()
    once(chore)
    assert heard == [], "while the ledger is stopped, it stays in the database"
    stopped[0] = False
    once(chore)
    desk.approve(ident, "--as", desk.token("lea", "--role", "lead"))
    once(chore)
    assert heard == ["call_held"], "nothing is looked at while nothing moved"
    moves[0] += 1
    once(chore)
    assert heard == ["call_held", "call_approved"]


def test_commands_say_that_a_call_is_held(desk: Desk) -> None:
    found = desk.run.good("why", "team=support,role=x", "crm.refund", "--json").data["answers"][0]
    assert (found["decision"], found["held"], found["rule"]) == ("allow", True, "large")
    assert found["because"] == (
        "rule large allows it, but it is held: the rule large wants the approval of 2 people with the role ciso or lead"
    )
    assert found["rules"][0]["approval"] == "2 people with the role ciso or lead"
    assert "once approved by 2 people" in " ".join(desk.run.good("why", "team=support", "crm.refund").out.split())
    desk.token("sue", "--team", "support")
    [token] = desk.run.good("who-can", "crm.refund", "--json").data["tokens"]
    assert token["when"] == "2 people with the role ciso or lead approve it"


def test_a_comparison_says_that_an_approval_is_wanted(desk: Desk) -> None:
    old = desk.run.folder / "old.yaml"
    old.write_text(CONFIG.replace(", approval: {by: [lead, ciso], quorum: 2}", ""))
    said = desk.run("diff", str(old), str(desk.run.file))
    assert said.code == 1
    plain = " ".join(said.out.split())
    assert "keeps crm.refund, now if 2 people with the role ciso or lead approve it; before, always" in plain
    new = desk.run.folder / "new.yaml"
    new.write_text(CONFIG + "  - {name: none, deny: [crm.refund], unless_approved: {by: [ceo]}}\n")
    plain = " ".join(desk.run("diff", str(desk.run.file), str(new)).out.split())
    assert "unless no person with the role ceo approves it" in plain

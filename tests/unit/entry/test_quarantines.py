"""What a process knows to be shut out: as of the very next call, and nobody comes in while it cannot be known."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from ostiary.config.schema import Config
from ostiary.core.errors import Overloaded, Quarantined, Unauthenticated
from ostiary.core.model import Caller, Inbound, Kind, Target
from ostiary.entry.quarantines import Quarantines
from ostiary.operate.revise import Revisions
from ostiary.policy.quarantine import Quarantine

ANA = Caller("ana", "ostiary", "tok_1", "token", 9e9, tags=frozenset({"*", "subject:ana", "client:tok_1"}))
BOB = Caller("bob", "ostiary", "tok_2", "token", 9e9, tags=frozenset({"*", "subject:bob", "client:tok_2"}))
PUSH = Target("crm", Kind.TOOL, "push", "crm.push", "crm__push")


def shut(kind: str, what: str, **more: Any) -> Quarantine:
    return Quarantine(f"q_{what}", kind, what, "because", "op@host", 1.0, **more)


class Stand:
    """A database, a counter and a clock that a test moves."""

    def __init__(self, *rows: Quarantine) -> None:
        self.rows, self.moved, self.now, self.reads = list(rows), 1, 10.0, 0
        self.broken = False
        plain = {"gateway": {"url": "http://localhost:8080"}, "servers": {"crm": {"command": ("y",)}}}
        self.revisions = Revisions(Config.model_validate(plain), "d")
        self.it = Quarantines(self.read, lambda: self.moved, self.revisions, lambda: self.now)

    def read(self) -> list[Quarantine]:
        self.reads += 1
        if self.broken:
            raise OperationalError("select", {}, Exception("database is locked"))
        return [each for each in self.rows if each.stands(self.now)]

    def put(self, *rows: Quarantine) -> None:
        self.rows, self.moved = list(rows), self.moved + 1


def test_what_stands_at_the_start_counts_from_the_first_call_on() -> None:
    on = Stand(shut("person", "ana"))
    with pytest.raises(Quarantined) as caught:
        on.it.admit(ANA)
    assert caught.value.detail == "quarantine:q_ana"
    assert caught.value.caller is ANA
    assert "because" not in caught.value.message, "why is for the ledger"
    on.it.admit(BOB)


def test_a_gateway_that_cannot_know_it_at_the_start_does_not_start() -> None:
    plain = {"gateway": {"url": "http://localhost:8080"}}
    revisions = Revisions(Config.model_validate(plain), "d")

    def read() -> list[Quarantine]:
        raise OperationalError("select", {}, Exception("no such table"))

    with pytest.raises(OperationalError):
        Quarantines(read, lambda: 1, revisions, lambda: 0.0)


def test_it_is_looked_at_anew_by_the_first_call_after_the_counter_moved_and_by_no_other() -> None:
    on = Stand()
    before = on.it.current()
    assert (on.it.current(), on.reads) == (before, 1)
    on.put(shut("person", "ana"))
    after = on.it.current()
    assert after.revision > before.revision, "what was planned for callers is forgotten"
    assert (on.it.current(), on.reads, on.it.changes) == (after, 2, 2 - 1)
    with pytest.raises(Quarantined):
        on.it.admit(ANA)
    on.moved += 1
    assert on.it.current() is after, "something else moved the counter"
    assert (on.it.reads, on.it.changes) == (3, 1)


def test_it_is_over_when_its_time_is_over_though_nobody_moved_anything() -> None:
    on = Stand(shut("person", "ana", expires=20.0), shut("server", "crm", expires=30.0))
    assert on.it.unwanted(BOB, PUSH)
    on.now = 20.0
    on.it.look()
    on.it.admit(ANA)
    assert on.it.unwanted(BOB, PUSH)
    on.now = 30.0
    on.it.look()
    assert not on.it.unwanted(ANA, PUSH)
    reads = on.reads
    on.it.look()
    assert on.reads == reads


def test_nobody_comes_in_while_it_cannot_be_read_and_every_call_tries_again() -> None:
    on = Stand()
    before, on.broken, on.moved = on.it.current(), True, 2
    assert on.it.current().revision > before.revision
    for _ in range(2):
        again = on.it.current()
        with pytest.raises(Overloaded):
            on.it.admit(BOB)
    assert on.reads == 4
    assert again is on.it.current(), "it is not made anew each time"
    on.broken = False
    on.it.current()
    on.it.admit(BOB)


def test_what_could_not_be_compiled_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    on = Stand()
    on.put(shut("server", "crm"))

    def broken(_marks: object) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as patched:
        patched.setattr(on.revisions, "quarantined", broken)
        for _ in range(2):
            with pytest.raises(RuntimeError):
                on.it.current()
    on.it.current()
    assert on.it.unwanted(BOB, PUSH)


async def test_the_ports_let_through_what_they_are_asked_about_and_nobody_who_is_shut_out() -> None:
    on = Stand(shut("person", "ana"))
    found: list[Caller] = []

    async def identify(_message: Inbound) -> Caller:
        if not found:
            raise Unauthenticated("nobody")
        return found[0]

    async def standing(caller: Caller) -> bool:
        await asyncio.sleep(0)
        return caller is not BOB

    async def body() -> bytes:
        return b""

    message = Inbound("POST", "/mcp", {}, frozenset(), "x", "", body)
    identified, stands = on.it.identifying(identify), on.it.attending(standing)
    with pytest.raises(Unauthenticated):
        await identified(message)
    found.append(ANA)
    with pytest.raises(Quarantined):
        await identified(message)
    found[0] = BOB
    assert await identified(message) is BOB
    assert not await stands(ANA)
    assert not await stands(BOB), "what ends a stream otherwise ends it still"
    on.put()
    on.it.current()
    assert await stands(ANA)
    on.broken, on.moved = True, 9
    on.it.current()
    assert not await stands(ANA)


def test_readiness_names_servers_and_tools_and_no_caller() -> None:
    """Ours: everybody with a credential may read it."""
    on = Stand(shut("person", "ana"), shut("tool", "crm.push", expires=20.0))
    assert on.it.told() == (
        {"id": "q_ana", "kind": "person", "since": 1.0, "until": None},
        {"id": "q_crm.push", "kind": "tool", "what": "crm.push", "since": 1.0, "until": 20.0},
    )

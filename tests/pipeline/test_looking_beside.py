"""What is read beside the event loop is read whole, or the call does not go on: cancelled, out of time, or failed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ostiary.adapters.store.pseudonyms import Pseudonyms
from ostiary.core.screening import Block, Looks, Pass, Payload, Redact, Screen, Side, Text, Verdict
from ostiary.guards.acting import Then
from ostiary.guards.found import Found
from ostiary.pipeline.looking import Local, Wanted
from ostiary.pipeline.screening import looked
from ostiary.pipeline.turns import TURN, Turns

LONG = "The lift works again. " * 2_000
WANTED = Wanted(lambda _: True, 0.5)


def payload(text: str) -> Payload:
    return Payload(Side.ANSWER, "crm", "crm.find", "tools/call", "run", (Text(("text",), text),))


class Gate:
    """Looks for `KEY`, waits in each piece until it may go on, and remembers what it was shown."""

    def __init__(self) -> None:
        self.begun, self.open, self.shown = threading.Event(), threading.Event(), list[str]()

    def __call__(self, text: str, _key: str, _surface: str) -> tuple[Found, ...]:
        self.shown.append(text)
        self.begun.set()
        assert self.open.wait(10)
        at = text.find("KEY")
        return (Found(at, at + 3, "secret", "secret.password", 1.0),) if at >= 0 else ()


def guard(gate: Gate, then: Then = Then.REDACT) -> Local:
    return Local(gate, then, WANTED, Pseudonyms(b"k" * 32))


@contextmanager
def opening(gate: Gate) -> Iterator[None]:
    """Let the thread go in the end, whatever happens: it is the only one."""
    try:
        yield
    finally:
        gate.open.set()


async def begun(gate: Gate) -> None:
    async with asyncio.timeout(10):
        while not gate.begun.is_set():
            await asyncio.sleep(0)


async def test_a_call_that_is_cancelled_while_its_text_is_read_says_nothing() -> None:
    gate = Gate()
    with opening(gate):
        task = asyncio.create_task(guard(gate)(payload(LONG)))
        await begun(gate)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(gate.shown) == 1, "and no further piece was begun"


async def test_what_was_cancelled_half_read_is_read_whole_the_next_time() -> None:
    gate = Gate()
    looks = guard(gate, Then.BLOCK)
    with opening(gate):
        task = asyncio.create_task(looks(payload(LONG + "KEY")))
        await begun(gate)
        task.cancel()
        await asyncio.wait({task})
    assert await looks(payload(LONG + "KEY")) == Block("secret.password")
    assert "KEY" in gate.shown[-1]


async def test_a_guard_that_has_no_time_left_while_it_reads_beside_stops_the_call() -> None:
    gate, record = Gate(), Looks([], [])
    with opening(gate):
        said = await looked(Screen("it", guard(gate), 0.01), payload(LONG), lambda: 0.0, record)
    assert said == Block("the guard could not look: it took longer than 0.01 s")
    assert [each.verdict for each in record.looked] == ["failed"]


async def test_a_guard_that_waits_for_its_turn_behind_others_has_no_more_time_for_that() -> None:
    """Else a long answer of one call would let another one pass unread, or wait for ever."""
    gate, other, record = Gate(), Gate(), Looks([], [])
    other.open.set()
    with opening(gate):
        busy = asyncio.create_task(guard(gate)(payload(LONG)))
        await begun(gate)
        said = await looked(Screen("it", guard(other), 0.01), payload(LONG + "KEY"), lambda: 0.0, record)
        assert isinstance(said, Block)
        assert other.shown == [], "it was not read, and it does not pass"
    assert await busy == Pass()
    assert other.shown == [], "nor is what nobody waits for read later"


async def test_what_fails_beside_the_loop_stops_the_call() -> None:
    def failing(_text: str, _key: str, _surface: str) -> tuple[Found, ...]:
        raise ZeroDivisionError

    record = Looks([], [])
    local = Local(failing, Then.NOTE, WANTED, Pseudonyms(b"k" * 32))
    said = await looked(Screen("it", local, 10.0), payload(LONG), lambda: 0.0, record)
    assert said == Block("the guard could not look: it failed with ZeroDivisionError")


async def test_two_calls_that_are_read_at_once_are_told_what_is_in_their_own() -> None:
    gate = Gate()
    gate.open.set()
    looks = guard(gate)
    said: list[Verdict] = await asyncio.gather(
        *(looks(payload(f"{LONG}{each}")) for each in ("KEY", "nothing", "a KEY"))
    )
    assert [isinstance(each, Redact) for each in said] == [True, False, True]


async def test_what_is_found_again_wherever_it_is_replaced_stops_the_call() -> None:
    def always(text: str, _key: str, _surface: str) -> tuple[Found, ...]:
        return (Found(len(text) - 1, len(text), "secret", "secret.password", 1.0),) if text[-1:].isalnum() else ()

    class Growing(Pseudonyms):
        def token(self, run: str, kind: str, value: str) -> str:
            return f"{value}x"

    said = await Local(always, Then.TOKENIZE, WANTED, Growing(b"k" * 32))(payload("abc"))
    assert said == Block("secret.password, and something again wherever it was replaced")


async def test_short_work_is_done_at_once_and_others_have_their_turn_in_between() -> None:
    turns, here = Turns(), threading.get_ident()
    assert await turns.over(TURN, threading.get_ident) == here
    assert await turns.over(TURN, threading.get_ident) == here
    assert await turns.over(TURN + 1, threading.get_ident) != here

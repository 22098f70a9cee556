"""What is kept of sessions and their streams is bounded in what it takes, and is its session's alone."""

from __future__ import annotations

import asyncio
import itertools
import tracemalloc
from collections.abc import Callable

from ostiary.pipeline.journal import Journals
from ostiary.pipeline.sessions import Sessions

BUDGET = 1024 * 1024


def numbered() -> Callable[[], str]:
    count = itertools.count()
    return lambda: f"stream-{next(count)}"


def spoken(journals: Journals, session: str, events: int = 2) -> str:
    """Play one whole stream, and return the id of its first event."""
    journal = journals.begin(session)
    idents = [journal.append(bytes(150)) for _ in range(events)]
    journal.finish()
    return idents[0]


def test_many_small_streams_take_no_more_memory_than_the_budget() -> None:
    """Ours: counting the text alone let a million small answers take ten times the budget."""
    journals = Journals(numbered(), BUDGET)
    tracemalloc.start()
    try:
        for number in range(20_000):
            spoken(journals, f"session-{number % 200}")
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 2 * BUDGET


def test_the_newest_streams_are_the_ones_that_are_kept() -> None:
    journals = Journals(numbered(), BUDGET)
    oldest = spoken(journals, "s")
    for _ in range(5000):
        newest = spoken(journals, "s")
    assert journals.find("s", oldest) is None
    assert journals.find("s", newest) is not None


def test_an_event_id_is_worth_nothing_in_another_session() -> None:
    journals = Journals(numbered(), BUDGET)
    mine = spoken(journals, "mine")
    assert journals.find("mine", mine) is not None
    assert journals.find("yours", mine) is None


def test_a_stream_that_speaks_on_after_its_session_ended_takes_nothing_from_the_others() -> None:
    journals = Journals(numbered(), BUDGET)
    for _ in range(50):
        journal = journals.begin("gone")
        journals.forget("gone")
        for _ in range(10):
            journal.append(bytes(4000))
        journal.finish()
    kept = spoken(journals, "here")
    assert journals.find("here", kept) is not None


async def test_a_follower_hears_what_was_said_and_what_is_said_later() -> None:
    journals = Journals(numbered(), BUDGET)
    journal = journals.begin("s")
    first = journal.append(b"one")
    found = journals.find("s", first)
    assert found is not None
    following = found[0].after(found[1] - 1)
    heard = [(await anext(following))[1]]
    journal.append(b"two")
    journal.finish()
    heard += [data async for _, data in following]
    assert heard == [b"one", b"two"]


class NoSeal:
    """Opens and closes nothing: these tests begin no session."""

    def close(self, purpose: str, content: bytes) -> str:
        raise AssertionError

    def open(self, purpose: str, sealed: str) -> bytes:
        raise AssertionError


class NoneEnded:
    """Knows no session that ended."""

    def add(self, session: str, until: float) -> None:
        raise AssertionError

    def __contains__(self, session: object) -> bool:
        return False


def sessions() -> Sessions:
    return Sessions(NoSeal(), NoneEnded(), lambda: 0.0, numbered(), 60.0)


async def test_a_session_in_which_nothing_goes_on_takes_no_memory() -> None:
    """Ours: each session that ever called left something behind, up to twenty thousand of them."""
    held = sessions()
    for number in range(100):
        with held.carrying(f"session-{number}", 1), held.carrying(f"session-{number}", 2):
            assert len(held._live) == 1
    assert held._live == {}


async def test_a_cancellation_reaches_the_call_of_its_own_session_only() -> None:
    """Everybody has a call of id 1 in flight."""
    held, begun = sessions(), asyncio.Barrier(4)

    async def call(session: str) -> None:
        with held.carrying(session, 1):
            await begun.wait()
            await asyncio.Event().wait()

    tasks = {session: asyncio.create_task(call(session)) for session in ("a", "b", "c")}
    await begun.wait()
    held.cancel("b", 1)
    held.cancel("b", 2)
    held.cancel("nobody", 1)
    await asyncio.wait({tasks["b"]}, timeout=5)
    assert [session for session, task in tasks.items() if task.cancelled()] == ["b"]
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    assert held._live == {}

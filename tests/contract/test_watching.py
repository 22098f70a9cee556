"""What is watched upstream: once for all who want it, for as long as somebody does, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from ostiary.adapters.upstream import watching
from ostiary.adapters.upstream.lines import Ears
from ostiary.adapters.upstream.watching import Watcher
from ostiary.core.errors import GatewayError, Overloaded, Unreachable
from ostiary.core.model import Json
from ostiary.core.ports import Change, Release, Watched

WAIT = 10.0
REFUSED: Json = {"code": -32002, "message": "no such resource"}


class FakeLine:
    """One line to the fake server."""

    def __init__(self, server: FakeServer, ears: Ears) -> None:
        self.server, self.ears = server, ears
        self.over = False
        self.told: frozenset[str] = frozenset()

    async def keep(self, wanted: frozenset[str]) -> Mapping[str, Json]:
        await asyncio.sleep(0)
        if self.over or self.server.down:
            raise Unreachable("down")
        self.server.asked.append(wanted)
        self.told = wanted - self.server.unknown
        return dict.fromkeys(wanted & self.server.unknown, REFUSED)

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.over = True
        self.server.lines.discard(self)


class FakeServer:
    """A server that tells what changes, may be down, and may not know some resources."""

    def __init__(self) -> None:
        self.lines: set[FakeLine] = set()
        self.asked: list[frozenset[str]] = []
        self.unknown: frozenset[str] = frozenset()
        self.down = False
        self.opened = 0

    async def begin(self, ears: Ears) -> FakeLine:
        await asyncio.sleep(0)
        if self.down:
            raise Unreachable("down")
        self.opened += 1
        line = FakeLine(self, ears)
        self.lines.add(line)
        return line

    @property
    def told(self) -> set[str]:
        """What it tells of at present."""
        return {uri for line in self.lines if not line.over for uri in line.told}

    def update(self, uri: str) -> None:
        for line in self.lines:
            line.ears.hear(uri)

    def drop(self) -> None:
        for line in list(self.lines):
            line.over = True
            line.ears.stir()


class Place:
    """A watcher, its server, and what was told."""

    def __init__(self, pause: float = 0.0) -> None:
        self.server, self.ended, self.heard = FakeServer(), 0, list[tuple[str, str]]()
        self.watcher = Watcher("files", self.server.begin, self._over, lambda _: pause)

    def _over(self) -> None:
        self.ended += 1

    def tell(self, change: Change | None) -> None:
        assert change is not None
        self.heard.append((change.uri, change.watched))

    async def add(self, uri: str) -> Watched:
        async with asyncio.timeout(WAIT):
            return await self.watcher.add(uri, self.tell)


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(WAIT):
        while not true():
            await asyncio.sleep(0)


async def test_a_resource_is_asked_for_once_however_many_want_it() -> None:
    place = Place()
    first, second, third = await asyncio.gather(*(place.add("a://1") for _ in range(3)))
    assert place.server.asked == [{"a://1"}]
    assert place.watcher.wanted == {"a://1": 3}
    place.server.update("a://1")
    assert place.heard == [("a://1", "a://1")] * 3
    for each in (first, second, first, second, first):
        each.release()
    assert place.watcher.wanted == {"a://1": 1}, "releasing twice counts once"
    third.release()
    await until(lambda: place.ended)
    assert (place.server.told, place.server.lines) == (set(), set())


async def test_another_set_is_asked_for_on_the_same_line() -> None:
    place = Place()
    one, two = await place.add("a://1"), await place.add("a://2")
    one.release()
    await until(lambda: place.server.told == {"a://2"})
    assert place.server.asked == [{"a://1"}, {"a://1", "a://2"}, {"a://2"}]
    assert place.server.opened == 1
    two.release()


async def test_what_a_server_refuses_is_told_and_harms_nobody() -> None:
    place = Place()
    place.server.unknown = frozenset({"a://no"})
    good = await place.add("a://1")
    bad = await place.add("a://no")
    assert bad.error == REFUSED
    assert good.error is None
    assert place.watcher.wanted == {"a://1": 1}
    bad.release()
    place.server.update("a://1")
    assert place.heard == [("a://1", "a://1")]


async def test_a_server_that_is_down_is_told_at_once() -> None:
    place = Place(pause=3600.0)
    place.server.down = True
    with pytest.raises(Unreachable):
        await place.add("a://1")
    await until(lambda: place.ended == 1)
    assert place.watcher.wanted == {}


async def test_after_a_drop_it_is_asked_for_again_and_everyone_looks_once() -> None:
    """Spec (2026-07-28, "subscriptions/listen"): nothing is replayed, so whoever was away has to look again."""
    place = Place()
    kept = [await place.add("a://1"), await place.add("a://2")]
    place.server.drop()
    await until(lambda: place.server.opened == 2 and len(place.heard) == 2)
    assert sorted(place.heard) == [("a://1", "a://1"), ("a://2", "a://2")]
    assert place.server.told == {"a://1", "a://2"}
    assert all(each.error is None for each in kept)


async def test_somebody_new_does_not_wait_for_the_pause_after_a_failure() -> None:
    place = Place(pause=3600.0)
    await place.add("a://1")
    place.server.drop()
    await until(lambda: not place.server.lines)
    await place.add("a://2")
    await until(lambda: place.server.told == {"a://1", "a://2"})


async def test_what_moved_is_asked_for_at_its_new_place() -> None:
    place = Place()
    await place.add("a://1")
    old, place.server.opened = next(iter(place.server.lines)), 0
    place.watcher.move()
    await until(lambda: place.server.opened == 1 and place.heard)
    assert old.over
    assert place.server.told == {"a://1"}


async def test_a_change_of_a_part_is_told_to_who_watches_the_whole() -> None:
    """Spec (2026-07-28): the URI may be that of a sub-resource."""
    place = Place()
    for uri in ("file:///a", "file:///a/b/", "file:///ab"):
        await place.add(uri)
    place.server.update("file:///a/b/c")
    assert sorted(place.heard) == [("file:///a/b/c", "file:///a"), ("file:///a/b/c", "file:///a/b/")]
    place.heard.clear()
    place.server.update("file:///a/../ab/x")
    assert place.heard == [], "what could be read in two ways is a part of nothing"


async def test_what_one_principal_watches_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_URIS", 2)
    place = Place()
    await place.add("a://1")
    second = await place.add("a://2")
    with pytest.raises(Overloaded, match="at most 2 resources"):
        await place.add("a://3")
    second.release()
    await place.add("a://3")


async def test_who_gives_up_waiting_leaves_nothing_behind() -> None:
    place = Place()
    waiting = asyncio.create_task(place.add("a://1"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: place.ended == 1)
    assert (place.watcher.wanted, place.server.lines) == ({}, set())


URIS = st.sampled_from(["a://1", "a://2", "a://2/part", "b://3"])


class Counts(RuleBasedStateMachine):
    """However subscribing, leaving, drops and failures follow on each other, the server tells of what is wanted."""

    kept = Bundle("kept")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.place = Place()
        self.wanted: dict[int, str] = {}
        self.count = 0

    def run(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(work, WAIT))

    def turn(self, times: int = 40) -> None:
        async def turns() -> None:
            for _ in range(times):
                await asyncio.sleep(0)

        self.run(turns())

    @rule(target=kept, uri=URIS)
    def subscribe(self, uri: str) -> tuple[int, Release] | None:
        try:
            watched = self.run(self.place.add(uri))
        except GatewayError:
            return None
        if watched.error is not None:
            return None
        self.count += 1
        self.wanted[self.count] = uri
        return self.count, watched.release

    @rule(held=consumes(kept), twice=st.booleans(), turns=st.integers(0, 3))
    def leave(self, held: tuple[int, Release] | None, twice: bool, turns: int) -> None:
        if held is None:
            return
        ident, release = held
        release()
        if twice:
            release()
        del self.wanted[ident]
        self.turn(turns)

    @rule(uri=URIS, turns=st.integers(0, 4))
    def hang_up_while_waiting(self, uri: str, turns: int) -> None:
        async def hung_up() -> None:
            task = asyncio.create_task(self.place.watcher.add(uri, self.place.tell))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            done, _ = await asyncio.wait({task})
            for each in done:
                if not each.cancelled() and each.exception() is None:
                    each.result().release()

        self.run(hung_up())

    @rule(turns=st.integers(0, 6))
    def drop(self, turns: int) -> None:
        self.loop.call_soon(self.place.server.drop)
        self.turn(turns)

    @rule(down=st.booleans(), turns=st.integers(0, 6))
    def fail(self, down: bool, turns: int) -> None:
        self.place.server.down = down
        if down:
            self.loop.call_soon(self.place.server.drop)
        self.turn(turns)

    @rule(unknown=st.frozensets(URIS, max_size=2))
    def forget_some(self, unknown: frozenset[str]) -> None:
        self.place.server.unknown = unknown

    @rule()
    def move(self) -> None:
        self.place.watcher.move()

    @rule()
    def settle(self) -> None:
        """When all is well again, the server tells of exactly what is wanted."""
        self.place.server.down, self.place.server.unknown = False, frozenset()
        self.place.server.drop()
        self.turn(200)
        assert self.place.server.told == set(self.wanted.values())
        assert len(self.place.server.lines) == bool(self.wanted)

    @invariant()
    def every_count_is_right(self) -> None:
        counted: dict[str, int] = {}
        for uri in self.wanted.values():
            counted[uri] = counted.get(uri, 0) + 1
        assert self.place.watcher.wanted == counted

    def teardown(self) -> None:
        self.settle()
        assert not self.wanted or self.place.watcher.wanted
        self.place.watcher.close()
        self.turn()
        assert not asyncio.all_tasks(self.loop)
        self.loop.close()


TestCounts = Counts.TestCase
TestCounts.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)

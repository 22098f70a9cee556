"""A guard as calls meet it: it waits for its first proof, and what is known to be blind lets nothing through."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ostiary.config.parse import parse
from ostiary.config.schema import Config
from ostiary.core.model import Json
from ostiary.core.screening import Block, Pass, Payload, Side, Text, Verdict
from ostiary.entry import proving
from ostiary.entry.proving import Proving

HOUSE = "gateway: {url: 'http://127.0.0.1:8080'}\nservers: {}\n"
STOPPED = Block("the guard does not find what it should")


def config(*guards: str) -> Config:
    return parse(f"{HOUSE}guards: [{', '.join(guards)}]\n", "test.yaml")


KEYS = "{name: keys, use: secrets, then: block}"
ASKED = "{name: asked, use: lakera-guard, then: block, key: 'env:K'}"
OPEN = "{name: asked, use: lakera-guard, then: block, key: 'env:K', unsafe_open: true}"


def said(text: str = "words") -> Payload:
    return Payload(Side.ANSWER, "crm", "crm.find", "tools/call", "run", (Text(("text",), text),))


class House:
    """Guards whose eyes a test opens and closes."""

    def __init__(self, *guards: str) -> None:
        self.config, self.told = config(*guards), list[tuple[str, Json]]()
        self.blind = self.down = False
        self.proving = Proving(self.make, lambda: self.config, lambda kind, facts: self.told.append((kind, facts)))
        self.guards = self.proving.made(self.config)

    def make(self, wanted: Config) -> Any:
        return {each.name: self.look for each in wanted.guards if each.name != "gone"}

    async def look(self, payload: Payload) -> Verdict:
        if self.down:
            raise ConnectionError
        harmless = any(each in payload.texts[0].value for each in ("meeting", "words"))
        return Pass() if harmless or self.blind else Block("found")

    async def looked(self, name: str) -> Verdict:
        async with asyncio.timeout(10):
            return await self.guards[name](said())


async def test_a_call_waits_for_the_first_proof() -> None:
    house = House(KEYS)
    assert house.proving.failing() == {"keys": "it was not tried yet"}
    waiting = asyncio.create_task(house.looked("keys"))
    await asyncio.sleep(0)
    assert not waiting.done()
    await house.proving.round()
    assert await waiting == Pass()
    assert house.proving.failing() == {}


async def test_a_provider_is_asked_by_each_call_from_the_beginning() -> None:
    house = House(ASKED)
    assert await house.looked("asked") == Pass()


async def test_what_is_blind_lets_nothing_through_but_where_that_was_allowed() -> None:
    for guard, verdict in ((KEYS, STOPPED), (ASKED, STOPPED), (OPEN, Pass())):
        house = House(guard)
        house.blind = True
        await house.proving.round()
        assert await house.looked(next(iter(house.guards))) == verdict
    assert house.proving.failing() == {}
    assert list(house.proving.doubtful()) == ["asked"]


async def test_what_cannot_answer_is_left_to_itself_and_told() -> None:
    """It stops calls on its own, and the first one that it can answer again goes on."""
    house = House(ASKED)
    house.down = True
    await house.proving.round()
    assert house.proving.failing() == {"asked": "it fails with ConnectionError"}
    house.down = False
    assert await house.looked("asked") == Pass()


async def test_each_change_is_told_once() -> None:
    house = House(KEYS)
    house.blind = True
    for _ in range(2):
        await house.proving.round()
    house.blind = False
    for _ in range(2):
        await house.proving.round()
    assert [kind for kind, _ in house.told] == ["guard_failed", "guard_recovered"]
    assert house.told[0][1]["reason"].startswith("it does not find secret.")


async def test_a_guard_that_nobody_made_does_not_work() -> None:
    house = House("{name: gone, use: secrets, then: block}")
    await house.proving.round()
    assert house.proving.failing() == {"gone": "it is not running"}
    assert house.proving.working() == {"gone": False}


async def test_what_a_configuration_that_is_not_used_brings_is_not_told() -> None:
    house = House(KEYS)
    await house.proving.round()
    for _ in range(9):
        house.proving.made(config(KEYS))
        house.proving.made(config(ASKED))
    await house.proving.round()
    assert house.proving.working() == {"keys": True}


async def test_guards_are_proven_again_and_at_once_after_a_new_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "_AGAIN", 0.001)
    house = House(KEYS)
    house.blind = True
    running = asyncio.create_task(house.proving.run())
    async with asyncio.timeout(10):
        while not house.told:
            await asyncio.sleep(0)
        house.blind = False
        while len(house.told) < 2:
            await asyncio.sleep(0.001)
        house.config = config(KEYS.replace("block", "hold"))
        house.guards = house.proving.made(house.config)
        while len(house.told) < 3:
            await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.wait({running})
    assert [kind for kind, _ in house.told] == ["guard_failed", "guard_recovered", "guard_failed"]


async def test_a_proof_that_cannot_be_told_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "_AGAIN", 0.001)
    house, tried = House(KEYS), list[str]()
    house.blind = True

    def full(kind: str, _: Any) -> None:
        tried.append(kind)
        if len(tried) < 3:
            raise OSError

    house.proving = Proving(house.make, lambda: house.config, full)
    house.proving.made(house.config)
    running = asyncio.create_task(house.proving.run())
    async with asyncio.timeout(10):
        while len(tried) < 3:
            await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.wait({running})

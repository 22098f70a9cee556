"""The swift way beside the long one: it may decline, and what it carries is what `serve` would have."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random

import msgspec

from ostiary.core.model import MODERN, Answer, Caller, Charge, Inbound, Json, Order, Target
from ostiary.core.ports import Reply, Settle
from ostiary.pipeline.flight import Exchange, Told
from ostiary.pipeline.swift import Regular, Swift
from tests.properties import model
from tests.properties.choices import Choice, Door, choices
from tests.properties.drawn import Scene
from tests.properties.gateway import BODIES, Client, Gateway, Said, addressed, message, settled, snapshot
from tests.properties.model import Spot
from tests.properties.world import TOOL, Rule


class Way:
    """A line to a server that answers at once."""

    def __init__(self, gateway: Gateway, target: Target) -> None:
        self._gateway, self._target = gateway, target

    def hold(self) -> Exchange | None:
        return self

    def send(self, arguments: bytes, deadline: float, told: Told) -> None:
        self._gateway.flown.append((self._target.label, json.loads(arguments)))
        told.answered({"result": {"content": [], "resultType": "complete"}})

    def abandon(self) -> None:
        """Do nothing: the answer comes at once."""


class Ground:
    """Where a flight lands."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []

    def finish(self, answer: Answer) -> int:
        self.answers.append(answer)
        return 0

    def linger(self, rest: Callable[[Reply], Awaitable[None]]) -> None:
        raise AssertionError("every answer here comes at once")


class Airport:
    """A gateway with a swift way, and one caller whom it knows from before."""

    def __init__(self, gateway: Gateway, client: Client) -> None:
        self.gateway, self.client, self.caller = gateway, client, gateway.callers[client.person]
        self.still: Caller | None = self.caller
        self.swift = Swift(
            gateway.ports, lambda _message: lambda: self.still, _owing, lambda target: Way(gateway, target),
            BODIES.constant,
        )  # fmt: skip

    async def settled(self, spot: Spot, choice: Choice, said: Said) -> Regular | None:
        """Return what is kept after a call that `serve` carried."""
        regular = self.swift.regular(said.trail)
        if regular is not None:
            self.swift.plan(regular, said.trail, await self._asking(spot, choice).body())
        return regular

    async def flies(self, regular: Regular, spot: Spot, choice: Choice) -> Answer | None:
        """Return the answer of the swift way; None where it declines."""
        inbound, ground = self._asking(spot, choice), Ground()
        flight = self.swift.begin(regular, spot.name, await inbound.body(), ground)
        assert flight is None or len(ground.answers) == 1
        return ground.answers[0] if flight is not None else None

    def _asking(self, spot: Spot, choice: Choice) -> Inbound:
        method, params = addressed(spot.kind, spot.name, choice.given)
        return message(self.client, method, **params)


def _owing(charges: tuple[Charge, ...], caller: Caller, message: Inbound) -> Callable[[], Settle | None]:
    return lambda: settled


def kept(scene: Scene, draw: Random) -> Counter[str]:
    """Hold the swift way to what `serve` says, before and after a change; return which cases came up."""
    return asyncio.run(_kept(scene, draw))


async def _kept(scene: Scene, draw: Random) -> Counter[str]:
    gateway, seen = Gateway(scene.world, scene.person), Counter[str]()
    if model.barred(scene.world, scene.person):
        return seen
    for endpoint in model.endpoints(scene.world):
        door = Door(gateway, scene.person, await gateway.client(endpoint, MODERN))
        for spot in model.spots(scene.world, endpoint):
            if spot.kind == TOOL and len(spot.things) == 1:
                await _agrees(door, spot, draw, seen)
    return seen


async def _agrees(door: Door, spot: Spot, draw: Random, seen: Counter[str]) -> None:
    airport = Airport(door.gateway, door.client)
    ways = choices(door.gateway.world, spot)
    said = [(way, await door.ask(spot, way)) for way in ways]
    for chosen, first in said:
        regular = await airport.settled(spot, chosen, first)
        if regular is None:
            assert not first.sent, "what was carried is remembered"
            continue
        for way, long in said:
            await _alike(airport, regular, spot, way, long, seen)
        await _declines(airport, regular, spot, draw.choice(ways), seen)
        return
    seen["never carried"] += 1


async def _alike(airport: Airport, regular: Regular, spot: Spot, way: Choice, long: Said, seen: Counter[str]) -> None:
    gateway = airport.gateway
    before, written = len(gateway.flown), len(gateway.book.outcomes)
    answer = await airport.flies(regular, spot, way)
    if answer is None:
        assert (len(gateway.flown), len(gateway.book.outcomes)) == (before, written), "declined, and something happened"
        seen["declined"] += 1
        return
    seen["flown"] += 1
    assert msgspec.json.encode(answer.payload) == msgspec.json.encode(long.answer.payload)
    assert (answer.status, answer.headers) == (long.answer.status, long.answer.headers)
    assert gateway.book.outcomes[-1] == long.record, "the ledger says the same of both ways"
    assert gateway.flown[before:] == [_out(order) for order in long.sent]


def _out(order: Order) -> tuple[str, Json]:
    return order.target.label, order.call.params["arguments"]


async def _declines(airport: Airport, regular: Regular, spot: Spot, way: Choice, seen: Counter[str]) -> None:
    """What was decided in another world, or for another caller, is decided anew."""
    gateway, kept_ = airport.gateway, airport.gateway.snapshot
    everything = Rule("everything", "deny", ("*",))
    gateway.snapshot = snapshot(msgspec.structs.replace(gateway.world, rules=(*gateway.world.rules, everything)))
    assert await airport.flies(regular, spot, way) is None, "what was denied since is carried"
    gateway.snapshot, airport.still = kept_, None
    assert await airport.flies(regular, spot, way) is None, "a credential that is good no more is good enough"
    airport.still = airport.caller
    seen["changed"] += 1

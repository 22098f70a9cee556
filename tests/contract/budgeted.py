"""A gateway with real limits and a real ledger, and servers that say what they cost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from ostiary.adapters.store.ledger import Ledger
from ostiary.adapters.store.limits import MemoryLimits
from ostiary.config.parse import parse
from ostiary.core.model import Answer, Caller, Inbound, Json, Order
from ostiary.core.ports import Back
from ostiary.entry.budgeting import counted
from tests.pipeline.stage import Stage

NOON = 1_767_268_800.0
"""2026-01-01T12:00:00Z."""
CONFIG = """
gateway: {url: "http://127.0.0.1:8080"}
servers:
  files:
    command: [files]
    tools:
      read: {price: {call: 0.001 USD, reported: true, at_most: 0.037 USD}}
      drop: {price: 0.02 USD}
  crm:
    command: [crm]
    tools:
      push: {price: {reported: true, currency: USD}}
rules: [{name: all, allow: ["*"], subjects: ["*"]}]
limits:
  - {name: team-budget, per: team, on: [files.*, crm.*], spend: 1 USD/day, warn_at: 80%}
"""


def member(name: str, *teams: str) -> Caller:
    tags = frozenset({"*", f"subject:{name}", f"client:tok_{name}", *(f"team:{team}" for team in teams)})
    return Caller(name, "ostiary", f"tok_{name}", f"token:{name}", 9e12, teams=frozenset(teams), tags=tags)


class Till(Stage):
    """Everything but the servers and the door is real."""

    def __init__(self, data: Path, text: str = CONFIG, seed: int = 1, now: float = NOON) -> None:
        super().__init__(text=text)
        self.data, self.config, self.random, self.now = data, parse(text, "test"), Random(seed), now
        self.events: list[tuple[str, Any]] = []
        data.mkdir(exist_ok=True)
        self.ledger = Ledger(data, clock=lambda: self.now, monotonic=lambda: self.now)
        self.limits = MemoryLimits(lambda: self.now, lambda: self.now, lambda *event: self.events.append(event))
        counted(self.limits, self.config, data, self.now)
        self.world = msgspec.structs.replace(
            self.world, spend=self.limits, audit=self.ledger, identify=self.recognise, clock=lambda: self.now,
            time=lambda: self.now, reference=self._references(f"t{seed}"),
        )  # fmt: skip
        self.cost: Callable[[Order], Any] = lambda _order: None
        self.pause: Callable[[], Awaitable[None]] = self._turns
        self.carry = self.costing

    def play(self, message: Inbound) -> Answer:
        """Carry one message through, and return its one answer."""
        heard = asyncio.run(self.serve(message))
        assert len(heard.answers) == 1
        return heard.answers[0]

    @staticmethod
    def _references(prefix: str) -> Callable[[], str]:
        found = iter(range(10**9))
        return lambda: f"{prefix}-{next(found)}"

    async def recognise(self, message: Inbound) -> Caller:
        name, _, teams = (message.credential or "").partition("@")
        return member(name, *filter(None, teams.split("+")))

    async def _turns(self) -> None:
        for _ in range(self.random.randrange(6)):
            await asyncio.sleep(0)

    async def costing(self, order: Order, _back: Back) -> Json:
        await self.pause()
        meta = self.cost(order)
        result = {"content": [], "resultType": "complete"}
        return {"result": {**result, "_meta": meta} if meta is not None else result}

    def outcomes(self) -> list[Json]:
        """Return every outcome in the ledger."""
        lines = [line for path in sorted((self.data / "ledger").glob("*.jsonl")) for line in path.open("rb")]
        records = [msgspec.json.decode(line) for line in lines]
        return [record for record in records if record["type"] == "outcome"]

    def spent(self) -> int:
        """Return what the ledger says that all calls cost, in micros."""
        return sum(record["cost"]["micros"] for record in self.outcomes() if "cost" in record)


def dollars(micros: int) -> Json:
    """Return the `_meta` of a result that cost so much."""
    return {"ostiary/cost": {"amount": f"{micros // 10**6}.{micros % 10**6:06d}", "currency": "USD"}}

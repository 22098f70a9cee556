"""How a gateway comes to tell people: what it hears, what it leaves out, and what it keeps to itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec import structs

from ostiary.adapters.notify.forms import Told, Verdict, lines, title
from ostiary.config.parse import parse
from ostiary.config.schema import Config
from ostiary.core.model import Caller, Inbound, Kind, Target
from ostiary.core.trail import Trail
from ostiary.entry.alerting import Alerting, Around
from ostiary.entry.moves import refuse_moves

HEAD = """
gateway: {url: "https://mcp.example.com"}
servers: {crm: {url: "https://crm.example.com/mcp"}}
notify:
  ops: {kind: webhook, url: "https://hooks.example.com/x"}
  boss: {kind: webhook, url: "https://hooks.example.com/y", callers: name}
alerts:
"""
ANA = Caller("ana", "https://id.example.com", "t1", "", 0.0)
FIND = Target("crm", Kind.TOOL, "find", "crm.find", "crm__find")


async def _no_body() -> bytes:
    return b""


class Way:
    """The way to a receiver that keeps what it is told."""

    def __init__(self) -> None:
        self.got: list[Told] = []
        self.closed, self.answer = False, Verdict(arrived=True)

    async def deliver(self, told: Told) -> Verdict:
        self.got.append(told)
        return self.answer

    async def close(self) -> None:
        self.closed = True


class Health:
    """How well a server is."""

    failing = ""


class Server:
    """A server that may be away."""

    def __init__(self) -> None:
        self.health = Health()


class House:
    """A gateway, as far as alerts need one; a look of theirs is a second."""

    def __init__(self, *alerts: str) -> None:
        self.config: Config = parse(HEAD + "".join(f"  - {{{each}}}\n" for each in alerts), "ostiary.yaml")
        self.server, self.now = Server(), 1_800_000_000.0
        self.stopped: str | None = None
        self.events: list[tuple[str, Mapping[str, Any]]] = []
        self.ways = {name: Way() for name in self.config.notify}
        around = Around(lambda: {"crm": self.server}, lambda: self.stopped, self._event, b"k" * 32, lambda: self.now)
        self.alerting = Alerting(self.config, self.ways, around)  # type: ignore[arg-type]  # ways in all they do
        self.annex = self.alerting.annex()

    def _event(self, kind: str, facts: Mapping[str, Any]) -> None:
        self.events.append((kind, facts))
        self.alerting.told(kind, facts)

    def call(self, outcome: str, caller: Caller | None = ANA, times: int = 1) -> None:
        assert self.annex.hears is not None
        for number in range(times):
            message = Inbound("POST", "/mcp", {}, frozenset(), None, "192.0.2.1", _no_body)
            trail = Trail(message, f"r-{number}", 1, 0.0, self.now)
            trail.caller, trail.target, trail.outcome = caller, FIND if caller else None, outcome
            self.annex.hears(trail)

    async def look(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.now += 1
            for chore in self.annex.chores:
                await chore()

    async def said(self, name: str = "ops") -> list[str]:
        await self.alerting._boxes[name].flush()
        return [title(each) for each in self.ways[name].got]


async def test_calls_are_counted_by_how_they_ended() -> None:
    house = House("name: a, on: [denied], above: 3, to: [ops]")
    house.call("answered", times=9)
    house.call("forbidden", times=2)
    house.call("not_found", times=1)
    house.call("blocked", times=5)
    await house.look()
    assert await house.said() == []
    house.call("insufficient_scope", times=1)
    await house.look()
    assert await house.said() == ["[alert] a: 4 denied"]
    assert house.events == [("alert_told", {"alert": "a", "to": "ops", "kinds": {"denied": 4}})]
    await house.look(400)
    assert (await house.said())[1:] == ["[over] a"]


async def test_a_share_counts_the_calls_that_went_well_too() -> None:
    house = House("name: a, on: [upstream_failed], share: 50%, above: 1, to: [ops]")
    house.call("answered", times=10)
    house.call("upstream_timeout", times=9)
    await house.look()
    assert await house.said() == []
    house.call("upstream_lost", times=1)
    await house.look()
    assert await house.said() == ["[alert] a: 10 upstream_failed"]


async def test_a_share_of_each_tells_apart_whose_calls_went_well() -> None:
    house = House("name: a, on: [upstream_failed], share: 50%, above: 1, per: caller, to: [boss]")
    bob = structs.replace(ANA, subject="bob")
    house.call("answered", bob, times=100)
    house.call("upstream_lost", ANA, times=2)
    house.call("upstream_lost", bob, times=2)
    await house.look()
    assert [each.partition(":")[0] for each in await house.said("boss")] == ["[alert] a (ana)"]


async def test_a_caller_is_named_only_to_whom_it_is_meant_for() -> None:
    house = House("name: a, on: [limited, anomaly], per: caller, to: [ops, boss]")
    house.call("limited")
    await house.look()
    house._event("anomaly", {"subject": "ana", "issuer": "https://id.example.com", "reasons": ["30 denials in 1 m"]})
    house.call("limited", None)
    await house.look()
    assert await house.said() == ["[alert] a (one caller): 1 limited", "[alert] a: 1 limited"]
    assert (await house.said("boss"))[0] == "[alert] a (ana): 1 limited"
    assert "ana" not in "".join("\n".join(lines(each)) for each in house.ways["ops"].got)


async def test_what_an_event_says_is_plain_and_holds_no_secret() -> None:
    house = House("name: a, on: [config_refused], to: [ops]")
    token = "ost_" + "a1b2c3d4e5f6"
    house._event("config_refused", {"reasons": [f"bad \x1b[31m {token}", "x" * 9_999], "token_value": "secret-word"})
    await house.look()
    await house.said()
    (told,) = house.ways["ops"].got
    text = "\n".join(lines(told))
    assert "config_refused" in text
    assert not any(each in text for each in (token, "secret-word", "\x1b"))
    assert len(text) < 2_000


async def test_a_server_that_is_away_for_a_moment_wakes_nobody() -> None:
    house = House("name: a, on: [server_down], per: server, to: [ops]")
    for _ in range(3):
        house.server.health.failing = "unreachable"
        await house.look(20)
        house.server.health.failing = ""
        await house.look()
    assert await house.said() == []
    house.server.health.failing = "unreachable"
    await house.look(100)
    assert await house.said() == ["[alert] a (crm): 1 server_down"]
    house.server.health.failing = ""
    await house.look()
    assert (await house.said())[1:] == ["[over] a (crm)"]


async def test_a_ledger_that_is_stopped_is_told_and_told_again_when_it_goes_on() -> None:
    house = House("name: a, on: [ledger_stopped, guard_failed], to: [ops]")
    house.stopped = "the disk is full"
    await house.look(2)
    house._event("guard_failed", {"guard": "secrets", "reason": "blind"})
    house.stopped = None
    await house.look(2)
    assert await house.said() == ["[alert] a: 1 ledger_stopped"]
    house._event("guard_recovered", {"guard": "secrets"})
    await house.look()
    assert (await house.said())[1:] == ["[over] a"]


@pytest.mark.parametrize(
    ("where", "fits"),
    [
        ("server: [c*]", True), ("server: [crm], caller: [a*]", True), ("caller: [bob]", False),
        ("tool: ['crm.f*']", True), ("tool: ['crm.drop']", False), ("tool: ['*']", True),
    ],
)  # fmt: skip
async def test_only_what_fits_is_told(where: str, fits: bool) -> None:
    house = House(f"name: a, on: [blocked, call_held], where: {{{where}}}, to: [ops]")
    house.call("blocked")
    await house.look()
    assert bool(await house.said()) is fits
    other = House(f"name: a, on: [call_held], where: {{{where}}}, to: [ops]")
    assert other.annex.hears is None
    other._event("call_held", {"hold": "h1", "tool": "crm.find", "caller": "ana", "reason": "a rule"})
    await other.look()
    assert bool(await other.said()) is fits


async def test_a_receiver_that_refuses_is_told_to_others_and_in_readiness() -> None:
    house = House("name: a, on: [blocked], to: [ops]", "name: b, on: [alert_failed], to: [boss]")
    house.ways["ops"].answer = Verdict(arrived=False, why="it answered 404")
    house.call("blocked")
    await house.look()
    await house.alerting._boxes["ops"]._first()
    assert list(house.annex.notes()) == ["alerts do not arrive at ops: it answered 404; 0 wait"]
    assert {each.name.removeprefix("ostiary_alerts_"): each.look() for each in house.annex.numbers} == {
        "sent_total": {"ops": 0, "boss": 0}, "dropped_total": {"ops": 1, "boss": 0},
        "waiting": {"ops": 0, "boss": 0}, "arriving": {"ops": False, "boss": True},
    }  # fmt: skip
    await house.look()
    assert await house.said("boss") == ["[alert] b: 1 alert_failed"]


async def test_at_the_end_what_was_heard_last_is_told_and_the_ways_are_closed() -> None:
    house = House("name: a, on: [blocked], to: [ops]")
    house.call("blocked")
    await house.annex.close()
    assert [title(each) for each in house.ways["ops"].got] == ["[alert] a: 1 blocked"]
    assert house.ways["ops"].closed


def test_a_change_of_alerts_takes_a_restart() -> None:
    one, other = (House(f"name: {name}, on: [blocked], to: [ops]").config for name in "ab")
    with pytest.raises(ValueError, match="alerts changes with a restart only"):
        refuse_moves(one, other, ())

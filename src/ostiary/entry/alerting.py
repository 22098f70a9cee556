"""Alerts of a running gateway: it hears how calls end, what the ledger is told, and what lasts, and tells people."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import structlog
from msgspec import Struct

from ostiary.adapters.notify.forms import Told
from ostiary.adapters.notify.kept import KeptFile
from ostiary.adapters.notify.outbox import Outbox
from ostiary.adapters.telemetry.logs import plain, secretive, shown
from ostiary.behaviour.alarming import FIRING, Alarms, Alert, Most, Notice
from ostiary.behaviour.happenings import CALLS, LASTING, LEDGER_STOPPED, OVER, SERVER_DOWN, Happening, kind_of
from ostiary.config import alerts as section
from ostiary.config.schema import Config
from ostiary.config.values import covers, globbed, server_of
from ostiary.core.trail import Trail
from ostiary.entry.annexes import Annex, Number
from ostiary.entry.notifying import Way, keyed

log: Final = structlog.get_logger(__name__)

_CLOSING: Final = 3.0
_MOST: Final = 20_000
"""Different calls, and events, of one second; what is more is left out."""
_DOWN_AFTER: Final = 30
"""Seconds for which a server has to be away: one that is restarted is nothing to wake people for."""
_WORDS: Final = 300
_TO: Final = ("receiver",)
_WHO: Final = frozenset({"subject", "person", "caller", "agent", "issuer", "client", "token", "whose", "by"})
"""Facts that say who: they are told by name only where callers are."""

Event = Callable[[str, Mapping[str, Any]], None]


class Health(Protocol):
    """How well a server is."""

    @property
    def failing(self) -> str:
        """Why it does not answer; empty: it does."""


class Server(Protocol):
    """A server, as far as it may be away."""

    @property
    def health(self) -> Health:
        """How well it is."""


class Around(Struct, frozen=True):
    """What alerts need of the gateway."""

    servers: Callable[[], Mapping[str, Server]]
    stopped: Callable[[], str | None]
    """Why the ledger is stopped."""
    event: Event
    """Writes into the ledger."""
    key: bytes
    """The gateway's own."""
    time: Callable[[], float] = time.time
    kept: Path | None = None
    """The folder in which alerts wait that have not arrived; None: they end with the process."""


class Alerting:
    """Hears, decides once a second, and puts what is to be told into outboxes."""

    def __init__(self, config: Config, ways: Mapping[str, Way], around: Around) -> None:
        """`ways` lead to the receivers of the configuration."""
        self._config, self._ways, self._around, self._key = config, ways, around, keyed(around.key)
        most = {name: Most(each.most.count, float(each.most.seconds)) for name, each in config.notify.items()}
        self._alarms = Alarms([_alert(each) for each in config.alerts], most)
        self._boxes = {name: self._box(name, way) for name, way in ways.items()}
        self._pauses = {each.name: each.pause for each in config.alerts}
        self._kinds = frozenset(kind for each in config.alerts for kind in each.on)
        self._outcomes = frozenset(outcome for kind in self._kinds & CALLS.keys() for outcome in CALLS[kind])
        shares = [each for each in config.alerts if each.share]
        self._all = bool(shares)
        self._by_tool = any(each.per == "tool" or each.where.tool is not None for each in shares)
        self._by_caller = any(each.per == "caller" or each.where.caller is not None for each in shares)
        self._calls: dict[tuple[str, str, str, str], list[Any]] = {}
        self._events: list[tuple[str, Mapping[str, Any]]] = []
        self._away: dict[str, int] = {}
        self._stopped = False

    def _box(self, name: str, way: Way) -> Outbox:
        file = KeptFile(self._around.kept, name) if self._around.kept is not None else None
        return Outbox(name, way.deliver, self._failed, time=self._around.time, file=file)

    def annex(self) -> Annex:
        """Return what the gateway has to do for it."""
        hears = self._hear if self._outcomes else None
        runs = tuple(box.run for box in self._boxes.values())
        return Annex("alerts", hears, (self._look,), runs, self._notes, self._numbers(), self._close)

    def told(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Take an event of the ledger, if an alert is about it; it only remembers."""
        if OVER.get(kind, kind) in self._kinds and len(self._events) < _MOST:
            self._events.append((kind, facts))

    def _hear(self, trail: Trail) -> None:
        told = trail.outcome in self._outcomes
        if not told and not self._all:
            return
        # Of calls that are only counted, most of all, no more is told apart than a share depends on.
        caller, target = trail.caller, trail.target
        who = caller.subject if caller is not None and (told or self._by_caller) else ""
        server, label = (target.server, target.label) if target is not None else ("", "")
        key = (trail.outcome, server, label if told or self._by_tool else "", who)
        heard = self._calls.get(key)
        if heard is not None:
            heard[0], heard[1] = heard[0] + 1, trail.reference
        elif len(self._calls) < _MOST:
            self._calls[key] = [1, trail.reference]

    async def _look(self) -> None:
        """Take in what was heard in the last second, and tell what is to be told: a chore."""
        now = self._around.time()
        calls, self._calls = self._calls, {}
        for at, ((outcome, server, tool, who), (count, reference)) in enumerate(calls.items()):
            self._alarms.hear(
                Happening(
                    kind_of(outcome), now, server, shown(tool), shown(who), reference=reference, count=count, call=True
                )
            )
            if not at % 256:
                await asyncio.sleep(0)
        self._watch()
        events, self._events = self._events, []
        for kind, facts in events:
            self._alarms.hear(_happening(kind, facts, now))
        for notice in self._alarms.due(now):
            self._tell(notice)
        for box in self._boxes.values():
            await box.keep()

    def _watch(self) -> None:
        """Notice what lasts and is no event of its own: servers that are away, and a ledger that is stopped."""
        servers = self._around.servers()
        failing = {name: each.health.failing for name, each in servers.items() if each.health.failing}
        for name in self._away.keys() - failing.keys():
            if self._away.pop(name) >= _DOWN_AFTER:
                self.told("server_up", {"server": name})
        for name, why in failing.items():
            self._away[name] = self._away.get(name, 0) + 1
            if self._away[name] == _DOWN_AFTER:
                self.told(SERVER_DOWN, {"server": name, "reason": why})
        why_stopped = self._around.stopped()
        if (why_stopped is not None) is not self._stopped:
            self._stopped = why_stopped is not None
            self.told(LEDGER_STOPPED if self._stopped else "ledger_resumed", {"reason": why_stopped or ""})

    # Telling

    def _numbers(self) -> tuple[Number, ...]:
        def each(of: Callable[[Outbox], float]) -> Callable[[], dict[str, float]]:
            return lambda: {name: of(box) for name, box in self._boxes.items()}

        return (
            Number("ostiary_alerts_sent_total", "Alerts that arrived.", each(lambda box: box.sent), _TO),
            Number("ostiary_alerts_dropped_total", "Alerts that were given up.", each(lambda box: box.dropped), _TO),
            Number("ostiary_alerts_waiting", "Alerts that wait.", each(lambda box: box.waiting), _TO),
            Number("ostiary_alerts_arriving", "1: the last one arrived.", each(lambda box: not box.failing), _TO),
        )

    def _tell(self, notice: Notice) -> None:
        named = self._config.notify[notice.to].callers == "name"
        told = Told(notice, self._key(notice), self._config.gateway.url, named)
        self._boxes[notice.to].put(told, self._pauses[notice.alert])
        kind = "alert_told" if notice.state == FIRING else "alert_over"
        facts = {"alert": notice.alert, "to": notice.to, "kinds": dict(notice.kinds)}
        log.info("an alert is told", state=notice.state, **facts)
        self._around.event(kind, facts)

    def _failed(self, receiver: str, why: str) -> None:
        self._around.event("alert_failed", {"receiver": receiver, "reason": plain(why)[:_WORDS]})

    def _notes(self) -> Iterable[str]:
        return tuple(
            f"alerts do not arrive at {name}: {plain(box.failing)}; {box.waiting} wait"
            for name, box in self._boxes.items()
            if box.failing
        )

    async def _close(self) -> None:
        """Send what waits, for a few seconds: a receiver that is away must not keep the gateway."""
        try:
            await self._look()
            async with asyncio.timeout(_CLOSING), asyncio.TaskGroup() as tasks:
                for box in self._boxes.values():
                    tasks.create_task(box.flush())
        except TimeoutError:
            log.warning("not every alert was told at the end", waiting=sum(box.waiting for box in self._boxes.values()))
        finally:
            for way in self._ways.values():
                await way.close()


def _happening(kind: str, facts: Mapping[str, Any], now: float) -> Happening:
    """Return what alerts hear of an event: made plain, and bounded."""
    meant = OVER.get(kind, kind)
    thing = shown(_text(facts.get(LASTING[meant])) or "the ledger") if meant in LASTING else ""
    who = next((_text(facts[key]) for key in ("subject", "person", "caller", "agent") if key in facts), "")
    tool = _text(facts.get("tool"))
    return Happening(
        meant, now, shown(_text(facts.get("server")) or server_of(tool)), shown(tool), shown(who), thing,
        _words(facts), over=kind in OVER,
    )  # fmt: skip


def _words(facts: Mapping[str, Any]) -> str:
    # Who it was stands in a field of its own, because it is not for every receiver.
    said = (f"{key}={_text(each)}" for key, each in facts.items() if key not in _WHO and not secretive(key))
    return plain("; ".join(said).encode("utf-8", "replace").decode())[:_WORDS]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return (value if isinstance(value, str) else msgspec.json.encode(value).decode())[: 4 * _WORDS]


def _alert(each: section.Alert) -> Alert:
    return Alert(
        each.name, frozenset(each.on), tuple(dict.fromkeys(each.to)), each.above, (each.share or 0) / 100, each.within,
        each.per or "", each.pause, each.ends, _fits(each.where),
    )  # fmt: skip


def _fits(where: section.Where) -> Callable[[Happening], bool]:
    def fits(it: Happening) -> bool:
        if where.server is not None and not any(globbed(each, it.server) for each in where.server):
            return False
        if where.tool is not None and not any(covers(each, it.tool) for each in where.tool):
            return False
        return where.caller is None or any(globbed(each, it.caller) for each in where.caller)

    return fits

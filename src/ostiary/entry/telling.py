"""What a gateway tells others of calls as they happen: traces and pushed metrics, and what servers hear of a trace."""

from __future__ import annotations

import hashlib
import hmac
import os
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import msgspec
import structlog

from ostiary.adapters.secrets import resolve
from ostiary.adapters.telemetry.exporting import Encoding, Exporter, Post, Said
from ostiary.adapters.telemetry.lines import Lines, lines
from ostiary.adapters.telemetry.logs import shown
from ostiary.adapters.telemetry.metrics import Meter
from ostiary.adapters.telemetry.spans import Place, Span, Who
from ostiary.adapters.telemetry.traces import Sampling, Send, Tracer, carrying
from ostiary.adapters.upstream.fetching import Fetching
from ostiary.config.telemetry import OTLP, Telemetry, Traces
from ostiary.config.values import Secret
from ostiary.core.model import Caller
from ostiary.core.trail import Trail
from ostiary.entry.annexes import Annex
from ostiary.entry.extras import MISSING
from ostiary.policy.outliers import Outliers

log: Final = structlog.get_logger(__name__)

_CLOSING: Final = 3.0
"""Seconds for what is left when the gateway ends: a collector that is away must not keep it."""
_DIGITS: Final = 16
_PURPOSE: Final = b"telemetry 1\0"


class _Places(Protocol):
    @property
    def taken(self) -> int:
        """Calls in flight."""

    @property
    def waiting(self) -> int:
        """Calls that wait for a place."""

    @property
    def shed(self) -> int:
        """Calls that got none."""


class _Health(Protocol):
    @property
    def state(self) -> str:
        """Whether its calls go out: `closed`, `half-open` or `open`."""

    @property
    def turned(self) -> int:
        """Calls that did not."""


class _Setup(Protocol):
    @property
    def outliers(self) -> Outliers | None:
        """Its addresses that failed of late, with those of servers that are called in the same way."""


class Crowded(Protocol):
    """A server, as far as it is crowded, or ill."""

    @property
    def setup(self) -> _Setup:
        """How it is called."""

    @property
    def places(self) -> _Places:
        """Its places."""

    @property
    def health(self) -> _Health:
        """How well it is."""


class Telling:
    """Traces, pushes metrics, and says what servers hear; with an empty section only the last."""

    def __init__(
        self,
        section: Telemetry,
        key: bytes,
        read: Callable[[Secret], str] = resolve,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`key` is the gateway's own, `read` reads a secret; raise where something is missing."""
        self._section, self._now = section, now
        self._meter: Meter | None = None
        self._fetching: Fetching[Said] | None = None
        self.exporter = self._exporter(section.otlp, read) if section.otlp is not None else None
        self.tracer = self._tracer(section.traces, self.exporter, key) if self.exporter is not None else None

    def annex(self) -> Annex:
        """Return what the gateway has to do for it: nothing, if nobody is told anything."""
        if self.exporter is None:
            return Annex("telemetry")
        hears = self.tracer.ended if self.tracer is not None else None
        return Annex("telemetry", hears=hears, running=(self.exporter.run,), close=self._close)

    def measured(
        self, meter: Meter, servers: Callable[[], Mapping[str, Crowded]], shed: Callable[[], Mapping[str, float]]
    ) -> None:
        """Have the numbers told that a meter counts, of servers and of what was `shed`, and count what is told."""
        self._meter, watch, told = meter, meter.watch, self.exporter
        watch("ostiary_upstream_calls", "Calls that a server has now.", _each(servers, lambda it: it.taken), _SERVER)
        waiting = "Calls that wait until a server has fewer."
        watch("ostiary_upstream_waiting", waiting, _each(servers, lambda it: it.waiting), _SERVER)
        watch("ostiary_upstream_breaker", _BREAKER, lambda: _breakers(servers()), _SERVER)
        watch("ostiary_upstream_addresses_resting", _RESTING, lambda: _resting(servers()))
        watch("ostiary_upstream_shed_total", _SHED, lambda: _turned(servers()), ("server", "why"))
        watch("ostiary_shed_total", _OVERALL, shed, ("why",))
        if told is None:
            return
        watch("ostiary_telemetry_waiting", "Spans that wait to be sent.", lambda: told.waiting)
        watch("ostiary_telemetry_behind_seconds", "How long the oldest of them has been waiting.", told.behind)
        sent, dropped = "What a collector took.", "What a collector never got, and why."
        watch("ostiary_telemetry_sent_total", sent, lambda: told.sent, ("signal",))
        watch("ostiary_telemetry_dropped_total", dropped, lambda: told.dropped, ("signal", "reason"))
        again = "Attempts to tell a collector something that failed and are made again."
        watch("ostiary_telemetry_retries_total", again, lambda: told.retries, ("signal",))

    def send(self, send: Send) -> Send:
        """Return the port `Send` with the policy about what servers hear of traces."""
        return carrying(send, self._section.told, self.tracer)

    def line(self, line: Lines, send: Send) -> Lines:
        """Return the shortest ways to tools, but for calls that servers are to hear more of."""
        if self.tracer is None or self._section.traces is None or not self._section.traces.sample:
            return line
        return lines(line, self.tracer.chosen, send, lambda server: self._section.told(server) != "none")

    def _tracer(self, section: Traces | None, exporter: Exporter, key: bytes) -> Tracer | None:
        if section is None:
            return None

        def sink(trail: Trail, place: Place, spans: tuple[Span, ...]) -> None:
            exporter.put(spans)
            if self._meter is not None:
                self._meter.exemplify(trail, place.trace, place.span)

        sampling = Sampling(section.sample, frozenset(section.trust))
        return Tracer(sampling, sink, os.urandom, _who(section.principal, key))

    def _exporter(self, section: OTLP, read: Callable[[Secret], str]) -> Exporter:
        try:
            from ostiary.adapters.telemetry.otlp import Writer, rejected  # noqa: PLC0415 - an extra that few install
        except ImportError as error:
            raise ValueError(MISSING) from error
        writer = Writer(section.resource, self._now(), self._now)

        def metrics() -> bytes:
            return writer.metrics(self._meter.families() if self._meter is not None else ())

        encoding = Encoding(writer.spans, metrics, rejected)
        every = section.every if section.metrics else 0.0
        return Exporter(self._post(section, read), encoding, self._now, most=section.queue, every=every)

    def _post(self, section: OTLP, read: Callable[[Secret], str]) -> Post:
        headers = {name.lower(): read(secret).strip() for name, secret in section.headers.items()}
        for name, said in headers.items():
            if not (said.isascii() and said.isprintable()):
                # A line break in it would begin another header.
                raise ValueError(f"telemetry.otlp.headers.{name} has line breaks or is not ASCII; mend its source")
        headers |= {"content-type": "application/x-protobuf", "accept": "application/x-protobuf"}
        fetching = self._fetching = Fetching(Said, tuple(section.allow_private), _tls(section, read), plain=True)

        async def post(path: str, body: bytes, deadline: float) -> Said:
            return await fetching.send("POST", section.url + path, headers, body, deadline)

        return post

    async def _close(self) -> None:
        if self.exporter is None or self._fetching is None:
            return
        try:
            await self.exporter.close(_CLOSING)
        finally:
            await self._fetching.close()


_SERVER: Final = ("server",)
_BREAKER: Final = "Whether a server is left alone: 0 no, 0.5 one call goes out to see, 1 yes."
_RESTING: Final = "Addresses, of names that have several, that are asked last because they failed."
_SHED: Final = "Calls that did not reach a server: `places`, too many at a time; `breaker`, it is left alone."
_OVERALL: Final = "What the gateway turned away for want of room: calls, connections, unfinished bodies."
_STATES: Final = {"closed": 0.0, "half-open": 0.5, "open": 1.0}


def _breakers(servers: Mapping[str, Crowded]) -> dict[str, float]:
    return {name: _STATES[server.health.state] for name, server in servers.items()}


def _resting(servers: Mapping[str, Crowded]) -> float:
    # Servers that are called in the same way share what is known of addresses.
    known = {id(found): found for server in servers.values() if (found := server.setup.outliers) is not None}
    return float(sum(each.resting(time.monotonic()) for each in known.values()))


def _turned(servers: Mapping[str, Crowded]) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for name, server in servers.items():
        found[name, "places"], found[name, "breaker"] = float(server.places.shed), float(server.health.turned)
    return found


def _each(servers: Callable[[], Mapping[str, Crowded]], of: Callable[[_Places], int]) -> Callable[[], dict[str, float]]:
    return lambda: {name: float(of(server.places)) for name, server in servers().items()}


def _tls(section: OTLP, read: Callable[[Secret], str]) -> ssl.SSLContext | None:
    if section.ca is None:
        return None
    context = ssl.create_default_context(cadata=read(section.ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _who(how: str, key: bytes) -> Who:
    """Return what a span says of a caller: with a digest, one can be told from another and nobody is named."""

    def digest(caller: Caller) -> tuple[str, str]:
        said = msgspec.json.encode((caller.issuer, caller.subject))
        return "user.hash", hmac.new(key, _PURPOSE + said, hashlib.sha256).hexdigest()[:_DIGITS]

    def name(caller: Caller) -> tuple[str, str]:
        return "user.id", shown(caller.subject)

    def nobody(_caller: Caller) -> None:
        return None

    return {"digest": digest, "name": name}.get(how, nobody)

"""Numbers about calls, in Prometheus' text format: counted in plain dictionaries and lists, rendered when scraped.

The library's own counters and histograms take a lock for every observation; one event loop needs none, and a call
touches six. Labels are bounded: a name that a client made up never becomes one.
"""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from ostiary import __version__
from ostiary.adapters.telemetry.costs import Costs, Till
from ostiary.adapters.telemetry.histograms import Histogram as Histogram
from ostiary.adapters.telemetry.histograms import merged
from ostiary.adapters.telemetry.logs import shown
from ostiary.adapters.telemetry.refusals import Refusals
from ostiary.adapters.telemetry.watched import Watched
from ostiary.core.model import Kind
from ostiary.core.trail import Trail
from ostiary.protocol.methods import METHODS, OWN

# From what the gateway itself takes (tens of microseconds) to the longest calls that people configure.
SECONDS: Final[tuple[float, ...]] = (
    0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05,
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
)  # fmt: skip
# A step is a fraction of that: microseconds, or a wait.
STEP_SECONDS: Final[tuple[float, ...]] = (
    0.000001, 0.000002, 0.000005, 0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005,
    0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0,
)  # fmt: skip
OCTETS: Final = tuple(float(4**power) for power in range(3, 14))
"""64 B to 64 MiB."""

STEPS: Final = (
    "identify", "body", "parse", "resolve", "decide", "limit", "validate", "guard_request", "record", "carry", "reply",
)  # fmt: skip
"""What `Trail.marks` are the ends of, in this order; `carry` is parted by when the call left and was answered."""
_CARRY: Final = STEPS.index("carry")

SERIES: Final = 4096
"""Combinations of labels beyond this are counted together, as `other`: scrapes stay readable, and memory bounded."""
_SEEN: Final = 256
"""Calls that are counted together."""
_CARRIED: Final = frozenset({"answered", "tool_error", "rpc_error", "input_required"})
"""Outcomes of calls that nothing of ours refused."""
OTHER: Final = "other"
UNREAD: Final = "unread"
"""The tool of a message that was refused before it was read."""
_KNOWN: Final = frozenset(METHODS) | OWN
_FREE: Final = frozenset({Kind.RESOURCE, Kind.TEMPLATE})
"""Kinds whose labels come from clients: any URI may fit a template. They are counted by their method."""

Labels = tuple[str, str, str, str]
"""Server, tool, outcome, era."""


class Sizes:
    """How long and how large the calls of one server were, by one method."""

    __slots__ = ("answer", "gateway", "request", "seen", "upstream", "whole")

    def __init__(self) -> None:
        self.whole, self.gateway, self.upstream = Histogram(SECONDS), Histogram(SECONDS), Histogram(SECONDS)
        self.request, self.answer = Histogram(OCTETS), Histogram(OCTETS)
        self.seen: list[tuple[float, float | None, int, int]] = []
        """Calls not counted yet: seconds, those of the server if it had the call, bytes in and out."""

    def settled(self) -> Sizes:
        """Count what was seen, and return itself."""
        seen, self.seen = self.seen, []
        if seen:
            wholes, upstreams, requests, answers = zip(*seen, strict=True)
            self.whole.take(wholes)
            self.upstream.take([each for each in upstreams if each is not None])
            self.gateway.take([whole - (each or 0.0) for whole, each in zip(wholes, upstreams, strict=True)])
            self.request.take(requests)
            self.answer.take(answers)
        return self


class Series:
    """One line of `ostiary_calls_total`, and where its calls' durations go."""

    __slots__ = ("count", "labels", "refused", "sizes", "till")

    def __init__(self, labels: Labels, sizes: Sizes) -> None:
        self.till: Till | None = None
        """Where what these calls cost is added up."""
        self.labels, self.sizes, self.count = labels, sizes, 0
        self.refused = labels[2] not in _CARRIED


class Meter:
    """Counts every call when it has ended."""

    def __init__(  # noqa: PLR0913 - each is one gauge
        self,
        *,
        in_flight: Callable[[], int],
        suspended: Callable[[], int],
        ledger_stopped: Callable[[], bool],
        servers: Callable[[], Mapping[str, bool]],
        weakened: Callable[[], int],
        held: Callable[[], Mapping[str, int]] = dict,
        guards: Callable[[], Mapping[str, bool]] = dict,
        anchored: Callable[[], Mapping[str, bool]] = dict,
        most: int = SERIES,
    ) -> None:
        """Take what is looked at only when somebody asks; `servers` says which of them answer."""
        self._most = most
        self._series: dict[tuple[str, str, str], Series] = {}
        self._servers: dict[tuple[str, str], Sizes] = {}
        """By server and method."""
        self._alike: dict[tuple[bytes, str], Series] = {}
        """By what the ledger tells of a call, which names its tool and its era."""
        self._steps = {step: Histogram(STEP_SECONDS) for step in (*STEPS[:_CARRY], "forward", "check", "reply")}
        self._refusals, self._costs, self._watched = Refusals(), Costs(), Watched()
        self.watch = self._watched.add
        """Have another number read whenever somebody asks: name, what it is, how to look, names of its labels."""
        self._registry = CollectorRegistry()
        self._registry.register(_Counted(self._series, self._servers, self._steps))
        self._registry.register(self._refusals)
        self._registry.register(self._costs)
        self._registry.register(self._watched)
        self._registry.register(_Seen(in_flight, suspended, ledger_stopped, servers, weakened, held, guards, anchored))
        ProcessCollector(registry=self._registry)

    def __call__(self, trail: Trail) -> None:
        """Count a call that has ended."""
        # Calls that are alike are counted in the same place, which is looked for once.
        series = self._alike.get((trail.told, trail.outcome)) if trail.told else None
        if series is None:
            series = self._found(trail)
        series.count += 1
        sizes = series.sizes
        sent = trail.sent
        seen = sizes.seen
        seen.append(
            (
                trail.ended - trail.started,
                trail.answered - sent if sent else None,
                trail.request_bytes,
                trail.answer_bytes,
            )
        )
        if len(seen) >= _SEEN:
            sizes.settled()
        if trail.marks:
            self._stepped(trail, trail.marks)
        if trail.looked or series.refused:
            self._refusals.add(trail)
        cost = trail.cost
        if cost is not None:
            till = series.till
            if till is None or till.currency != cost.currency:
                till = series.till = self._costs.till(*series.labels[:2], cost.currency)
            till.micros += cost.micros

    def exemplify(self, trail: Trail, trace: str, span: str) -> None:
        """Name a traced call that was counted as the newest of its size."""
        sizes, labels = self._found(trail).sizes, {"trace_id": trace, "span_id": span}
        whole = trail.ended - trail.started
        upstream = trail.answered - trail.sent if trail.sent else 0.0
        sizes.whole.exemplify(whole, Exemplar(labels, whole, trail.time))
        sizes.gateway.exemplify(whole - upstream, Exemplar(labels, whole - upstream, trail.time))
        if trail.sent:
            sizes.upstream.exemplify(upstream, Exemplar(labels, upstream, trail.time))

    def _found(self, trail: Trail) -> Series:
        target, call = trail.target, trail.call
        era = call.client.era if call is not None else UNREAD
        if target is None or call is None:
            tool = UNREAD if call is None else call.method if call.method in _KNOWN else OTHER
        else:
            tool = f"{target.server}:{call.method}" if target.kind in _FREE else target.label
        series = self._series.get((tool, trail.outcome, era))
        if series is None:
            method = "" if call is None else call.method if call.method in _KNOWN else OTHER
            series = self._begun((tool, trail.outcome, era), target.server if target is not None else "", method)
        if trail.told:
            if len(self._alike) >= self._most:
                self._alike.clear()
            self._alike[trail.told, trail.outcome] = series
        return series

    def _begun(self, key: tuple[str, str, str], server: str, method: str) -> Series:
        if len(self._series) >= self._most:
            key, server, method = (OTHER, OTHER, OTHER), OTHER, OTHER
            if key in self._series:
                return self._series[key]
        tool, outcome, era = key
        sizes = self._servers.setdefault((server, method), Sizes())
        named = tool.removeprefix(f"{server}.").removeprefix(f"{server}:") if server else tool
        made = self._series[key] = Series((shown(server), shown(named), outcome, str(era)), sizes)
        return made

    def _stepped(self, trail: Trail, marks: list[float]) -> None:
        before = trail.started
        for step, mark in zip(STEPS, marks, strict=False):
            if step != "carry":
                self._steps[step].add(mark - before)
            elif trail.sent:
                self._steps["forward"].add(trail.sent - before)
                self._steps["check"].add(mark - trail.answered)
            else:
                self._steps["forward"].add(mark - before)
            before = mark

    def exposition(self) -> bytes:
        """Return everything, as Prometheus reads it."""
        return generate_latest(self._registry)

    def told(self, accept: str = "") -> tuple[bytes, str]:
        """Return everything for a scraper that accepts this, and of what type it is: OpenMetrics has exemplars."""
        if _OPENMETRICS in accept:
            told: bytes = openmetrics.generate_latest(self._registry)  # type: ignore[no-untyped-call]  # has no types
            return told, f"{_OPENMETRICS}; version=1.0.0; charset=utf-8"
        return self.exposition(), TEXT

    def families(self) -> Iterator[Metric]:
        """Yield everything as it is at this moment, and last what the conventions of OpenTelemetry have a name for."""
        yield from self._registry.collect()
        yield from _conventional(self._servers)


_OPENMETRICS: Final = "application/openmetrics-text"
# The text format has had this name since 2014, and every scraper takes it; names here need no escaping scheme.
TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


class _Counted(Collector):
    """What calls left behind."""

    def __init__(
        self,
        series: Mapping[tuple[str, str, str], Series],
        servers: Mapping[tuple[str, str], Sizes],
        steps: Mapping[str, Histogram],
    ) -> None:
        self._series, self._servers, self._steps = series, servers, steps

    def collect(self) -> Iterator[Metric]:
        calls = CounterMetricFamily("ostiary_calls", "Calls, by how they ended.", None, _CALL_LABELS)
        for series in self._series.values():
            calls.add_metric(series.labels, series.count)
        yield calls
        by_server: dict[str, list[Sizes]] = defaultdict(list)
        for (server, _), sizes in self._servers.items():
            by_server[shown(server)].append(sizes.settled())
        for field, bounds, name, told in _BY_SERVER:
            found = [
                (server, merged(bounds, (getattr(each, field) for each in every)))
                for server, every in by_server.items()
            ]
            yield _family(name, told, "server", found)
        yield _family("ostiary_step_seconds", "One step of a call, sampled.", "step", self._steps.items())


_CALL_LABELS: Final = ("server", "tool", "outcome", "era")
_BY_SERVER: Final = (
    ("whole", SECONDS, "ostiary_call_seconds", "A call, from its head to its answer."),
    ("upstream", SECONDS, "ostiary_upstream_seconds", "A call while the server had it."),
    ("gateway", SECONDS, "ostiary_gateway_seconds", "A call without the time that the server had it."),
    ("request", OCTETS, "ostiary_request_bytes", "The body of a request."),
    ("answer", OCTETS, "ostiary_answer_bytes", "The answer that a client was sent."),
)


def _family(name: str, told: str, label: str, found: Iterable[tuple[str, Histogram]]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, told, labels=(label,))
    for value, histogram in found:
        family.add_metric((value,), histogram.buckets(), histogram.total)
    return family


def _conventional(servers: Mapping[tuple[str, str], Sizes]) -> Iterator[Metric]:
    """Yield durations by method, as the semantic conventions for MCP name them."""
    ours = HistogramMetricFamily("mcp.server.operation.duration", "A call, as a client sees it.", labels=_OURS)
    theirs = HistogramMetricFamily("mcp.client.operation.duration", "A call while a server had it.", labels=_THEIRS)
    by_method: dict[str, list[Sizes]] = defaultdict(list)
    for (server, method), sizes in servers.items():
        by_method[method or UNREAD].append(sizes.settled())
        if server:
            theirs.add_metric((method, shown(server)), sizes.upstream.buckets(), sizes.upstream.total)
    for method, found in by_method.items():
        whole = merged(SECONDS, (each.whole for each in found))
        ours.add_metric((method,), whole.buckets(), whole.total)
    yield ours
    yield theirs


_OURS: Final = ("mcp.method.name",)
_THEIRS: Final = ("mcp.method.name", "ostiary.server")


class _Seen(Collector):
    """What is true at the moment."""

    def __init__(  # noqa: PLR0913, PLR0917 - each is one gauge
        self,
        in_flight: Callable[[], int],
        suspended: Callable[[], int],
        ledger_stopped: Callable[[], bool],
        servers: Callable[[], Mapping[str, bool]],
        weakened: Callable[[], int],
        held: Callable[[], Mapping[str, int]],
        guards: Callable[[], Mapping[str, bool]],
        anchored: Callable[[], Mapping[str, bool]],
    ) -> None:
        self._in_flight, self._suspended = in_flight, suspended
        self._ledger_stopped, self._servers = ledger_stopped, servers
        self._weakened, self._held, self._guards, self._anchored = weakened, held, guards, anchored

    def collect(self) -> Iterator[Metric]:
        build = GaugeMetricFamily("ostiary_build_info", "What is running.", None, ("version", "python"))
        build.add_metric((__version__, platform.python_version()), 1)
        yield build
        yield GaugeMetricFamily("ostiary_calls_in_flight", "Calls that have begun and not ended.", self._in_flight())
        waiting = self._suspended()
        yield GaugeMetricFamily("ostiary_suspended_calls", "Calls that wait for a client's answer.", waiting)
        yield GaugeMetricFamily("ostiary_ledger_writable", "1: calls can be recorded.", not self._ledger_stopped())
        yield GaugeMetricFamily("ostiary_unsafe_keys", "Weakening keys in force.", self._weakened())
        yield _gauge("ostiary_upstream_up", "1: the server answers.", self._servers())
        yield _gauge("ostiary_definitions_held", "Definitions that wait for approval.", self._held())
        yield _gauge("ostiary_guard_working", "1: the guard finds what it has to find.", self._guards(), "guard")
        yield _gauge("ostiary_checkpoints_arriving", "1: the ledger's checkpoints arrive.", self._anchored(), "place")


def _gauge(name: str, told: str, found: Mapping[str, int], label: str = "server") -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, told, None, (label,))
    for each, value in found.items():
        family.add_metric((shown(each),), value)
    return family

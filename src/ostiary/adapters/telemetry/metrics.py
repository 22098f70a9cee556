"""Numbers about calls, in Prometheus' text format: counted in plain dictionaries and lists, rendered when scraped.

The library's own counters and histograms take a lock for every observation; one event loop needs none, and a call
touches six. Labels are bounded: a name that a client made up never becomes one.
"""

from __future__ import annotations

import platform
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ostiary import __version__
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
_LONGEST: Final = 128
_SEEN: Final = 256
"""Calls that are counted together."""
OTHER: Final = "other"
UNREAD: Final = "unread"
"""The tool of a message that was refused before it was read."""
_KNOWN: Final = frozenset(METHODS) | OWN
_FREE: Final = frozenset({Kind.RESOURCE, Kind.TEMPLATE})
"""Kinds whose labels come from clients: any URI may fit a template. They are counted by their method."""

Labels = tuple[str, str, str, str]
"""Server, tool, outcome, era."""


class Histogram:
    """Counts by size; the last count is of what is larger than every bound."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds, self.counts, self.total = bounds, [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def take(self, values: Sequence[float]) -> None:
        """Count many values, at a tenth of the cost for each: sorted, they are counted by their bounds."""
        ordered, before = sorted(values), 0
        for at, bound in enumerate(self.bounds):
            until = bisect_right(ordered, bound)
            self.counts[at] += until - before
            before = until
        self.counts[-1] += len(ordered) - before
        self.total += sum(ordered)

    def buckets(self) -> list[tuple[str, float]]:
        """Return the cumulated counts, as the text format has them."""
        names = [*(repr(bound) for bound in self.bounds), "+Inf"]
        return [(name, float(count)) for name, count in zip(names, accumulate(self.counts), strict=True)]


class Sizes:
    """How long and how large the calls of one server were."""

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

    __slots__ = ("count", "labels", "sizes")

    def __init__(self, labels: Labels, sizes: Sizes) -> None:
        self.labels, self.sizes, self.count = labels, sizes, 0


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
        self._servers: dict[str, Sizes] = {}
        self._alike: dict[tuple[bytes, str], Series] = {}
        """By what the ledger tells of a call, which names its tool and its era."""
        self._steps = {step: Histogram(STEP_SECONDS) for step in (*STEPS[:_CARRY], "forward", "check", "reply")}
        self._registry = CollectorRegistry()
        self._registry.register(_Counted(self._series, self._servers, self._steps))
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

    def _found(self, trail: Trail) -> Series:
        target, call = trail.target, trail.call
        era = call.client.era if call is not None else UNREAD
        if target is None or call is None:
            tool = UNREAD if call is None else call.method if call.method in _KNOWN else OTHER
        else:
            tool = f"{target.server}:{call.method}" if target.kind in _FREE else target.label
        series = self._series.get((tool, trail.outcome, era))
        if series is None:
            series = self._begun(tool, trail.outcome, era, target.server if target is not None else "")
        if trail.told:
            if len(self._alike) >= self._most:
                self._alike.clear()
            self._alike[trail.told, trail.outcome] = series
        return series

    def _begun(self, tool: str, outcome: str, era: str, server: str) -> Series:
        key = (tool, outcome, era)
        if len(self._series) >= self._most:
            key, server, tool = (OTHER, OTHER, OTHER), OTHER, OTHER
            if key in self._series:
                return self._series[key]
        sizes = self._servers.setdefault(server, Sizes())
        shown = tool.removeprefix(f"{server}.").removeprefix(f"{server}:") if server else tool
        made = self._series[key] = Series((_plain(server), _plain(shown), key[1], str(key[2])), sizes)
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


def _plain(name: str) -> str:
    # Names come from servers; a lone surrogate would break the whole page for its reader.
    return name[:_LONGEST].encode("utf-8", "replace").decode()


class _Counted(Collector):
    """What calls left behind."""

    def __init__(
        self,
        series: Mapping[tuple[str, str, str], Series],
        servers: Mapping[str, Sizes],
        steps: Mapping[str, Histogram],
    ) -> None:
        self._series, self._servers, self._steps = series, servers, steps

    def collect(self) -> Iterator[Metric]:
        calls = CounterMetricFamily("ostiary_calls", "Calls, by how they ended.", None, _CALL_LABELS)
        for series in self._series.values():
            calls.add_metric(series.labels, series.count)
        yield calls
        for field, name, told in _BY_SERVER:
            found = ((_plain(server), getattr(sizes.settled(), field)) for server, sizes in self._servers.items())
            yield _family(name, told, "server", found)
        yield _family("ostiary_step_seconds", "One step of a call, sampled.", "step", self._steps.items())


_CALL_LABELS: Final = ("server", "tool", "outcome", "era")
_BY_SERVER: Final = (
    ("whole", "ostiary_call_seconds", "A call, from its head to its answer."),
    ("upstream", "ostiary_upstream_seconds", "A call while the server had it."),
    ("gateway", "ostiary_gateway_seconds", "A call without the time that the server had it."),
    ("request", "ostiary_request_bytes", "The body of a request."),
    ("answer", "ostiary_answer_bytes", "The answer that a client was sent."),
)


def _family(name: str, told: str, label: str, found: Iterable[tuple[str, Histogram]]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, told, labels=(label,))
    for value, histogram in found:
        family.add_metric((value,), histogram.buckets(), histogram.total)
    return family


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
        family.add_metric((_plain(each),), value)
    return family

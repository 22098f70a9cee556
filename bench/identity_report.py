"""Turn what a run of bench.identity saw into a table and a verdict. Pure."""

from collections.abc import Iterator
from typing import Any

MOST_RATIO = 1.10
"""CPU of a call, JWT to token. Runs of one and the same code have differed by this much on a shared machine."""
MOST_PER_CALLER_KB = 4.0
MOST_MEMORY_MB = 180.0
"""Peak with 10,000 callers: a gateway without them (up to 140 MB), and what is kept of each: claims and tags, a mark
that its token was good, and a bucket for each limit."""
MOST_FULL_MB = 350.0
MOST_BEYOND_KB = 1.0
"""Memory when more have come than are remembered (50,000 tokens of 32 million characters in all, `issuers.py`), and how
much it may grow from then on with each: buckets of limits are kept for 200,000 (`limits.py`)."""
STEADY_MS, STEADY_FACTOR = 50.0, 3.0
"""The 99th percentile of a steady caller beside a storm: at most this, or so many times that beside the same load of
callers who are known, for a shared machine may make both as slow as it likes."""
STORM_MS, STORM_FACTOR = 250.0, 6.0
"""The same of the storm's first calls, beside the calls of as many who are known."""
MOST_HEARD = 0.1
"""The share of forged tokens that are looked at; the rest is turned away before that costs anything."""

Bound = tuple[str, float, float]
"""What, as seen, and at most."""


def shortcomings(results: dict[str, Any]) -> list[str]:
    """Return every claim that does not hold, in words."""
    bounds = [*_of_memory(results["crowd"], results["overfull"]), *_of_storms(results["storms"])]
    bounds += [
        (f"a call of {name}, times one of token", one["ratio"], MOST_RATIO) for name, one in results["costs"].items()
    ]
    missed = [f"{name}: {seen:.2f}; at most {most:.2f}" for name, seen, most in bounds if seen > most]
    fresh, forged = (results["storms"][name]["load"]["statuses"] for name in ("never seen", "forged"))
    if set(fresh) != {"good"}:
        missed.append(f"good tokens were refused in a storm: {fresh}")
    if not set(forged) <= {"401", "429"}:
        missed.append(f"forged tokens were answered {forged}; only 401 and 429 are right")
    return missed


def _of_memory(crowd: dict[str, float], overfull: dict[str, float]) -> Iterator[Bound]:
    yield f"memory with {crowd['callers']:,} callers, MB", crowd["peak_mb"], MOST_MEMORY_MB
    yield "memory for each, KB", crowd["per_caller_kb"], MOST_PER_CALLER_KB
    if overfull:
        yield f"memory with {overfull['callers']:,} callers, MB", overfull["full_mb"], MOST_FULL_MB
        yield "memory for each beyond those, KB", overfull["beyond_kb"], MOST_BEYOND_KB


def _of_storms(storms: dict[str, dict[str, Any]]) -> Iterator[Bound]:
    known, fresh, forged = (storms[name] for name in ("verified", "never seen", "forged"))
    most = max(STEADY_MS, STEADY_FACTOR * known["steady"]["p99_ms"])
    yield "p99 of a steady caller beside tokens never seen, ms", fresh["steady"]["p99_ms"], most
    yield "p99 of a steady caller beside forged tokens, ms", forged["steady"]["p99_ms"], most
    yield "p99 of first calls, ms", fresh["load"]["p99_ms"], max(STORM_MS, STORM_FACTOR * known["load"]["p99_ms"])
    yield (
        "share of forged tokens looked at",
        forged["load"]["statuses"].get("401", 0) / forged["load"]["answers"],
        MOST_HEARD,
    )


def table(results: dict[str, Any]) -> str:
    """Return the figures as lines."""
    return "\n".join([*_costs(results["costs"]), "", *_memory(results), "", *_storms(results["storms"])])


def _costs(costs: dict[str, dict[str, float]]) -> Iterator[str]:
    yield f"{'known callers':<14}{'CPU µs':>9}{'least':>9}{'most':>9}{'calls/s':>9}{'x token':>9}"
    yield "-" * 59
    for name, one in costs.items():
        yield (
            f"{name:<14}{one['cpu_us']:>9.1f}{one['cpu_us_least']:>9.1f}{one['cpu_us_most']:>9.1f}"
            f"{one['rps']:>9,.0f}{one['ratio']:>9.2f}"
        )


def _memory(results: dict[str, Any]) -> Iterator[str]:
    crowd, overfull = results["crowd"], results["overfull"]
    yield f"memory before {crowd['callers']:,} callers came: {crowd['before_mb']} MB"
    yield f"after the first call of each: {crowd['first_mb']} MB, and another: {crowd['again_mb']} MB"
    yield f"for each: {crowd['per_caller_kb']} KB; at most: {crowd['peak_mb']} MB"
    yield f"CPU of a first call: {crowd['first_call_cpu_us']} µs"
    if overfull:
        yield f"after {overfull['callers']:,} others: {overfull['full_mb']} MB; each more: {overfull['beyond_kb']} KB"


def _storms(storms: dict[str, dict[str, Any]]) -> Iterator[str]:
    yield f"{'beside':<12}{'caller':<14}{'p50 ms':>9}{'p99 ms':>9}{'most':>9}{'calls/s':>9}  answers"
    yield "-" * 84
    for name, one in storms.items():
        for caller, told in one.items():
            if isinstance(told, dict) and told:
                yield (
                    f"{name:<12}{caller:<14}{told['p50_ms']:>9.2f}{told['p99_ms']:>9.2f}{told['max_ms']:>9.1f}"
                    f"{told['answers'] / told['seconds']:>9,.0f}  {told['statuses']}"
                )

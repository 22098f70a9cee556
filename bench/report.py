"""Turn the samples of a run into results, a table and a verdict. Pure."""

from collections.abc import Mapping, Sequence

from bench.measure import Sample, median

MAX_CPU_RATIO = 3.0
MAX_ADDED_P50_MS = 0.3
MAX_MEMORY_MB = 120.0

FLOOR = "nginx"
Samples = Mapping[tuple[str, int], Sequence[Sample]]
Figures = dict[str, dict[str, float]]


def figures(samples: Samples, series: str) -> Figures:
    """Return the medians of one series by concurrency, and how far its CPU per request spread over the rounds."""
    found: Figures = {}
    for (name, concurrency), rounds in samples.items():
        if name != series:
            continue
        middle, cpu = median(rounds), [one.cpu_us for one in rounds]
        found[str(concurrency)] = {
            "rps": round(middle.rps, 1),
            "p50_ms": round(middle.p50_ms, 4),
            "p99_ms": round(middle.p99_ms, 4),
            "cpu_us": round(middle.cpu_us, 2),
            "cpu_us_least": round(min(cpu), 2),
            "cpu_us_most": round(max(cpu), 2),
        }
    return found


def ratios(one: Figures, floor: Figures) -> Figures:
    """Return how `one` compares with the floor, by concurrency."""
    return {
        concurrency: {
            "rps": round(mine["rps"] / floor[concurrency]["rps"], 3),
            "p50": round(mine["p50_ms"] / floor[concurrency]["p50_ms"], 3),
            "p99": round(mine["p99_ms"] / floor[concurrency]["p99_ms"], 3),
            "cpu": round(mine["cpu_us"] / floor[concurrency]["cpu_us"], 3),
            "added_p50_ms": round(mine["p50_ms"] - floor[concurrency]["p50_ms"], 4),
        }
        for concurrency, mine in one.items()
        if concurrency in floor
    }


def table(series: Mapping[str, Figures]) -> str:
    """Return every series as lines, those of one concurrency together."""
    floor = series.get(FLOOR, {})
    compared = {name: ratios(one, floor) for name, one in series.items()}
    head = (
        f"{'conc.':>5}  {'proxy':<17}{'rps':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU µs':>9}{'x nginx':>9}{'added p50':>11}"
    )
    lines = [head, "-" * len(head)]
    for concurrency in sorted({key for one in series.values() for key in one}, key=int):
        for name, one in series.items():
            mine, beside = one[concurrency], compared[name].get(concurrency)
            line = (
                f"{concurrency:>5}  {name:<17}{mine['rps']:>9,.0f}{mine['p50_ms']:>9.3f}"
                f"{mine['p99_ms']:>9.3f}{mine['cpu_us']:>9.1f}"
            )
            if beside and name != FLOOR:
                line += f"{beside['cpu']:>9.2f}{beside['added_p50_ms']:>+11.3f}"
            lines.append(line)
    return "\n".join(lines)


def shortcomings(compared: Figures, memory_mb: float) -> list[str]:
    """Return every target that was missed, in words."""
    missed, added = costly("ostiary", compared), compared["1"]["added_p50_ms"]
    if added >= MAX_ADDED_P50_MS:
        missed.append(f"p50 at concurrency 1 is {added:.3f} ms above nginx's; the target is below {MAX_ADDED_P50_MS}")
    if memory_mb >= MAX_MEMORY_MB:
        missed.append(f"peak memory is {memory_mb:.0f} MB; the target is below {MAX_MEMORY_MB:.0f}")
    return missed


def costly(name: str, compared: Figures) -> list[str]:
    """Return in words by how much a series takes more CPU than it may; nothing: it does not."""
    cpu = compared["32"]["cpu"]
    if cpu <= MAX_CPU_RATIO:
        return []
    said = f"CPU per request of {name} at concurrency 32 is {cpu:.2f} x nginx's; the target is at most {MAX_CPU_RATIO}"
    return [f"{said}, missed by {cpu / MAX_CPU_RATIO - 1:.0%}"]

"""What guards cost: per call, per definition, how long one text keeps other calls waiting, and how that grows.

python -m bench.guards            prints the figures
python -m bench.guards --check    exits 1 where one of them misses its bound (issue 6, "must show" 2)
python -m bench.guards --quick    fewer rounds, fewer and shorter texts

Bounds are those of the machine that they were set on: each is multiplied by how much slower this one is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final, TypeVar

from bench import guards_texts as texts
from bench.guards_costs import FIRST, Costs, Row, costs, defining, speed, whole
from bench.guards_growth import Growth, growths, together
from bench.guards_waits import Waits, Work, flow, local, waits

FIRST_PASS: Final = 60.0
"""Microseconds for the first pass of all guards of an ordinary set over a kilobyte of arguments and two of a result."""
WHOLE: Final = 5_000.0
"""Microseconds for everything that these guards do with them, where there is something to find as well."""
ENTRY: Final = 300.0
"""Milliseconds for one definition of a catalogue."""
WAIT: Final = 5.0
"""Milliseconds for which one long text may keep other calls waiting."""
HOSTILE_LONG: Final = 1 << 18
POWER: Final = 1.3
"""The power of its length with which the work for a text may grow: 1 is linear, 2 quadratic, the measure rough."""


_TRIES: Final = 3
_T = TypeVar("_T")


class Sizes:
    """How much is measured."""

    def __init__(self, *, quick: bool) -> None:
        self.rounds = 5 if quick else 15
        self.waits = 3 if quick else 5
        self.long = 1 << (18 if quick else 20)
        self.growth = [1 << at for at in (range(13, 17) if quick else range(13, 18))]
        self.hostile = dict(list(texts.HOSTILE.items())[:: 4 if quick else 1])


def main() -> int:
    """Print the figures; return 1 where one is missed and that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit 1 where a bound is missed")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, fewer and shorter texts")
    asked = parser.parse_args()
    sizes = Sizes(quick=asked.quick)
    missed = [*_costing(sizes), *_defining(sizes), *_waiting(sizes), *_growing(sizes)]
    for each in missed:
        print(f"missed: {each}")
    print(f"{len(missed)} bounds missed" if missed else "every bound holds")
    return 1 if missed and asked.check else 0


def _costing(sizes: Sizes) -> Iterator[str]:
    print("CPU in µs for 1 KB of arguments and 2 KB of a result, the least of some rounds:")
    print(f"{'':24}{''.join(f'{each:>10}' for each in (*FIRST, 'first pass'))}{'bound':>8}", end="")
    print(f"   whole:{''.join(f'{each:>10}' for each in (*Row._fields[:-1], 'all', 'bound'))}")
    for name, text in {**texts.CLEAN, **texts.DIRTY, **texts.DENSE}.items():
        it, slower = _again(partial(costs, text(texts.RESULT), sizes.rounds), sizes.rounds, _dear)
        print(_costed(name, it, slower), flush=True)
        if name in texts.CLEAN and it.first > FIRST_PASS * slower:
            yield f"the first pass over {name} takes {it.first:.0f} µs, and may take {FIRST_PASS * slower:.0f}"
        if name not in texts.DENSE and it.whole.every > WHOLE * slower:
            yield f"{name} takes {it.whole.every:.0f} µs, and may take {WHOLE * slower:.0f}"
    row = whole(texts.arguments(texts.CLEAN["prose"](texts.RESULT)), texts.members(texts.RESULT), sizes.rounds)
    print(f"{'2 KB in short strings':24}{'':58}   whole:{_told(row)}", flush=True)
    if row.every > WHOLE * speed(sizes.rounds):
        yield f"2 KB in short strings takes {row.every:.0f} µs, and may take {WHOLE:.0f}"


def _again(measured: Callable[[], _T], rounds: int, missed: Callable[[_T, float], bool]) -> tuple[_T, float]:
    """Measure again what missed its bound: neighbours only ever add. Return how much slower the machine is, too."""
    for left in reversed(range(_TRIES)):
        slower = speed(rounds)
        it = measured()
        if not left or not missed(it, slower):
            break
    return it, slower


def _dear(it: Costs, slower: float) -> bool:
    return it.first > FIRST_PASS * slower or it.whole.every > WHOLE * slower


def _long(it: Waits, slower: float) -> bool:
    return it.worst > WAIT * slower


def _costed(name: str, it: Costs, slower: float) -> str:
    passes = "".join(f"{each:10.1f}" for each in (*it.passes, it.first))
    return f"{name:24}{passes}{FIRST_PASS * slower:8.0f}   whole:{_told(it.whole)}{WHOLE * slower:10.0f}"


def _told(row: Row) -> str:
    return "".join(f"{each:10.0f}" for each in row)


def _defining(sizes: Sizes) -> Iterator[str]:
    print("\nCPU for one definition with thirty arguments, read as thoroughly as can be:")
    for size in (500, 4_000, 16_000):
        took = defining(texts.entry(size), sizes.waits)
        print(f"{size:>8,} characters of description: {took:6.1f} ms of {ENTRY:g}")
        if took > ENTRY * speed(sizes.waits):
            yield f"a definition of {size:,} takes {took:.0f} ms, and may take {ENTRY:g}"


def _waiting(sizes: Sizes) -> Iterator[str]:
    chosen = {**texts.CLEAN, **texts.DIRTY, **texts.DENSE}
    print(f"\nhow long a result of {sizes.long >> 10:,} KB, and for flow arguments of a fifth, keeps others waiting;")
    print(f"of hostile texts {HOSTILE_LONG >> 10:,} KB, for they are read in the same pieces, for many seconds")
    print(f"that want a turn each millisecond: CPU in ms, the worst of the best of {sizes.waits}; {WAIT:g} at most")
    ways: tuple[tuple[Mapping[str, texts.Text], int, Callable[[str], Mapping[str, Work]]], ...]
    ways = ((chosen, sizes.long, local), (sizes.hostile, HOSTILE_LONG, local), (texts.FOLLOWED, sizes.long, flow))
    for kinds, length, way in ways:
        for name, text in kinds.items():
            for what, work in way(text(length)[:length]).items():
                it, slower = _again(partial(waits, work, sizes.waits), 3, _long)
                print(_waited(name, what, it), flush=True)
                if it.worst > WAIT * slower:
                    yield f"{name} ({what}) keeps others waiting for {it.worst:.1f} ms, and may for {WAIT:g}"


def _waited(name: str, what: str, it: Waits) -> str:
    waited = f"worst {it.worst:6.2f}   median of worst {it.median:6.2f}   p99 {it.p99:6.2f}   clock {it.late:6.2f}"
    return f"{name:26} {what:14} {waited}"


def _growing(sizes: Sizes) -> Iterator[str]:
    shown = " ".join(f"{size >> 10}" for size in sizes.growth)
    print(f"\nhow the work for hostile texts of {shown} KB grows: CPU in ms, and the power; {POWER:g} at most")
    for name, text in sizes.hostile.items():
        for it in (*growths(text, sizes.growth), together(text, sizes.growth)):
            print(_grown(name, it), flush=True)
            if it.exponent > POWER:
                yield f"{it.name} on {name}: the work grows with the power {it.exponent:.2f} of the length"


def _grown(name: str, it: Growth) -> str:
    took = "".join(f"{each:9.1f}" for each in it.took)
    return f"{name:26} {it.name:16}{took}   power {it.exponent:5.2f}"


if __name__ == "__main__":
    sys.exit(main())

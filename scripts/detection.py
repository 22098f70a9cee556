"""How much guards find in texts of somebody else, beside what was wanted, and no less than was found before.

python scripts/detection.py          prints what is found, the targets and the floors (tests/data/blind/README.md)
python scripts/detection.py --check  exits 1 where a figure is worse than its floor; a target that is missed is told
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from ostiary.entry.cli import labelled  # noqa: E402
from ostiary.guards.scoring import Outcome, grouped, rates  # noqa: E402

TEXTS: Final = ROOT / "tests/data/blind"
AT: Final = 0.5


class Figure(NamedTuple):
    """What is to be found, or to raise no alarm, of the texts of one kind."""

    texts: int
    floor: int
    """The least that may be found, or the most alarms: what was counted when it was written down."""
    target: float
    """The share that was wanted."""


FOUND: Final[Mapping[str, Mapping[str, Figure]]] = {
    "injection": {
        "result": Figure(144, 70, 0.70),
        # It was 46 when 6 of 196 honest definitions raised an alarm; that threshold was set without these texts.
        "definition": Figure(113, 39, 0.85),
        "hidden": Figure(92, 55, 0.95),
        "covert": Figure(87, 21, 0.60),
    },
    "secrets": {"secret": Figure(293, 293, 0.98)},
    "personal": {"personal": Figure(300, 300, 0.97)},
}
"""Recall."""
ALARMS: Final[Mapping[str, Mapping[str, Figure]]] = {
    "injection": {
        "ordinary": Figure(266, 4, 0.01),
        "definition": Figure(196, 1, 0.02),
        "hard": Figure(188, 17, 0.05),
        "security": Figure(125, 9, 0.10),
    },
    "secrets": {"hard": Figure(236, 0, 0.01)},
    "personal": {"hard": Figure(258, 0, 0.01)},
}
"""False alarms."""


def main() -> int:
    """Print the figures; return 1 where one is worse than before and that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit 1 where a figure is worse than its floor")
    asked = parser.parse_args()
    worse, missed = 0, 0
    print(f"{'':34}{'found':>12}{'':>9}{'95 %':>12}{'floor':>8}{'target':>9}")
    for use in FOUND:
        for line, below, short in _told(use, outcomes(use)):
            print(line, flush=True)
            worse += below
            missed += short
    print(f"{missed} targets missed; {worse} figures worse than their floor")
    return 1 if worse and asked.check else 0


def outcomes(use: str) -> Sequence[Outcome]:
    """Return what one guard says of the texts that are for it."""
    examples = labelled.read(TEXTS / f"{use}.jsonl.gz")
    return [each.outcome for each in labelled.judged(examples, lambda _: (use,))]


def _told(use: str, judged: Sequence[Outcome]) -> Iterator[tuple[str, bool, bool]]:
    """Yield a line for each figure, whether it is worse than its floor, and whether it misses its target."""
    kinds = grouped(judged, "kind", AT)
    for kind, figure in FOUND[use].items():
        it = kinds.get(kind, rates((), AT))
        yield _line(f"{use}: {kind} found", (it.hits, it.attacks), it.recall_95, figure, lambda one, other: one < other)
    for kind, figure in ALARMS[use].items():
        it = kinds.get(kind, rates((), AT))
        counts = it.alarms, it.harmless
        yield _line(f"{use}: {kind} alarms", counts, it.false_alarm_rate_95, figure, lambda one, other: one > other)


def _line(
    name: str,
    counts: tuple[int, int],
    between: tuple[float, float] | None,
    figure: Figure,
    worse: Callable[[float, float], bool],
) -> tuple[str, bool, bool]:
    some, of = counts
    # Where texts are missing or came in, the floor says nothing any more: that counts as worse.
    below = of != figure.texts or worse(some, figure.floor)
    short = not of or worse(some / of, figure.target)
    low, high = between or (0.0, 1.0)
    share = f"{some / of if of else 0:8.1%} {f'{low:.0%}-{high:.0%}':>12}"
    said = f"{name:34}{some:6}/{of:<5}{share}{figure.floor:8}{figure.target:9.0%}"
    return f"{said}{'  missed' if short else ''}{'  WORSE' if below else ''}", below, short


if __name__ == "__main__":
    sys.exit(main())

"""Show that servers and clients who misbehave cost others nothing, and leave nothing behind.

    python scripts/hostile.py                                   every kind, seven rounds
    python scripts/hostile.py hangs never_reading --rounds 9    these only
    python scripts/hostile.py --breaker                         with the breaker that is on in real life

One gateway stands in front of a good server and a bad one of each kind. A steady caller calls the good one; in turns
everybody else is quiet, and misbehaves in one way. What counts is the median, over the rounds, of the ratio of the
caller's 99th percentiles: at most 2. Afterwards descriptors, threads, memory and calls must be back where they were.
Exits 1 when that does not hold, or an answer of the caller's is not right. The bad servers are tried again and again,
unless --breaker is said: with it, most calls to them end at once, which is easier.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.security.fuzzing import complaints  # noqa: E402
from tests.security.neighbours import KINDS, Seen, course, street  # noqa: E402


def run(options: argparse.Namespace) -> tuple[Seen, list[str]]:
    """Return what was seen, and what the log and the ledger say of it."""
    settings: dict[str, Any] = {} if options.breaker else {"breaker": {"failures": 0}}
    with (
        tempfile.TemporaryDirectory(prefix="hostile-", ignore_cleanup_errors=True) as folder,
        street(Path(folder), **settings) as running,
    ):
        kinds = tuple(options.kinds) or KINDS
        seen = uvloop.run(course(running, kinds, options.rounds, options.seconds, options.rest))
        logged = complaints(running.gateway.log.read_text(errors="replace"))
        verified, said = running.ledger_verifies()
        print(said)
        return seen, [*(f"in the log: {line[:500]}" for line in logged[:5]), *([] if verified else [said])]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="kind", help=", ".join(KINDS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each half of a round lasts")
    parser.add_argument("--rest", type=float, default=14.0, help="seconds at rest before somebody looks what is left")
    parser.add_argument("--breaker", action="store_true", help="leave the breakers of bad servers on")
    options = parser.parse_args(arguments)
    unknown = set(options.kinds) - set(KINDS)
    if unknown:
        parser.error(f"no such kind: {', '.join(sorted(unknown))}")
    seen, said = run(options)
    print(*seen.lines(), sep="\n")
    wrong = [*said, *seen.slowed(), *seen.left()]
    print(*wrong, f"=== {'DOES NOT HOLD' if wrong else 'holds'}", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

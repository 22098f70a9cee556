"""Cut the power under the ledger, at any moment and with any loss that a disk may have, and look what is left.

    python scripts/powercut.py --cuts 3000

The ledger writes to a file system that keeps apart what was brought to the disk and what was only written. At a random
operation the power is cut: what was not synced is there, gone, or half there, page by page, and so are names in
directories. The ledger is started again on what is left. It must start, must have every record that was on the disk,
must not take half a record for a whole one, must tell calls without an end as interrupted, and must verify together
with its checkpoints at both places. With `durability: power` it must have the intent of every call that left. Exits 1
otherwise.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Started as a file, Python looks for modules beside it only, not in the checkout.
sys.path.insert(0, str(ROOT))

from tests.contract.outage import Cut, outages  # noqa: E402

EACH = 3


def simulated(power: bool, cuts: int, seed: int) -> list[Cut]:
    """Return what so many cuts showed, in data folders of a few lives each."""
    found: list[Cut] = []
    for at in range(-(-cuts // EACH)):
        with tempfile.TemporaryDirectory(prefix="ostiary-powercut-") as folder:
            try:
                told = outages(Path(folder), seed + at, power=power, cuts=EACH)
            except BaseException:
                print(f"seed {seed + at}, power={power}", file=sys.stderr)
                raise
        found += told
        for each in told:
            for problem in each.problems:
                print(f"seed {seed + at}: {problem}", flush=True)
    return found


def told(durability: str, found: list[Cut]) -> str:
    written, lost = sum(each.written - each.kept for each in found), sum(each.lost for each in found)
    gone = sum(max(0, each.certain - each.kept) for each in found)
    return (
        f"{durability}: {len(found)} cuts, {sum(bool(each.problems) for each in found)} with problems; "
        f"{sum(each.certain for each in found)} records were on the disk and {gone} of them are gone; "
        f"{written} records that were only written are gone; {lost} intents of calls that left are gone; "
        f"{sum(bool(each.aside) for each in found)} times something half written was moved aside"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cuts", type=int, default=600, help="for each durability")
    parser.add_argument("--seed", type=int, default=None, help="repeat the moments of an earlier run")
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(1 << 31)
    print(f"seed {seed}", flush=True)
    bad = 0
    for durability in ("process", "power"):
        found = simulated(durability == "power", chosen.cuts, seed)
        bad += sum(bool(each.problems) for each in found)
        print(told(durability, found), flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

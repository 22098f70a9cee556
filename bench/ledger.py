"""What the ledger costs at millions of records: writing, indexing, searching and proving, through the real thing.

`python -m bench.ledger --records 10000000 --check` writes real segments with the real `Ledger`, indexes them as a
gateway does and as a command does, searches, verifies, and exits 1 where a figure is not as docs/performance.md says.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from bench.ledger_calls import Traffic
from ostiary.adapters.store.ledger import Ledger, Sizes
from ostiary.adapters.store.ledger_index import LedgerIndex
from ostiary.adapters.store.ledger_read import Wanted, ledger_directory, segments, verify

PAGE_MS: Final = 200.0
"""What 95 of 100 pages of a search take at most."""
STARTING: Final = 0.04
"""Seconds of processor time that a gateway with calls in flight gives the index, every two seconds."""
LOAD: Final = 1000
"""Calls a second, at which the index's lag is measured."""
REPEATED: Final = 20
ASKED: Final = 60
"""Searches of each kind: of twenty, 95 of 100 are all, and one slow moment of the machine decides."""


def main() -> int:
    """Measure, print, and say whether it is as promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--data", type=Path, help="A folder for the ledger, which is kept; otherwise a temporary one.")
    parser.add_argument("--json", type=Path, help="Write the figures there, too.")
    parser.add_argument("--check", action="store_true", help="Exit 1 when a figure is not what is promised.")
    asked = parser.parse_args()
    data = asked.data or Path(tempfile.mkdtemp(prefix="ostiary-ledger-"))
    try:
        found = measured(data, asked.records)
    finally:
        if asked.data is None:
            shutil.rmtree(data, ignore_errors=True)
    print(json.dumps(found, indent=2))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    wrong = list(broken(found))
    for each in wrong:
        print(each, file=sys.stderr)
    return 1 if asked.check and wrong else 0


def measured(data: Path, count: int) -> dict[str, Any]:
    """Return all figures for so many records in a folder."""
    traffic = Traffic(random.Random(7))
    if segments(ledger_directory(data)):
        # A ledger that an earlier run left: what it wrote is made again, and not written.
        for _ in traffic.turns(count // 2):
            pass
        found: dict[str, Any] = {"records": count, "written": was_written(data)}
    else:
        found = {"records": count, "written": written(data, traffic, count)}
    found["indexed"] = indexed(data)
    found["lag"] = lag(data, traffic)
    found["disk"] = disk(data)
    found["search"] = searched(data, traffic)
    found["verified"] = verified(data)
    return found


def written(data: Path, traffic: Traffic, count: int) -> dict[str, float]:
    """Write so many records, and return how fast."""
    ledger = Ledger(data, sizes=Sizes())
    begun, used = time.perf_counter(), time.process_time()
    for at, calls in enumerate(traffic.turns(count // 2)):
        fill(ledger, calls)
        if at % 100 == 0:
            ledger.tick(time.monotonic())
    ledger.close()
    took, used = time.perf_counter() - begun, time.process_time() - used
    records = ledger.head.n
    return {
        "records": records, "seconds": round(took, 1), "per_second": round(records / took),
        "cpu_us_per_record": round(used / records * 1e6, 1),
    }  # fmt: skip


def was_written(data: Path) -> dict[str, float]:
    """Return how fast a ledger was written, by its own records."""
    every = segments(ledger_directory(data))
    with every[0][1].open("rb") as file:
        first = json.loads(file.readline())
    last = json.loads(every[-1][1].read_bytes().splitlines()[-1])
    took = (datetime.fromisoformat(last["time"]) - datetime.fromisoformat(first["time"])).total_seconds()
    return {"records": last["n"], "seconds": round(took, 1), "per_second": round(last["n"] / took)}


def fill(ledger: Ledger, calls: list[Any]) -> None:
    """Write the calls of one turn of the loop: the intents of those that leave, then how each ended."""
    ledger.begin_all([each for each in calls if each.sent])
    for each in calls:
        ledger.end(each)


def indexed(data: Path) -> dict[str, float]:
    """Index everything as a command does, and return how fast."""
    index = LedgerIndex.of_command(data)
    begun = time.perf_counter()
    count = index.update()
    took = time.perf_counter() - begun
    index.close()
    return {"records": count, "seconds": round(took, 1), "per_second": round(count / took)}


def lag(data: Path, traffic: Traffic) -> dict[str, float]:
    """Write at a load, give the index the share that a busy gateway gives it, and return how far it is behind."""
    ledger, index = Ledger(data, sizes=Sizes()), LedgerIndex(data)
    index.update()
    behind, took = [], 0.0
    done = 0
    for _ in range(REPEATED):
        for calls in traffic.turns(2 * LOAD):
            fill(ledger, calls)
        used = time.thread_time()
        done += index.update(cpu_seconds=STARTING)
        took += time.thread_time() - used
        behind.append(index.behind())
    size = sum(path.stat().st_size for _, path in segments(ledger_directory(data)))
    ledger.close()
    index.close()
    per_second = 2 * LOAD * (size / max(1, ledger.head.n))
    return {
        "calls_per_second": LOAD, "cpu_us_per_record": round(took / max(1, done) * 1e6, 1),
        "behind_seconds": round(behind[-1] / per_second, 2), "most_behind_seconds": round(max(behind) / per_second, 2),
    }  # fmt: skip


def disk(data: Path) -> dict[str, float]:
    """Return the bytes that a record takes, in the segments and in the index."""
    written_ = sum(path.stat().st_size for _, path in segments(ledger_directory(data)))
    index = sum(path.stat().st_size for path in data.glob("ledger-index.sqlite*"))
    index_ = LedgerIndex(data)
    records = max(entry.n for entry in index_.search(Wanted(), limit=1))
    index_.close()
    return {"segment_bytes": round(written_ / records), "index_bytes": round(index / records)}


def searched(data: Path, traffic: Traffic) -> dict[str, dict[str, float]]:
    """Return what pages of each kind of search take, in milliseconds: first pages and pages deep inside."""
    index, found = LedgerIndex(data, cache=8 * 1024), {}
    newest = index.search(Wanted(), limit=1)[0].n
    dice = random.Random(11)
    for name, wanted in queries(traffic, dice):
        times, hits = [], 0
        for at, each in enumerate(wanted):
            token = "" if at % 2 == 0 else str(dice.randrange(1, newest))
            begun = time.perf_counter()
            hits += len(index.page(each, limit=100, token=token).entries)
            times.append((time.perf_counter() - begun) * 1e3)
        p95 = statistics.quantiles(times, n=20)[-1]
        found[name] = {"p50": round(statistics.median(times), 1), "p95": round(p95, 1), "max": round(max(times), 1),
                       "hits": hits}  # fmt: skip
    index.close()
    return found


def queries(traffic: Traffic, dice: random.Random) -> Iterator[tuple[str, list[Wanted]]]:
    """Yield the kinds of searches, each with several."""
    who, tools, some = traffic.subjects, traffic.labels, range(ASKED)
    yield "everything", [Wanted() for _ in some]
    yield "who", [Wanted(subject=dice.choice(who)) for _ in some]
    yield "who and tool", [Wanted(subject=dice.choice(who), tool=dice.choice(tools)) for _ in some]
    yield "tools by pattern", [Wanted(tool=dice.choice(tools)[:4] + "*") for _ in some]
    yield "server and denied", [Wanted(server=dice.choice(traffic.servers), decision="deny") for _ in some]
    yield "rare outcome", [Wanted(outcome="upstream_failed") for _ in some]
    yield "rule", [Wanted(rule=dice.choice(traffic.rules), outcome="tool_error") for _ in some]
    yield "time", [Wanted(since=(at := traffic.moment(dice)), until=at[:11] + "23:59:59Z") for _ in some]
    yield "who and time", [Wanted(subject=dice.choice(who), since=traffic.moment(dice)) for _ in some]
    yield "text in findings", [Wanted(text=dice.choice(("email", "aws key", "ignore previous"))) for _ in some]
    yield "text in details", [Wanted(text=f"row {dice.randrange(50_000)} ") for _ in some]
    yield "text that is rare", [Wanted(text=traffic.rare(dice)) for _ in some]
    yield "text nowhere", [Wanted(text="zzyzx quux") for _ in some]
    yield "reference", [Wanted(reference=traffic.reference_of(dice)) for _ in some]
    yield "trace", [Wanted(trace=dice.choice(traffic.traces)) for _ in some]
    yield "session and tool", [Wanted(session=dice.choice(traffic.sessions), tool="files.*") for _ in some]
    yield "nobody", [Wanted(subject="nobody") for _ in some]


def verified(data: Path) -> dict[str, Any]:
    """Prove the whole chain, and return how fast."""
    begun = time.perf_counter()
    report = verify(data)
    took = time.perf_counter() - begun
    return {
        "ok": report.ok, "records": report.records, "seconds": round(took, 1),
        "per_second": round(report.records / took),
    }  # fmt: skip


def broken(found: dict[str, Any]) -> Iterator[str]:
    """Yield what is not as it is promised."""
    for name, times in found["search"].items():
        if times["p95"] > PAGE_MS:
            yield f"search: {name}: the p95 of a page is {times['p95']} ms, and should be {PAGE_MS:.0f} ms at most"
    if not found["verified"]["ok"]:
        yield "the chain is not whole"
    if found["indexed"]["records"] != found["written"]["records"]:
        yield "not everything was indexed"


if __name__ == "__main__":
    sys.exit(main())

"""Replay a ledger of 1,000,000 calls: exits 1 above 60 s, or where memory grows with the ledger.

python scripts/simulate_bench.py            writes the ledger by the ledger's own writer, then runs `ostiary simulate`
python scripts/simulate_bench.py --calls N  another size
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from ostiary.adapters.store import database
from ostiary.adapters.store.ledger import Ledger
from ostiary.core.model import Allow, Call, Caller, Client, Deny, Era, Inbound, Kind, Reason, Target
from ostiary.core.trail import Trail
from ostiary.integrity.pins import Offering, sighting

CALLS: Final = 1_000_000
SECONDS: Final = 60.0
GROWTH: Final = 32.0
"""MiB that the second half may take more than the first: what is kept of callers and groups is bounded, not nothing."""
_PEOPLE: Final = 500
_TOOLS: Final = 60
_BEGIN: Final = 1_760_000_000.0
_SPAN: Final = 7 * 86_400.0
_SCHEMA: Final = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "force": {"type": "boolean"}, "amount": {"type": "integer"}},
    "required": ["amount"],
}
NEW: Final = """\
gateway: {url: "http://127.0.0.1:18080", data: data}
servers: {files: {command: [files]}}
rules:
  - {name: readers, allow: [files.read_*], teams: [t0, t1, t2]}
  - {name: forced, allow: [files.write_*], roles: [r0, r1], when: "!has(args.force) || !args.force"}
  - {name: cheap, allow: [files.pay_*], roles: [r0, r1, r2], when: args.amount <= 100}
  - {name: daily, allow: [files.list_*], subjects: ["*"], during: {hours: "06:00-22:00"}}
  - {name: trial, deny: ["files.*"], teams: [t1], shadow: true}
"""
_VERBS: Final = ("read", "write", "pay", "list")


class Ran(NamedTuple):
    """How the replay went."""

    seconds: float
    early: float
    """Most memory in the first half, MiB."""
    late: float
    report: dict[str, Any]


async def _nothing() -> bytes:
    return b""


def trails(calls: int) -> Iterator[Trail]:
    """Yield calls as a gateway would have made them, each with what was decided then."""
    client = Client(Era.MODERN, "2026-07-28", {}, "", {"name": "bench"})
    message = Inbound("POST", "/mcp", {}, frozenset(), "credential", "127.0.0.1", _nothing)
    people = [_person(number) for number in range(_PEOPLE)]
    tools = [_target(f"{_VERBS[number % 4]}_{number}") for number in range(_TOOLS)]
    for number in range(calls):
        caller, target = people[number * 7 % _PEOPLE], tools[number * 11 % _TOOLS]
        arguments = {"path": "x" * (number % 50), "amount": number % 200}
        if number % 3 == 0:
            arguments["force"] = number % 2 == 0
        call = Call(1, "tools/call", target.exposed, {"name": target.exposed, "arguments": arguments}, client)
        decision = Allow("all") if number % 10 else Deny(Reason.NO_RULE)
        when = _BEGIN + _SPAN * number / calls
        yield Trail(message, f"{number:032x}", 1, 1.0, when, caller, call, target, decision, ended=1.01)


def _person(number: int) -> Caller:
    subject, ident, role, team = f"person-{number}", f"tok_{number:012x}", f"r{number % 5}", f"t{number % 7}"
    tags = {"*", "issuer:ostiary", f"subject:{subject}", f"client:{ident}", f"role:{role}", f"team:{team}"}
    return Caller(
        subject, "ostiary", ident, f"token:{ident}", 9e9, frozenset({role}), frozenset({team}), tags=frozenset(tags)
    )


def _target(name: str) -> Target:
    return Target("files", Kind.TOOL, name, f"files.{name}", f"files__{name}")


def written(data: Path, calls: int) -> None:
    """Write a ledger of so many calls, and what was approved when they were made."""
    clock = [_BEGIN]
    ledger = Ledger(data, clock=lambda: clock[0], sync=lambda _descriptor: None)
    refused = 0
    for number, trail in enumerate(trails(calls)):
        clock[0] = trail.time
        if isinstance(trail.decision, Allow):
            ledger.begin(trail)
            trail.outcome = "answered"
        else:
            trail.outcome, refused = "not_found", refused + 1
        ledger.end(trail)
        if number % 5_000 == 0:
            ledger.tick(time.monotonic())
    ledger.close()
    engine = database.opened(data)
    offered = tuple(
        sighting(Kind.TOOL, {"name": f"{_VERBS[number % 4]}_{number}", "description": ".", "inputSchema": _SCHEMA})
        for number in range(_TOOLS)
    )
    database.record_verdict(engine, "files", offered, "approved", "bench", 1.0)
    database.pin(engine, "files", 1.0)
    info: dict[str, Any] = {"name": "files"}
    able: dict[str, Any] = {"tools": {}}
    database.keep_offering(engine, Offering("files", "", "modern", "2026-07-28", info, able, "", offered, 0, 1.0))
    engine.dispose()


def replayed(folder: Path) -> Ran:
    """Run `ostiary simulate`, and look at its memory while it runs."""
    command = [sys.executable, "-m", "ostiary", "simulate", "-c", str(folder / "new.yaml"), "--json"]
    started, samples = time.monotonic(), list[tuple[float, float]]()
    with (folder / "report.json").open("wb") as out, subprocess.Popen(command, stdout=out) as process:
        while process.poll() is None:
            samples.append((time.monotonic() - started, _memory(process.pid)))
            time.sleep(0.05)
    seconds = time.monotonic() - started
    if process.returncode:
        raise SystemExit(f"simulate exited with {process.returncode}")
    half = seconds / 2
    early, late = (max((size for at, size in samples if (at < half) is first), default=0.0) for first in (True, False))
    return Ran(seconds, early, late, msgspec.json.decode((folder / "report.json").read_bytes()))


def _memory(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> int:
    """Write, replay, and say whether it went as promised."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--calls", type=int, default=CALLS)
    calls = options.parse_args().calls
    with tempfile.TemporaryDirectory(prefix="simulate-") as name:
        folder = Path(name)
        (folder / "new.yaml").write_text(NEW)
        started = time.monotonic()
        written(folder / "data", calls)
        size = sum(path.stat().st_size for path in (folder / "data" / "ledger").iterdir()) / 2**20
        print(f"wrote {calls:,} calls, {size:,.0f} MiB, in {time.monotonic() - started:.1f} s", flush=True)
        ran = replayed(folder)
    told = {name: each["calls"] for name, each in ran.report.items() if isinstance(each, dict)}
    print(json.dumps({**told, **{name: ran.report[name] for name in ("calls", "still_allowed", "still_refused")}}))
    print(
        f"replayed in {ran.seconds:.1f} s; at most {ran.early:.0f} MiB in the first half, {ran.late:.0f} in the second"
    )
    whole = ran.report["calls"] == calls
    return 0 if whole and ran.seconds <= SECONDS and ran.late - ran.early <= GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())

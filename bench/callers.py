"""Send prepared requests from one address, each once or over and over, as fast as they are answered or at a fixed rate.

`python -m bench.callers FILE --url URL` prints one line of JSON: statuses and latencies. wrk, which loads the gateway
elsewhere, repeats what it has when it comes to its end, comes from one address only, and cannot keep a rate.
"""

import argparse
import asyncio
import contextlib
import gc
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

PATIENCE = 10.0
"""Seconds after the end in which the last answers may come."""


@dataclass(slots=True)
class Work:
    """What is to be sent, and what came back."""

    host: str
    port: int
    source: str
    requests: Iterator[bytes]
    rate: float
    began: float
    until: float
    sent: int = 0
    took: list[float] = field(default_factory=list)
    """Seconds of every answer."""
    statuses: Counter[str] = field(default_factory=Counter)
    sample: str = ""
    """The first answer that was no success."""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.callers", description=__doc__)
    parser.add_argument("file", type=Path, help="requests, as bench/traffic.py writes them")
    parser.add_argument("--url", required=True)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60.0, help="stop after this long (60)")
    parser.add_argument("--rate", type=float, default=0.0, help="calls per second, of all connections; 0: no pause")
    parser.add_argument("--source", default="127.0.0.1", help="the address to come from")
    parser.add_argument("--once", action="store_true", help="send each request once, and stop")
    return parser.parse_args()


def records(text: bytes, start: bytes) -> list[bytes]:
    """Return the requests in a file, whole. Pure."""
    found, at = [], 0
    while at < len(text):
        end = text.index(b"\n", at)
        size = int(text[at:end])
        found.append(start + text[end + 1 : end + 1 + size])
        at = end + 1 + size
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of all do not exceed; `values` are sorted. Pure."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


async def answered(reader: asyncio.StreamReader) -> tuple[str, bytes, bool]:
    """Return the status, the body, and whether the connection can be used again."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
    body = await reader.readexactly(int(length or b"0"))
    return head[9:12].decode(), body, b"\r\nconnection: close" not in head


def judged(work: Work, status: str, body: bytes) -> None:
    """Count an answer; one that carries a refusal is no success, whatever its status."""
    good = status == str(HTTPStatus.OK.value) and b'"result":' in body and b'"isError":true' not in body
    work.statuses["good" if good else status] += 1
    if not good and not work.sample:
        work.sample = f"{status} {body[:300].decode(errors='replace')}"


async def turn(work: Work) -> float | None:
    """Wait until the next request is due, and return the moment from which its latency counts; None: no more."""
    now = time.perf_counter()
    due = work.began + work.sent / work.rate if work.rate else now
    if max(now, due) >= work.until:
        return None
    work.sent += 1
    if due <= now:
        # Every connection is waiting: the call counts from when it was due, or a slow gateway would be asked less.
        return due
    await asyncio.sleep(due - now)
    return time.perf_counter()


async def line(work: Work) -> None:
    """Send one request after the other on a connection, and open another when it is closed."""
    while True:
        local = (work.source, 0)
        reader, writer = await asyncio.open_connection(work.host, work.port, local_addr=local)
        try:
            if not await exchanged(work, reader, writer):
                return
        finally:
            writer.close()


async def exchanged(work: Work, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Return False when there is nothing left to send, True when the connection is used up."""
    usable = True
    while usable:
        begun = await turn(work)
        request = next(work.requests, None) if begun is not None else None
        if begun is None or request is None:
            return False
        writer.write(request)
        status, body, usable = await answered(reader)
        work.took.append(time.perf_counter() - begun)
        judged(work, status, body)
    return True


async def called(work: Work, connections: int) -> None:
    async with asyncio.timeout(work.until - time.perf_counter() + PATIENCE), asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(line(work))


def reported(work: Work) -> dict[str, object]:
    took = sorted(work.took)
    return {
        "answers": len(took),
        "seconds": time.perf_counter() - work.began,
        "p50_ms": percentile(took, 0.5) * 1000,
        "p99_ms": percentile(took, 0.99) * 1000,
        "max_ms": (took[-1] if took else 0.0) * 1000,
        "statuses": dict(work.statuses),
        "sample": work.sample,
    }


def main() -> int:
    chosen = options()
    place = urlsplit(chosen.url)
    start = f"POST {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\n".encode()
    requests = records(chosen.file.read_bytes(), start)
    order = iter(requests) if chosen.once else itertools.cycle(requests)
    # A look for cycles among many thousand requests would be a pause that the gateway gets the blame for.
    gc.disable()
    began = time.perf_counter()
    work = Work(str(place.hostname), place.port or 80, chosen.source, order, chosen.rate, began, began + chosen.seconds)
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(called(work, chosen.connections))
    print(json.dumps(reported(work)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

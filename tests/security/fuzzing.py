"""Send mutated requests to a running gateway, and judge every answer."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.e2e.rig import Rig
from tests.security import mutation, raw, speech
from tests.security.mutation import Sent, Speaker
from tests.security.raw import Ended, Said, Wire

Json = dict[str, Any]

WORKERS: Final = 32
ANSWER_SECONDS: Final = 20.0
"""Longer than anything takes here: a call's own timeout included."""
STREAM_SECONDS: Final = 0.05
"""How long a stream that may stay open is looked at."""
FRESH: Final = 2000
"""Requests after which everyone gets new sessions: some of what is sent ends them."""
MOST_KEPT: Final = 50
TRACE: Final = re.compile(rb'Traceback|File \\?"|\.py\b|line \d+, in ')
OVERLOAD: Final = "overloaded"


@dataclass(slots=True)
class Verdicts:
    """What was answered, and what must not have been."""

    folder: Path | None
    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0
    memory_mb: list[float] = field(default_factory=list)
    """Of the gateway, from time to time."""
    warm_mb: float = 0.0
    end_mb: float = 0.0

    @property
    def grown_mb(self) -> float:
        """Return by how much the gateway's memory grew after the warm-up."""
        return self.end_mb - self.warm_mb

    def lines(self) -> list[str]:
        """Return the figures for people."""
        seen = ", ".join(f"{status}: {count:,}" for status, count in sorted(self.statuses.items()))
        pace = self.requests / max(self.seconds, 0.001)
        return [
            f"{self.requests:,} requests in {self.seconds:.1f} s ({pace:,.0f}/s), {len(self.wrong)} of them answered wrongly",
            f"answers: {seen}",
            f"memory of the gateway: {self.warm_mb:.1f} MB when warm, {self.end_mb:.1f} MB at the end; on the way "
            + " ".join(f"{each:.0f}" for each in self.memory_mb[:: max(1, len(self.memory_mb) // 12)]),
        ]

    def note(self, number: int, why: str, sent: Sent, data: bytes, token: str) -> None:
        """Remember a wrong answer, and keep the request that brought it about, without its credential."""
        self.wrong.append(f"request {number} ({', '.join(sent.done) or 'unchanged'}): {why}")
        if self.folder is not None and len(self.wrong) <= MOST_KEPT:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"{number}.http").write_bytes(data.replace(token.encode(), b"TOKEN"))
            (self.folder / f"{number}.txt").write_text(self.wrong[-1] + "\n")


class Fuzz:
    """One run: so many requests of a seed."""

    def __init__(self, rig: Rig, requests: int, seed: int, folder: Path | None = None) -> None:
        self.rig, self.requests, self.seed = rig, requests, seed
        self.verdicts = Verdicts(folder)
        self.next = 0
        self.who: Speaker

    async def run(self) -> Verdicts:
        """Send every request, and return what was seen."""
        started = time.monotonic()
        for number in range(0, self.requests, FRESH):
            self.who = await speaker(self.rig)
            end = min(self.requests, number + FRESH)
            async with asyncio.TaskGroup() as tasks:
                for _ in range(WORKERS):
                    tasks.create_task(self._worker(end))
            self.verdicts.end_mb = self.rig.memory_mb()
            self.verdicts.memory_mb.append(self.verdicts.end_mb)
            # A tenth of the run fills every cache and bounded store that it will fill.
            if number < max(FRESH, self.requests // 10):
                self.verdicts.warm_mb = self.verdicts.end_mb
        self.verdicts.requests = self.next
        self.verdicts.seconds = time.monotonic() - started
        return self.verdicts

    async def _worker(self, end: int) -> None:
        wire = await raw.connect(self.rig.port)
        while self.next < end:
            number, self.next = self.next, self.next + 1
            if wire.ended or wire.data:
                wire.close()
                wire = await raw.connect(self.rig.port)
            data, sent = mutation.mutated(self.seed, number, self.who)
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._sent(wire, data, sent)
            except Wrong as wrong:
                self.verdicts.note(number, str(wrong), sent, data, self.who.token)
                wire.close()
            except TimeoutError:
                self.verdicts.note(number, f"no end within {ANSWER_SECONDS:.0f} s", sent, data, self.who.token)
                wire.close()
            except (OSError, ValueError, IndexError) as error:
                self.verdicts.note(number, f"unreadable: {error!r} {wire.data[:200]!r}", sent, data, self.who.token)
                wire.close()
        wire.close()

    async def _sent(self, wire: Wire, data: bytes, sent: Sent) -> None:
        wire.bare = sent.verb == "HEAD"
        wire.put(data)
        if sent.incomplete or sent.streams:
            await self._brief(wire, data)
            return
        try:
            said = await wire.take()
        except Ended as ended:
            # A connection may be closed on bytes that cannot be read safely; what was said before counts.
            said = ended.said or Said(0, b"", ended.data)
        self._judged(said, data)
        if said.status == 204:
            # A session was ended, on purpose or by a change of verb; whoever comes next needs another.
            self.who = await speaker(self.rig)
        if said.status in {0, 400, 413, 414, 431} or b"connection: close" in said.head.lower():
            wire.close()

    async def _brief(self, wire: Wire, data: bytes) -> None:
        """Look at what comes within a moment, then end our side: the gateway ends the other."""
        said = None
        try:
            async with asyncio.timeout(STREAM_SECONDS):
                said = await wire.take()
        except (TimeoutError, Ended):
            pass
        if not wire.ended:
            wire.transport.write_eof()
            await wire.closed()
        self._judged(said or raw.partial(wire.data) or Said(0, b"", wire.data), data)
        wire.close()

    def _judged(self, said: Said, data: bytes) -> None:
        self.verdicts.statuses[str(said.status or "closed")] += 1
        judge(said)


class Wrong(Exception):
    """An answer that must not be."""


def judge(said: Said) -> None:
    """Refuse what no client may ever see."""
    if TRACE.search(said.head) or TRACE.search(said.body):
        raise Wrong(f"a traceback in the answer: {said.body[:400]!r}")
    if said.status < 500:
        _well_formed(said)
        return
    if said.status == 503 and said.header("retry-after") and OVERLOAD in said.body.decode("utf-8", "replace"):
        return
    raise Wrong(f"status {said.status}: {said.head!r} {said.body[:400]!r}")


def _well_formed(said: Said) -> None:
    """Refuse a body that is not what its head says: JSON, events, or nothing."""
    if not said.body or not said.whole:
        return
    kind = said.header("content-type").partition(";")[0]
    if kind == "application/json":
        json.loads(said.body)
    elif kind == "text/event-stream":
        for line in said.body.split(b"\n"):
            if line.startswith(b"data: {"):
                json.loads(line[6:])
    else:
        raise Wrong(f"a body of type {kind!r}: {said.head!r} {said.body[:200]!r}")


async def speaker(rig: Rig) -> Speaker:
    """Return somebody with fresh sessions, a cursor and an event id to tamper with."""
    token, host, path = rig.tokens[0], rig.host, "/servers/echo/mcp"
    sessions = {}
    for version in speech.HANDSHAKES:
        said = await raw.once(rig.port, speech.initialize(path, host, token, version))
        sessions[version] = said.header("mcp-session-id")
    listed = await raw.once(rig.port, speech.modern("/mcp", host, token, "tools/list", {}))
    cursor = listed.messages()[0]["result"]["nextCursor"]
    fields = speech.session_fields(token, sessions["2025-11-25"], "2025-11-25")
    called = await raw.once(
        rig.port, speech.spoken(path, host, fields, "tools/call", speech.call("echo", {"secret": "s"}))
    )
    return Speaker(host, token, sessions, cursor, called.event_ids()[0])


async def healthy(rig: Rig, seed: int = 0) -> bool:
    """Say whether the gateway is ready and carries a call."""
    ready = await raw.once(rig.port, f"GET /health/ready HTTP/1.1\r\nHost: {rig.host}\r\n\r\n".encode())
    secret = f"still-{random.Random(seed).getrandbits(32):x}"
    params = speech.call("echo__echo", {"secret": secret})
    said = await raw.once(rig.port, speech.modern("/mcp", rig.host, rig.tokens[0], "tools/call", params))
    return ready.status == said.status == 200 and secret.encode() in said.body


def complaints(log: str) -> list[str]:
    """Return the lines of a gateway's log that tell of something broken."""
    return [
        line for line in log.splitlines() if "Traceback" in line or '"level":"error"' in line or '"critical"' in line
    ]

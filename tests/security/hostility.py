"""Call a hostile server through the gateway: whatever it does, a client gets one well-formed answer in time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from tests.e2e.rig import Rig
from tests.security import fuzzing, raw, speech
from tests.security.hostile_upstream import NOT_YOURS
from tests.security.raw import Ended, Said, Wire

Json = dict[str, Any]

WORKERS: Final = 32
TIMEOUT: Final = "2s"
"""The server's own timeout in the gateway's configuration."""
ANSWER_SECONDS: Final = 8.0
"""More than that timeout, and less than the pause of ten seconds that a stream may ask for."""
SECRETS: Final = (b"hunter2", b"<html", b"evil.example", b"169.254", b"X-Injected:", b"Set-Cookie")
"""What such a server says and no client may see outside a text that the server may choose."""


@dataclass(slots=True)
class Outcome:
    """What clients got."""

    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def lines(self) -> list[str]:
        """Return the figures for people."""
        seen = ", ".join(f"{kind}: {count:,}" for kind, count in sorted(self.kinds.items()))
        total = sum(self.kinds.values())
        return [f"{total:,} calls of a hostile server in {self.seconds:.1f} s, {len(self.wrong)} wrong; {seen}"]


class Hostility:
    """One run of so many calls."""

    def __init__(self, rig: Rig, calls: int, seed: int, server: str = "hostile") -> None:
        self.rig, self.calls, self.seed, self.server = rig, calls, seed, server
        self.outcome, self.next = Outcome(), 0
        self.fields: list[list[tuple[str, str]]] = []

    async def run(self) -> Outcome:
        """Make every call, and return what clients got."""
        started, token, path = time.monotonic(), self.rig.tokens[0], f"/servers/{self.server}/mcp"
        for version in speech.HANDSHAKES:
            said = await raw.once(self.rig.port, speech.initialize(path, self.rig.host, token, version))
            self.fields.append(speech.session_fields(token, said.header("mcp-session-id"), version))
        async with asyncio.TaskGroup() as tasks:
            for _ in range(WORKERS):
                tasks.create_task(self._worker())
        self.outcome.seconds = time.monotonic() - started
        return self.outcome

    async def _worker(self) -> None:
        wire = await raw.connect(self.rig.port)
        while self.next < self.calls:
            number, self.next = self.next, self.next + 1
            if wire.ended:
                wire = await raw.connect(self.rig.port)
            ident = number % 3
            try:
                wire.put(self._call(number, ident))
                async with asyncio.timeout(ANSWER_SECONDS):
                    said = await self._final(wire, number)
                self._judged(said, ident)
            except TimeoutError:
                self._wrong(wire, number, f"no answer within {ANSWER_SECONDS} s")
            except Ended as ended:
                self._wrong(wire, number, f"the gateway hung up: {ended.data[:200]!r}")
            except (fuzzing.Wrong, ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
                self._wrong(wire, number, f"{type(error).__name__}: {error}")
        wire.close()

    async def _final(self, wire: Wire, number: int) -> Said:
        """Return the answer; a stream of a session that ended early is taken up again, as clients do."""
        said = await wire.take()
        messages, ids = said.messages(), said.event_ids()
        if number % 2 == 0 and ids and not (messages and "method" not in messages[-1]):
            fields = [*self.fields[number // 2 % 4], ("Last-Event-ID", ids[-1])]
            wire.put(speech.request(f"/servers/{self.server}/mcp", self.rig.host, fields, b"", "GET"))
            self.outcome.kinds["(taken up again)"] += 1
            return await wire.take()
        return said

    def _call(self, number: int, ident: int) -> bytes:
        path, host, token = f"/servers/{self.server}/mcp", self.rig.host, self.rig.tokens[0]
        params = speech.call("echo", {"secret": f"{self.seed}:{number}"})
        if number % 2:
            return speech.modern(path, host, token, "tools/call", params, ident, progress=ident)
        params["_meta"] = {"progressToken": ident}
        return speech.spoken(path, host, self.fields[number // 2 % 4], "tools/call", params, ident)

    def _wrong(self, wire: Wire, number: int, why: str) -> None:
        self.outcome.kinds["wrong"] += 1
        self.outcome.wrong.append(f"call {self.seed}:{number}: {why}")
        wire.close()

    def _judged(self, said: Said, ident: int) -> None:
        last = said.messages()[-1]
        if last.get("id") != ident or ("result" in last) == ("error" in last):
            raise fuzzing.Wrong(f"not one answer to {ident}: {said.status} {said.body[:300]!r}")
        if said.status not in {200, 400, 404} or fuzzing.TRACE.search(said.head):
            raise fuzzing.Wrong(f"status {said.status}: {said.body[:300]!r}")
        if any(secret in said.head or secret in said.body for secret in SECRETS) or fuzzing.TRACE.search(said.body):
            raise fuzzing.Wrong(f"what the server said of itself reached the client: {said.body[:400]!r}")
        if NOT_YOURS.encode() in said.body:
            raise fuzzing.Wrong(f"the answer to another request was passed on: {said.body[:300]!r}")
        for message in said.messages()[:-1]:
            self._notified(message, ident)
        self.outcome.kinds[_kind(last)] += 1

    def _notified(self, message: Json, ident: int) -> None:
        """Refuse progress under a token that is not the client's own."""
        method = message.get("method")
        if not isinstance(method, str) or not method.startswith("notifications/"):
            raise fuzzing.Wrong(f"an odd message before the answer: {message!r}"[:400])
        if method == "notifications/progress" and message["params"].get("progressToken") != ident:
            raise fuzzing.Wrong(f"progress of somebody else: {message!r}"[:400])


def _kind(last: Json) -> str:
    if "error" in last:
        return f"error {last['error'].get('code')}" if last["error"].get("code", 0) < -31000 else "error of its own"
    result = last["result"]
    meta = result.get("_meta")
    refusal = meta.get("io.ostiary/refusal") if isinstance(meta, dict) else None
    return str(refusal["code"]) if isinstance(refusal, dict) else "result"

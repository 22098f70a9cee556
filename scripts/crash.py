"""Kill the gateway under load, again and again, and look whether its ledger knows every call that left.

    python scripts/crash.py --kills 20

Sixteen connections call through to an upstream that writes each call's argument to a file before it answers. At a
random moment the gateway is killed as kill -9 does it. Started again, it must verify, must have an intent for every
argument that the upstream saw, and must tell each intent without an outcome as interrupted. Exits 1 otherwise.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import sys
import tempfile
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
# Started as a file, Python looks for modules beside it only, not in the checkout.
sys.path.insert(0, str(ROOT))

from ostiary.protocol.redaction import digest  # noqa: E402
from tests.e2e.doubles.house import House, config, house, over_http  # noqa: E402
from tests.e2e.doubles.upstream import META, MODERN  # noqa: E402

CONNECTIONS = 16
LONGEST_SECONDS = 1.5
LIMIT = {"name": "load", "per": "caller", "calls": "1000000/s"}
HEAD = "POST /mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\naccept: application/json, text/event-stream\r\n"
ROUTING = f"content-type: application/json\r\nmcp-protocol-version: {MODERN}\r\nmcp-method: tools/call\r\n"


@dataclass(frozen=True, slots=True)
class Round:
    """What one kill showed."""

    called: int
    seen: int
    answered: int
    interrupted: int
    problems: tuple[str, ...]


class Noting:
    """An upstream that keeps each call's argument, with one write(2), before it answers."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.path = path

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                message = json.loads(await body(reader))
                answer = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": self._result(message)}).encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
                writer.write(b"content-length: %d\r\n\r\n%b" % (len(answer), answer))
        writer.close()

    def _result(self, message: dict[str, Any]) -> dict[str, Any]:
        fresh = {"resultType": "complete", "ttlMs": 60_000, "cacheScope": "private"}
        match message["method"]:
            case "tools/call":
                os.write(self._file, message["params"]["arguments"]["key"].encode() + b"\n")
                return {"content": [{"type": "text", "text": "noted"}], "resultType": "complete"}
            case "tools/list":
                schema = {"type": "object", "properties": {"key": {"type": "string"}}}
                return {"tools": [{"name": "note", "inputSchema": schema}], **fresh}
        return {"supportedVersions": [MODERN], "capabilities": {"tools": {}}, **fresh}

    def seen(self) -> list[str]:
        """Return every argument that arrived, in order."""
        return self.path.read_text().split()


async def body(reader: asyncio.StreamReader) -> bytes:
    """Return the body of the next message on a connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    return await reader.readexactly(length)


async def calling(port: int, token: str, keys: "itertools.count[int]", called: list[str], answered: list[str]) -> None:
    """Call on one connection, one key after another, until the connection breaks."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = HEAD.format(f"127.0.0.1:{port}", token) + ROUTING
    meta = {META + "protocolVersion": MODERN, META + "clientCapabilities": {}}
    with suppress(OSError, asyncio.IncompleteReadError):
        for number in keys:
            key = f"key-{number}"
            params = {"name": "noting__note", "arguments": {"key": key}, "_meta": meta}
            text = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
            called.append(key)
            writer.write(f"{head}mcp-name: noting__note\r\ncontent-length: {len(text)}\r\n\r\n{text}".encode())
            if b"noted" not in await body(reader):
                raise AssertionError(f"{key} was refused under load")
            answered.append(key)
    writer.close()


async def killed(gateway: House, token: str, keys: "itertools.count[int]", wait: float) -> tuple[list[str], list[str]]:
    """Load the gateway, kill it after so many seconds, and return what was called and what was answered."""
    called: list[str] = []
    answered: list[str] = []
    async with asyncio.TaskGroup() as load:
        for _ in range(CONNECTIONS):
            load.create_task(calling(gateway.port, token, keys, called, answered))
        await asyncio.sleep(wait)
        await gateway.kill()
    return called, answered


def told(gateway: House, before: int) -> tuple[set[str], set[str], set[str], set[str]]:
    """Return, of the records after the first `before`: digests with an intent, references by how they went on."""
    digests, intents, outcomes, interrupted = set(), set(), set(), set()
    for record in gateway.records()[before:]:
        match record["type"]:
            case "intent":
                intents.add(record["reference"])
                digests.add(record["arguments"]["digest"])
            case "outcome":
                outcomes.add(record["reference"])
            case "event" if record["kind"] == "interrupted":
                interrupted |= set(record["references"])
    return digests, intents, outcomes, interrupted


async def one_round(gateway: House, noting: Noting, token: str, keys: "itertools.count[int]", wait: float) -> Round:
    """Kill the gateway once, start it again, and compare what it remembers with what the upstream saw."""
    earlier, before = len(noting.seen()), len(gateway.records())
    called, answered = await killed(gateway, token, keys, wait)
    await gateway.start()
    verified = await gateway.attempt("audit", "verify")
    seen = noting.seen()[earlier:]
    digests, intents, outcomes, interrupted = told(gateway, before)
    secret = (gateway.data / "keys" / "digest.key").read_bytes()
    missing = [key for key in seen if digest(secret, {"key": key}) not in digests]
    problems = [
        *([f"audit verify exited {verified.returncode}: {verified.stdout[-500:]}"] if verified.returncode else []),
        *(f"{key} was seen upstream and has no intent" for key in missing),
        *(f"{each} has neither an outcome nor an interruption" for each in intents - outcomes - interrupted),
        *(f"{each} is told as interrupted without need" for each in interrupted & outcomes),
        *(["the upstream saw a call twice"] if len(set(seen)) != len(seen) else []),
        *([f"{len(set(answered) - set(seen))} answers came from nowhere"] if set(answered) - set(seen) else []),
        *(["nothing was called, so nothing was shown"] if not answered else []),
    ]
    return Round(len(called), len(seen), len(answered), len(interrupted), tuple(problems))


async def crash(folder: Path, kills: int, rng: random.Random) -> list[Round]:
    """Kill the gateway so many times and return what each time showed."""
    rounds = []
    noting, keys = Noting(folder / "seen.txt"), itertools.count(1)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(await asyncio.start_server(noting, "127.0.0.1", 0))
        port = server.sockets[0].getsockname()[1]
        offered = {"noting": over_http(f"http://127.0.0.1:{port}/mcp", era="modern")}
        gateway = await stack.enter_async_context(house(folder, config(offered, limits=[LIMIT])))
        token = await gateway.token("loader")
        for number in range(kills):
            wait = rng.uniform(0.05, LONGEST_SECONDS)
            rounds.append(await one_round(gateway, noting, token, keys, wait))
            show(number + 1, wait, rounds[-1])
    return rounds


def show(number: int, wait: float, each: Round) -> None:
    print(
        f"kill {number:2} after {wait:4.2f} s: {each.called} called, {each.seen} seen upstream, "
        f"{each.answered} answered, {each.interrupted} told as interrupted: {'; '.join(each.problems) or 'ok'}",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None, help="repeat the moments of an earlier run")
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="ostiary-crash-") as folder:
        rounds = asyncio.run(crash(Path(folder), chosen.kills, random.Random(seed)))  # noqa: S311 - moments to kill at
    bad = sum(bool(each.problems) for each in rounds)
    print(f"{len(rounds) - bad} of {len(rounds)} kills lost nothing; {sum(each.seen for each in rounds)} calls seen")
    return 1 if bad or len(rounds) != chosen.kills else 0


if __name__ == "__main__":
    sys.exit(main())

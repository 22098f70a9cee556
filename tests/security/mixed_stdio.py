"""The server of the mixed run as a process that speaks the handshake era over its pipes; it can be made to die.

python -m tests.security.mixed_stdio NAME
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter

from tests.security.mixed_play import Calls, Dropped, Json, Voice, aged, result_of

UNKNOWN = -32601


def say(message: Json) -> None:
    """Write one line."""
    sys.stdout.buffer.write(json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode() + b"\n")
    sys.stdout.buffer.flush()


async def call(calls: Calls, message: Json) -> None:
    try:
        result = await Voice(say, calls.waiting, message["params"]).played()
    except Dropped:
        os._exit(3)
    say({"id": message["id"], "result": result})


def heard(name: str, calls: Calls, message: Json) -> None:
    if "id" not in message or "method" not in message:
        calls.told(message)
    elif message["method"] == "tools/call":
        calls.begin(message["id"], call(calls, message))
    elif message["method"] == "server/discover":
        say({"id": message["id"], "error": {"code": UNKNOWN, "message": "Method not found"}})
    else:
        say({"id": message["id"], "result": aged(result_of(name, message))})


async def main(name: str) -> None:
    calls, reader = Calls(Counter()), asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        heard(name, calls, json.loads(line))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

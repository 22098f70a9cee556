"""The echo server as a process that speaks over its pipes; it goes on talking of a call after the call is over.

    python -m tests.security.stdio_echo {modern|handshake} [RECORD]

RECORD keeps its environment, its arguments and every line it is sent.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.security.echo_upstream import echoed, listed, packed, result_of, token_of

Json = dict[str, Any]

UNKNOWN = -32601
LATE_SECONDS = 0.05


def say(message: Json) -> None:
    """Write one line."""
    sys.stdout.buffer.write(packed({"jsonrpc": "2.0", **message}) + b"\n")
    sys.stdout.buffer.flush()


def log(message: Json) -> None:
    """Send a log message that holds the call's secret and names no call: none can, in this protocol."""
    secret = message["params"]["arguments"]["secret"]
    say({"method": "notifications/message", "params": {"level": "info", "data": secret}})


def progress(message: Json, done: int) -> None:
    token = token_of(message)
    if token is not None:
        secret = message["params"]["arguments"]["secret"]
        params = {"progressToken": token, "progress": done, "message": secret}
        say({"method": "notifications/progress", "params": params})


class Server:
    """Answers each call in a task of its own."""

    def __init__(self, era: str) -> None:
        self.era, self.tasks = era, dict[Any, asyncio.Task[None]]()

    def heard(self, message: Json) -> None:
        method = message.get("method")
        if method == "notifications/cancelled":
            task = self.tasks.get(message["params"]["requestId"])
            if task is not None:
                task.cancel()
            return
        if "id" not in message or method is None:
            return
        if method == "tools/call":
            task = asyncio.get_running_loop().create_task(self.call(message))
            self.tasks[message["id"]] = task
            task.add_done_callback(lambda _: self.tasks.pop(message["id"], None))
        elif method == "server/discover" and self.era != "modern":
            say({"id": message["id"], "error": {"code": UNKNOWN, "message": "Method not found"}})
        else:
            say({"id": message["id"], "result": listed(result_of(message), message)})

    async def call(self, message: Json) -> None:
        arguments = message["params"].get("arguments") or {}
        way, delay = arguments.get("way", "json"), arguments.get("ms", 0) / 1000
        try:
            if way == "progress":
                progress(message, 0)
            if delay:
                await asyncio.sleep(delay)
            if way == "progress":
                progress(message, 1)
            say({"id": message["id"], "result": echoed(message)})
            if way == "progress":
                progress(message, 2)
        finally:
            if way in {"sse", "progress"}:
                loop = asyncio.get_running_loop()
                loop.call_soon(log, message)
                loop.call_later(LATE_SECONDS, log, message)


async def main(era: str, record: Path | None) -> None:
    kept = record.open("ab") if record else None
    if kept is not None:
        kept.write(json.dumps({"environment": dict(os.environ), "arguments": sys.argv}).encode() + b"\n")
    server, reader = Server(era), asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        if kept is not None:
            kept.write(line)
            kept.flush()
        server.heard(json.loads(line))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None))

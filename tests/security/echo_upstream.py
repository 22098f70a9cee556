"""A small, fast MCP server of both eras that gives back what its caller chose, in the way its caller chose.

It adds nothing of its own to an answer, so that whatever a client sees of it came from one call's arguments. It writes
its port to standard output, counts the calls it sees, and can keep every byte it was sent.

    python -m tests.security.echo_upstream [--record FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any, BinaryIO, cast

import uvloop

Json = dict[str, Any]

MODERN = "2026-07-28"
WAYS = ("json", "sse", "progress", "cut", "drop")
"""A whole answer; a stream; a stream with progress; a stream that ends too early; no answer at all."""
SESSION = b"Mcp-Session-Id: one-and-only\r\n"
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n"
)
ECHO = {
    "name": "echo",
    "description": "Gives back what it was given.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "secret": {"type": "string"},
            "way": {"type": "string", "enum": list(WAYS)},
            "ms": {"type": "integer", "minimum": 0, "maximum": 5000},
            "more": {},
        },
        "required": ["secret"],
    },
}
HIDDEN = {"name": "hidden", "description": "Nobody may use it.", "inputSchema": {"type": "object"}}
TOOLS = [ECHO, HIDDEN, *({**HIDDEN, "name": f"spare_{number:03d}"} for number in range(260))]
PROMPTS = [{"name": "greet", "arguments": [{"name": "who", "required": True}]}, {"name": "hidden"}]
RESOURCES = [{"uri": "note://one", "name": "one"}]
TEMPLATES = [{"uriTemplate": "note://{name}", "name": "any"}]
CAPABILITIES: Json = {"tools": {}, "prompts": {}, "resources": {}, "completions": {}, "logging": {}}


def result_of(message: Json) -> Json:
    """Return the result of what needs no time and no choice."""
    method, params = message["method"], message.get("params") or {}
    match method:
        case "initialize":
            info = {"name": "echo", "version": "1"}
            return {"protocolVersion": params["protocolVersion"], "capabilities": CAPABILITIES, "serverInfo": info}
        case "server/discover":
            return {"supportedVersions": [MODERN], "capabilities": CAPABILITIES, "resultType": "complete"}
        case "tools/list":
            return {"tools": TOOLS, "resultType": "complete"}
        case "prompts/list":
            return {"prompts": PROMPTS}
        case "resources/list":
            return {"resources": RESOURCES}
        case "resources/templates/list":
            return {"resourceTemplates": TEMPLATES}
        case "resources/read":
            return {"contents": [{"uri": params["uri"], "text": "one"}]}
        case "prompts/get":
            return {"messages": [{"role": "user", "content": {"type": "text", "text": "hello"}}]}
        case "completion/complete":
            return {"completion": {"values": []}}
    return {}


def listed(result: Json, message: Json) -> Json:
    """Return a result as the era of its request writes it."""
    if "_meta" not in (message.get("params") or {}):
        return {key: value for key, value in result.items() if key != "resultType"}
    return result


def packed(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(value: Any) -> bytes:
    return chunk(b"event: message\ndata: %b\n\n" % packed(value))


def token_of(message: Json) -> Any:
    meta = (message.get("params") or {}).get("_meta")
    return meta.get("progressToken") if isinstance(meta, dict) else None


class Seen:
    """What the server has seen."""

    def __init__(self, record: BinaryIO | None) -> None:
        self.calls, self.record = 0, record


class Connection(asyncio.Protocol):
    """One connection; requests come one after the other, as the gateway sends them."""

    def __init__(self, seen: Seen) -> None:
        self.seen, self.data = seen, b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.seen.record is not None:
            self.seen.record.write(data)
            self.seen.record.flush()
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].lower()
            at = head.find(b"\r\ncontent-length:")
            length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.data) < end + 4 + length:
                return
            body, self.data = self.data[end + 4 : end + 4 + length], self.data[end + 4 + length :]
            self.request(head, body)

    def request(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"get /seen"):
            self.whole({"calls": self.seen.calls})
            return
        if not head.startswith(b"post"):
            self.transport.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return
        message = json.loads(body)
        if "id" not in message or "method" not in message:
            self.transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        elif message["method"] == "tools/call":
            self.seen.calls += 1
            self.call(message)
        else:
            extra = SESSION if message["method"] == "initialize" else b""
            self.whole({"jsonrpc": "2.0", "id": message["id"], "result": listed(result_of(message), message)}, extra)

    def whole(self, answer: Json, extra: bytes = b"") -> None:
        body = packed(answer)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n"
        self.transport.write(head % (extra, len(body)) + body)

    def call(self, message: Json) -> None:
        arguments = message["params"].get("arguments") or {}
        way, delay = arguments.get("way", "json"), arguments.get("ms", 0) / 1000
        loop = asyncio.get_running_loop()
        if way in {"progress", "cut"}:
            self.transport.write(STREAM_HEAD + b"\r\n")
            self.progress(message, 0)
            if delay:
                loop.call_later(delay / 2, self.progress, message, 1)
        if delay:
            loop.call_later(delay, self.finish, message, way)
        else:
            self.finish(message, way)

    def progress(self, message: Json, done: int) -> None:
        token = token_of(message)
        if token is None or self.transport.is_closing():
            return
        params = {"progressToken": token, "progress": done, "message": message["params"]["arguments"]["secret"]}
        self.transport.write(event({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}))

    def finish(self, message: Json, way: str) -> None:
        if self.transport.is_closing():
            return
        if way in {"cut", "drop"}:
            self.transport.close()
            return
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": echoed(message)}
        if way == "json":
            self.whole(answer)
            return
        head = STREAM_HEAD + b"\r\n" if way == "sse" else b""
        self.transport.write(head + event(answer) + b"0\r\n\r\n")


def echoed(message: Json) -> Json:
    """Return the result of the one tool."""
    arguments = message["params"].get("arguments") or {}
    return listed(
        {"content": [{"type": "text", "text": arguments.get("secret", "")}], "resultType": "complete"}, message
    )


async def main(record: Path | None) -> None:
    seen = Seen(record.open("ab") if record else None)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(seen), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Whoever started us holds our standard input; its end is ours.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", type=Path)
    uvloop.run(main(parser.parse_args().record))

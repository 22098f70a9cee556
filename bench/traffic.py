"""Prepare the requests of a run: who calls which tool with which arguments, byte for byte. Pure."""

import json
import random
from collections.abc import Iterable, Sequence

PROTOCOL = "2026-07-28"
WORDS = ("invoice", "harbour", "meeting", "lantern", "quarter", "orchard", "delivery", "archive", "station", "contract")
REGIONS = ("eu-north", "eu-west", "us-east", "ap-south")
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": PROTOCOL,
    "io.modelcontextprotocol/clientCapabilities": {},
}


def tool_name(index: int) -> str:
    return f"tool_{index:03d}"


def call(number: int, tool: str, token: str, arguments: dict[str, object]) -> bytes:
    """Return one tools/call, from the header after Host to the end of its body."""
    params = {"name": tool, "arguments": arguments, "_meta": ENVELOPE}
    message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
    body = json.dumps(message, separators=(",", ":")).encode()
    head = (
        f"Authorization: Bearer {token}\r\n"
        "Accept: application/json, text/event-stream\r\n"
        "Content-Type: application/json\r\n"
        f"MCP-Protocol-Version: {PROTOCOL}\r\n"
        "Mcp-Method: tools/call\r\n"
        f"Mcp-Name: {tool}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def arguments_from(dice: random.Random) -> dict[str, object]:
    query = f"{dice.choice(WORDS)} {dice.randrange(10_000)}"
    chosen: dict[str, object] = {"query": query, "limit": dice.randint(1, 100)}
    if dice.random() < 1 / 3:
        chosen["filters"] = {"region": dice.choice(REGIONS), "active": dice.random() < 1 / 2}
    return chosen


def mixed(tokens: Sequence[str], tools: int, count: int, seed: int) -> list[bytes]:
    """Return `count` calls whose callers, tools and arguments differ; equal seeds give equal traffic."""
    dice = random.Random(seed)
    return [
        call(10_000 + index, tool_name(dice.randrange(tools)), dice.choice(tokens), arguments_from(dice))
        for index in range(count)
    ]


def hot(token: str) -> list[bytes]:
    """Return the one call that is repeated when every cache may hit."""
    return [call(10_000, tool_name(0), token, {"query": "harbour 42", "limit": 10})]


def records(requests: Iterable[bytes]) -> bytes:
    """Return the requests in the form that load.lua reads."""
    return b"".join(b"%d\n%s" % (len(request), request) for request in requests)


def mean_body(requests: Sequence[bytes]) -> float:
    return sum(len(request.partition(b"\r\n\r\n")[2]) for request in requests) / len(requests)

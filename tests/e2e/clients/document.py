"""Share what both Python drivers need: the command line, and the one JSON document they print."""

import argparse
import json
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from mcp import MCPError
from pydantic import BaseModel

FIRST_MODERN = "2026-07-28"
MODES = {"modern": FIRST_MODERN, "auto": "auto", "legacy": "legacy"}

Json = dict[str, Any]
Calls = list[tuple[str, Json]]


def command_line(default_mode: str) -> tuple[str, str, Calls]:
    """Return the SDK's connect mode, the URL and the calls of `[--mode MODE] URL [TOOL JSON]…`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=sorted(MODES), default=default_mode)
    parser.add_argument("url")
    parser.add_argument("calls", nargs="*", metavar="TOOL JSON")
    given = parser.parse_args()
    if len(given.calls) % 2:
        parser.error("every tool name needs its JSON arguments after it")
    pairs = zip(given.calls[::2], given.calls[1::2], strict=True)
    return MODES[given.mode], given.url, [(name, json.loads(arguments)) for name, arguments in pairs]


def era(version: str) -> str:
    """Name the protocol era a negotiated version belongs to."""
    return "modern" if version >= FIRST_MODERN else "handshake"


async def outcomes(calls: Calls, call: Callable[[str, Json], Awaitable[BaseModel]]) -> list[Json]:
    """Make the calls in order and return what each came to, errors included."""
    return [{"tool": name, **await _outcome(call(name, arguments))} for name, arguments in calls]


async def _outcome(answer: Awaitable[BaseModel]) -> Json:
    try:
        result = await answer
    except MCPError as error:
        return {"error": {"code": error.error.code, "message": error.error.message, "data": error.error.data}}
    return {"result": result.model_dump(mode="json", by_alias=True, exclude_none=True)}


def names(entries: Iterable[Any], key: str) -> list[str]:
    """Return one field of every entry, as text."""
    return [str(getattr(entry, key)) for entry in entries]


def show(document: Json) -> None:
    """Print the document as one line on standard output."""
    sys.stdout.write(json.dumps(document) + "\n")

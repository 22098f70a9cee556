"""The addresses of the HTTP+SSE transport (2024-11-05): beside every endpoint `…/mcp` there is `…/sse`."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol
from urllib.parse import parse_qs

import msgspec

from ostiary.core.model import Inbound

PARAMETER: Final = "channel"
_STREAMABLE, _OLDEST = "/mcp", "/sse"
_ALLOW: Final = b"GET, POST"
_LONGEST: Final = 1024
"""A longer query names no channel of ours."""


class Watched(Protocol):
    """What a reply knows of its client."""

    allow: bytes
    task: asyncio.Task[Any] | None


def beside(path: str) -> str:
    """Return the endpoint that an address of this transport stands beside; any other path as it is."""
    return path.removesuffix(_OLDEST) + _STREAMABLE if path.endswith(_OLDEST) else path


def channeled(message: Inbound, endpoint: str, query: bytes, reply: Watched) -> Inbound:
    """Return the message as one of this transport, for the channel that its query names."""
    reply.allow = _ALLOW
    if message.verb != "GET":
        # A POST is over before its message is carried out, so that its connection says nothing of its client.
        reply.task = None
    named = parse_qs(query.decode("latin-1")).get(PARAMETER, []) if len(query) <= _LONGEST else []
    # Two names are none: others may route by the other one.
    return msgspec.structs.replace(message, endpoint=endpoint, channel=named[0] if len(named) == 1 else "")

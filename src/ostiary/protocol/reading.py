"""Turn one admitted HTTP request into a `Call`, whatever the era. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from ostiary.core.errors import GatewayError, Malformed, UnsupportedVersion, WrongVerb
from ostiary.core.model import HANDSHAKES, Call, Client, Era, Inbound
from ostiary.protocol import handshake, headers, jsonrpc, modern, tracing
from ostiary.protocol.handshake import Recall
from ostiary.protocol.methods import BATCH, CHANNEL

BATCHING: Final = HANDSHAKES[:2]
"""2025-03-26 obliges receivers to take batches; 2024-11-05 is JSON-RPC 2.0 as it stands, which has them."""
LARGEST: Final = 64
"""Messages in a batch."""
_WITHOUT: Final = f"only {BATCHING[1]} and {BATCHING[0]} have batches, in a session; send each message by itself"
_OLDEST: Final = Client(Era.HANDSHAKE, HANDSHAKES[0], {}, "", {})


def read(inbound: Inbound, body: bytes, depth: int, recall: Recall) -> Call:
    """Return the call, or raise the first thing wrong with it, carrying the request's id where that was readable."""
    if inbound.verb != "POST":
        return handshake.bare(inbound, recall) if inbound.channel is None else _opening(inbound)
    message = jsonrpc.read(body, depth)
    if not isinstance(message, dict):
        return _batch(message, inbound, recall)
    ident = message.get("id")
    try:
        if message.get("jsonrpc") != "2.0":
            raise Malformed(hint='a message says "jsonrpc": "2.0"')
        if "method" in message and ("result" in message or "error" in message):
            # One reader takes it for a request, and another for the answer to one.
            raise Malformed(hint="a message is a request or an answer, and not both")
        call = _read(message, inbound, recall)
    except GatewayError as error:
        error.ident = ident if jsonrpc.is_id(ident) else None
        raise
    return tracing.named(call, inbound) if tracing.PARENT in inbound.headers else call


def _read(message: dict[str, Any], inbound: Inbound, recall: Recall) -> Call:
    if modern.is_modern(message, inbound.headers.get(headers.VERSION)):
        return modern.read(message, inbound) if inbound.channel is None else _too_new(message, inbound)
    return handshake.read(message, inbound, recall)


def _opening(inbound: Inbound) -> Call:
    if inbound.verb != "GET":
        raise WrongVerb(hint="an address of the HTTP+SSE transport knows GET, and POST where its stream says")
    return Call(None, CHANNEL, None, {}, _OLDEST)


def _too_new(message: dict[str, Any], inbound: Inbound) -> Call:
    """Refuse a revision that this transport is too old for, so that a client that only tries falls back."""
    params = message.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    named = meta.get(modern.VERSION) if isinstance(meta, dict) else None
    requested = str(named or headers.trimmed(inbound.headers.get(headers.VERSION)))[:40]
    hint = "HTTP+SSE carries revisions with a handshake; initialize, or POST to the Streamable HTTP address"
    raise UnsupportedVersion(hint=hint, data={"supported": list(HANDSHAKES), "requested": requested})


def _batch(messages: list[Any], inbound: Inbound, recall: Recall) -> Call:
    """Return the call that a batch is: its messages become calls of their own when it is carried out."""
    version = headers.trimmed(inbound.headers.get(headers.VERSION))
    if (version and version not in BATCHING) or headers.SESSION not in inbound.headers:
        raise Malformed(hint=_WITHOUT)
    client = handshake.client_of(inbound, recall)
    if client.version not in BATCHING:
        raise Malformed(hint=_WITHOUT)
    _refuse_unfit(messages)
    parts = tuple(msgspec.structs.replace(inbound, body=_holding(jsonrpc.encode(each))) for each in messages)
    return Call(None, BATCH, None, {"messages": messages}, client, parts=parts)


def _refuse_unfit(messages: list[Any]) -> None:
    if not 0 < len(messages) <= LARGEST:
        raise Malformed(hint=f"a batch has one message at least and {LARGEST} at most")
    if not all(isinstance(each, dict) for each in messages):
        raise Malformed(hint="a batch holds JSON-RPC messages and nothing else")
    if any(each.get("method") == "initialize" for each in messages):
        # 2025-03-26, "Initialization": other messages are not possible before it completed.
        raise Malformed(hint="initialize comes alone")
    idents = [each["id"] for each in messages if "method" in each and jsonrpc.is_id(each.get("id"))]
    if len(set(idents)) != len(idents):
        raise Malformed(hint="two requests of the batch have the same id")


def _holding(body: bytes) -> Callable[[], Awaitable[bytes]]:
    async def held() -> bytes:
        return body

    return held

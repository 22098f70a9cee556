"""Turn one admitted HTTP request into a `Call`, whatever the era. Pure."""

from __future__ import annotations

from ostiary.core.errors import GatewayError, Malformed
from ostiary.core.model import Call, Inbound
from ostiary.protocol import handshake, headers, jsonrpc, modern
from ostiary.protocol.handshake import Recall


def read(inbound: Inbound, body: bytes, depth: int, recall: Recall) -> Call:
    """Return the call, or raise the first thing wrong with it, carrying the request's id where that was readable."""
    if inbound.verb != "POST":
        return handshake.bare(inbound, recall)
    message = jsonrpc.read(body, depth)
    ident = message.get("id")
    try:
        if message.get("jsonrpc") != "2.0":
            raise Malformed(hint='a message says "jsonrpc": "2.0"')
        if modern.is_modern(message, inbound.headers.get(headers.VERSION)):
            return modern.read(message, inbound)
        return handshake.read(message, inbound, recall)
    except GatewayError as error:
        error.ident = ident if jsonrpc.is_id(ident) else None
        raise

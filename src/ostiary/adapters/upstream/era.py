"""Which era of the protocol is spoken at the other end of a wire? Asked by `server/discover` and by nothing else."""

from __future__ import annotations

import asyncio
from typing import Final

from ostiary.adapters.upstream import modern
from ostiary.adapters.upstream.wire import SessionGone, Wire, deaf
from ostiary.core.errors import GatewayError, Unreachable
from ostiary.core.model import MODERN, Era
from ostiary.protocol.jsonrpc import request

PATIENCE: Final = 30.0
"""Seconds that an old server may be silent before its silence counts as an answer."""


async def discovered(wire: Wire, deadline: float) -> Era:
    """Return the era of what is at the other end; raise only where nothing could be reached."""
    params = {"_meta": dict(modern.envelope(""))}
    asked = min(deadline, asyncio.get_running_loop().time() + PATIENCE)
    try:
        heard = await wire.request(
            request(wire.mint(), "server/discover", params), modern.fields("server/discover", ""), asked, deaf
        )
    except Unreachable:
        raise
    except (GatewayError, SessionGone):
        return Era.HANDSHAKE
    result = heard.message.get("result")
    versions = result.get("supportedVersions") if isinstance(result, dict) else None
    return Era.MODERN if isinstance(versions, list) and MODERN in versions else Era.HANDSHAKE

"""Hear from a server that one of its lists has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ostiary.adapters.upstream import modern
from ostiary.adapters.upstream.handshake import Link
from ostiary.adapters.upstream.lines import LISTEN, all_lists
from ostiary.adapters.upstream.server import Server
from ostiary.adapters.upstream.wire import HTTPWire
from ostiary.core.model import Era

_ACKNOWLEDGED: Final = "notifications/subscriptions/acknowledged"


async def announced(server: Server, deadline: float, begun: Callable[[], None], changed: Callable[[str], None]) -> None:
    """Stay subscribed to what a server says of its lists, until that ends; return at once where it cannot.

    `begun` is called once the server tells, `changed` with what changed.
    """
    async with server.questions("", deadline) as (era, way):
        if era is Era.HANDSHAKE and isinstance(way, Link):
            if await way.listening(deadline, server.streams):
                begun()
            await way.listened()
            return
        if server.streams is not None:
            await _listened(server.streams, begun, changed)


async def _listened(wire: HTTPWire, begun: Callable[[], None], changed: Callable[[str], None]) -> None:
    async def hear(message: dict[str, Any]) -> None:
        method = message.get("method")
        if method == _ACKNOWLEDGED:
            begun()
        elif isinstance(method, str) and method.endswith("/list_changed"):
            changed(method.split("/")[1])

    await wire.request(all_lists(wire.mint()), modern.fields(LISTEN, ""), float("inf"), hear)

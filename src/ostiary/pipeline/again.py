"""Ask a server once more, where it went away before it said anything and asking twice does no harm."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from ostiary.core.errors import GatewayError, Lost
from ostiary.core.model import Json, Order
from ostiary.core.trail import Trail

FINDING: Final = "retry: the server went away before it said anything, and was asked once more"
"""What the ledger says of a call that was sent twice."""


def repeatable(error: GatewayError, order: Order, now: float) -> bool:
    """Say whether a call that failed so may be sent again: nothing was heard, its tool allows it, and there is time.

    A client that can be asked may have been, in the middle of the call; it is not asked twice.
    """
    call, target = order.call, order.target
    if not target.repeats or call.method != "tools/call" or call.client.offer or "requestState" in call.params:
        return False
    return isinstance(error, Lost) and not error.heard and now < order.deadline


async def repeated(send: Callable[[], Awaitable[Json]], order: Order, trail: Trail, clock: Callable[[], float]) -> Json:
    """Return the answer to a call, which is sent a second time if it may be, and never a third."""
    try:
        return await send()
    except Lost as error:
        if not repeatable(error, order, clock()):
            raise
        trail.findings.append(FINDING)
    return await send()

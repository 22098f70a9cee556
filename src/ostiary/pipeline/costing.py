"""What a call costs: what is heard of it on the way, and what it comes to at the end. Pure."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from ostiary.core.costs import Cost, Price
from ostiary.core.model import Json
from ostiary.core.ports import Back
from ostiary.core.trail import Trail
from ostiary.policy import prices
from ostiary.policy.prices import Reported
from ostiary.protocol.tasks import is_handle

_SAMPLING: Final = "sampling/createMessage"
_LATE: Final = "price: what the call cost was not reported in time"


def heard(raw: Json, trail: Trail, price: Price) -> None:
    """Note what a server's answer, and the answers that its client brought along, say that the call cost."""
    if not price.reported:
        return
    result = raw.get("result")
    found = prices.reported(result, price)
    if isinstance(result, dict) and is_handle(result):
        # A task's result comes with calls of their own, and as often as somebody asks for it.
        found += Reported(0, (_LATE,))
    responses = trail.call.params.get("inputResponses") if trail.call is not None else None
    for each in responses.values() if price.models and isinstance(responses, dict) else ():
        found += prices.reported(each, price)
    _note(found, trail, price)


def _note(found: Reported, trail: Trail, price: Price) -> None:
    before = trail.cost.micros if trail.cost is not None else 0
    trail.cost = Cost(before + found.micros, price.currency)
    trail.findings += [fault for fault in found.faults if fault not in trail.findings]


def due(trail: Trail, price: Price) -> Cost | None:
    """Return what a call cost that has ended; None: it never left.

    Whatever left costs, however it ended: nobody knows how far the server came. What only asks for more, or is only
    the next answer to that, is one call, which is paid for when it ends.
    """
    if not trail.intended:
        return None
    if not trail.sent:
        return Cost(0, price.currency)
    fixed = price.fixed
    if fixed is not None and trail.outcome != "input_required":
        return fixed
    said = trail.cost
    if price.reported and said is None:
        trail.findings.append(_LATE)
    if trail.outcome == "input_required":
        price = replace(price, call=0)
    reported = Reported(said.micros if said else 0, tuple(each for each in trail.findings if each.startswith("price:")))
    seconds = (trail.answered or trail.ended) - trail.sent
    micros, faults = prices.due(price, trail.request_bytes + trail.answer_bytes, seconds, reported)
    trail.findings += [fault for fault in faults if fault not in trail.findings]
    return Cost(micros, price.currency)


class Priced:
    """A way back on which it is heard which model answered a server's question, and how many tokens that took."""

    def __init__(self, back: Back, trail: Trail, price: Price) -> None:
        self._back, self._trail, self._price = back, trail, price

    async def notify(self, method: str, params: Json) -> None:
        """Pass a notification on."""
        await self._back.notify(method, params)

    async def ask(self, method: str, params: Json) -> Json:
        """Pass a question on, and return its answer."""
        answer: Any = await self._back.ask(method, params)
        if method == _SAMPLING:
            _note(prices.reported(answer.get("result"), self._price), self._trail, self._price)
        return answer  # type: ignore[no-any-return]  # because it is what the port returns

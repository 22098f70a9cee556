"""What a call cost, by its price and by what is reported of it. Pure.

What is reported is somebody else's word. It is read strictly, and where it cannot be understood the call costs the
most that it may cost: whoever reports nonsense must not be cheaper for it. Fractions of a micro are rounded up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final, NamedTuple

from ostiary.core.costs import MICROS, Price

COST: Final = "ostiary/cost"
"""Where in the `_meta` of a result a server says what it cost: `{"amount": "0.0125", "currency": "USD"}`."""
USAGE: Final = "usage"
"""Where in `_meta` it says which model read and wrote how many tokens."""
MOST: Final = 10**15
"""Micros that anything may be said to cost: a thousand million units."""
_AMOUNT: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,18})?")
_TOKENS: Final = 10**12
_READ: Final = ("input_tokens", "inputTokens", "prompt_tokens")
_WROTE: Final = ("output_tokens", "outputTokens", "completion_tokens")
"""How servers and the models' own interfaces call them."""


class Reported(NamedTuple):
    """What was reported of a call so far."""

    micros: int = 0
    faults: tuple[str, ...] = ()
    """What could not be understood, or has no price: for the ledger, without a word of what was said."""

    def __add__(self, other: Any) -> Reported:
        return Reported(self.micros + other.micros, tuple(dict.fromkeys((*self.faults, *other.faults))))


NOTHING: Final = Reported()


def reported(result: Any, price: Price) -> Reported:
    """Return what the result of a call, or of a sampling request, says that it cost."""
    meta = result.get("_meta") if isinstance(result, Mapping) else None
    if not isinstance(meta, Mapping):
        return NOTHING
    found = _said(meta[COST], price) if COST in meta else NOTHING
    if price.models and USAGE in meta:
        found += _used(meta[USAGE], result.get("model"), price)
    return found


def _said(said: Any, price: Price) -> Reported:
    micros = amount(said.get("amount")) if isinstance(said, Mapping) else None
    if micros is None:
        return Reported(0, ("price: what was reported is no amount",))
    if said.get("currency") != price.currency:
        return Reported(0, (f"price: what was reported is not in {price.currency}",))
    return Reported(micros)


def amount(value: Any) -> int | None:
    """Return an amount in micros, rounded up; None for what is none."""
    if type(value) is int:
        return value * MICROS if 0 <= value < MOST // MICROS else None
    text = f"{Decimal(repr(value)):f}" if type(value) is float else value
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        return None
    return int((Decimal(text) * MICROS).to_integral_value(ROUND_CEILING))


def _used(usage: Any, model: Any, price: Price) -> Reported:
    if not isinstance(usage, Mapping):
        return Reported(0, ("price: what was reported is no usage",))
    read, wrote = _count(usage, _READ), _count(usage, _WROTE)
    if read is None or wrote is None:
        return Reported(0, ("price: what was reported is no usage",))
    rate = next((rate for name, rate in price.models if name == usage.get("model", model)), None)
    if rate is None or rate.currency != price.currency:
        return Reported(0, ("price: a model was used that has no price here",))
    return Reported(_ceiling(read * rate.input, MICROS) + _ceiling(wrote * rate.output, MICROS))


def _count(usage: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    """Return a count of tokens; 0 where none is said, None where something else is."""
    found = next((usage[name] for name in names if name in usage), 0)
    return found if type(found) is int and 0 <= found <= _TOKENS else None


def due(price: Price, octets: int, seconds: float, said: Reported) -> tuple[int, tuple[str, ...]]:
    """Return what a call cost that was carried out, in micros, and what the ledger says of it besides."""
    faults = said.faults
    micros = (
        price.call
        + _ceiling(octets * price.per_mb, 1_000_000)
        + _ceiling(max(0, int(seconds * 1e6)) * price.per_second, 1_000_000)
        + said.micros
    )
    if price.most is None:
        return min(micros, MOST), faults
    if faults:
        return price.most, faults
    if micros > price.most:
        return price.most, (*faults, "price: the call cost more than at_most says, which is what was counted")
    return micros, faults


def _ceiling(amount_: int, of: int) -> int:
    return -(-amount_ // of)

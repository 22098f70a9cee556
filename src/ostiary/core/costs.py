"""What calls cost and what may be spent. Money is whole numbers, in millionths of a currency's unit. Pure."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from msgspec import Struct

MICROS: Final = 1_000_000
"""In one unit of a currency."""


class Cost(Struct, frozen=True):
    """An amount of money."""

    micros: int
    currency: str
    """Its code, such as `USD` (ISO 4217)."""

    def __str__(self) -> str:
        whole, rest = divmod(abs(self.micros), MICROS)
        fraction = f".{rest:06d}".rstrip("0").rstrip(".")
        return f"{'-' if self.micros < 0 else ''}{whole}{fraction} {self.currency}"


class Rate(Struct, frozen=True):
    """What a model's tokens cost, in micros for a million of them."""

    input: int
    output: int
    currency: str


class Price(Struct, frozen=True):
    """What one call of a tool costs, in micros."""

    currency: str
    call: int = 0
    per_mb: int = 0
    """For a million bytes of request and answer."""
    per_second: int = 0
    """For a second of the server's time."""
    reported: bool = False
    """The server says what more it costs, or which model read and wrote how many tokens."""
    most: int | None = None
    """A call never costs more; None: nobody knows."""
    models: tuple[tuple[str, Rate], ...] = ()

    @property
    def reserve(self) -> int | None:
        """What a call may cost: known before it leaves. None: nobody knows."""
        if self.most is not None:
            return self.most
        return None if self.per_mb or self.per_second or self.reported else self.call

    @property
    def fixed(self) -> Cost | None:
        """What every call costs that was carried out; None: that depends on the call."""
        if self.per_mb or self.per_second or self.reported or self.most is not None:
            return None
        return Cost(self.call, self.currency)


class Budget(Struct, frozen=True):
    """What may be spent in each hour, day or month of a calendar."""

    micros: int
    currency: str
    period: str
    """`h`, `day` or `month`."""
    zone: tzinfo

"""Durations, sizes and rates as people write them, to numbers and back. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ostiary.config.problems import Unfit
from ostiary.core.costs import MICROS, Cost

_MILLISECONDS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_OCTETS: Final = {
    "B": 1, "KB": 1_000, "MB": 1_000**2, "GB": 1_000**3, "KiB": 1_024, "MiB": 1_024**2, "GiB": 1_024**3,
}  # fmt: skip
_PERIODS: Final = {"s": 1, "min": 60, "h": 3_600, "day": 86_400}
_SPOKEN: Final = {
    "duration": {
        "": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "min": "m", "mins": "m", "minute": "m",
        "minutes": "m", "hour": "h", "hours": "h", "hr": "h", "hrs": "h", "day": "d", "days": "d", "msec": "ms",
    },
    "size": {
        "": "B", "b": "B", "k": "KiB", "m": "MiB", "g": "GiB", "kb": "KB", "mb": "MB", "gb": "GB", "kib": "KiB",
        "mib": "MiB", "gib": "GiB",
    },
    "rate": {"sec": "s", "second": "s", "m": "min", "minute": "min", "hour": "h", "hr": "h", "d": "day"},
}  # fmt: skip
# Ten years in milliseconds has twelve digits; more is a mistake, and Python refuses to read thousands of them.
_NUMBER: Final = re.compile(r"([0-9]{1,12})([A-Za-z]+)")
_LOOSE: Final = re.compile(r"\s*([0-9]{1,12})\s*([A-Za-z]*)\s*")
_RATE: Final = re.compile(r"([0-9]{1,9})/([a-z]+)")
_LOOSE_RATE: Final = re.compile(r"\s*([0-9]{1,9})\s*(?:/|per)\s*([A-Za-z]+)\s*")
_MONEY: Final = re.compile(r"(?P<whole>[0-9]{1,9})(\.(?P<part>[0-9]{1,6}))? ?(?P<currency>[A-Z]{3})")
_PERCENT: Final = re.compile(r"([0-9]{1,3})%")
_WHOLE: Final = 100
CALENDAR: Final = ("h", "day", "month")
"""The periods of budgets, which are a calendar's."""
LONGEST: Final = 3_650.0 * 86_400
_SOONEST: Final = 10.0
_LATEST: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Rate:
    """So many times in each period."""

    count: int
    period: str
    """`s`, `min`, `h` or `day`."""

    @property
    def seconds(self) -> int:
        """The period's length."""
        return _PERIODS[self.period]

    @property
    def per_second(self) -> float:
        """The rate in times per second."""
        return self.count / self.seconds

    def __str__(self) -> str:
        return f"{self.count}/{self.period}"


def seconds(value: object) -> float:
    """Return the seconds that `30s`, `400ms`, `15m`, `24h` or `7d` stand for; raise `Unfit` for anything else."""
    found = _measure(value, "duration", _MILLISECONDS, "30s") / 1_000
    if found > LONGEST:
        raise Unfit("is longer than ten years", "write a shorter duration, such as 30d")
    return found


def lasting(value: object) -> float:
    """Return the seconds of a duration that may be nothing: `0s` says that nothing is remembered."""
    return 0.0 if value == "0s" else seconds(value)


def as_lasting(value: float) -> str:
    """Return such a duration as people write it."""
    return as_duration(value) if value else "0s"


def span(seconds: float) -> float:
    """Return seconds in which a person can decide something, and which are over before it is forgotten."""
    if not _SOONEST <= seconds <= _LATEST:
        raise Unfit("is not between ten seconds and a day", "write a duration such as 15m or 4h")
    return seconds


def octets(value: object) -> int:
    """Return the bytes that `4MiB` or `64KB` stand for; raise `Unfit` for anything else."""
    return _measure(value, "size", _OCTETS, "4MiB")


def rate(value: object) -> Rate:
    """Return the rate that `60/min`, `10/s`, `1000/h` or `5000/day` stand for; raise `Unfit` for anything else."""
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[2] not in _PERIODS:
        raise Unfit("is not a rate: a whole number, a slash and s, min, h or day", _meant_rate(value))
    if int(match[1]) == 0:
        raise Unfit("is a rate of nothing", "use a deny rule to refuse every call")
    return Rate(int(match[1]), match[2])


@dataclass(frozen=True, slots=True)
class Quota:
    """So much of something in each period: bytes, seconds, or micros of a currency."""

    amount: int
    period: str
    """`s`, `min`, `h`, `day` or `month`."""
    currency: str = ""

    @property
    def seconds(self) -> int:
        """The period's length, where it has one."""
        return _PERIODS[self.period]

    @property
    def per_second(self) -> float:
        """The rate for each second."""
        return self.amount / self.seconds


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of money, in millionths of a currency's unit."""

    micros: int
    currency: str

    def __str__(self) -> str:
        return str(Cost(self.micros, self.currency))


def money(value: object) -> Money:
    """Return the amount that `0.02 USD` stands for; raise `Unfit` for anything else."""
    match = _MONEY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Unfit(
            "is not an amount: digits, at most six of them after a point, and a currency", "write it like 0.02 USD"
        )
    return Money(_micros(match), match["currency"])


def tokens(value: object) -> Money:
    """Return the price of a million tokens that `3 USD/M` stands for; raise `Unfit` for anything else."""
    text = value.removesuffix("/M") if isinstance(value, str) and value.endswith("/M") else None
    try:
        return money(text)
    except Unfit:
        raise Unfit("is not the price of a million tokens: an amount and /M", "write it like 3 USD/M") from None


def as_tokens(value: Money) -> str:
    """Return the price of a million tokens as people write it."""
    return f"{value}/M"


def spend(value: object) -> Quota:
    """Return the budget that `50 USD/day` or `1000 EUR/month` stands for; raise `Unfit` for anything else."""
    text, _, period = value.partition("/") if isinstance(value, str) else ("", "", "")
    match = _MONEY.fullmatch(text)
    if match is None or period not in CALENDAR:
        raise Unfit(
            "is not a budget: an amount and a currency, a slash and h, day or month", "write it like 50 USD/day"
        )
    if not _micros(match):
        raise Unfit("is a budget of nothing", "use a deny rule to refuse every call")
    return Quota(_micros(match), period, match["currency"])


def as_spend(value: Quota) -> str:
    """Return a budget as people write it."""
    return f"{Cost(value.amount, value.currency)}/{value.period}"


def traffic(value: object) -> Quota:
    """Return how many bytes `100MiB/day` stands for; raise `Unfit` for anything else."""
    size, slash, period = value.partition("/") if isinstance(value, str) else ("", "", "")
    if not slash or period not in _PERIODS:
        raise Unfit("is not a size in a time: a size, a slash and s, min, h or day", "write it like 100MiB/day")
    return Quota(octets(size.replace(" ", "", 1)), period)


def as_traffic(value: Quota) -> str:
    """Return bytes in a time as people write them."""
    return f"{as_size(value.amount)}/{value.period}"


def busy(value: object) -> Quota:
    """Return how many seconds of servers' time `600/h` stands for; raise `Unfit` for anything else."""
    found = rate(value)
    return Quota(found.count, found.period)


def as_busy(value: Quota) -> str:
    """Return seconds in a time as people write them."""
    return f"{value.amount}/{value.period}"


def percent(value: object) -> int:
    """Return the percentage that `80%` stands for; raise `Unfit` for anything else."""
    match = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if match is None or not 1 <= int(match[1]) <= _WHOLE:
        raise Unfit("is not a part of the whole: 1% to 100%", "write it like 80%")
    return int(match[1])


def as_percent(value: int) -> str:
    """Return a percentage as people write it."""
    return f"{value}%"


def _micros(match: re.Match[str]) -> int:
    return int(match["whole"]) * MICROS + int((match["part"] or "").ljust(6, "0"))


def as_duration(value: float) -> str:
    """Return seconds as people write them, in the largest unit that divides them."""
    return _rendered(round(value * 1_000), _MILLISECONDS)


def as_size(value: int) -> str:
    """Return bytes as people write them, in the largest unit that divides them."""
    return _rendered(value, _OCTETS)


def _measure(value: object, kind: str, units: Mapping[str, int], example: str) -> int:
    match = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[2] not in units:
        raise Unfit(
            f"is not a {kind}: a whole number and one of {', '.join(units)}", _meant(value, kind, units, example)
        )
    if int(match[1]) == 0:
        raise Unfit(f"is a {kind} of nothing", f"write more than 0, such as {example}")
    return int(match[1]) * units[match[2]]


def _meant(value: object, kind: str, units: Mapping[str, int], example: str) -> str:
    loose = _LOOSE.fullmatch(str(value)) if isinstance(value, str | int) else None
    if loose is None:
        return f"write it like {example}"
    unit = loose[2] if loose[2] in units else _SPOKEN[kind].get(loose[2].lower())
    return f'did you mean "{loose[1]}{unit}"?' if unit else f"write it like {example}"


def _meant_rate(value: object) -> str:
    loose = _LOOSE_RATE.fullmatch(value) if isinstance(value, str) else None
    if loose is None:
        return "write it like 60/min"
    period = loose[2].lower()
    known = period if period in _PERIODS else _SPOKEN["rate"].get(period)
    return f'did you mean "{loose[1]}/{known}"?' if known else "write it like 60/min"


def _rendered(amount: int, units: Mapping[str, int]) -> str:
    unit = max((unit for unit in units if amount % units[unit] == 0), key=units.__getitem__)
    return f"{amount // units[unit]}{unit}"

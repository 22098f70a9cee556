"""Bounds on what callers use: how often, how much at once, what it takes of servers, and what it costs. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, JsonValue, PlainSerializer, PlainValidator, Strict, WithJsonSchema

from ostiary.config import units
from ostiary.config.fields import (
    Busy,
    Count,
    Pattern,
    Percent,
    RuleName,
    Seconds,
    Section,
    Spend,
    Traffic,
    Zone,
    may,
    must,
)
from ostiary.config.problems import Unfit, did_you_mean
from ostiary.config.units import Rate

SHARED: Final = ("caller", "team", "client", "agent", "address", "server", "tool", "view")
"""What callers, and calls, may have in common; a bucket's key has them in this order."""
ALL: Final = "all"
_MOST_RATES: Final = 4
_RATE: Final[JsonValue] = {"type": "string", "pattern": "^[0-9]+/(s|min|h|day)$", "$comment": "rate"}
_LONGEST_WAIT: Final = 60.0


def shared(value: Any) -> str:
    """Return what a limit is shared by: `all`, or names in their order with `+` between them."""
    listed = value if isinstance(value, list | tuple) else [value]
    for each in listed:
        if each not in SHARED and not (each == ALL and len(listed) == 1):
            hint = did_you_mean(each, (*SHARED, ALL)) if isinstance(each, str) else ""
            raise Unfit("is nothing that a limit is shared by", hint or f"write all, or some of {', '.join(SHARED)}")
    if not listed or len(set(listed)) < len(listed):
        raise Unfit("is empty" if not listed else "says the same twice", "write each once")
    return ALL if listed == [ALL] else "+".join(each for each in SHARED if each in listed)


def as_shared(value: str) -> str | list[str]:
    """Return what a limit is shared by as people write it."""
    names = value.split("+")
    return names[0] if len(names) == 1 else names


def rates(value: Any) -> Rate | tuple[Rate, ...]:
    """Return the rate that `60/min` stands for, or those of a list."""
    if not isinstance(value, list | tuple):
        return units.rate(value)
    found = tuple(units.rate(each) for each in value)
    if not 1 <= len(found) <= _MOST_RATES or len(set(found)) < len(found):
        raise Unfit(f"is no list of one to {_MOST_RATES} different rates", "write it like [10/s, 600/min]")
    return found


def as_rates(value: Rate | tuple[Rate, ...]) -> str | list[str]:
    """Return a rate, or rates, as people write them."""
    return str(value) if isinstance(value, Rate) else [str(each) for each in value]


def waiting(value: float) -> float:
    """Return how long a call may wait for others to end, which is no longer than clients are patient."""
    if value > _LONGEST_WAIT:
        raise Unfit("is longer than a minute", "write 60s or less")
    return value


Per = Annotated[
    str,
    PlainValidator(shared),
    PlainSerializer(as_shared),
    WithJsonSchema({
        "$comment": "who shares it",
        "anyOf": [
            {"enum": [ALL, *SHARED]},
            {"type": "array", "items": {"enum": list(SHARED)}, "minItems": 1, "uniqueItems": True},
        ],
    }),
]  # fmt: skip
Often = Annotated[
    Rate | tuple[Rate, ...],
    PlainValidator(rates),
    PlainSerializer(as_rates),
    WithJsonSchema({
        "$comment": "rate or rates",
        "anyOf": [
            _RATE,
            {"type": "array", "items": _RATE, "minItems": 1, "maxItems": _MOST_RATES, "uniqueItems": True},
        ],
    }),
]  # fmt: skip
Waiting = Annotated[Seconds, AfterValidator(waiting)]


class Limit(Section):
    """A bound on how often, on how many calls at once, on what they take, or on what they cost."""

    name: RuleName = must("A unique name: what the refusal and the metrics say.")
    per: Per = must(
        "Who shares it: nobody (`caller`), everybody (`all`), or whoever has the same `team`, `client`, `agent`, "
        "`address`, `server`, `tool` or `view`; of several in a list, all of them."
    )
    on: Annotated[tuple[Pattern, ...], Field(min_length=1), Strict(strict=False)] = may(("*",), "What it counts.")
    calls: Often | None = may(None, "How often; several, such as `[10/s, 600/min]`, hold at the same time.")
    concurrent: Count | None = may(None, "Calls at the same time.")
    queue: Waiting | None = may(
        None,
        "How long a call waits where `concurrent` allows no more, in turns by caller; without it, it is refused.",
    )
    bytes: Traffic | None = may(None, "How many bytes of requests and answers, such as `100MiB/day`.")
    seconds: Busy | None = may(None, "How many seconds of servers' time, such as `600/h`.")
    spend: Spend | None = may(None, "How much money, such as `50 USD/day`; what has no price costs nothing.")
    zone: Zone = may("UTC", "Where the hours, days and months of `spend` begin, such as `Europe/Berlin`.")
    warn_at: Percent | None = may(
        None, "The part of `spend`, such as `80%`, that is an event in the ledger when it is gone."
    )
    shadow: bool = may(
        False, "Rehearse it: it counts, the ledger says what it would have refused, and it refuses nothing."
    )

    @property
    def rates(self) -> tuple[Rate, ...]:
        """Every rate that `calls` says."""
        return () if self.calls is None else (self.calls,) if isinstance(self.calls, Rate) else self.calls


DEFAULT: Final = ({"name": "default", "per": "caller", "calls": "1200/min", "concurrent": 64},)
DEFAULT_LIMITS: Final = tuple(Limit.model_validate(limit) for limit in DEFAULT)
"""What holds when a configuration says nothing about limits."""

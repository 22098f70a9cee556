"""What metrics tell of limits, of providers that guards ask, and of all that stands beside calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from ostiary.adapters.store.limits import MemoryLimits
from ostiary.entry.annexes import Annexes, Number, Numbers

_LIMIT: Final = ("limit",)
_STATES: Final = ("closed", "half-open", "open")


class Watch(Protocol):
    """Has a number read whenever somebody asks for the metrics."""

    def __call__(self, name: str, told: str, look: Callable[[], Numbers], labels: tuple[str, ...] = (), /) -> None:
        """Take a name, what it is, how to look, and the names of its labels."""


def measure(watch: Watch, limits: MemoryLimits, states: Callable[[], Mapping[str, str]], annexes: Annexes) -> None:
    """Have it all told; `states` returns by guard whether its provider is asked."""
    for each in (*_budgets(limits), _providers(states), *annexes.numbers()):
        watch(each.name, each.told, each.look, each.labels)


def _budgets(limits: MemoryLimits) -> tuple[Number, ...]:
    fares = limits.fares
    return (
        Number("ostiary_budget_used_ratio", "The part of a budget that was spent.", limits.used, ("limit", "whose")),
        Number("ostiary_budget_refused_total", "Calls that a budget refused.", lambda: fares.refused, _LIMIT),
        Number("ostiary_budget_warnings_total", "Warnings that much was spent.", lambda: fares.warned, _LIMIT),
        Number("ostiary_limit_shadowed_total", "What a rehearsed limit would refuse.", lambda: fares.shadowed, _LIMIT),
    )


def _providers(states: Callable[[], Mapping[str, str]]) -> Number:
    def look() -> dict[tuple[str, str], float]:
        return {(guard, each): float(each == state) for guard, state in states().items() for each in _STATES}

    told = "1: that is the state of the breaker before the provider that a guard asks."
    return Number("ostiary_guard_provider_state", told, look, ("guard", "state"))

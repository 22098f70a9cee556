"""Scopes that bring others, and which ones clients are told of before they ask: `gateway.scopes`. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from ostiary.config.problems import Path, Problem
from ostiary.config.schema import Config
from ostiary.config.tree import Scalar, Table, place, problem_at, select
from ostiary.policy import scopes
from ostiary.policy.scopes import Brings

_NEVER: Final = frozenset({"offline_access"})
"""Refresh tokens are no matter of a resource (2026-07-28, "Refresh Tokens")."""
_MOST: Final = 16
"""Circles that are told of: whoever has more mends these first."""


def brings(config: Config) -> Brings:
    """Return what each scope brings in the end."""
    return scopes.closure(config.gateway.scopes)


def told(config: Config) -> tuple[str, ...]:
    """Return the scopes that clients are told of before they ask for anything, sorted.

    They are those that rules name, without those that bring another of them: clients ask for everything that they are
    told of, and what is broader is a step up from there (2026-07-28, "Scope Selection Strategy").
    """
    named = {scope for rule in config.rules for scope in rule.scopes or ()}
    return tuple(sorted(scopes.narrowest(named - _NEVER, brings(config))))


def check(root: Table) -> Iterator[Problem]:
    """Yield the places where scopes bring each other in a circle."""
    written: dict[tuple[str, str], Path] = {}
    for path, node in select(root, "gateway", "scopes", "*", "*"):
        if isinstance(node, Scalar) and isinstance(node.value, str):
            written.setdefault((str(path[-2]), node.value), path)
    for _ in range(_MOST):
        found = scopes.circle(_direct(written))
        if not found:
            return
        steps = list(pairwise(found))
        # What was written last is what closed the circle.
        closing = max(steps, key=lambda step: _at(root, written[step]))
        said = "brings itself" if len(steps) == 1 else f"closes a circle: {' brings '.join(_from(found, closing[1]))}"
        yield problem_at(root, written.pop(closing), said, "remove it; the broader brings the narrower", of_value=True)


def _at(root: Table, path: Path) -> tuple[int, int]:
    here = place(root, path, of_value=True)
    return here.line, here.column


def _direct(written: dict[tuple[str, str], Path]) -> dict[str, list[str]]:
    direct: dict[str, list[str]] = {}
    for scope, brought in written:
        direct.setdefault(scope, []).append(brought)
    return direct


def _from(found: tuple[str, ...], first: str) -> tuple[str, ...]:
    """Return the same circle, told from one of its members on."""
    at = found.index(first)
    return (*found[at:-1], *found[:at], first)

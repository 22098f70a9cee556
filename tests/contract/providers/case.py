"""What the contract asks of every provider: how its published format says each thing, and what a request has to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ostiary.core.screening import Side
from tests.contract.providers.house import Answer, Heard, Reply

SIDES = (Side.REQUEST, Side.ANSWER)


@dataclass(frozen=True)
class Case:
    """One provider. A server in these tests answers each request by one of these."""

    use: str
    keys: Mapping[str, Any]
    """Its keys in a configuration, without `url`; `key: env:KEY` resolves to `house.KEY`."""
    check: Callable[[Heard, Side], None]
    """Assert that a request is exactly what the format asks for: method, path, headers, members."""
    shown: Callable[[Heard], list[str]]
    """Every text that a request shows to the provider, names of members too."""
    allow: Answer
    block: Answer
    """An objection to words, not to data: it cannot be redacted."""
    named: str
    """What the finding of `block` begins with."""
    masked: Callable[[Heard, str, str], Reply] | None = None
    """The answer that objects to `secret`, and has `mask` in its place; None: the format has no masked text."""
    not_a_pass: Mapping[str, Answer] = field(default_factory=dict)
    """Answers with status 200 that say allow, and must not be taken for it; and unknown words for it."""
    noted: Mapping[str, Answer] = field(default_factory=dict)
    """Answers that let it go on, with something to note."""
    path: str = ""
    """What comes after the server's address in `url`."""
    long: int = 100_000
    """Characters of a text that takes several requests; 0: whatever fits into a guard's pieces fits into one."""
    sides: tuple[Side, ...] = SIDES

"""How the labels of tools are written, and what rules ask of runs. Pure."""

from __future__ import annotations

from typing import Any, Final

from ostiary.config import values
from ostiary.config.problems import Unfit, did_you_mean
from ostiary.policy.flows import GUARD, LABELS

_NOTHING: Final = "nothing"
_READS: Final = ("private", "untrusted")


def reads(value: Any) -> tuple[str, ...]:
    """Return what is read: `private`, `untrusted`, both in a list, or nothing."""
    if value == _NOTHING:
        return ()
    listed = value if isinstance(value, list | tuple) else [value]
    for each in listed:
        if each == _NOTHING:
            raise Unfit("says nothing, and something else", "write nothing alone, or leave it out")
        if each not in _READS:
            hint = did_you_mean(each, (*_READS, _NOTHING)) if isinstance(each, str) else ""
            raise Unfit(
                "is nothing that can be read", hint or "write private, untrusted, [private, untrusted] or nothing"
            )
    if not listed or len(set(listed)) < len(listed):
        raise Unfit("is empty" if not listed else "says the same twice", "write each once, or nothing")
    return tuple(sorted(listed))


def as_reads(value: tuple[str, ...]) -> str | list[str]:
    """Return what is read as people write it."""
    return _NOTHING if not value else value[0] if len(value) == 1 else list(value)


def taint(value: str) -> str:
    """Return something that a run can have met: a label, `guard:NAME`, or a pattern of what was called."""
    if value in LABELS:
        return value
    if value.startswith(GUARD):
        values.rule_name(value.removeprefix(GUARD))
        return value
    if "." not in value and ":" not in value and value != "*":
        hint = did_you_mean(value, sorted(LABELS)) or f"write {', '.join(sorted(LABELS))}, guard:NAME or a pattern"
        raise Unfit("is nothing that a run meets", hint)
    return values.pattern(value)

"""What a scan of a server says: a rule, a place, what stands there, how bad it is, why, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from msgspec import Struct

_SHOWN: Final = 160


class Severity(IntEnum):
    """How bad a finding is; what is `HIGH` is held back until a person approves it."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    def __str__(self) -> str:
        return self.name.lower()


class Rule(Struct, frozen=True):
    """One thing that is looked for."""

    name: str
    severity: Severity
    why: str
    todo: str


class Finding(Struct, frozen=True):
    """One thing that was found."""

    rule: str
    place: str
    """A JSON pointer into the definition (RFC 6901); the name of a member is found at the member."""
    evidence: str
    """What stands there, with every character that cannot be seen spelled out."""
    severity: Severity
    why: str
    todo: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.rule} at {self.place or '/'}: {self.evidence}"


def finding(rule: Rule, place: str, evidence: str, severity: Severity | None = None) -> Finding:
    """Return a finding of a rule; `severity` where the circumstances make it another than the rule's own."""
    return Finding(rule.name, place, visible(evidence), rule.severity if severity is None else severity,
                   rule.why, rule.todo)  # fmt: skip


def worst(findings: Iterable[Finding]) -> Severity | None:
    """Return the severity of the worst finding, or None where there is none."""
    return max((each.severity for each in findings), default=None)


def visible(text: str, width: int = _SHOWN) -> str:
    """Return text in which every character can be seen, cut to `width`: what is invisible is spelled out."""
    said: list[str] = []
    length = 0
    for each in text[: width + 1]:
        shown = each if each.isprintable() else f"\\u{{{ord(each):x}}}"
        length += len(shown)
        if length > width:
            said.append("…")
            break
        said.append(shown)
    return "".join(said)


def around(text: str, start: int, end: int, margin: int = 24) -> str:
    """Return what was found with a little of what stands around it."""
    return text[max(0, start - margin) : min(len(text), end + margin, start + _SHOWN)].strip()

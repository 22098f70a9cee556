"""Show what servers offer to guards, once for each version: what they object to waits for a person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from ostiary.core.model import Kind
from ostiary.core.screening import EVERY_FLOW, Looks, Note, Pass, Payload, Screen, Side, Text, Verdict
from ostiary.integrity.findings import Finding, Rule, Severity, finding
from ostiary.integrity.pins import Sighting
from ostiary.pipeline.screening import looked
from ostiary.protocol import names
from ostiary.protocol.leaves import words

_TOGETHER: Final = 8
_TODO: Final = (
    "Read the definition, then approve or reject it; `ostiary guards test` tells what the guard finds in a text."
)
Screens = Callable[[Kind, str, str], tuple[Screen, ...]]
"""Kind, server, label → the guards that read such a definition."""


class Read(Struct, frozen=True):
    """What guards found in one definition."""

    findings: tuple[Finding, ...]
    whole: bool
    """Every guard could look; where one could not, it is asked again."""


async def read(
    server: str, sightings: Iterable[Sighting], screens: Screens, clock: Callable[[], float]
) -> Mapping[str, Read]:
    """Return what guards found in definitions, by their digest; a guard that cannot look holds them back."""
    every = list({each.digest: each for each in sightings}.values())
    found: dict[str, Read] = {}
    for start in range(0, len(every), _TOGETHER):
        part = every[start : start + _TOGETHER]
        told = await asyncio.gather(*(_read(server, each, screens, clock) for each in part))
        found |= {each.digest: said for each, said in zip(part, told, strict=True)}
    return found


async def _read(server: str, sighting: Sighting, screens: Screens, clock: Callable[[], float]) -> Read:
    label = f"{server}/" if sighting.kind is Kind.GATEWAY else names.label(server, sighting.kind, sighting.name)
    texts = list(words(sighting.definition))
    readable = tuple(each for each in texts if isinstance(each, Text))
    unread = tuple(sorted({each for each in texts if isinstance(each, str)}))
    findings, whole = [], True
    for screen in screens(sighting.kind, server, label):
        payload = Payload(Side.CATALOGUE, server, label, "definition", "", readable, unread, EVERY_FLOW)
        looks = Looks([], [])
        verdict = await looked(screen, payload, clock, looks)
        whole = whole and looks.looked[-1].verdict not in {"failed", "would-failed"}
        findings += [] if isinstance(verdict, Pass) else [_finding(screen, verdict, looks)]
    return Read(tuple(findings), whole)


def _finding(screen: Screen, verdict: Verdict, looks: Looks) -> Finding:
    severity = Severity.LOW if screen.shadow else Severity.MEDIUM if isinstance(verdict, Note) else Severity.HIGH
    rule = Rule(f"guard:{screen.name}", severity, f"The guard {screen.name!r} reads definitions.", _TODO)
    said = looks.findings[-1].removeprefix(f"{screen.name}: ") if looks.findings else "it objects"
    return finding(rule, "", said)


def plain(found: Finding) -> dict[str, Any]:
    """Return a finding as it is kept."""
    return {"rule": found.rule, "said": found.evidence, "severity": int(found.severity), "why": found.why}


def kept(row: Mapping[str, Any]) -> Finding:
    """Return a finding that was kept."""
    return Finding(row["rule"], "", row["said"], Severity(row["severity"]), row["why"], _TODO)

"""Pin what a server offers, and hold back what nobody approved. Pure.

The pin is a hash of the whole definition in canonical form: every member reaches the client's model, so every member
counts (CVE-2025-54136 was an approval bound to a name). Order of members does not count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from ostiary.core.model import Json, Kind

_canonical: Final = msgspec.json.Encoder(order="sorted")


class State(StrEnum):
    """Where a sighted definition stands."""

    APPROVED = "approved"
    NEW = "new"
    CHANGED = "changed"
    REJECTED = "rejected"


class Mode(StrEnum):
    """What is approved without a person."""

    FIRST_USE = "first-use"
    ALWAYS = "always"
    NEVER = "never"


class Verdicts(Struct, frozen=True):
    """What was said so far about the definitions of one name."""

    approved: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()


class Sighting(Struct, frozen=True):
    """One definition as a server offered it."""

    kind: Kind
    name: str
    digest: str
    definition: Json


class Offering(Struct, frozen=True):
    """What a server offered to one set of capabilities when it was last asked."""

    server: str
    offer: str
    era: str
    version: str
    info: Json
    capabilities: Json
    instructions: str
    definitions: tuple[Sighting, ...]
    ttl_ms: int
    seen: float


def digest(kind: Kind, definition: Json) -> str:
    """Return the pin of a definition."""
    return hashlib.sha256(kind.encode() + b"\0" + _canonical.encode(definition)).hexdigest()


def sighting(kind: Kind, definition: Json) -> Sighting:
    """Return a definition with the name and the pin it goes by."""
    key = {Kind.RESOURCE: "uri", Kind.TEMPLATE: "uriTemplate"}.get(kind, "name")
    return Sighting(kind, str(definition[key]), digest(kind, definition), definition)


def uncovered(_uri: str) -> bool:
    """Say that no approved template covers a URI."""
    return False


def unsuspected() -> bool:
    """Say that nothing is suspicious."""
    return False


def judge(
    sighted: Sighting,
    verdicts: Verdicts,
    mode: Mode,
    *,
    first: bool,
    covered: Callable[[str], bool] = uncovered,
    suspect: Callable[[], bool] = unsuspected,
) -> State:
    """Return where a definition stands.

    `first` while the operator's adding of the server is not complete; `covered` says whether a URI fits a template of
    the same server that is approved. A resource that is listed for the first time and is covered counts as approved:
    who may read it could read it before, by the template, so that its definition adds no power, and a server whose
    list grows (files, tickets) needs nobody each time. What was approved or rejected by itself stays judged by itself,
    and where only people approve (`never`), they see each one.

    What is `suspect` waits for a person whatever the mode: `always` is said of a server before anybody knew what it
    would say.
    """
    if sighted.digest in verdicts.rejected:
        return State.REJECTED
    if sighted.digest in verdicts.approved:
        return State.APPROVED
    if suspect():
        return State.CHANGED if verdicts.approved else State.NEW
    if mode is Mode.ALWAYS:
        return State.APPROVED
    if mode is Mode.FIRST_USE and first:
        return State.APPROVED
    if verdicts.approved:
        return State.CHANGED
    if sighted.kind is Kind.RESOURCE and mode is not Mode.NEVER and not verdicts.rejected and covered(sighted.name):
        return State.APPROVED
    return State.NEW


def differences(old: Json, new: Json) -> list[tuple[str, object, object]]:
    """Return (JSON pointer, before, after) for each place where two definitions differ; None: absent, or null."""
    return list(_differences("", old, new))


def _differences(path: str, old: object, new: object) -> Iterable[tuple[str, object, object]]:
    # Compared as pinned: to Python, 1 and True and 1.0 are equal, and a change that nobody is shown gets approved.
    if _canonical.encode(old) == _canonical.encode(new):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            below = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"  # RFC 6901 section 3
            if key in old and key in new:
                yield from _differences(below, old[key], new[key])
            else:
                yield below, old.get(key), new.get(key)
        return
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _differences(f"{path}/{index}", before, after)
        return
    yield path, old, new

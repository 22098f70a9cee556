"""What a server is, as facts that are pinned like its definitions: a change holds the server, or is noted. Pure.

A fact is pinned when it is first known. What was pinned and cannot be known any more is a change like any other, so
that hiding something is no way around its pin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from ostiary.core.model import Json, Kind
from ostiary.integrity.pins import Sighting, Verdicts, digest

PROGRAM: Final = "program"
"""A program of its own: its path, and the SHA-256 of its file."""
RUNNER: Final = "runner"
"""An interpreter or package runner: its path."""
RUNNER_FILE: Final = "runner-file"
"""The SHA-256 of its file, which every update of the system changes."""
SCRIPT: Final = "script"
"""What an interpreter runs, and what it loads before: paths, each with the SHA-256 of its file."""
PACKAGE: Final = "package"
"""The package and the version that the command names."""
INSTALLED: Final = "installed"
"""The package as it lies on disk: its name, its version, its hash and where that was read."""
NAME: Final = "server-name"
VERSION: Final = "server-version"
"""What the server calls itself, and its version (serverInfo)."""
KEY: Final = "tls-key"
"""The SHA-256 of the public key of its certificate (SPKI)."""
INSTRUCTIONS: Final = "instructions"
"""No fact, but pinned beside them: what the server tells models about itself."""

FACTS: Final = (PROGRAM, RUNNER, RUNNER_FILE, SCRIPT, PACKAGE, INSTALLED, NAME, VERSION, KEY)
NOTED: Final = frozenset({RUNNER_FILE, VERSION, KEY})
"""Facts that change in the ordinary course of things: they are noted, and hold nothing."""
LATE: Final = frozenset({INSTALLED, NAME, VERSION, KEY})
"""Facts that may be unknown before the server runs."""
LONGEST: Final = 256
"""Characters of what a server calls itself."""

_NOTHING: Final = Verdicts()


class Fact(Struct, frozen=True):
    """One thing that is known about a server; an empty value says that it is not known."""

    name: str
    value: Json

    @property
    def pin(self) -> str:
        """The hash of the value."""
        return digest(Kind.GATEWAY, self.value)

    def sighting(self) -> Sighting:
        """Return the fact as what verdicts are about."""
        return Sighting(Kind.GATEWAY, self.name, self.pin, self.value)

    def __str__(self) -> str:
        said = ", ".join(f"{key} {value}" for key, value in self.value.items())
        return f"{self.name}: {said or 'not known'}"


class Judged(Struct, frozen=True):
    """What becomes of the facts about one server."""

    fresh: tuple[Fact, ...] = ()
    """Known for the first time: to be pinned, unless others are held."""
    noted: tuple[Fact, ...] = ()
    """Changed, which is to be told and pinned."""
    held: tuple[Fact, ...] = ()
    """Changed or rejected, which holds the server until a person says otherwise."""


def introduced(info: Json) -> tuple[Fact, ...]:
    """Return what a server calls itself, cut to a length that can be kept."""
    said = ((NAME, "name"), (VERSION, "version"))
    return tuple(Fact(fact, {key: info[key][:LONGEST]}) for fact, key in said if _text(info.get(key)))


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def judged(facts: Iterable[Fact], said: Mapping[str, Verdicts], *, hold: bool) -> Judged:
    """Return what becomes of facts; `said` are the verdicts by the names of facts, `hold`: changes hold the server."""
    known = {each.name: each for each in facts}
    fresh: list[Fact] = []
    noted: list[Fact] = []
    held: list[Fact] = []
    for name in FACTS:
        if name in LATE and name not in known:
            continue
        fact = known.get(name, Fact(name, {}))
        verdicts = said.get(name, _NOTHING)
        if fact.pin in verdicts.approved:
            continue
        if fact.pin in verdicts.rejected:
            held.append(fact)
        elif not verdicts.approved - {Fact(name, {}).pin}:
            # Nothing was known before, so that nothing changed.
            fresh += [fact] if fact.value else []
        else:
            (held if hold and not _ordinary(fact) else noted).append(fact)
    return Judged(tuple(fresh), tuple(noted), tuple(held))


def _ordinary(fact: Fact) -> bool:
    """Say whether a change holds nothing: in the modern era a server need not say its name, and may come to that."""
    return fact.name in NOTED or (fact.name == NAME and not fact.value)


def merged(before: Iterable[Fact], now: Iterable[Fact], *, whole: bool) -> tuple[Fact, ...]:
    """Return what is known after another look, in the order of `FACTS`.

    A look at what does not run yet tells nothing about what is only known of what runs: that stays as it was. After a
    look at what does, what was not found is known to be missing.
    """
    late = (Fact(name, {}) for name in LATE) if whole else (each for each in before if each.name in LATE)
    known = {each.name: each for each in (*late, *now)}
    return tuple(known[name] for name in FACTS if name in known)


def whole_pin(facts: Iterable[Fact]) -> str:
    """Return the hash of all that is known about a server: what a person looked at before they approved it."""
    return digest(Kind.GATEWAY, {each.name: each.value for each in facts})


def spoken(text: str) -> Sighting:
    """Return a server's instructions as what verdicts are about."""
    said = {INSTRUCTIONS: text}
    return Sighting(Kind.GATEWAY, INSTRUCTIONS, digest(Kind.GATEWAY, said), said)


def explained(server: str, held: Iterable[Fact]) -> str:
    """Return why a server is held, and what to do about it; empty where it is not."""
    names = ", ".join(each.name for each in held)
    if not names:
        return ""
    return (
        f"{server} is not what was pinned ({names}), so nothing of it can be reached; "
        f"see `ostiary tools diff {server}/identity`, then `ostiary tools approve {server}/identity`"
    )

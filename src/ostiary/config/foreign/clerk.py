"""Decide for one value what may be written: itself, or a reference to where it must be put. Pure.

A `Clerk` lasts for one import: it remembers which variable stands for which value (so that equal values share one
and different values never do), what must be told, and every secret seen, so that none slips through elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

from ostiary.config.foreign import references
from ostiary.config.foreign.model import Kind, Note, Secret
from ostiary.config.foreign.secrecy import masked, only_scheme, suspicious, token_shaped


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: the words for a note, the name that hints at its nature, the variable to use."""

    server: str
    where: str
    hint: str | None
    variable: str


@dataclass(slots=True)
class Clerk:
    """What one import has found so far. Holds secrets while it works, and shows none."""

    known: frozenset[str] = field(repr=False)
    holders: dict[str, tuple[str, str]] = field(repr=False)
    notes: list[Note] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)

    def note(self, server: str, kind: Kind, text: str) -> None:
        """Tell the operator something, once, and never a secret."""
        told = Note(server, kind, printable(masked(text, self.known)))
        if told not in self.notes:
            self.notes.append(told)

    def betrays(self, text: str) -> bool:
        """Whether a name or a place carries a token or a secret seen elsewhere."""
        return token_shaped(text) or any(part in text for part in self.known)

    def why(self, hint: str | None, text: str) -> str | None:
        """Return the reason to treat a text as a secret, or None."""
        if reason := suspicious(hint, text):
            return reason
        return "it holds a secret found elsewhere" if any(part in text for part in self.known) else None

    def written(self, place: Place, raw: str) -> str:
        """Return what may stand in Ostiary's configuration for this value."""
        if self.betrays(raw):
            return self.secret(place, raw, suspicious(place.hint, raw) or "it holds a secret found elsewhere")
        if reference := references.whole(raw):
            return self._referenced(place, raw, reference)
        if references.embedded(raw):
            return self._template(place, raw)
        if reason := suspicious(place.hint, raw):
            return self.secret(place, raw, reason)
        if raw.startswith(("env:", "file:")):
            # Copied as it is, it would make the gateway read a variable or a file that nobody chose.
            return self._named(place, raw, "starts with what Ostiary reads as a reference", "its value as it was")
        if any(character in raw for character in "\r\n\0"):
            return self._named(place, raw, "is more than one line", "its value as it was")
        return raw

    def reference(self, place: Place, raw: str) -> str:
        """Return a reference in any case: where only a reference may stand, every literal counts as a secret."""
        found = self.written(place, raw)
        return found if found != raw else self.secret(place, raw, "only a reference may stand there")

    def secret(self, place: Place, raw: str, why: str) -> str:
        """Return the reference that replaces a secret, and tell where it was."""
        variable = self.variable(place, ("value", raw))
        self.secrets.append(Secret(place.server, printable(masked(place.where, self.known)), why, variable))
        self.note(place.server, "secret", f"{place.where} was not copied ({why}): put its value into {variable}")
        return f"env:{variable}"

    def variable(self, place: Place, holds: tuple[str, str]) -> str:
        """Return the variable for this content: the wanted name unless that name already stands for something else."""
        return next(name for name in _candidates(place) if self.holders.setdefault(name, holds) == holds)

    def _referenced(self, place: Place, raw: str, found: references.Reference) -> str:
        if found.path.startswith("~"):
            return self._named(place, raw, "is read from a file by its client", "what that file holds")
        if found.path:
            self.note(
                place.server,
                "reference",
                f"{place.where} is read from the file it names; make the path absolute if it is not",
            )
            return f"file:{found.path}"
        if not found.variable:
            return self._named(place, raw, "is something only its client fills in", f"what {raw.strip()} stood for")
        if found.asked:
            self.note(
                place.server,
                "reference",
                f"{place.where} was asked for by its client: put the answer into {found.variable}",
            )
        if found.default:
            self._default(place, found)
        return f"env:{found.variable}"

    def _default(self, place: Place, found: references.Reference) -> None:
        if why := self.why(place.hint, found.default):
            self.secrets.append(Secret(place.server, f"the default of {place.where}", why, found.variable))
            text = f"the default of {place.where} was not copied ({why}): put it into {found.variable}"
            self.note(place.server, "secret", text)
            return
        text = f"{place.where} had the default {found.default!r}, and a reference has none: set {found.variable}"
        self.note(place.server, "reference", text)

    def _template(self, place: Place, raw: str) -> str:
        literal = references.rest(raw)
        if not only_scheme(literal) and (why := self.why(place.hint, literal)):
            return self.secret(place, raw, f"{why}, beside a reference to a variable")
        return self._named(
            place,
            raw,
            "mixes text and references, and Ostiary replaces whole values only",
            f"the whole {raw!r}, filled in",
        )

    def _named(self, place: Place, raw: str, why: str, what: str) -> str:
        variable = self.variable(place, ("text", raw))
        self.note(place.server, "reference", f"{place.where} {why}: put {what} into {variable}")
        return f"env:{variable}"


def _candidates(place: Place) -> Iterator[str]:
    yield place.variable
    longer = references.variable_name(
        f"{place.server}_{place.variable.removeprefix(references.variable_name(place.server) + '_')}"
    )
    yield longer
    yield from (f"{longer}_{number}" for number in count(2))


def printable(text: str) -> str:
    """Return one line for a terminal or a comment: no escape sequence and no line break of a stranger's file."""
    return "".join(c if c.isprintable() else "?" for c in text)


def unique(name: str, taken: Iterable[str], longest: int) -> str:
    """Return the name, or the first of name-2, name-3, … that is free, within a length."""
    used = frozenset(taken)
    endings = ("", *(f"-{number}" for number in range(2, len(used) + 3)))
    return next(free for end in endings if (free := name[: longest - len(end)].rstrip("-") + end) not in used)

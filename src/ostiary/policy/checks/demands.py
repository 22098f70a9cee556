"""What a rule demands of arguments: `checks: {path: inside:/srv/docs, url: public, query: read-only-sql}`. Pure.

A demand is on an argument, or on a part of one (`options.path`), and on every text in it where it is a list. One that
is missing does not fit, unless the demand ends in `?` (`cwd?: inside:/srv`): what a server takes instead, nobody here
knows. A demand only narrows its rule, and what cannot be judged does not fit.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, Final

from msgspec import Struct

from ostiary.core.rules import FALSE, TRUE, Ask
from ostiary.policy.checks import addresses, paths, words
from ostiary.policy.conditions import Member, Shape, Steps

Judge = Callable[[str], str | None]
"""A text → why it does not fit and what to do, or None."""
MOST: Final = 256
"""Texts of one list."""
_NOTHING: Final = object()
_NAME_LENGTH: Final = 64


class Kind(Struct, frozen=True):
    """A named check."""

    make: Callable[[str], Judge]
    """What follows the colon → the judge; ValueError where that says nothing."""
    example: str
    takes: str = ""
    """`needs` or `may`: whether something follows the colon."""
    lists: Judge | None = None
    """How a list is judged, entry by entry, where that is another way than for a text."""


class Demand(Struct, frozen=True):
    """One check on one argument."""

    way: Steps
    text: str
    """As it is written: `inside:/srv/docs`."""
    judge: Judge
    entries: Judge
    """For the entries of a list."""
    optional: bool = False

    @property
    def key(self) -> str:
        """The argument as people write it: `options.path`, `cwd?`."""
        return f"{'.'.join(self.way)}{'?' if self.optional else ''}"

    @property
    def said(self) -> str:
        """The demand as people write it."""
        return f"args.{'.'.join(self.way)} {'is missing or ' if self.optional else ''}is {self.text}"


def _statements(text: str) -> Judge:
    # The parser takes a sixth of a second to load, which only those wait for who have such a check.
    made: Judge = import_module("ostiary.policy.checks.statements").reading(text)
    return made


def _plain(judge: Judge) -> Callable[[str], Judge]:
    return lambda _text: judge


KINDS: Final[Mapping[str, Kind]] = {
    "inside": Kind(paths.inside, "inside:/srv/docs", "needs"),
    "public": Kind(_plain(addresses.public), "public"),
    "https": Kind(_plain(addresses.encrypted), "https"),
    "host": Kind(addresses.hosts, "host:api.example.com", "needs"),
    "read-only-sql": Kind(_statements, "read-only-sql:postgres", "may"),
    "word": Kind(_plain(words.word), "word"),
    "argv": Kind(_plain(words.line), "argv", lists=words.entry),
    "identifier": Kind(_plain(words.identifier), "identifier"),
    "email": Kind(_plain(words.email), "email"),
    "matches": Kind(words.matching, "matches:[A-Z]{2}-[0-9]+", "needs"),
}
"""Every check, by its name."""


class Odd(ValueError):
    """A demand cannot be used: the message says why, the suggestion what to write."""

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.message, self.suggestion = message, suggestion


def problem(text: str) -> tuple[str, str] | None:
    """Return what is wrong with a check as it is written, and what to write instead; None where it can be used."""
    try:
        _judges(text)
    except Odd as error:
        return error.message, error.suggestion
    return None


def wrong_way(key: str) -> tuple[str, str] | None:
    """Return what is wrong with how an argument is named, and what to write instead; None where it can be."""
    steps = key.removesuffix("?").split(".")
    if all(steps) and len(steps) <= _NAME_LENGTH and key.isprintable() and len(key) <= _NAME_LENGTH * 8:
        return None
    return "does not name an argument", "write its name, or the way to a part of it, such as options.path"


def demands(checks: Mapping[str, str]) -> tuple[Demand, ...]:
    """Return the demands of a rule; `Odd` where one cannot be used."""
    found = []
    for key, text in sorted(checks.items()):
        if fault := wrong_way(key):
            raise Odd(*fault)
        judge, entries = _judges(text)
        found.append(Demand(tuple(key.removesuffix("?").split(".")), text, judge, entries, key.endswith("?")))
    return tuple(found)


def _judges(text: str) -> tuple[Judge, Judge]:
    name, colon, rest = text.partition(":")
    kind = KINDS.get(name)
    if kind is None:
        close = difflib.get_close_matches(name, KINDS, n=1, cutoff=0.6)
        hint = f'did you mean "{close[0]}"?' if close else f"the checks are {', '.join(KINDS)}"
        raise Odd(f'no check is called "{name[:_NAME_LENGTH]}"', hint)
    if kind.takes == "needs" and not rest:
        raise Odd(f"{name} does not say what to hold the argument against", f"write {kind.example}")
    if colon and not (kind.takes and rest):
        raise Odd(
            f"{name} takes nothing after a colon" if not kind.takes else "ends in a colon", f"write {kind.example}"
        )
    try:
        judge = kind.make(rest)
    except ValueError as error:
        message, _, hint = str(error).partition("; ")
        raise Odd(f"{rest[:_NAME_LENGTH]} {message}", hint or f"write it as in {kind.example}") from None
    return judge, kind.lists or judge


# Judging a call


def compiled(checks: Mapping[str, str]) -> Callable[[Mapping[str, Any]], str | None]:
    """Return what says why arguments do not fit (what, why, what to do), or None; `Odd`: no such checks."""
    wanted = demands(checks)
    return lambda arguments: unfit(wanted, arguments)


def unfit(wanted: Iterable[Demand], arguments: Mapping[str, Any]) -> str | None:
    """Return why arguments do not fit, or None where all of them do. It names arguments and never their values."""
    for each in wanted:
        if said := _unfit(each, arguments):
            return said
    return None


def _unfit(it: Demand, arguments: Mapping[str, Any]) -> str | None:
    value: Any = arguments
    for step in it.way:
        value = value.get(step, _NOTHING) if isinstance(value, Mapping) else _NOTHING
    place = f"args.{'.'.join(it.way)}"
    if value is _NOTHING:
        return None if it.optional else f"{place} is missing, and the rule demands {it.text} of it; give it"
    if isinstance(value, str):
        return _said(place, it.judge, value)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return f"{place} is no text, and the rule demands {it.text} of it; give a text, or a list of texts"
    if len(value) > MOST:
        return f"{place} has more than {MOST} entries; give fewer at once"
    return next((said for at, each in enumerate(value) if (said := _said(f"{place}[{at}]", it.entries, each))), None)


def _said(place: str, judge: Judge, value: str) -> str | None:
    try:
        complaint = judge(value)
    except (ValueError, RecursionError):
        complaint = "cannot be judged; write it plainly"
    return f"{place} {complaint}" if complaint else None


# Holding it against a tool


def faults(wanted: Iterable[Demand], shape: Shape, names: Iterable[str]) -> list[tuple[str, str]]:
    """Return what is wrong with demands for one tool: what, and what to write."""
    found = [fault for each in wanted if (fault := _fault(each, shape, sorted(names)))]
    return list(dict.fromkeys(found))


def _fault(it: Demand, shape: Shape, names: list[str]) -> tuple[str, str] | None:
    for end in range(1, len(it.way) + 1):
        member = shape(it.way[:end])
        said = f"args.{'.'.join(it.way[:end])}"
        if member is None:
            close = difflib.get_close_matches(it.way[0], names, n=1, cutoff=0.6) if end == 1 else []
            had = f"it has {', '.join(names[:20])}" if names and end == 1 else ""
            return f"it has no argument {said}, which checks name", f'did you mean "{close[0]}"?' if close else had
        if end == len(it.way) and not _textual(member):
            return f"{said} is {_article(member.type)}, and {it.text} is about text", "remove the check, or use when"
    return None


def _textual(member: Member) -> bool:
    return member.type in ("", "string") or (member.type == "array" and member.items in ("", "string"))


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aio" else f"a {kind}"


class Demanded(Struct, frozen=True):
    """The test whether the arguments of a call fit what a rule demands of them."""

    wanted: tuple[Demand, ...]

    def __call__(self, _caller: Any, ask: Ask) -> int:
        """Return what may come of it: arguments that are not known may fit or not."""
        if ask.arguments is None:
            return TRUE | FALSE
        return TRUE if unfit(self.wanted, ask.arguments) is None else FALSE

    def unfit(self, arguments: Mapping[str, Any]) -> str | None:
        """Return why arguments do not fit, in words for whoever gave them."""
        return unfit(self.wanted, arguments)

    def leaves(self, ask: Ask) -> Iterator[tuple[str, int]]:
        """Yield each demand and what may come of it, for explaining."""
        for each in self.wanted:
            yield each.said, Demanded((each,))(None, ask)

"""Suggest what tools do to the runs that call them, each with its reason; people confirm it. Pure.

What a tool says of itself is no proof, and a word in its name less: nothing here is ever applied by itself. Where
nothing is found, nothing is suggested, so that the tool goes on to be taken for everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from ostiary.config import flows
from ostiary.config.labels import as_reads
from ostiary.config.rules import Rule
from ostiary.config.schema import Config
from ostiary.config.values import covers
from ostiary.core.model import Json, Kind
from ostiary.core.screening import Flow

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_LONGEST: Final = 4_096
"""Characters of a description that are read."""
_MOST: Final = 64
"""Arguments that are read."""


def _words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PRIVATE: Final = _words_of(
    "account accounts calendar client clients contact contacts contract contracts credential credentials crm customer "
    "customers database db directory drive employee employees file files finance hr internal invoice invoices key keys "
    "ledger medical memory order orders password passwords patient patients payroll people person private record "
    "records salary secret secrets sql table tables user users vault wiki"
)
_UNTRUSTED: Final = _words_of(
    "article browse browser chat comment comments crawl discussion email emails fetch forum google http inbox internet "
    "issue issues mail mails message messages news page pages post posts pull review reviews scrape search site "
    "thread threads ticket tickets tweet tweets url web website"
)
_READING: Final = _words_of(
    "browse crawl download fetch find get list load lookup open query read scrape search show view"
)
_SENDING: Final = _words_of(
    "broadcast comment deploy dispatch email export fax forward invite mail message notify post publish push reply "
    "send share sms submit transfer tweet upload webhook"
)
_CARRYING: Final = _words_of(
    "bcc callback cc channel destination domain email endpoint href host hostname link recipient recipients repo "
    "repository to uri url urls webhook"
)
"""Arguments that say where something goes: who chooses one chooses who hears of the rest."""
_OUTWARD: Final = _words_of("browse crawl google http internet scrape url web website")
"""What is asked of the outside is heard there."""
_CHANGING: Final = _words_of(
    "add append archive assign cancel close create delete deploy drop edit execute insert merge modify move patch "
    "post publish push put remove rename reply run send set submit transfer update upload write"
)
_THINGS: Final = _words_of("comment email export mail message patch post reply run set share sms tweet webhook")
"""What is done, and as well what is read: `list_messages` sends none."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""Names of arguments that are shown: others are a server's way to write into somebody's file."""


class Suggestion(Struct, frozen=True):
    """One label that a tool may deserve."""

    key: str
    """`reads`, `sends` or `changes`."""
    value: Any
    """As it is written in the configuration; None: nothing is known, so it stays what it is taken for."""
    because: str


class Suggested(Struct, frozen=True):
    """What is suggested for one tool."""

    server: str
    tool: str
    label: str
    suggestions: tuple[Suggestion, ...]
    """For what nobody labelled; none: all of it is labelled."""
    said: Mapping[str, Any]
    """What people have said, by key."""
    rules: tuple[str, ...]
    """Those that take it for the worst as long as nobody says more."""


def suggested(config: Config, tools: Iterable[tuple[str, str, Json]]) -> Iterator[Suggested]:
    """Yield what is suggested for each of these tools (server, name, definition)."""
    for server, name, definition in tools:
        label, known = f"{server}.{name}", flows.of(config.servers.get(server), Kind.TOOL, name)
        found = suggestions(name, definition)
        yield Suggested(
            server, name, label, tuple(each for each in found if each.key in known.missing), _said(known),
            tuple(dict.fromkeys(rule for key in known.missing for rule in asking(config, key, label))),
        )  # fmt: skip


def asking(config: Config, key: str, label: str) -> Iterator[str]:
    """Yield the rules for which it matters how something is labelled under this key."""
    for rule in config.rules:
        waits = not _MET[key].isdisjoint(rule.after or ())
        narrowed = getattr(rule, key) is not None and any(covers(each, label) for each in _patterns(rule))
        if waits or narrowed:
            yield rule.name


def unlabelled(config: Config, tools: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Yield a note for each server of which rules ask what nobody said; `tools` are the known ones, by server."""
    for server, section in config.servers.items():
        known = sorted(tools.get(server, ()))
        names = known or [""]
        missing = {
            name: [key for key in flows.of(section, Kind.TOOL, name).missing if any(_asking(config, key, server, name))]
            for name in names
        }
        bare = [name for name in names if missing[name]]
        if section.disabled or not bare:
            continue
        keys = [key for key in flows.KEYS if any(key in each for each in missing.values())]
        rules = sorted({rule for name in bare for key in missing[name] for rule in _asking(config, key, server, name)})
        takes = "take" if len(rules) > 1 else "takes"
        yield (
            f"servers.{server}: nobody said {_keys(keys)} by {_tools(bare) if known else 'its tools'}, so that "
            f"{', '.join(rules)} {takes} them for everything; see: ostiary tools label {server}"
        )


def _asking(config: Config, key: str, server: str, name: str) -> Iterator[str]:
    if name:
        yield from asking(config, key, f"{server}.{name}")
        return
    for rule in config.rules:
        if getattr(rule, key) is not None or not _MET[key].isdisjoint(rule.after or ()):
            yield rule.name


def _keys(keys: list[str]) -> str:
    return " and ".join(
        {"reads": "what is read", "sends": "what is sent outside", "changes": "what is changed"}[key] for key in keys
    )


def _tools(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004 - as many as a line holds
    return f"{', '.join(names[:3])}{more}"


def _patterns(rule: Rule) -> tuple[str, ...]:
    return tuple(rule.allow or rule.deny or ())


_MET: Final = {
    "reads": frozenset({Flow.PRIVATE.value, Flow.UNTRUSTED.value}),
    "sends": frozenset({Flow.OUTSIDE.value}),
    "changes": frozenset({Flow.CHANGES.value}),
}


def _said(known: flows.Said) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if known.reads is not None:
        found["reads"] = as_reads(tuple(sorted(each.value for each in known.reads)))
    if known.sends is not None:
        found["sends"] = "outside" if known.sends else "nothing"
    if known.changes is not None:
        found["changes"] = bool(known.changes)
    return found


# What is found


class _Told(Struct, frozen=True):
    """What a tool says of itself, in words."""

    name: tuple[str, ...]
    words: tuple[str, ...]
    """Of its name, its title and its description."""
    arguments: tuple[tuple[str, tuple[str, ...]], ...]
    hints: Mapping[str, bool]


def suggestions(name: str, definition: Json) -> tuple[Suggestion, ...]:
    """Return what is suggested for one tool: a suggestion for each key."""
    told = _told(name, definition)
    return _reads(told), _sends(told), _changes(told)


def _told(name: str, definition: Json) -> _Told:
    annotations = definition.get("annotations")
    told = annotations if isinstance(annotations, dict) else {}
    said = (definition.get("title"), told.get("title"), definition.get("description"))
    text = " ".join(each[:_LONGEST] for each in said if isinstance(each, str))
    schema = definition.get("inputSchema")
    listed = schema.get("properties") if isinstance(schema, dict) else None
    arguments = list(listed)[:_MOST] if isinstance(listed, dict) else []
    own = _words(name)
    return _Told(
        own, (*own, *_words(text)), tuple((each, _words(each)) for each in arguments),
        {key: value for key, value in told.items() if isinstance(value, bool)},
    )  # fmt: skip


def _words(text: str) -> tuple[str, ...]:
    return tuple(each.casefold() for each in _WORD.findall(text))


def _reads(told: _Told) -> Suggestion:
    found: dict[str, str] = {}
    for label, telling in (("private", _PRIVATE), ("untrusted", _UNTRUSTED)):
        why = _why(told, telling)
        if why:
            found[label] = why
    if "untrusted" in found and told.hints.get("openWorldHint") is False:
        found["untrusted"] += ", although it says openWorldHint: false"
    if not found:
        return Suggestion("reads", None, "nothing about it says what it reads")
    because = "; ".join(f"{label}: {why}" for label, why in found.items())
    return Suggestion("reads", as_reads(tuple(found)), because)


def _sends(told: _Told) -> Suggestion:
    carrying = next((_called(name) for name, words in told.arguments if not _CARRYING.isdisjoint(words)), "")
    why = _why(told, _SENDING, named=True) or _why(told, _OUTWARD)
    why = why or (f"its argument {carrying} says where something goes" if carrying else "")
    if why:
        return Suggestion("sends", "outside", why)
    if told.hints.get("openWorldHint") is False:
        return Suggestion("sends", "nothing", "it says openWorldHint: false, and no word or argument says otherwise")
    return Suggestion("sends", None, "nothing about it says whether it sends anything")


def _changes(told: _Told) -> Suggestion:
    why = _why(told, _CHANGING, named=True)
    if why and told.hints.get("readOnlyHint") is True:
        return Suggestion("changes", True, f"{why}, although it says readOnlyHint: true")
    if why:
        return Suggestion("changes", True, why)
    if told.hints.get("destructiveHint") is True:
        return Suggestion("changes", True, "it says destructiveHint: true")
    if told.hints.get("readOnlyHint") is True:
        return Suggestion("changes", False, "it says readOnlyHint: true, and no word says otherwise")
    if not _READING.isdisjoint(told.name[:1]):
        return Suggestion("changes", False, f'its name begins with "{told.name[0]}", and it does not say otherwise')
    return Suggestion("changes", None, "nothing about it says whether it changes anything")


def _why(told: _Told, telling: frozenset[str], *, named: bool = False) -> str:
    """Return which word tells it, by where it stands; `named`: words of the description say too much."""
    reading = named and not _READING.isdisjoint(told.name[:1])
    for word in told.name:
        if word in telling and not (reading and word in _THINGS):
            return f'its name says "{word}"'
    for name, words in () if named else told.arguments:
        if not telling.isdisjoint(words):
            return f"it has the argument {_called(name)}"
    word = "" if named else next((each for each in told.words if each in telling), "")
    return f'its description says "{word}"' if word else ""


def _called(argument: str) -> str:
    return f'"{argument}"' if _PLAIN.fullmatch(argument) else "with an odd name"

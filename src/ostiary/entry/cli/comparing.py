"""What differs between a server asked directly and the same server asked through the gateway, and why. Pure.

A difference without a reason is a fault: of the gateway, or of what it knows about the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary import __version__
from ostiary.core.model import Era, Json, Kind
from ostiary.integrity.pins import differences

TASKS: Final = "io.modelcontextprotocol/tasks"
SHOWN: Final = 20
"""Places of a difference that are named."""
_WORDS: Final = {Kind.TOOL: "tool", Kind.PROMPT: "prompt", Kind.RESOURCE: "resource", Kind.TEMPLATE: "template"}
_SHAPED: Final = frozenset({"resultType", "ttlMs", "cacheScope", "_meta", "requestState"})
_ASKED_BY: Final = {Era.HANDSHAKE: "by requests", Era.MODERN: "by input_required"}
LISTS: Final = {"tools": "toolsListChanged", "prompts": "promptsListChanged", "resources": "resourcesListChanged"}
_BELOW: Final = "each is named below"

Definitions = Mapping[tuple[Kind, str], Json]
Missing = Callable[[Kind, str], tuple[str, str]]
"""Say what became of a definition that the gateway does not list: its fate, and the reason where there is one."""


class Side(Struct, frozen=True):
    """What was heard in one era from one of the two sides."""

    era: Era
    failed: str = ""
    """Why nothing was heard."""
    version: str = ""
    info: Json = {}
    capabilities: Json = {}
    instructions: str = ""
    definitions: Definitions = {}
    dropped: tuple[tuple[Kind, str], ...] = ()
    """What is listed and no client of the gateway could use."""
    able: frozenset[tuple[Kind, str]] = frozenset()
    """What is listed only to clients that declare every capability."""
    reads: Mapping[str, Json] = {}
    """Answers by URI."""
    unsteady: frozenset[str] = frozenset()
    """The URIs that answered otherwise when they were read again."""
    honoured: Json | None = None
    """The subset that a listen stream acknowledged; None: there was none."""
    called: Json | None = None
    """The questions that a call led to, and how it ended."""
    milliseconds: float = 0.0
    """The quickest of a few empty round trips."""


class Row(Struct, frozen=True):
    """One feature on both sides."""

    feature: str
    direct: str
    through: str
    difference: str = ""
    why: str = ""

    @property
    def good(self) -> bool:
        """Say whether nothing differs, or what differs has a reason."""
        return not self.difference or bool(self.why)


def rows(direct: Side, through: Side, missing: Missing, annotated: frozenset[str]) -> Iterator[Row]:
    """Yield every feature of a server; `annotated`: the tools whose annotations the configuration sets."""
    yield _named(direct, through)
    yield _spoken(direct, through)
    yield from _capabilities(direct, through)
    yield _instructions(direct, through)
    for kind in _WORDS:
        yield from _listed(kind, direct, through, missing, annotated)
    yield _able(direct, through, missing)
    yield from _reads(direct, through)
    yield _changes(direct, through)
    yield from _questions(direct, through)
    yield _tasks(direct, through)
    yield from _called(direct, through)
    yield _timed(direct, through)


def folded(found: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows, those for people to read: a run that differs in one and the same way is one row."""
    for _, group in groupby(found, lambda row: (*_word(row), row.direct, row.through, row.difference, row.why)):
        alike = list(group)
        yield alike[0]
        if len(alike) > 1:
            yield msgspec.structs.replace(alike[0], feature=f"… and {len(alike) - 1} more")


def _word(row: Row) -> tuple[str, str]:
    word, _, name = row.feature.partition(" ")
    return (word, "") if row.difference and word in _WORDS.values() else (word, name)


def _named(direct: Side, through: Side) -> Row:
    here, there = _name(direct), _name(through)
    return Row("name", here, there, "another name", "the gateway answers under its own")


def _name(side: Side) -> str:
    return " ".join(str(side.info[key]) for key in ("name", "version") if key in side.info) or "unnamed"


def _spoken(direct: Side, through: Side) -> Row:
    here, there = f"{direct.era} {direct.version}", f"{through.era} {through.version}"
    if direct.era is not through.era:
        return Row("protocol", here, there, "bridged", f"the server does not speak the {through.era} era")
    if direct.version != through.version:
        return Row("protocol", here, there, "another version", "the gateway agrees on a version with each side")
    return Row("protocol", here, there)


# What each says it can do


def _capabilities(direct: Side, through: Side) -> Iterator[Row]:
    here, there = _without_tasks(direct.capabilities), _without_tasks(through.capabilities)
    yield Row("capabilities", ", ".join(sorted(here)) or "none", ", ".join(sorted(there)) or "none")
    for place, before, after in differences(here, there):
        said = "added" if before is None else "dropped" if after is None else "changed"
        yield Row(f"capability {place}", _brief(before), _brief(after), said, _capability(place, after))


def _without_tasks(capabilities: Json) -> dict[str, Any]:
    """Tasks have a row of their own: the two eras announce them in two places."""
    kept = {key: value for key, value in capabilities.items() if key != "tasks"}
    extensions = kept.pop("extensions", None)
    others = {key: value for key, value in extensions.items() if key != TASKS} if isinstance(extensions, dict) else {}
    return {**kept, "extensions": others} if others else kept


def _capability(place: str, after: object) -> str:
    if place.endswith("/listChanged") and after is True:
        return "the gateway watches the list itself, and says when it changes"
    if place.startswith("/experimental"):
        return "what is experimental is not carried"
    if place.startswith("/extensions") and after is None:
        return "an extension that the gateway does not carry in this era"
    return ""


def _instructions(direct: Side, through: Side) -> Row:
    here, there = direct.instructions.strip(), through.instructions.strip()
    row = Row("instructions", f"{len(here)} characters", f"{len(there)} characters")
    if here == there:
        return row
    cut = bool(there) and len(there) < len(here) and here.startswith(there)
    return Row(row.feature, row.direct, row.through, "cut" if cut else "changed", "they are too long" if cut else "")


# What each lists


def _listed(kind: Kind, direct: Side, through: Side, missing: Missing, annotated: frozenset[str]) -> Iterator[Row]:
    word = _WORDS[kind]
    found = [*_each(kind, direct, through, missing, annotated)]
    found += [
        Row(f"{word} {name}", "listed", "not listed", "dropped", "it is malformed, or its name is there twice")
        for each, name in direct.dropped
        if each is kind
    ]
    count = f"{len(found)} not the same" if found else ""
    here, there = (str(len(_of(kind, side))) for side in (direct, through))
    yield Row(f"{word}s", here, there, count, _BELOW if found else "")
    yield from found


def _of(kind: Kind, side: Side) -> dict[str, Json]:
    return {name: each for (of, name), each in side.definitions.items() if of is kind}


def _each(kind: Kind, direct: Side, through: Side, missing: Missing, annotated: frozenset[str]) -> Iterator[Row]:
    here, there = _of(kind, direct), _of(kind, through)
    for name in sorted(here.keys() | there.keys()):
        feature = f"{_WORDS[kind]} {name}"
        if name not in there:
            fate, why = missing(kind, name)
            yield Row(feature, "listed", "not listed", fate, why)
        elif name not in here:
            # A list that the server has changed since is the gateway's fault until it has noticed.
            yield Row(feature, "not listed", "listed", "added")
        else:
            ours = kind is Kind.TOOL and name in annotated
            yield from _changed(feature, here[name], there[name], through.era, ours)


def _changed(feature: str, here: Json, there: Json, era: Era, annotated: bool) -> Iterator[Row]:
    for place, before, after in differences(here, there)[:SHOWN]:
        why = _shaped(place, before, after, era)
        if annotated and place.startswith("/annotations"):
            why = "the configuration sets it"
        yield Row(feature, f"{place}: {_brief(before)}", _brief(after), "changed", why)


def _shaped(place: str, before: object, after: object, era: Era) -> str:
    if place.startswith("/execution") and era is Era.MODERN and after is None:
        return "a member of 2025-11-25 that clients of this era do not have"
    if place == "/outputSchema" and era is Era.HANDSHAKE and after is None and not _of_object(before):
        return "in this era results are objects"
    return ""


def _of_object(schema: object) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "object"


def _able(direct: Side, through: Side, missing: Missing) -> Row:
    """Return what is listed only to clients that can be asked something."""
    row = Row("for able clients", f"{len(direct.able)} more", f"{len(through.able)} more")
    lost, added = sorted(direct.able - through.able), sorted(through.able - direct.able)
    if not lost and not added:
        return row
    reasons = [missing(kind, name)[1] for kind, name in lost] + [""] * len(added)
    names = ", ".join(name for _, name in (*lost, *added))
    why = "; ".join(dict.fromkeys(reasons)) if all(reasons) else ""
    return Row(row.feature, row.direct, row.through, f"not the same: {names}", why)


# What each does


def _reads(direct: Side, through: Side) -> Iterator[Row]:
    for uri, here in direct.reads.items():
        if uri not in through.reads:
            continue
        there = through.reads[uri]
        row = Row(f"read {uri}", _ended(here), _ended(there))
        if here.get("contents") == there.get("contents") and ("error" in here) == ("error" in there):
            yield row
            continue
        why = "it changes from one read to the next" if uri in direct.unsteady and "contents" in there else ""
        yield Row(row.feature, row.direct, row.through, "another answer", why)


def _ended(answer: Json) -> str:
    if "error" in answer:
        return f"refused: {_brief(answer['error'])}"
    contents = answer.get("contents")
    return f"{len(contents)} contents" if isinstance(contents, list) else "answered"


def _changes(direct: Side, through: Side) -> Row:
    here, there = _announcing(direct), _announcing(through)
    row = Row("changes", ", ".join(sorted(here)) or "none", ", ".join(sorted(there)) or "none")
    if here <= there:
        extra = "the gateway watches the lists itself" if there - here else ""
        return Row(row.feature, row.direct, row.through, "more" if there - here else "", extra)
    return Row(row.feature, row.direct, row.through, f"without {', '.join(sorted(here - there))}")


def _announcing(side: Side) -> frozenset[str]:
    """Return what a client can hear of, as the acknowledgement or the capabilities say."""
    if side.era is Era.MODERN and side.honoured is not None:
        return frozenset(key for key, value in side.honoured.items() if value)
    found = {key for name, key in LISTS.items() if _member(side.capabilities, name, "listChanged")}
    # An acknowledgement names what was asked for, and nothing can be asked for where nothing is listed.
    resources = any(kind is Kind.RESOURCE for kind, _ in side.definitions)
    subscribes = resources and _member(side.capabilities, "resources", "subscribe")
    return frozenset(found | ({"resourceSubscriptions"} if subscribes else set()))


def _member(capabilities: Json, name: str, member: str) -> bool:
    inner = capabilities.get(name)
    return isinstance(inner, dict) and inner.get(member) is True


def _questions(direct: Side, through: Side) -> Iterator[Row]:
    """Yield how a server asks in the middle of a call; which tools do, only a call can show."""
    here, there = _ASKED_BY[direct.era], _ASKED_BY[through.era]
    bridged = "bridged" if direct.era is not through.era else ""
    why = "the gateway puts a question in the client's way, and the answer in the server's" if bridged else ""
    if bridged and through.info.get("version") != __version__:
        bridged, why = "unknown", f"the gateway that runs is another version than this command, {__version__}"
    for feature in ("elicitation", "sampling", "roots"):
        yield Row(feature, here, there, bridged, why)


def _tasks(direct: Side, through: Side) -> Row:
    here, there = _tasked(direct), _tasked(through)
    if there == "extension" and through.era is Era.HANDSHAKE:
        # Whoever believed it would be answered with what their revision has no words for.
        return Row("tasks", here, there, "announced in the wrong era")
    if here == there:
        return Row("tasks", here, there)
    if here == "of 2025-11-25":
        return Row("tasks", here, there, "not passed on", "they are driven inside the gateway, or not offered")
    if here == "extension" and through.era is Era.HANDSHAKE:
        return Row("tasks", here, there, "not offered", "the extension is of the modern era")
    return Row("tasks", here, there, "not the same")


def _tasked(side: Side) -> str:
    extensions = side.capabilities.get("extensions")
    if isinstance(extensions, dict) and TASKS in extensions:
        return "extension"
    return "of 2025-11-25" if "tasks" in side.capabilities else "none"


def _called(direct: Side, through: Side) -> Iterator[Row]:
    if direct.called is None or through.called is None:
        return
    here, there = _bare(direct.called), _bare(through.called)
    row = Row("call", _story(direct.called), _story(through.called))
    if here == there:
        yield row
        return
    for place, before, after in list(differences(here, there))[:SHOWN]:
        shaped = place.endswith("/structuredContent") and through.era is Era.HANDSHAKE and after is None
        why = "in this era results are objects" if shaped and not isinstance(before, dict) else ""
        yield Row(f"call {place}", _brief(before), _brief(after), "another answer", why)


def _timed(direct: Side, through: Side) -> Row:
    feature = "time to read" if direct.reads and through.reads else "time to ping (each answers itself)"
    return Row(feature, f"{direct.milliseconds:.1f} ms", f"{through.milliseconds:.1f} ms")


def _bare(called: Json) -> dict[str, Any]:
    answer = {key: value for key, value in called["answer"].items() if key not in _SHAPED}
    return {"asked": called["asked"], "answer": answer}


def _story(called: Json) -> str:
    answer = called["answer"]
    ended = "refused" if "code" in answer else "an error" if answer.get("isError") else "answered"
    return f"{ended}, after {', '.join(called['asked'])}" if called["asked"] else ended


def _brief(value: object) -> str:
    """Return a value, short enough for a cell."""
    text = "absent" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004 - a cell

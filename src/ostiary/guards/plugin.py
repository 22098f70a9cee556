"""Guards by others: what a package brings, and how what it says is held to what a guard may say. Pure.

A package registers a factory under the entry point group `ostiary.guards`; the factory takes the `settings` of the
configuration and returns a `Plugin`. Everything that a plugin needs can be imported from here.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ostiary.core.screening import (
    Block,
    Fence,
    Flow,
    Guard,
    Hold,
    Note,
    Pass,
    Path,
    Payload,
    Redact,
    Side,
    Text,
    Verdict,
)

__all__ = [
    "GROUP", "Block", "Canary", "Factory", "Fence", "Flow", "Hold", "Note", "Pass", "Path", "Payload", "Plugin",
    "Redact", "Side", "Text", "Unsound", "Verdict", "held",
]  # fmt: skip

GROUP: Final = "ostiary.guards"
"""The group of entry points that guards are registered under."""
_LONGEST: Final = 256
"""Characters of a finding: it goes into the ledger, and to whoever called."""
_MOST_META: Final = 4_096
_LABEL: Final = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_META: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})+/[A-Za-z0-9](?:[\w.-]*\w)?")
_RESERVED: Final = frozenset({"modelcontextprotocol", "mcp", "ostiary"})
"""Names that the protocol keeps for itself (2026-07-28, `_meta`), and ours."""


class Canary(Struct, frozen=True):
    """Words that a plugin has to object to, with the settings that it was made with."""

    text: str
    sides: frozenset[Side] = frozenset(Side)
    key: str = "text"
    """The name of the member that they stand under."""


class Plugin(Protocol):
    """A guard that somebody else wrote."""

    def look(self, payload: Payload, /) -> Awaitable[Verdict]:
        """Say what is to be said of a payload; whatever it raises, and whatever is no verdict, stops the call."""

    def canaries(self) -> Sequence[Canary]:
        """Return what it has to object to, one at least for each side that it is put on: shown to it now and then."""


Factory = Callable[[Mapping[str, Any]], Plugin]
"""Makes a plugin from the `settings` of its entry; what it raises refuses the configuration."""


class Unsound(Exception):
    """A plugin said what no guard may say."""


def held(look: Callable[[Payload], Awaitable[Verdict]], skip: frozenset[str] = frozenset()) -> Guard:
    """Return a plugin's look as a guard: shown a copy without the members in `skip`, and checked in what it says."""

    async def looked(payload: Payload) -> Verdict:
        # A copy: whatever it does to what it is shown, the pipeline's own is as it was.
        shown = replace(payload, texts=tuple(replace(each) for each in payload.texts if _key(each) not in skip))
        places = frozenset(each.path for each in shown.texts if not each.rigid)
        try:
            said = await look(shown)
        except (SystemExit, KeyboardInterrupt) as error:
            # Nobody else's code ends the process.
            raise Unsound(type(error).__name__) from None
        return sound(said, places)

    return looked


def sound(said: object, places: frozenset[Path]) -> Verdict:
    """Return a verdict as it may be acted on, or raise `Unsound`; `places` are those that can be replaced."""
    match said:
        case Pass():
            return Pass()
        case Note(finding):
            return Note(_told(finding))
        case Hold(finding):
            return Hold(_told(finding))
        case Block(finding):
            return Block(_told(finding))
        case Redact(finding, new):
            return Redact(_told(finding), _replaced(new, places))
        case Fence(finding, new, meta):
            return Fence(_told(finding), _replaced(new, places), _marked(meta))
    raise Unsound("no verdict")


def _told(finding: object) -> str:
    if not isinstance(finding, str):
        raise Unsound("a finding that is no text")
    return "".join(each if each.isprintable() else " " for each in finding[:_LONGEST]).strip() or "it objects"


def _replaced(new: object, places: frozenset[Path]) -> Mapping[Path, str]:
    if not isinstance(new, Mapping) or not all(type(each) is str for each in new.values()):
        raise Unsound("replacements that are no texts by path")
    made = dict(new)
    if not made.keys() <= places:
        raise Unsound("a replacement where nothing can be replaced")
    return made


def _marked(meta: object) -> Mapping[str, Any]:
    """Return what clients are told in `_meta`: a copy, of plain JSON, under names of the plugin's own."""
    if not isinstance(meta, Mapping) or not all(isinstance(each, str) and _own(each) for each in meta):
        raise Unsound("a name in _meta that is not its own")
    try:
        raw = msgspec.json.encode(dict(meta))
    except (TypeError, ValueError, RecursionError):
        raise Unsound("_meta is no JSON") from None
    if len(raw) > _MOST_META:
        raise Unsound("_meta is too large")
    made: dict[str, Any] = msgspec.json.decode(raw)
    return made


def _own(name: str) -> bool:
    prefix = name.partition("/")[0]
    return _META.fullmatch(name) is not None and _RESERVED.isdisjoint(prefix.split("."))


def _key(text: Text) -> str:
    """Return the name of the member that a text stands under."""
    return next((step for step in reversed(text.path) if isinstance(step, str)), "")

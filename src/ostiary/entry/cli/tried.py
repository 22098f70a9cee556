"""What is found in one text, and what the guards of a configuration would do with it; nothing secret is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from ostiary.adapters.plugins import Unloadable
from ostiary.config.guards import GuardEntry
from ostiary.core.screening import Block, Fence, Hold, Note, Pass, Payload, Redact, Side, Text, Verdict
from ostiary.entry import plugins
from ostiary.entry.cli.labelled import everything
from ostiary.entry.cli.terminal import shown
from ostiary.entry.guarding import LOCAL, fenced, local
from ostiary.guards.found import Found
from ostiary.guards.masking import partly

_SENSITIVE: Final = ("secrets", "personal")
_HIDDEN: Final = "•"
_WIDE: Final = 60
_LEFT: Final = 400
_PLACE: Final = ("result", "content", 0)
"""Where a text stands that is no member of anything else."""


class Seen(Struct, frozen=True):
    """One find, and the words that may be shown of it."""

    use: str
    found: Found
    shown: str

    def plain(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        it = self.found
        return {
            "use": self.use, "rule": it.rule, "score": it.score, "start": it.start, "end": it.end, "view": it.view,
            "text": self.shown, "evidence": it.words,
        }  # fmt: skip


class Tried(Struct, frozen=True):
    """What one guard of a configuration said."""

    name: str
    verdict: str
    """`pass`, `note`, `block` or what is done, after `would-` where it is rehearsed; `-`: it does not read these."""
    finding: str = ""
    left: str = ""
    """What goes on, masked."""

    def plain(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {"guard": self.name, "verdict": self.verdict, "finding": self.finding, "goes_on": self.left}


def seen(text: str, key: str, surface: str, uses: Sequence[str]) -> list[Seen]:
    """Return what is found in a text, in the order of its places."""
    safe = _blackened(text, key, surface)
    found = [(use, each) for use in uses for each in everything(use, text, key, surface)]
    found.sort(key=lambda each: (each[1].start, each[1].end, each[1].rule))
    return [Seen(use, each, _shown(text, safe, use, each)) for use, each in found]


def _shown(text: str, safe: str, use: str, found: Found) -> str:
    if use in _SENSITIVE:
        # What a person needs to recognise it, when it is a person's; of a secret nothing.
        here = replace(found, start=0, end=found.end - found.start)
        return partly(text[found.start : found.end], (here,))
    return shown(safe[found.start : found.end], _WIDE)


def _blackened(text: str, key: str, surface: str) -> str:
    """Return a text in which all that is secret or personal is blackened, with every other word at its place."""
    letters = list(text)
    for each in (one for use in _SENSITIVE for one in everything(use, text, key, surface)):
        letters[each.start : each.end] = _HIDDEN * (each.end - each.start)
    return "".join(letters)


# What guards would do


class _Sketched:
    """Shows where a token would stand; the true ones are sealed with a key of the gateway's."""

    def token(self, _run: str, kind: str, _value: str) -> str:
        """Return what a token looks like."""
        return f"[{kind}~…]"

    def reveal(self, _run: str, text: str) -> str:
        """Turn nothing back."""
        return text


def looked(text: str, key: str, surface: str, guards: Sequence[GuardEntry], beside: Path) -> list[Tried]:
    """Return what each guard would say where it stands, each of what those before it left."""
    said: list[Tried] = []
    for each in guards:
        if surface not in each.in_:
            said.append(Tried(each.name, "-", f"it does not read what stands in a {surface}"))
            continue
        if each.use not in {*LOCAL, plugins.USE}:
            said.append(Tried(each.name, "-", f"{each.use} is asked by a running gateway only"))
            continue
        verdict = _verdict(
            each, beside, Payload(Side(surface), "", "", "", "", (Text((*_PLACE, key or "text"), text),))
        )
        before, text = text, text if each.shadow else _left(verdict, text)
        # What this guard leaves may be another's to find, or nobody's: nothing secret of it is shown all the same.
        safe = "" if text == before else _blackened(text, key, surface)
        said.append(_said(each, verdict, safe))
        if isinstance(verdict, Block) and not each.shadow:
            break
    return said


def _verdict(entry: GuardEntry, beside: Path, payload: Payload) -> Verdict:
    async def asked() -> Verdict:
        async with asyncio.timeout(entry.timeout):
            plugged = entry.use == plugins.USE
            guard = plugins.Plugins()(entry).guard if plugged else local(entry, _Sketched(), beside)
            return await (fenced(guard) if entry.then == "fence" else guard)(payload)

    try:
        return asyncio.run(asked())
    except TimeoutError:
        return Block(f"the guard could not look: it took longer than {entry.timeout:g} s")
    except Exception as error:
        if entry.use != plugins.USE:
            raise
        # A package may be anybody's code: as at a gateway, whatever it raises stops the call.
        return Block(f"the guard could not look: {error if isinstance(error, Unloadable) else type(error).__name__}")


def _left(verdict: Verdict, text: str) -> str:
    return next(iter(verdict.replace.values())) if isinstance(verdict, Redact | Fence) else text


def _said(entry: GuardEntry, verdict: Verdict, left: str) -> Tried:
    would = "would-" if entry.shadow else ""
    match verdict:
        case Pass():
            return Tried(entry.name, "pass")
        case Note(finding):
            return Tried(entry.name, "note", finding)
        case Redact(finding, _):
            return Tried(entry.name, f"{would}{entry.then}", finding, shown(left, _LEFT))
        case Fence(finding, _):
            return Tried(entry.name, f"{would}fence", finding, shown(left, _LEFT))
        case Hold(finding):
            return Tried(entry.name, f"{would}hold", finding)
        case Block(finding):
            return Tried(entry.name, f"{would}block", finding)
    assert_never(verdict)

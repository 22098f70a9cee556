"""One text as a person, a model and a program may read it, each reading with the way back to what was written. Pure.

A text is unfolded breadth first: what is hidden, disguised or encoded in it becomes a view of its own, and is unfolded
in turn. A text without anything of that kind is recognised in one pass, and has one view: itself.

Depth, number and size are bounded. Each step takes time in proportion to the text, so all of them do; where a bound
kept something from being read, the first view says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ostiary.guards import encoded, lookalike, markup, smuggled, unseen
from ostiary.guards.engine import together
from ostiary.guards.mapping import Layer, backwards
from ostiary.guards.pace import breathe

_Read = tuple[str, tuple[Layer, ...]]


class ViewBounds(Struct, frozen=True):
    """How far a text is unfolded."""

    depth: int = 5
    """Steps from what was written to a view of it."""
    count: int = 24
    """Views of one text."""
    size: int = 2 << 20
    """Characters of all views together, beyond the text as it was written."""
    thorough: bool = False
    """Rotated and reversed readings are made of every text, not only where one of them would say something telling."""


class View(Struct, frozen=True):
    """One reading of a text."""

    text: str
    path: tuple[str, ...] = ()
    """The steps that led here; none: the text as it was written."""
    layers: tuple[Layer, ...] = ()
    more: str = ""
    """In the first view: the bound (depth, count or size) that kept something from being read; empty: nothing did."""

    @property
    def name(self) -> str:
        """Return the path in one word."""
        return "/".join(self.path)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the smallest span of the written text whose replacement removes [start, end) from this view."""
        for layer in reversed(self.layers):
            start, end = layer.origin(start, end)
        return start, end


BOUNDS: Final = ViewBounds()
_GROUPS: Final[tuple[dict[str, str], ...]] = (
    {
        "smuggled": smuggled.GATE,
        "shown": markup.SHOWN,
        "concealed": markup.CONCEALED,
        **{name: encoded.GATES[name] for name in ("escape", "percent", "entity")},
    },
    {
        "control": unseen.GATE,
        "numbered": lookalike.NUMBERED,
        "rotated": lookalike.ROTATED,
        "backwards": lookalike.BACKWARDS,
        "hex": encoded.GATES["hex"],
        "quoted": encoded.GATES["quoted"],
    },
    {"spaced": lookalike.SPACED, **{name: encoded.GATES[name] for name in ("base64", "base32", "bits", "codes")}},
)
_MARKS: Final = r"<\%&*`~_!]"
"""Characters of which one is in every text of ASCII that a gate of the first group is for."""
_NAMES: Final = tuple(name for group in _GROUPS for name in group)
_GATES: Final = together(*(tuple(group.values()) for group in _GROUPS), marks=(_MARKS,))
_ENCODINGS: Final = frozenset(encoded.GATES)
_SIGNS: Final = frozenset({"escape", "percent", "entity"})
_THOROUGH: Final = frozenset({"rotated", "backwards"})
_READERS: Final[dict[str, Callable[[str], _Read]]] = {
    "shown": markup.shown,
    "concealed": markup.concealed,
    "spaced": lookalike.together,
    "numbered": lambda text: (lookalike.numbered(text), ()),
    "rotated": lambda text: (lookalike.rotated(text), ()),
    "backwards": lambda text: (text[::-1], (backwards(text),)),
}
# What is read of a view that is itself only a guess; everything of any other.
_NEXT: Final = {
    "latin": frozenset({"spaced", "numbered"}),
    "spaced": frozenset({"numbered"}) | _ENCODINGS,
    "numbered": frozenset[str](),
    "rotated": frozenset({"backwards"}) | _ENCODINGS,
    "backwards": frozenset({"rotated"}) | _ENCODINGS,
    "shown": frozenset(_NAMES) - {"shown", "concealed"},
}
_FEWEST: Final = 3
_SHARED: Final = 8_192


def views(text: str, bounds: ViewBounds = BOUNDS) -> tuple[View, ...]:
    """Return the text as it was written, and every other reading of it that the bounds allow."""
    return _recent(text, bounds) if len(text) <= _SHARED else _unfolded(text, bounds)


def _unfolded(text: str, bounds: ViewBounds) -> tuple[View, ...]:
    written = View(text)
    if text.isascii() and not bounds.thorough and not _GATES.within(text):
        return (written,)
    found, seen, more = [written], {text}, ""
    size = 0
    for view in found:
        for child in _readings(view, bounds):
            breathe()
            if child.text in seen or len(child.text) < _FEWEST:
                continue
            if past := _past(child, bounds, len(found), size + len(child.text)):
                more = past
                continue
            seen.add(child.text)
            found.append(child)
            size += len(child.text)
    return (replace(written, more=more), *found[1:])


# The guards of a call read the same texts one after the other; for no longer are their readings worth keeping.
_recent: Final = lru_cache(maxsize=8)(_unfolded)


def _past(child: View, bounds: ViewBounds, count: int, size: int) -> str:
    """Return the bound that a further view would break."""
    if len(child.path) > bounds.depth:
        return "depth"
    if count >= bounds.count:
        return "count"
    return "size" if size > bounds.size else ""


def _readings(view: View, bounds: ViewBounds) -> Iterator[View]:
    text = view.text
    kind = view.path[-1] if view.path else ""
    hits = _GATES.within(text)
    here = {name for at, name in enumerate(_NAMES) if hits >> at & 1}
    if bounds.thorough:
        here |= _THOROUGH
    here &= _NEXT.get(kind, here)
    if "smuggled" in here:
        yield _child(view, "smuggled", smuggled.spelled(text))
    if kind != "plain" and ("control" in here or not text.isascii()):
        plain = _child(view, "plain", unseen.plain(text))
        if plain.text != text:
            # Everything else is read of the plain text, which is the same but for what nobody sees.
            yield plain
            return
    if here & _ENCODINGS:
        new, layers, kinds = encoded.decoded(text, frozenset(here & _ENCODINGS))
        yield _child(view, "+".join(kinds), (new, layers))
        if here & _SIGNS and not here & _ENCODINGS <= _SIGNS:
            # A letter of base64 may be written as a sign of another kind: `%2B` in its middle would cut it in two.
            new, layers, kinds = encoded.decoded(text, frozenset(here & _SIGNS))
            yield _child(view, "+".join(kinds), (new, layers))
    if not text.isascii():
        yield _child(view, "latin", lookalike.latin(text))
    for name, read in _READERS.items():
        if name in here:
            yield _child(view, name, read(text))


def _child(view: View, step: str, read: _Read) -> View:
    text, layers = read
    return View(text, (*view.path, step), (*view.layers, *layers))

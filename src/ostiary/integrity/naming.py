"""What a schema names of a value, where several of its parts may describe the same one. Pure.

A keyword that forbids what is not named sees its own part of a schema only. Here a member counts as named if any part
names it that may apply where it is, whichever does in the end: what no part names is unknown for certain. A part that
says itself what else may come lets it come; so does a place where nothing is named at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from ostiary.core.errors import BadArguments
from ostiary.core.model import Json
from ostiary.integrity.bounds import REFERRING, mapping, objects, pointed
from ostiary.integrity.closing import old

Parts = tuple[Any, ...]
Way = tuple[str | int, ...]
"""The names and numbers that lead to what is inside of a value."""
Matches = Callable[[str], Callable[[str], bool]]
"""A pattern of a schema → whether a name fits it."""

_TOGETHER: Final = ("allOf", "anyOf", "oneOf")
_ALONE: Final = ("if", "then", "else")
_BY_NAME: Final = ("dependentSchemas", "dependencies")
_MORE: Final = ("additionalProperties", "unevaluatedProperties")
_REST: Final = ("additionalItems", "unevaluatedItems")
_ANCHORS: Final = ("$anchor", "$dynamicAnchor")
_LISTING: Final = ("properties", "patternProperties", "prefixItems", "items", *_TOGETHER, *_BY_NAME)
_UNKNOWN: Final[Json] = {"additionalProperties": True}
_KEPT: Final = 1024
"""Places whose parts are remembered: more than any honest schema has."""
_STEPS: Final = 1_000_000
"""What is looked at for one call, of the schema and of the value: a fifth of a second."""


class Place(Struct, frozen=True):
    """What the parts that may describe one value say of what is in it."""

    members: Mapping[str, Parts]
    patterns: tuple[tuple[Callable[[str], bool], Any], ...]
    more: Parts
    """What describes members that nobody named."""
    free: bool
    """Members that nobody named may come."""
    arrays: tuple[tuple[Parts, Parts], ...]
    """By part: what describes the first items one by one, and what describes all that follow."""
    first: int
    """How many items some part describes one by one."""
    items: Parts

    def named(self, name: str) -> Parts | None:
        """Return what describes a member; None where it is unknown."""
        found = self.members.get(name)
        matching = tuple(part for matches, part in self.patterns if matches(name))
        if found is not None or matching:
            return (*(found or ()), *matching)
        return self.more if self.free else None

    def item(self, place: int) -> Parts:
        """Return what describes an item of an array."""
        if place >= self.first:
            return self.items
        found: list[Any] = []
        for listed, rest in self.arrays:
            found += listed[place : place + 1] if place < len(listed) else rest
        return tuple(found)


class Naming:
    """The names in one schema."""

    def __init__(self, schema: Json, matches: Matches) -> None:
        self._root, self._matches, self._old = schema, matches, old(schema)
        self._patterns: dict[str, Callable[[str], bool]] = {}
        self._known: dict[tuple[int, ...], Place] = {}
        self._anchors: dict[str, Any] = {
            f"#{each[key]}": each for each in objects(schema) for key in _ANCHORS if isinstance(each.get(key), str)
        }

    def unknown(self, arguments: Json) -> Iterator[Way]:
        """Yield the way to each member that no part of the schema names, not to what is inside of it.

        `BadArguments` where there is too much to look at.
        """
        steps = [_STEPS]
        stack: list[tuple[Way, Any, Parts]] = [((), arguments, (self._root,))]
        while stack:
            way, value, parts = stack.pop()
            place = self._place(parts, steps)
            _spend(steps, len(value) * (1 + len(place.patterns)) + min(len(value), place.first) * len(place.arrays))
            if isinstance(value, list):
                inside = [(number, item, place.item(number)) for number, item in enumerate(value)]
            else:
                inside = []
                for name, item in value.items():
                    found = place.named(name)
                    if found is None:
                        yield (*way, name)
                    else:
                        inside.append((name, item, found))
            stack += [((*way, at), item, each) for at, item, each in inside if each and isinstance(item, dict | list)]

    def _place(self, parts: Parts, steps: list[int]) -> Place:
        key = tuple(map(id, parts))
        place = self._known.get(key)
        if place is None:
            applying = self._applying(parts, steps)
            place = _place(applying, self._fitting, root=any(part is self._root for part in parts))
            if len(self._known) < _KEPT:
                self._known[key] = place
        return place

    def _applying(self, parts: Parts, steps: list[int]) -> list[Any]:
        """Return every part that may describe the same value as these; what cannot be followed may name anything."""
        found: list[Any] = []
        seen: set[int] = set()
        stack = list(parts)
        while stack:
            part = stack.pop()
            if not isinstance(part, dict) or id(part) in seen:
                continue
            _spend(steps, _size(part))
            seen.add(id(part))
            referred = [self._pointed(part[key]) for key in REFERRING if key in part]
            if referred and self._old:
                # In old drafts a reference stands for all that is beside it.
                stack += referred
                continue
            found.append(part)
            stack += [*referred, *_beside(part)]
        return found

    def _pointed(self, reference: Any) -> Any:
        found = self._anchors.get(reference) if isinstance(reference, str) else None
        found = found if found is not None else pointed(self._root, reference)
        return found if isinstance(found, dict | bool) else _UNKNOWN

    def _fitting(self, pattern: str) -> Callable[[str], bool]:
        if pattern not in self._patterns:
            self._patterns[pattern] = self._matches(pattern)
        return self._patterns[pattern]


def _spend(steps: list[int], amount: int) -> None:
    steps[0] -= amount
    if steps[0] < 0:
        raise BadArguments("too many parts", hint="they are too many for a schema with so many parts; send fewer")


def _size(part: Json) -> int:
    """Return how much a part has to say of what is in a value."""
    return 1 + sum(len(part[key]) for key in _LISTING if isinstance(part.get(key), dict | list))


def _beside(part: Json) -> Iterator[Any]:
    """Yield what a part applies to the value that it describes itself."""
    for key in _TOGETHER:
        yield from part[key] if isinstance(part.get(key), list) else ()
    for key in _ALONE:
        yield part.get(key)
    for key in _BY_NAME:
        yield from mapping(part.get(key)).values()


def _place(applying: list[Any], matches: Matches, *, root: bool) -> Place:
    members: dict[str, list[Any]] = {}
    patterns: list[tuple[Callable[[str], bool], Any]] = []
    more: list[Any] = []
    named, free = root, False
    for part in applying:
        for name, each in mapping(part.get("properties")).items():
            members.setdefault(name, []).append(each)
        patterns += [(matches(text), each) for text, each in mapping(part.get("patternProperties")).items()]
        said = [part[key] for key in _MORE if key in part]
        named |= False in said
        free |= any(each is not False for each in said)
        more += said
    named |= bool(members) or bool(patterns)
    by_name = {name: tuple(parts) for name, parts in members.items()}
    arrays = tuple(_arrays(applying))
    first = max((len(listed) for listed, _ in arrays), default=0)
    items = tuple(each for _, rest in arrays for each in rest)
    return Place(by_name, tuple(patterns), tuple(more), free or not named, arrays, first, items)


def _arrays(applying: list[Any]) -> Iterator[tuple[Parts, Parts]]:
    for part in applying:
        items = part.get("items")
        listed = part.get("prefixItems", items)
        rest = [each for each in (items, *(part.get(key) for key in _REST)) if isinstance(each, dict)]
        if isinstance(listed, list) or rest:
            yield tuple(listed) if isinstance(listed, list) else (), tuple(rest)


def without(arguments: Json, unknown: list[Way]) -> Json:
    """Return arguments without these members; what was given stays as it is."""
    made = dict(arguments)
    fresh = {id(made)}
    for way in unknown:
        node: Any = made
        for step in way[:-1]:
            if id(node[step]) not in fresh:
                node[step] = node[step].copy()
                fresh.add(id(node[step]))
            node = node[step]
        del node[way[-1]]
    return made

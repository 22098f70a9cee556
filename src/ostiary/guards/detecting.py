"""What each built-in guard looks for: a text in, what was found in it out, hidden and encoded words too. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from ostiary.guards import classifier, exact, naming, personal, secrets, signs
from ostiary.guards.classifier import Model
from ostiary.guards.exact import Hashed
from ostiary.guards.found import Found
from ostiary.guards.masking import slug
from ostiary.guards.shipped import shipped
from ostiary.guards.sign import CATALOGUE
from ostiary.guards.views import BOUNDS, View, ViewBounds, views

Detect = Callable[[str, str, str], tuple[Found, ...]]
"""A text, the name that it is kept under, and the surface that it stands on → what was found."""
_Search = Callable[[str, str], tuple[Found, ...]]
_GUESSED: Final = frozenset({"rotated", "backwards", "spaced", "numbered", "latin"})
"""Readings in which digits and letters are others than were written: numbers found there are nobody's."""
_THOROUGH: Final = ViewBounds(thorough=True)


def _read(search: _Search) -> Detect:
    """Return what looks for something in every reading of a text that shows what was written."""

    def detect(text: str, key: str, _surface: str) -> tuple[Found, ...]:
        found: dict[tuple[str, int, int], Found] = {}
        for view in views(text):
            if _GUESSED.isdisjoint(view.path):
                for each in _placed(view, search(view.text, key)):
                    found.setdefault((each.rule, each.start, each.end), each)
        return tuple(sorted(found.values(), key=lambda each: (each.start, each.end, each.rule)))

    return detect


def _placed(view: View, found: tuple[Found, ...]) -> Iterator[Found]:
    """Yield what was found in a view with its place in what was written."""
    if not view.path:
        yield from found
        return
    for each in found:
        start, end = view.original(each.start, each.end)
        yield replace(each, start=start, end=end, view=view.name)


def injection(model: Callable[[], Model]) -> Detect:
    """Return what looks for injections: signs, and what a model says of the words around them and elsewhere."""

    def detect(text: str, _key: str, surface: str) -> tuple[Found, ...]:
        # Definitions are read once for each version, so that every reading of them is worth its time.
        every = views(text, _THOROUGH if surface == CATALOGUE else BOUNDS)
        return classifier.judged(every, signs.signs(every, surface), surface, model())

    return detect


def listed(words: Iterable[str], values: Hashed | None) -> Detect:
    """Return what looks for a customer's own words, and for the values of a set."""
    dictionary = exact.words("word", words)

    def search(text: str, _key: str) -> tuple[Found, ...]:
        return (*exact.search_words(dictionary, text), *(exact.search_hashed(values, text) if values else ()))

    return _read(search)


DETECTORS: Final[Mapping[str, Detect]] = {
    "secrets": _read(secrets.search),
    "personal": _read(personal.search),
    "injection": injection(shipped),
}
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "secrets": tuple(sorted(f"{secrets.KIND}.{each}" for each in secrets.SLUGS)),
    "personal": tuple(sorted(f"{personal.KIND}.{each}" for each in (*personal.SLUGS, *naming.SLUGS))),
    "injection": tuple(sorted((classifier.RULE, *(sign.id for sign in signs.EVERY_SIGN)))),
    "exact": (f"{exact.KIND}.value", f"{exact.KIND}.word"),
}
"""The rules of each of them, as the ledger names them."""
SLUGS: Final = frozenset(slug(rule) for rules in KINDS.values() for rule in rules)
"""What masks can name."""

"""What happens to what was found: cut out, shown in part, or replaced by a token. Pure.

Overlapping finds become one span, so that nothing of a secret stays between two masks; the result is the same in
whatever order they were found.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ostiary.guards.found import Found
from ostiary.guards.mapping import Draft, Layer
from ostiary.guards.pace import breathe

_TAILS: Final[Mapping[str, int]] = {
    # How many of the last characters people need to tell one from another; of all others nothing.
    "card": 4, "iban": 4, "phone": 3, "us-ssn": 4, "ca-sin": 3, "bank-account": 3,
    "bitcoin-wallet": 4, "ethereum-wallet": 4,
}  # fmt: skip
_SEVERITY: Final[Mapping[str, int]] = {"secret": 3, "exact": 2, "personal": 1}
_MASKED: Final = re.compile(
    r"\[redacted:(?P<cut>[a-z0-9-]{1,32})\]|\[(?P<part>[a-z0-9-]{1,32}):…[A-Za-z0-9]{1,4}\]"
    r"|\[[a-z0-9-]{1,40}~[A-Za-z0-9_-]{22,6000}\]"
)
_TOKEN: Final = re.compile(r"\[(?P<kind>[a-z0-9-]{1,40})~[A-Za-z0-9_-]{22,6000}\]")
_SHOWN_MOST: Final = 3


class Span(Struct, frozen=True):
    """One place to mask, and the find that named it."""

    start: int
    end: int
    kind: str
    slug: str


def spans(found: Iterable[Found]) -> tuple[Span, ...]:
    """Return the places to mask, in order and apart: what overlaps is one, named by its most severe, longest find."""
    groups: list[list[Found]] = []
    reach = -1
    for each in sorted(found, key=lambda one: (one.start, one.end)):
        if each.start >= reach:
            groups.append([])
        groups[-1].append(each)
        reach = max(reach, each.end)
    return tuple(_one(group) for group in groups if group[0].start < max(each.end for each in group))


def _one(group: Sequence[Found]) -> Span:
    named = max(group, key=lambda each: (_SEVERITY.get(each.kind, 0), each.end - each.start, each.score, each.rule))
    return Span(min(each.start for each in group), max(each.end for each in group), named.kind, slug(named.rule))


def slug(rule: str) -> str:
    """Return the last part of a rule's id, as masks show it."""
    return re.sub(r"[^a-z0-9\-]", "-", rule.rpartition(".")[2].lower())[:32] or "masked"


def redacted(text: str, found: Iterable[Found]) -> str:
    """Return the text with each find replaced by `[redacted:…]`."""
    return _replaced(text, spans(found), lambda span: f"[redacted:{span.slug}]")


def partly(text: str, found: Iterable[Found]) -> str:
    """Return the text with each find cut to what people need to recognise it, such as a card's last four digits."""
    return _replaced(text, spans(found), lambda span: _partial(span, text[span.start : span.end]))


def replaced(text: str, found: Iterable[Found], token: Callable[[str, str], str]) -> str:
    """Return the text with each find replaced by what `token` makes of its kind and its value."""
    return _replaced(text, spans(found), lambda span: token(span.slug, text[span.start : span.end]))


def fresh(text: str, found: Iterable[Found], ours: Callable[[str], bool]) -> tuple[Found, ...]:
    """Return of the finds what lies outside masks of ours: what was masked once is not masked again.

    `ours` says of what looks like a mask whether it is one. Anybody can put brackets around a secret.
    """
    masked = [each.span() for each in _MASKED.finditer(text) if ours(each[0])]
    starts = [start for start, _ in masked]

    def parts(each: Found) -> Iterator[Found]:
        breathe()
        first = max(0, bisect_right(starts, each.start) - 1)
        done = each.start
        for start, end in masked[first : bisect_left(starts, each.end)]:
            if done < start:
                yield replace(each, start=done, end=start)
            done = max(done, end)
        if done == each.start:
            yield each
        elif done < each.end:
            yield replace(each, start=done, end=each.end)

    cut = (part for each in found for part in parts(each) if part is each or _says(text[part.start : part.end]))
    return tuple(cut)


def _says(text: str) -> bool:
    return any(map(str.isalnum, text))


def veiled(text: str, ours: Callable[[str], bool]) -> tuple[str, Layer | None]:
    """Return a text in which nothing stands inside the tokens of ours, and the way back; what is in them is noise."""
    if "~" not in text:
        return text, None
    draft = Draft(text)
    for each in _TOKEN.finditer(text):
        breathe()
        if ours(each[0]):
            draft.put(f"{each['kind']}~]", each.start() + 1, each.end())
    return draft.done() if draft.changed else (text, None)


def masks(text: str, slugs: Container[str]) -> bool:
    """Say whether a text is a mask without anything in it: only names of kinds, and a tail as short as we show."""
    found = _MASKED.fullmatch(text)
    return found is not None and (found["cut"] or found["part"] or "") in slugs


def _partial(span: Span, value: str) -> str:
    tail = min(_TAILS.get(span.slug, 0), len(value) // _SHOWN_MOST)
    plain = "".join(filter(str.isalnum, value))
    return f"[{span.slug}:…{plain[-tail:]}]" if tail and span.kind == "personal" else f"[redacted:{span.slug}]"


def _replaced(text: str, places: Sequence[Span], mask: Callable[[Span], str]) -> str:
    parts: list[str] = []
    last = 0
    for span in places:
        breathe()
        parts += (text[last : span.start], mask(span))
        last = span.end
    return "".join((*parts, text[last:]))

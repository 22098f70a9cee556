"""What counts of a window of words beside the words: kinds that stand together, quotations, surroundings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import accumulate
from operator import or_
from typing import Final

from msgspec import Struct

from ostiary.guards.vocabulary import BIT, DEEDS, FUNCTION, together
from ostiary.guards.wording import ANY, LONGEST, WIDE, Known, Window, Words

_NEAR: Final = 100
_BEFORE_ORDERS: Final = frozenset((".", "!", "?", ":", '"', "`", ">", ",", "(", "then", "and", "or", "must", "should"))
_KINDS_BEFORE: Final = frozenset(("please", "not", "also", "now", "before", "after", "always", "hush"))
_BEGIN_ORDERS: Final = _BEFORE_ORDERS | _KINDS_BEFORE
_QUOTES, _STRUCTURE = frozenset('"`'), frozenset("{,")
_CLOSE, _LONG_QUOTE = 12, 150
_FEW: Final = 2
_REST, _MANY = 10, 600
_SPOKEN: Final = BIT["you"] | BIT["please"] | BIT["must"] | BIT["not"] | BIT["always"]
_RARE: Final = 3
"""Of how many words one is known, at least, in what may have been read in a wrong way."""
_MARKS: Final = frozenset('.:!?"`<>({#0,')


class Around(Struct, frozen=True):
    """What counts of a window beside its words."""

    kinds: Sequence[int]
    """The kinds of each word."""
    orders: Sequence[int]
    """The deeds among them that stand where orders begin."""
    attacks: Sequence[int]
    """How many words about attacks stand before each place."""
    quoted: Sequence[int]
    """How many of them stand in quotations."""
    readers: Sequence[int]
    """How many of them mean models."""
    samples: Sequence[int]
    """How many of them announce an example."""
    ordered: Sequence[int]
    """How many of them are deeds where orders begin."""
    spoken: Sequence[int]
    """How many of them speak to somebody."""
    english: Sequence[int]
    """How many of them are small words of English."""
    known: Sequence[int]
    """How many of them are of a kind."""


def legible(some: Sequence[Known]) -> Sequence[int]:
    """Return how many words before each place are known: hardly one is in what was read in a wrong way."""
    return _summed([each.read != ANY and each.read not in _MARKS for each in some])


def understood(window: Window, so_far: Sequence[int]) -> bool:
    """Say whether a window is in a language, given how many words are known before each place."""
    return (so_far[window.last] - so_far[window.first]) * _RARE >= window.last - window.first


def around(words: Words, some: Sequence[Known]) -> Around:
    """Return what counts of the windows of a text."""
    kinds = [each.bits for each in some]
    orders, begins = [], True
    for each in some:
        orders.append(each.bits & DEEDS if begins and not each.read.endswith("~") else 0)
        begins = each.read in _BEGIN_ORDERS
    every, nothing = reduce(or_, kinds, 0), [0] * (len(kinds) + 1)

    def counted(these: int) -> Sequence[int]:
        return _summed([each & these for each in kinds]) if every & these else nothing

    quoted = nothing if _QUOTES.isdisjoint(words.tokens) else _summed(_inside(words.tokens))
    attacks, readers, samples, spoken = map(counted, (BIT["attack"], BIT["ai"] | BIT["agent"], BIT["sample"], _SPOKEN))
    english = _summed([each in FUNCTION for each in words.tokens])
    return Around(kinds, orders, attacks, quoted, readers, samples, _summed(orders), spoken, english, _summed(kinds))


TRAITS: Final = (
    "length", "short", "attacks", "attacks.near", "attacks.some", "attacks.many", "attacks.elsewhere",
    "attacks.all-over", "quoted", "quoted.attacks", "quoted.lecture", "sample.before", "sample.attacks", "readers.near",
    "orders", "orders.alone", "orders.apart", "spoken.alone", "spoken.apart", "english.apart", "whole", "first", "last",
    "many", "english", "known",
)  # fmt: skip
"""What else counts of a window than its words: its length, whether it is quoted, by whom, and for what, and how it
differs from what stands around it: in its orders, in whom it speaks to, in its language."""


def traits(window: Window, near: Around) -> Sequence[float]:
    """Return how much of each of `TRAITS` a window has."""
    first, last = window.first, window.last
    size, count = last - first, len(near.kinds)
    left = first - _NEAR if first > _NEAR else 0
    right = min(count, last + _NEAR)
    own = attacks = every = 0
    if near.attacks[-1]:
        own = near.attacks[last] - near.attacks[first]
        attacks = near.attacks[right] - near.attacks[left]
        every = near.attacks[-1] - own
    quoted = (near.quoted[last] - near.quoted[first]) / size
    sampled = near.samples[first] - near.samples[first - _CLOSE if first > _CLOSE else 0] > 0
    return (
        size / WIDE, size < LONGEST, min(own, 5) / 5, min(attacks, 10) / 10, attacks > 0, attacks > _FEW, every > 0,
        every > _FEW, quoted, quoted * (attacks > 0), quoted * (every > _FEW), sampled, sampled and attacks > 0,
        min(near.readers[right] - near.readers[left], 4) / 4, *_apart(window, near),
    )  # fmt: skip


def _apart(window: Window, near: Around) -> Sequence[float]:
    """Return how a window differs from the rest of its text."""
    first, last = window.first, window.last
    size, count = last - first, len(near.kinds)
    rest = count - size
    orders = near.ordered[last] - near.ordered[first]
    english = (near.english[last] - near.english[first]) / size
    known = (near.known[last] - near.known[first]) / size
    ends = (rest <= _REST, first == 0, last == count, min(count, _MANY) / _MANY, 2 * english, 2 * known)
    if rest <= _REST:
        return (min(orders, 4) / 4, 0.0, 0.0, 0.0, 0.0, 0.0, *ends)
    others = near.ordered[-1] - orders
    spoken = near.spoken[last] - near.spoken[first]
    silent = near.spoken[-1] - spoken
    return (
        min(orders, 4) / 4, orders > others, 5 * (orders / size - others / rest), spoken > silent,
        2 * (spoken / size - silent / rest), abs(english - (near.english[-1] - english * size) / rest), *ends,
    )  # fmt: skip


def mixed(window: Window, near: Around) -> tuple[int, int, bool]:
    """Return the kinds of words in a window, the deeds among them that are orders, and whether it is a short one."""
    first, last = window.first, window.last
    return reduce(or_, near.kinds[first:last], 0), reduce(or_, near.orders[first:last], 0), last - first <= 2 * LONGEST


def named(kinds: int, orders: int, short: bool) -> Sequence[str]:
    """Return the names of kinds and orders, and in short windows of each two kinds."""
    names = together(kinds)
    pairs = [f"{one}+{other}" for at, one in enumerate(names) for other in names[at + 1 :]] if short else []
    return (*names, *(f"order:{name}" for name in together(orders)), *pairs)


def _inside(tokens: Sequence[str]) -> Iterator[bool]:
    """Yield of each word whether it stands in a quotation; strings of JSON are none, and none goes on for ever."""
    opened = -1
    structural = False
    for at, token in enumerate(tokens):
        if token in _QUOTES:
            if opened >= 0:
                opened = -1
                structural = False
            else:
                opened, structural = at, _structural(tokens, at)
        elif at - opened > _LONG_QUOTE:
            opened = -1
        yield opened >= 0 and not structural


def _structural(tokens: Sequence[str], at: int) -> bool:
    before = tokens[at - 1] if at else "."
    return before in _STRUCTURE or (before == ":" and at > 1 and tokens[at - 2] in _QUOTES)


def _summed(some: Iterable[int]) -> Sequence[int]:
    """Return how many of some stand before each place."""
    return list(accumulate(map(bool, some), initial=0))

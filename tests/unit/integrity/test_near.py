"""Comparing a name with all others at once finds what comparing it with each of them finds, at a cost that stays."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.integrity import names
from ostiary.integrity.confusables import skeletons
from ostiary.integrity.names import Names, Others, bits, slips
from ostiary.integrity.near import Near, numbers

WORDS = [
    "create",
    "update",
    "customer",
    "invoice",
    "report",
    "account",
    "ledger",
    "payment",
    "workflow",
    "schema",
    "cluster",
    "region",
    "billing",
    "contact",
    "campaign",
    "ticket",
    "project",
    "repository",
    "branch",
    "commit",
    "secret",
    "volume",
    "network",
    "instance",
    "gateway",
    "policy",
    "device",
    "sensor",
    "asset",
]
SHORT = st.text("ab_1", min_size=3, max_size=13)
MADE = st.lists(st.sampled_from(["get", "set", "repo", "repos", "item", "items", "x1", "x2", "createItem", "kiste"]),
                min_size=1, max_size=4).map("_".join)  # fmt: skip
NAMES = st.one_of(SHORT, MADE, st.text("aAàяñ字rnm1l", min_size=4, max_size=12))


@st.composite
def crowds(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Draw a name and others, some of which are a few slips away from it."""
    name = draw(NAMES)
    others = draw(st.lists(NAMES, max_size=8))
    for _ in range(draw(st.integers(0, 4))):
        others.append(slipped(draw(st.randoms(use_true_random=False)), name, draw(st.integers(1, 3))))
    return name, [each for each in others if each]


def slipped(random: Random, name: str, count: int) -> str:
    for _ in range(count):
        at = random.randrange(len(name) + 1)
        two = name[at : at + 2]
        name = random.choice(
            [name[:at] + "k" + name[at:], name[:at] + name[at + 1 :], name[:at] + "k" + name[at + 1 :],
             name[:at] + two[::-1] + name[at + 2 :]]
        )  # fmt: skip
    return name


def one_by_one(name: str, others: list[str]) -> set[str]:
    """Return the rules by which a name would be taken for others, compared with each of them."""
    if name in others:
        return set()
    if any(skeletons(name) & skeletons(other) for other in others):
        return {"look-alike-name"}
    plain = name.casefold()
    most = 2 if len(plain) >= 10 else 1
    for other in others:
        long = min(len(plain), len(other.casefold())) >= 5
        meant = names._meant(names._words(name), names._words(other))
        if long and not meant and slips(plain, other.casefold(), most) <= most:
            return {"near-name"}
    return set()


@settings(max_examples=1_000, deadline=None)
@given(crowds())
def test_a_name_is_taken_for_what_comparing_it_with_each_says(crowd: tuple[str, list[str]]) -> None:
    name, others = crowd
    told = Others(("other", each) for each in others)
    assert {each.rule for each in told.findings(name)} == one_by_one(name, others)


@settings(max_examples=500, deadline=None)
@given(st.text("abc", max_size=9), st.lists(st.text("abc", max_size=9), max_size=30), st.integers(1, 2))
def test_no_name_within_reach_is_left_out(text: str, others: list[str], most: int) -> None:
    near = Near()
    for each in others:
        near.add(each)
    found = {others[number] for number in numbers(near.within(text, most, (1 << len(others)) - 1))}
    assert found >= {each for each in others if slips(text, each, most) <= most}


def test_letters_swapped_at_both_borders_of_the_thirds_are_two_slips() -> None:
    """Ours: names compared by what they share in one third would not meet here."""
    assert [each.rule for each in Others([("a", "abcdefghijkl")]).findings("abcedfgihjkl")] == ["near-name"]


def test_only_those_that_are_asked_for_are_compared() -> None:
    known = Names()
    first, second = bits([known.number("a", "send_email")]), bits([known.number("b", "fetch_page")])
    assert list(Others(first, known=known).findings("send_emial"))
    assert not list(Others(second, known=known).findings("send_emial"))
    assert list(Others(first | second, known=known).findings("fetch_pgae"))
    assert len(known.entries) == 2


def test_many_of_one_shape_are_one_bucket() -> None:
    spellings = [f"{'Ab'[at % 2]}{'_' * (at % 7)}cdef{'_' * (at // 7)}" for at in range(40)]
    told = Others(("a", each) for each in spellings)
    assert [each.rule for each in told.findings("a-cdef")] == ["look-alike-name"]


# How it grows


def combined(count: int) -> list[str]:
    random, found = Random(5), set[str]()
    while len(found) < count:
        found.add("_".join(random.sample(WORDS, 4)))
    return sorted(found)


def numbered(count: int) -> list[str]:
    return [f"sensor_{number:06d}" for number in range(count)]


def drawn(count: int) -> list[str]:
    random = Random(7)
    return [f"workflow_of_customer_{random.getrandbits(40):010x}" for _ in range(count)]


def plural(count: int) -> list[str]:
    return [f"list_{word}{'s' * (at % 2)}_of_{number}" for number in range(count) for at, word in enumerate(WORDS)][
        :count
    ]


@pytest.mark.parametrize("family", [combined, numbered, drawn, plural])
def test_what_one_comparison_costs_does_not_grow_with_the_names(
    family: Callable[[int], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours: 8 times the names, 8 times the work for all of them, whatever they are like."""
    costs = [cost(family, count, monkeypatch) for count in (500, 4_000)]
    assert costs[1][0] <= costs[0][0] * 1.5, "integers combined for each name"
    assert costs[1][1] <= costs[0][1] + 8, "names looked at one by one for each name"


def cost(family: Callable[[int], list[str]], count: int, monkeypatch: pytest.MonkeyPatch) -> tuple[float, float]:
    """Return what it costs to compare each of many names with as many others: integers, and names one by one."""
    every, known, counted = family(2 * count), Names(), [0]

    def counting(one: str, other: str, most: int) -> int:
        counted[0] += 1
        return slips(one, other, most)

    monkeypatch.setattr(names, "slips", counting)
    others = Others((("a", each) for each in every[::2]), known=known)
    for each in every[1::2]:
        list(others.findings(each))
    return known.near.combined / count, counted[0] / count

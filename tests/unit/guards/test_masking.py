"""Masks leave nothing of what was found, and nobody can pass a secret off as a mask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.guards import masking, personal, secrets
from ostiary.guards.detecting import SLUGS
from ostiary.guards.found import Found
from tests.unit.guards.sensitive_documents import HELD_BACK, KNOWN, Document, sensitive

DOCUMENTS = [*sensitive(5, KNOWN | HELD_BACK, 1)]
TEXT = "Call +49 30 901820 or mail bob@corp.com; card 4111 1111 1111 1111"


def found(text: str) -> list[Found]:
    return [*secrets.search(text), *personal.search(text)]


def find(start: int, end: int, kind: str = "personal", rule: str = "personal.card", score: float = 0.9) -> Found:
    return Found(start, end, kind, rule, score)


def test_a_mask_says_what_was_there() -> None:
    assert masking.redacted(TEXT, found(TEXT)) == "Call [redacted:phone] or mail [redacted:email]; card [redacted:card]"


def test_a_part_is_shown_where_people_need_it() -> None:
    assert masking.partly(TEXT, found(TEXT)) == "Call [phone:…820] or mail [redacted:email]; card [card:…1111]"
    assert masking.partly("12345", [find(0, 5)]) == "[card:…5]"
    assert masking.partly("abcdefgh", [find(0, 8, "secret", "secret.card")]) == "[redacted:card]"


def test_a_caller_may_make_the_replacement_itself() -> None:
    assert (
        masking.replaced("a 12345 b", [find(2, 7)], lambda slug, value: f"<{slug} of {len(value)}>")
        == "a <card of 5> b"
    )


def test_what_overlaps_is_one_place_named_by_the_most_severe() -> None:
    places = masking.spans([find(0, 5), find(3, 9, "secret", "secret.jwt"), find(4, 20), find(20, 22), find(30, 30)])
    assert [(each.start, each.end, each.slug) for each in places] == [(0, 20, "jwt"), (20, 22, "card")]
    assert masking.slug("x") == "x"
    assert masking.slug("") == "masked"
    assert masking.slug("exact.My List!") == "my-list-"


spans_of = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 12), st.sampled_from(["secret", "personal", "exact"])), max_size=8
)


def finds(drawn: list[tuple[int, int, str]]) -> list[Found]:
    return [find(start, start + size, kind, f"{kind}.k{start % 3}") for start, size, kind in drawn]


@given(drawn=spans_of, seed=st.integers())
def test_the_order_of_finds_does_not_matter(drawn: list[tuple[int, int, str]], seed: int) -> None:
    text = "".join(chr(0x4E00 + place) for place in range(60))
    first, second = finds(drawn), finds(drawn)
    Random(seed).shuffle(second)
    for mask in (masking.redacted, masking.partly):
        assert mask(text, first) == mask(text, second)


@given(drawn=spans_of)
def test_nothing_that_was_found_is_left_and_all_else_is(drawn: list[tuple[int, int, str]]) -> None:
    text = "".join(chr(0x4E00 + place) for place in range(60))
    hidden = {place for start, size, _ in drawn for place in range(start, start + size)}
    for left in (masking.redacted(text, finds(drawn)), masking.partly(text, finds(drawn))):
        assert {ord(each) - 0x4E00 for each in left if ord(each) >= 0x4E00} == set(range(60)) - hidden


def masked(text: str, mask: Callable[[str, Sequence[Found]], str]) -> str:
    for _ in range(5):
        some = masking.fresh(text, found(text), ours)
        if not some:
            return text
        text = mask(text, some)
    return text


def token(text: str, some: Sequence[Found]) -> str:
    return masking.replaced(text, some, lambda slug, value: f"[{slug}~{value.encode().hex():x<22}]")


def ours(mask: str) -> bool:
    return "~" in mask or masking.masks(mask, SLUGS)


@settings(max_examples=300, deadline=None)
@given(
    documents=st.lists(st.sampled_from(DOCUMENTS), min_size=1, max_size=4), join=st.sampled_from(["\n", " ", "\n\n"])
)
def test_a_second_pass_finds_nothing_new(documents: list[Document], join: str) -> None:
    text = join.join(each.text for each in documents)
    for mask in (masking.redacted, masking.partly, token):
        left = masked(text, mask)
        assert masking.fresh(left, found(left), ours) == ()


def test_of_what_touches_a_mask_only_the_rest_is_fresh() -> None:
    """A password that stands against a mask is one all the same: `Tr0ub4dor([redacted:phone])`."""
    text = "ab [redacted:card] cd [card~AAAAAAAAAAAAAAAAAAAAAA] ef"
    some = [find(0, 2), find(0, 5), find(17, 21), find(10, 12), find(19, 21), find(30, 35), find(51, 53)]
    assert masking.fresh(text, some, ours) == (find(0, 2), find(0, 3), find(18, 21), find(19, 21), find(51, 53))
    assert masking.fresh(text, [find(0, 53)], ours) == (find(0, 3), find(18, 22), find(51, 53))
    assert masking.fresh(text, [find(3, 19), find(4, 4), find(0, 0)], ours) == (find(0, 0),), (
        "nothing but a blank is left"
    )


def test_a_token_of_ours_is_read_as_its_kind_alone() -> None:
    """What is sealed in it is noise, in which base64 may seem to say something."""
    text = "to [email~AAAAAAAAAAAAAAAAAAAAAA], [card~BBBBBBBBBBBBBBBBBBBBBB] ok"
    plain, back = masking.veiled(text, lambda token: "A" in token)
    assert plain == "to [email~], [card~BBBBBBBBBBBBBBBBBBBBBB] ok"
    assert back is not None
    assert back.origin(4, 9) == (4, 33)
    assert back.origin(0, 2) == (0, 2)
    assert back.origin(len(plain) - 2, len(plain)) == (len(text) - 2, len(text))
    assert masking.veiled(text, lambda _: False) == (text, None)
    assert masking.veiled("nothing of that kind", ours) == ("nothing of that kind", None)


def test_a_secret_in_brackets_is_no_mask() -> None:
    secret = "0123456789abcdef0123456789abcdef"
    for text in (
        f"[redacted:{secret}]",
        f"[{secret}:…abcd]",
        f"[card:…{secret}]",
        f"[key~{secret}]",
        f"[card:{secret}]",
    ):
        assert not masking.masks(text, SLUGS), text
        assert masking.fresh(text, [find(0, len(text))], lambda mask: masking.masks(mask, SLUGS))
    for text in ("[redacted:card]", "[card:…1111]"):
        assert masking.masks(text, SLUGS), text

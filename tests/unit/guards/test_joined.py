"""Issue 6: matches map back exactly, also across adjacent content blocks and the escapes of JSON inside them."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ostiary.guards.joined import Span, glues, joined, redacted, seams
from ostiary.guards.views import views

LEAVES = st.lists(st.text("ab\n", max_size=12), max_size=6)


@given(LEAVES, st.sampled_from(["", "\n", " - "]), st.integers(0, 60), st.integers(0, 60))
def test_a_span_of_the_whole_is_made_of_spans_of_its_strings(leaves: list[str], glue: str, one: int, two: int) -> None:
    whole = joined(leaves, glue)
    assert whole.text == glue.join(leaves)
    start, end = sorted((min(one, len(whole.text)), min(two, len(whole.text))))
    taken = "".join(leaves[each.leaf][each.start : each.end] for each in whole.spans(start, end))
    assert len(taken) <= end - start
    if not glue:
        assert taken == whole.text[start:end]


@given(LEAVES, st.integers(1, 5))
def test_seams_hold_every_joint_and_little_more(leaves: list[str], reach: int) -> None:
    found = seams(leaves, reach)
    assert len(found.text) <= len(leaves) * (2 * reach + 1)
    for first, second in pairwise(leaves):
        assert first[-reach:] + second[:reach] in found.text


def test_what_is_split_over_blocks_is_cut_out_of_each() -> None:
    leaves = ("The key is sk-live-", "0123456789", "abcdef, keep it.")
    whole = joined(leaves)
    at = whole.text.index("sk-live-0123456789abcdef")
    cuts = whole.spans(at, at + 24)
    assert cuts == (Span(0, 11, 19), Span(1, 0, 10), Span(2, 0, 6))
    assert redacted(leaves, cuts, "[x]") == ("The key is [x]", "[x]", "[x], keep it.")


def test_joints_between_strings_belong_to_none() -> None:
    whole = joined(("ab", "cd"), "\n")
    assert whole.spans(1, 4) == (Span(0, 1, 2), Span(1, 0, 1))
    assert whole.spans(2, 3) == ()
    assert joined(()).spans(0, 0) == ()


def test_the_middle_of_a_long_string_is_not_read_again() -> None:
    found = seams(("a" * 50 + "se", "cret" + "b" * 50), 4)
    at = found.text.index("secret")
    assert found.spans(at, at + 6) == (Span(0, 50, 52), Span(1, 0, 4))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted), max_size=5), st.randoms())
def test_the_order_of_cuts_is_nothing(cuts: list[list[int]], order: object) -> None:
    leaf = "abcdefghij"
    spans = [Span(0, start, end) for start, end in cuts if start < end]
    (once,) = redacted((leaf,), spans, "")
    assert redacted((leaf,), list(reversed(spans)), "") == (once,)
    assert not {leaf[at] for each in spans for at in range(each.start, each.end)} & set(once)
    assert set(once) == set(leaf) - {leaf[at] for each in spans for at in range(each.start, each.end)}


def test_what_is_escaped_in_json_inside_a_text_is_cut_out_of_it() -> None:
    inner = json.dumps({"note": 'call "Anna\té" now', "rest": [1, 2]})
    text = json.dumps({"result": inner})
    view = next(each for each in views(text) if 'call "Anna\té" now' in each.text)
    at = view.text.index('"Anna\té"')
    start, end = view.original(at, at + len('"Anna\té"'))
    told = json.loads(json.loads(text[:start] + "-" + text[end:])["result"])
    assert told == {"note": "call - now", "rest": [1, 2]}


def test_words_that_meet_without_a_blank_are_joined_in_every_way_that_makes_one_of_two_or_three() -> None:
    assert glues(["see this", "AKIA", "QYLP", "and more"]) == (
        ("", "", ""), ("\n", "\n", "\n"), ("\n", "", "\n"), ("", "\n", ""), ("\n", "", ""), ("", "", "\n"),
    )  # fmt: skip


def test_where_no_letter_meets_a_letter_two_ways_to_join_are_enough() -> None:
    assert glues(["One.", "Two", " three\n", "four"]) == (("", "", ""), ("\n", "\n", "\n"))
    assert glues(["one", "two", "", "three"]) == (("", "", ""), ("\n", "\n", "\n"))
    assert glues(["one"]) == ((),)


def test_each_joint_may_have_a_glue_of_its_own() -> None:
    assert seams(["ab", "cd", "ef"], 8, ("\n", "")).text == "ab\ncdef"

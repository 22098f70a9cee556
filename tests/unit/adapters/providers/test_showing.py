"""What a provider is shown: no text without words, no skipped member, and no masked name in any path."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ostiary.adapters.providers.formats import Said
from ostiary.adapters.providers.saying import Deed, Then, told, verdict
from ostiary.adapters.providers.showing import shown, without
from ostiary.core.screening import Block, Fence, Hold, Note, Pass, Payload, Redact, Side, Text
from ostiary.protocol.leaves import words


def payload(value: Any) -> Payload:
    texts = tuple(each for each in words(value) if isinstance(each, Text))
    return Payload(Side.ANSWER, "crm", "crm.find", "tools/call", "run", texts)


def masked(of: Payload, secret: str, mask: str) -> Payload:
    return replace(of, texts=tuple(replace(each, value=each.value.replace(secret, mask)) for each in of.texts))


def test_a_name_that_was_masked_is_in_no_path() -> None:
    whole = payload({"a secret": {"b": ["text"]}, "[x]": "other", "a secret secret": "more"})
    there = shown(whole, masked(masked(whole, "a secret secret", "[x]"), "a secret", "[x]"), "run")
    assert [(each.path, each.value) for each in there.asked.texts] == [
        (("[x]_", -1), "[x]"),
        (("[x]_", "b", -1), "b"),
        (("[x]_", "b", 0), "text"),
        (("[x]", -1), "[x]"),
        (("[x]",), "other"),
        (("[x]__", -1), "[x]"),
        (("[x]__",), "more"),
    ]
    assert there.stood[("[x]_", "b", 0)] == ("a secret", "b", 0)


def test_what_is_redacted_under_a_masked_name_is_redacted_where_it_stood() -> None:
    whole = payload({"a secret": ["bad"]})
    there = shown(whole, masked(whole, "secret", "[x]"), "run")
    said = Said(True, ("pii",), masked={("a [x]", 0): "***"})
    assert verdict((said,), there, whole, Deed(Then.REDACT)) == Redact("pii", {("a secret", 0): "***"})


def test_empty_texts_and_skipped_members_are_not_shown() -> None:
    whole = without(
        payload({"notes": {"deep": "x"}, "more": [{"notes": "y"}], "a": "", "b": "z"}), frozenset({"notes"})
    )
    there = shown(whole, whole, "run")
    assert [each.value for each in there.asked.texts] == ["deep", "x", "more", "a", "b", "z"]
    assert there.stood == {}


# From what is said to a verdict

WHOLE = payload({"a": "bad", "b": "worse"})
THERE = shown(WHOLE, WHOLE, "run")
BAD = Said(True, ("injection", "odd words!"), 0.6, reference="ref 1")


def test_then_decides_and_certainty_is_measured() -> None:
    finding = "injection, odd-words at 0.60 (ref-1)"
    assert verdict((BAD,), THERE, WHOLE, Deed(Then.NOTE)) == Note(finding)
    assert verdict((BAD,), THERE, WHOLE, Deed(Then.HOLD)) == Hold(finding)
    assert verdict((BAD,), THERE, WHOLE, Deed(Then.BLOCK, 0.6)) == Block(finding)
    assert verdict((BAD,), THERE, WHOLE, Deed(Then.BLOCK, 0.61)) == Note(finding)
    assert verdict((Said(False),), THERE, WHOLE, Deed(Then.BLOCK)) == Pass()
    assert verdict((Said(False, ("odd",)), Said(False)), THERE, WHOLE, Deed(Then.BLOCK)) == Note("odd")
    assert verdict((Said(False), BAD), THERE, WHOLE, Deed(Then.BLOCK)) == Block(finding)


def test_a_fence_is_made_where_there_is_one_and_a_block_where_there_is_none() -> None:
    def fence(_payload: Payload, finding: str) -> Fence:
        return Fence(finding, {("a",): "<bad>"}, {"fenced": True})

    assert isinstance(verdict((BAD,), THERE, WHOLE, Deed(Then.FENCE, fence=fence)), Fence)
    assert isinstance(verdict((BAD,), THERE, WHOLE, Deed(Then.FENCE)), Block)


def test_all_that_is_objected_to_has_to_be_placed() -> None:
    one = Said(True, ("dlp",), masked={("a",): "***"})
    two = Said(True, ("dlp",), masked={("b",): "***"})
    redact = Deed(Then.REDACT)
    assert verdict((one, two), THERE, WHOLE, redact) == Redact("dlp", {("a",): "***", ("b",): "***"})
    for masked_ in (None, {}, {("c",): "***"}):
        assert isinstance(verdict((one, Said(True, ("dlp",), masked=masked_)), THERE, WHOLE, redact), Block)


def test_a_finding_is_short_and_quotes_nothing() -> None:
    many = Said(True, tuple(f"kind {number}\n" + "x" * 100 for number in range(20)))
    said = told((many,))
    assert len(said) < 500
    assert "\n" not in said
    assert said.endswith("and more")
    assert told((Said(True),)) == "flagged"
    assert told(()) == ""

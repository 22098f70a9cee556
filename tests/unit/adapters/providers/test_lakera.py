"""Lakera Guard: matches are cut out exactly where their own text proves that they stand, or nothing is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ostiary.adapters.providers.formats import Answer, Asked, Said, Setting
from ostiary.adapters.providers.lakera import provider
from ostiary.core.screening import Side, Text

PARTS = ("mail ann@example.com", "and bob@example.com, bob@example.com")


def asked(*values: str) -> Asked:
    texts = tuple(Text(("result", number), value) for number, value in enumerate(values))
    return Asked(Side.ANSWER, "crm", "crm.find", "tools/call", "run", texts)


def read(*matches: dict[str, Any], detected: tuple[str, ...] = ("pii/email",)) -> Said:
    lakera = provider(Setting(key="k"))
    (sent,) = lakera.request(asked(*PARTS), 0.0)
    breakdown = [{"detector_type": kind, "detected": True} for kind in detected]
    said = {"flagged": True, "payload": list(matches), "breakdown": breakdown, "metadata": {}}
    return lakera.read(sent, Answer(200, {"content-type": "application/json"}, json.dumps(said).encode()))


def match(text: str, start: int, end: int | None = None, kind: str = "pii/email") -> dict[str, Any]:
    return {"text": text, "start": start, "end": start + len(text) if end is None else end, "detector_type": kind}


def test_matches_are_cut_out_of_the_texts_they_stand_in() -> None:
    ann, bob = match("ann@example.com", 5), match("bob@example.com", 25)
    again = match("bob@example.com", 42, 42 + 14)
    mask = "[redacted:email]"
    assert read(ann).masked == {("result", 0): f"mail {mask}"}
    assert read(ann, bob, again).masked == {("result", 0): f"mail {mask}", ("result", 1): f"and {mask}, {mask}"}
    assert read(bob, match("example.com", 29), detected=("pii",)).masked == {
        ("result", 1): f"and {mask}, bob@example.com"
    }


@pytest.mark.parametrize(
    "wrong",
    [
        match("ann@example.com", 4), match("ann@example.com", 5, 12), match("", 5), match("ann@example.com", -15),
        match("ann@example.com", 500), match("com\nand", 17), match("ann@example.com", 5, 30),
    ],
)  # fmt: skip
def test_a_match_that_is_not_where_it_says_places_nothing(wrong: dict[str, Any]) -> None:
    assert read(wrong).masked is None
    assert read(match("ann@example.com", 5), wrong).masked is None


def test_an_attack_is_not_cut_out_and_neither_is_what_has_no_match() -> None:
    ann = match("ann@example.com", 5)
    assert read(ann, detected=("pii/email", "prompt_attack")).masked is None
    assert read(ann, detected=("pii/email", "pii/name")).masked is None
    assert read(detected=("pii/email",)).masked is None
    assert read(ann, detected=()).masked is None
    assert read(ann, detected=()).categories == ("pii/email",)


def test_the_key_is_needed_and_the_project_is_not() -> None:
    with pytest.raises(ValueError, match="`key`"):
        provider(Setting())
    (sent,) = provider(Setting(key="k", url="https://guard.example.com/v2/guard")).request(asked("x"), 0.0)
    assert sent.url == "https://guard.example.com/v2/guard"
    assert "project_id" not in json.loads(sent.body)

"""What a guard says follows from what was found and what the configuration wants, and quotes nothing of it."""

from __future__ import annotations

import pytest

from ostiary.core.screening import Block, Fence, Hold, Note, Pass, Redact, Text
from ostiary.guards.acting import Then, told, verdict
from ostiary.guards.found import Found

CARD = "4111 1111 1111 1111"
TEXTS = (Text(("a",), f"pay with {CARD} today"), Text(("b",), "nothing"))
FOUND = {0: (Found(9, 28, "personal", "personal.card", 0.9),), 1: ()}


def token(kind: str, value: str) -> str:
    return f"<{kind} of {len(value)}>"


def test_nothing_found_is_nothing_said() -> None:
    assert verdict(TEXTS, {}, Then.BLOCK, token) == Pass()
    assert verdict(TEXTS, {1: ()}, Then.BLOCK, token) == Pass()


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (Then.NOTE, Note("personal.card")),
        (Then.BLOCK, Block("personal.card")),
        (Then.HOLD, Hold("personal.card")),
        (Then.FENCE, Fence("personal.card", {("a",): ""}, {})),
        (Then.REDACT, Redact("personal.card", {("a",): "pay with [redacted:card] today"})),
        (Then.MASK, Redact("personal.card", {("a",): "pay with [card:…1111] today"})),
        (Then.TOKENIZE, Redact("personal.card", {("a",): "pay with <card of 19> today"})),
    ],
)
def test_each_action_is_what_it_says(then: Then, said: object) -> None:
    assert verdict(TEXTS, FOUND, then, token) == said
    assert CARD not in repr(said)


def test_what_was_found_is_counted_named_with_its_reading_and_bounded() -> None:
    many = [Found(0, 1, "secret", f"secret.kind-{at}", 1.0) for at in range(9)]
    assert told([*many, many[0]]).startswith("2 x secret.kind-0, secret.kind-1, ")
    assert told(many).endswith(", and more")
    assert told([Found(0, 1, "injection", "override.en", 1.0, view="base64")]) == "override.en in base64"

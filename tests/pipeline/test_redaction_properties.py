"""Issue 6, must show 3: nothing leaks at borders, a second pass changes nothing, order is nothing, tokens turn back where allowed.

pytest -m slow tests/pipeline/test_redaction_properties.py tries each law with many more examples.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections import Counter
from itertools import pairwise
from random import Random
from typing import Any, Final

import pytest
from hypothesis import assume, event
from hypothesis import strategies as st

from ostiary.adapters.store.pseudonyms import Pseudonyms
from ostiary.config.guards import GuardEntry
from ostiary.core.screening import Block, Guard, Pass, Payload, Redact, Side, Text, Verdict
from ostiary.entry.guarding import local
from ostiary.guards.views import views
from ostiary.pipeline.revealing import Reveal
from ostiary.protocol.leaves import replaced, words
from tests.pipeline.disguises import CARD, EVERY, MAIL, PEOPLE, SECRETS, chosen, disguised, leaked, tried

TOKENS: Final = Pseudonyms(b"k" * 32)
FILLING: Final = (
    "The meeting about the new warehouse is on Thursday. Shipping was late because the truck broke down near the border, "
    "and the team asked for another one. "
)
planted: Final = st.sampled_from(sorted(EVERY))


def guard(use: str, then: str = "redact") -> Guard:
    return local(GuardEntry.model_validate({"name": use, "use": use, "then": then}), TOKENS)


GUARDS: Final = {
    (use, then): guard(use, then) for use in ("secrets", "personal") for then in ("redact", "mask", "tokenize")
}


def of(words_: str) -> str:
    return "secrets" if words_ in SECRETS else "personal"


def looked(looks: Guard, said: Any, run: str = "run") -> Verdict:
    texts = tuple(each for each in words(said) if isinstance(each, Text))

    async def once() -> Verdict:
        return await looks(Payload(Side.ANSWER, "crm", "crm.find", "tools/call", run, texts))

    return asyncio.run(once())


def left(looks: Guard, said: Any) -> Any:
    """Return what a guard leaves of something; None where it stops it."""
    match looked(looks, said):
        case Redact(_, new):
            return replaced(said, new)
        case Pass():
            return said
        case _:
            return None


def blocks(*texts: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": each} for each in texts]}


@tried(60, 400, planted, chosen, st.sampled_from(["redact", "mask", "tokenize"]))
def test_nothing_of_a_value_is_left_in_any_disguise(plant: str, steps: tuple[str, ...], then: str) -> None:
    event(", ".join(steps))
    said = {"note": f"see {disguised(plant, EVERY[plant], steps)} there"}
    kept = left(GUARDS[of(plant), then], said)
    # A part that people may see is shorter than what would be told here as left; a token cannot be read.
    assert leaked(without_tokens(kept), EVERY[plant]) == []


def without_tokens(said: Any) -> Any:
    return re.sub(r"\[[a-z0-9-]+~[\w-]+\]", "", repr(said))


@tried(40, 300, planted, st.lists(st.integers(0, 60), min_size=1, max_size=3))
def test_nothing_is_left_where_a_value_is_split_over_blocks(plant: str, cuts: list[int]) -> None:
    places = sorted({0, *(cut % len(plant) for cut in cuts), len(plant)})
    parts = [plant[start:stop] for start, stop in pairwise(places)]
    kept = left(GUARDS[of(plant), "redact"], blocks(*parts))
    whole = "".join(each["text"] for each in kept["content"])
    assert leaked([whole], EVERY[plant]) == []


@tried(25, 150, planted, chosen, st.integers(0, 20_000))
def test_nothing_is_left_wherever_it_stands_in_a_long_text(plant: str, steps: tuple[str, ...], place: int) -> None:
    long = FILLING * 130
    said = {"text": f"{long[:place]} {disguised(plant, EVERY[plant], steps)} {long[place:]}"}
    kept = left(GUARDS[of(plant), "redact"], said)
    assert leaked([each for each in kept["text"].split() if each not in FILLING] or kept["text"], EVERY[plant]) == []
    assert len(kept["text"]) > len(long) - 300, "what stands around it is not lost"


documents: Final = st.lists(st.tuples(planted, chosen), min_size=1, max_size=4)


def written(drawn: list[tuple[str, tuple[str, ...]]], glue: str = "\n") -> str:
    return glue.join(disguised(plant, EVERY[plant], steps) for plant, steps in drawn)


@tried(40, 300, documents, st.sampled_from(sorted(GUARDS)), st.sampled_from(["\n", " ", "; "]))
def test_a_second_pass_changes_nothing(
    drawn: list[tuple[str, tuple[str, ...]]], which: tuple[str, str], glue: str
) -> None:
    once = left(GUARDS[which], {"text": written(drawn, glue)})
    assert looked(GUARDS[which], once) == Pass()


@tried(25, 300, documents, st.randoms(use_true_random=False), st.sampled_from(sorted(GUARDS)))
def test_the_order_of_members_is_nothing(
    drawn: list[tuple[str, tuple[str, ...]]], dice: Random, which: tuple[str, str]
) -> None:
    values = [disguised(plant, EVERY[plant], steps) for plant, steps in drawn]
    other = dice.sample(values, len(values))
    one = left(GUARDS[which], {"rows": [{"note": each} for each in values]})
    two = left(GUARDS[which], {"rows": [{"note": each} for each in other]})
    assert Counter(each["note"] for each in one["rows"]) == Counter(each["note"] for each in two["rows"])


@tried(25, 300, documents, st.permutations([("secrets", "redact"), ("personal", "mask"), ("personal", "tokenize")]))
def test_several_guards_leave_nothing_in_whatever_order(
    drawn: list[tuple[str, tuple[str, ...]]], order: list[tuple[str, str]]
) -> None:
    said: Any = {"text": written(drawn)}
    for which in order:
        assume(not views(said["text"])[0].more)
        said = left(GUARDS[which], said)
    for plant, _ in drawn:
        assert leaked(without_tokens(said), EVERY[plant]) == []


def masks(said: str) -> list[str]:
    return re.findall(r"\[[a-z0-9-]+~[\w-]+\]", said)


names: Final = st.text("abc-/: ", min_size=1, max_size=12)


@tried(30, 500, st.sampled_from(sorted(PEOPLE)), names, names)
def test_a_token_turns_back_in_its_run_and_in_no_other(plant: str, run: str, other: str) -> None:
    hidden = looked(GUARDS["personal", "tokenize"], {"text": plant}, run)
    assert isinstance(hidden, Redact)
    masked = hidden.replace[("text",)]
    assert masks(masked)
    assert looked(Reveal(TOKENS), {"text": masked}, run) == Redact("tokens turned back in 1 places", {("text",): plant})
    if other != run:
        assert looked(Reveal(TOKENS), {"text": masked}, other) == Pass()


@tried(30, 500, st.sampled_from(sorted(PEOPLE)), st.data())
def test_a_token_that_was_changed_turns_back_to_nothing(plant: str, data: st.DataObject) -> None:
    hidden = looked(GUARDS["personal", "tokenize"], {"text": plant})
    assert isinstance(hidden, Redact)
    token = masks(hidden.replace[("text",)])[0]
    at = data.draw(st.integers(1, len(token) - 2))
    new = data.draw(st.sampled_from("abcdefXYZ0189-_"))
    changed = token[:at] + new + token[at + 1 :]
    opened = looked(Reveal(TOKENS), {"text": changed})
    if _same(changed, token):
        return
    assert opened == Pass(), "a token is whole, or it is nothing"


def _same(one: str, two: str) -> bool:
    """Say whether two tokens are the same bytes: the last letter of base64 has bits that count for nothing."""
    (kind, _, sealed), (kind2, _, sealed2) = one[1:-1].partition("~"), two[1:-1].partition("~")
    raw = [base64.urlsafe_b64decode(each + "=" * (-len(each) % 4)) for each in (sealed, sealed2)]
    return kind == kind2 and raw[0] == raw[1]


@pytest.mark.parametrize(
    "said",
    [
        {"structuredContent": {"card": 4111111111111111}},
        {"structuredContent": {CARD: "name of a member"}},
        {
            "content": [
                {
                    "type": "resource",
                    "resource": {
                        "uri": "a:b",
                        "mimeType": "text/plain",
                        "blob": base64.b64encode(f"to {MAIL}".encode()).decode(),
                    },
                }
            ]
        },
        {"content": [{"type": "image", "mimeType": "image/png", "data": f"to {MAIL}"}]},
    ],
)
def test_what_cannot_be_replaced_where_it_stands_is_told_so_that_the_call_stops(said: dict[str, Any]) -> None:
    """`pipeline/screening.py` stops what is to be replaced in a rigid place."""
    texts = [each for each in words(said) if isinstance(each, Text)]
    verdict = looked(GUARDS["personal", "redact"], said)
    assert isinstance(verdict, Redact)
    assert any(each.rigid for each in texts if each.path in verdict.replace)
    assert isinstance(looked(guard("personal", "block"), said), Block)

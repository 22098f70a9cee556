"""OpenAI's moderation: what is sent, and what an answer means."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.adapters.providers.formats import Setting, Unreadable
from ostiary.adapters.providers.openai import provider
from tests.unit.adapters.providers.asking_b import NOW, asked, got, said, shown

HERE = Setting(key="sk-secret")


def result(flagged: bool = False, scores: dict[str, float] | None = None, **categories: bool | None) -> dict[str, Any]:
    names = {"harassment": False, "violence": False, "illicit": None, **categories}
    return {
        "flagged": flagged,
        "categories": names,
        "category_scores": {**dict.fromkeys(names, 0.01), **(scores or {})},
    }


def read(*results: Any, at: float = 0.5, words: tuple[str, ...] = ("one",), **more: Any) -> Any:
    made = provider(Setting(key="sk-secret", at=at))
    (sent,) = made.request(asked(*words), NOW)
    return made.read(sent, got({"id": "modr-1", "model": "omni-moderation-latest", "results": list(results), **more}))


def test_a_key_is_needed() -> None:
    with pytest.raises(ValueError, match="`key` is missing"):
        provider(Setting())


def test_texts_are_inputs_of_their_own() -> None:
    (sent,) = provider(HERE).request(asked("one", "two"), NOW)
    assert sent.url == "https://api.openai.com/v1/moderations"
    assert sent.headers["authorization"] == "Bearer sk-secret"
    assert said(sent) == {"model": "omni-moderation-latest", "input": ["one", "two"]}


def test_the_model_and_the_address_can_be_chosen() -> None:
    setting = Setting(url="http://127.0.0.1:9/", key="k", profile="omni-moderation-2024-09-26")
    (sent,) = provider(setting).request(asked("one"), NOW)
    assert (sent.url, said(sent)["model"]) == ("http://127.0.0.1:9/v1/moderations", "omni-moderation-2024-09-26")


def test_long_and_many_texts_are_all_sent() -> None:
    words = "".join(f"{index:05d} " for index in range(2_000))
    requests = provider(HERE).request(asked(words, *("x",) * 70), NOW)
    assert all(len(said(each)["input"]) <= 32 and max(map(len, said(each)["input"])) <= 2_000 for each in requests)
    assert shown(requests).count("x") == 70
    assert all(any(words[at : at + 200] in part for part in shown(requests)) for at in range(0, len(words) - 200, 100))


def test_nothing_flagged_is_a_pass() -> None:
    found = read(result(), result(), words=("one", "two"))
    assert (found.flagged, found.categories, found.reference) == (False, (), "modr-1")


def test_what_is_flagged_is_certain_even_where_it_scores_less_than_at() -> None:
    """Ours: its thresholds differ by category; what it flags must not pass because of ours."""
    found = read(result(flagged=True, scores={"violence": 0.31}, violence=True), at=0.9)
    assert (found.flagged, found.categories, found.certainty) == (True, ("violence",), 1.0)


def test_a_category_that_is_true_counts_where_the_summary_forgets_it() -> None:
    assert read(result(flagged=False, violence=True)).flagged


def test_a_score_of_at_and_more_counts_as_well() -> None:
    high = result(scores={"harassment": 0.6, "illicit": 0.7})
    found = read(high, at=0.6)
    assert (found.flagged, found.categories, found.certainty) == (True, ("harassment", "illicit"), 0.7)
    assert not read(high, at=0.8).flagged


def test_one_of_several_is_enough() -> None:
    assert read(result(), result(flagged=True, violence=True), words=("one", "two")).flagged


@pytest.mark.parametrize(
    "results",
    [
        (),
        (result(), result()),
        ("none",),
        ({**result(), "flagged": None},),
        ({**result(), "flagged": 0},),
        ({**result(), "categories": {}},),
        ({**result(), "category_scores": {}},),
        ({**result(), "categories": {"violence": "false"}, "category_scores": {"violence": 0.1}},),
        (result(scores={"violence": 1.5}),),
        (result(scores={"violence": -0.1}),),
        (result(scores={"violence": "0.1"}),),  # type: ignore[dict-item]  # what a server may say
    ],
)
def test_what_does_not_follow_the_format_is_no_pass(results: tuple[Any, ...]) -> None:
    with pytest.raises(Unreadable):
        read(*results)


def test_an_answer_without_an_id_is_none_of_its_answers() -> None:
    with pytest.raises(Unreadable):
        read(result(), id=None)

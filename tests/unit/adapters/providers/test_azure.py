"""Azure's Prompt Shields and harm categories: what is sent, and what an answer means."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.adapters.providers.azure import harms, shields
from ostiary.adapters.providers.formats import Setting, Unreadable
from ostiary.core.screening import Side
from tests.unit.adapters.providers.asking_b import NOW, asked, got, said, shown

HERE = Setting(url="https://ours.cognitiveservices.azure.com/", key="k" * 32)
QUIET = {"attackDetected": False}
LOUD = {"attackDetected": True}


def analysed(**severities: int) -> dict[str, Any]:
    found = {"Hate": 0, "SelfHarm": 0, "Sexual": 0, "Violence": 0, **severities}
    return {"blocklistsMatch": [], "categoriesAnalysis": [{"category": k, "severity": v} for k, v in found.items()]}


@pytest.mark.parametrize("make", [shields, harms])
@pytest.mark.parametrize("setting", [Setting(key="k"), Setting(url="https://x")])
def test_a_resource_needs_its_address_and_a_key(make: Any, setting: Setting) -> None:
    with pytest.raises(ValueError, match="is missing"):
        make(setting)


# Prompt Shields


def test_what_clients_say_goes_as_a_prompt() -> None:
    (sent,) = shields(HERE).request(asked("one", "two"), NOW)
    assert sent.url == "https://ours.cognitiveservices.azure.com/contentsafety/text:shieldPrompt?api-version=2024-09-01"
    assert sent.headers["ocp-apim-subscription-key"] == HERE.key
    assert said(sent) == {"userPrompt": "one\n\x1e\ntwo"}


@pytest.mark.parametrize("side", [Side.ANSWER, Side.CATALOGUE])
def test_what_servers_say_goes_as_documents(side: Side) -> None:
    (sent,) = shields(HERE).request(asked("one", "two", side=side), NOW)
    assert said(sent) == {"documents": ["one", "two"]}


def test_more_than_five_texts_share_documents_and_none_is_left_out() -> None:
    words = [f"text {index}" for index in range(23)]
    (sent,) = shields(HERE).request(asked(*words, side=Side.ANSWER), NOW)
    assert len(said(sent)["documents"]) == 5
    assert "\n\x1e\n".join(said(sent)["documents"]).split("\n\x1e\n") == words


@pytest.mark.parametrize("side", Side)
def test_long_texts_are_cut_with_overlap_and_never_truncated(side: Side) -> None:
    words = "".join(f"{index:05d} " for index in range(6_000))
    requests = shields(HERE).request(asked(words, "tail", side=side), NOW)
    sizes = [sum(map(len, said(each).get("documents", [said(each).get("userPrompt", "")]))) for each in requests]
    assert max(sizes) <= 10_000
    every = [words[start : start + 500] for start in range(0, len(words) - 500, 100)]
    assert all(any(piece in part for part in shown(requests)) for piece in every)
    assert shown(requests)[-1] == "tail"


def test_an_attack_is_flagged() -> None:
    provider = shields(HERE)
    (prompt,) = provider.request(asked("one"), NOW)
    (documents,) = provider.request(asked("one", "two", side=Side.ANSWER), NOW)
    assert provider.read(prompt, got({"userPromptAnalysis": LOUD})).categories == ("attack-in-prompt",)
    found = provider.read(documents, got({"documentsAnalysis": [QUIET, LOUD]}, apim_request_id="7-a"))
    assert (found.flagged, found.categories, found.reference) == (True, ("attack-in-document",), "7-a")


def test_silence_about_all_that_was_sent_is_a_pass() -> None:
    provider = shields(HERE)
    (prompt,) = provider.request(asked("one"), NOW)
    (documents,) = provider.request(asked("one", "two", side=Side.ANSWER), NOW)
    assert not provider.read(prompt, got({"userPromptAnalysis": QUIET, "documentsAnalysis": []})).flagged
    assert not provider.read(documents, got({"userPromptAnalysis": None, "documentsAnalysis": [QUIET] * 2})).flagged


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"userPromptAnalysis": QUIET},
        {"documentsAnalysis": [QUIET]},
        {"documentsAnalysis": [QUIET, None]},
        {"documentsAnalysis": [QUIET, {}]},
        {"documentsAnalysis": [QUIET, {"attackDetected": "false"}]},
        {"documentsAnalysis": [QUIET, {"attackDetected": 0}]},
        {"documentsAnalysis": {"attackDetected": False}},
    ],
)
def test_silence_about_a_part_is_no_pass(answer: Any) -> None:
    provider = shields(HERE)
    (sent,) = provider.request(asked("one", "two", side=Side.ANSWER), NOW)
    with pytest.raises(Unreadable):
        provider.read(sent, got(answer))


@pytest.mark.parametrize(
    "answer", [{}, {"userPromptAnalysis": None}, {"documentsAnalysis": [QUIET]}, {"userPromptAnalysis": []}]
)
def test_a_prompt_that_was_not_judged_is_no_pass(answer: Any) -> None:
    provider = shields(HERE)
    (sent,) = provider.request(asked("one"), NOW)
    with pytest.raises(Unreadable):
        provider.read(sent, got(answer))


# Harm categories


def test_all_categories_are_asked_for_by_eight_severities() -> None:
    (sent,) = harms(HERE).request(asked("one"), NOW)
    assert sent.url.endswith("/contentsafety/text:analyze?api-version=2024-09-01")
    assert said(sent) == {
        "text": "one", "categories": ["Hate", "SelfHarm", "Sexual", "Violence"], "outputType": "EightSeverityLevels",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("at", "severity", "flagged"),
    [
        (0.5, 4, True),
        (0.5, 3, False),
        (0.0, 1, True),
        (0.0, 0, False),
        (1.0, 7, True),
        (1.0, 6, False),
        (0.25, 2, True),
    ],
)
def test_at_is_a_severity(at: float, severity: int, flagged: bool) -> None:
    provider = harms(Setting(url=HERE.url, key=HERE.key, at=at))
    (sent,) = provider.request(asked("one"), NOW)
    found = provider.read(sent, got(analysed(Violence=severity)))
    assert found.flagged is flagged
    assert found.categories == (("Violence",) if severity else ())
    assert not flagged or found.certainty >= at


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"categoriesAnalysis": []},
        {"categoriesAnalysis": analysed()["categoriesAnalysis"][1:]},
        {"categoriesAnalysis": [*analysed()["categoriesAnalysis"][1:], {"category": "Hate"}]},
        {"categoriesAnalysis": [*analysed()["categoriesAnalysis"][1:], {"category": "Hate", "severity": 8}]},
        {"categoriesAnalysis": [*analysed()["categoriesAnalysis"][1:], {"category": "Hate", "severity": -1}]},
        {"categoriesAnalysis": [*analysed()["categoriesAnalysis"][1:], {"category": "Hate", "severity": False}]},
        {"categoriesAnalysis": [*analysed()["categoriesAnalysis"][1:], "Hate"]},
    ],
)
def test_a_category_without_severity_is_no_pass(answer: Any) -> None:
    provider = harms(HERE)
    (sent,) = provider.request(asked("one"), NOW)
    with pytest.raises(Unreadable):
        provider.read(sent, got(answer))


def test_the_worst_of_a_category_that_is_there_twice_counts() -> None:
    provider = harms(HERE)
    (sent,) = provider.request(asked("one"), NOW)
    twice = [{"category": "Hate", "severity": 6}, *analysed()["categoriesAnalysis"]]
    assert provider.read(sent, got({"categoriesAnalysis": twice})).flagged


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 302])
def test_a_refusal_is_no_pass(status: int) -> None:
    for make in (shields, harms):
        provider = make(HERE)
        (sent,) = provider.request(asked("one"), NOW)
        with pytest.raises(Unreadable, match=str(status)):
            provider.read(sent, got({"error": {"code": "x", "message": "one"}}, status))

"""OpenAI's moderation, by its reference of `POST /v1/moderations`."""

from __future__ import annotations

from typing import Any

from ostiary.core.screening import Side
from tests.contract.providers.case import Case
from tests.contract.providers.house import KEY, Heard, Reply

CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip


def check(heard: Heard, _side: Side) -> None:
    assert (heard.method, heard.path) == ("POST", "/v1/moderations")
    assert heard.headers["authorization"] == f"Bearer {KEY}"
    said = heard.json
    assert said.keys() == {"model", "input"}
    assert said["model"] == "omni-moderation-latest"
    assert 0 < len(said["input"]) <= 32
    assert all(0 < len(text) <= 2_000 for text in said["input"])


def result(flagged: Any = False, scores: Any = None, **categories: Any) -> dict[str, Any]:
    return {
        "flagged": flagged,
        "categories": {**dict.fromkeys(CATEGORIES, False), **categories},
        "category_scores": {**dict.fromkeys(CATEGORIES, 0.0004), **(scores or {})},
        "category_applied_input_types": {each: ["text"] for each in CATEGORIES},
    }


def answer(heard: Heard, last: Any = None, *, most: int = 32) -> Reply:
    many = len(heard.json["input"])
    results = [*[result()] * (many - 1), result() if last is None else last][:most]
    return Reply({"id": "modr-970d409ef3bef3b70c73d8232df86e7d", "model": "omni-moderation-latest", "results": results})


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in result().items() if key != name}


OPENAI = Case(
    use="openai-moderation",
    keys={"key": "env:KEY"},
    check=check,
    shown=lambda heard: list(heard.json["input"]),
    allow=answer,
    block=lambda heard: answer(heard, result(flagged=True, scores={"violence": 0.42}, violence=True)),
    named="violence (modr-970d409e",
    not_a_pass={
        "a text that was not judged": lambda heard: answer(heard, most=len(heard.json["input"]) - 1),
        "no results": lambda _: Reply({"id": "modr-1", "model": "omni-moderation-latest"}),
        "no id": lambda heard: Reply({"results": [result()] * len(heard.json["input"])}),
        "flagged is missing": lambda heard: answer(heard, without("flagged")),
        "flagged is null": lambda heard: answer(heard, result(flagged=None)),
        "flagged is a text": lambda heard: answer(heard, result(flagged="false")),
        "categories are missing": lambda heard: answer(heard, without("categories")),
        "scores are missing": lambda heard: answer(heard, without("category_scores")),
        "a score is a text": lambda heard: answer(heard, result(scores={"violence": "0.1"})),
        "a score is out of range": lambda heard: answer(heard, result(scores={"violence": 1.1})),
        "a high score that was not flagged": lambda heard: answer(heard, result(scores={"violence": 0.97})),
        "a category that the summary forgets": lambda heard: answer(heard, result(violence=True)),
        "a result of another shape": lambda heard: answer(heard, "safe"),
    },
)

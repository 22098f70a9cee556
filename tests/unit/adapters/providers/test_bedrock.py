"""Bedrock's ApplyGuardrail: what is sent and signed, and what an answer means."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.adapters.providers.bedrock import provider
from ostiary.adapters.providers.formats import Setting, Unreadable
from ostiary.core.screening import Side
from tests.unit.adapters.providers.asking_b import NOW, asked, got, said, shown

TOKEN = "ABSK" + "Zm9v" * 8
HERE = Setting(profile="gr1abc", version="3", region="eu-central-1", key=TOKEN)
ARN = "arn:aws:bedrock:eu-west-1:111122223333:guardrail/gr1abc"


def answer(
    action: str = "NONE", outputs: tuple[str, ...] = (), covered: tuple[int, int] | None = (7, 7), **policies: Any
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "usage": {"topicPolicyUnits": 1}, "action": action,
        "outputs": [{"text": each} for each in outputs], "assessments": [policies] if policies else [],
    }  # fmt: skip
    if covered:
        made["guardrailCoverage"] = {"textCharacters": {"guarded": covered[0], "total": covered[1]}}
    return made


def personal(*actions: str) -> dict[str, Any]:
    found = [{"match": "555", "type": "PHONE", "action": action} for action in actions]
    return {"piiEntities": found, "regexes": []}


def read(value: Any, *words: str, status: int = 200) -> Any:
    made = provider(HERE)
    (sent,) = made.request(asked(*(words or ("one two",))), NOW)
    return made.read(sent, got(value, status))


@pytest.mark.parametrize(
    "setting",
    [
        Setting(version="1", region="us-east-1", key="k"),
        Setting(profile="GR/../1", version="1", region="us-east-1", key="k"),
        Setting(profile="gr1", region="us-east-1", key="k"),
        Setting(profile="gr1", version="0", region="us-east-1", key="k"),
        Setting(profile="gr1", version="1", key="k"),
        Setting(profile="gr1", version="1", region="us-east-1.evil.example/", key="k"),
        Setting(profile="gr1", version="1", region="us-east-1"),
        Setting(profile="gr1", version="1", region="us-east-1", key="access:"),
    ],
)
def test_what_is_missing_is_named(setting: Setting) -> None:
    with pytest.raises(ValueError, match=r"`(profile|version|region|key)` is"):
        provider(setting)


def test_texts_are_blocks_of_their_own_under_a_bearer_token() -> None:
    (sent,) = provider(HERE).request(asked("one", "two"), NOW)
    assert sent.url == "https://bedrock-runtime.eu-central-1.amazonaws.com/guardrail/gr1abc/version/3/apply"
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"
    assert said(sent) == {"source": "INPUT", "content": [{"text": {"text": "one"}}, {"text": {"text": "two"}}]}


def test_answers_are_input_of_a_model_because_nothing_else_is_searched_for_attacks() -> None:
    (sent,) = provider(HERE).request(asked("one", side=Side.ANSWER), NOW)
    assert said(sent)["source"] == "INPUT"


def test_an_access_key_signs() -> None:
    setting = Setting(profile=ARN, version="DRAFT", key="AKIDEXAMPLE:secret")
    (sent,) = provider(setting).request(asked("one"), NOW)
    assert sent.url.startswith("https://bedrock-runtime.eu-west-1.amazonaws.com/guardrail/arn%3Aaws%3Abedrock%3A")
    assert "Credential=AKIDEXAMPLE/20261123/eu-west-1/bedrock/aws4_request" in sent.headers["Authorization"]
    assert "secret" not in repr(sent) + str(sent.headers)


def test_china_has_addresses_of_its_own() -> None:
    setting = Setting(profile="gr1", version="1", region="cn-north-1", key="k")
    (sent,) = provider(setting).request(asked("one"), NOW)
    assert sent.url.startswith("https://bedrock-runtime.cn-north-1.amazonaws.com.cn/")


def test_long_and_many_texts_take_several_requests() -> None:
    words = "".join(f"{index:05d} " for index in range(10_000))
    requests = provider(HERE).request(asked(words, *("x",) * 120), NOW)
    assert all(len(said(each)["content"]) <= 50 for each in requests)
    assert all(sum(len(block["text"]["text"]) for block in said(each)["content"]) <= 20_000 for each in requests)
    assert shown(requests).count("x") == 120
    assert all(any(words[at : at + 500] in part for part in shown(requests)) for at in range(0, len(words) - 500, 250))


def test_no_action_is_a_pass() -> None:
    assert not read(answer()).flagged
    assert not read(answer(covered=None)).flagged


def test_what_is_only_detected_is_named_and_passes() -> None:
    found = read(
        answer(
            contentPolicy={
                "filters": [{"type": "PROMPT_ATTACK", "confidence": "HIGH", "action": "NONE", "detected": True}]
            }
        )
    )
    assert (found.flagged, found.categories) == (False, ("content/PROMPT_ATTACK",))


def test_what_is_blocked_is_flagged_and_cannot_be_masked() -> None:
    policy = {"contentPolicy": {"filters": [{"type": "PROMPT_ATTACK", "confidence": "LOW", "action": "BLOCKED"}]}}
    found = read(
        answer("GUARDRAIL_INTERVENED", ("Sorry.",), sensitiveInformationPolicy=personal("ANONYMIZED"), **policy)
    )
    assert (found.flagged, found.masked, found.certainty) == (True, None, 1.0)
    assert found.categories == ("content/PROMPT_ATTACK", "sensitiveInformation/PHONE")


def test_what_is_only_anonymised_is_put_where_it_was() -> None:
    value = answer(
        "GUARDRAIL_INTERVENED", ("call {PHONE}", "two"), sensitiveInformationPolicy=personal("ANONYMIZED", "NONE")
    )
    found = read(value, "call 555", "two")
    assert (found.flagged, found.masked) == (True, {("arguments", "m0"): "call {PHONE}"})


@pytest.mark.parametrize(
    "value",
    [
        answer(
            "GUARDRAIL_INTERVENED", ("one output for two texts",), sensitiveInformationPolicy=personal("ANONYMIZED")
        ),
        answer("GUARDRAIL_INTERVENED", ("a", "b"), sensitiveInformationPolicy=personal("ANONYMIZED", "BLOCKED")),
        answer("GUARDRAIL_INTERVENED", ("a", "b"), covered=(3, 7), sensitiveInformationPolicy=personal("ANONYMIZED")),
        answer("GUARDRAIL_INTERVENED", ("a", "b")),
        answer("NONE", ("a", "b"), sensitiveInformationPolicy=personal("ANONYMIZED")),
    ],
)
def test_nothing_is_put_in_place_where_that_is_not_all(value: Any) -> None:
    found = read(value, "call 555", "two")
    assert (found.flagged, found.masked) == (True, None)


def test_an_intervention_is_one_whatever_its_reasons_say() -> None:
    """Ours: a policy or an action that is newer than this reader must not turn a block into a failure."""
    newer = answer("GUARDRAIL_INTERVENED", topicPolicy={"topics": [{"name": "x", "action": "REWRITTEN"}]})
    found = read(newer)
    assert (found.flagged, found.categories, found.masked) == (True, ("intervened",), None)


def test_findings_never_quote_what_was_sent() -> None:
    policies = {
        "topicPolicy": {"topics": [{"name": "Investment advice", "type": "DENY", "action": "BLOCKED"}]},
        "wordPolicy": {
            "customWords": [{"match": "hunter2", "action": "BLOCKED"}],
            "managedWordLists": [{"match": "hunter2", "type": "PROFANITY", "action": "BLOCKED"}],
        },
        "sensitiveInformationPolicy": {"piiEntities": [], "regexes": [{"name": "badge", "match": "hunter2", "regex": "h.*", "action": "BLOCKED"}]},
    }  # fmt: skip
    found = read(answer("GUARDRAIL_INTERVENED", **policies))
    assert found.categories == (
        "sensitiveInformation/badge",
        "topic/Investment-advice",
        "word/PROFANITY",
        "word/listed",
    )


@pytest.mark.parametrize(
    "value",
    [
        {},
        {**answer(), "action": "ALLOW"},
        {**answer(), "action": None},
        {key: value for key, value in answer().items() if key != "assessments"},
        answer(covered=(3, 7)),
        {**answer(), "guardrailCoverage": {"textCharacters": {"total": 7}}},
        {**answer(), "assessments": ["none"]},
        {**answer(), "assessments": [{"topicPolicy": {"topics": ["none"]}}]},
        {**answer(), "assessments": [{"topicPolicy": {"topics": [{"name": "x", "action": "PASSED"}]}}]},
        {**answer(), "assessments": [{"topicPolicy": {"topics": [{"name": "x"}]}}]},
        [],
    ],
)
def test_what_does_not_follow_the_format_is_no_pass(value: Any) -> None:
    with pytest.raises(Unreadable):
        read(value)


def test_a_refusal_says_what_to_check() -> None:
    with pytest.raises(Unreadable, match="bedrock:ApplyGuardrail"):
        read({"message": "The security token included in the request is expired"}, status=403)
    with pytest.raises(Unreadable, match="asked too often") as refused:
        read({"message": "Too many requests"}, status=429)
    assert not refused.value.words

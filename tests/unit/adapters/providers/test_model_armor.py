"""Google's Model Armor: what is sent, and what an answer means."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from ostiary.adapters.providers.formats import Answer, Outgoing, Prepared, Setting, Unreadable
from ostiary.adapters.providers.model_armor import provider
from ostiary.core.screening import Side
from tests.unit.adapters.providers.asking_b import NOW, asked, got, said, shown
from tests.unit.adapters.providers.test_google import ACCOUNT, GRANTED

TEMPLATE: Final = "projects/ours/locations/europe-west1/templates/strict-1"
HERE: Final = Setting(profile=TEMPLATE, key="ya29.static")
RAN, QUIET, MATCH = "EXECUTION_SUCCESS", "NO_MATCH_FOUND", "MATCH_FOUND"


def one(match: str = QUIET, ran: str = RAN, **more: Any) -> dict[str, Any]:
    return {"executionState": ran, "matchState": match, **more}


def filters(**changed: Any) -> dict[str, Any]:
    return {
        "csam": {"csamFilterFilterResult": one()},
        "pi_and_jailbreak": {"piAndJailbreakFilterResult": one()},
        "rai": {"raiFilterResult": one(raiFilterTypeResults={"dangerous": {"matchState": QUIET}})},
        "sdp": {"sdpFilterResult": {"inspectResult": one()}},
        **changed,
    }


def answer(state: str = QUIET, invoked: str = "SUCCESS", **changed: Any) -> dict[str, Any]:
    return {
        "sanitizationResult": {
            "filterMatchState": state,
            "invocationResult": invoked,
            "filterResults": filters(**changed),
        }
    }


def deidentified(text: str, **more: Any) -> dict[str, Any]:
    return {
        "sdpFilterResult": {
            "deidentifyResult": one(MATCH, data={"text": text}, infoTypes=["PHONE_NUMBER"], transformedBytes="3"),
            **more,
        }
    }


def read(value: Any, *words: str, status: int = 200) -> Any:
    made = provider(HERE)
    (sent,) = made.request(asked(*(words or ("one",))), NOW)
    return made.read(sent, got(value, status))


@pytest.mark.parametrize(
    "setting",
    [
        Setting(key="k"),
        Setting(profile="strict-1", key="k"),
        Setting(profile="projects/a/locations/evil.example/templates/b", key="k"),
        Setting(profile=TEMPLATE + "/../x", key="k"),
        Setting(profile=TEMPLATE),
        Setting(profile=TEMPLATE, key='{"type": "authorized_user"}'),
        Setting(profile=TEMPLATE, key="k", version="1"),
    ],
)
def test_what_is_missing_is_named(setting: Setting) -> None:
    with pytest.raises(ValueError, match=r"`(profile|key|version)`"):
        provider(setting)


@pytest.mark.parametrize("side", Side)
def test_all_words_are_a_prompt_which_all_filters_read(side: Side) -> None:
    (sent,) = provider(HERE).request(asked("one", "two", side=side), NOW)
    assert sent.url == f"https://modelarmor.europe-west1.rep.googleapis.com/v1/{TEMPLATE}:sanitizeUserPrompt"
    assert sent.headers["authorization"] == "Bearer ya29.static"
    assert said(sent) == {"userPromptData": {"text": "one\n\x1e\ntwo"}}


def test_answers_can_be_shown_as_responses() -> None:
    made = provider(Setting(profile=TEMPLATE, key="k", version="responses"))
    (asking,) = made.request(asked("one"), NOW)
    (answering,) = made.request(asked("one", side=Side.ANSWER), NOW)
    assert asking.url.endswith(":sanitizeUserPrompt")
    assert answering.url.endswith(":sanitizeModelResponse")
    assert said(answering) == {"modelResponseData": {"text": "one"}}


def test_long_texts_are_cut_with_overlap() -> None:
    words = "".join(f"{index:05d} " for index in range(3_000))
    requests = provider(HERE).request(asked(words, "tail"), NOW)
    assert all(len(said(each)["userPromptData"]["text"]) <= 6_000 for each in requests)
    assert all(any(words[at : at + 400] in part for part in shown(requests)) for at in range(0, len(words) - 400, 200))
    assert shown(requests)[-1] == "tail"


async def test_a_service_account_gets_a_token_before_anything_is_asked() -> None:
    made = provider(Setting(profile=TEMPLATE, key=json.dumps(ACCOUNT)))
    assert isinstance(made, Prepared)
    with pytest.raises(Unreadable):
        made.request(asked("one"), NOW)

    async def send(sent: Outgoing, deadline: float, /) -> Answer:
        return got(GRANTED)

    await made.prepare(send, NOW, 0.0)
    (sent,) = made.request(asked("one"), NOW)
    assert sent.headers["authorization"] == "Bearer ya29.one"
    with pytest.raises(Unreadable, match="401"):
        made.read(sent, got({"error": {"code": 401}}, 401))
    with pytest.raises(Unreadable, match="no access token"):
        made.request(asked("one"), NOW)


async def test_a_token_that_is_given_is_used_as_it_is() -> None:
    async def send(sent: Outgoing, deadline: float, /) -> Answer:
        raise AssertionError

    await provider(HERE).prepare(send, NOW, 0.0)
    with pytest.raises(Unreadable, match="401"):
        read({}, status=401)


def test_no_match_by_filters_that_all_ran_is_a_pass() -> None:
    assert not read(answer()).flagged


def test_what_a_filter_matched_is_flagged_by_its_name() -> None:
    dangerous = {"dangerous": {"matchState": MATCH}, "harassment": {"matchState": QUIET}}
    rai = {"raiFilterResult": one(MATCH, raiFilterTypeResults=dangerous)}
    sdp = {
        "sdpFilterResult": {
            "inspectResult": one(MATCH, findings=[{"infoType": "EMAIL_ADDRESS", "likelihood": "LIKELY"}])
        }
    }
    attack = {"piAndJailbreakFilterResult": one(MATCH, confidenceLevel="HIGH")}
    found = read(answer(MATCH, rai=rai, sdp=sdp, pi_and_jailbreak=attack))
    assert (found.flagged, found.masked) == (True, None)
    assert found.categories == ("pi_and_jailbreak", "rai/dangerous", "sdp/EMAIL_ADDRESS")


@pytest.mark.parametrize("invoked", ["SUCCESS", "PARTIAL", "FAILURE", "SOMETHING"])
def test_a_match_is_one_whatever_the_summary_says(invoked: str) -> None:
    """The documentation itself shows an answer whose summary forgets a match."""
    attack = {"piAndJailbreakFilterResult": one(MATCH)}
    assert read(answer(QUIET, invoked, pi_and_jailbreak=attack)).flagged
    assert read(answer(MATCH, invoked)).flagged


def test_what_was_only_deidentified_is_put_where_it_was() -> None:
    found = read(answer(MATCH, sdp=deidentified("call [PHONE]\n\x1e\ntwo")), "call 555", "two")
    assert (found.flagged, found.categories) == (True, ("sdp/PHONE_NUMBER",))
    assert found.masked == {("arguments", "m0"): "call [PHONE]"}


@pytest.mark.parametrize(
    "value",
    [
        answer(MATCH, sdp=deidentified("all of it")),
        answer(MATCH, "PARTIAL", sdp=deidentified("call [PHONE]\n\x1e\ntwo")),
        answer(MATCH, sdp=deidentified("call [PHONE]\n\x1e\ntwo", inspectResult=one())),
        answer(MATCH, sdp={"sdpFilterResult": {"deidentifyResult": one(MATCH)}}),
        answer(
            MATCH,
            sdp=deidentified("call [PHONE]\n\x1e\ntwo"),
            csam={"csamFilterFilterResult": one(ran="EXECUTION_SKIPPED")},
        ),
        answer(
            MATCH,
            sdp=deidentified("call [PHONE]\n\x1e\ntwo"),
            pi_and_jailbreak={"piAndJailbreakFilterResult": one(MATCH)},
        ),
    ],
)
def test_nothing_is_put_in_place_where_that_is_not_all(value: Any) -> None:
    found = read(value, "call 555", "two")
    assert (found.flagged, found.masked) == (True, None)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"sanitizationResult": {}},
        {"sanitizationResult": {"filterMatchState": QUIET, "invocationResult": "SUCCESS"}},
        {"sanitizationResult": {"filterMatchState": QUIET, "invocationResult": "SUCCESS", "filterResults": {}}},
        {"sanitizationResult": {"filterMatchState": QUIET, "invocationResult": "SUCCESS", "filterResults": []}},
        answer(invoked="PARTIAL"),
        answer(invoked="FAILURE"),
        answer(invoked="INVOCATION_RESULT_UNSPECIFIED"),
        answer("FILTER_MATCH_STATE_UNSPECIFIED"),
        answer(csam={"csamFilterFilterResult": one(ran="EXECUTION_SKIPPED")}),
        answer(csam={"csamFilterFilterResult": {"executionState": RAN}}),
        answer(csam={"csamFilterFilterResult": {"matchState": QUIET}}),
        answer(csam={}),
        answer(csam=None),
        answer(rai={"raiFilterResult": one(raiFilterTypeResults={"dangerous": {"matchState": "MAYBE"}})}),
    ],
)
def test_what_did_not_wholly_run_is_no_pass(value: Any) -> None:
    with pytest.raises(Unreadable):
        read(value)


def test_a_refusal_says_what_to_check() -> None:
    with pytest.raises(Unreadable, match=r"modelarmor\.user"):
        read({"error": {"code": 403, "status": "PERMISSION_DENIED"}}, status=403)

"""Google Cloud's Model Armor, by the REST reference of its two methods that sanitize."""

from __future__ import annotations

from typing import Any

from ostiary.core.screening import Side
from tests.contract.providers.case import Case
from tests.contract.providers.house import KEY, Heard, Reply

BETWEEN = "\n\x1e\n"
TEMPLATE = "projects/ours/locations/europe-west1/templates/strict"
RAN = {"executionState": "EXECUTION_SUCCESS", "matchState": "NO_MATCH_FOUND"}
MATCHED = {"executionState": "EXECUTION_SUCCESS", "matchState": "MATCH_FOUND"}
SKIPPED = {"executionState": "EXECUTION_SKIPPED", "messageItems": [{"messageType": "ERROR", "message": "x"}]}


def check(heard: Heard, _side: Side) -> None:
    prompt(heard)


def prompt(heard: Heard) -> None:
    assert (heard.method, heard.path) == ("POST", f"/v1/{TEMPLATE}:sanitizeUserPrompt")
    assert heard.headers["authorization"] == f"Bearer {KEY}"
    assert heard.json.keys() == {"userPromptData"}
    assert heard.json["userPromptData"].keys() == {"text"}
    assert 0 < len(heard.json["userPromptData"]["text"]) <= 6_000


def by_side(heard: Heard, side: Side) -> None:
    if side is Side.REQUEST:
        return prompt(heard)
    assert (heard.method, heard.path) == ("POST", f"/v1/{TEMPLATE}:sanitizeModelResponse")
    assert heard.headers["authorization"] == f"Bearer {KEY}"
    assert heard.json.keys() == {"modelResponseData"}
    assert heard.json["modelResponseData"].keys() == {"text"}
    return None


def text(heard: Heard) -> str:
    (data,) = heard.json.values()
    return str(data["text"])


def answer(state: Any = "NO_MATCH_FOUND", invoked: Any = "SUCCESS", **changed: Any) -> Reply:
    filters = {
        "csam": {"csamFilterFilterResult": RAN},
        "malicious_uris": {"maliciousUriFilterResult": RAN},
        "pi_and_jailbreak": {"piAndJailbreakFilterResult": RAN},
        "rai": {"raiFilterResult": {**RAN, "raiFilterTypeResults": {"dangerous": {"matchState": "NO_MATCH_FOUND"}}}},
        "sdp": {"sdpFilterResult": {"inspectResult": RAN}},
        **changed,
    }
    made = {
        "filterMatchState": state,
        "invocationResult": invoked,
        "filterResults": filters,
        "sanitizationMetadata": {},
    }
    return Reply(
        {"sanitizationResult": {key: value for key, value in made.items() if value is not ...}},
        headers={"content-type": "application/json; charset=UTF-8"},
    )


def attack(invoked: str = "SUCCESS") -> Reply:
    found = {"piAndJailbreakFilterResult": {**MATCHED, "confidenceLevel": "HIGH"}}
    return answer("MATCH_FOUND", invoked, pi_and_jailbreak=found)


def masked(heard: Heard, secret: str, mask: str) -> Reply:
    left = text(heard).replace(secret, mask)
    if left == text(heard):
        return answer()
    result = {**MATCHED, "data": {"text": left}, "transformedBytes": "19", "infoTypes": ["CREDIT_CARD_NUMBER"]}
    return answer("MATCH_FOUND", sdp={"sdpFilterResult": {"deidentifyResult": result}})


NOT_A_PASS = {
    "no state": lambda _: answer(...),
    "a state nobody knows": lambda _: answer("FILTER_MATCH_STATE_UNSPECIFIED"),
    "only some filters ran": lambda _: answer(invoked="PARTIAL"),
    "no filter ran": lambda _: answer(invoked="FAILURE"),
    "nobody says whether filters ran": lambda _: answer(invoked=...),
    "one filter was skipped": lambda _: answer(sdp={"sdpFilterResult": {"inspectResult": SKIPPED}}),
    "one filter says nothing": lambda _: answer(sdp={}),
    "a match that the summary forgets": lambda _: answer(sdp={"sdpFilterResult": {"inspectResult": MATCHED}}),
    "a match while filters failed": lambda _: attack("PARTIAL"),
    "no result": lambda _: Reply({}),
    "no filters": lambda _: Reply(
        {"sanitizationResult": {"filterMatchState": "NO_MATCH_FOUND", "invocationResult": "SUCCESS"}}
    ),
}

MODEL_ARMOR = Case(
    use="model-armor",
    keys={"key": "env:KEY", "profile": TEMPLATE},
    check=check,
    shown=lambda heard: text(heard).split(BETWEEN),
    allow=lambda _: answer(),
    block=lambda _: attack(),
    named="pi_and_jailbreak",
    masked=masked,
    not_a_pass=NOT_A_PASS,
)

MODEL_ARMOR_BY_SIDE = Case(
    use="model-armor",
    keys={"key": "env:KEY", "profile": TEMPLATE, "version": "responses"},
    check=by_side,
    shown=lambda heard: text(heard).split(BETWEEN),
    allow=lambda _: answer(),
    block=lambda _: attack(),
    named="pi_and_jailbreak",
    masked=masked,
    not_a_pass=NOT_A_PASS,
)

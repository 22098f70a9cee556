"""Amazon Bedrock Guardrails, by the service model of ApplyGuardrail."""

from __future__ import annotations

from typing import Any

from ostiary.core.screening import Side
from tests.contract.providers.case import Case
from tests.contract.providers.house import KEY, Heard, Reply

IDENT = {"x-amzn-requestid": "0d9a8f2e-6c1b-4f27-9b41-0b1e7f3c5a20"}
USAGE = dict.fromkeys(
    (
        "topicPolicyUnits", "contentPolicyUnits", "wordPolicyUnits", "sensitiveInformationPolicyUnits",
        "sensitiveInformationPolicyFreeUnits", "contextualGroundingPolicyUnits",
    ), 1,
)  # fmt: skip


def check(heard: Heard, side: Side) -> None:
    assert (heard.method, heard.path) == ("POST", "/guardrail/gr0abc1/version/7/apply")
    assert heard.headers["authorization"] == f"Bearer {KEY}"
    said = heard.json
    assert said.keys() == {"source", "content"}
    # What tools answer is what a model reads; the filter for attacks reads only what is called input.
    assert said["source"] == "INPUT", side
    assert all(block.keys() == {"text"} and block["text"].keys() == {"text"} for block in said["content"])
    assert all(shown(heard))
    assert sum(map(len, shown(heard))) <= 25_000


def shown(heard: Heard) -> list[str]:
    return [block["text"]["text"] for block in heard.json["content"]]


def answer(heard: Heard, action: Any = "NONE", outputs: Any = (), guarded: int = 0, **policies: Any) -> Reply:
    total = sum(map(len, shown(heard)))
    made = {
        "usage": USAGE, "action": action, "outputs": [{"text": each} for each in outputs],
        "assessments": [policies] if policies else [],
        "guardrailCoverage": {"textCharacters": {"guarded": total + guarded, "total": total}},
    }  # fmt: skip
    return Reply({key: value for key, value in made.items() if value is not ...}, headers=IDENT)


def attack(action: str) -> dict[str, Any]:
    return {"filters": [{"type": "PROMPT_ATTACK", "confidence": "MEDIUM", "filterStrength": "HIGH", "action": action}]}


def card(action: str) -> dict[str, Any]:
    return {"piiEntities": [{"match": "4111", "type": "CREDIT_DEBIT_CARD_NUMBER", "action": action}], "regexes": []}


def masked(heard: Heard, secret: str, mask: str) -> Reply:
    texts = shown(heard)
    left = [text.replace(secret, mask) for text in texts]
    if left == texts:
        return answer(heard)
    return answer(heard, "GUARDRAIL_INTERVENED", left, sensitiveInformationPolicy=card("ANONYMIZED"))


BEDROCK = Case(
    use="bedrock-guardrails",
    keys={"key": "env:KEY", "profile": "gr0abc1", "version": "7", "region": "eu-central-1"},
    check=check,
    shown=shown,
    allow=answer,
    block=lambda heard: answer(heard, "GUARDRAIL_INTERVENED", ["Sorry."], contentPolicy=attack("BLOCKED")),
    named="content/PROMPT_ATTACK (0d9a8f2e",
    masked=masked,
    not_a_pass={
        "action is missing": lambda heard: answer(heard, ...),
        "action is null": lambda heard: answer(heard, None),
        "an action nobody knows": lambda heard: answer(heard, "ALLOWED"),
        "only a part was read": lambda heard: answer(heard, guarded=-1),
        "no assessments": lambda _: Reply({"usage": USAGE, "action": "NONE", "outputs": []}),
        "an assessment of another shape": lambda _: Reply({"action": "NONE", "outputs": [], "assessments": ["x"]}),
        "a policy of another shape": lambda heard: answer(heard, contentPolicy=[]),
        "an action of a policy that nobody knows": lambda heard: answer(heard, contentPolicy=attack("PASSED")),
        "a summary that forgets what was blocked": lambda heard: answer(heard, contentPolicy=attack("BLOCKED")),
    },
    noted={"what is only detected": lambda heard: answer(heard, contentPolicy=attack("NONE"))},
)

"""Lakera Guard, by the published reference of `POST /v2/guard`."""

from __future__ import annotations

from typing import Any

from ostiary.core.screening import Side
from tests.contract.providers.case import Case
from tests.contract.providers.house import KEY, Heard, Reply

IDENT = "8b2b6c1c-9f7a-4f8a-9c2d-8a44ca72e975"


def check(heard: Heard, side: Side) -> None:
    assert (heard.method, heard.path) == ("POST", "/v2/guard")
    assert heard.headers["authorization"] == f"Bearer {KEY}"
    said = heard.json
    assert said.keys() == {"messages", "project_id", "breakdown", "payload", "metadata"}
    assert (said["project_id"], said["breakdown"], said["payload"]) == ("project-1", True, True)
    (message,) = said["messages"]
    assert message.keys() == {"role", "content"}
    assert message["role"] == ("assistant" if side is Side.REQUEST else "user")
    assert "ann" not in said["metadata"]["session_id"]


def content(heard: Heard) -> str:
    return str(heard.json["messages"][0]["content"])


def detector(kind: str, *, detected: bool) -> dict[str, Any]:
    return {
        "project_id": "project-1", "policy_id": "policy-1", "detector_id": f"detector-{kind}", "detector_type": kind,
        "detected": detected, "message_id": 0,
    }  # fmt: skip


def answer(flagged: Any, *detected: str, **more: Any) -> Reply:
    quiet = [detector(kind, detected=False) for kind in ("prompt_attack", "unknown_links") if kind not in detected]
    said = {
        "flagged": flagged,
        "payload": [],
        "breakdown": [*(detector(kind, detected=True) for kind in detected), *quiet],
        "metadata": {"request_uuid": IDENT},
    }
    return Reply({key: value for key, value in {**said, **more}.items() if value is not ...})


def match(text: str, start: int, *, last: int = 0) -> dict[str, Any]:
    end = start + len(text) - last
    return {"start": start, "end": end, "text": text, "detector_type": "pii/credit_card", "labels": [], "message_id": 0}


def masked(heard: Heard, secret: str, mask: str) -> Reply:
    """Its format has places and no masked text: what is put there is our own mask, whatever `mask` is."""
    assert mask == "[redacted:credit-card]"
    text = content(heard)
    places = [place for place in range(len(text)) if text.startswith(secret, place)]
    return answer(True, "pii/credit_card", payload=[match(secret, place, last=place % 2) for place in places])


LAKERA = Case(
    use="lakera-guard",
    keys={"key": "env:KEY", "profile": "project-1"},
    check=check,
    shown=lambda heard: [content(heard)],
    allow=lambda _: answer(False),
    block=lambda _: answer(True, "prompt_attack"),
    named=f"prompt_attack ({IDENT})",
    masked=masked,
    not_a_pass={
        "flagged is missing": lambda _: answer(...),
        "flagged is null": lambda _: answer(None),
        "flagged is a text": lambda _: answer("false"),
        "flagged is a number": lambda _: answer(0),
        "no breakdown, which was asked for": lambda _: answer(False, breakdown=...),
        "a breakdown of another shape": lambda _: answer(False, breakdown={"prompt_attack": False}),
        "a detector of another shape": lambda _: answer(False, breakdown=[True]),
        "a detector that does not say": lambda _: answer(False, breakdown=[{"detector_type": "pii"}]),
        "a match of another shape": lambda _: answer(False, payload=["pii"]),
        "a match without a place": lambda _: answer(False, payload=[{"text": "x", "detector_type": "pii"}]),
    },
    noted={"a detector that is only monitored": lambda _: answer(False, "unknown_links")},
)

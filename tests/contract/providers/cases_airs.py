"""Prisma AIRS, by its published reference and the models of its SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ostiary.core.screening import Side
from tests.contract.providers.case import Case
from tests.contract.providers.house import KEY, Heard, Reply

SCAN = "d1e0b4b8-7c55-4f5c-9a3c-0f5f4f4f7c11"


def check(heard: Heard, side: Side) -> None:
    assert (heard.method, heard.path) == ("POST", "/v1/scan/sync/request")
    assert heard.headers["x-pan-token"] == KEY
    assert "authorization" not in heard.headers
    said = heard.json
    assert said.keys() == {"session_id", "ai_profile", "metadata", "contents"}
    assert said["ai_profile"] == {"profile_name": "prod"}
    assert len(said["session_id"]) <= 100
    assert "ann" not in said["session_id"]
    assert len(heard.body) <= 2 * 1024 * 1024
    (content,) = said["contents"]
    event = content["tool_event"]
    assert content.keys() == {"tool_event"}
    assert event["metadata"] == {
        "ecosystem": "mcp", "method": "tools/call", "server_name": "crm", "tool_invoked": "find",
    }  # fmt: skip
    assert event.keys() == {"metadata", "output" if side is Side.ANSWER else "input"}
    json.loads(event.get("output") or event["input"])


def document(heard: Heard) -> str:
    event = heard.json["contents"][0]["tool_event"]
    return str(event.get("output") or event["input"])


def shown(heard: Heard) -> list[str]:
    return list(leaves(json.loads(document(heard))))


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def answer(action: str = "allow", category: str = "benign", **more: Any) -> Reply:
    said = {
        "report_id": f"R{SCAN}", "scan_id": SCAN, "profile_id": SCAN, "profile_name": "prod", "category": category,
        "action": action, "timeout": False, "error": False, "errors": [], "prompt_detected": {}, "response_detected": {},
        "tool_detected": tool("benign"),
    }  # fmt: skip
    return Reply({key: value for key, value in {**said, **more}.items() if value is not ...})


def tool(verdict: str, masked: str = "", **detections: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"tool_invoked": "find", "detections": detections, "threats": []}
    if masked:
        entry["masked_data"] = {"data": masked, "pattern_detections": [{"pattern": "card", "locations": [[0, 4]]}]}
    return {
        "verdict": verdict,
        "metadata": {"ecosystem": "mcp", "method": "tools/call", "server_name": "crm"},
        "summary": {"detections": detections, "threats": []},
        "output_detected": {"detection_entries": [entry]},
    }


def masked(heard: Heard, secret: str, mask: str) -> Reply:
    left = document(heard).replace(secret, mask)
    return answer("block", "malicious", tool_detected=tool("malicious", left, dlp=True))


def masked_beside_an_allow(heard: Heard) -> Reply:
    return answer(tool_detected=tool("benign", document(heard).replace("hello", "****"), dlp=True))


AIRS = Case(
    use="prisma-airs",
    keys={"key": "env:KEY", "profile": "prod"},
    check=check,
    shown=shown,
    allow=lambda _: answer(),
    block=lambda _: answer("block", "malicious", tool_detected=tool("malicious", injection=True)),
    named=f"injection, malicious ({SCAN})",
    masked=masked,
    not_a_pass={
        "timeout beside allow": lambda _: answer(timeout=True),
        "error beside allow": lambda _: answer(error=True),
        "errors beside allow": lambda _: answer(
            errors=[{"content_type": "tool_event", "feature": "dlp", "status": "timeout"}]
        ),
        "a timeout that is no boolean": lambda _: answer(timeout="false"),
        "an action nobody knows": lambda _: answer("permit"),
        "a category nobody knows": lambda _: answer(category="unknown"),
        "a verdict nobody knows": lambda _: answer(tool_detected=tool("perhaps")),
        "no action": lambda _: answer(action=...),
        "no category": lambda _: answer(category=...),
        "no scan id": lambda _: answer(scan_id=...),
        "an action that is no text": lambda _: answer(action=True),
        "detections of another shape": lambda _: answer(prompt_detected=["injection"]),
        "a flag that is no boolean": lambda _: answer(prompt_detected={"injection": "yes"}),
        "an entry of another shape": lambda _: answer(tool_detected={"input_detected": {"detection_entries": ["x"]}}),
        "masked data beside an allow": masked_beside_an_allow,
    },
    noted={
        "malicious and allowed": lambda _: answer(category="malicious"),
        "detected and allowed": lambda _: answer(prompt_detected={"toxic_content": True}),
        "an alert": lambda _: answer("alert"),
        "a verdict about the tool": lambda _: answer(tool_detected=tool("malicious")),
    },
    long=3_000_000,
)

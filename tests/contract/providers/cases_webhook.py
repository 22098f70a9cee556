"""A service of one's own, by `docs/guards-webhook.md`."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from ostiary.core.screening import Side
from tests.contract.providers.case import Case
from tests.contract.providers.house import KEY, Heard, Reply


def check(heard: Heard, side: Side) -> None:
    assert (heard.method, heard.path) == ("POST", "/look?from=gateway")
    stamp = heard.headers["ostiary-timestamp"]
    assert stamp.isdigit()
    expected = hmac.new(KEY.encode(), stamp.encode() + b"." + heard.body, hashlib.sha256).hexdigest()
    assert heard.headers["ostiary-signature"] == f"v1={expected}"
    said = heard.json
    assert said.keys() == {"version", "side", "server", "tool", "method", "run", "part", "parts", "texts"}
    assert (said["version"], said["side"], said["server"]) == (1, side.value, "crm")
    assert (said["tool"], said["method"]) == ("crm.find", "tools/call")
    assert "ann" not in said["run"]
    assert 1 <= said["part"] <= said["parts"]
    for text in said["texts"]:
        assert {"path", "text"} <= text.keys() <= {"path", "text", "name", "fixed"}
        assert all(isinstance(step, str | int) for step in text["path"])


def masked(heard: Heard, secret: str, mask: str) -> Reply:
    replace = [
        {"path": each["path"], "text": each["text"].replace(secret, mask)}
        for each in heard.json["texts"]
        if secret in each["text"] and not each.get("fixed")
    ]
    return Reply({"action": "redact", "finding": "cards", "replace": replace})


def said(**members: Any) -> Reply:
    return Reply(members)


WEBHOOK = Case(
    use="webhook",
    keys={"key": "env:KEY"},
    path="/look?from=gateway",
    check=check,
    shown=lambda heard: [each["text"] for each in heard.json["texts"]],
    allow=lambda _: said(action="pass"),
    block=lambda _: said(action="block", finding="orders", reference="case-17"),
    named="orders (case-17)",
    masked=masked,
    not_a_pass={
        "no action": lambda _: said(finding="nothing"),
        "an action nobody knows": lambda _: said(action="allow"),
        "an action in capitals": lambda _: said(action="PASS"),
        "an action that is no text": lambda _: said(action=["pass"]),
        "a finding that is no text": lambda _: said(action="pass", finding=7),
        "nothing to put there": lambda _: said(action="redact", finding="cards"),
        "a replacement of another shape": lambda _: said(action="redact", replace=["x"]),
        "a replacement without a text": lambda _: said(action="redact", replace=[{"path": ["result"]}]),
        "a path of another shape": lambda _: said(action="redact", replace=[{"path": [True], "text": ""}]),
        "a place that was not shown": lambda _: said(action="redact", replace=[{"path": ["other"], "text": ""}]),
    },
    noted={"a note": lambda _: said(action="note", finding="odd")},
    long=900_000,
)

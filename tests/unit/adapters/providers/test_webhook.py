"""A service of one's own: what is signed, and what it may replace."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ostiary.adapters.providers.formats import Answer, Asked, Said, Setting
from ostiary.adapters.providers.webhook import provider, signature
from ostiary.core.screening import Side, Text

TEXTS = (
    Text(("arguments", "q", -1), "q", rigid=True), Text(("arguments", "q", 0), "bad"),
    Text(("arguments", "n"), "4111111111111111", rigid=True), Text(("arguments", "long"), "x" * 600_000),
)  # fmt: skip
ASKED = Asked(Side.REQUEST, "crm", "crm.find", "tools/call", "run", TEXTS)
HOOK = provider(Setting(url="https://guard.example.com/look", key="secret"))


def replaced(*replace: Any) -> Any:
    said = {"action": "redact", "finding": "cards", "replace": list(replace)}
    got = Answer(200, {"content-type": "application/json; charset=utf-8"}, json.dumps(said).encode())
    return HOOK.read(HOOK.request(ASKED, 0.0)[0], got).masked


def test_a_request_is_signed_over_its_time_and_its_body() -> None:
    """Ours; the value is what `printf 1.body | openssl dgst -sha256 -hmac key` prints."""
    assert signature(b"key", "1", b"body") == "91b5374b153842ad05b2c4eab9349b8321b14703165bd3fb8b034dfb8be98ae5"
    first, *_ = HOOK.request(ASKED, 1_700_000_000.9)
    stamp = first.headers["ostiary-timestamp"]
    assert stamp == "1700000000"
    assert first.headers["ostiary-signature"] == f"v1={signature(b'secret', stamp, first.body)}"
    unsigned, *_ = provider(Setting(url="https://guard.example.com/look")).request(ASKED, 0.0)
    assert "ostiary-signature" not in unsigned.headers


def test_every_text_says_what_it_is() -> None:
    shown = [text for each in HOOK.request(ASKED, 0.0) for text in json.loads(each.body)["texts"]]
    assert shown[:3] == [
        {"path": ["arguments", "q"], "text": "q", "name": True, "fixed": True},
        {"path": ["arguments", "q", 0], "text": "bad"},
        {"path": ["arguments", "n"], "text": "4111111111111111", "fixed": True},
    ]
    assert all(text["fixed"] for text in shown[3:])
    assert len(shown) > 4


def test_parts_are_counted() -> None:
    sent = [json.loads(each.body) for each in HOOK.request(ASKED, 0.0)]
    assert [(each["part"], each["parts"]) for each in sent] == [(n + 1, len(sent)) for n in range(len(sent))]


def test_only_what_may_be_replaced_is() -> None:
    good = {"path": ["arguments", "q", 0], "text": "***"}
    assert replaced(good) == {("arguments", "q", 0): "***"}
    assert replaced() == {}
    for path in (["arguments", "n"], ["arguments", "long"], ["arguments", "q"], ["arguments", "q", -1], ["q"], []):
        assert replaced({"path": path, "text": "***"}) is None
        assert replaced(good, {"path": path, "text": "***"}) is None
    assert replaced(good, {**good, "text": "+++"}) is None


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"action": "pass", "finding": "nothing"}, Said(False)),
        ({"action": "note"}, Said(False, ("note",))),
        ({"action": "block"}, Said(True, ("block",))),
        ({"action": "block", "finding": "Très odd\n"}, Said(True, ("Tr-s-odd",))),
        ({"action": "block", "replace": [{"path": [], "text": ""}]}, Said(True, ("block",))),
    ],
)
def test_an_action_is_what_it_says(answer: Any, said: Said) -> None:
    got = Answer(200, {"content-type": "application/json"}, json.dumps(answer).encode())
    assert HOOK.read(HOOK.request(ASKED, 0.0)[0], got) == said


def test_an_address_is_needed() -> None:
    with pytest.raises(ValueError, match="`url`"):
        provider(Setting(key="secret"))

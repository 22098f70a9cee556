"""Prisma AIRS: where it is, what one request may hold, and what of an answer can be placed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ostiary.adapters.providers.airs import provider
from ostiary.adapters.providers.formats import Answer, Asked, Said, Setting, Unreadable
from ostiary.core.screening import Side, Text

LARGEST = 2 * 1024 * 1024


def asked(*texts: Text, side: Side = Side.ANSWER) -> Asked:
    return Asked(side, "crm", "crm.find", "tools/call", "run", texts)


def made(**more: Any) -> Any:
    return provider(Setting(**{"key": "k", "profile": "prod", **more}))


@pytest.mark.parametrize(
    ("keys", "url"),
    [
        ({}, "https://service.api.aisecurity.paloaltonetworks.com/v1/scan/sync/request"),
        ({"region": "US"}, "https://service.api.aisecurity.paloaltonetworks.com/v1/scan/sync/request"),
        ({"region": "de"}, "https://service-de.api.aisecurity.paloaltonetworks.com/v1/scan/sync/request"),
        ({"url": "https://airs.example.com"}, "https://airs.example.com/v1/scan/sync/request"),
        ({"url": "https://airs.example.com/v1/scan/sync/request/"}, "https://airs.example.com/v1/scan/sync/request"),
    ],
)
def test_it_is_asked_in_its_region_or_at_an_address(keys: dict[str, str], url: str) -> None:
    (sent,) = made(**keys).request(asked(Text(("a",), "x")), 0.0)
    assert (sent.method, sent.url, sent.headers["x-pan-token"]) == ("POST", url, "k")


@pytest.mark.parametrize(
    ("keys", "lacks"), [({"key": ""}, "key"), ({"profile": ""}, "profile"), ({"region": "e.evil/x"}, "region")]
)
def test_what_is_missing_is_told(keys: dict[str, str], lacks: str) -> None:
    with pytest.raises(ValueError, match=f"`{lacks}`"):
        made(**keys)


def test_a_profile_is_named_or_identified() -> None:
    ident = "9a3c0f5f-7c55-4f5c-9a3c-0f5f4f4f7c11"
    for profile, member in (("prod", "profile_name"), (ident, "profile_id")):
        (sent,) = made(profile=profile).request(asked(Text(("a",), "x")), 0.0)
        assert json.loads(sent.body)["ai_profile"] == {member: profile}


@pytest.mark.parametrize("side", list(Side))
def test_definitions_and_arguments_are_input_and_answers_output(side: Side) -> None:
    (sent,) = made().request(asked(Text(("a",), "x"), side=side), 0.0)
    (content,) = json.loads(sent.body)["contents"]
    assert content["tool_event"]["output" if side is Side.ANSWER else "input"] == '{"a":"x"}'


@pytest.mark.parametrize("character", ["x", '"', "\\", "\x01", "\U0001f600", "é"])
def test_no_request_is_larger_than_it_may_be_and_no_character_is_left_out(character: str) -> None:
    """A character takes up to 13 bytes in a document within a document."""
    text = character * 1_200_000 + "the end"
    sent = made().request(asked(Text(("a",), text), Text(("b",), "short")), 0.0)
    assert max(len(each.body) for each in sent) <= LARGEST
    events = [json.loads(each.body)["contents"][0]["tool_event"]["output"] for each in sent]
    parts = [json.loads(each) for each in events]
    assert sum(len(part.get("a", "")) for part in parts) >= len(text)
    assert parts[-1]["a"].endswith("the end")
    assert parts[-1]["b"] == "short"
    assert not any(portion.whole for each in sent for portion in each.portions if portion.path == ("a",))


def answer(**more: Any) -> Answer:
    said = {"action": "block", "category": "malicious", "scan_id": "s-1", "report_id": "r-1", **more}
    return Answer(200, {"content-type": "application/json"}, json.dumps(said).encode())


def said(masked: list[str], **detections: bool) -> Said:
    entries = [{"detections": detections, "masked_data": {"data": each}} for each in masked]
    provider_ = made()
    (sent,) = provider_.request(asked(Text(("a",), "bad"), Text(("b",), "good")), 0.0)
    found = provider_.read(sent, answer(tool_detected={"output_detected": {"detection_entries": entries}}))
    assert isinstance(found, Said)
    return found


def test_masked_data_is_placed_where_data_is_all_that_it_objects_to() -> None:
    masked = '{"a":"***","b":"good"}'
    assert said([masked], dlp=True).masked == {("a",): "***"}
    assert said([masked, masked], dlp=True).masked == {("a",): "***"}
    assert said([masked], dlp=True, injection=True).masked is None
    assert said([masked, '{"a":"***","b":"****"}'], dlp=True).masked is None
    assert said(["***"], dlp=True).masked is None
    assert said([], dlp=True).masked is None


def test_an_answer_of_an_older_format_without_what_may_be_missing_is_read() -> None:
    provider_ = made()
    (sent,) = provider_.request(asked(Text(("a",), "x")), 0.0)
    assert provider_.read(sent, answer(action="allow", category="benign")) == Said(False, reference="s-1")
    with pytest.raises(Unreadable):
        provider_.read(sent, answer(action="allow", category="benign", timeout=1))

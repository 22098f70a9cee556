"""Security systems' formats: what they demand is there, and no text of a caller's begins a line or a field."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.protocol import cef, leef, ocsf, otlp_logs, syslog
from ostiary.protocol.happening import Happening, happening
from tests.unit.protocol.happenings import CHAIN, EVIL, call, event, evil, told

TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
LIES = st.builds(
    lambda text: call(subject=text, tool=text, detail=text, outcome=text, principal={"subject": text}), TEXT
)


def cef_parts(line: str) -> tuple[list[str], dict[str, str]]:
    """Read CEF as its specification says."""
    *head, rest = re.split(r"(?<!\\)(?:\\\\)*\|", line, maxsplit=7)
    keys = list(re.finditer(r"(?:^| )([A-Za-z0-9_]+)=", re.sub(r"\\.", "__", rest)))
    ends = [each.start() for each in keys[1:]] + [len(rest)]
    return head, {each[1]: rest[each.end() : end] for each, end in zip(keys, ends, strict=True)}


def leef_parts(line: str) -> tuple[list[str], dict[str, str]]:
    head, rest = line.split("|")[:6], line.split("|", 6)[6]
    return head, dict(each.split("=", 1) for each in rest.split("\t"))


# CEF


def test_cef_has_a_head_of_seven_and_pairs() -> None:
    head, pairs = cef_parts(cef.line(told(trace="a" * 32, findings=["iban"]), "1.0"))
    assert head[:4] == ["CEF:0", "Ostiary", "Ostiary MCP Gateway", "1.0"]
    assert head[4:7] == ["call:answered", "alice called files.read: answered", "6"]
    assert (pairs["suser"], pairs["src"], pairs["rt"], pairs["in"]) == ("alice", "10.0.0.9", "1795341600123", "5")
    assert (pairs["cs1Label"], pairs["cs1"], pairs["cs4"]) == ("Tool", "files.read", "a" * 32)
    assert pairs["externalId"] == told().uid


@pytest.mark.parametrize(("peer", "key"), [("10.0.0.9", "src"), ("::1", "c6a2"), ("somewhere", "shost")])
def test_cef_names_where_a_call_came_from(peer: str, key: str) -> None:
    assert cef_parts(cef.line(told(peer=peer), "1"))[1][key] == peer


def test_cef_of_nothing_known_is_still_cef() -> None:
    head, _ = cef_parts(cef.line(happening({"type": "outcome"}, ""), "1"))
    assert head[4] == "call:unknown"


@given(LIES)
def test_no_text_begins_a_field_or_a_line_of_cef(record: dict[str, Any]) -> None:
    line = cef.line(happening(record, CHAIN), "1")
    assert line.isprintable()
    known = set(cef_parts(cef.line(happening(evil(), CHAIN), "1"))[1]) | set(cef_parts(cef.line(told(), "1"))[1])
    head, pairs = cef_parts(line)
    assert len(head) == 7
    assert set(pairs) <= known


def test_a_lie_in_cef_stays_a_value() -> None:
    line = cef.line(happening(evil(), CHAIN), "1")
    head, pairs = cef_parts(line)
    assert len(head) == 7
    assert "root" in pairs["suser"]
    assert "\n" not in line
    assert r"suser\=root" in line


# LEEF


def test_leef_has_a_head_of_six_and_pairs_between_tabs() -> None:
    head, pairs = leef_parts(leef.line(told(), "1.0"))
    assert head == ["LEEF:2.0", "Ostiary", "Ostiary MCP Gateway", "1.0", "call:answered", "x09"]
    assert (pairs["usrName"], pairs["resource"], pairs["sev"]) == ("alice", "files.read", "1")
    assert leef_parts(leef.line(happening({"type": "outcome"}, ""), "1"))[0][4] == "call:unknown"


@given(LIES)
def test_no_text_begins_a_field_or_a_line_of_leef(record: dict[str, Any]) -> None:
    line = leef.line(happening(record, CHAIN), "1")
    assert line.replace("\t", "").isprintable()
    assert set(leef_parts(line)[1]) <= set(leef_parts(leef.line(happening(evil(), CHAIN), "1"))[1])


def test_a_lie_in_leef_stays_a_value() -> None:
    head, pairs = leef_parts(leef.line(happening(evil(), CHAIN), "1"))
    assert len(head) == 6
    assert "|" not in head[4]
    assert r"suser\=root" in pairs["usrName"]


# OCSF: what is required is written down here from the schema's own files (github.com/ocsf/ocsf-schema, 1.3.0:
# events/base_event.json, events/application/api_activity.json, objects/{metadata,product,api,actor,network_endpoint}).

BASE = ("activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid")
API = (*BASE, "actor", "api", "src_endpoint")
ACTOR = ("process", "user", "invoked_by", "session", "app_name", "app_uid")
ENDPOINT = ("ip", "uid", "name", "hostname", "svc_name", "instance_uid", "interface_uid", "interface_name")


def complete(made: Any, required: tuple[str, ...]) -> None:
    assert set(required) <= set(made)
    assert {"product", "version"} <= set(made["metadata"])
    assert {"name", "vendor_name"} <= set(made["metadata"]["product"])
    assert made["type_uid"] == made["class_uid"] * 100 + made["activity_id"]


@pytest.mark.parametrize(
    "record",
    [call(), evil(), {"type": "outcome"}, call(method="resources/read"), call(outcome="forbidden", session="s", trace="t"),
     call(decision={"effect": "deny"}, detail="no rule", ms={"total": 0})],
)  # fmt: skip
def test_ocsf_has_all_that_the_schema_requires_of_api_activity(record: dict[str, Any]) -> None:
    made = ocsf.event(happening(record, CHAIN), "1")
    complete(made, API)
    assert made["class_uid"] == 6003
    assert made["api"]["operation"]
    assert set(ACTOR) & set(made["actor"])
    assert set(ENDPOINT) & set(made["src_endpoint"])
    assert all(each.isprintable() for each in texts(made))


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inner for text in texts(each)]


def test_ocsf_says_what_was_allowed_and_what_failed() -> None:
    good, denied = ocsf.event(told(), "1"), ocsf.event(told(decision={"effect": "deny"}, outcome="forbidden"), "1")
    assert (good["status_id"], good["action_id"], good["activity_name"]) == (1, 1, "tools/call")
    assert (denied["status_id"], denied["action_id"]) == (2, 2)
    assert ocsf.event(told(method="prompts/get"), "1")["activity_id"] == 2


def test_an_event_of_ours_is_a_base_event_of_ocsf() -> None:
    made = ocsf.event(event(kind="torn"), "1")
    complete(made, BASE)
    assert (made["class_uid"], made["activity_name"], made["severity_id"]) == (0, "torn", 3)


# OTLP


def attributes(record: Any) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in record["attributes"]}


def test_otlp_has_one_log_record_for_each() -> None:
    made = otlp_logs.request([told(trace="a" * 32, findings=["x"]), event()], "1.0", "host")
    scope = made["resourceLogs"][0]["scopeLogs"][0]
    first, second = scope["logRecords"]
    assert attributes(made["resourceLogs"][0]["resource"])["service.name"] == "ostiary"
    assert (first["timeUnixNano"], first["severityText"], first["traceId"]) == ("1795341600123000000", "WARN", "a" * 32)
    said = attributes(first)
    assert (said["log.record.uid"], said["ostiary.ledger.n"], said["ostiary.milliseconds"]) == (told().uid, "7", 4.5)
    assert said["ostiary.findings"] == {"values": [{"stringValue": "x"}]}
    assert "traceId" not in second
    assert second["eventName"] == "ostiary.event"


@given(LIES)
def test_otlp_is_json_whatever_is_said(record: dict[str, Any]) -> None:
    raw = msgspec.json.encode(otlp_logs.request([happening(record, CHAIN)], "1", "h"))
    assert all(each.isprintable() for each in texts(json.loads(raw)))


@pytest.mark.parametrize(
    ("body", "count"),
    [(b"{}", 0), (b"", 0), (b'{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"why"}}', 3), (b"no", 0), (b"[]", 0),
     (b'{"partialSuccess":{"rejectedLogRecords":[]}}', 0), (b'{"partialSuccess":{"rejectedLogRecords":"many"}}', 0)],
)  # fmt: skip
def test_what_a_collector_rejected_is_counted(body: bytes, count: int) -> None:
    assert otlp_logs.rejected(body)[0] == count


# Syslog


HEAD = re.compile(
    rb'<(\d{1,3})>1 (\S+) (\S{1,255}) ostiary (\S{1,128}) (\S{1,32}) \[ostiary@32473((?: [a-z]+="(?:[^"\\\]]|\\.)*")*)\] (.*)',
    re.DOTALL,
)


def sent(made: Happening, body: str = "body", host: str = "host.example") -> re.Match[bytes]:
    found = HEAD.fullmatch(syslog.message(made, body, host=host, process="12"))
    assert found is not None
    return found


def test_a_syslog_message_is_what_rfc_5424_says() -> None:
    found = sent(told())
    assert found[1] == b"110"
    assert found[2] == b"2026-11-22T10:00:00.123Z"
    assert f' id="{told().uid}"'.encode() in found[6]
    assert found[7] == b"\xef\xbb\xbfbody"


def test_a_name_that_fits_no_header_is_made_to_fit() -> None:
    assert sent(told(), host="my host\n")[3] == b"my_host_"
    assert sent(told(), host="")[3] == b"-"
    assert sent(told(time="soon enough"))[2] == b"-"
    assert sent(told(time=""))[2] == b"-"


@given(TEXT)
def test_no_text_ends_structured_data_or_begins_a_line_of_syslog(text: str) -> None:
    found = sent(told(reference=text, hash=text), text)
    assert b"\n" not in found[0]
    assert b"\r" not in found[0]


def test_a_lie_in_syslog_stays_where_it_was_said() -> None:
    found = sent(happening(evil(), CHAIN), EVIL)
    assert b'\\"' in found[6]
    assert b"\\]" in found[6]
    assert b"\x00" not in found[0]


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=6), st.integers(0, 400))
def test_messages_are_framed_by_their_length(messages: list[bytes], cut: int) -> None:
    """RFC 5425 section 4.3: octet counting, so that no byte of a message can end it."""
    stream = b"".join(map(syslog.framed, messages))
    first, rest = syslog.unframed(stream[:cut])
    second, left = syslog.unframed(rest + stream[cut:])
    assert first + second == messages
    assert left == b""


@pytest.mark.parametrize("stream", [b"x message", b"05 12345", b"-1 x"])
def test_what_begins_with_no_length_is_refused(stream: bytes) -> None:
    with pytest.raises(ValueError, match="no length"):
        syslog.unframed(stream)

"""OpenTelemetry's protocol for logs, in JSON: a batch of happenings as one request, and what an answer means. Pure.

The JSON form (OTLP 1.x, "JSON Protobuf Encoding") has names in lowerCamelCase, 64-bit numbers as text, and identifiers
of traces in hexadecimal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from ostiary.protocol.happening import Happening

_SEVERITIES: Final = ((9, "INFO"), (10, "INFO2"), (13, "WARN"), (17, "ERROR"))
_TRACE: Final = 32
_SCOPE: Final = "ostiary.ledger"
AGAIN: Final = frozenset({408, 429, 502, 503, 504})
"""Answers after which the same request may succeed (OTLP, "Retryable Response Codes"), and a slow receiver's 408."""


def request(batch: Sequence[Happening], version: str, host: str) -> Mapping[str, Any]:
    """Return the request that brings a batch."""
    about = [("service.name", "ostiary"), ("service.version", version), ("host.name", host)]
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": _attributes(dict(about))},
                "scopeLogs": [{"scope": {"name": _SCOPE, "version": version}, "logRecords": [*map(_record, batch)]}],
            }
        ]
    }


def rejected(body: bytes) -> tuple[int, str]:
    """Return how many records a receiver that answered 200 did not take, and why."""
    try:
        said = msgspec.json.decode(body) if body.strip() else {}
        partial = said.get("partialSuccess") or {}
        return int(partial.get("rejectedLogRecords") or 0), str(partial.get("errorMessage") or "")[:200]
    except (msgspec.MsgspecError, UnicodeDecodeError, AttributeError, TypeError, ValueError):
        return 0, ""


def _record(told: Happening) -> Mapping[str, Any]:
    number, name = _SEVERITIES[told.severity]
    record: dict[str, Any] = {
        "timeUnixNano": str(told.millis * 1_000_000), "severityNumber": number, "severityText": name,
        "eventName": f"ostiary.{told.type}", "body": {"stringValue": told.told},
        "attributes": _attributes(_facts(told)),
    }  # fmt: skip
    if len(told.trace) == _TRACE:
        record["traceId"] = told.trace
    return record


def _facts(told: Happening) -> Mapping[str, Any]:
    return {
        "log.record.uid": told.uid, "ostiary.ledger.n": told.n, "ostiary.ledger.hash": told.hash,
        "ostiary.reference": told.reference, "user.id": told.subject, "ostiary.issuer": told.issuer,
        "ostiary.credential": told.client, "ostiary.agent": told.agent, "ostiary.program": told.program,
        "client.address": told.peer, "url.path": told.endpoint, "mcp.method.name": told.method,
        "mcp.session.id": told.session, "ostiary.server": told.server, "ostiary.tool": told.tool,
        "ostiary.decision": told.decision, "ostiary.rule": told.rule, "ostiary.reason": told.reason,
        "ostiary.outcome": told.outcome, "ostiary.detail": told.detail, "ostiary.findings": list(told.findings),
        "ostiary.task": told.task, "ostiary.run": told.run, "ostiary.request.size": told.request_bytes,
        "ostiary.answer.size": told.answer_bytes, "ostiary.milliseconds": told.ms,
    }  # fmt: skip


def _attributes(facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in facts.items() if value]


def _value(value: Any) -> Mapping[str, Any]:
    match value:
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [_value(each) for each in value]}}
        case _:
            return {"stringValue": str(value)}

"""Open Cybersecurity Schema Framework 1.3: a call is API Activity (6003), an event of ours a Base Event (0). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final

from ostiary.protocol.happening import PRODUCT, VENDOR, Happening

VERSION: Final = "1.3.0"
_CLASS: Final = 6003
_CATEGORY: Final = 6
_READ: Final = 2
_OTHER: Final = 99
_SEVERITIES: Final = (1, 2, 3, 4)
"""Informational, low, medium, high, for a happening's severities."""
_SUCCESS: Final = 1
_FAILURE: Final = 2
_ALLOWED: Final = 1
_DENIED: Final = 2


def event(told: Happening, version: str) -> Mapping[str, Any]:
    """Return an event of the schema: its required members always, others where there is something to say."""
    whole = _call(told) if told.type == "call" else _base(told)
    return {**whole, "metadata": _metadata(told, version)}


def _base(told: Happening) -> dict[str, Any]:
    return {
        "activity_id": _OTHER, "activity_name": told.outcome, "category_uid": 0, "class_uid": 0, "type_uid": _OTHER,
        "severity_id": _SEVERITIES[told.severity], "time": told.millis, "message": told.told,
        "unmapped": {"facts": told.detail},
    }  # fmt: skip


def _call(told: Happening) -> dict[str, Any]:
    activity = _READ if told.method.endswith(("/get", "/read", "/list")) else _OTHER
    whole: dict[str, Any] = {
        "activity_id": activity, "category_uid": _CATEGORY, "class_uid": _CLASS, "type_uid": _CLASS * 100 + activity,
        "severity_id": _SEVERITIES[told.severity], "time": told.millis, "message": told.told,
        "status_id": _SUCCESS if told.outcome in {"answered", "input_required"} else _FAILURE,
        "status_code": told.outcome or "unknown", "actor": _actor(told), "api": _api(told),
        "src_endpoint": _endpoint(told.peer), "unmapped": _rest(told),
    }  # fmt: skip
    if activity == _OTHER:
        whole["activity_name"] = told.method or "call"
    if told.detail:
        whole["status_detail"] = told.detail
    if told.server:
        whole["dst_endpoint"] = {"svc_name": told.server}
    if told.tool:
        whole["resources"] = [{"name": told.tool, "type": told.method or "call"}]
    if told.decision:
        whole["action_id"] = _DENIED if told.denied else _ALLOWED
    if told.ms:
        whole["duration"] = round(told.ms)
    return whole


def _actor(told: Happening) -> dict[str, Any]:
    # One of these has to be there (a constraint of the object), also where nobody was recognized.
    user = {"name": told.subject or "unknown", **({"domain": told.issuer} if told.issuer else {})}
    named = {"app_name": told.program, "app_uid": told.agent or told.client}
    session = {"session": {"uid": told.session}} if told.session else {}
    return {"user": user, **{name: value for name, value in named.items() if value}, **session}


def _api(told: Happening) -> dict[str, Any]:
    named: dict[str, Any] = {"operation": told.method or "unknown", "request": {"uid": told.reference or told.uid}}
    return {**named, "service": {"name": told.server}} if told.server else named


def _endpoint(peer: str) -> dict[str, str]:
    try:
        return {"ip": str(ip_address(peer))}
    except ValueError:
        return {"name": peer or "unknown"}


def _rest(told: Happening) -> dict[str, Any]:
    rest = {
        "rule": told.rule, "reason": told.reason, "findings": list(told.findings), "trace": told.trace,
        "task": told.task, "run": told.run, "endpoint": told.endpoint, "request_bytes": told.request_bytes,
        "answer_bytes": told.answer_bytes, "hash": told.hash,
    }  # fmt: skip
    return {name: value for name, value in rest.items() if value}


def _metadata(told: Happening, version: str) -> dict[str, Any]:
    known = {"correlation_uid": told.trace or told.reference, "original_time": told.time}
    return {
        "version": VERSION, "uid": told.uid, "sequence": told.n, "log_name": "ledger",
        "product": {"name": PRODUCT, "vendor_name": VENDOR, "version": version},
        **{name: value for name, value in known.items() if value},
    }  # fmt: skip

"""ArcSight's Common Event Format, version 0 (CEF:0): one line for each happening. Pure."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from ostiary.protocol.happening import PRODUCT, VENDOR, Happening

_SEVERITIES: Final = (1, 4, 6, 9)
"""Of 0 to 10, for a happening's severities."""


def line(told: Happening, version: str) -> str:
    """Return one line without its end."""
    named = told.outcome or "unknown"
    head = (VENDOR, PRODUCT, version, f"{told.type}:{named}", told.told)
    severity = _SEVERITIES[told.severity]
    pairs = " ".join(f"{key}={_value(value)}" for key, value in _pairs(told) if value)
    return f"CEF:0|{'|'.join(map(_header, head))}|{severity}|{pairs}"


def _pairs(told: Happening) -> list[tuple[str, str]]:
    return [
        ("rt", str(told.millis)), ("externalId", told.uid), ("act", told.decision), ("outcome", told.outcome),
        ("reason", told.reason), ("suser", told.subject), ("sntdom", told.issuer), _source(told.peer),
        ("app", "MCP"), ("requestMethod", told.method), ("request", told.endpoint),
        ("requestClientApplication", told.program), ("destinationServiceName", told.server),
        ("in", _number(told.answer_bytes)), ("out", _number(told.request_bytes)), ("msg", told.detail),
        *_labelled("cs1", "Tool", told.tool), *_labelled("cs2", "Rule", told.rule),
        *_labelled("cs3", "Credential", told.client), *_labelled("cs4", "Trace", told.trace),
        *_labelled("cs5", "Session", told.session), *_labelled("cs6", "Findings", "; ".join(told.findings)),
        *_labelled("cfp1", "Milliseconds", f"{told.ms:.3f}" if told.ms else ""),
        *_labelled("flexString1", "Reference", told.reference), *_labelled("flexString2", "Hash", told.hash),
    ]  # fmt: skip


def _source(peer: str) -> tuple[str, str]:
    try:
        address = ip_address(peer)
    except ValueError:
        return "shost", peer
    return ("src" if address.version == 4 else "c6a2"), peer  # noqa: PLR2004 - `src` is an IPv4 address in CEF


def _labelled(key: str, label: str, value: str) -> list[tuple[str, str]]:
    return [(f"{key}Label", label), (key, value)] if value else []


def _number(size: int) -> str:
    return str(size) if size else ""


def _header(text: str) -> str:
    """Return a field of the header, in which a pipe ends a field."""
    return text.replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    """Return a value, in which an equals sign could begin another one."""
    return text.replace("\\", "\\\\").replace("=", "\\=")

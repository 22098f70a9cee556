"""IBM QRadar's Log Event Extended Format, version 2.0: one line for each happening. Pure."""

from __future__ import annotations

import re
from typing import Final

from ostiary.protocol.happening import PRODUCT, VENDOR, Happening

_SEVERITIES: Final = (1, 4, 6, 9)
"""Of 1 to 10, for a happening's severities."""
_TAB: Final = "\t"
"""What is between attributes. It is a control character, so no text of a happening has one."""
_NAME: Final = re.compile(r"[^A-Za-z0-9_.:-]")


def line(told: Happening, version: str) -> str:
    """Return one line without its end."""
    # The header knows no escape for its pipe: these are constants and names.
    ident = _NAME.sub("_", f"{told.type}:{told.outcome or 'unknown'}")
    pairs = _TAB.join(f"{key}={_value(value)}" for key, value in _pairs(told) if value)
    return f"LEEF:2.0|{VENDOR}|{PRODUCT}|{_NAME.sub('_', version)}|{ident}|x09|{pairs}"


def _pairs(told: Happening) -> list[tuple[str, str]]:
    return [
        ("devTime", told.time), ("devTimeFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSX"), ("cat", told.type),
        ("sev", str(_SEVERITIES[told.severity])), ("usrName", told.subject), ("src", told.peer), ("proto", "MCP"),
        ("action", told.decision), ("outcome", told.outcome), ("policy", told.rule), ("reason", told.reason),
        ("resource", told.tool), ("server", told.server), ("method", told.method), ("url", told.endpoint),
        ("domain", told.issuer), ("credential", told.client), ("agent", told.agent), ("program", told.program),
        ("srcBytes", _number(told.request_bytes)), ("dstBytes", _number(told.answer_bytes)),
        ("milliseconds", f"{told.ms:.3f}" if told.ms else ""), ("findings", "; ".join(told.findings)),
        ("msg", told.detail), ("trace", told.trace), ("session", told.session), ("reference", told.reference),
        ("externalId", told.uid), ("hash", told.hash),
    ]  # fmt: skip


def _number(size: int) -> str:
    return str(size) if size else ""


def _value(text: str) -> str:
    """Return a value, in which an equals sign does not look like another attribute to a reader that looks for these."""
    return text.replace("\\", "\\\\").replace("=", "\\=")

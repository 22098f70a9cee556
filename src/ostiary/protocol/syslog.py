"""Syslog: messages (RFC 5424), and how they follow each other on a TLS connection (RFC 5425). Pure."""

from __future__ import annotations

import re
from typing import Final

from ostiary.protocol.happening import Happening

_AUDIT: Final = 13
"""Facility "log audit" (RFC 5424, table 1)."""
_SEVERITIES: Final = (6, 5, 4, 3)
"""Informational, notice, warning, error, for a happening's severities."""
_ENTERPRISE: Final = "32473"
"""The number that RFC 5612 keeps for examples: names of our structured data need one, and we have none of our own."""
_NOT_GRAPHIC: Final = re.compile(r"[^!-~]")
_NIL: Final = "-"
_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"


def message(told: Happening, body: str, *, host: str, process: str) -> bytes:
    """Return one message; its structured data name the record, so that a receiver knows one that comes again."""
    priority = _AUDIT * 8 + _SEVERITIES[told.severity]
    head = f"<{priority}>1 {_time(told.time)} {_name(host, 255)} ostiary {_name(process, 128)} {_name(told.type, 32)}"
    data = "".join(
        f' {name}="{_value(value)}"'
        for name, value in (("id", told.uid), ("n", str(told.n)), ("hash", told.hash), ("reference", told.reference))
        if value
    )
    # A message in UTF-8 begins with a byte order mark (section 6.4). Control characters were made visible before; what
    # a body has besides must not become a second line at a receiver that splits lines.
    text = "".join(each if each >= " " and each != "\x7f" else " " for each in body)
    return f"{head} [ostiary@{_ENTERPRISE}{data}] {_MARK}{text}".encode("utf-8", "backslashreplace")


def framed(said: bytes) -> bytes:
    """Return a message with its length before it (RFC 5425, section 4.3)."""
    return b"%d %b" % (len(said), said)


def unframed(received: bytes) -> tuple[list[bytes], bytes]:
    """Return the whole messages of what was received, and what is left; raise `ValueError` where there is no length."""
    found = []
    while (space := received.find(b" ")) >= 0:
        length = received[:space]
        if not length.isdigit() or length.startswith(b"0"):
            raise ValueError("a message that begins with no length")
        end = space + 1 + int(length)
        if len(received) < end:
            break
        found.append(received[space + 1 : end])
        received = received[end:]
    return found, received


def _time(time: str) -> str:
    return time if time and not _NOT_GRAPHIC.search(time) else _NIL


def _name(text: str, most: int) -> str:
    """Return a field of the header: visible ASCII without spaces."""
    return _NOT_GRAPHIC.sub("_", text)[:most] or _NIL


def _value(text: str) -> str:
    """Return a parameter's value; section 6.3.3 has these three escaped and no others."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")

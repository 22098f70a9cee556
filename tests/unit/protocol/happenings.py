"""Records to tell of, among them what an attacker would say."""

from __future__ import annotations

from typing import Any

from ostiary.protocol.happening import Happening, happening

CHAIN = "0123456789abcdef"
HASH = "ab" * 32
EVIL = 'x\r\n<13>1 forged\tCEF:0|a|b=c\\|suser=root ]"]\x1b[2J\u202e\u2028\x00\x7f\ud800'
"""Lines, fields, structured data, escapes, a terminal's commands, directions and half a character."""


def call(**changes: Any) -> dict[str, Any]:
    return {
        "n": 7, "prev": "0" * 64, "type": "outcome", "time": "2026-11-22T10:00:00.123Z", "reference": "r-7",
        "endpoint": "/mcp", "peer": "10.0.0.9", "principal": {"subject": "alice", "issuer": "https://id", "client": "tok"},
        "program": "agent", "method": "tools/call", "server": "files", "tool": "files.read",
        "decision": {"effect": "allow", "rule": "readers"}, "outcome": "answered", "bytes": {"in": 3, "out": 5},
        "ms": {"total": 4.5, "upstream": 2.0, "gateway": 2.5}, "hash": HASH, **changes,
    }  # fmt: skip


def evil() -> dict[str, Any]:
    """Return a call in which everybody lies."""
    said = dict.fromkeys(("reference", "endpoint", "peer", "program", "method", "server", "tool", "outcome", "detail",
                          "trace", "session", "task", "time", "hash"), EVIL)  # fmt: skip
    who = dict.fromkeys(("subject", "issuer", "client", "agent"), EVIL)
    judged = dict.fromkeys(("effect", "rule", "reason"), EVIL)
    return call(**said, principal=who, decision=judged, findings=[EVIL, EVIL], run={"id": EVIL})


def told(**changes: Any) -> Happening:
    return happening(call(**changes), CHAIN)


def event(**changes: Any) -> Happening:
    said = {"n": 8, "type": "event", "time": "2026-11-22T10:00:01.000Z", "kind": "start", "hash": HASH}
    return happening({**said, **changes}, CHAIN)

"""What alerts can be about: how calls ended, what was written into the ledger, and what lasts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

SERVER_DOWN: Final = "server_down"
LEDGER_STOPPED: Final = "ledger_stopped"

CALLS: Final[Mapping[str, frozenset[str]]] = MappingProxyType({
    "denied": frozenset({"forbidden", "not_found", "insufficient_scope"}),
    "unauthenticated": frozenset({"unauthenticated"}),
    "quarantined": frozenset({"quarantined"}),
    "limited": frozenset({"limited"}),
    "runaway": frozenset({"runaway"}),
    "blocked": frozenset({"blocked"}),
    "held": frozenset({"held"}),
    "tool_error": frozenset({"tool_error", "rpc_error"}),
    "upstream_failed": frozenset({
        "upstream_unreachable", "upstream_lost", "upstream_timeout", "upstream_garbled", "upstream_no_handshake",
        "upstream_refused",
    }),
    "overloaded": frozenset({"overloaded"}),
    "unwritable": frozenset({"ledger_stopped"}),
})  # fmt: skip
"""Kinds that are calls, and the outcomes that each stands for."""

LASTING: Final[Mapping[str, str]] = MappingProxyType({
    SERVER_DOWN: "server", LEDGER_STOPPED: "", "checkpoints_failed": "place", "export_failed": "export",
    "guard_failed": "guard",
})  # fmt: skip
"""Kinds that last until they are over, and the fact that says of what."""

OVER: Final[Mapping[str, str]] = MappingProxyType({
    "server_up": SERVER_DOWN, "ledger_resumed": LEDGER_STOPPED, "checkpoints_recovered": "checkpoints_failed",
    "export_recovered": "export_failed", "guard_recovered": "guard_failed",
})  # fmt: skip
"""What says that something which lasts is over."""

EVENTS: Final = (
    "alert_failed", "anomaly", "authorization_refused", "budget_warning", "call_approved", "call_held", "call_refused",
    "config_activated", "config_refused", "definition_held", "grant_revoked", "identity_changed", "login_refused",
    "quarantine_added", "quarantine_lifted", "revocation_refused", "start", "token_created", "token_refused",
    "token_revoked", "token_rotated",
)  # fmt: skip
"""Kinds that happen at a moment: events of the ledger."""

KINDS: Final = (*CALLS, *LASTING, *EVENTS)


class Happening(Struct, frozen=True):
    """Something that alerts may be about, once or several times alike."""

    kind: str
    """Empty: a call that nothing is wrong with."""
    at: float
    server: str = ""
    tool: str = ""
    caller: str = ""
    thing: str = ""
    """Of what lasts: what it lasts of."""
    words: str = ""
    reference: str = ""
    count: int = 1
    call: bool = False
    over: bool = False
    """What lasted has ended."""


def kind_of(outcome: str) -> str:
    """Return the kind that calls with this outcome are; empty: none."""
    return _OF_OUTCOME.get(outcome, "")


_OF_OUTCOME: Final = {outcome: kind for kind, outcomes in CALLS.items() for outcome in outcomes}

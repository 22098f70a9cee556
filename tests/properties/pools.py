"""What generated gateways are made of. Names come from small pools, so that rules meet what there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.properties.world import PROMPT, RESOURCE, TEMPLATE, TOOL

SERVERS: Final = ("alpha", "beta")
LATER: Final = "gamma"
"""The server that is added."""
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    TOOL: ("read", "drop", "find", "read.all", "Move"),
    PROMPT: ("greet", "ask"),
    RESOURCE: ("note://1", "note://2", "file:///a"),
    TEMPLATE: ("file:///{path}", "doc:///{+path}", "note://{id}"),
}
KINDS: Final = (TOOL, TOOL, TOOL, TOOL, PROMPT, RESOURCE, TEMPLATE)
TYPES: Final = {"path": "string", "amount": "integer", "force": "boolean"}
ROLES, TEAMS, SCOPES = ("dev", "ops"), ("a", "b"), ("read", "write")
TOKENS, CLIENTS = ("tok_1", "tok_2"), ("ide", "web")
SUBJECTS, AGENTS = ("ann", "bob"), ("bot", "rover")
REGIONS: Final[tuple[Mapping[str, Any], ...]] = ({}, {"region": "eu"}, {"region": "us"}, {"region": 3})
NIGHT, DAY = 1_767_578_400.0, 1_767_614_400.0
"""Monday, 2026-01-05, at 02:00 and at 12:00 UTC."""
HINTS: Final[tuple[Mapping[str, Any], ...]] = (
    {}, {"readOnlyHint": True}, {"destructiveHint": False}, {"destructiveHint": True},
    {"readOnlyHint": True, "destructiveHint": True}, {"readOnlyHint": "yes"},
)  # fmt: skip
OWN: Final[tuple[Mapping[str, Any], ...]] = (
    {}, {}, {}, {}, {"read_only": True}, {"read_only": False}, {"destructive": True}, {"destructive": False},
    {"disabled": True},
)  # fmt: skip
"""What an operator knows better."""
DURING: Final[tuple[Mapping[str, Any], ...]] = (
    {"days": ["mon-fri"], "hours": "08:00-18:00"}, {"days": ["sun-tue"]}, {"hours": "22:00-06:00"}, {"days": ["sat-sun"]},
    {"days": ["sun"], "hours": "20:00-04:00"}, {"hours": "00:00-08:00", "zone": "America/New_York"},
)  # fmt: skip
ARGUED: Final = ("alpha.*", "*.read", "*.*", "*.*", "*.r*", "alpha.prompt/*", "*.prompt/*", "beta.*", "*.drop")
"""Patterns of what has arguments."""
WIDE: Final = (
    *ARGUED, "*", "*", "*", "alpha:*", "*:note://*", "*:file:///a", "*:file:///*", "beta:doc:///pub/*", "*:note://9",
)  # fmt: skip
FIXED: Final[Mapping[str, tuple[Any, ...]]] = {
    "string": ("/a", "/srv/docs/x"), "integer": (5, 500), "boolean": (True, False),
}  # fmt: skip
NEW_NAMES: Final = ("find_person", "open-it", "alpha__read")
SHUT: Final = (("person", "ANN"), ("person", "bob"), ("agent", "bot"), ("token", "tok_2"), ("client", "Ide"))

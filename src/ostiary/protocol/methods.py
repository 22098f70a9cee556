"""Every method that the gateway carries: what it reaches, which parameter names that, and in which era. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from ostiary.core.model import Era, Kind

_BOTH: Final = frozenset(Era)
_MODERN: Final = frozenset({Era.MODERN})
_HANDSHAKE: Final = frozenset({Era.HANDSHAKE})


class Method(Struct, frozen=True):
    """What a method reaches."""

    kind: Kind
    key: str | None
    """The parameter that names the target; None: the gateway itself answers."""
    eras: frozenset[Era]
    lists: Kind | None = None
    field: str = ""
    """A listing's member in the result."""
    cached: bool = False
    """Modern results carry `ttlMs` and `cacheScope` (2026-07-28, caching)."""


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "tools/call": Method(Kind.TOOL, "name", _BOTH),
        "prompts/get": Method(Kind.PROMPT, "name", _BOTH),
        "resources/read": Method(Kind.RESOURCE, "uri", _BOTH, cached=True),
        "resources/subscribe": Method(Kind.RESOURCE, "uri", _HANDSHAKE),
        "resources/unsubscribe": Method(Kind.RESOURCE, "uri", _HANDSHAKE),
        "completion/complete": Method(Kind.PROMPT, "ref", _BOTH),
        "tasks/get": Method(Kind.TOOL, "taskId", _MODERN),
        "tasks/update": Method(Kind.TOOL, "taskId", _MODERN),
        "tasks/cancel": Method(Kind.TOOL, "taskId", _MODERN),
        "tools/list": Method(Kind.GATEWAY, None, _BOTH, Kind.TOOL, "tools", cached=True),
        "prompts/list": Method(Kind.GATEWAY, None, _BOTH, Kind.PROMPT, "prompts", cached=True),
        "resources/list": Method(Kind.GATEWAY, None, _BOTH, Kind.RESOURCE, "resources", cached=True),
        "resources/templates/list": Method(Kind.GATEWAY, None, _BOTH, Kind.TEMPLATE, "resourceTemplates", cached=True),
        "server/discover": Method(Kind.GATEWAY, None, _MODERN, cached=True),
        "subscriptions/listen": Method(Kind.GATEWAY, None, _MODERN),
        "initialize": Method(Kind.GATEWAY, None, _HANDSHAKE),
        "ping": Method(Kind.GATEWAY, None, _HANDSHAKE),
        "logging/setLevel": Method(Kind.GATEWAY, None, _HANDSHAKE),
    }
)

# What a handshake-era client does by other means than a request gets names of our own, so that it walks the same twelve
# steps: posting the answer to a server's request, opening the GET stream, ending the session by DELETE, opening a
# channel of the HTTP+SSE transport, and posting several messages at once.
ANSWER: Final = "gateway/answer"
STREAM: Final = "gateway/stream"
END: Final = "gateway/end"
CHANNEL: Final = "gateway/channel"
BATCH: Final = "gateway/batch"
OWN: Final = frozenset({ANSWER, STREAM, END, CHANNEL, BATCH})
INTERLUDE: Final = "gateway/interlude"
"""An upstream ended a stream early and will be asked again: the client may be let go meanwhile, too."""
NOTIFIED: Final = "notifications"
"""What every notification reaches; one that means nothing to us is accepted and dropped, as JSON-RPC 2.0 asks."""

LEVELS: Final = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
"""RFC 5424 severities as the specification names them, least severe first."""

"""Read one message of the per-request-envelope era (2026-07-28). Pure.

A ladder of checks, cheapest first; the first rung that fails names the error.
"""

from __future__ import annotations

from typing import Any, Final

from ostiary.core.errors import BadParams, HeaderMismatch, Malformed, UnknownMethod, UnsupportedVersion
from ostiary.core.model import HANDSHAKES, MODERN, Call, Client, Era, Inbound, Json
from ostiary.protocol import headers
from ostiary.protocol.capabilities import offer
from ostiary.protocol.jsonrpc import is_id
from ostiary.protocol.methods import METHODS, OWN
from ostiary.protocol.params import fit

META: Final = "io.modelcontextprotocol/"
VERSION: Final = META + "protocolVersion"
CAPABILITIES: Final = META + "clientCapabilities"
INFO: Final = META + "clientInfo"
LEVEL: Final = META + "logLevel"
SERVER: Final = META + "serverInfo"
SUBSCRIPTION: Final = META + "subscriptionId"
SUPPORTED: Final = (MODERN,)

_MEMBERS: Final = frozenset({
    "_meta", "argument", "arguments", "capabilities", "clientInfo", "context", "cursor", "inputResponses", "level",
    "name", "notifications", "protocolVersion", "ref", "requestState", "task", "taskId", "uri",
})  # fmt: skip
"""Every parameter of every request that the gateway carries."""
_FOLDED: Final = frozenset(member.casefold() for member in _MEMBERS)
_NOBODY: Final[Json] = {}
_PLAIN: Final = Client(Era.MODERN, MODERN, _NOBODY, "", _NOBODY)


def is_modern(message: Json, header: str | None) -> bool:
    """Say whether a message is of this era, from its body first: the header may be missing, and is then at fault."""
    params = message.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    if isinstance(meta, dict) and (VERSION in meta or CAPABILITIES in meta):
        return True
    return header is not None and headers.trimmed(header) not in HANDSHAKES


def read(message: dict[str, Any], inbound: Inbound) -> Call:
    """Turn one modern message into a `Call`, or raise the first thing wrong with it."""
    ident, method, params = message.get("id"), message.get("method"), message.get("params", {})
    if not isinstance(method, str):
        raise Malformed(hint="a body is one request or notification")
    if not isinstance(params, dict):
        raise Malformed(hint="params is an object")
    if "id" not in message:
        return Call(None, notified(method), None, params, _PLAIN)
    if not is_id(ident):
        raise Malformed(hint="an id is a string or an integer")
    meta, spec = _envelope(params), METHODS.get(method)
    _agree(inbound, method, params, meta[VERSION], spec.key if spec is not None and Era.MODERN in spec.eras else None)
    if meta[VERSION] not in SUPPORTED:
        data = {"supported": list(SUPPORTED), "requested": meta[VERSION]}
        raise UnsupportedVersion(hint=str(meta[VERSION])[:40], data=data)
    if spec is None or Era.MODERN not in spec.eras:
        raise UnknownMethod(hint=method[:80])
    unambiguous(params)
    fit(params, method, MODERN)
    name = named(params, spec.key)
    return Call(ident, method, name, params, _client(meta), meta.get("progressToken"), meta.get(LEVEL))


def notified(method: str) -> str:
    """Return the method of a message without an id; `Malformed` where that method is a request."""
    if method in METHODS or method in OWN:
        raise Malformed(hint=f"{method} is a request and needs an id")
    return method


def unambiguous(params: Json) -> None:
    """Refuse a parameter that only a reader without regard to case takes for one that was checked here.

    Go's encoding/json is such a reader, and takes the last: `{"name": "read", "Name": "drop"}` would drop.
    """
    if params.keys() <= _MEMBERS:
        return
    for key in params:
        if key not in _MEMBERS and key.casefold() in _FOLDED:
            raise BadParams(hint=f"params.{key[:40]} is not a parameter, and some readers would take it for one")


def _envelope(params: Json) -> Json:
    meta = params.get("_meta")
    if not isinstance(meta, dict):
        raise BadParams(hint="params._meta is missing")
    if not isinstance(meta.get(VERSION), str):
        raise BadParams(hint=f"params._meta[{VERSION!r}] is missing")
    if not isinstance(meta.get(CAPABILITIES), dict):
        raise BadParams(hint=f"params._meta[{CAPABILITIES!r}] is missing")
    return meta


def _client(meta: Json) -> Client:
    capabilities, info = meta[CAPABILITIES], meta.get(INFO, _NOBODY)
    if not capabilities and not info:
        return _PLAIN
    return Client(Era.MODERN, MODERN, capabilities, offer(capabilities, modern=True), info)


def _agree(inbound: Inbound, method: str, params: Json, version: str, key: str | None) -> None:
    """Refuse a routing header that is missing, doubled or unequal to the body."""
    sent = inbound.headers
    if inbound.doubled:
        for name in inbound.doubled:
            if name.startswith("mcp-"):
                raise HeaderMismatch(hint=f"{name} came more than once")
    if sent.get(headers.VERSION) != version and headers.trimmed(sent.get(headers.VERSION)) != version:
        raise HeaderMismatch(hint="MCP-Protocol-Version is missing or disagrees with the body")
    if sent.get(headers.METHOD) != method and headers.trimmed(sent.get(headers.METHOD)) != method:
        raise HeaderMismatch(hint="Mcp-Method is missing or disagrees with the body")
    if key not in {"name", "uri", "taskId"}:
        return
    wanted, mirror = params.get(key), sent.get(headers.NAME)
    if not isinstance(wanted, str):
        return  # It names nothing, which is said where parameters are held to their forms.
    if mirror is not None and mirror == wanted and mirror.isascii() and mirror.isidentifier():
        return  # Letters, digits and underscores: spelled so, a name has no other reading.
    # Decoded even where both look the same: to others, a name spelled `=?base64?…?=` in both is two names.
    if mirror is None or headers.decoded(mirror) != wanted:
        raise HeaderMismatch(hint="Mcp-Name is missing or disagrees with the body")


def named(params: Json, key: str | None) -> str | None:
    """Return the target that parameters of the right form name; for completion, the prompt or template referred to."""
    if key is None:
        return None
    if key != "ref":
        return str(params[key])
    ref = params[key]
    unambiguous(ref)
    return str(ref["name"] if ref["type"] == "ref/prompt" else ref["uri"])

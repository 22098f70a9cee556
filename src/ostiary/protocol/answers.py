"""What a client sees at the end of a message: results in its era's shape, and refusals in public words. Pure."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from ostiary.core.errors import (
    BadParams,
    Busy,
    Fault,
    GatewayError,
    InsufficientScope,
    Limited,
    NotCarried,
    NotFound,
    Unauthenticated,
)
from ostiary.core.model import Answer, Call, Era, Json, Kind, Target
from ostiary.protocol.challenge import NONCE, reasoned
from ostiary.protocol.jsonrpc import mapping
from ostiary.protocol.methods import METHODS

REFUSAL: Final = "io.ostiary/refusal"
_LEGACY_ONLY: Final = {-32002: BadParams.jsonrpc, -32042: NotCarried.jsonrpc}
"""Codes that a modern sender must not emit (2026-07-28, "Error codes"), and what is said instead."""
_STATUS: Final = {-32700: 400, -32600: 400, -32601: 404, -32602: 400, -32020: 400, -32021: 400, -32022: 400}
_MODERN_MEMBERS: Final = ("resultType", "ttlMs", "cacheScope")
_CACHING: Final = frozenset({"ttlMs", "cacheScope"})
_SCHEMA_MISSING: Final = object()
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")
"""RFC 6750 section 3: what may stand between the quotes."""
_LONGEST_WAIT: Final = 86_400.0


def answered(call: Call, answer: Json) -> Answer:
    """Return an upstream's answer as this client's era writes it, with the client's own id."""
    if "error" in answer:
        return _error(call, answer["error"])
    result = answer.get("result")
    shaped = modern(call, result) if call.client.era is Era.MODERN else handshake(result)
    return Answer({"jsonrpc": "2.0", "id": call.id, "result": shaped})


def _error(call: Call, error: Any) -> Answer:
    if not isinstance(error, dict) or not isinstance(error.get("code"), int):
        error = {"code": Fault.jsonrpc, "message": "The server's error is not a JSON-RPC error"}
    if call.client.era is Era.HANDSHAKE:
        return Answer({"jsonrpc": "2.0", "id": call.id, "error": _handshake_error(call, error)})
    error = {**error, "code": _LEGACY_ONLY.get(error["code"], error["code"])}
    return Answer({"jsonrpc": "2.0", "id": call.id, "error": error}, _STATUS.get(error["code"], 200))


def _handshake_error(call: Call, error: dict[str, Any]) -> dict[str, Any]:
    """Return an error with the code that a missing resource had until 2025-11-25 (2026-07-28, SEP-2164)."""
    missing = error["code"] == BadParams.jsonrpc and "uri" in mapping(error.get("data"))
    return {**error, "code": -32002} if missing and call.method.startswith("resources/") else error


def modern(call: Call, result: Any) -> Any:
    """Return a result with the members that 2026-07-28 requires; the others stay as they are."""
    if not isinstance(result, dict):
        return result
    kind = result.get("resultType", "complete")
    cached = METHODS[call.method].cached and kind == "complete"
    if kind == "input_required" and not _CACHING.isdisjoint(result):
        # A question is nothing to keep (2026-07-28, caching: never on `input_required`).
        return {key: value for key, value in result.items() if key not in _CACHING}
    if "resultType" in result and not cached:
        return result
    shaped = {**result}
    shaped.setdefault("resultType", "complete")
    if cached:
        shaped["ttlMs"] = _ttl(call, result.get("ttlMs"))
        # Who may read it is decided for each caller, so no cache may hand it to anyone else (2026-07-28, caching).
        shaped["cacheScope"] = "private"
    return shaped


def _ttl(call: Call, said: Any) -> int:
    """Return the server's word on how long its answer may be kept; what came of a retry is not kept at all (MRTR)."""
    retried = "requestState" in call.params or "inputResponses" in call.params
    return said if type(said) is int and said >= 0 and not retried else 0


def handshake(result: Any) -> Any:
    """Return a result without what the handshake era does not know; one of that era passes as it is."""
    if not isinstance(result, dict) or "resultType" not in result:
        return result
    shaped = {key: value for key, value in result.items() if key not in _MODERN_MEMBERS}
    if "structuredContent" in shaped and not isinstance(shaped["structuredContent"], dict):
        del shaped["structuredContent"]
    return shaped


def definition(target: Target, era: Era) -> dict[str, Any]:
    """Return a target's approved definition under the name that this endpoint gives it, in the era's shape."""
    shown = dict(target.definition)
    # The kind decides, and not which members there are: a tool with a `uri` would keep the name it chose itself,
    # which may be how this endpoint calls the tool of another server.
    if target.kind in {Kind.TOOL, Kind.PROMPT}:
        shown["name"] = target.exposed
    if target.kind is not Kind.TOOL:
        return shown
    # Tasks of 2025-11-25 are announced to nobody, and the modern era knows no such member.
    shown.pop("execution", None)
    if era is Era.MODERN:
        return shown
    schema = shown.get("outputSchema", _SCHEMA_MISSING)
    if schema is not _SCHEMA_MISSING and not (isinstance(schema, dict) and schema.get("type") == "object"):
        del shown["outputSchema"]
    return shown


def refused(error: GatewayError, call: Call | None, reference: str, challenge: str) -> Answer:
    """Return the refusal that a client may see; `challenge` is the WWW-Authenticate value for a 401 or 403."""
    headers = _headers(error, challenge)
    if call is not None and call.method == "tools/call" and error.readable and call.id is not None:
        return Answer({"jsonrpc": "2.0", "id": call.id, "result": _readable(error, call, reference)}, 200, headers)
    ident = call.id if call is not None else error.ident
    body: dict[str, Any] = {"code": _code(error, call), "message": error.message}
    data = {**(error.data or {}), **({} if error.jsonrpc in _SPECIFIED else {REFUSAL: _refusal(error, reference)})}
    if data:
        body["data"] = data
    return Answer({"jsonrpc": "2.0", "id": ident, "error": body}, _status(error, call), headers)


_SPECIFIED: Final = frozenset(_STATUS)
"""Codes whose `data` the specification defines, so that nothing of ours goes there."""


def _code(error: GatewayError, call: Call | None) -> int:
    # Until 2025-11-25 a missing resource had a code of its own, which 2026-07-28 forbids (SEP-2164).
    if call is not None and call.client.era is Era.HANDSHAKE and call.method.startswith("resources/"):
        return -32002 if isinstance(error, NotFound) else error.jsonrpc
    return error.jsonrpc


def _status(error: GatewayError, call: Call | None) -> int:
    # A handshake-era client reads a JSON-RPC error only in a 200; what is wrong with the session or the gateway
    # itself keeps its status, for the transport acts on it (2025-11-25, "Session management").
    if call is None and error.era is Era.HANDSHAKE:
        return 200
    if call is None or call.id is None or call.client.era is Era.MODERN or isinstance(error, Busy):
        return error.status
    return error.status if error.status in {401, 403} else 200


def _headers(error: GatewayError, challenge: str) -> dict[str, str]:
    headers = {}
    if isinstance(error, Busy | Limited):
        # Rounded up: who comes back a moment early is refused again.
        headers["retry-after"] = str(max(1, math.ceil(min(error.retry_after or 1, _LONGEST_WAIT))))
    if challenge and isinstance(error, Unauthenticated | InsufficientScope):
        nonce = (error.data or {}).get(NONCE)
        headers["www-authenticate"] = reasoned(challenge, _reason(error), nonce=nonce is not None)
        if nonce is not None:
            headers["dpop-nonce"] = str(nonce)
    return headers


def _reason(error: GatewayError) -> str:
    """Return why, as RFC 6750 section 3.1 says it; nothing where no credential came at all."""
    if isinstance(error, Unauthenticated):
        return 'error="invalid_token"' if error.hint else ""
    scope = str((error.data or {}).get("scope", ""))
    return 'error="insufficient_scope"' + (f', scope="{scope}"' if _SCOPE.fullmatch(scope) else "")


def _readable(error: GatewayError, call: Call, reference: str) -> dict[str, Any]:
    """Return a tool result that a model can read and act on (2025-11-25: input validation failures are tool errors)."""
    text = f"{error.message}. (reference {reference})"
    result: dict[str, Any] = {
        "content": [{"type": "text", "text": text}],
        "isError": True,
        "_meta": {REFUSAL: _refusal(error, reference)},
    }
    if call.client.era is Era.MODERN:
        result["resultType"] = "complete"
    return result


def _refusal(error: GatewayError, reference: str) -> dict[str, Any]:
    refusal: dict[str, Any] = {"code": error.code, "reference": reference}
    if error.retry_after is not None:
        refusal["retry_after"] = round(error.retry_after, 3)
    return refusal

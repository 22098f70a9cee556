"""The handshake era towards clients (2024-11-05 to 2025-11-25): negotiation, sessions, messages. Pure.

A session is a sealed token, not a row in a table: any process with our keys can open it, and nobody else can make one.
It is bound to the principal and the endpoint it was made for, and is never a credential (2025-11-25, "Session
hijacking").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary.core.errors import (
    BadParams,
    GatewayError,
    Malformed,
    SessionRequired,
    SessionUnknown,
    UnknownMethod,
    WrongVerb,
)
from ostiary.core.model import HANDSHAKES, Call, Caller, Client, Era, Inbound, Json
from ostiary.protocol import headers
from ostiary.protocol.capabilities import declared, offer
from ostiary.protocol.jsonrpc import is_id, mapping
from ostiary.protocol.methods import ANSWER, END, METHODS, STREAM
from ostiary.protocol.modern import named, notified, unambiguous
from ostiary.protocol.params import fit

LATEST: Final = HANDSHAKES[-1]
_LONGEST: Final = 1024
_WORD: Final = 128


class Session(Struct, frozen=True, array_like=True):
    """What the sealed token holds."""

    id: str
    subject: str
    issuer: str
    endpoint: str
    version: str
    issued: float
    """Seconds since the epoch."""
    capabilities: dict[str, Any]
    info: dict[str, Any]


_packed: Final = msgspec.json.Encoder()
_unpacked: Final = msgspec.json.Decoder(Session)


def pack(session: Session) -> bytes:
    """Return the bytes to seal."""
    return _packed.encode(session)


def unpack(content: bytes) -> Session:
    """Return the session in opened bytes; `SessionUnknown` where they are not one of ours."""
    try:
        return _unpacked.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SessionUnknown(str(error)) from None


def held(session: Session, caller: Caller, endpoint: str, now: float, lifetime: float) -> Client:
    """Return the client of a session, if it is this caller's, for this endpoint, and not over."""
    if (session.subject, session.issuer, session.endpoint) != (caller.subject, caller.issuer, endpoint):
        raise SessionUnknown("the session belongs to another principal or endpoint")
    if not session.issued <= now + 60 or now > session.issued + lifetime:
        raise SessionUnknown("the session expired")
    return Client(
        Era.HANDSHAKE, session.version, session.capabilities, offer(session.capabilities), session.info, session.id
    )


def negotiated(requested: object) -> str:
    """Return the version to answer `initialize` with: the client's if we speak it, otherwise our newest."""
    return requested if isinstance(requested, str) and requested in HANDSHAKES else LATEST


def begun(params: Json) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the version, capabilities and client info of an `initialize`."""
    version = negotiated(params.get("protocolVersion"))
    _fit(params, "initialize", version)
    return version, _bounded(params.get("capabilities", {})), _introduced(params.get("clientInfo", {}))


def _bounded(capabilities: dict[str, Any]) -> dict[str, Any]:
    """Return the capabilities to remember: as declared, or where that is long, what the gateway could carry of them."""
    return capabilities if len(_packed.encode(capabilities)) <= _LONGEST else declared(offer(capabilities))


def _introduced(info: dict[str, Any]) -> dict[str, Any]:
    """Return a client's names and version, and not its icons: a session must fit into a header."""
    return {key: info[key][:_WORD] for key in ("name", "title", "version") if isinstance(info.get(key), str)}


Recall = Callable[[str], Client]
"""The session token of a request → its client, or `SessionUnknown`."""


def client_of(inbound: Inbound, recall: Recall) -> Client:
    """Return the client of the session that a request names, with its version header checked against it."""
    token = headers.trimmed(inbound.headers.get(headers.SESSION))
    if headers.SESSION in inbound.doubled or headers.VERSION in inbound.doubled:
        raise Malformed(hint="a session header came more than once")
    if not token:
        raise SessionRequired(hint="send Mcp-Session-Id from the initialize response, or initialize first")
    client = recall(token)
    version = inbound.headers.get(headers.VERSION)
    # Absent means 2025-03-26 by the letter; real clients of every version leave it out, so the session decides.
    spoken = client.version if version is None else headers.trimmed(version)
    if spoken not in HANDSHAKES:
        raise Malformed(hint="MCP-Protocol-Version is not one we speak")
    # The request says what its sender understands; a program may be older than the session it was handed.
    return client if spoken == client.version else msgspec.structs.replace(client, version=spoken)


def read(message: dict[str, Any], inbound: Inbound, recall: Recall) -> Call:
    """Turn one handshake-era message into a `Call`, or raise the first thing wrong with it."""
    method, ident = message.get("method"), message.get("id")
    if method == "initialize" and "id" in message:
        return _opening(message, ident)
    client = client_of(inbound, recall)
    if method is None and ("result" in message or "error" in message):
        return _posted(message, ident, client)
    params = message.get("params", {})
    if not isinstance(method, str) or not isinstance(params, dict):
        raise Malformed(hint="not a JSON-RPC request")
    if "id" not in message:
        return Call(None, notified(method), None, params, client)
    if not is_id(ident):
        raise Malformed(hint="an id is a string or an integer")
    spec = METHODS.get(method)
    if spec is None or Era.HANDSHAKE not in spec.eras:
        raise _understood(UnknownMethod(hint=method[:80]))
    _fit(params, method, client.version)
    return Call(ident, method, named(params, spec.key), params, client, params.get("_meta", {}).get("progressToken"))


def _fit(params: Json, method: str, version: str) -> None:
    try:
        unambiguous(params)
        unambiguous(mapping(params.get("ref")))
        fit(params, method, version)
    except BadParams as error:
        raise _understood(error) from None


def _understood(error: GatewayError) -> GatewayError:
    """Return a refusal of what was understood: with another status than 200 it would be one of the session (404)."""
    error.era = Era.HANDSHAKE
    return error


def _opening(message: Json, ident: Any) -> Call:
    params = message.get("params")
    if not is_id(ident) or not isinstance(params, dict):
        raise Malformed(hint="initialize is a request with an id and params")
    version, capabilities, info = begun(params)
    return Call(
        ident, "initialize", None, params, Client(Era.HANDSHAKE, version, capabilities, offer(capabilities), info)
    )


def _posted(message: Json, ident: Any, client: Client) -> Call:
    if not is_id(ident):
        raise Malformed(hint="an answer names the id of the request it answers")
    if "result" in message and "error" in message:
        raise Malformed(hint="an answer has a result or an error, not both")
    if "result" in message and not isinstance(message["result"], dict):
        raise Malformed(hint="the result of an answer is an object")
    if "error" in message and type(mapping(message["error"]).get("code")) is not int:
        raise Malformed(hint="the error of an answer is an object with an integer as its code")
    return Call(None, ANSWER, None, message, client)


def bare(inbound: Inbound, recall: Recall) -> Call:
    """Return the `Call` that a GET (open the stream) or DELETE (end the session) stands for."""
    version = inbound.headers.get(headers.VERSION)
    if inbound.verb not in {"GET", "DELETE"}:
        raise WrongVerb(hint="an MCP endpoint knows POST, GET and DELETE")
    if version is not None and headers.trimmed(version) not in HANDSHAKES:
        raise WrongVerb(hint="this revision of the protocol knows POST only")
    if inbound.verb == "GET" and headers.SESSION not in inbound.headers:
        raise WrongVerb(hint="a GET opens the stream of a session; POST an initialize first")
    last = inbound.headers.get("last-event-id")
    params = {"lastEventId": last} if last else {}
    return Call(None, STREAM if inbound.verb == "GET" else END, None, params, client_of(inbound, recall))

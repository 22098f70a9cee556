"""Every way a call can end badly, and what each one looks like on the wire. Pure.

Four roots: a `Refusal` is us saying no, an `UpstreamFailure` is them failing us, `Busy` asks to come back,
a `Fault` is us being broken. A client sees `public` (and `hint`, where the class has one to give); `detail`
goes to the trail and nowhere else.

Codes: those of JSON-RPC 2.0 and of the specification (2026-07-28, basic/index "Error codes") are used as they
are. Ours lie between -31999 and -31000: outside -32768..-32000, which JSON-RPC reserves, and therefore outside
-32020..-32099, which belongs to the specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ostiary.core.model import Caller, Era


class GatewayError(Exception):
    """A call ended badly, on purpose."""

    code: ClassVar[str]
    """Stable short name: in the ledger, in metrics, in machine-readable refusals."""
    status: ClassVar[int]
    """HTTP status towards a modern client, or where no JSON-RPC answer is possible."""
    jsonrpc: ClassVar[int]
    public: ClassVar[str]
    readable: ClassVar[bool] = False
    """For `tools/call`: answered as a result with `isError`, so that a model can read it and act."""

    def __init__(
        self,
        detail: str = "",
        *,
        hint: str = "",
        data: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        """Keep `detail` for the trail; `hint` and `data` may be shown to the client, so no secret goes there."""
        super().__init__(detail or hint or self.public)
        self.detail, self.hint, self.data, self.retry_after = detail, hint, data, retry_after
        self.ident: str | int | None = None
        self.era: Era | None = None

    @property
    def message(self) -> str:
        """The only sentence a client ever sees."""
        return f"{self.public}: {self.hint}" if self.hint else self.public


class Refusal(GatewayError):
    """We said no."""


class UpstreamFailure(GatewayError):
    """They failed us: unreachable, too slow, or not speaking the protocol."""


class Busy(GatewayError):
    """Not now; come back."""


class Fault(GatewayError):
    """We are broken; the call does not happen."""

    code, status, jsonrpc, public = "fault", 500, -32603, "Internal error in the gateway"


class ResultNotCaptured(Fault):
    """A rule wants results to be kept, and this one could not be: the call happened, and its result stays here."""

    code, status, jsonrpc, public, readable = "result_not_captured", 500, -31044, "The result cannot be handed on", True


# What arrived is not the protocol it claims to be.


class NotJson(Refusal):
    """The body does not parse."""

    code, status, jsonrpc, public = "not_json", 400, -32700, "Parse error"


class Malformed(Refusal):
    """The message is JSON but not a JSON-RPC request of this protocol."""

    code, status, jsonrpc, public = "malformed", 400, -32600, "Invalid request"


class BadParams(Refusal):
    """The method's parameters are missing, of the wrong type, or point nowhere."""

    code, status, jsonrpc, public = "bad_params", 400, -32602, "Invalid params"


class HeaderMismatch(Refusal):
    """A routing header is missing, doubled, malformed, or disagrees with the body (2026-07-28, SEP-2243)."""

    code, status, jsonrpc, public = "header_mismatch", 400, -32020, "Header mismatch"


class MissingCapability(Refusal):
    """The call needs a client capability that this request did not declare (2026-07-28)."""

    code, status, jsonrpc, public = "missing_capability", 400, -32021, "Missing required client capability"


class UnsupportedVersion(Refusal):
    """The protocol version is one we do not speak (2026-07-28)."""

    code, status, jsonrpc, public = "unsupported_version", 400, -32022, "Unsupported protocol version"


class UnknownMethod(Refusal):
    """No such method in this era, or none that this endpoint offers."""

    code, status, jsonrpc, public = "unknown_method", 404, -32601, "Method not found"


class WrongVerb(Refusal):
    """The HTTP verb means nothing here."""

    code, status, jsonrpc, public = "wrong_verb", 405, -32600, "Method not allowed"


class NotAcceptable(Refusal):
    """The client accepts neither JSON nor an event stream."""

    code, status, jsonrpc, public = "not_acceptable", 406, -32600, "Not acceptable"


class WrongMedia(Refusal):
    """The body is not declared as JSON."""

    code, status, jsonrpc, public = "wrong_media", 415, -32600, "Unsupported media type"


class TooLarge(Refusal):
    """The body, or something in it, is over a limit."""

    code, status, jsonrpc, public = "too_large", 413, -32600, "Request too large"


class HeadTooLarge(Refusal):
    """The request's headers are over a limit (RFC 6585 section 5)."""

    code, status, jsonrpc, public = "head_too_large", 431, -32600, "Request header fields too large"


class WrongHost(Refusal):
    """The Host header names a machine that we are not: DNS rebinding, or a proxy in front misconfigured."""

    code, status, jsonrpc, public = "wrong_host", 421, -32600, "Misdirected request"


class WrongOrigin(Refusal):
    """A browser sent this for a page that is not ours."""

    code, status, jsonrpc, public = "wrong_origin", 403, -32600, "Origin not allowed"


class NoSuchPlace(Refusal):
    """No endpoint has this address."""

    code, status, jsonrpc, public = "no_such_place", 404, -32600, "Not found"


class SessionRequired(Refusal):
    """A handshake-era message came without `Mcp-Session-Id`."""

    code, status, jsonrpc, public = "session_required", 400, -32600, "Missing session"


class SessionUnknown(Refusal):
    """The session ended, expired, or never was this caller's: the three look the same. The client initializes anew."""

    code, status, jsonrpc, public = "session_unknown", 404, -31001, "Session not found"


# Who is asking, and may they?


class Unauthenticated(Refusal):
    """No credential, or one that does not verify."""

    code, status, jsonrpc, public = "unauthenticated", 401, -31002, "Authentication required"


class InsufficientScope(Refusal):
    """The caller is known and lacks a scope it could obtain."""

    code, status, jsonrpc, public = "insufficient_scope", 403, -31003, "Insufficient scope"


class Quarantined(Refusal):
    """Whoever runs the gateway has shut this caller out for now."""

    # Not 401: the credential is good, and a client would only throw it away, sign in anew and come back with the next.
    code, status, jsonrpc, public = "quarantined", 403, -31008, "Shut out for now"

    def __init__(self, detail: str = "", *, hint: str = "", caller: Caller | None = None, **more: Any) -> None:
        """Say who it is, for the trail."""
        super().__init__(detail, hint=hint, **more)
        self.caller = caller


class NotFound(Refusal):
    """No such tool, prompt or resource, or none this caller may know about: the two look the same."""

    code, status, jsonrpc, public = "not_found", 400, -32602, "Unknown or unavailable"


class Forbidden(Refusal):
    """A rule denies an act that the caller may know about."""

    code, status, jsonrpc, public, readable = "forbidden", 403, -31004, "Refused by policy", True


class BadArguments(Refusal):
    """The arguments do not fit the approved schema."""

    code, status, jsonrpc, public, readable = "bad_arguments", 400, -32602, "Invalid arguments", True


class Limited(Refusal):
    """A limit is exhausted."""

    code, status, jsonrpc, public, readable = "limited", 429, -31005, "Limit reached", True


class Runaway(Refusal):
    """An agent run goes in circles."""

    code, status, jsonrpc, public, readable = "runaway", 429, -31010, "The run goes in circles", True


class Blocked(Refusal):
    """A guard stopped the payload."""

    code, status, jsonrpc, public, readable = "blocked", 403, -31006, "Blocked by a guard", True


class Held(Refusal):
    """A person has to approve the call before it goes on."""

    code, status, jsonrpc, public, readable = "held", 403, -31009, "Held for a person", True


class NotCarried(Refusal):
    """The two sides have no way to say this to each other."""

    code, status, jsonrpc, public, readable = "not_carried", 400, -31007, "Not possible between these two sides", True


# They failed us.


class Unreachable(UpstreamFailure):
    """No connection, or no process, or it went away before it could have seen the call."""

    code, status, jsonrpc, public, readable = "upstream_unreachable", 502, -31020, "The server is not reachable", True


class Lost(UpstreamFailure):
    """The connection or process ended while the call was in flight: it may or may not have taken effect."""

    code, status, jsonrpc, readable = "upstream_lost", 502, -31021, True
    public = "The server went away during the call, which may or may not have taken effect"

    heard = True
    """Whether any byte of an answer may have come."""


class TimedOut(UpstreamFailure):
    """The call's deadline passed."""

    code, status, jsonrpc, public, readable = "upstream_timeout", 504, -31022, "The server did not answer in time", True


class Garbled(UpstreamFailure):
    """The server answered something that is not the protocol, or is over a limit."""

    code, status, jsonrpc, public, readable = "upstream_garbled", 502, -31023, "The server's answer is not usable", True


class NoHandshake(UpstreamFailure):
    """The server opens no session: it may speak the modern era only, or nothing of ours."""

    code, status, jsonrpc, public, readable = "upstream_no_handshake", 502, -31025, "The server opens no session", True


class UpstreamRefused(UpstreamFailure):
    """The server answered with an HTTP status that says no; its body and challenge stay inside."""

    code, status, jsonrpc, public, readable = "upstream_refused", 502, -31024, "The server refused the gateway", True


# Not now.


class Overloaded(Busy):
    """A bound on work in flight is reached."""

    code, status, jsonrpc, public = "overloaded", 503, -31040, "The gateway is busy"


class LedgerStopped(Busy):
    """The ledger cannot be written, so nothing may happen that it would have to record."""

    code, status, jsonrpc, public = "ledger_stopped", 503, -31041, "The gateway cannot record calls at the moment"


class NotCaptured(Busy):
    """A rule wants what is said to be kept, sealed, and it cannot be at the moment: the call does not leave."""

    code, status, jsonrpc, public = "not_captured", 503, -31043, "The gateway cannot keep calls as a rule wants it"


class Closing(Busy):
    """The gateway is shutting down."""

    code, status, jsonrpc, public = "closing", 503, -31042, "The gateway is shutting down"

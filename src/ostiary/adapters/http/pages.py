"""Every address that is no MCP endpoint: health, metrics, and whatever else is mounted. Nothing is open by omission.

A credential is asked for before an address is looked up, so that an address added later is protected without anybody
thinking of it, and nobody without a credential can tell which addresses exist. What answers without one is in `OPEN`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ostiary.adapters.http.certificates import TLS
from ostiary.adapters.http.door import admit_host, bearer, collected, no_such_place
from ostiary.core.errors import Fault, GatewayError, Overloaded, Unauthenticated, WrongVerb
from ostiary.core.model import Inbound, Json, Snapshot
from ostiary.core.ports import Identify
from ostiary.protocol.challenge import NONCE, WELL_KNOWN, Protection, metadata, reasoned

OPEN: Final = frozenset(
    {("GET", "/health/live"), ("HEAD", "/health/live"), ("GET", "/health/ready"), ("HEAD", "/health/ready")}
)
"""What answers without a credential: what a load balancer or an orchestrator asks, by address and not by name."""
METRICS: Final = "/metrics"
"""Has a credential of its own."""

# The text format has had this name since 2014, and every scraper takes it; names here need no escaping scheme.
_EXPOSITION: Final = "text/plain; version=0.0.4; charset=utf-8"
_SAFE: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
# RFC 6797. One year, this host only: its neighbours are not ours to promise for.
_STRICT: Final = (b"strict-transport-security", b"max-age=31536000")


class Ready(Struct, frozen=True):
    """What readiness depends on, as the wiring sees it now."""

    ledger: str = "not started"
    """Why calls cannot be recorded; empty: they can."""
    closing: bool = False
    unreachable: Mapping[str, str] = {}
    """Server → why."""
    held: Mapping[str, int] = {}
    """Server → definitions that wait for approval."""
    stale: Mapping[str, str] = {}
    """Server → why its catalogue is the last good one and not the present one."""
    starting: tuple[str, ...] = ()
    """Servers that were not asked to an end, good or bad, since the gateway started."""
    notes: tuple[str, ...] = ()
    """What the configuration and the catalogues could not be made into, and why."""
    quarantined: tuple[Json, ...] = ()
    """Who and what is shut out."""
    broken: Mapping[str, str] = {}
    """Guard → why it does not do what it should."""
    doubtful: Mapping[str, str] = {}
    """The same, of guards that stop nothing."""


class Window(Struct, frozen=True):
    """What the pages look at."""

    current: Callable[[], Snapshot | None]
    ready: Callable[[], Ready]
    metrics: Callable[[str], tuple[bytes, str]]
    """What a scraper accepts → the exposition, and of what type it is."""
    identify: Identify
    scraper: Callable[[], str | None]
    """The token that may read the metrics; None: nobody may."""
    unsafe_open_metrics: Callable[[], bool]
    challenge: Callable[[], str] = lambda: "Bearer"
    protection: Callable[[], Protection] = Protection
    """What clients are told who come without a token."""
    opened: Callable[[str, str], bool] = lambda *_: False
    """Whether a verb and a path answer without a bearer token, because the page asks for a proof of its own."""


def pages(window: Window, routes: Sequence[BaseRoute] = ()) -> Starlette:
    """Return the application for all addresses but the MCP endpoints; `routes` are mounted behind the credential."""
    app = Starlette(
        routes=[
            Route("/health/live", _live, methods=["GET"]),
            Route("/health/ready", _ready(window), methods=["GET"]),
            Route(METRICS, _metrics(window), methods=["GET"]),
            Route(WELL_KNOWN + "{path:path}", _metadata(window), methods=["GET"]),
            *routes,
        ],
        middleware=[Middleware(_Guarded, window=window)],
        exception_handlers={HTTPException: _missed, GatewayError: _sorry(window.challenge), Exception: _broken},
    )
    app.router.redirect_slashes = False
    return app


class _Guarded:
    """Looks at host and credential before anything else does, and hardens every answer."""

    def __init__(self, app: ASGIApp, window: Window) -> None:
        self._app, self._window = app, window

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        hardened = _hardened(scope, send)
        try:
            await self._admit(scope)
        except GatewayError as error:
            await refusal(error, self._window.challenge())(scope, receive, hardened)
            return
        await self._app(scope, receive, hardened)

    async def _admit(self, scope: Scope) -> None:
        asked = (scope["method"], scope["path"])
        if asked in OPEN or _discovers(*asked):
            return
        message = inbound(scope)
        snapshot = self._window.current()
        if snapshot is None:
            raise Overloaded(hint="no configuration is active yet", retry_after=1.0)
        admit_host(message.headers, snapshot)
        if self._window.opened(*asked):
            return
        if asked in _SCRAPES:
            _admit_scraper(message, self._window)
            return
        scope["caller"] = await self._window.identify(message)


_SCRAPES: Final = frozenset({("GET", METRICS), ("HEAD", METRICS)})


def inbound(scope: Scope) -> Inbound:
    """Return the request as identities are asked about it; its body stays unread."""
    found, doubled = collected(scope["headers"])
    if "authorization" in doubled:
        raise Unauthenticated("two Authorization headers", hint="send one Authorization header")
    peer = scope.get("client")
    return Inbound(
        scope["method"],
        scope["path"],
        found,
        doubled,
        bearer(found.get("authorization")),
        peer[0] if peer else "",
        _unread,
        scope.get("extensions", {}).get(TLS),
    )


async def _unread() -> bytes:
    return b""


def _discovers(verb: str, path: str) -> bool:
    """Say whether somebody asks where tokens for us are had: who asks that has none yet (RFC 9728 section 3)."""
    return verb in {"GET", "HEAD"} and (path == WELL_KNOWN or path.startswith(f"{WELL_KNOWN}/"))


def _admit_scraper(message: Inbound, window: Window) -> None:
    if window.unsafe_open_metrics():
        return
    token = window.scraper()
    if token is None:
        raise Unauthenticated(
            "no scraper may read", hint="nobody may read the metrics until gateway.metrics.token is set"
        )
    if not _same(message.credential or "", token):
        raise Unauthenticated("not the scraper's token", hint="send the token of gateway.metrics.token")


def _same(one: str, other: str) -> bool:
    """Compare in a time that tells neither the content nor the length."""
    return hmac.compare_digest(*(hashlib.sha256(text.encode()).digest() for text in (one, other)))


def _hardened(scope: Scope, send: Send) -> Send:
    # Where we encrypt ourselves, the server has said it on every answer; here it is said for a proxy that does.
    behind = scope.get("scheme") == "https" and TLS not in scope.get("extensions", ())
    added = (*_SAFE, _STRICT) if behind else _SAFE

    async def hardened(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message.setdefault("headers", [])
            present = {name for name, _ in headers}
            message["headers"] = [*headers, *(pair for pair in added if pair[0] not in present)]
        await send(message)

    return hardened


async def _live(_: Request) -> Response:
    return _json({"status": "alive"})


def _ready(window: Window) -> Callable[[Request], Awaitable[Response]]:
    async def ready(request: Request) -> Response:
        seen, snapshot = window.ready(), window.current()
        reasons = obstacles(seen, snapshot)
        said: dict[str, Any] = {"status": "not ready" if reasons else "ready"}
        if "authorization" in request.headers:
            await window.identify(inbound(request.scope))
            said |= details(seen, snapshot, reasons)
        return _json(said, 503 if reasons else 200)

    return ready


Told = dict[str, str]
"""What is the matter, why, and what to do."""


def obstacles(seen: Ready, snapshot: Snapshot | None) -> list[Told]:
    """Return why no call can be carried; a server that is away is no obstacle, for the others are not."""
    found = []
    if seen.closing:
        found.append(_told("closing", "the gateway is shutting down", "send new calls to another instance"))
    if snapshot is None:
        found.append(_told("no_snapshot", "no configuration is active", "run `ostiary check` and look into the log"))
    if seen.starting:
        who = ", ".join(seen.starting)
        found.append(_told("starting", f"not asked yet what they offer: {who}", "wait; this ends by itself"))
    if seen.ledger:
        found.append(
            _told("ledger_stopped", seen.ledger, "make room for the ledger in gateway.data, or make it writable")
        )
    return found + _unguarded(seen.broken)


def _unguarded(guards: Mapping[str, str]) -> list[Told]:
    remedy = "look into the log; what it stands at is stopped where it would let things through"
    return [_told("guard_broken", f"{name}: {why}", remedy) for name, why in sorted(guards.items())]


def details(seen: Ready, snapshot: Snapshot | None, reasons: list[Told]) -> dict[str, Any]:
    """Return what is for people who work here: names of servers and settings."""
    degraded = (
        [
            _told("upstream_unreachable", f"{server}: {why}", f"run `ostiary probe {server}`")
            for server, why in sorted(seen.unreachable.items())
        ]
        + [
            _told("catalogue_stale", f"{server}: {why}", "what was approved of it stays until the server answers")
            for server, why in sorted(seen.stale.items())
        ]
        + _unguarded(seen.doubtful)
    )
    return {
        "reasons": reasons,
        "degraded": degraded,
        "held": {server: count for server, count in sorted(seen.held.items()) if count},
        "notes": list(seen.notes),
        "quarantined": list(seen.quarantined),
        "unsafe": [] if snapshot is None else list(snapshot.weakened),
        "revision": None if snapshot is None else snapshot.revision,
    }


def _told(what: str, why: str, remedy: str) -> Told:
    return {"what": what, "why": why, "do": remedy}


def _metadata(window: Window) -> Callable[[Request], Awaitable[Response]]:
    async def described(request: Request) -> Response:
        path, protection, snapshot = request.path_params["path"], window.protection(), window.current()
        known = snapshot is not None and (not path or path in snapshot.endpoints)
        if snapshot is not None:
            admit_host(inbound(request.scope).headers, snapshot)
        if not protection.issuers or not known:
            return refusal(no_such_place())
        return _json(metadata(protection, path), headers={"access-control-allow-origin": "*"})

    return described


def _metrics(window: Window) -> Callable[[Request], Awaitable[Response]]:
    async def metrics(request: Request) -> Response:
        told, kind = window.metrics(request.headers.get("accept", ""))
        return Response(told, headers={"content-type": kind})

    return metrics


def _json(content: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(content), status, dict(headers or {}), "application/json")


def refusal(error: GatewayError, challenge: str = "") -> Response:
    """Return what a page's client sees of a failure: what, why, what to do."""
    headers = {name.decode(): value.decode() for name, value in _SAFE}
    if error.status in {401, 403} and challenge:
        nonce = (error.data or {}).get(NONCE)
        invalid = 'error="invalid_token"' if isinstance(error, Unauthenticated) and error.hint else ""
        headers["www-authenticate"] = reasoned(challenge, invalid, nonce=nonce is not None)
        if nonce is not None:
            headers["dpop-nonce"] = str(nonce)
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, round(error.retry_after)))
    told = _told(error.public, error.hint or _WHY.get(error.code, ""), _DO.get(error.code, _ASK))
    return _json({"error": {"code": error.code, **told}}, error.status, headers)


_WHY: Final = {
    "unauthenticated": "this address answers only those who say who they are",
    "fault": "something broke inside the gateway",
}
_DO: Final = {
    "unauthenticated": "send Authorization: Bearer TOKEN; `ostiary token create` makes tokens",
    "wrong_host": "use the name in gateway.url, or add this one to gateway.hosts",
    "wrong_origin": "add the page's origin to gateway.origins, if you trust it",
    "wrong_verb": "use one of the methods in the Allow header",
    "no_such_place": "look at the address again",
    "head_too_large": "send fewer or shorter headers",
    "overloaded": "come back in a moment",
}
_ASK: Final = "ask whoever runs this gateway; its log says more"


def _missed(_: Request, error: Exception) -> Response:
    """Answer what Starlette's router found nothing for."""
    if not isinstance(error, HTTPException) or error.status_code == 404:  # noqa: PLR2004 - not found
        return refusal(no_such_place())
    if error.status_code == 405:  # noqa: PLR2004 - method not allowed
        allowed = (error.headers or {}).get("Allow", "")
        response = refusal(WrongVerb(hint=f"this address knows {allowed}" if allowed else ""))
        response.headers["allow"] = allowed
        return response
    told = _told(error.detail, "", _ASK)
    return _json({"error": {"code": "refused", **told}}, error.status_code, error.headers)


def _sorry(challenge: Callable[[], str]) -> Callable[[Request, Exception], Response]:
    return lambda _, error: refusal(error if isinstance(error, GatewayError) else Fault(), challenge())


def _broken(_: Request, __: Exception) -> Response:
    return refusal(Fault())

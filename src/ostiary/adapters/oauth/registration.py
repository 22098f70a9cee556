"""Programs that register themselves (RFC 7591): limited per peer, in total and in number; forgotten when unused."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ostiary.adapters.oauth import asking
from ostiary.adapters.oauth.failures import Denied, said, told
from ostiary.adapters.oauth.metadata import Endpoint
from ostiary.adapters.oauth.rates import Rates
from ostiary.adapters.oauth.setting import Setting, hashed
from ostiary.adapters.oauth.storing import Client
from ostiary.policy.redirects import Redirect, parsed

# Lists, not sets: what a client says may be anything, also what no set can be asked about.
METHODS: Final = ("none", "client_secret_post", "client_secret_basic")
GRANTS: Final = ("authorization_code", "refresh_token")
_MOST: Final = 10
_NAME: Final = 100


def register(setting: Setting) -> Endpoint:
    """Return the endpoint where programs register."""
    rates = setting.rates(setting.registering)

    async def answer(request: Request) -> Response:
        try:
            _admit(setting, rates, request)
            return await _registered(setting, await asking.document(request))
        except Denied as denied:
            return told(denied)

    return answer


def _admit(setting: Setting, rates: Rates, request: Request) -> None:
    if not setting.registration():
        raise Denied("access_denied", "programs cannot register here; ask whoever runs this gateway", 403)
    seconds = rates.take(request.client.host if request.client else "")
    if seconds > 0.0:
        raise _slower(seconds)


def _slower(seconds: float) -> Denied:
    headers = {"retry-after": str(int(seconds) + 1)}
    return Denied("temporarily_unavailable", "too many programs register; come back later", 429, headers)


async def _registered(setting: Setting, asked: dict[str, Any]) -> Response:
    now = setting.time()
    ident = f"dcr_{secrets.token_urlsafe(18)}"
    client = read(asked, ident, setting.private_schemes)
    secret = "" if client.method == "none" else secrets.token_urlsafe(32)
    kept = msgspec.to_builtins(msgspec.structs.replace(client, digest=hashed(secret)))
    if not await asyncio.to_thread(setting.storage.add_client, ident, kept, now, setting.most_clients):
        raise _slower(3600.0)
    answer: dict[str, Any] = {
        "client_id": ident, "client_id_issued_at": int(now), "client_name": client.name,
        "redirect_uris": list(client.redirects), "grant_types": list(client.grants), "response_types": ["code"],
        "token_endpoint_auth_method": client.method, "application_type": client.application,
    }  # fmt: skip
    if secret:
        # RFC 7591 section 3.2.1: 0 means that it does not expire; the whole registration does, when it is unused.
        answer |= {"client_secret": secret, "client_secret_expires_at": 0}
    return said(answer, 201)


def read(asked: dict[str, Any], ident: str, schemes: tuple[str, ...]) -> Client:
    """Return the client that asks to be registered; raise `Denied` for one that is none of ours."""
    method = asked.get("token_endpoint_auth_method", "client_secret_basic")  # the default of RFC 7591 section 2
    if method not in METHODS:
        raise _bad("token_endpoint_auth_method must be none, client_secret_post or client_secret_basic")
    if asked.get("response_types", ["code"]) != ["code"]:
        raise _bad("response_types must be [code]; no other flow is spoken here")
    redirects = redirected(asked.get("redirect_uris"), schemes)
    application = _application(asked.get("application_type"), redirects)
    texts = tuple(each.text for each in redirects)
    return Client(
        ident, "registered", named(asked.get("client_name"), ident), texts, method, "", granted(asked),
        application=application,
    )  # fmt: skip


def granted(asked: dict[str, Any]) -> tuple[str, ...]:
    """Return the grants that a client gets: of those it asks for, the ones that people can give."""
    wanted = asked.get("grant_types", ["authorization_code"])
    if not isinstance(wanted, list) or "authorization_code" not in wanted:
        raise _bad("grant_types must include authorization_code; services are configured, not registered")
    return tuple(each for each in GRANTS if each in wanted)


def redirected(said: object, schemes: tuple[str, ...]) -> tuple[Redirect, ...]:
    """Return the redirect URIs of a client; raise `Denied` where there are none, or one is not taken."""
    if not isinstance(said, list) or not 0 < len(said) <= _MOST or not all(isinstance(each, str) for each in said):
        raise Denied("invalid_redirect_uri", f"redirect_uris must be a list of 1 to {_MOST} texts")
    try:
        return tuple(parsed(each, schemes) for each in said)
    except ValueError as error:
        raise Denied("invalid_redirect_uri", str(error)) from error


def _application(said: object, redirects: tuple[Redirect, ...]) -> str:
    if said is None:
        return "web" if all(each.kind == "https" for each in redirects) else "native"
    if said not in ("web", "native"):
        raise _bad("application_type must be web or native")
    if said == "web" and any(each.kind != "https" for each in redirects):
        # OpenID Connect Dynamic Client Registration 1.0 section 2.
        raise Denied("invalid_redirect_uri", "a web application has https redirect URIs only; register as native")
    return str(said)


def named(said: object, otherwise: str) -> str:
    """Return a name that can be shown: short, and without characters that turn or hide others."""
    if not isinstance(said, str):
        return otherwise
    plain = "".join(each if each.isprintable() else " " for each in said[: 4 * _NAME])
    return " ".join(plain.split())[:_NAME] or otherwise


def _bad(why: str) -> Denied:
    return Denied("invalid_client_metadata", why)

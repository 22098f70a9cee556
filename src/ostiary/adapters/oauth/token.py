"""The token endpoint: codes, refresh tokens and assertions in, access tokens out (RFC 6749, OAuth 2.1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from ostiary.adapters.oauth import addresses, asking, grants
from ostiary.adapters.oauth.authentication import authenticated, holds
from ostiary.adapters.oauth.clients import Clients
from ostiary.adapters.oauth.failures import Denied, told
from ostiary.adapters.oauth.issuing import bad_grant
from ostiary.adapters.oauth.metadata import BEARER_GRANT, Endpoint
from ostiary.adapters.oauth.reasons import because, noted
from ostiary.adapters.oauth.setting import Setting
from ostiary.adapters.oauth.storing import Client
from ostiary.core.errors import GatewayError, Unauthenticated
from ostiary.protocol.challenge import NONCE

_ASKED: Final = "use_dpop_nonce"
"""No refusal, but a question that a good client answers with its next request."""


class _Way(Struct, frozen=True):
    """A grant type."""

    give: Callable[[Setting, Client, dict[str, str], str], Awaitable[Response]]
    may: Callable[[Client], bool]


_WAYS: Final = {
    "authorization_code": _Way(grants.by_code, lambda client: "authorization_code" in client.grants),
    "refresh_token": _Way(grants.by_refresh, lambda client: "refresh_token" in client.grants),
    "client_credentials": _Way(grants.by_credentials, lambda client: client.kind == "service"),
    # Whoever registered itself has no standing with the company whose provider speaks for its people.
    BEARER_GRANT: _Way(grants.by_assertion, lambda client: client.method != "none" and client.kind != "registered"),
}


def token(setting: Setting, clients: Clients) -> Endpoint:
    """Return the token endpoint."""

    async def answer(request: Request) -> Response:
        try:
            return await _answered(setting, clients, request)
        except Denied as denied:
            if denied.error != _ASKED:
                setting.note("token_refused", noted(denied, "token"))
            return told(denied)
        except GatewayError as error:
            return told(unavailable(error))

    return answer


def unavailable(error: GatewayError) -> Denied:
    """Return what a client hears when we cannot know: nothing about why, and when to come back."""
    headers = {"retry-after": str(int(error.retry_after or 1.0) + 1)}
    return Denied("temporarily_unavailable", "the gateway cannot look this up at the moment", 503, headers)


async def _answered(setting: Setting, clients: Clients, request: Request) -> Response:
    if request.url.query:
        # RFC 6749 section 2.3.1: parameters in the address end up in logs.
        why = "parameters belong in the body, not in the address"
        raise because(Denied("invalid_request", why), "parameters_in_query")
    given = await asking.form(request)
    client = await authenticated(setting, clients, request, given)
    asked = given.get("grant_type", "")
    way = _WAYS.get(asked)
    if way is None or (asked == BEARER_GRANT and setting.assertion is None):
        raise Denied("unsupported_grant_type", "grant_types_supported of the metadata names those that are")
    if not way.may(client):
        raise Denied("unauthorized_client", "the client may not use this grant type")
    key, nonce = await _proven(setting, request, client, given)
    response = await way.give(setting, client, given, key)
    await clients.used(client)
    if nonce:
        # RFC 9449 section 8.2: so that the next request need not be made twice.
        response.headers["dpop-nonce"] = nonce
    return response


async def _proven(setting: Setting, request: Request, client: Client, given: dict[str, str]) -> tuple[str, str]:
    """Return the thumbprint of the key that tokens are to be bound to, and the client's next nonce (RFC 9449).

    Both are empty where no proof came. Raise `Denied` for one that is not good.
    """
    sent = request.headers.getlist("dpop")
    if setting.proof is None or not sent:
        return "", ""
    if client.method == "none" and not await holds(setting, given):
        # Keys and public clients cost nothing: who brings nothing else could have us verify, and remember, without end.
        raise bad_grant("client_brings_nothing")
    try:
        found = await setting.proof("POST", f"{setting.issuer}{addresses.TOKEN}", sent)
    except Unauthenticated as error:
        nonce = (error.data or {}).get(NONCE)
        if isinstance(nonce, str):
            raise Denied(_ASKED, "send the proof again with this nonce", 400, {"dpop-nonce": nonce}) from error
        setting.attempts.add(request.client.host if request.client else "")
        raise Denied("invalid_dpop_proof", "the DPoP proof is not good") from error
    return found.thumbprint, found.nonce

"""The relying party: OpenID Connect Core 1.0 by code, with PKCE S256 (RFC 7636), state, nonce and `iss` (RFC 9207).

What the browser brings back counts only together with the sealed cookie that it was sent away with. What a provider
writes into an error is never shown, nor kept: it is text from somebody else.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import Struct

from ostiary.adapters.login.ports import Fetched, Provider
from ostiary.core.errors import Garbled, GatewayError, Unauthenticated, UpstreamRefused
from ostiary.core.model import Json
from ostiary.policy.egress import parse_url
from ostiary.protocol.jsonrpc import read

WITHIN: Final = 10.0
"""Seconds that the provider has to turn a code into tokens."""
LIFETIME: Final = 600.0
"""Seconds that a person has for signing in at the provider."""
AGAIN: Final = "start again at the sign-in page"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_LONGEST: Final = 4096
_DEPTH: Final = 16
_OK: Final = 200
# RFC 6749 section 4.1.2.1 and OpenID Connect Core section 3.1.2.6: what may be said, and what we say instead.
_ERRORS: Final = {
    "access_denied": "the identity provider did not let you in, or you went back",
    "login_required": "the identity provider wants you to sign in there first",
    "interaction_required": "the identity provider has a question for you first",
    "consent_required": "the identity provider wants your consent first",
    "account_selection_required": "the identity provider wants you to choose an account first",
    "temporarily_unavailable": "the identity provider is busy at the moment",
    "server_error": "the identity provider has a problem at the moment",
    "invalid_scope": "the identity provider does not know a scope that this gateway asks for; check its configuration",
    "unauthorized_client": "the identity provider does not let this gateway sign people in; check its registration",
    "invalid_request": "the identity provider did not understand this gateway; check its registration",
}


class Attempt(Struct, frozen=True):
    """One sign-in under way: what lies sealed in the browser's cookie."""

    provider: str
    state: str
    nonce: str
    verifier: str
    back: str
    """The own path to go to afterwards."""
    until: float

    def __repr__(self) -> str:
        return f"Attempt(provider={self.provider!r})"


class Endpoints(Struct, frozen=True):
    """Where a provider is spoken to."""

    authorize: str
    token: str
    end_session: str
    """Empty: it knows no logout that an application can ask for."""
    says_iss: bool
    posts_secret: bool


class Proven(Struct, frozen=True):
    """Who signed in."""

    claims: Json
    sid: str
    """The provider's name for its session with this browser; empty where it has none."""
    token: str

    def __repr__(self) -> str:
        return "Proven()"


def failed(code: str, why: str) -> Unauthenticated:
    """Return a sign-in that did not work: a reason code for the ledger, and what the page says."""
    return Unauthenticated(f"{code}: {why}", hint=why)


def usable(url: object) -> bool:
    """Say whether a provider's address may be used: https, or http on this machine."""
    if not isinstance(url, str):
        return False
    try:
        origin = parse_url(url)
    except ValueError:
        return False
    return origin.scheme == "https" or origin.host in _LOOPBACK


def endpoints(document: Json) -> Endpoints:
    """Return where a provider is spoken to, or raise `Garbled`."""
    places = {name: document.get(f"{name}_endpoint") for name in ("authorization", "token")}
    for name, place in places.items():
        if not usable(place):
            raise Garbled(f"the identity provider's metadata has no usable {name}_endpoint")
    methods, leave = document.get("token_endpoint_auth_methods_supported"), document.get("end_session_endpoint")
    # RFC 8414 section 2: where nothing is said, it is the Authorization header.
    named = methods if isinstance(methods, list) else ["client_secret_basic"]
    return Endpoints(
        str(places["authorization"]),
        str(places["token"]),
        str(leave) if usable(leave) else "",
        document.get("authorization_response_iss_parameter_supported") is True,
        "client_secret_basic" not in named and "client_secret_post" in named,
    )


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode("ascii")


def away(provider: Provider, attempt: Attempt, to: Endpoints, redirect: str) -> str:
    """Return the address at the provider where this attempt goes on."""
    asked = {
        "response_type": "code",
        "client_id": provider.client.id,
        "redirect_uri": redirect,
        "scope": " ".join(provider.scopes),
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": challenge(attempt.verifier),
        "code_challenge_method": "S256",
    }
    return with_query(to.authorize, asked)


def with_query(url: str, more: Mapping[str, str]) -> str:
    """Return an address with these parameters after those that it has."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(more)}"


def single(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return parameters by name; refuse a name that comes twice (RFC 6749 section 3.1)."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found or len(value) > _LONGEST:
            raise failed("login_parameters", f"the way back from the identity provider is malformed; {AGAIN}")
        found[name] = value
    return found


def recognised(arrived: Json, attempt: Attempt, now: float) -> None:
    """Refuse an answer that is not to the question this browser was sent away with."""
    state = arrived.get("state", "")
    if not hmac.compare_digest(state.encode(), attempt.state.encode()):
        raise failed("login_state", f"this sign-in was not begun in this browser, or another was begun since; {AGAIN}")
    if attempt.until <= now:
        raise failed("login_too_late", f"signing in took longer than {LIFETIME / 60:.0f} minutes; {AGAIN}")


async def finished(provider: Provider, arrived: Json, attempt: Attempt, redirect: str) -> Proven:
    """Return who signed in, after the state was recognised; raise where the provider or its tokens say otherwise."""
    to = endpoints(await provider.metadata())
    said = arrived.get("iss")
    if said != provider.issuer and (said is not None or to.says_iss):
        # RFC 9207 section 2.4: an answer of another issuer is a mix-up attack. Nothing of it is looked at.
        raise failed("login_mix_up", f"the answer came from another identity provider than the one asked; {AGAIN}")
    if "error" in arrived:
        code = arrived["error"] if arrived["error"] in _ERRORS else "other"
        raise failed(f"login_refused_{code}", _ERRORS.get(code, "the identity provider refused") + f"; {AGAIN}")
    if not arrived.get("code"):
        raise failed("login_no_code", f"the identity provider sent no code; {AGAIN}")
    fetched = await _exchanged(provider, to, attempt, arrived["code"], redirect)
    token = _id_token(fetched)
    claims = await provider.verify(token)
    judge(claims, provider, attempt.nonce)
    sid = claims.get("sid")
    return Proven(claims, sid if isinstance(sid, str) else "", token)


async def _exchanged(provider: Provider, to: Endpoints, attempt: Attempt, code: str, redirect: str) -> Fetched:
    client = provider.client
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect,
        "code_verifier": attempt.verifier,
    }
    basic = None
    if client.secret and not to.posts_secret:
        basic = (client.id, client.secret)
    else:
        form |= {"client_id": client.id} | ({"client_secret": client.secret} if client.secret else {})
    deadline = asyncio.get_running_loop().time() + WITHIN
    return await provider.fetch("POST", to.token, deadline=deadline, form=form, basic=basic)


def _id_token(fetched: Fetched) -> str:
    if fetched.status != _OK:
        if _answer(fetched).get("error") == "invalid_grant":
            raise failed("login_code", f"the identity provider does not accept the code any more; {AGAIN}")
        raise UpstreamRefused(f"login_token_endpoint: status {fetched.status}")
    token = _answer(fetched).get("id_token")
    if not isinstance(token, str):
        raise Garbled("login_no_id_token: the identity provider's answer has no ID token")
    return token


def _answer(fetched: Fetched) -> dict[str, Any]:
    try:
        found = read(fetched.body, _DEPTH)
    except GatewayError:
        return {}
    return found if isinstance(found, dict) else {}


def judge(claims: Json, provider: Provider, nonce: str) -> None:
    """Refuse verified claims that are no answer to this attempt (OpenID Connect Core section 3.1.3.7)."""
    audiences = claims.get("aud")
    named = [audiences] if isinstance(audiences, str) else audiences
    if claims.get("iss") != provider.issuer or not isinstance(named, list) or provider.client.id not in named:
        raise failed("login_wrong_token", f"the identity provider's token is not for this gateway; {AGAIN}")
    authorized = claims.get("azp")
    if authorized != provider.client.id and (authorized is not None or len(named) > 1):
        raise failed("login_wrong_token", f"the identity provider's token was made for another application; {AGAIN}")
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        # A token of another attempt, put in the place of this one's.
        raise failed("login_nonce", f"the identity provider's token belongs to another sign-in; {AGAIN}")


def goodbye(to: Endpoints, provider: Provider, hint: str, back: str) -> str:
    """Return where the provider's own session ends (OpenID Connect RP-Initiated Logout 1.0); empty: nowhere."""
    if not to.end_session:
        return ""
    asked = {"client_id": provider.client.id, "post_logout_redirect_uri": back}
    return with_query(to.end_session, asked | ({"id_token_hint": hint} if hint else {}))

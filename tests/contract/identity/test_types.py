"""Every kind of token at every place where tokens are read: each is good where it is meant, and nowhere else.

RFC 8725 section 3.11, RFC 9068 section 2.1, RFC 9449 section 4.2, OpenID Connect Back-Channel Logout 1.0 section 2.4.
All are signed by the same key, so nothing but what they say that they are tells them apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from ostiary.adapters.identity import dpop, jwt
from ostiary.adapters.identity.assertion import Assertions, Trusted
from ostiary.adapters.identity.jwks import Keys, Pace
from ostiary.adapters.identity.signing_in import Tokens
from ostiary.adapters.login.logouts import EVENT, farewell
from ostiary.adapters.login.relying import judge
from ostiary.adapters.oauth.assertions import client_assertion
from ostiary.adapters.oauth.failures import Denied
from ostiary.core.errors import Unauthenticated
from ostiary.policy.claims import Reading
from tests.contract.identity.provider import (
    ISSUER,
    NOW,
    URL,
    Clock,
    Provider,
    inbound,
    issuers,
    made,
    public,
    setup,
    signed,
)
from tests.contract.identity.proving import shown
from tests.contract.login.stage import Directory

CLIENT = "gateway"
KEY = made("ES256")
ACCESS: dict[str, Any] = {"aud": URL}
IDENTITY: dict[str, Any] = {"aud": CLIENT, "nonce": "n"}
LOGOUT: dict[str, Any] = {"aud": CLIENT, "events": {EVENT: {}}, "sid": "s"}
JAG: dict[str, Any] = {"aud": URL, "client_id": "portal", "resource": f"{URL}/mcp"}
PROOF: dict[str, Any] = {"htm": "POST", "htu": f"{URL}/token"}
CLIENT_ASSERTION: dict[str, Any] = {"iss": ISSUER, "sub": ISSUER, "aud": URL}

SPOKEN: dict[str, tuple[str | None, dict[str, Any]]] = {
    "access token": ("at+jwt", ACCESS),
    "access token, in full": ("application/at+jwt", ACCESS),
    "access token, in capitals": ("AT+JWT", ACCESS),
    "access token that says JWT": ("JWT", ACCESS),
    "access token that says nothing": (None, ACCESS),
    "access token for the client": ("at+jwt", IDENTITY),
    "ID token": ("JWT", IDENTITY),
    "ID token that says nothing": (None, IDENTITY),
    "logout token": ("logout+jwt", LOGOUT),
    "logout token, in full": ("application/logout+jwt", LOGOUT),
    "logout token that says JWT": ("JWT", LOGOUT),
    "logout token that says nothing": (None, LOGOUT),
    "assertion of identity": ("oauth-id-jag+jwt", JAG),
    "assertion of identity, in full": ("application/oauth-id-jag+jwt", JAG),
    "assertion that says JWT": ("JWT", JAG | {"client_id": "portal"}),
    "proof of possession": ("dpop+jwt", PROOF),
    "client's assertion": ("client-authentication+jwt", CLIENT_ASSERTION),
    "security event": ("secevent+jwt", {"aud": URL, "events": {}}),
    "answer of an introspection": ("token-introspection+jwt", ACCESS),
    "request object": ("oauth-authz-req+jwt", ACCESS),
    "logged-in VC": ("vc+sd-jwt", ACCESS),
    "nothing that is known": ("x", ACCESS),
    "another media type": ("text/at+jwt", ACCESS),
    "an access token among parameters": ("at+jwt; x=y", ACCESS),
}


def token(name: str) -> str:
    kind, claims = SPOKEN[name]
    said = {"iss": ISSUER, "sub": "ana", "exp": int(NOW) + 300, "iat": int(NOW), "jti": "j", **claims}
    return signed(KEY, said, "ES256", "one", **({"typ": kind} if kind is not None else {}), **_brought(kind))


def _brought(kind: str | None) -> dict[str, Any]:
    return {"jwk": shown(KEY)} if kind == "dpop+jwt" else {}


def provider() -> Provider:
    found = Provider()
    found.keys = {"one": KEY}
    return found


def keys() -> Keys:
    clock = Clock()
    return Keys(ISSUER, "", provider(), Pace(), clock, clock.sleep)


async def at_the_door(text: str) -> None:
    await issuers(provider(), Clock())(inbound(text))


def signing_in() -> Tokens:
    known = keys()
    return Tokens(ISSUER, CLIENT, lambda: known, jwt.USUAL, Clock())


async def as_identity(text: str) -> None:
    judge(await signing_in().identity(text), Directory(ISSUER).provider(), "n")


async def as_logout(text: str) -> None:
    farewell(await signing_in().logout(text), Directory(ISSUER).provider(), NOW)


async def as_assertion(text: str) -> None:
    known, trusted = keys(), {ISSUER: Trusted("staff", Reading(ISSUER))}
    await Assertions(URL, lambda: trusted, lambda _: known, Clock())(text)


async def as_proof(text: str) -> None:
    await dpop.Proofs(URL, Clock()).held("POST", f"{URL}/token", [text])


async def as_client(text: str) -> None:
    try:
        client_assertion(text, {"keys": [public(KEY)]}, ISSUER, URL, NOW)
    except Denied as denied:
        raise Unauthenticated(denied.error) from denied


_ACCESS_TOKENS = {name for name, (_, claims) in SPOKEN.items() if name.startswith("access token") and claims is ACCESS}
PLACES: dict[str, tuple[Callable[[str], Awaitable[None]], set[str]]] = {
    # An assertion that says only that it is a JWT is not told from an access token for us: providers must not make
    # such, and where they could, `access_tokens_only` is for them.
    "the door": (at_the_door, _ACCESS_TOKENS | {"assertion that says JWT"}),
    "sign-in": (as_identity, {"ID token", "ID token that says nothing"}),
    "back-channel logout": (as_logout, {name for name in SPOKEN if name.startswith("logout token")}),
    "exchange of assertions": (as_assertion, {name for name in SPOKEN if name.startswith("assertion of identity")}),
    "proof at the token endpoint": (as_proof, {"proof of possession"}),
    "authentication of a client": (as_client, {"client's assertion"}),
}


@pytest.mark.parametrize(("place", "name"), list(itertools.product(PLACES, SPOKEN)))
async def test_a_token_is_good_where_it_is_meant_and_nowhere_else(place: str, name: str) -> None:
    read, meant = PLACES[place]
    if name in meant:
        await read(token(name))
        return
    with pytest.raises(Unauthenticated):
        await read(token(name))


TYPES = {"access": jwt.ACCESS, "ID": jwt.ID_TOKEN, "logout": jwt.LOGOUT, "assertion": jwt.ASSERTION}


@pytest.mark.parametrize("one", TYPES)
@pytest.mark.parametrize("other", TYPES)
def test_no_explicit_type_is_read_in_two_places(one: str, other: str) -> None:
    """What two readers share are only tokens that do not say what they are: their claims tell them apart."""
    shared = TYPES[one] & TYPES[other]
    assert one == other or shared <= {"", "jwt"}


@pytest.mark.parametrize("name", SPOKEN)
async def test_where_access_tokens_must_say_so_nothing_else_is_one(name: str) -> None:
    (kind, claims), found = SPOKEN[name], provider()
    expected = replace(setup(found).expected, only_access=True)
    door = issuers(found, Clock(), expected=expected)
    if claims is ACCESS and (kind or "").lower() in {"at+jwt", "application/at+jwt"}:
        assert (await door(inbound(token(name)))).subject == "ana"
        return
    with pytest.raises(Unauthenticated):
        await door(inbound(token(name)))

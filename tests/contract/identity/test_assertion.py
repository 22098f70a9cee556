"""Identity assertions (ID-JAG): who says so, to whom, and when; with real keys."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ostiary.adapters.identity.assertion import Asserted, Assertions, Trusted
from ostiary.adapters.identity.jwks import Keys, Pace
from ostiary.core.errors import Overloaded, Unauthenticated
from ostiary.policy.claims import Reading, Source
from tests.contract.identity.provider import ISSUER, NOW, URL, Clock, Provider, made, signed

TYPE = "oauth-id-jag+jwt"
OTHER = "https://other.example.net"


class Server:
    """An authorization server that believes one provider."""

    def __init__(self) -> None:
        self.provider, self.clock = Provider(), Clock()
        reading = Reading(ISSUER, roles=Source("groups", {"eng": "developer"}), teams=Source("team"))
        self.trusted = {ISSUER: Trusted("staff", reading)}
        self.keys = Keys(ISSUER, "", self.provider, Pace(), self.clock, self.clock.sleep)
        self.verify = Assertions(URL, lambda: self.trusted, lambda _: self.keys, self.clock)

    async def __call__(self, key: Any = None, algorithm: str = "RS256", header: Any = None, **changed: Any) -> Asserted:
        return await self.verify(said(key, algorithm, header, **changed))


def said(key: Any = None, algorithm: str = "RS256", header: Any = None, kid: str | None = "one", **changed: Any) -> str:
    """Return a good assertion with changes; None takes a claim away."""
    claims = {
        "iss": ISSUER, "sub": "ana", "aud": URL, "client_id": "portal", "jti": "j1", "exp": int(NOW) + 300,
        "iat": int(NOW), "resource": f"{URL}/mcp", "scope": "tools:read", "groups": ["eng"], "team": "blue", **changed,
    }  # fmt: skip
    kept = {name: value for name, value in claims.items() if value is not None}
    return signed(key or made(), kept, algorithm, kid, **{"typ": TYPE, **(header or {})})


@pytest.fixture
def server() -> Server:
    return Server()


async def test_a_provider_s_word_is_a_caller_by_its_own_mapping(server: Server) -> None:
    found = await server(act={"sub": "agent"})
    assert (found.caller.subject, found.caller.issuer, found.caller.proof) == ("ana", ISSUER, "id-jag:staff")
    assert [*found.caller.roles, *found.caller.teams] == ["developer", "blue"]
    assert (found.claims["client_id"], found.claims["jti"], found.claims["act"]) == ("portal", "j1", {"sub": "agent"})
    assert found.header == {"typ": TYPE}


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({"typ": "OAuth-ID-JAG+JWT"}, {}), ({"typ": f"application/{TYPE}"}, {}), ({}, {"aud": [URL]}),
        ({}, {"exp": NOW - 29}), ({}, {"iat": NOW + 30}), ({}, {"exp": NOW + 3600, "iat": NOW}),
    ],
)  # fmt: skip
async def test_what_differs_from_a_good_one_in_spelling_only_is_as_good(
    server: Server, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    assert (await server(header=header, **claims)).caller.subject == "ana"


@pytest.mark.parametrize(
    ("header", "claims", "reason"),
    [
        ({"typ": "JWT"}, {}, "jwt_typ"),
        ({"typ": ""}, {}, "jwt_typ"),
        ({"typ": "at+jwt"}, {}, "jwt_typ"),
        ({"typ": "logout+jwt"}, {}, "jwt_typ"),
        ({}, {"iss": OTHER}, "jwt_wrong_issuer"),
        ({}, {"iss": f"{ISSUER}/"}, "jwt_wrong_issuer"),
        ({}, {"iss": [ISSUER]}, "jwt_wrong_issuer"),
        ({}, {"iss": None}, "jwt_wrong_issuer"),
        ({}, {"iss": URL}, "jwt_wrong_issuer"),
        ({}, {"aud": OTHER}, "jwt_wrong_audience"),
        ({}, {"aud": [URL, OTHER]}, "jwt_wrong_audience"),
        ({}, {"aud": f"{URL}/"}, "jwt_wrong_audience"),
        ({}, {"aud": f"{URL}/token"}, "jwt_wrong_audience"),
        ({}, {"aud": f"{URL}/mcp"}, "jwt_wrong_audience"),
        ({}, {"aud": []}, "jwt_wrong_audience"),
        ({}, {"aud": None}, "jwt_wrong_audience"),
        ({}, {"exp": NOW - 31}, "jwt_expired"),
        ({}, {"exp": None}, "jwt_no_expiry"),
        ({}, {"exp": "soon"}, "jwt_number"),
        ({}, {"exp": NOW + 3601}, "jwt_lifetime"),
        ({}, {"iat": None}, "jwt_lifetime"),
        ({}, {"iat": NOW - 3600}, "jwt_lifetime"),
        ({}, {"iat": NOW + 31, "exp": NOW + 60}, "jwt_not_yet"),
        ({}, {"nbf": NOW + 60}, "jwt_not_yet"),
        ({}, {"events": {}}, "jwt_typ"),
        ({}, {"sub": None}, "jwt_nobody"),
        ({}, {"sub": "a\nb"}, "jwt_nobody"),
        ({}, {"kid": "two"}, "jwt_kid_unknown"),
        ({"jku": "https://evil.example/keys"}, {}, "jwt_header_key"),
        ({"cty": "JWT"}, {}, "jwt_nested"),
        ({}, {"pad": "x" * 16_384}, "jwt_oversized"),
    ],
)  # fmt: skip
async def test_what_is_not_said_by_them_to_us_now_is_refused(
    server: Server, header: dict[str, Any], claims: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Unauthenticated) as caught:
        await server(header=header, **claims)
    assert caught.value.detail.partition(":")[0] == reason


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"typ": [TYPE]}, "jwt_typ"), ({"crit": ["x"], "x": 1}, "jwt_crit"), ({"b64": False}, "jwt_crit"),
        ({"alg": "none"}, "jwt_alg_none"), ({"alg": "HS256"}, "jwt_alg_refused"), ({"jwk": {}}, "jwt_header_key"),
    ],
)  # fmt: skip
async def test_a_header_alone_may_be_reason_enough(server: Server, header: dict[str, Any], reason: str) -> None:
    text = json.dumps({"alg": "RS256", "kid": "one", "typ": TYPE, **header}).encode()
    head = base64.urlsafe_b64encode(text).rstrip(b"=").decode()
    with pytest.raises(Unauthenticated) as caught:
        await server.verify(f"{head}.{said().partition('.')[2]}")
    assert caught.value.detail.partition(":")[0] == reason


async def test_a_signature_of_somebody_else_s_is_refused(server: Server) -> None:
    with pytest.raises(Unauthenticated, match="jwt_signature"):
        await server(made(number=1))
    with pytest.raises(Unauthenticated, match="jwt_key_mismatch"):
        await server(made("ES256"), "ES256")
    server.provider.keys = {"curve": made("ES384")}
    with pytest.raises(Unauthenticated, match="jwt_alg_refused"):
        await server(made("ES512"), "ES512", kid="curve")


async def test_keys_are_asked_for_only_when_everything_else_is_right(server: Server) -> None:
    """Ours: who is not trusted, or says it to others, causes no request."""
    for claims in ({"iss": OTHER}, {"aud": OTHER}, {"exp": NOW - 60}):
        with pytest.raises(Unauthenticated):
            await server(**claims)
    assert server.provider.asked == []
    await server()
    assert server.provider.fetched() == 1


async def test_a_provider_that_is_no_longer_trusted_is_believed_no_longer(server: Server) -> None:
    await server()
    server.trusted.clear()
    with pytest.raises(Unauthenticated, match="jwt_wrong_issuer"):
        await server()


async def test_our_own_word_is_never_taken_for_a_company_s(server: Server) -> None:
    """Ours: even where a configuration says so, for then a token of ours could become one that says more."""
    server.trusted[URL] = Trusted("ourselves", Reading(URL))
    with pytest.raises(Unauthenticated, match="jwt_wrong_issuer"):
        await server(iss=URL)


async def test_while_the_keys_cannot_be_had_nobody_is_refused_for_good(server: Server) -> None:
    server.provider.down = True
    with pytest.raises(Overloaded):
        await server()

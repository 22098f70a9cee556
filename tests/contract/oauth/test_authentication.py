"""How clients prove who they are at the token endpoint, and what they get that do not."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from tests.contract.oauth.house import DOCUMENT, KEY, NOW, RESOURCE, SECRET, URL, House, query

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
STRANGER = ECKey.generate_key("P-256", {"kid": "one"}, private=True)


@pytest.mark.parametrize(
    ("fields", "auth"),
    [
        ({"client_id": "portal"}, None),
        ({"client_id": "portal", "client_secret": "wrong"}, None),
        ({}, ("portal", "wrong")),
        ({}, ("nobody", "x")),
        ({}, ("tool", "x")),
        ({"client_id": "nobody"}, None),
        ({"client_id": "tool", "client_secret": "x"}, None),
        ({"client_id": "dcr_" + "x" * 24}, None),
        ({}, None),
    ],
)
async def test_every_client_that_proves_nothing_hears_the_same(
    house: House, fields: dict[str, str], auth: tuple[str, str] | None
) -> None:
    response = await house.token(grant_type="authorization_code", code="x", **fields, auth=auth)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.json()["error_description"].startswith("the client is unknown, or did not")
    assert ("www-authenticate" in response.headers) is (auth is not None)


async def test_a_client_that_authenticates_in_two_ways_is_refused(house: House) -> None:
    response = await house.token(grant_type="x", client_id="portal", client_secret=SECRET, auth=("portal", SECRET))
    other = await house.token(grant_type="x", client_id="tool", auth=("portal", SECRET))
    assert response.json()["error"] == other.json()["error"] == "invalid_request"


async def test_a_peer_that_guesses_secrets_is_not_heard_for_a_while(house: House) -> None:
    for _ in range(5):
        await house.token(grant_type="client_credentials", resource=RESOURCE, auth=("nightly", "guess"))
    response = await house.token(grant_type="client_credentials", resource=RESOURCE, auth=("nightly", "n1ghtly"))
    assert (response.status_code, response.headers["retry-after"]) == (429, "31")


@pytest.mark.parametrize(
    ("client", "grant"),
    [("portal", "client_credentials"), ("nightly", "authorization_code"), ("nightly", "refresh_token")],
)
async def test_a_client_has_the_grants_it_was_made_for(house: House, client: str, grant: str) -> None:
    secret = {"portal": SECRET, "nightly": "n1ghtly"}[client]
    response = await house.token(grant_type=grant, resource=RESOURCE, auth=(client, secret))
    assert response.json()["error"] == "unauthorized_client"


async def test_a_service_account_asks_nobody_and_gets_no_more_than_is_its_own(house: House) -> None:
    async with house.browser() as browser:
        assert (await browser.get("/authorize", params=query("nightly"))).status_code == 400
    for fields in ({"resource": "https://evil.example"}, {"resource": RESOURCE, "scope": "admin"}):
        response = await house.token(grant_type="client_credentials", **fields, auth=("nightly", "n1ghtly"))
        assert response.status_code == 400


# Signed assertions (RFC 7523)


def asserted(key: Any = KEY, header: dict[str, Any] | None = None, **claims: Any) -> str:
    said = {"iss": "signer", "sub": "signer", "aud": URL, "exp": NOW + 60, "jti": "j1", **claims}
    top = {"alg": "ES256", **(header or {})}
    return jwt.encode(top, {k: v for k, v in said.items() if v is not None}, key, algorithms=[top["alg"]])


async def credentials(house: House, assertion: str, **fields: str) -> Any:
    told = {"client_assertion_type": ASSERTION, "client_assertion": assertion, "resource": RESOURCE, **fields}
    return await house.token(grant_type="client_credentials", **told)


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({}, {}),
        ({"kid": "one", "typ": "client-authentication+jwt"}, {"aud": f"{URL}/token"}),
        ({"typ": "JWT"}, {"aud": [URL], "iat": NOW, "nbf": NOW}),
    ],
)
async def test_a_service_proves_itself_with_its_key(
    house: House, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    response = await credentials(house, asserted(header=header, **claims))
    assert (await house.claims(response.json()["access_token"]))["sub"] == "signer"


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({}, {"aud": "https://other.example"}),
        ({}, {"aud": [URL, "https://other.example"]}),
        ({}, {"aud": None}),
        ({}, {"aud": f"{URL}/"}),
        ({}, {"exp": NOW - 60}),
        ({}, {"exp": NOW + 3600}),
        ({}, {"exp": None}),
        ({}, {"exp": "soon"}),
        ({}, {"exp": True}),
        ({}, {"nbf": NOW + 120}),
        ({}, {"iat": NOW + 120}),
        ({}, {"jti": None}),
        ({}, {"jti": "j" * 300}),
        ({}, {"jti": 1}),
        ({}, {"sub": "nightly"}),
        ({}, {"iss": "nightly"}),
        ({}, {"iss": "nightly", "sub": "nightly"}),
        ({}, {"iss": "nobody", "sub": "nobody"}),
        ({"kid": "other"}, {}),
        ({"typ": "at+jwt"}, {}),
        ({"typ": "oauth-id-jag+jwt"}, {}),
        ({"b64": True, "crit": ["b64"]}, {}),
    ],
)
async def test_an_assertion_that_proves_nothing_is_refused(
    house: House, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    response = await credentials(house, asserted(header=header, **claims))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


async def test_an_assertion_counts_once(house: House) -> None:
    assertion = asserted()
    assert (await credentials(house, assertion)).status_code == 200
    assert (await credentials(house, assertion)).status_code == 401


async def test_an_assertion_by_another_key_or_algorithm_is_refused(house: House) -> None:
    """RFC 8725 section 3.1: neither unsigned, nor with the public key as the secret of a symmetric algorithm."""
    confused = OctKey.import_key({"kty": "oct", "k": KEY.as_dict(private=False)["x"]})
    unsigned = "eyJhbGciOiJub25lIn0." + asserted().split(".")[1] + "."
    forged = [
        asserted(STRANGER), asserted(confused, {"alg": "HS256"}), unsigned, asserted()[:-6] + "AAAAAA", "x.y.z", "x" * 20_000,
        asserted(RSAKey.generate_key(2048), {"alg": "RS256"}), asserted(STRANGER, {"jwk": STRANGER.as_dict(private=False)}),
    ]  # fmt: skip
    for each in forged:
        response = await credentials(house, each)
        house.failures.count = 0
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


async def test_the_type_of_an_assertion_and_its_client_must_be_what_is_said_beside_it(house: House) -> None:
    for fields in ({"client_assertion_type": "x"}, {"client_id": "nightly"}, {"client_secret": "x"}):
        assert (await credentials(house, asserted(), **fields)).json()["error"] == "invalid_request"


async def test_a_client_with_a_document_may_prove_itself_with_the_keys_that_the_document_names(house: House) -> None:
    where = "https://app.example/keys.json"
    told = {"client_id": DOCUMENT, "redirect_uris": ["https://app.example/cb"]}
    house.internet.put(DOCUMENT, {**told, "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": where})
    house.internet.put(where, {"keys": [KEY.as_dict(private=False)]})
    code = await house.code(DOCUMENT, redirect_uri="https://app.example/cb")
    fields = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": "https://app.example/cb",
        "code_verifier": "v" * 64, "client_assertion_type": ASSERTION,
    }  # fmt: skip
    bare = await house.token(**{**fields, "client_assertion_type": ""}, client_id=DOCUMENT)
    wrong = await house.token(**fields, client_assertion=asserted(STRANGER, iss=DOCUMENT, sub=DOCUMENT))
    taken = await house.token(**fields, client_assertion=asserted(iss=DOCUMENT, sub=DOCUMENT))
    assert (bare.status_code, wrong.status_code, taken.status_code) == (401, 401, 200)


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"grant_type": "password", "client_id": "tool"}},
        {"data": {"client_id": "tool"}},
        {"json": {"grant_type": "refresh_token", "client_id": "tool"}},
        {"content": b"a=1&a=2", "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"content": b"a=%ff", "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"content": b"a=%00", "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"content": b"a" * 60_000, "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"data": {"client_id": "tool"}, "params": {"grant_type": "refresh_token"}},
    ],
)
async def test_what_is_no_token_request_is_said_to_be_none(house: House, body: dict[str, Any]) -> None:
    async with house.browser("") as client:
        response = await client.post("/token", **body)
    assert response.status_code in {400, 413}
    assert response.json()["error"] in {"invalid_request", "unsupported_grant_type"}
    assert response.headers["cache-control"] == "no-store"

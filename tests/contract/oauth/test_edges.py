"""What happens at the edges: bounds, and things that changed between a question and its answer."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey, RSAKey

from ostiary.adapters.oauth.rates import Rates
from ostiary.adapters.oauth.setting import service
from ostiary.policy.limits import peer_network
from tests.contract.oauth.house import (
    NOW,
    RESOURCE,
    URL,
    House,
    Time,
    decide,
    exchange,
    query,
    ticket,
)

FORM = {"content-type": "application/x-www-form-urlencoded"}


async def test_who_is_signed_out_meanwhile_decides_nothing(house: House) -> None:
    client = await house.registered()
    async with house.browser() as browser:
        form = (await browser.get("/authorize", params=query(client))).text
        browser.cookies.delete("who")
        response = await decide(browser, form)
    assert (response.status_code, "login_required" in response.text) == (403, True)


async def test_an_endpoint_that_is_gone_meanwhile_is_granted_to_nobody(tmp_path: Path) -> None:
    resources = {RESOURCE}
    house = House(tmp_path, resources=lambda: frozenset(resources))
    client = await house.registered()
    tokens = await house.tokens(client)
    async with house.browser() as browser:
        asked = await browser.get("/authorize", params=query(client, prompt="consent"))
        resources.clear()
        assert (await decide(browser, asked.text)).status_code == 403
    assert (await house.refreshed(client, tokens["refresh_token"])).json()["error"] == "invalid_target"


async def test_without_cookies_there_is_no_consent(house: House) -> None:
    client = await house.registered()
    async with house.browser() as browser:
        form = (await browser.get("/authorize", params=query(client))).text
    async with house.browser() as browser:
        sent = {"ticket": ticket(form), "decision": "allow"}
        assert (await browser.post("/authorize/decision", data=sent)).status_code == 403


async def test_what_is_too_long_or_no_form_is_refused(house: House) -> None:
    async with house.browser() as browser:
        long = await browser.get(f"/authorize?x={'y' * 13_000}")
        many = await browser.get("/authorize?" + "&".join(f"a{number}=1" for number in range(70)))
        text = await browser.post("/register", content=b"[1]", headers={"content-type": "application/json"})
        broken = await browser.post("/register", content=b"{", headers={"content-type": "application/json"})
        bare = await browser.post("/revoke", data={"client_id": "tool"})
        unknown = await browser.post("/revoke", data={"client_id": "nobody", "token": "x"})
    assert (long.status_code, many.status_code) == (400, 400)
    assert text.json()["error"] == broken.json()["error"] == "invalid_client_metadata"
    assert (bare.json()["error"], unknown.json()["error"]) == ("invalid_request", "invalid_client")


@pytest.mark.parametrize("header", ["Basic", "Basic !!", "Basic YQ==", "Bearer x", "Basic OnNlY3JldA==", "Basic /w=="])
async def test_an_authorization_header_that_proves_nothing_is_answered_with_a_challenge(
    house: House, header: str
) -> None:
    response = await house.post("/token", {"grant_type": "refresh_token"}, headers={"authorization": header})
    assert (response.status_code, response.headers["www-authenticate"]) == (401, 'Basic realm="token"')


async def test_ids_and_secrets_in_the_header_are_form_encoded(tmp_path: Path) -> None:
    """RFC 6749 section 2.3.1."""
    odd = service("a b", ("tools:read",), secret="c:d%e")
    house = House(tmp_path, known=lambda: {"a b": odd})
    pair = base64.b64encode(b"a+b:c%3Ad%25e").decode()
    sent = {"grant_type": "client_credentials", "resource": RESOURCE}
    assert (await house.post("/token", sent, headers={"authorization": f"Basic {pair}"})).status_code == 200


async def test_a_code_that_never_was_is_refused_like_every_other(house: House) -> None:
    for code in ("never", ""):
        assert (await house.token(**exchange("tool", code))).json()["error"] == "invalid_grant"


async def test_a_token_that_has_expired_needs_no_giving_up(house: House) -> None:
    client = await house.registered()
    tokens = await house.tokens(client)
    house.time.now += 700
    await house.post("/revoke", {"client_id": client, "token": tokens["access_token"]})
    assert house.storage.withdrawn(NOW) == frozenset()


async def test_of_no_scopes_at_all_an_agreement_is_remembered_too(tmp_path: Path) -> None:
    house = House(tmp_path, scopes=dict, minimum=tuple)
    client = await house.registered()
    assert (await house.tokens(client, scope=""))["scope"] == ""
    async with house.browser() as browser:
        assert (await browser.get("/authorize", params=query(client, scope=""))).status_code == 303


@pytest.mark.parametrize(
    ("key", "algorithm", "status"),
    [
        (RSAKey.generate_key(2048), "RS256", 200),
        (RSAKey.generate_key(2048), "PS256", 200),
        (OKPKey.generate_key("Ed25519"), "Ed25519", 200),
        (RSAKey.generate_key(1024), "RS256", 401),
    ],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
async def test_keys_of_services_are_of_a_decent_size(tmp_path: Path, key: Any, algorithm: str, status: int) -> None:
    known = {"signer": service("signer", ("tools:read",), jwks={"keys": [key.as_dict(private=False)]})}
    house = House(tmp_path, known=lambda: known)
    said = {"iss": "signer", "sub": "signer", "aud": URL, "exp": NOW + 60, "jti": "j1"}
    response = await house.token(
        grant_type="client_credentials",
        resource=RESOURCE,
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion=jwt.encode({"alg": algorithm}, said, key, algorithms=[algorithm]),
    )
    assert response.status_code == status


@pytest.mark.parametrize("keys", [{}, {"keys": "x"}, {"keys": [1, {"kty": "EC"}, {"kty": "RSA", "n": "x"}]}])
async def test_a_key_set_that_is_none_proves_nobody(tmp_path: Path, keys: dict[str, Any]) -> None:
    house = House(tmp_path, known=lambda: {"signer": service("signer", (), jwks_uri="https://s.example/keys")})
    house.internet.put("https://s.example/keys", keys)
    key = RSAKey.generate_key(2048)
    said = {"iss": "signer", "sub": "signer", "aud": URL, "exp": NOW + 60, "jti": "j1"}
    response = await house.token(
        grant_type="client_credentials",
        resource=RESOURCE,
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion=jwt.encode({"alg": "RS256"}, said, key),
    )
    assert response.status_code == 401


def test_a_subscriber_with_many_addresses_is_one_peer() -> None:
    rates = Rates(Time(), (1.0, 0.1), (100.0, 1.0))
    assert peer_network("2001:db8::1") == peer_network("2001:db8::ffff:1") != peer_network("2001:db8:0:1::1")
    assert peer_network("::ffff:192.0.2.1") == "192.0.2.1"
    assert peer_network("a socket") == "a socket"
    assert [rates.take(peer) for peer in ("2001:db8::1", "2001:db8::2", "192.0.2.1")] == [0.0, 10.0, 0.0]


def test_peers_are_not_remembered_without_end() -> None:
    rates = Rates(Time(), (1.0, 0.1), (1e9, 1.0))
    for number in range(10_005):
        rates.take(f"peer {number}")
    assert len(rates._peers) == 10_000

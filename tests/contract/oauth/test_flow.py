"""A client that knows nothing but the URL gets a token, keeps it fresh, and gives it up."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.oauth.house import (
    CALLBACK,
    CHALLENGE,
    DOCUMENT,
    LOOPBACK,
    NOW,
    OTHER,
    RESOURCE,
    SECRET,
    URL,
    House,
    allowed,
    exchange,
    query,
)  # fmt: skip

METADATA = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")


@pytest.mark.parametrize("path", METADATA)
async def test_the_metadata_is_that_of_exactly_this_issuer(house: House, path: str) -> None:
    """RFC 8414 section 3.3, RFC 9207 section 3: the issuer is compared as a text."""
    async with house.browser("") as client:
        response = await client.get(path)
    said = response.json()
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert said["issuer"] == URL
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["authorization_response_iss_parameter_supported"] is True
    assert said["client_id_metadata_document_supported"] is True
    assert said["registration_endpoint"] == f"{URL}/register"
    assert {"none", "client_secret_post", "client_secret_basic", "private_key_jwt"} == set(
        said["token_endpoint_auth_methods_supported"]
    )
    assert said["grant_types_supported"] == ["authorization_code", "refresh_token", "client_credentials"]


async def test_a_program_that_registers_itself_gets_a_token_for_the_resource(house: House) -> None:
    client = await house.registered()
    tokens = await house.tokens(client)
    claims = await house.claims(tokens["access_token"])
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 600
    assert tokens["scope"] == "tools:read"
    assert {name: claims[name] for name in ("iss", "sub", "aud", "client_id", "scope", "roles", "teams", "idp")} == {
        "iss": URL, "sub": "ann", "aud": RESOURCE, "client_id": client, "scope": "tools:read",
        "roles": ["developer"], "teams": ["eng"], "idp": "https://id.example.com",
    }  # fmt: skip
    assert claims["exp"] - claims["iat"] == 600


async def test_the_answer_names_the_issuer_and_repeats_the_state(house: House) -> None:
    """RFC 9207."""
    client = await house.registered()
    async with house.browser() as browser:
        said = await allowed(browser, **query(client))
    assert (said["iss"], said["state"]) == (URL, "st&te")


async def test_a_document_says_what_a_client_is(house: House) -> None:
    house.internet.put(DOCUMENT, {"client_id": DOCUMENT, "client_name": "App", "redirect_uris": [CALLBACK]})
    tokens = await house.tokens(DOCUMENT, redirect_uri=CALLBACK)
    assert (await house.claims(tokens["access_token"]))["client_id"] == DOCUMENT
    assert house.internet.asked == [DOCUMENT]


async def test_a_client_of_the_configuration_shows_its_secret(house: House) -> None:
    code = await house.code("portal", redirect_uri=CALLBACK)
    fields = exchange("", code, redirect_uri=CALLBACK)
    response = await house.token(**fields, auth=("portal", SECRET))
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"


async def test_a_registered_secret_is_shown_once_and_needed_ever_after(house: House) -> None:
    made = (await house.register(token_endpoint_auth_method="client_secret_post")).json()
    code = await house.code(made["client_id"])
    refused = await house.token(**exchange(made["client_id"], code))
    taken = await house.token(**exchange(made["client_id"], code), client_secret=made["client_secret"])
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert taken.status_code == 200
    assert made["client_secret"] not in str(house.storage.client(made["client_id"]))


async def test_a_refresh_token_is_good_once_and_brings_the_next(house: House) -> None:
    client = await house.registered()
    first = await house.tokens(client)
    second = (await house.refreshed(client, first["refresh_token"])).json()
    third = await house.refreshed(client, second["refresh_token"], resource=RESOURCE)
    assert first["refresh_token"] != second["refresh_token"]
    assert (await house.claims(third.json()["access_token"]))["aud"] == RESOURCE


async def test_an_agreement_is_remembered_for_what_was_agreed_to(house: House) -> None:
    client = await house.registered(redirect_uris=[LOOPBACK, CALLBACK])
    async with house.browser() as browser:
        await allowed(browser, **query(client))
        again = await browser.get("/authorize", params=query(client))
        others: list[Any] = [
            await browser.get("/authorize", params=query(client, **each))
            for each in (
                {"scope": "tools:read tools:write"},
                {"resource": OTHER},
                {"redirect_uri": CALLBACK},
                {"prompt": "consent"},
            )
        ]
    async with house.browser("ben") as browser:
        others.append(await browser.get("/authorize", params=query(client)))
    assert again.status_code == 303
    assert [each.status_code for each in others] == [200] * 5


@pytest.mark.parametrize("client", ["tool", DOCUMENT])
async def test_what_any_program_of_the_computer_could_be_is_asked_about_every_time(house: House, client: str) -> None:
    """RFC 8252 section 8.6."""
    house.internet.put(DOCUMENT, {"client_id": DOCUMENT, "redirect_uris": [LOOPBACK]})
    async with house.browser() as browser:
        await allowed(browser, **query(client))
        assert (await browser.get("/authorize", params=query(client))).status_code == 200


async def test_a_scope_that_nobody_asked_for_is_not_given(house: House) -> None:
    client = await house.registered()
    usual = await house.tokens(client, scope="offline_access openid")
    mixed = await house.tokens(client, scope="tools:write made:up")
    assert (usual["scope"], mixed["scope"]) == ("tools:read", "tools:write")


async def test_a_service_account_has_access_of_its_own(house: House) -> None:
    response = await house.token(grant_type="client_credentials", resource=RESOURCE, auth=("nightly", "n1ghtly"))
    claims = await house.claims(response.json()["access_token"])
    assert "refresh_token" not in response.json()
    assert (claims["sub"], claims["roles"], claims["idp"]) == ("nightly", ["robot"], URL)


async def test_a_token_that_is_given_up_is_refused_with_all_that_came_of_its_grant(house: House) -> None:
    """RFC 7009."""
    client = await house.registered()
    tokens = await house.tokens(client)
    answer = await house.post("/revoke", {"client_id": client, "token": tokens["refresh_token"]})
    claims = await house.claims(tokens["access_token"])
    assert (answer.status_code, house.revocations) == (200, 1)
    assert claims["gid"] in house.storage.withdrawn(NOW)
    assert (await house.refreshed(client, tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_an_access_token_alone_can_be_given_up(house: House) -> None:
    client = await house.registered()
    tokens = await house.tokens(client)
    await house.post("/revoke", {"client_id": client, "token": tokens["access_token"]})
    assert house.storage.withdrawn(NOW) == {(await house.claims(tokens["access_token"]))["jti"]}
    assert (await house.refreshed(client, tokens["refresh_token"])).status_code == 200


async def test_nobody_gives_up_what_belongs_to_others(house: House) -> None:
    mine, theirs = await house.registered(), await house.registered()
    tokens = await house.tokens(mine)
    for token in (tokens["access_token"], tokens["refresh_token"], "noise"):
        answer = await house.post("/revoke", {"client_id": theirs, "token": token})
        assert answer.status_code == 200
    assert house.storage.withdrawn(NOW) == frozenset()


async def test_who_is_not_signed_in_is_led_to_the_login_by_a_click_and_back(house: House) -> None:
    client = await house.registered()
    async with house.browser("") as browser:
        response = await browser.get("/authorize", params=query(client))
    assert response.status_code == 200
    assert "location" not in response.headers
    assert "/login?next=%2Fauthorize%3F" in response.text
    assert CHALLENGE in response.text


async def test_codes_and_tokens_end_by_themselves(house: House) -> None:
    client = await house.registered()
    code = await house.code(client)
    house.time.now += 61
    assert (await house.token(**exchange(client, code))).json()["error"] == "invalid_grant"
    tokens = await house.tokens(client)
    house.time.now += 14 * 86_400 + 1
    assert (await house.refreshed(client, tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_grant_ends_however_often_it_is_refreshed(house: House) -> None:
    client = await house.registered()
    token = (await house.tokens(client))["refresh_token"]
    for _ in range(9):
        house.time.now += 10 * 86_400 - 1
        response = await house.refreshed(client, token)
        token = response.json().get("refresh_token", token)
    assert response.status_code == 200
    house.time.now += 10
    assert (await house.refreshed(client, token)).json()["error"] == "invalid_grant"

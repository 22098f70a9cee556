"""People who are gone, assertions of the company's provider, and what the owner of the pages wires."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ostiary.adapters.oauth.addresses import OPEN
from ostiary.adapters.oauth.revocation import Withdrawn
from ostiary.adapters.oauth.routes import routes
from ostiary.adapters.oauth.setting import Assertion, service
from ostiary.adapters.oauth.storing import Client, Subject
from ostiary.core.errors import Overloaded, Unauthenticated
from tests.contract.oauth.house import (
    CALLBACK,
    LOOPBACK,
    NOW,
    OTHER,
    RESOURCE,
    SECRET,
    URL,
    House,
    exchange,
    query,
)

BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


async def test_a_person_who_is_gone_refreshes_nothing(tmp_path: Path) -> None:
    people: dict[str, Subject] = {"ann": Subject("ann", "https://id.example.com", ("lead",))}

    async def standing(subject: Subject) -> Subject | None:
        return people.get(subject.subject)

    house = House(tmp_path, standing=standing)
    client = await house.registered()
    tokens = (await house.refreshed(client, (await house.tokens(client))["refresh_token"])).json()
    assert (await house.claims(tokens["access_token"]))["roles"] == ["lead"]
    people.clear()
    assert (await house.refreshed(client, tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await house.claims(tokens["access_token"]))["gid"] in house.storage.withdrawn(NOW)


async def test_a_provider_that_is_away_costs_no_token(tmp_path: Path) -> None:
    away = True

    async def standing(subject: Subject) -> Subject | None:
        if away:
            raise Overloaded("the provider is away")
        return subject

    house = House(tmp_path, standing=standing)
    client = await house.registered()
    token = (await house.tokens(client))["refresh_token"]
    response = await house.refreshed(client, token)
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    away = False
    assert (await house.refreshed(client, token)).status_code == 200


# Identity assertions (ID-JAG)


def assertion(header: dict[str, Any] | None = None, **claims: Any) -> Assertion:
    said = {
        "iss": "https://id.example.com", "sub": "ann", "aud": URL, "client_id": "portal", "jti": "a1", "exp": NOW + 300,
        "iat": NOW, "resource": RESOURCE, "scope": "tools:read", **claims,
    }  # fmt: skip
    kept = {name: value for name, value in said.items() if value is not None}
    return Assertion({"typ": "oauth-id-jag+jwt", **(header or {})}, kept, Subject("ann", "https://id.example.com"))


def enterprise(folder: Path, found: Assertion) -> House:
    async def verified(token: str) -> Assertion:
        if token != "signed":
            raise Unauthenticated("jwt_signature: no")
        return found

    return House(folder, assertion=verified)


async def brought(
    house: House, token: str = "signed", auth: tuple[str, str] = ("portal", SECRET), **fields: str
) -> Any:
    return await house.token(grant_type=BEARER, assertion=token, **fields, auth=auth)


async def test_the_company_s_word_for_a_person_is_good_once(tmp_path: Path) -> None:
    house = enterprise(tmp_path, assertion())
    said = (await brought(house)).json()
    claims = await house.claims(said["access_token"])
    assert (claims["sub"], claims["aud"], claims["client_id"]) == ("ann", RESOURCE, "portal")
    assert (said["scope"], "refresh_token" in said) == ("tools:read", False)
    assert (await brought(house)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("header", "claims", "fields", "error"),
    [
        ({"typ": "JWT"}, {}, {}, "invalid_grant"),
        ({"typ": "at+jwt"}, {}, {}, "invalid_grant"),
        ({}, {"aud": "https://other.example"}, {}, "invalid_grant"),
        ({}, {"aud": [URL, "https://other.example"]}, {}, "invalid_grant"),
        ({}, {"aud": f"{URL}/token"}, {}, "invalid_grant"),
        ({}, {"client_id": "tool"}, {}, "invalid_grant"),
        ({}, {"client_id": None}, {}, "invalid_grant"),
        ({}, {"jti": None}, {}, "invalid_grant"),
        ({}, {"exp": NOW - 60}, {}, "invalid_grant"),
        ({}, {"exp": NOW + 7200}, {}, "invalid_grant"),
        ({}, {"exp": None}, {}, "invalid_grant"),
        ({}, {}, {"resource": OTHER}, "invalid_target"),
        ({}, {"resource": "https://other.example"}, {}, "invalid_target"),
        ({}, {"resource": [RESOURCE, OTHER]}, {}, "invalid_target"),
        ({}, {"resource": 1}, {}, "invalid_target"),
        ({}, {"resource": None}, {}, "invalid_target"),
        ({}, {}, {"scope": "tools:write"}, "invalid_scope"),
        ({}, {}, {"token": "forged"}, "invalid_grant"),
        ({}, {}, {"token": ""}, "invalid_grant"),
    ],
)
async def test_a_word_that_is_not_for_us_or_not_for_this_client_is_refused(
    tmp_path: Path, header: dict[str, Any], claims: dict[str, Any], fields: dict[str, str], error: str
) -> None:
    house = enterprise(tmp_path, assertion(header, **claims))
    assert (await brought(house, **fields)).json()["error"] == error


async def test_an_assertion_says_what_the_most_is_that_it_is_good_for(tmp_path: Path) -> None:
    house = enterprise(tmp_path, assertion(scope=None))
    assert (await brought(house, scope="tools:write")).json()["scope"] == "tools:write"
    other = enterprise(tmp_path / "other", assertion(scope=None))
    assert (await brought(other)).json()["scope"] == "tools:read"


async def test_without_a_provider_there_is_no_such_grant(house: House) -> None:
    assert (await brought(house)).json()["error"] == "unsupported_grant_type"


async def test_who_proves_nothing_brings_no_assertion(tmp_path: Path) -> None:
    house = enterprise(tmp_path, assertion(client_id="tool"))
    response = await house.token(grant_type=BEARER, assertion="signed", client_id="tool")
    assert response.json()["error"] == "unauthorized_client"
    async with house.browser("") as client:
        said = (await client.get("/.well-known/oauth-authorization-server")).json()
    assert BEARER in said["grant_types_supported"]


# What the owner wires


async def test_the_resource_server_hears_of_what_was_revoked(house: House) -> None:
    client = await house.registered()
    tokens = await house.tokens(client)
    claims = await house.claims(tokens["access_token"])
    withdrawn = Withdrawn(lambda: house.storage.withdrawn(house.time.now))
    assert not withdrawn(claims)
    await house.post("/revoke", {"client_id": client, "token": tokens["refresh_token"]})
    withdrawn.reload()
    assert withdrawn(claims)


async def test_an_old_client_that_names_no_resource_gets_the_default_one(tmp_path: Path) -> None:
    house = House(tmp_path, default_resource=RESOURCE)
    client = await house.registered()
    code = await house.code(client, resource="")
    response = await house.token(**exchange(client, code, resource=""))
    assert (await house.claims(response.json()["access_token"]))["aud"] == RESOURCE


async def test_on_this_machine_it_works_without_https(tmp_path: Path) -> None:
    """Browsers take no `__Host-` cookie without https."""
    house = House(tmp_path, issuer="http://127.0.0.1:8080")
    client = await house.registered()
    async with house.browser() as browser:
        response = await browser.get("/authorize", params=query(client))
    assert response.headers["set-cookie"].startswith("ostiary-consent=")
    assert "Secure" not in response.headers["set-cookie"]


async def test_a_store_that_is_away_says_come_back(house: House) -> None:
    client = await house.registered()
    house.engine.dispose()
    with house.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE oauth_clients")
    response = await house.token(**exchange(client, "x"))
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")


def test_every_route_is_on_the_list_of_open_ones_and_has_a_reason(house: House) -> None:
    found = {(verb, route.path) for route in routes(house.setting) for verb in route.methods or ()}
    assert found - set(OPEN) == {("HEAD", "/authorize")}
    assert set(OPEN) <= found
    assert all(OPEN.values())


def test_an_issuer_with_a_slash_is_another_issuer(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ends with a slash"):
        House(tmp_path, issuer=f"{URL}/")


def test_a_service_without_any_credential_is_none() -> None:
    with pytest.raises(ValueError, match="neither a secret nor keys"):
        service("x", ())


def test_what_is_printed_holds_nothing_that_proves(house: House) -> None:
    shown = repr(house.setting.known())
    assert SECRET not in shown
    assert "digest" not in shown
    assert (
        repr(Client("a", "registered", "b", (CALLBACK, LOOPBACK))) == "Client(id='a', kind='registered', method='none')"
    )

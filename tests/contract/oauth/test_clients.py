"""Programs that register themselves, and documents that say what a client is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ostiary.adapters.oauth.documents import lifetime
from tests.contract.oauth.house import (
    CALLBACK,
    DOCUMENT,
    LOOPBACK,
    NOW,
    House,
    allowed,
    exchange,
    query,
)

DAY = 86_400.0


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://x.example/"}, "invalid_redirect_uri"),
        ({"redirect_uris": [1]}, "invalid_redirect_uri"),
        ({"redirect_uris": [LOOPBACK] * 11}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://client.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://192.168.0.1/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://client.example/cb#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://u@client.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://*.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["com.example.app:/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": [f"https://client.example/{'x' * 2048}"]}, "invalid_redirect_uri"),
        ({"redirect_uris": [LOOPBACK], "application_type": "web"}, "invalid_redirect_uri"),
        ({"application_type": "service"}, "invalid_client_metadata"),
        ({"application_type": ["web"]}, "invalid_client_metadata"),
        ({"response_types": {}}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": ["none"]}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
        ({"grant_types": "authorization_code"}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
    ],
)
async def test_a_program_that_may_not_be_a_client_is_told_why(house: House, fields: dict[str, Any], error: str) -> None:
    response = await house.register(**fields)
    assert (response.status_code, response.json()["error"]) == (400, error)


async def test_a_program_learns_what_it_was_registered_as(house: House) -> None:
    """RFC 7591 section 3.2.1: also where that is not what it asked for."""
    said = (await house.register(grant_types=["authorization_code", "implicit"], client_name="A\nB" + "x" * 300)).json()
    assert said["grant_types"] == ["authorization_code"]
    assert said["application_type"] == "native"
    assert said["client_name"].startswith("A B")
    assert len(said["client_name"]) == 100
    assert "client_secret" not in said
    assert (await house.register(redirect_uris=[CALLBACK])).json()["application_type"] == "web"


async def test_a_program_without_refresh_tokens_gets_none(house: House) -> None:
    client = await house.registered(grant_types=["authorization_code"])
    assert "refresh_token" not in await house.tokens(client)
    assert (await house.refreshed(client, "x")).json()["error"] == "unauthorized_client"


async def test_private_schemes_are_taken_where_they_are_configured(tmp_path: Path) -> None:
    house = House(tmp_path, private_schemes=("com.example.app",))
    client = await house.registered(redirect_uris=["com.example.app:/cb"])
    async with house.browser() as browser:
        response = await browser.get("/authorize", params=query(client, redirect_uri="com.example.app:/cb"))
        said = await allowed(browser, **query(client, redirect_uri="com.example.app:/cb"))
    assert "form-action 'self' com.example.app:" in response.headers["content-security-policy"]
    assert "code" in said
    assert (await house.register(redirect_uris=["org.other:/cb"])).status_code == 400


async def test_switched_off_means_off_for_those_that_came_before_too(house: House, tmp_path: Path) -> None:
    client = await house.registered()
    off = House(tmp_path, registration=lambda: False)
    async with off.browser() as browser:
        metadata = (await browser.get("/.well-known/oauth-authorization-server")).json()
        assert (await browser.get("/authorize", params=query(client))).status_code == 401
    assert "registration_endpoint" not in metadata
    assert (await off.register()).status_code == 403


async def test_registrations_are_limited_per_peer_and_in_total(tmp_path: Path) -> None:
    house = House(tmp_path, registering=((2.0, 0.001), (100.0, 1.0)))
    total = House(tmp_path, registering=((100.0, 1.0), (2.0, 0.001)))
    for each in (house, total):
        assert [(await each.register()).status_code for _ in range(3)] == [201, 201, 429]
        each.time.now += 2000
        assert (await each.register()).status_code == 201


async def test_a_full_table_makes_room_by_forgetting_what_nobody_used(tmp_path: Path) -> None:
    house = House(tmp_path, most_clients=2)
    used = await house.registered()
    await house.tokens(used)
    unused = await house.registered()
    assert (await house.register()).status_code == 429
    house.time.now += 3601
    assert (await house.register()).status_code == 201
    assert house.storage.client(used) is not None
    assert house.storage.client(unused) is None


async def test_what_has_no_meaning_any_more_is_swept_away(house: House) -> None:
    used, unused = await house.registered(), await house.registered()
    tokens = await house.tokens(used)
    await house.post("/revoke", {"client_id": used, "token": tokens["access_token"]})
    house.storage.sweep(NOW + DAY)
    assert (house.storage.client(unused), house.storage.withdrawn(NOW)) == (None, frozenset())
    assert (await house.refreshed(used, tokens["refresh_token"])).status_code == 200
    house.storage.sweep(NOW + 91 * DAY)
    assert house.storage.client(used) is None


async def test_one_person_has_so_many_grants_with_one_client_and_no_more(house: House) -> None:
    client = await house.registered()
    found = []
    for _ in range(21):
        house.time.now += 1
        found.append(await house.tokens(client))
    first, *others = found
    assert (await house.refreshed(client, first["refresh_token"])).status_code == 400
    assert (await house.refreshed(client, others[-1]["refresh_token"])).status_code == 200


async def test_all_that_a_person_granted_can_be_ended(house: House) -> None:
    client = await house.registered()
    tokens = await house.tokens(client)
    assert house.storage.revoke_person("https://id.example.com", "ann", NOW, NOW + 600) == 1
    assert (await house.refreshed(client, tokens["refresh_token"])).status_code == 400
    async with house.browser() as browser:
        assert (await browser.get("/authorize", params=query(client))).status_code == 200


# Documents

GOOD = {"client_id": DOCUMENT, "client_name": "App", "redirect_uris": [CALLBACK]}


@pytest.mark.parametrize(
    "document",
    [
        {**GOOD, "client_id": "https://app.example/other.json"},
        {**GOOD, "client_id": f"{DOCUMENT}/"},
        {"client_name": "App", "redirect_uris": [CALLBACK]},
        {**GOOD, "redirect_uris": []},
        {**GOOD, "redirect_uris": ["http://evil.example/cb"]},
        {**GOOD, "client_secret": "x"},
        {**GOOD, "token_endpoint_auth_method": "client_secret_post"},
        {**GOOD, "token_endpoint_auth_method": "private_key_jwt"},
        {**GOOD, "token_endpoint_auth_method": ["none"]},
        {**GOOD, "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://169.254.169.254/x"},
        {**GOOD, "grant_types": ["client_credentials"]},
        {**GOOD, "filling": "x" * 70_000},
        [GOOD],
        b"no JSON",
        b'{"client_id": "%s", "client_id": "x"}' % DOCUMENT.encode(),
    ],
)
async def test_a_document_that_is_not_the_clients_own_makes_no_client(house: House, document: Any) -> None:
    house.internet.put(DOCUMENT, document)
    async with house.browser() as browser:
        response = await browser.get("/authorize", params=query(DOCUMENT, redirect_uri=CALLBACK))
    assert (response.status_code, "href" in response.text) == (400, False)


@pytest.mark.parametrize(
    "told",
    [
        {"status": 302, "location": "http://169.254.169.254/"},
        {"status": 404},
        {"status": 204},
        {"content_type": "text/html"},
    ],
)
async def test_an_answer_that_is_no_document_makes_no_client(house: House, told: dict[str, Any]) -> None:
    house.internet.put(DOCUMENT, GOOD, **told)
    async with house.browser() as browser:
        response = await browser.get("/authorize", params=query(DOCUMENT, redirect_uri=CALLBACK))
    assert response.status_code == 400
    assert house.internet.asked == [DOCUMENT]


@pytest.mark.parametrize(
    "ident",
    [
        "http://app.example/c.json", "https://app.example", "https://app.example/", "https://u:p@app.example/c.json",
        "https://app.example/c.json#x", "https://app.example/a/../c.json", "https://10.0.0.1/c.json", "https://[::1]/c",
        "https://app.example/" + "x" * 600, "https:app.example/c.json", "HTTPS://app.example/c.json",
    ],
)  # fmt: skip
async def test_an_address_that_no_client_may_have_is_not_fetched(house: House, ident: str) -> None:
    async with house.browser() as browser:
        response = await browser.get("/authorize", params=query(ident))
    assert response.status_code in {400, 401}
    assert house.internet.asked == []


@pytest.mark.parametrize(
    "fields",
    [
        {"grant_type": "authorization_code", "code": "x"},
        {"grant_type": "refresh_token", "refresh_token": "x"},
        {"grant_type": "client_credentials"},
        {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "x"},
    ],
)
async def test_nothing_is_fetched_for_a_client_that_brings_nothing_of_ours(
    house: House, fields: dict[str, str]
) -> None:
    response = await house.token(client_id=DOCUMENT, **fields)
    await house.post("/revoke", {"client_id": DOCUMENT, "token": "x"})
    assert response.json()["error"] == "invalid_grant"
    assert house.internet.asked == []


async def test_a_host_that_is_not_trusted_is_not_asked(tmp_path: Path) -> None:
    house = House(tmp_path, documents=lambda host: host == "good.example")
    async with house.browser() as browser:
        assert (await browser.get("/authorize", params=query(DOCUMENT))).status_code == 400
    assert house.internet.asked == []


async def test_a_document_is_fetched_once_for_all_and_again_when_it_is_old(house: House) -> None:
    house.internet.put(DOCUMENT, GOOD, cache_control="max-age=120")
    async with house.browser() as browser:
        asked = query(DOCUMENT, redirect_uri=CALLBACK)
        await asyncio.gather(*(browser.get("/authorize", params=asked) for _ in range(4)))
        house.time.now += 119
        await browser.get("/authorize", params=asked)
        assert len(house.internet.asked) == 1
        house.time.now += 2
        await browser.get("/authorize", params=asked)
        assert len(house.internet.asked) == 2


async def test_a_host_that_is_away_does_not_take_its_client_away_at_once(house: House) -> None:
    house.internet.put(DOCUMENT, GOOD)
    tokens = await house.tokens(DOCUMENT, redirect_uri=CALLBACK)
    house.internet.pages.clear()
    house.time.now += 3600
    second = (await house.refreshed(DOCUMENT, tokens["refresh_token"])).json()
    house.time.now += DAY
    assert (await house.refreshed(DOCUMENT, second["refresh_token"])).status_code == 401


async def test_documents_are_not_fetched_without_end(tmp_path: Path) -> None:
    house = House(tmp_path, fetching=((3.0, 0.001), (100.0, 1.0)))
    codes = []
    async with house.browser() as browser:
        for number in range(5):
            asked = query(f"https://app.example/{number}.json")
            codes.append((await browser.get("/authorize", params=asked)).status_code)
    assert codes == [400, 400, 400, 429, 429]
    assert len(house.internet.asked) == 3


async def test_a_redirect_that_the_document_has_lost_gets_no_code(house: House) -> None:
    house.internet.put(DOCUMENT, GOOD)
    code = await house.code(DOCUMENT, redirect_uri=CALLBACK)
    assert (await house.token(**exchange(DOCUMENT, code, redirect_uri=CALLBACK))).status_code == 200
    house.internet.put(DOCUMENT, {**GOOD, "redirect_uris": ["https://other.example/cb"]})
    house.time.now += 301
    async with house.browser() as browser:
        response = await browser.get("/authorize", params=query(DOCUMENT, redirect_uri=CALLBACK))
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("control", "seconds"),
    [
        ("", 300.0), ("max-age=120", 120.0), ("public, max-age=1", 60.0), ("max-age=99999999", 86_400.0),
        ("no-store", 60.0), ("no-cache, max-age=600", 60.0), ("s-maxage=9000", 300.0), ("max-age=x", 300.0),
    ],
)  # fmt: skip
def test_a_document_is_believed_within_bounds(control: str, seconds: float) -> None:
    assert lifetime(control) == seconds

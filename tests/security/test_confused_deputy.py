"""Attacks on the authorization server, each refused: nobody's agreement is used for somebody else's client."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.contract.oauth.house import (
    CALLBACK,
    DOCUMENT,
    LOOPBACK,
    NOW,
    OTHER,
    RESOURCE,
    URL,
    House,
    allowed,
    decide,
    exchange,
    heard,
    query,
    ticket,
)  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def page(house: House, client: str, who: str = "ann", **fields: str) -> str:
    async with house.browser(who) as browser:
        response = await browser.get("/authorize", params=query(client, **fields))
    assert response.status_code == 200, response.text
    return str(response.text)


# No redirect before consent


@pytest.mark.parametrize("who", ["ann", ""])
@pytest.mark.parametrize("client", ["portal", "tool", "registered", DOCUMENT])
async def test_nobody_is_redirected_before_they_agreed(house: House, client: str, who: str) -> None:
    """Checklist 57."""
    house.internet.put(DOCUMENT, {"client_id": DOCUMENT, "redirect_uris": [CALLBACK, LOOPBACK]})
    ident = await house.registered(redirect_uris=[CALLBACK, LOOPBACK]) if client == "registered" else client
    redirect = LOOPBACK if client == "tool" else CALLBACK
    async with house.browser(who) as browser:
        for fields in ({}, {"resource": "https://evil.example/mcp"}, {"code_challenge": ""}, {"prompt": "none"}):
            asked = query(ident, redirect_uri=redirect, **fields)
            response = await browser.get("/authorize", params=asked)
            assert response.status_code in {200, 400}
            assert "location" not in response.headers


async def test_the_agreement_to_one_client_is_none_to_another(house: House) -> None:
    good = await house.registered(redirect_uris=[CALLBACK])
    evil = await house.registered(redirect_uris=["https://evil.example/cb"])
    async with house.browser() as browser:
        await allowed(browser, **query(good, redirect_uri=CALLBACK))
        response = await browser.get("/authorize", params=query(evil, redirect_uri="https://evil.example/cb"))
    assert response.status_code == 200
    assert "evil.example" in response.text


async def test_an_address_from_anybody_is_not_fetched_for_nobody(house: House) -> None:
    async with house.browser("") as browser:
        response = await browser.get("/authorize", params=query(DOCUMENT))
    assert "app.example" in response.text
    assert house.internet.asked == []


async def test_a_person_who_says_no_sends_a_no(house: House) -> None:
    client = await house.registered()
    async with house.browser() as browser:
        asked = await browser.get("/authorize", params=query(client))
        said = heard(await decide(browser, asked.text, "deny"))
        again = await browser.get("/authorize", params=query(client))
    assert said == {"error": "access_denied", "state": "st&te", "iss": URL}
    assert again.status_code == 200


# Consent forms of other people and other pages


async def test_the_page_says_who_asks_for_what_and_where_the_answer_goes(house: House) -> None:
    """Checklist 58."""
    name = '<img src=x onerror=alert(1)>"\u202eevil'
    text = await page(house, await house.registered(client_name=name))
    assert "<img" not in text
    assert "\u202e" not in text
    assert "&lt;img" in text
    for said in ("127.0.0.1", "tools:read", "look at what tools say", RESOURCE, "any program could pretend", "ann"):
        assert said in text
    assert "any program could pretend" not in await page(house, "portal", redirect_uri=CALLBACK)


async def test_pages_cannot_be_framed_and_run_nothing(house: House) -> None:
    client = await house.registered()
    async with house.browser() as browser:
        shown = await browser.get("/authorize", params=query(client))
        refused = await browser.get("/authorize", params=query("nobody"))
    async with house.browser("") as nobody:
        login = await nobody.get("/authorize", params=query(client))
    for response in (shown, refused, login):
        policy = response.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "script" not in policy + response.text
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["cache-control"] == "no-store"
    assert "form-action 'self' http://127.0.0.1:3000" in shown.headers["content-security-policy"]


async def test_the_cookie_is_bound_to_this_host(house: House) -> None:
    client = await house.registered()
    async with house.browser() as browser:
        response = await browser.get("/authorize", params=query(client))
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Host-ostiary-consent=")
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=lax"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example", "sec_fetch_site": "cross-site"},
        {"origin": "null", "sec_fetch_site": ""},
        {"origin": "", "sec_fetch_site": "cross-site"},
        {"origin": f"{URL}.evil.example"},
        {"sec_fetch_site": "same-site"},
    ],
)
async def test_a_form_from_another_page_does_nothing(house: House, headers: dict[str, str]) -> None:
    client = await house.registered()
    async with house.browser() as browser:
        asked = await browser.get("/authorize", params=query(client))
        assert (await decide(browser, asked.text, **headers)).status_code == 403
        assert (await decide(browser, asked.text)).status_code == 303


async def test_an_attacker_s_own_form_does_not_work_in_the_victim_s_browser(house: House) -> None:
    evil = await house.registered(redirect_uris=["https://evil.example/cb"])
    asked = query(evil, redirect_uri="https://evil.example/cb")
    async with house.browser("mallory") as theirs:
        form = (await theirs.get("/authorize", params=asked)).text
    async with house.browser("ann") as browser:
        await browser.get("/authorize", params=asked)
        assert (await decide(browser, form)).status_code == 403


async def test_a_form_of_the_same_person_in_another_browser_does_not_work(house: House) -> None:
    client = await house.registered()
    form = await page(house, client)
    async with house.browser() as other:
        assert (await decide(other, form)).status_code == 403
        await other.get("/authorize", params=query(client))
        assert (await decide(other, form)).status_code == 403


async def test_a_form_that_was_shown_to_one_person_does_not_count_for_the_next_at_the_same_browser(
    house: House,
) -> None:
    client = await house.registered()
    async with house.browser("mallory") as browser:
        asked = await browser.get("/authorize", params=query(client))
        browser.cookies.delete("who")
        browser.cookies.set("who", "ann")
        assert (await decide(browser, asked.text)).status_code == 403


async def test_a_form_counts_once_and_not_for_long(house: House) -> None:
    client = await house.registered()
    async with house.browser() as browser:
        asked = await browser.get("/authorize", params=query(client))
        assert (await decide(browser, asked.text)).status_code == 303
        assert (await decide(browser, asked.text)).status_code == 403
        asked = await browser.get("/authorize", params=query(client, scope="tools:write"))
        house.time.now += 601
        assert (await decide(browser, asked.text)).status_code == 403


@pytest.mark.parametrize("sealed", ["", "x", "A" * 200, "A" * 20_000])
async def test_a_made_up_form_does_nothing(house: House, sealed: str) -> None:
    client = await house.registered()
    async with house.browser() as browser:
        await browser.get("/authorize", params=query(client))
        form = {"ticket": sealed, "decision": "allow"}
        assert (await browser.post("/authorize/decision", data=form, headers={"origin": URL})).status_code == 403


async def test_a_token_of_another_purpose_is_no_form_and_no_refresh_token(house: House) -> None:
    client = await house.registered()
    sealed = ticket(await page(house, client))
    assert (await house.refreshed(client, sealed)).json()["error"] == "invalid_grant"


# Redirects


REGISTERED = "https://client.example/callback"
TRICKS = (
    "https://client.example/callback/", "https://client.example/callback?x=1", "https://client.example/callback#x",
    "https://client.example.evil.example/callback", "https://evilclient.example/callback",
    "https://client.example@evil.example/callback", "https://evil.example/client.example/callback",
    "https://client.example:8443/callback", "https://client.example:443/callback", "http://client.example/callback",
    "https://client.example/callback/../../evil", "https://client.example/callback/%2e%2e/evil",
    "https://client.example/callback%00", "https://client.example/callback%0d%0aLocation:%20https://evil.example",
    "https://CLIENT.example/callback", "https://client.example\\@evil.example/callback", "//client.example/callback",
    "https://client.example/callback ", " https://client.example/callback", "javascript:alert(1)", "data:text/html,x",
    "https:client.example/callback", "https://client.example./callback", "https://client.exampl\u0435/callback",
    "https://client.example/callback;x", "https://client.example//callback", "/callback", "", "urn:x", "file:///x",
)  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
async def test_a_redirect_that_is_not_exactly_the_registered_one_is_an_error_page(house: House, trick: str) -> None:
    """RFC 9700 section 2.1."""
    client = await house.registered(redirect_uris=[REGISTERED])
    async with house.browser() as browser:
        await allowed(browser, **query(client, redirect_uri=REGISTERED))
        response = await browser.get("/authorize", params=query(client, redirect_uri=trick))
    assert response.status_code == 400
    assert "location" not in response.headers
    assert "href" not in response.text


@pytest.mark.parametrize(
    ("asked", "good"),
    [
        ("http://127.0.0.1:49152/cb", True), ("http://127.0.0.1/cb", True), ("http://localhost:3000/cb", False),
        ("http://127.0.0.1:3000/cb/", False), ("http://127.0.0.1:3000/cb?x=1", False), ("http://127.0.0.2:3000/cb", False),
        ("http://127.0.0.1.evil.example:3000/cb", False), ("http://127.0.0.1:3000@evil.example/cb", False),
        ("http://127.0.0.1:99999/cb", False), ("https://127.0.0.1:3000/cb", False), ("http://[::1]:3000/cb", False),
        ("http://0x7f000001:3000/cb", False), ("http://2130706433/cb", False), ("http://127.1/cb", False),
    ],
)  # fmt: skip
async def test_of_a_loopback_redirect_the_port_is_free_and_nothing_else(house: House, asked: str, good: bool) -> None:
    """RFC 8252 section 7.3."""
    client = await house.registered()
    async with house.browser() as browser:
        response = await browser.get("/authorize", params=query(client, redirect_uri=asked))
    assert (response.status_code == 200) is good


async def test_the_token_endpoint_wants_the_very_same_redirect(house: House) -> None:
    client = await house.registered()
    code = await house.code(client)
    response = await house.token(**exchange(client, code, redirect_uri="http://127.0.0.1:3001/cb"))
    assert response.json()["error"] == "invalid_grant"


# Requests that must not be granted to anybody


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "", "code_challenge_method": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request_uri": "https://evil.example/r"}, "request_not_supported"),
        ({"resource": "https://evil.example/mcp"}, "invalid_target"),
        ({"resource": f"{RESOURCE}/../admin"}, "invalid_target"),
        ({"resource": f"{RESOURCE}/"}, "invalid_target"),
        ({"resource": ""}, "invalid_target"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"state": "x" * 3000}, "invalid_request"),
    ],
)
async def test_a_request_that_must_not_be_granted_is_a_page_with_a_way_back(
    house: House, fields: dict[str, str], error: str
) -> None:
    client = await house.registered()
    async with house.browser() as browser:
        response = await browser.get("/authorize", params=query(client, **fields))
    assert response.status_code == 400
    assert f"<code>{error}</code>" in response.text
    assert f"error={error}" in response.text
    assert f"iss={quote(URL, safe='')}" in response.text


@pytest.mark.parametrize("doubled", ["client_id=evil", "redirect_uri=https://evil.example/", "resource=x", "state=y"])
async def test_a_parameter_that_is_there_twice_is_refused(house: House, doubled: str) -> None:
    client = await house.registered()
    async with house.browser() as browser:
        url = str(browser.build_request("GET", "/authorize", params=query(client)).url)
        assert (await browser.get(f"{url}&{doubled}")).status_code == 400


# Codes


async def test_a_code_counts_once_and_its_second_use_ends_what_came_of_it(house: House) -> None:
    client = await house.registered()
    code = await house.code(client)
    tokens = (await house.token(**exchange(client, code))).json()
    again = await house.token(**exchange(client, code))
    claims = await house.claims(tokens["access_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert claims["gid"] in house.storage.withdrawn(NOW)
    assert house.revocations == 1
    assert (await house.refreshed(client, tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_of_two_uses_at_the_same_time_one_counts(house: House) -> None:
    client = await house.registered()
    code = await house.code(client)
    both = await asyncio.gather(*(house.token(**exchange(client, code)) for _ in range(8)))
    assert sorted(each.status_code for each in both) == [200] + [400] * 7


@pytest.mark.parametrize(
    "wrong",
    [
        {"code_verifier": "w" * 64},
        {"code_verifier": ""},
        {"code_verifier": "v"},
        {"redirect_uri": ""},
        {"redirect_uri": CALLBACK},
        {"client_id": "tool"},
    ],
)
async def test_a_code_in_the_wrong_hands_is_burnt(house: House, wrong: dict[str, str]) -> None:
    client = await house.registered()
    code = await house.code(client)
    refused = await house.token(**{**exchange(client, code), **wrong})
    after = await house.token(**exchange(client, code))
    assert refused.json()["error"] == after.json()["error"] == "invalid_grant"


async def test_a_token_for_another_resource_than_the_person_allowed_is_not_made(house: House) -> None:
    client = await house.registered()
    response = await house.token(**exchange(client, await house.code(client), resource=OTHER))
    tokens = await house.tokens(client)
    again = await house.refreshed(client, tokens["refresh_token"], resource=OTHER)
    assert response.json()["error"] == again.json()["error"] == "invalid_target"


# Refresh tokens


async def test_a_refresh_token_that_was_replaced_ends_the_grant(house: House) -> None:
    client = await house.registered()
    first = await house.tokens(client)
    second = (await house.refreshed(client, first["refresh_token"])).json()
    stolen = await house.refreshed(client, first["refresh_token"])
    assert stolen.json()["error"] == "invalid_grant"
    assert (await house.refreshed(client, second["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await house.claims(second["access_token"]))["gid"] in house.storage.withdrawn(NOW)


async def test_a_refresh_token_is_worth_nothing_to_another_client(house: House) -> None:
    client = await house.registered()
    tokens = await house.tokens(client)
    for other in ("tool", await house.registered()):
        assert (await house.refreshed(other, tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await house.refreshed(client, tokens["refresh_token"])).status_code == 200


async def test_a_refreshed_token_never_has_more_than_was_granted(house: House) -> None:
    client = await house.registered()
    tokens = await house.tokens(client)
    response = await house.refreshed(client, tokens["refresh_token"], scope="tools:write")
    assert response.json()["error"] == "invalid_scope"


@pytest.mark.parametrize("what", ["code", "refresh", "client"])
async def test_nothing_that_opens_is_kept_as_it_is(house: House, tmp_path: Path, what: str) -> None:
    made = (await house.register(token_endpoint_auth_method="client_secret_post")).json()
    code = await house.code(made["client_id"])
    tokens = await house.token(**exchange(made["client_id"], code), client_secret=made["client_secret"])
    planted = {"code": code, "refresh": tokens.json()["refresh_token"], "client": made["client_secret"]}[what]
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert planted.encode() not in written

"""Attacks on whoever asks for tokens: each gives nothing, and leaves a reason of its own behind.

What a person or a client sees tells an attacker nothing; what is noted is for the ledger (port `note`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.identity.proving import ELLIPTIC, thumbprint
from tests.contract.oauth.house import (
    CALLBACK,
    CHALLENGE,
    LOOPBACK,
    NOW,
    OTHER,
    RESOURCE,
    SECRET,
    URL,
    House,
    allowed,
    decide,
    exchange,
    heard,
    query,
    ticket,
)
from tests.contract.oauth.test_authentication import ASSERTION, asserted
from tests.contract.oauth.test_proofs import Bank, here

Attack = Callable[[Bank], Awaitable[Any]]
JKT = thumbprint(ELLIPTIC)


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return Bank(tmp_path)


# The token endpoint


def coded(client: str = "", who: str = "", **changed: str) -> Attack:
    """Return the redemption of a code that was made for a client, with changes; `who` redeems it instead."""

    async def attack(bank: Bank) -> Any:
        mine = client or await bank.house.registered()
        theirs = await bank.house.registered() if who == "another" else who or mine
        fields = exchange(theirs, await bank.house.code(mine)) | changed
        return await bank.post({name: value for name, value in fields.items() if value})

    return attack


def again(times: int) -> Attack:
    async def attack(bank: Bank) -> Any:
        client = await bank.house.registered()
        fields = exchange(client, await bank.house.code(client))
        return [await bank.post(fields) for _ in range(times)][-1]

    return attack


async def guessed_verifier(bank: Bank) -> Any:
    client = await bank.house.registered()
    fields = exchange(client, await bank.house.code(client))
    await bank.post({**fields, "code_verifier": "g" * 64})
    return await bank.post(fields)


async def late(bank: Bank) -> Any:
    client = await bank.house.registered()
    fields = exchange(client, await bank.house.code(client))
    bank.time.now += 61
    return await bank.post(fields)


def refreshed(who: str = "", use: str = "refresh_token", after: float = 0.0) -> Attack:
    async def attack(bank: Bank) -> Any:
        client = await bank.house.registered()
        tokens = await bank.house.tokens(client)
        bank.time.now += after
        return await bank.refreshed(await bank.house.registered() if who else client, tokens.get(use, use))

    return attack


async def refreshed_twice(bank: Bank) -> Any:
    client = await bank.house.registered()
    token = (await bank.house.tokens(client))["refresh_token"]
    return [await bank.refreshed(client, token) for _ in range(2)][-1]


async def refreshed_after_all_was_revoked(bank: Bank) -> Any:
    client = await bank.house.registered()
    token = (await bank.house.tokens(client))["refresh_token"]
    await bank.house.post("/revoke", {"client_id": client, "token": token})
    return await bank.refreshed(client, token)


async def refreshed_with_a_form(bank: Bank) -> Any:
    """Bring what is sealed for another purpose."""
    client = await bank.house.registered()
    async with bank.house.browser() as browser:
        sealed = ticket((await browser.get("/authorize", params=query(client))).text)
    return await bank.refreshed(client, sealed)


def keyed(of: str, *sent: str) -> Attack:
    async def attack(bank: Bank) -> Any:
        client = await bank.house.registered()
        if of == "code":
            return await bank.redeemed(client, *sent, dpop_jkt=JKT)
        token = (await bank.redeemed(client, here())).json()["refresh_token"]
        return await bank.refreshed(client, token, *sent)

    return attack


def posing(auth: tuple[str, str] | None = None, **fields: str) -> Attack:
    async def attack(bank: Bank) -> Any:
        return await bank.house.token(grant_type="client_credentials", resource=RESOURCE, **fields, auth=auth)

    return attack


def signing(times: int = 1, **changed: Any) -> Attack:
    async def attack(bank: Bank) -> Any:
        sent: Any = {"client_assertion_type": ASSERTION, "client_assertion": asserted(**changed)}
        return [await posing(**sent)(bank) for _ in range(times)][-1]

    return attack


async def in_the_address(bank: Bank) -> Any:
    async with bank.house.browser("") as client:
        return await client.post("/token", params={"client_id": "tool"}, data={"grant_type": "refresh_token"})


TOKENS: dict[str, tuple[Attack, str, str]] = {
    "a code that is used twice": (again(2), "invalid_grant", "code_reused"),
    "a code that is used three times": (again(3), "invalid_grant", "code_over"),
    "a code that came too late": (late, "invalid_grant", "code_over"),
    "a code that never was": (coded(code="noise"), "invalid_grant", "code_unknown"),
    "a code of another client": (coded(who="another"), "invalid_grant", "code_wrong_client"),
    "a code with another redirect": (coded(redirect_uri=CALLBACK), "invalid_grant", "code_wrong_redirect"),
    "a code with another port": (coded(redirect_uri="http://127.0.0.1:4000/cb"), "invalid_grant", "code_wrong_redirect"),
    "a code without its redirect": (coded(redirect_uri=""), "invalid_grant", "code_wrong_redirect"),
    "a code for another resource": (coded(resource=OTHER), "invalid_target", "resource_changed"),
    "PKCE left out": (coded(code_verifier=""), "invalid_grant", "code_wrong_verifier"),
    "PKCE played plain": (coded(code_verifier=CHALLENGE), "invalid_grant", "code_wrong_verifier"),
    "a verifier that is guessed": (coded(code_verifier="g" * 64), "invalid_grant", "code_wrong_verifier"),
    "a second guess at a verifier": (guessed_verifier, "invalid_grant", "code_over"),
    "a code without its key": (keyed("code"), "invalid_grant", "code_wrong_key"),
    "a code with a bad proof": (keyed("code", here(htm="GET")), "invalid_dpop_proof", "dpop_method"),
    "a refresh token that is used twice": (refreshed_twice, "invalid_grant", "refresh_reused"),
    "a refresh token of another client": (refreshed(who="another"), "invalid_grant", "refresh_wrong_client"),
    "a refresh token that was given up": (refreshed_after_all_was_revoked, "invalid_grant", "refresh_ended"),
    "a refresh token that slept too long": (refreshed(after=15 * 86_400.0), "invalid_grant", "refresh_expired"),
    "a refresh token without its key": (keyed("refresh"), "invalid_grant", "refresh_wrong_key"),
    "an access token as a refresh token": (refreshed(use="access_token"), "invalid_grant", "refresh_unknown"),
    "a consent form as a refresh token": (refreshed_with_a_form, "invalid_grant", "refresh_unknown"),
    "noise as a refresh token": (refreshed(use="noise"), "invalid_grant", "refresh_unknown"),
    "a client that is not there": (posing(("nobody", "x")), "invalid_client", "client_unknown"),
    "a client without a name": (posing(), "invalid_client", "client_unnamed"),
    "a secret that is guessed": (posing(("nightly", "guess")), "invalid_client", "client_secret"),
    "a secret that is left out": (posing(client_id="nightly"), "invalid_client", "client_method"),
    "a secret beside another": (posing(("nightly", "n1ghtly"), client_secret="x"), "invalid_request", "client_two_ways"),
    "a client in two names": (posing(("nightly", "n1ghtly"), client_id="portal"), "invalid_request", "client_two_names"),
    "a client's assertion that came before": (signing(2), "invalid_client", "assertion_replayed"),
    "an assertion for another server": (signing(aud="https://other.example"), "invalid_client", "assertion_audience"),
    "an assertion that is too old": (signing(exp=NOW - 60), "invalid_client", "assertion_time"),
    "an assertion by another key": (signing(key=ELLIPTIC), "invalid_client", "assertion_signature"),
    "an access token as an assertion": (signing(header={"typ": "at+jwt"}), "invalid_client", "assertion_typ"),
    "an assertion about somebody else": (signing(iss="portal"), "invalid_client", "assertion_subject"),
    "an assertion without a name": (signing(jti=None), "invalid_client", "assertion_jti"),
    "parameters in the address": (in_the_address, "invalid_request", "parameters_in_query"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOKENS)
async def test_an_attack_on_the_token_endpoint_gives_nothing_and_leaves_its_reason(bank: Bank, name: str) -> None:
    attack, error, reason = TOKENS[name]
    response = await attack(bank)
    assert (response.status_code in {400, 401}, response.json()["error"]) == (True, error)
    assert (bank.notes[-1][0], bank.notes[-1][1]["code"], bank.reason()) == ("token_refused", error, reason)
    assert reason not in response.text
    assert set(response.json()) == {"error", "error_description"}


async def test_all_that_is_wrong_with_a_grant_looks_the_same_outside(tmp_path: Path) -> None:
    texts = set()
    for number, (attack, error, _) in enumerate(TOKENS.values()):
        if error == "invalid_grant":
            texts.add((await attack(Bank(tmp_path / str(number)))).text)
    assert len(texts) == 1


@pytest.mark.parametrize("attack", [again(2), refreshed_twice])
async def test_who_stole_a_code_or_a_token_loses_everything_that_came_of_it(bank: Bank, attack: Attack) -> None:
    """RFC 9700 sections 2.1.1 and 4.14.2; the ledger knows whose it was."""
    await attack(bank)
    assert bank.house.revocations == 1
    assert len(bank.house.storage.withdrawn(NOW)) == 1
    facts = bank.notes[-1][1]
    assert (facts["subject"], facts["issuer"]) == ("ann", "https://id.example.com")


async def test_guessing_secrets_is_counted_and_then_not_heard(bank: Bank) -> None:
    for _ in range(5):
        await posing(("nightly", "guess"))(bank)
    response = await posing(("nightly", "n1ghtly"))(bank)
    assert (response.status_code, bank.reason()) == (429, "attempts_limited")
    noted = str(bank.notes)
    assert not [secret for secret in ("guess", "n1ghtly", SECRET) if secret in noted]


# The authorization endpoint

PKCE = "PKCE is needed"
ASKED: dict[str, tuple[dict[str, str], str, str]] = {
    "PKCE left out": ({"code_challenge": ""}, PKCE, "pkce_missing"),
    "PKCE without a method": ({"code_challenge_method": ""}, PKCE, "pkce_missing"),
    "PKCE played plain": ({"code_challenge_method": "plain"}, PKCE, "pkce_missing"),
    "PKCE in small letters": ({"code_challenge_method": "s256"}, PKCE, "pkce_missing"),
    "a challenge that is none": ({"code_challenge": "x"}, PKCE, "pkce_missing"),
    "a token in the address": ({"response_type": "token"}, "response_type must be code", "unsupported_response_type"),
    "a code and a token": ({"response_type": "code id_token"}, "response_type must be code", "unsupported_response_type"),
    "an answer in a form": ({"response_mode": "form_post"}, "response_mode must be query", "response_mode"),
    "an answer in a fragment": ({"response_mode": "fragment"}, "response_mode must be query", "response_mode"),
    "a request in a request": ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request objects are not read", "request_not_supported"),
    "a request from elsewhere": ({"request_uri": "https://evil.example/r"}, "request objects are not read", "request_not_supported"),
    "a resource of others": ({"resource": "https://evil.example/mcp"}, "resource must be", "invalid_target"),
    "a scope that is not there": ({"scope": "admin"}, "none of these scopes exists", "invalid_scope"),
    "an endless state": ({"state": "s" * 2049}, "state is longer", "invalid_request"),
    "a key that is none": ({"dpop_jkt": "x"}, "no thumbprint", "invalid_request"),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
async def test_a_bad_question_is_shown_to_the_person_and_answered_to_nobody(bank: Bank, name: str) -> None:
    """RFC 9700 section 4.11.2: not even an error is redirected."""
    changed, words, reason = ASKED[name]
    client = await bank.house.registered()
    async with bank.house.browser() as browser:
        response = await browser.get("/authorize", params=query(client, **changed))
    assert (response.status_code, "location" in response.headers) == (400, False)
    assert (bank.reason(), words in response.text) == (reason, True)
    assert f"iss={URL.replace(':', '%3A').replace('/', '%2F')}" in response.text, "the way back says whose answer it is"


HTTPS = "https://client.example/callback"
REDIRECTS = [
    "https://evil.example/callback", "https://client.example.evil.example/callback", f"{HTTPS}/", f"{HTTPS}?x=1", f"{HTTPS}#x",
    f"{HTTPS}/../evil", "https://client.example/callback%2f..%2fevil", "https://client.example/CALLBACK", "HTTPS://client.example/callback",
    "https://client.example:443/callback", "https://client.example:8443/callback", "http://client.example/callback",
    "https://client.example@evil.example/callback", "https://evil.example\\@client.example/callback", "https:client.example/callback",
    "//client.example/callback", "/callback", " https://client.example/callback", f"{HTTPS}\t", f"{HTTPS}\r\nLocation: https://evil.example",
    "https://cliеnt.example/callback", "javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd",
    "com.evil.app:/callback", "http://localhost:3000/cb", "http://127.0.0.1:3000/evil", "http://127.0.0.1.evil.example/cb",
    "http://127.0.0.1@evil.example/cb", "http://127.1/cb", "http://[::1]:3000/cb", "http://0.0.0.0:3000/cb", "http://192.0.2.7:3000/cb",
    "https://127.0.0.1:3000/cb", "http://127.0.0.1:3000/cb?x=1", "http://127.0.0.1:99999/cb", "", f"https://client.example/{'x' * 2048}",
]  # fmt: skip


@pytest.mark.parametrize("redirect", REDIRECTS)
async def test_an_answer_goes_nowhere_but_where_the_client_said(bank: Bank, redirect: str) -> None:
    """RFC 9700 section 2.1: compared as texts; and where it must not go, no link leads either."""
    client = await bank.house.registered(redirect_uris=[CALLBACK, LOOPBACK])
    async with bank.house.browser() as browser:
        response = await browser.get("/authorize", params=query(client, redirect_uri=redirect))
    assert (response.status_code, "location" in response.headers) == (400, False)
    assert "evil" not in response.text
    assert "Go back" not in response.text
    assert bank.reason() == ("redirect_refused" if redirect else "redirect_missing")


async def test_a_parameter_that_comes_twice_is_refused(bank: Bank) -> None:
    client = await bank.house.registered()
    pairs: Any = [*query(client).items(), ("redirect_uri", "https://evil.example/cb")]
    async with bank.house.browser() as browser:
        response = await browser.get("/authorize", params=pairs)
    assert (response.status_code, "evil" in response.text) == (400, False)


async def test_every_answer_says_whose_it_is(bank: Bank) -> None:
    """RFC 9207: what a client needs against mix-up, also where the person said no."""
    client = await bank.house.registered()
    async with bank.house.browser() as browser:
        form = (await browser.get("/authorize", params=query(client))).text
        denied = heard(await decide(browser, form, "deny"))
        granted = await allowed(browser, **query(client))
    assert (denied["error"], denied["iss"]) == ("access_denied", URL)
    assert granted["iss"] == URL


# Consent

Change = dict[str, str]
CONSENT: dict[str, tuple[Change, str]] = {
    "from a page elsewhere": ({"origin": "https://evil.example", "sec_fetch_site": "cross-site"}, "not sent from a page"),
    "from a neighbour": ({"origin": "https://evil.mcp.example.com", "sec_fetch_site": "same-site"}, "not sent from a page"),
    "from our name on another port": ({"origin": f"{URL}:8443"}, "not sent from a page"),
    "from our name without encryption": ({"origin": "http://mcp.example.com"}, "not sent from a page"),
    "from nowhere": ({"origin": "null"}, "not sent from a page"),
    "from the address bar": ({"origin": "", "sec_fetch_site": "none"}, "not sent from a page"),
}  # fmt: skip


async def form(house: House, browser: Any, **asked: str) -> str:
    return str((await browser.get("/authorize", params=query(await house.registered(), **asked))).text)


async def nothing_was_granted(response: Any, words: str) -> None:
    assert (response.status_code, "location" in response.headers) == (403, False)
    assert words in response.text


@pytest.mark.parametrize("name", CONSENT)
async def test_nobody_agrees_from_another_page(bank: Bank, name: str) -> None:
    changed, words = CONSENT[name]
    async with bank.house.browser() as browser:
        page = await form(bank.house, browser)
        await nothing_was_granted(await decide(browser, page, **changed), words)
        assert bank.reason() == "consent_origin"
        assert (await decide(browser, page)).status_code == 303, "the person still can"


async def test_a_form_is_one_browser_s_one_person_s_and_good_once(bank: Bank) -> None:
    house = bank.house
    async with house.browser() as attacker, house.browser() as victim, house.browser("ben") as ben:
        theirs = await form(house, attacker)
        await form(house, victim)
        await nothing_was_granted(await decide(victim, theirs), "made for another browser")
        assert bank.reason() == "consent_browser"
        ben.cookies.update({name: value for name, value in attacker.cookies.items() if name != "who"})
        await nothing_was_granted(await decide(ben, theirs), "made for somebody else")
        assert bank.reason() == "consent_person"
        assert (await decide(attacker, theirs)).status_code == 303
        await nothing_was_granted(await decide(attacker, theirs), "sent before")
        old = await form(house, attacker)
        bank.time.now += 601
        await nothing_was_granted(await decide(attacker, old), "too old")
        assert bank.reason() == "consent_stale"


@pytest.mark.parametrize("sealed", ["", "noise", "refresh"])
async def test_a_form_that_we_did_not_write_agrees_to_nothing(bank: Bank, sealed: str) -> None:
    if sealed == "refresh":
        sealed = (await bank.house.tokens(await bank.house.registered()))["refresh_token"]
    async with bank.house.browser() as browser:
        await form(bank.house, browser)
        fields = {"ticket": sealed, "decision": "allow"}
        response = await browser.post("/authorize/decision", data=fields, headers={"origin": URL})
        looked = await browser.get("/authorize/decision", params=fields)
    await nothing_was_granted(response, "too old, or was sent before")
    assert looked.status_code == 405

"""Attacks on signing in and on those who are: planted, stolen, crossed and forged; each leaves its reason behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.adapters.login.forgery import FIELD, proof
from tests.contract.identity.provider import NOW
from tests.contract.login.stage import ISSUER, OTHER, Browser, Directory, Said, Stage
from tests.contract.oauth.house import query
from tests.contract.oauth.test_proofs import Bank

SESSION, ATTEMPT = "__Host-ostiary", "__Host-ostiary-login"
Attack = Callable[[Stage], Awaitable[Said]]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return Bank(tmp_path / "bank")


async def signed_in(stage: Stage) -> Browser:
    browser = Browser(stage)
    assert (await browser.signs_in()).status == 303
    return browser


async def alive(stage: Stage, ident: str) -> bool:
    return await stage.setting.sessions.find(ident) is not None


# Signing in


def answered(**changed: str) -> Attack:
    """Return an answer of the provider's, to who asked for it, with changes."""

    async def attack(stage: Stage) -> Said:
        away = await (browser := Browser(stage)).get("/login")
        return await browser.get(stage.directories[0].signs_in(away["location"], **changed))

    return attack


def told(**claims: Any) -> Attack:
    """Return an ID token with changes, in the place of the right one."""

    async def attack(stage: Stage) -> Said:
        stage.directories[0].changed = claims
        return await Browser(stage).signs_in()

    return attack


async def into_another_browser(stage: Stage) -> Said:
    """Let the victim finish what the attacker began: they would work in the attacker's name (login CSRF)."""
    away = await Browser(stage).get("/login")
    await (victim := Browser(stage)).get("/login")
    return await victim.get(stage.directories[0].signs_in(away["location"]))


async def into_a_browser_that_asked_nothing(stage: Stage) -> Said:
    away = await Browser(stage).get("/login")
    return await Browser(stage).get(stage.directories[0].signs_in(away["location"]))


async def with_a_planted_attempt(stage: Stage) -> Said:
    away = await (attacker := Browser(stage)).get("/login")
    doubled = f"{ATTEMPT}={attacker.cookies[ATTEMPT]}; {ATTEMPT}=x"
    back = stage.directories[0].signs_in(away["location"])
    return await Browser(stage).send("GET", back, headers={"cookie": doubled})


async def with_a_session_for_an_attempt(stage: Stage) -> Said:
    browser = await signed_in(stage)
    away = await Browser(stage).get("/login")
    thief = Browser(stage, **{ATTEMPT: browser.cookies[SESSION]})
    return await thief.get(stage.directories[0].signs_in(away["location"]))


async def a_second_time(stage: Stage) -> Said:
    away = await (browser := Browser(stage)).get("/login")
    kept = dict(browser.cookies)
    await browser.get(stage.directories[0].signs_in(away["location"]))
    return await Browser(stage, **kept).get(stage.directories[0].signs_in(away["location"]))


async def too_late(stage: Stage) -> Said:
    away = await (browser := Browser(stage)).get("/login")
    stage.now += 601
    return await browser.get(stage.directories[0].signs_in(away["location"]))


async def with_a_code_of_another(stage: Stage) -> Said:
    """Inject a code that was stolen from somebody else's sign-in: its challenge is not this browser's."""
    directory = stage.directories[0]
    theirs = await Browser(stage).get("/login")
    stolen = directory.signs_in(theirs["location"]).partition("code=")[2].partition("&")[0]
    mine = await (thief := Browser(stage)).get("/login")
    return await thief.get(directory.signs_in(mine["location"], code=stolen))


async def with_a_parameter_twice(stage: Stage) -> Said:
    away = await (browser := Browser(stage)).get("/login")
    return await browser.get(stage.directories[0].signs_in(away["location"]) + "&state=x")


SIGN_IN: dict[str, tuple[Attack, str]] = {
    "finishing in another browser": (into_another_browser, "login_state"),
    "finishing where nothing was begun": (into_a_browser_that_asked_nothing, "login_no_attempt"),
    "an attempt beside another": (with_a_planted_attempt, "login_no_attempt"),
    "a session in an attempt's place": (with_a_session_for_an_attempt, "login_no_attempt"),
    "a state that is guessed": (answered(state="guess"), "login_state"),
    "a state left out": (answered(state=""), "login_state"),
    "an answer that came before": (a_second_time, "login_replayed"),
    "an answer that comes too late": (too_late, "login_too_late"),
    "mix-up: another issuer's answer": (answered(iss=OTHER), "login_mix_up"),
    "mix-up: an issuer with a slash more": (answered(iss=f"{ISSUER}/"), "login_mix_up"),
    "mix-up: an issuer in capitals": (answered(iss=ISSUER.upper()), "login_mix_up"),
    "mix-up: an issuer left out": (answered(iss=""), "login_mix_up"),
    "mix-up: another issuer's error": (answered(iss=OTHER, error="access_denied"), "login_mix_up"),
    "a code of another sign-in": (with_a_code_of_another, "login_code"),
    "a code that is guessed": (answered(code="guess"), "login_code"),
    "no code": (answered(code=""), "login_no_code"),
    "a parameter that comes twice": (with_a_parameter_twice, "login_parameters"),
    "a token of another sign-in": (told(nonce="theirs"), "login_nonce"),
    "a token without a nonce": (told(nonce=None), "login_nonce"),
    "a token of another issuer": (told(iss=OTHER), "jwt_wrong_issuer"),
    "a token for another client": (told(aud="another"), "jwt_wrong_audience"),
    "a token for others, too": (told(aud=["gateway", "another"]), "login_wrong_token"),
    "a token that another client asked for": (told(azp="another"), "login_wrong_token"),
    "a token that has expired": (told(exp=NOW - 60), "jwt_expired"),
    "a token of tomorrow": (told(iat=NOW + 600), "jwt_not_yet"),
    "a logout token": (told(events={}), "jwt_typ"),
    "a token about nobody": (told(sub=None), "login_nobody"),
}


@pytest.mark.parametrize("name", SIGN_IN)
async def test_an_attack_on_a_sign_in_signs_nobody_in_and_leaves_its_reason(stage: Stage, name: str) -> None:
    attack, reason = SIGN_IN[name]
    said = await attack(stage)
    assert said.status == 403
    assert SESSION not in said["set-cookie"]
    event, fields = stage.notes[-1]
    assert (event, fields) == ("login_refused", {"code": "unauthenticated", "reason": reason})
    assert reason not in said.text
    assert "guess" not in said.text


async def test_the_provider_is_asked_nothing_in_the_name_of_a_mixed_up_one(tmp_path: Path) -> None:
    """RFC 9700 section 4.4: the code of the honest provider must not reach the attacker's."""
    stage = Stage(tmp_path, Directory(), Directory(OTHER))
    away = await (browser := Browser(stage)).get("/login?with=guests")
    await browser.get(stage.directories[0].signs_in(away["location"]))
    assert (stage.reasons(), stage.directories[1].asked) == (["login_mix_up"], [])


# Fixation


async def test_a_session_that_was_planted_is_not_the_one_that_is_signed_in(stage: Stage) -> None:
    planted = "A" * 43
    victim = Browser(stage, **{SESSION: planted})
    await victim.signs_in()
    assert victim.cookies[SESSION] != planted
    assert not await alive(stage, planted)


async def test_the_attacker_s_own_session_ends_where_it_was_planted(stage: Stage) -> None:
    theirs = (await signed_in(stage)).cookies[SESSION]
    victim = Browser(stage)
    away = await victim.get("/login")
    victim.cookies[SESSION] = theirs
    assert (await victim.get(stage.directories[0].signs_in(away["location"]))).status == 303
    assert victim.cookies[SESSION] != theirs
    assert not await alive(stage, theirs)


@pytest.mark.parametrize("order", ["{mine}; {planted}", "{planted}; {mine}"])
async def test_a_session_beside_another_is_none(stage: Stage, order: str) -> None:
    """A neighbour can plant cookies, and neither order of two says which one is ours."""
    mine, planted = [f"{SESSION}={(await signed_in(stage)).cookies[SESSION]}" for _ in range(2)]
    both = order.format(mine=mine, planted=planted)
    said = await Browser(stage).send("GET", "/logout", headers={"cookie": both})
    assert "You are signed out" in said.text


async def test_a_cookie_is_one_that_only_this_host_can_have_set(stage: Stage) -> None:
    said = await Browser(stage).signs_in()
    cookie = next(value for name, value in said.headers if name == "set-cookie" and value.startswith(SESSION))
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "domain" not in cookie.lower()


# Requests in somebody's name

FORGED: dict[str, tuple[dict[str, str], dict[str, str], str]] = {
    "from a page elsewhere": ({"origin": "https://evil.example"}, {}, "csrf_origin"),
    "from a neighbour": ({"origin": "https://evil.mcp.example.com"}, {}, "csrf_origin"),
    "from nowhere": ({"origin": "null"}, {}, "csrf_origin"),
    "from what is no browser": ({"origin": ""}, {}, "csrf_origin"),
    "from the same site only": ({"sec-fetch-site": "same-site"}, {}, "csrf_origin"),
    "without a proof": ({}, {FIELD: ""}, "csrf_token"),
    "with a proof of nothing": ({}, {FIELD: "0" * 64}, "csrf_token"),
    "with a header of nothing": ({"x-csrf-token": "0" * 64}, {}, "csrf_token"),
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_request_changes_nothing_and_leaves_its_reason(stage: Stage, name: str) -> None:
    headers, fields, reason = FORGED[name]
    browser = await signed_in(stage)
    person = await stage.setting.sessions.find(browser.cookies[SESSION])
    assert person is not None
    said = await browser.post("/logout", {FIELD: proof(stage.setting, person)} | fields, **headers)
    assert (said.status, stage.reasons()) == (403, [reason])
    assert await alive(stage, browser.cookies[SESSION])


async def test_the_proof_of_the_attacker_s_own_session_is_none_for_another(stage: Stage) -> None:
    attacker, victim = await signed_in(stage), await signed_in(stage)
    person = await stage.setting.sessions.find(attacker.cookies[SESSION])
    assert person is not None
    said = await victim.post("/logout", {FIELD: proof(stage.setting, person)})
    assert (said.status, stage.reasons()) == (403, ["csrf_token"])
    assert await alive(stage, victim.cookies[SESSION])


BACK = ["https://evil.example", "//evil.example", "/\\evil.example", "/%09/evil.example", "javascript:alert(1)", "\\\\evil.example"]  # fmt: skip


@pytest.mark.parametrize("to", BACK)
async def test_nobody_is_led_away_after_signing_in(stage: Stage, to: str) -> None:
    browser = Browser(stage)
    away = await browser.get(f"/login?return_to={to}")
    said = await browser.get(stage.directories[0].signs_in(away["location"]))
    assert said["location"] == "/console/"


# Clickjacking


async def test_no_page_of_ours_is_ever_inside_another_s(bank: Bank, stage: Stage) -> None:
    client = await bank.house.registered()
    async with bank.house.browser() as browser, bank.house.browser("") as nobody:
        pages = [
            await browser.get("/authorize", params=query(client)),
            await browser.get("/authorize", params=query(client, redirect_uri="https://evil.example")),
            await nobody.get("/authorize", params=query(client)),
            await browser.post("/authorize/decision", data={}),
        ]
    found = [(each.headers["content-security-policy"], each.headers["x-frame-options"]) for each in pages]
    assert [each.status_code for each in pages] == [200, 400, 200, 400]
    for path in ("/login?with=x", "/login/callback", "/logout", "/logout/done", "/bootstrap/x"):
        said = await Browser(stage).get(path)
        found.append((said["content-security-policy"], said["x-frame-options"]))
    assert all("frame-ancestors 'none'" in policy and frame == "DENY" for policy, frame in found)

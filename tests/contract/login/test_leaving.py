"""How sessions end: by time, by a button, by word of the provider; and what may end or use them, and what may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ostiary.adapters.login import bootstrap
from ostiary.adapters.login.forgery import FIELD, proof
from ostiary.adapters.login.logouts import EVENT, claimed_issuer
from ostiary.adapters.login.sessions import digest
from ostiary.adapters.login.setting import Setting, login_url, own_path
from tests.contract.login.stage import ISSUER, NOW, OTHER, URL, Browser, Said, Stage

SESSION = "__Host-ostiary"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def signed_in(stage: Stage) -> Browser:
    browser = Browser(stage)
    assert (await browser.signs_in()).status == 303
    return browser


async def alive(stage: Stage, browser: Browser) -> bool:
    return await stage.setting.sessions.find(browser.cookies.get(SESSION, "")) is not None


async def form(stage: Stage, browser: Browser, **more: str) -> dict[str, str]:
    person = await stage.setting.sessions.find(browser.cookies[SESSION])
    assert person is not None
    return {FIELD: proof(stage.setting, person), **more}


# Time


async def test_a_session_that_nobody_uses_ends_after_half_an_hour(stage: Stage) -> None:
    browser = await signed_in(stage)
    stage.now += 1799
    assert await alive(stage, browser)
    stage.now += 1800
    assert not await alive(stage, browser)
    stage.now -= 1000
    assert not await alive(stage, browser), "ended is ended"


async def test_a_session_in_use_ends_after_twelve_hours(stage: Stage) -> None:
    browser = await signed_in(stage)
    for _ in range(12 * 3):
        assert await alive(stage, browser)
        stage.now += 1200
    assert not await alive(stage, browser)


async def test_a_clock_that_is_set_back_makes_no_session_younger(stage: Stage) -> None:
    browser = await signed_in(stage)
    stage.now -= 3600
    assert not await alive(stage, browser)


async def test_what_is_kept_of_a_session_opens_none(stage: Stage) -> None:
    browser = await signed_in(stage)
    kept = digest(browser.cookies[SESSION])
    assert stage.logins.find(kept) is not None
    assert await stage.setting.sessions.find(kept) is None
    assert await stage.setting.sessions.find(kept[:43]) is None


async def test_one_person_has_so_many_sessions_and_no_more(stage: Stage) -> None:
    browsers = []
    for _ in range(21):
        stage.now += 1
        browsers.append(await signed_in(stage))
    assert [await alive(stage, each) for each in browsers] == [False] + [True] * 20


async def test_a_login_ends_the_session_that_was_in_the_browser_before(stage: Stage) -> None:
    """Ours: a session that was planted there (fixation) is over, whoever's it was."""
    planter, victim = await signed_in(stage), Browser(stage)
    away = await victim.get("/login")
    victim.cookies[SESSION] = planter.cookies[SESSION]
    assert (await victim.get(stage.directories[0].signs_in(away["location"]))).status == 303
    assert victim.cookies[SESSION] != planter.cookies[SESSION]
    assert not await alive(stage, planter)


# Signing out


async def test_the_button_ends_the_session_and_takes_the_cookie(stage: Stage) -> None:
    browser = await signed_in(stage)
    kept = browser.cookies[SESSION]
    said = await browser.post("/logout", await form(stage, browser))
    assert said.status == 200
    assert SESSION not in browser.cookies
    assert await stage.setting.sessions.find(kept) is None
    assert "refresh" not in dict(said.headers)


async def test_looking_at_the_page_ends_nothing(stage: Stage) -> None:
    browser = await signed_in(stage)
    assert "Sign out?" in (await browser.get("/logout")).text
    assert await alive(stage, browser)


async def test_signing_out_everywhere_goes_on_at_the_provider_with_its_own_token(stage: Stage) -> None:
    browser = await signed_in(stage)
    said = await browser.post("/logout", await form(stage, browser, everywhere="yes"))
    to = urlsplit(said["refresh"].partition("url=")[2])
    asked = {name: values[0] for name, values in parse_qs(to.query).items()}
    assert f"{to.scheme}://{to.netloc}{to.path}" == f"{ISSUER}/end"
    assert (asked["client_id"], asked["post_logout_redirect_uri"]) == ("gateway", f"{URL}/logout/done")
    assert claimed_issuer(asked["id_token_hint"]) == ISSUER


async def test_where_the_provider_has_no_such_place_ours_ends_all_the_same(stage: Stage) -> None:
    browser = await signed_in(stage)
    del stage.directories[0].metadata["end_session_endpoint"]
    said = await browser.post("/logout", await form(stage, browser, everywhere="yes"))
    assert said.status == 200
    assert "refresh" not in dict(said.headers)
    assert not await alive(stage, browser)


FORGED: list[tuple[dict[str, str], dict[str, str], int]] = [
    ({"origin": "https://evil.example", "sec-fetch-site": "cross-site"}, {}, 403),
    ({"origin": "null"}, {}, 403),
    ({"origin": ""}, {}, 403),
    ({"origin": URL + ":444"}, {}, 403),
    ({"origin": URL + ".evil.example"}, {}, 403),
    ({"origin": "http://mcp.example.com"}, {}, 403),
    ({"sec-fetch-site": "same-site"}, {}, 403),
    ({"sec-fetch-site": "none"}, {}, 403),
    ({}, {FIELD: ""}, 403),
    ({}, {FIELD: "0" * 64}, 403),
    ({}, {FIELD: "é"}, 403),
    ({"x-csrf-token": "wrong"}, {}, 403),
    ({"content-type": "text/plain"}, {}, 415),
    ({"content-type": "application/json"}, {}, 415),
    ({}, {"filler": "x" * 70_000}, 413),
]


@pytest.mark.parametrize(("headers", "fields", "status"), FORGED)
async def test_what_may_be_forged_ends_nothing(
    stage: Stage, headers: dict[str, str], fields: dict[str, str], status: int
) -> None:
    browser = await signed_in(stage)
    good = await form(stage, browser)
    said = await browser.post("/logout", good | fields, **headers)
    assert said.status == status
    assert await alive(stage, browser)


async def test_a_proof_is_one_sessions_own(stage: Stage) -> None:
    attacker, victim = await signed_in(stage), await signed_in(stage)
    said = await victim.post("/logout", await form(stage, attacker))
    assert said.status == 403
    assert await alive(stage, victim)


async def test_a_field_that_comes_twice_is_refused(stage: Stage) -> None:
    browser = await signed_in(stage)
    token = (await form(stage, browser))[FIELD]
    body = f"{FIELD}={token}&{FIELD}={token}".encode()
    said = await browser.send("POST", "/logout", body, {"origin": URL})
    assert said.status == 400
    assert await alive(stage, browser)


# Told by the provider


async def told(stage: Stage, **changed: Any) -> Said:
    """Send a good logout token with changes; None takes a claim away."""
    claims = {"sub": "ana", "sid": "s1", "jti": "j1", "events": {EVENT: {}}, "groups": None, **changed}
    return await Browser(stage).send("POST", "/logout/backchannel", b"logout_token=" + token(stage, claims))


def token(stage: Stage, claims: dict[str, Any]) -> bytes:
    return stage.directories[0].token(**claims).encode()


@pytest.mark.parametrize("changed", [{}, {"sid": None}, {"sub": None}, {"exp": None}, {"aud": ["gateway", "other"]}])
async def test_the_provider_ends_a_session(stage: Stage, changed: dict[str, Any]) -> None:
    browser = await signed_in(stage)
    said = await told(stage, **changed)
    assert (said.status, said["cache-control"], said.text) == (200, "no-store", "")
    assert not await alive(stage, browser)


@pytest.mark.parametrize("changed", [{"sid": "another"}, {"sub": "bob"}, {"sub": "bob", "sid": None}])
async def test_it_ends_no_session_of_somebody_else(stage: Stage, changed: dict[str, Any]) -> None:
    browser = await signed_in(stage)
    assert (await told(stage, **changed)).status == 200
    assert await alive(stage, browser)


@pytest.mark.parametrize(
    "changed",
    [
        {"sid": None, "sub": None}, {"sid": "", "sub": ""}, {"sid": 5}, {"sub": ["ana"]}, {"sid": "x" * 300},
        {"jti": None}, {"jti": 7}, {"events": None}, {"events": []}, {"events": {}}, {"events": {EVENT: True}},
        {"events": {"http://schemas.openid.net/event/other": {}}}, {"nonce": "n"}, {"nonce": None, "iss": OTHER},
        {"iss": ISSUER + "/"}, {"aud": "other"}, {"aud": None}, {"exp": NOW - 61}, {"exp": "soon"}, {"exp": True},
        {"iat": NOW - 301}, {"iat": NOW + 61}, {"iat": None}, {"iat": True},
    ],
)  # fmt: skip
async def test_a_token_that_is_no_logout_token_ends_nothing(stage: Stage, changed: dict[str, Any]) -> None:
    browser = await signed_in(stage)
    said = await told(stage, **changed)
    assert (said.status, said.text) == (400, '{"error":"invalid_request"}')
    assert await alive(stage, browser)


async def test_a_logout_token_works_once(stage: Stage) -> None:
    await signed_in(stage)
    assert (await told(stage)).status == 200
    again = await signed_in(stage)
    assert (await told(stage)).status == 400
    assert await alive(stage, again)


@pytest.mark.parametrize("sent", ["", "x", "a.b.c", "e30.e30.e30", "é.é.é", "a." * 9000])
async def test_noise_is_no_logout_token(stage: Stage, sent: str) -> None:
    said = await Browser(stage).post("/logout/backchannel", {"logout_token": sent})
    assert said.status == 400


async def test_a_signature_of_nobody_ends_nothing(stage: Stage) -> None:
    browser = await signed_in(stage)
    good = token(stage, {"sub": "ana", "sid": "s1", "jti": "j1", "events": {EVENT: {}}})
    head, body, _ = good.split(b".")
    said = await Browser(stage).send("POST", "/logout/backchannel", b"logout_token=" + head + b"." + body + b".AAAA")
    assert said.status == 400
    assert await alive(stage, browser)


async def test_while_the_keys_cannot_be_had_the_provider_is_asked_to_come_back(stage: Stage) -> None:
    stage.directories[0].down = True
    said = await told(stage)
    assert said.status == 503
    assert said["retry-after"] == "5"


# The bootstrap link


async def test_the_link_makes_an_administrator_once(stage: Stage) -> None:
    link = await bootstrap.link(stage.setting)
    assert link.startswith(f"{URL}/bootstrap/")
    path = link.removeprefix(URL)
    browser = Browser(stage)
    assert (await browser.get(path)).status == 200
    assert not stage.logins.bootstrapped()
    said = await browser.post(path, {})
    assert (said.status, said["location"]) == (303, "/console/")
    person = await stage.setting.sessions.find(browser.cookies[SESSION])
    assert person is not None
    assert (person.subject, person.issuer, person.roles) == ("bootstrap", "ostiary-bootstrap", {"admin"})
    assert stage.logins.bootstrapped()
    assert (await Browser(stage).post(path, {})).status == 403


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"origin": ""}, {"sec-fetch-site": "none"}])
async def test_another_site_uses_no_link_up(stage: Stage, headers: dict[str, str]) -> None:
    path = (await bootstrap.link(stage.setting)).removeprefix(URL)
    assert (await Browser(stage).post(path, {}, **headers)).status == 403
    assert (await Browser(stage).post(path, {})).status == 303


async def test_an_old_an_unknown_and_a_used_link_look_the_same(stage: Stage) -> None:
    older = (await bootstrap.link(stage.setting)).removeprefix(URL)
    newer = (await bootstrap.link(stage.setting)).removeprefix(URL)
    texts = {(await Browser(stage).post(path, {})).text for path in (older, "/bootstrap/x", f"/bootstrap/{'A' * 43}")}
    stage.now += bootstrap.LIFETIME
    texts.add((await Browser(stage).post(newer, {})).text)
    assert len(texts) == 1


# Addresses


@pytest.mark.parametrize(
    "text",
    [
        None, "", "https://evil.example", "//evil.example", "/\\evil.example", "\\/evil.example", "javascript:1", "x",
        "/a\r\nset-cookie: x=1", "/a\tb", "/ /evil.example", "/" + "x" * 3000, "/é", "/login", "/login?return_to=/login",
        "/logout", "/bootstrap/x",
    ],
)  # fmt: skip
def test_nobody_is_sent_anywhere_but_to_a_page_of_ours(text: str | None) -> None:
    assert own_path(text, "/home") == "/home"


def test_a_page_of_ours_is_come_back_to() -> None:
    assert own_path("/console/x?y=1#z", "/home") == "/console/x?y=1#z"
    assert login_url("/console/x?y=1") == "/login?return_to=%2Fconsole%2Fx%3Fy%3D1"
    assert login_url("//evil.example") == "/login"


@pytest.mark.parametrize("url", ["http://mcp.example.com", "http://192.0.2.7:8080", "http://localhost.evil.example"])
def test_nobody_signs_in_in_plain_text_beyond_this_machine(stage: Stage, url: str) -> None:
    with pytest.raises(ValueError, match="over https only"):
        _at(stage, url)


@pytest.mark.parametrize(
    ("url", "origin", "name"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "ostiary-local"),
        ("http://[::1]:8080", "http://[::1]:8080", "ostiary-local"),
        ("https://localhost", "https://localhost", SESSION),
        ("https://mcp.example.com:443", "https://mcp.example.com", SESSION),
    ],
)
def test_the_prefix_is_left_out_where_no_browser_would_take_it_and_nowhere_else(
    stage: Stage, url: str, origin: str, name: str
) -> None:
    setting = _at(stage, url)
    assert (setting.origin, setting.jar.session) == (origin, name)
    assert ("Secure" in setting.jar.attributes) == url.startswith("https")
    assert "HttpOnly; SameSite=Lax" in setting.jar.attributes


def _at(stage: Stage, url: str) -> Setting:
    return Setting(url, {}, stage.setting.sessions, stage.setting.seal, b"k" * 32, stage.time)


@pytest.mark.parametrize("path", ["/login?with=none", "/login/callback", "/logout", "/logout/done", "/bootstrap/x"])
async def test_every_page_is_without_scripts_and_in_no_frame(stage: Stage, path: str) -> None:
    said = await Browser(stage).get(path)
    policy = said["content-security-policy"]
    assert policy == "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    assert (said["x-frame-options"], said["cache-control"]) == ("DENY", "no-store")
    assert "<script" not in said.text
    assert " style=" not in said.text

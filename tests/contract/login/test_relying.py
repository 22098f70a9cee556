"""Signing in: what may come back from a provider, and what may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ostiary.adapters.login.relying import challenge, endpoints
from ostiary.core.errors import Garbled
from tests.contract.login.stage import ISSUER, NOW, OTHER, SECRET, Browser, Directory, Said, Stage

SESSION, ATTEMPT = "__Host-ostiary", "__Host-ostiary-login"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def reason(stage: Stage, said: Said) -> str:
    """Return why the last sign-in was refused, after making sure that it was."""
    assert said.status == 403
    assert SESSION not in said["set-cookie"]
    return stage.reasons()[-1]


async def test_the_way_there_asks_for_a_code_with_everything_that_protects_it(stage: Stage) -> None:
    said = await Browser(stage).get("/login?return_to=/console/tools")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(said["location"]).query).items()}
    assert said["location"].startswith(f"{ISSUER}/auth?")
    assert {"response_type": "code", "client_id": "gateway", "code_challenge_method": "S256"}.items() <= asked.items()
    assert asked["redirect_uri"] == "https://mcp.example.com/login/callback"
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) == 43
    assert said["set-cookie"].startswith(f"{ATTEMPT}=")
    assert said["set-cookie"].endswith("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600")


async def test_who_comes_back_is_signed_in_where_they_wanted_to_be(stage: Stage) -> None:
    browser = Browser(stage)
    away = await browser.get("/login?return_to=/console/tools%3Fpage%3D2")
    said = await browser.get(stage.directories[0].signs_in(away["location"]))
    assert (said.status, said["location"]) == (303, "/console/tools?page=2")
    assert ATTEMPT not in browser.cookies
    person = await stage.setting.sessions.find(browser.cookies[SESSION])
    assert person is not None
    assert (person.subject, person.issuer, person.roles) == ("ana", ISSUER, {"developer"})
    assert "nonce" not in person.claims
    proof = {"subject": "ana", "issuer": ISSUER, "identity": "staff", "proof": "login:staff"}
    assert stage.notes == [("login", proof)]


async def test_the_client_proves_itself_in_the_header_and_the_code_by_its_verifier(stage: Stage) -> None:
    away = await (browser := Browser(stage)).get("/login")
    await browser.get(stage.directories[0].signs_in(away["location"]))
    url, form, basic = stage.directories[0].asked[0]
    sent = parse_qs(urlsplit(away["location"]).query)["code_challenge"][0]
    assert (url, basic) == (f"{ISSUER}/token", ("gateway", SECRET))
    assert challenge(form["code_verifier"]) == sent
    assert "client_secret" not in form


@pytest.mark.parametrize(
    ("secret", "methods", "expected"),
    [
        ("", None, {"client_id": "gateway"}),
        (SECRET, ["client_secret_post"], {"client_id": "gateway", "client_secret": SECRET}),
    ],
)
async def test_a_client_without_a_secret_or_a_header_says_who_it_is_in_the_form(
    tmp_path: Path, secret: str, methods: Any, expected: dict[str, str]
) -> None:
    directory = Directory()
    directory.metadata["token_endpoint_auth_methods_supported"] = methods
    stage = Stage(tmp_path, directory, secret=secret)
    assert (await Browser(stage).signs_in()).status == 303
    _, form, basic = directory.asked[0]
    assert basic is None
    assert {name: value for name, value in form.items() if name.startswith("client")} == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"state": "guessed"}, "login_state"),
        ({"state": ""}, "login_state"),
        ({"iss": OTHER}, "login_mix_up"),
        ({"iss": ISSUER + "/"}, "login_mix_up"),
        ({"iss": ""}, "login_mix_up"),
        ({"code": ""}, "login_no_code"),
        ({"code": "stolen"}, "login_code"),
        ({"error": "access_denied"}, "login_refused_access_denied"),
        ({"error": "planted <b>words</b>"}, "login_refused_other"),
        ({"code": "x" * 5000}, "login_parameters"),
    ],
)
async def test_an_answer_that_does_not_fit_signs_nobody_in(
    stage: Stage, changed: dict[str, str], expected: str
) -> None:
    away = await (browser := Browser(stage)).get("/login")
    changed = {"error_description": "planted words", **changed}
    said = await browser.get(stage.directories[0].signs_in(away["location"], **changed))
    assert reason(stage, said) == expected
    assert "planted" not in said.text


async def test_a_parameter_that_comes_twice_is_refused(stage: Stage) -> None:
    away = await (browser := Browser(stage)).get("/login")
    said = await browser.get(stage.directories[0].signs_in(away["location"]) + "&code=other")
    assert reason(stage, said) == "login_parameters"


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"nonce": "of another attempt"}, "login_nonce"),
        ({"nonce": None}, "login_nonce"),
        ({"iss": OTHER}, "jwt_wrong_issuer"),
        ({"aud": "another-client"}, "jwt_wrong_audience"),
        ({"aud": ["gateway", "another"]}, "login_wrong_token"),
        ({"azp": "another"}, "login_wrong_token"),
        ({"exp": NOW - 60}, "jwt_expired"),
        ({"exp": None}, "jwt_no_expiry"),
        ({"iat": NOW + 600}, "jwt_not_yet"),
        ({"sub": None}, "login_nobody"),
        ({"sub": ""}, "login_nobody"),
    ],
)
async def test_an_id_token_that_is_not_the_answer_signs_nobody_in(stage: Stage, claims: Any, expected: str) -> None:
    stage.directories[0].changed = claims
    said = await Browser(stage).signs_in()
    assert said.status == 403
    assert SESSION not in said["set-cookie"]
    assert stage.reasons() == [expected]


@pytest.mark.parametrize("kept", ["", "planted", "x" * 20_000])
async def test_without_the_sealed_cookie_there_is_no_attempt(stage: Stage, kept: str) -> None:
    away = await Browser(stage).get("/login")
    victim = Browser(stage, **{ATTEMPT: kept}) if kept else Browser(stage)
    assert reason(stage, await victim.get(stage.directories[0].signs_in(away["location"]))) == "login_no_attempt"


async def test_a_cookie_that_came_twice_is_none(stage: Stage) -> None:
    away = await (browser := Browser(stage)).get("/login")
    doubled = f"{ATTEMPT}={browser.cookies[ATTEMPT]}; {ATTEMPT}=planted"
    said = await browser.send("GET", stage.directories[0].signs_in(away["location"]), headers={"cookie": doubled})
    assert reason(stage, said) == "login_no_attempt"


async def test_another_browsers_attempt_is_not_ours(stage: Stage) -> None:
    attacker, victim = Browser(stage), Browser(stage)
    away = await attacker.get("/login")
    await victim.get("/login")
    assert reason(stage, await victim.get(stage.directories[0].signs_in(away["location"]))) == "login_state"
    assert ATTEMPT in victim.cookies, "the victim's own sign-in goes on"


async def test_an_attempt_is_good_once_and_for_ten_minutes(stage: Stage) -> None:
    browser = Browser(stage)
    away = await browser.get("/login")
    kept = dict(browser.cookies)
    assert (await browser.get(stage.directories[0].signs_in(away["location"]))).status == 303
    again = Browser(stage, **kept)
    assert reason(stage, await again.get(stage.directories[0].signs_in(away["location"]))) == "login_replayed"
    late = Browser(stage)
    away = await late.get("/login")
    stage.now += 601
    assert reason(stage, await late.get(stage.directories[0].signs_in(away["location"]))) == "login_too_late"


async def test_an_answer_of_one_provider_is_none_of_the_other(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Directory(), Directory(OTHER))
    away = await (browser := Browser(stage)).get("/login?with=guests")
    assert away["location"].startswith(f"{OTHER}/auth?")
    # The attacker's provider sends the browser back in the honest one's name, or hands out the honest one's token.
    said = await browser.get(stage.directories[0].signs_in(away["location"]))
    assert reason(stage, said) == "login_mix_up"
    assert stage.directories[1].asked == [], "no code was sent anywhere"


async def test_with_several_providers_people_choose(tmp_path: Path) -> None:
    stage = Stage(tmp_path, Directory(), Directory(OTHER))
    said = await Browser(stage).get("/login?return_to=/console/x&with=unknown")
    assert said.status == 200
    for name in ("staff", "guests"):
        assert f'href="/login?with={name}&amp;return_to=%2Fconsole%2Fx"' in said.text


@pytest.mark.parametrize(
    ("status", "said"),
    [(500, {"error": "planted"}), (401, {"error": "invalid_client"}), (200, {}), (200, {"id_token": 5})],
)
async def test_a_provider_that_does_not_answer_as_it_must_is_no_fault_of_the_person(
    stage: Stage, status: int, said: Any
) -> None:
    stage.directories[0].status, stage.directories[0].said = status, said
    answer = await Browser(stage).signs_in()
    assert answer.status == 502
    assert "planted" not in answer.text
    assert SECRET not in answer.text


async def test_a_provider_that_is_away_is_said_to_be(stage: Stage) -> None:
    stage.directories[0].down = True
    assert (await Browser(stage).signs_in()).status == 502


@pytest.mark.parametrize(
    "place", [None, 5, "http://id.example.com/auth", "javascript:alert(1)", "//id.example.com", ""]
)
def test_an_endpoint_is_https_or_it_is_none(place: Any) -> None:
    good = Directory().metadata
    for name in ("authorization_endpoint", "token_endpoint"):
        with pytest.raises(Garbled):
            endpoints({**good, name: place})
    assert endpoints({**good, "end_session_endpoint": place}).end_session == ""


async def test_secrets_are_in_no_repr(stage: Stage) -> None:
    assert SECRET not in repr(stage.setting.providers)
    assert "kkkk" not in repr(stage.setting)

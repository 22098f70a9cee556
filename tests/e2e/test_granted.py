"""What our authorization server gave, used and taken back: by programs, by people in a browser, by their provider."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc import jwk
from playwright.sync_api import Browser, Page

from tests.e2e.gateway import free_port
from tests.e2e.idp.browser import chromium, tab
from tests.e2e.idp.desk import FIXED, Desk, Holder, assertion, called, listing, recorded, sent, service
from tests.e2e.idp.granting import BACK, REMOTE, House, Served, granting, listed, program, signed_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ROBOT = "robot-secret-of-the-tests-0123456789"
WORKER = jwk.ECKey.generate_key("P-256")
DESK = {"desk": {"name": "Desk program", "redirects": [BACK[0]]}}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROBOT_SECRET", ROBOT)
        beside = Served(free_port(), {"keys": [WORKER.as_dict(private=False, kid="worker")]})
        is_machine = {"roles": ["machine"], "teams": ["machines"]}
        services = {
            "robot": {"secret": "env:ROBOT_SECRET", **is_machine},
            "worker": {"jwks": f"https://localhost:{beside.port}/keys.json", **is_machine},
        }
        with granting(tmp_path_factory.mktemp("granted"), beside, clients=DESK, services=services) as running:
            yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with tab(browser) as opened:
        yield opened


def at_home(page: Page, house: House, login: str) -> None:
    """Sign in, and be at the console."""
    page.goto(f"{house.url}/console/")
    signed_in(page, house, login)
    page.wait_for_url(f"{house.url}/console/")


def test_a_refresh_token_is_replaced_by_its_use(page: Page, house: House) -> None:
    desk = Desk(house)
    first = desk.granted(page)
    assert listing(house, first["access_token"]) == 200
    status, second = desk.refreshed(first["refresh_token"])
    assert status == 200
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert listing(house, second["access_token"]) == 200
    assert desk.refreshed(second["refresh_token"])[0] == 200


def test_a_refresh_token_that_is_used_twice_ends_the_grant_and_its_access_tokens_at_once(
    page: Page, house: House
) -> None:
    """OAuth 2.1 section 4.3.1: one of two holders has stolen it, and nobody knows which."""
    desk = Desk(house)
    first = desk.granted(page)
    second = desk.refreshed(first["refresh_token"])[1]
    assert listing(house, second["access_token"]) == 200
    status, said = desk.refreshed(first["refresh_token"])
    assert (status, said["error"]) == (400, "invalid_grant")
    assert [listing(house, each["access_token"]) for each in (first, second)] == [401, 401]
    assert desk.refreshed(second["refresh_token"])[0] == 400
    assert recorded(house, "refresh_reused")


def test_a_code_that_is_used_twice_ends_what_it_began(page: Page, house: House) -> None:
    """OAuth 2.1 section 4.1.3."""
    desk = Desk(house)
    code = desk.code(page)
    tokens = desk.redeemed(*code)[1]
    assert listing(house, tokens["access_token"]) == 200
    assert desk.redeemed(*code)[1]["error"] == "invalid_grant"
    assert listing(house, tokens["access_token"]) == 401


def test_an_access_token_that_is_given_up_is_refused_at_the_next_call(page: Page, house: House) -> None:
    """RFC 7009; the grant stands."""
    desk = Desk(house)
    tokens = desk.granted(page)
    assert listing(house, tokens["access_token"]) == 200
    assert desk.revoked(tokens["access_token"]) == 200
    assert listing(house, tokens["access_token"]) == 401
    status, fresh = desk.refreshed(tokens["refresh_token"])
    assert (status, listing(house, fresh["access_token"])) == (200, 200)


def test_a_refresh_token_that_is_given_up_ends_its_access_tokens_at_the_next_call(page: Page, house: House) -> None:
    """RFC 7009 section 2.1."""
    desk = Desk(house)
    tokens = desk.granted(page)
    assert listing(house, tokens["access_token"]) == 200
    assert desk.revoked(tokens["refresh_token"]) == 200
    assert listing(house, tokens["access_token"]) == 401
    assert desk.refreshed(tokens["refresh_token"])[0] == 400


def test_a_person_takes_back_what_they_let_a_program_do(page: Page, house: House) -> None:
    desk = Desk(house)
    tokens = desk.granted(page, "guest")
    assert listing(house, tokens["access_token"]) == 200
    page.goto(f"{house.url}/console/")
    assert "Desk program" in page.inner_text("main")
    page.click("button[name=grant]")
    page.wait_for_url(f"{house.url}/console/")
    assert "No program acts in your name." in page.inner_text("main")
    assert listing(house, tokens["access_token"]) == 401
    assert desk.refreshed(tokens["refresh_token"])[0] == 400
    assert recorded(house, "grant_revoked", '"guest"')


def test_a_person_cannot_take_back_what_another_one_gave(page: Page, house: House, browser: Browser) -> None:
    tokens = Desk(house).granted(page, "guest")
    page.goto(f"{house.url}/console/")
    grant = page.get_attribute("button[name=grant]", "value")
    with tab(browser) as other:
        Desk(house).granted(other, "sec")
        other.goto(f"{house.url}/console/")
        other.eval_on_selector("button[name=grant]", "(button, grant) => { button.value = grant }", grant)
        other.click("button[name=grant]")
        assert "no program of yours" in other.inner_text("main")
    assert listing(house, tokens["access_token"]) == 200


def test_a_service_account_is_a_caller_with_its_roles(house: House) -> None:
    status, _, tokens = service(house, ROBOT)
    assert (status, tokens["token_type"], "refresh_token" in tokens) == (200, "Bearer", False)
    _, _, seen = called(house, "tools/list", token=tokens["access_token"])
    assert [each["name"] for each in seen["result"]["tools"]] == ["echo__echo"], "what the role may use, and no more"
    status, _, answer = called(
        house, "tools/call", token=tokens["access_token"], name="echo__echo", arguments={"secret": "hello"}
    )
    assert (status, "hello" in json.dumps(answer["result"])) == (200, True)
    assert recorded(house, '"robot"', "echo.echo")


def test_a_service_account_proves_itself_with_a_key_and_no_secret(house: House) -> None:
    """RFC 7523 section 2.2; an assertion is good once."""
    asserted = assertion(WORKER, house.url)
    status, said = Desk(house, "worker").asked(**asserted)
    assert status == 200, said
    assert listing(house, said["access_token"]) == 200
    assert Desk(house, "worker").asked(**asserted)[1]["error"] == "invalid_client"
    other = assertion(jwk.ECKey.generate_key("P-256"), house.url)
    assert Desk(house, "worker").asked(**other)[1]["error"] == "invalid_client"


def test_mcp_remote_serves_a_service_account_without_a_person(
    house: House, node_program: Path, node_clients: Path, tmp_path: Path
) -> None:
    who = json.dumps({"client_id": "robot", "client_secret": "${ROBOT_SECRET}"})
    words = [f"{house.url}/mcp", "--client-credentials", "--static-oauth-client-info", who]
    command = [str(node_program), str(node_clients / REMOTE), *words]
    with program(command, MCP_REMOTE_CONFIG_DIR=str(tmp_path), ROBOT_SECRET=ROBOT) as running:
        assert listed(running) == ["echo__echo"]


@pytest.mark.parametrize(("what", "value"), [("scope", "everything"), ("resource", "https://elsewhere.example/mcp")])
def test_a_service_account_gets_nothing_that_it_was_not_given(house: House, what: str, value: str) -> None:
    status, _, said = service(house, ROBOT, {}, **{what: value})
    assert (status, said["error"]) == (400, "invalid_scope" if what == "scope" else "invalid_target")


def test_a_service_account_needs_its_secret(house: House) -> None:
    status, _, said = service(house, "guessed")
    assert (status, said["error"]) == (401, "invalid_client")


def test_a_token_is_bound_to_the_key_that_was_proven_when_it_was_made(house: House) -> None:
    """RFC 9449 sections 5 and 7."""
    holder, at = Holder(), f"{house.url}/token"
    status, told, said = service(house, ROBOT, {"dpop": holder.proof(at)})
    if said.get("error") == "use_dpop_nonce":
        status, told, said = service(house, ROBOT, {"dpop": holder.proof(at, nonce=told["dpop-nonce"])})
    assert (status, said["token_type"]) == (200, "DPoP")
    token, mcp = said["access_token"], f"{house.url}/mcp"
    status, told, _ = called(house, "tools/list", "DPoP", token, holder.proof(mcp, token))
    # RFC 9449 section 9: who must say when is told what to say.
    nonce = told["dpop-nonce"] if status == 401 else ""
    proof = holder.proof(mcp, token, nonce)
    assert called(house, "tools/list", "DPoP", token, proof)[0] == 200
    assert called(house, "tools/list", "DPoP", token, proof)[0] == 401, "a proof is good once"
    assert called(house, "tools/list", "DPoP", token, Holder().proof(mcp, token, nonce))[0] == 401, "another key"
    assert listing(house, token) == 401, "without any"


def test_programs_cannot_register_where_that_is_off(page: Page, tmp_path: Path) -> None:
    """Those with a document, and those of the configuration, are served all the same."""
    with granting(tmp_path, registration="off", clients=DESK) as house:
        asked = json.dumps({"redirect_uris": [BACK[0]], "token_endpoint_auth_method": "none"}).encode()
        status, _, said = sent(f"{house.url}/register", asked, {"content-type": "application/json"})
        assert (status, json.loads(said).get("client_id")) == (403, None)
        told = json.loads(sent(f"{house.url}/.well-known/oauth-authorization-server")[2])
        assert "registration_endpoint" not in told
        for client in (house.document, "desk"):
            tokens = Desk(house, client).granted(page)
            assert listing(house, tokens["access_token"]) == 200


def test_the_link_of_the_first_start_makes_one_administrator_once(page: Page, house: House, browser: Browser) -> None:
    file = house.gateway.config.parent / "data" / "bootstrap-link"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    link = file.read_text().strip()
    assert link not in house.gateway.log.read_text()
    page.goto(link)
    page.goto(link)
    page.click("text=Go on")
    page.wait_for_url(f"{house.url}/console/")
    assert "Signed in by the link on the terminal" in page.inner_text("main")
    assert "Roles: admin." in page.inner_text("main")
    with tab(browser) as late:
        late.goto(link)
        late.click("text=Go on")
        assert "unknown, used or too old" in late.inner_text("main")
        late.goto(f"{house.url}/console/")
        assert late.url.startswith(house.provider.issuer)


def test_a_session_ends_when_the_provider_says_so(page: Page, house: House) -> None:
    """OpenID Connect Back-Channel Logout 1.0, from a certified provider."""
    at_home(page, house, "sec")
    house.provider.events()
    kept = {each["name"]: each["value"] for each in page.context.cookies() if "ostiary" in each["name"]}
    page.goto(f"{house.provider.issuer}/session/end")
    page.click("text=Sign out everywhere")
    page.wait_for_url("**/session/end/success*")
    assert house.provider.events() == ["told gateway"], "and was answered with 200"
    after = {each["name"]: each["value"] for each in page.context.cookies() if "ostiary" in each["name"]}
    assert after == kept, "the browser still has its cookie"
    assert page.context.request.get(f"{house.url}/console/", max_redirects=0).status == 303


def test_a_cookie_of_the_console_opens_nothing_but_pages(page: Page, house: House) -> None:
    """A page elsewhere must not be able to make a browser call tools: only a bearer token does."""
    at_home(page, house, "ana")
    answer = page.context.request.post(
        f"{house.url}/mcp", headers={**FIXED, "mcp-method": "tools/list"}, data="{}", max_redirects=0
    )
    assert answer.status == 401


def test_a_quarantined_person_has_no_session_until_that_is_lifted(page: Page, house: House) -> None:
    Desk(house).granted(page, "sec")
    page.goto(f"{house.url}/console/")
    added = house.gateway.command("quarantine", "add", "person", "sec", "--reason", "lost laptop", "--json")
    assert page.context.request.get(f"{house.url}/console/", max_redirects=0).status == 303
    house.gateway.command("quarantine", "lift", json.loads(added)["id"], "--reason", "found it")
    assert page.context.request.get(f"{house.url}/console/", max_redirects=0).status == 200

"""People sign in: a real browser, a certified OpenID provider, and the login pages over TLS in a process of their own."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from playwright.sync_api import Browser, Page

from tests.e2e.gateway import free_port
from tests.e2e.idp.acting import ATTEMPT, COOKIE, House, at_the_provider, cookies, fetched, opened, sign_in, way_back
from tests.e2e.idp.browser import chromium, tab
from tests.e2e.idp.running import SECRET, application, provider

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder, port = tmp_path_factory.mktemp("login"), free_port()
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    leaf.private_key_pem.write_to_path(folder / "key.pem")
    leaf.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    url = f"https://localhost:{port}"
    tls = {"certificate": str(folder / "cert.pem"), "key": str(folder / "key.pem")}
    with (
        provider(url, folder / "ca.pem") as idp,
        application(folder=str(folder), url=url, port=port, issuer=idp.issuer, client=["gateway", SECRET], **tls),
    ):
        yield House(url, idp)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with tab(browser) as opened:
        yield opened


def test_somebody_signs_in_at_the_provider_and_comes_back_to_the_page_they_wanted(page: Page, home: House) -> None:
    sign_in(page, home)
    assert "ana roles=['developer'] teams=['core']" in page.inner_text("main")
    kept = cookies(page)[COOKIE]
    assert (kept["secure"], kept["httpOnly"], kept["sameSite"], kept["path"]) == (True, True, "Lax", "/")
    assert kept["domain"] == "localhost", "no Domain attribute, so no other host gets it"
    assert ATTEMPT not in cookies(page)


def test_a_wrong_password_opens_nothing(page: Page, home: House) -> None:
    at_the_provider(page, home)
    page.fill("[name=password]", "guessed")
    page.click("button")
    assert "Wrong name or password" in page.inner_text("#said")
    assert COOKIE not in cookies(page)


def test_a_form_of_ours_works_for_the_one_who_is_signed_in(page: Page, home: House) -> None:
    sign_in(page, home, "sec")
    page.click("text=Act")
    assert page.inner_text("body") == "done by sec"


def test_an_idle_session_is_over(page: Page, home: House) -> None:
    sign_in(page, home)
    first = cookies(page)[COOKIE]["value"]
    with home.later(31 * 60):
        assert fetched(page, f"{home.url}/console/") == 303
        page.goto(f"{home.url}/console/")
        # The provider still knows the person, so the way through it ends in a new session without a question.
        page.wait_for_url(f"{home.url}/console/")
        renewed = cookies(page)[COOKIE]["value"]
    assert renewed != first


def test_a_session_that_is_used_ends_all_the_same_after_twelve_hours(page: Page, home: House) -> None:
    sign_in(page, home)
    first = cookies(page)[COOKIE]["value"]
    for minutes in range(29, 12 * 60, 29):
        with home.later(minutes * 60):
            assert fetched(page, f"{home.url}/console/") == 200, f"after {minutes} minutes"
    with home.later(12 * 3600 + 1):
        assert fetched(page, f"{home.url}/console/") == 303
    assert cookies(page)[COOKIE]["value"] == first


def test_signing_out_ends_the_session_for_whoever_kept_its_cookie(page: Page, home: House) -> None:
    sign_in(page, home)
    kept = cookies(page)[COOKIE]["value"]
    page.goto(f"{home.url}/logout")
    page.click("text=Sign out >> nth=-2")
    assert page.inner_text("h1") == "You are signed out"
    assert COOKIE not in cookies(page)
    page.context.add_cookies([{"name": COOKIE, "value": kept, "url": home.url, "secure": True, "httpOnly": True}])
    assert fetched(page, f"{home.url}/console/") == 303


def test_signing_out_everywhere_ends_the_providers_session_too(page: Page, home: House) -> None:
    sign_in(page, home)
    page.goto(f"{home.url}/logout")
    page.click("text=Staff directory too")
    page.wait_for_url(f"{home.idp.issuer}/session/end*")
    page.click("text=Sign out everywhere")
    page.wait_for_url(f"{home.url}/logout/done*")
    page.goto(f"{home.url}/console/")
    assert page.url.startswith(f"{home.idp.issuer}/interaction/"), "the provider asks for the password again"


def test_a_session_ends_when_the_provider_says_so(page: Page, home: House) -> None:
    sign_in(page, home)
    home.idp.events()
    kept = cookies(page)[COOKIE]["value"]
    page.goto(f"{home.idp.issuer}/session/end")
    page.click("text=Sign out everywhere")
    page.wait_for_url("**/session/end/success*")
    assert home.idp.events() == ["told gateway"], "and was answered with 200"
    assert cookies(page)[COOKIE]["value"] == kept
    assert fetched(page, f"{home.url}/console/") == 303


@pytest.mark.parametrize("token", ["", "e30.e30.", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.", "x" * 70_000])
def test_a_logout_token_that_is_none_ends_nothing(page: Page, home: House, token: str) -> None:
    sign_in(page, home)
    body = urllib.parse.urlencode({"logout_token": token}).encode()
    status, said = home.post("/logout/backchannel", body, Content_Type="application/x-www-form-urlencoded")
    assert (status, json.loads(said)) == (400, {"error": "invalid_request"})
    assert fetched(page, f"{home.url}/console/") == 200


@pytest.mark.parametrize("known", [True, False])
def test_a_session_that_was_planted_before_the_login_is_worth_nothing_after_it(
    page: Page, home: House, browser: Browser, known: bool
) -> None:
    with tab(browser) as attacker:
        sign_in(attacker, home, "guest")
        planted = cookies(attacker)[COOKIE]["value"] if known else "A" * 43
        at_the_provider(page, home)
        page.context.add_cookies([{"name": COOKIE, "value": planted, "url": home.url, "secure": True}])
        page.click("button")
        page.wait_for_url(f"{home.url}/console/")
        assert cookies(page)[COOKIE]["value"] != planted
        assert "ana" in page.inner_text("main")
        assert fetched(attacker, f"{home.url}/console/") == (303 if known else 200), "the planted session is over"


def test_the_way_back_is_for_the_browser_that_went_away(page: Page, home: House, browser: Browser) -> None:
    """Login CSRF: an attacker's own answer from the provider, sent to somebody else's browser, signs nobody in."""
    with tab(browser) as attacker:
        stolen = way_back(attacker, home, "guest")
    answer = opened(page, stolen)
    assert answer.status == 403
    assert "No sign-in was begun in this browser" in page.inner_text("main")
    begun = page.context.request.get(f"{home.url}/login", max_redirects=0)
    assert begun.status == 303
    assert opened(page, stolen).status == 403
    assert "not begun in this browser" in page.inner_text("main")
    assert COOKIE not in cookies(page)


def test_the_way_back_works_once(page: Page, home: House) -> None:
    used: list[str] = []
    page.on("request", lambda request: used.append(request.url) if "/login/callback?" in request.url else None)
    at_the_provider(page, home)
    attempt = cookies(page)[ATTEMPT]["value"]
    page.click("button")
    page.wait_for_url(f"{home.url}/console/")
    page.context.clear_cookies(name=COOKIE)
    page.context.add_cookies([{"name": ATTEMPT, "value": attempt, "url": home.url, "secure": True}])
    assert opened(page, used[0]).status == 403
    assert "finished before" in page.inner_text("main")
    assert COOKIE not in cookies(page)


def test_an_answer_in_another_issuers_name_is_refused(page: Page, home: House) -> None:
    """RFC 9207: mix-up."""
    answer = way_back(page, home)
    mixed = answer.replace(urllib.parse.quote(home.idp.issuer, safe=""), "https%3A%2F%2Fevil.example")
    assert mixed != answer
    assert opened(page, mixed).status == 403
    assert "another identity provider" in page.inner_text("main")


def test_what_the_provider_writes_into_an_error_is_not_shown(page: Page, home: House) -> None:
    page.goto(f"{home.url}/login")
    state = urllib.parse.parse_qs(urllib.parse.urlsplit(away(page, home)).query)["state"][0]
    said = {"error": "<b>pwned</b>", "error_description": "call 555", "state": state, "iss": home.idp.issuer}
    answer = opened(page, f"{home.url}/login/callback?{urllib.parse.urlencode(said)}")
    assert answer.status == 403
    assert "The identity provider refused" in page.inner_text("main")
    assert not any(word in answer.text() for word in ("pwned", "555"))


def away(page: Page, home: House) -> str:
    """Begin a sign-in with the browser's cookies, and return where it would go on."""
    return str(page.context.request.get(f"{home.url}/login", max_redirects=0).headers["location"])


FORGED = """<form id=f method=post action="{url}/console/act"><input name=csrf value="{csrf}"></form><script>f.submit()</script>"""


@pytest.mark.parametrize("csrf", ["", "0" * 64])
def test_a_form_on_another_site_does_nothing(page: Page, home: House, csrf: str) -> None:
    sign_in(page, home)
    with page.expect_request("**/console/act") as asked:
        page.route(
            "https://evil.example/",
            lambda route: route.fulfill(body=FORGED.format(url=home.url, csrf=csrf), content_type="text/html"),
        )
        page.goto("https://evil.example/", wait_until="commit")
    answer = asked.value.response()
    assert answer is not None
    assert answer.status in {401, 403}, "without the cookie (SameSite), or refused with it"
    assert "done" not in answer.text()


def test_a_page_on_another_port_of_this_host_is_another_site_and_its_proof_is_missing(page: Page, home: House) -> None:
    """Cookies know no ports, so that SameSite lets this one through: origin and proof must not."""
    sign_in(page, home)
    page.route(
        "https://localhost:1/",
        lambda route: route.fulfill(body=FORGED.format(url=home.url, csrf="x"), content_type="text/html"),
    )
    with page.expect_response("**/console/act") as answered:
        page.goto("https://localhost:1/", wait_until="commit")
    assert answered.value.status == 403
    assert answered.value.text() == "csrf_origin: not from a page of ours"


def test_a_proof_of_another_session_is_none(page: Page, home: House, browser: Browser) -> None:
    with tab(browser) as attacker:
        sign_in(attacker, home, "guest")
        stolen = attacker.get_attribute("[name=csrf]", "value")
    sign_in(page, home)
    page.eval_on_selector("[name=csrf]", "(field, value) => { field.value = value }", stolen)
    page.click("text=Act")
    assert page.inner_text("body") == "csrf_token: wrong or missing"


def test_what_says_nothing_of_where_it_comes_from_does_nothing(page: Page, home: House) -> None:
    sign_in(page, home)
    token = page.get_attribute("[name=csrf]", "value")
    cookie = f"{COOKIE}={cookies(page)[COOKIE]['value']}"
    plain = {"Content_Type": "application/x-www-form-urlencoded", "Cookie": cookie}
    body = f"csrf={token}".encode()
    assert home.post("/console/act", body, **plain)[0] == 403
    assert home.post("/console/act", body, **plain, Origin=home.url, Sec_Fetch_Site="same-site")[0] == 403
    assert home.post("/console/act", body, **plain, Origin=home.url) == (200, "done by ana")


@pytest.mark.parametrize("path", ["/logout", "/bootstrap/x", "/console/", "/login/callback"])
def test_no_page_can_be_put_into_a_frame(page: Page, home: House, path: str) -> None:
    sign_in(page, home)
    headers = opened(page, f"{home.url}{path}").headers
    assert headers["x-frame-options"] == "DENY"
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    body = f'<iframe src="{home.url}{path}"></iframe>'
    page.route("https://evil.example/", lambda route: route.fulfill(body=body, content_type="text/html"))
    page.goto("https://evil.example/")
    page.wait_for_timeout(200)
    assert "Ostiary" not in page.frames[-1].content()


def test_nobody_is_sent_elsewhere_after_the_login(page: Page, home: House) -> None:
    sign_in(page, home)
    for target in (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/%0d%0aSet-Cookie:x=1",
        "javascript:1",
    ):
        page.goto(f"{home.url}/login?return_to={urllib.parse.quote(target, safe='')}")
        assert page.url.startswith(home.url), target


def test_the_bootstrap_link_works_once_and_only_when_its_page_is_answered(
    page: Page, home: House, browser: Browser
) -> None:
    link = json.loads(home.post("/test/link")[1])
    assert opened(page, link).status == 200
    assert opened(page, link).status == 200, "looking at it uses nothing up"
    page.click("text=Go on")
    page.wait_for_url(f"{home.url}/console/")
    assert "bootstrap roles=['admin']" in page.inner_text("main")
    with tab(browser) as late:
        late.goto(link)
        late.click("text=Go on")
        assert "unknown, used or too old" in late.inner_text("main")
        assert COOKIE not in cookies(late)


def test_a_newer_bootstrap_link_replaces_the_older_and_each_lives_half_an_hour(page: Page, home: House) -> None:
    older, newer = (json.loads(home.post("/test/link")[1]) for _ in range(2))
    page.goto(older)
    page.click("text=Go on")
    assert "unknown, used or too old" in page.inner_text("main")
    with home.later(30 * 60 + 1):
        page.goto(newer)
        page.click("text=Go on")
        assert "unknown, used or too old" in page.inner_text("main")


def test_keys_that_change_meanwhile_stop_nobody(page: Page, home: House) -> None:
    at_the_provider(page, home)
    home.idp.rotate(drop=True)
    page.click("button")
    page.wait_for_url(f"{home.url}/console/")
    assert "ana" in page.inner_text("main")


def test_on_plain_loopback_the_cookie_has_another_name(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    public = ["gateway-public", ""]
    with (
        provider(url) as idp,
        application(folder=str(tmp_path), url=url, port=port, issuer=idp.issuer, client=public),
        tab(browser) as page,
    ):
        sign_in(page, House(url, idp))
        assert "ana" in page.inner_text("main")
        kept = cookies(page)
        assert "ostiary-local" in kept
        assert kept["ostiary-local"]["httpOnly"] is True
        assert COOKIE not in kept

"""What tests do at the login pages: with a browser as a person, and without one as a program that lies."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, Response

from tests.e2e.idp.running import Provider

COOKIE = "__Host-ostiary"
ATTEMPT = "__Host-ostiary-login"


@dataclass(frozen=True, slots=True)
class House:
    """What stands on this machine for a test."""

    url: str
    idp: Provider

    def post(self, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
        """Send what a program, and no browser, sends."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"{self.url}{path}", body, named, method="POST")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
        try:
            with opener.open(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    @contextmanager
    def later(self, seconds: float) -> Iterator[None]:
        """Let so much time have passed for sessions."""
        self.post(f"/test/pass?seconds={seconds}")
        try:
            yield
        finally:
            self.post("/test/pass?seconds=0")


def at_the_provider(page: Page, home: House, login: str = "ana") -> None:
    """Go to a page of ours, and fill in the provider's form."""
    page.goto(f"{home.url}/console/")
    assert page.url.startswith(home.idp.issuer), page.url
    page.fill("[name=login]", login)
    page.fill("[name=password]", f"{login}-password")


def sign_in(page: Page, home: House, login: str = "ana") -> None:
    at_the_provider(page, home, login)
    page.click("button")
    page.wait_for_url(f"{home.url}/console/")


def way_back(page: Page, home: House, login: str = "ana") -> str:
    """Sign in at the provider, and return the address it sends the browser back to, which was not gone to yet."""
    at_the_provider(page, home, login)
    ask = page.context.request
    to = ask.post(page.url, form={"login": login, "password": f"{login}-password"}, max_redirects=0).headers["location"]
    while not to.startswith(f"{home.url}/login/callback?"):
        to = ask.get(to, max_redirects=0).headers["location"]
    return str(to)


def cookies(page: Page) -> dict[str, Any]:
    return {each["name"]: each for each in page.context.cookies()}


def opened(page: Page, url: str) -> Response:
    answer = page.goto(url)
    assert answer is not None
    return answer


def fetched(page: Page, url: str) -> int:
    """Ask with the browser's cookies, without following."""
    return int(page.context.request.get(url, max_redirects=0).status)

"""A real Chromium, headless, driven by the DevTools protocol: the distribution's, with a fresh profile for each use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Error, Page, Request, sync_playwright

from tests.e2e import overheard
from tests.e2e.searched import RUN

NAMES = ("chromium", "chromium-browser", "google-chrome")
WAIT_MS = 20_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser. Use it in a fixture of a module without async tests: its driver occupies the thread's loop."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        raise AssertionError("no Chromium was found; run: sh scripts/system.sh")
    # Chromium's own sandbox refuses to start for root.
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, headless=True, chromium_sandbox=os.geteuid() != 0)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def tab(browser: Browser) -> Iterator[Page]:
    """Open a tab in a profile of its own, which takes the certificates that tests make; overhear what it says."""
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(WAIT_MS)
    context.on("request", _asked)
    context.on("requestfinished", _answered)
    try:
        yield context.new_page()
    finally:
        context.close()


def _asked(request: Request) -> None:
    url = urlsplit(request.url)
    with suppress(UnicodeDecodeError):  # A body that is no text is no form.
        overheard.asked(f"{url.path}?{url.query}", request.headers.items(), (request.post_data or "").encode())


def _answered(request: Request) -> None:
    url = urlsplit(request.url)
    if not RUN.ours(url.port or 0):
        return
    # A page that was left at once has no body any more, and neither has one that the test answered itself.
    with suppress(Error):
        response = request.response()
        if response is None:
            return
        headers = [(each["name"], each["value"]) for each in response.headers_array()]
        overheard.answered(url.port or 0, url.path, headers, b"")
        overheard.answered(url.port or 0, url.path, (), response.body())

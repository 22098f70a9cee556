"""A real Chromium, headless, driven by the DevTools protocol: the distribution's, with a fresh profile for each use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

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
    """Open a tab in a profile of its own, which takes the certificates that tests make."""
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(WAIT_MS)
    try:
        yield context.new_page()
    finally:
        context.close()

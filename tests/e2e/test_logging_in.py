"""Programs log in with nothing but the URL: a person in a real browser, a certified provider, and our own authorization
server between them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.idp.browser import chromium, tab
from tests.e2e.idp.granting import REMOTE, House, allowed, granting, listed, program

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

CLIENTS = Path(__file__).parent / "clients"
BY = pytest.mark.parametrize("how", ["registered", "document"])
SCRIPTS = pytest.mark.parametrize("script", ["ts_login.mjs", "ts_login_v1.mjs"])
BEGINS = {"registered": "dcr_"}
"""How a client's id begins; where it has a document, that is the document's address."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with granting(tmp_path_factory.mktemp("logging-in")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with tab(browser) as opened:
        yield opened


def logged_in(page: Page, house: House, how: str, command: list[str]) -> str:
    """Let a program log in, expect that it sees the tools as the client that it said it is, and return its era."""
    words = [f"{house.url}/mcp", *([house.document] if how == "document" else [])]
    with program([*command, *words]) as running:
        allowed(page, house, running.until("open: "))
        saw = json.loads("{" + running.until("{"))
    assert "echo__echo" in saw["tools"], saw
    assert saw["client"].startswith(BEGINS.get(how, house.document))
    return str(saw["era"])


@BY
def test_the_python_sdk_logs_in_with_nothing_but_the_url(page: Page, house: House, how: str) -> None:
    assert logged_in(page, house, how, [sys.executable, str(CLIENTS / "py_login.py")]) == "modern"


@BY
@SCRIPTS
def test_the_typescript_clients_log_in_with_nothing_but_the_url(
    page: Page, house: House, how: str, script: str, node_program: Path, node_clients: Path
) -> None:
    era = logged_in(page, house, how, [str(node_program), str(node_clients / script)])
    assert era == ("handshake" if "v1" in script else "modern")


def test_the_typescript_client_binds_its_tokens_to_a_key_that_it_holds(
    page: Page, house: House, node_program: Path, node_clients: Path
) -> None:
    """RFC 9449, with a client of somebody else's."""
    command = [str(node_program), str(node_clients / "ts_login.mjs"), f"{house.url}/mcp"]
    with program(command, BOUND="yes") as running:
        allowed(page, house, running.until("open: "))
        saw = json.loads("{" + running.until("{"))
    assert "echo__echo" in saw["tools"], saw
    assert saw["type"] == "DPoP"


@BY
def test_mcp_remote_logs_in_with_nothing_but_the_url(
    page: Page, house: House, how: str, node_program: Path, node_clients: Path, tmp_path: Path
) -> None:
    """It speaks to a program over its pipes, and wants to open a browser itself: here it finds none."""
    words = ["--client-metadata-url", house.document] if how == "document" else []
    command = [str(node_program), str(node_clients / REMOTE), f"{house.url}/mcp", "--auth-timeout", "120", *words]
    nowhere = {"PATH": str(tmp_path), "BROWSER": "true", "MCP_REMOTE_CONFIG_DIR": str(tmp_path / "kept")}
    with program(command, **nowhere) as running:
        asked = running.until(f"{house.url}/authorize?")
        allowed(page, house, f"{house.url}/authorize?{asked}")
        tools = listed(running)
    assert "echo__echo" in tools
    assert parse_qs(asked)["client_id"][0].startswith(BEGINS.get(how, house.document))

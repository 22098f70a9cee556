"""The official suite's scenarios for authorization servers, at ours: a person in a real browser allows the suite.

The suite brings a public client. One that is confidential it could not be here: where a server lists `none` among its
authentication methods, as one must that public clients use, the suite uses it and leaves the secret out.
"""

import json
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser

from scripts.conformance_checks import Checks, checks_of, passed, scored
from scripts.conformance_stage import SUITES, free_port
from scripts.node import installed, node
from tests.e2e.idp.browser import chromium, tab
from tests.e2e.idp.granting import BACK, House, allowed, granting, program

EXPECTED = 3
REVISIONS = ("2025-11-25", "2026-07-28")
CONFIGURED = "conformance-suite"


def registered(house: House) -> str:
    """Register the suite as any program does (RFC 7591), and return its id."""
    asked = {"client_name": "Conformance suite", "redirect_uris": [BACK[0]], "token_endpoint_auth_method": "none"}
    request = urllib.request.Request(  # noqa: S310  # our own loopback address
        f"{house.url}/register", json.dumps(asked).encode(), {"content-type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # our own loopback address
        return str(json.load(answer)["client_id"])


CLIENTS: dict[str, Callable[[House], str]] = {
    "registered": registered,
    "document": lambda house: house.document,
    "configured": lambda _: CONFIGURED,
}
"""How the gateway knows the suite, and by which id."""


def authorized(output: Path) -> bool:
    """Run the scenarios for each kind of client, print what came out, and tell whether every check passed."""
    wrong: list[str] = []
    folder = output / "authorization"
    folder.mkdir(parents=True, exist_ok=True)
    known = {CONFIGURED: {"redirects": [BACK[0]]}}
    print(f"{'run':<12} {'client':<12} {'passed':>9} {'expected':>9}")
    with granting(folder, clients=known) as house, chromium() as browser:
        for kind, ident in CLIENTS.items():
            for revision in REVISIONS:
                checks = measured(house, browser, ident(house), revision, folder / f"{revision}-{kind}")
                wrong += judged(f"{revision:<12} {kind:<12}", checks)
    for line in wrong:
        print(line, file=sys.stderr)
    return not wrong


def measured(house: House, browser: Browser, client: str, revision: str, results: Path) -> Checks:
    """Run the scenarios as this client, allow what they ask for, and return the checks."""
    suite = installed(SUITES / "suite-0.2") / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    command = [str(node()), str(suite), "authorization", "--url", house.url, "--resource", f"{house.url}/mcp"]
    command += ["--client-id", client, "--port", str(free_port()), "--spec-version", revision]
    with program([*command, "--output-dir", str(results)]) as running, tab(browser) as page:
        allowed(page, house, f"{house.url}/authorize?" + running.until(f"{house.url}/authorize?"))
        said = running.said.read()
    results.mkdir(parents=True, exist_ok=True)
    (results / "output.txt").write_text(said)
    return checks_of(results)


def judged(name: str, checks: Checks) -> list[str]:
    """Print a line for a run, and return what is not as it must be about it."""
    counts = f"{passed(checks)}/{scored(checks)}"
    print(f"{name} {counts:>9} {f'{EXPECTED}/{EXPECTED}':>9}", flush=True)
    wrong = [f"{name} {key}: {each.status} {each.message}" for key, each in checks.items() if each.status != "SUCCESS"]
    if len(checks) != EXPECTED:
        wrong.append(f"{name} {len(checks)} checks ran, expected {EXPECTED}")
    return wrong

"""Every route of the running application answers 401 without a credential, but for a list that is checked in."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from ruamel.yaml import YAML
from starlette.routing import Route

from ostiary.entry.wiring import Gateway as Composition
from tests.security import raw, speech
from tests.security.conftest import House

pytestmark = pytest.mark.e2e

OPEN = Path(__file__).parents[1] / "data" / "open_routes.txt"
PEOPLE = OPEN.with_name("open_routes_of_people.txt")
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
PROMISED = (
    "/", "/api/v1/openapi.json", "/api/v1/tokens", "/console/", "/console", "/docs", "/redoc", "/openapi.json", "/health",
    "/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp", "/favicon.ico", "/metrics/",
)  # fmt: skip
"""Addresses that users know or try, whether or not they exist yet."""
TRICKS = (
    "//mcp", "/mcp/", "/mcp%2f", "/mcp%2F..%2Fhealth%2Flive", "/%6dcp", "/mcp/../mcp", "/./mcp", "/mcp;a=b", "/mcp%00",
    "/mcp%20", "/MCP", "/mcp?x=/health/live", "/health/live/../../mcp", "/health/live/..%2f..%2fmcp", "/health/live%2f",
    "/health/live/", "//health/live", "/health//live", "/health/live;x", "/health/live%00", "/health/live/.",
    "/health/live/..;/metrics", "/Health/Live", "/health/live%3fx", "/health/%6cive/x", "/metrics?/health/live",
    "/metrics#/health/live", "/servers/echo/mcp/", "/servers//echo/mcp", "/servers/echo%2fmcp", "/servers/../mcp",
    "/servers/echo/../../metrics", "/views/chosen/mcp/", "/views/../metrics", "/%2e%2e/metrics", "/metrics%0d%0aX:y",
    "/sse/", "/sse%2f", "//sse", "/%73se", "/sse?channel=%00", "/sse;channel=x", "/mcp/sse", "/servers/sse", "/views//sse",
    "\\metrics", "/\\metrics", "/metrics\\", "/health/live\\..\\..\\metrics", "/mcp\x0b", "/metrics%", "/%metrics",
)  # fmt: skip
HOSTS = (
    "{0}/?",
    "{0}#",
    "{0}@evil.example",
    "evil.example@{0}",
    "{0}/health/live?",
    "evil.example",
    "",
    "{0}, {0}",
    "[::1",
    "{0}\\",
)


def routes(house: House, folder: Path) -> set[str]:
    """Return every path of the application, as the composition root puts it together from the same configuration."""
    config = YAML(typ="safe").load(house.rig.gateway.config.read_text())
    config["gateway"]["data"] = str(folder / "data")
    (folder / "ostiary.yaml").write_text("")
    with (folder / "ostiary.yaml").open("w") as out:
        YAML(typ="safe").dump(config, out)
    composed = Composition(folder / "ostiary.yaml")
    pages = composed.door._pages
    assert all(isinstance(route, Route) for route in pages.routes), "a mount hides its routes from this census"  # type: ignore[attr-defined]
    endpoints = composed.revisions().endpoints
    oldest = {endpoint.removesuffix("/mcp") + "/sse" for endpoint in endpoints}
    return {route.path for route in pages.routes} | endpoints | oldest  # type: ignore[attr-defined]


def unlocked(where: Path = OPEN) -> set[tuple[str, str]]:
    """Return what may answer without a credential."""
    lines = (line.split() for line in where.read_text().splitlines() if line and not line.startswith("#"))
    return {(verb, path) for verb, path in lines}


async def status(house: House, verb: str, path: str, token: str = "", host: str = "") -> int:
    body = speech.packed(speech.message(1, "tools/list", {})) if verb in {"POST", "PUT", "PATCH"} else b""
    data = speech.request(path, host or house.host, speech.common(token), body, verb)
    try:
        return (await raw.once(house.port, data, bare=verb == "HEAD")).status
    except raw.Ended as ended:
        return ended.said.status if ended.said else 0


async def test_the_open_routes_of_the_running_application_are_those_of_the_list(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHO_TOKEN", "x")
    paths = routes(house, tmp_path)
    assert {"/mcp", "/servers/echo/mcp", "/servers/pipes/mcp", "/views/chosen/mcp", "/metrics"} <= paths
    assert {"/sse", "/servers/echo/sse", "/servers/pipes/sse", "/views/chosen/sse"} <= paths
    asked = {(verb, path) for path in (*paths, *PROMISED) for verb in VERBS}
    answered = {(verb, path): await status(house, verb, path) for verb, path in sorted(asked)}
    assert {each for each, code in answered.items() if code != 401} == unlocked()
    # Where no issuer is configured there is nothing to discover.
    assert {(answered[each], "well-known" in each[1]) for each in unlocked()} == {(200, False), (404, True)}


async def test_the_open_routes_where_people_sign_in_are_those_of_their_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each looks for a cookie, a code or a client's secret itself; the reasons are in `addresses.OPEN`."""
    monkeypatch.setenv("ID_SECRET", "x")
    own = {"url": "http://127.0.0.1:8080", "data": str(tmp_path / "data")}
    staff = {"issuer": "https://id.example.com", "client": {"id": "ostiary", "secret": "env:ID_SECRET"}}
    with (tmp_path / "ostiary.yaml").open("w") as out:
        YAML(typ="safe").dump({"gateway": own, "identity": {"staff": staff}, "authorization": {}}, out)
    pages = Composition(tmp_path / "ostiary.yaml").door._pages
    paths = {route.path.replace("{path:path}", "/mcp").replace("{token}", "x" * 43) for route in pages.routes}  # type: ignore[attr-defined]
    transport = httpx2.ASGITransport(app=pages, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=own["url"]) as http:
        answered = {(verb, path): (await http.request(verb, path)).status_code for path in paths for verb in VERBS}
    found = {each for each, code in answered.items() if code != 401}
    assert found == unlocked(PEOPLE)


@pytest.mark.parametrize("token", ["", "ost_000000000000000000000000000000000000000000000000", "x", " "])
async def test_a_credential_that_is_none_opens_nothing(house: House, token: str) -> None:
    for path in ("/mcp", "/servers/echo/mcp", "/views/chosen/mcp", "/sse", "/sse?channel=x", "/metrics"):
        # 429: who has brought too many bad credentials is not even asked whose this one is.
        assert {await status(house, verb, path, token) for verb in ("GET", "POST", "DELETE")} <= {401, 429}


@pytest.mark.parametrize("path", TRICKS)
async def test_no_spelling_of_a_path_opens_anything(house: House, path: str) -> None:
    for verb in ("GET", "HEAD", "POST", "DELETE"):
        assert await status(house, verb, path) in {400, 401, 404, 421}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/mcp", "/servers/echo/mcp", "/metrics", "http://x/health/live/../../mcp"])
async def test_no_spelling_of_a_host_opens_anything(house: House, path: str, host: str) -> None:
    for token in ("", house.token):
        told = host.format(house.host) or " "
        assert await status(house, "POST", path, token, told) in {400, 401, 421}

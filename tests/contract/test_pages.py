"""The slow-path pages: what is open, what is not, and what each of them says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route

from ostiary.adapters.http.pages import OPEN, Ready, Window, pages
from ostiary.core.errors import Unauthenticated
from ostiary.core.model import Caller, Inbound, Snapshot

OPEN_ROUTES = Path(__file__).parent.parent / "data" / "open_routes.txt"
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
HOST = "mcp.example.com"
KEY = "ost_valid"
SCRAPER = "scrape-me"


async def identify(message: Inbound) -> Caller:
    if message.credential is None:
        raise Unauthenticated("no credential")
    if message.credential != KEY:
        raise Unauthenticated("unknown token", hint="the token is malformed, unknown, expired or revoked")
    return Caller("ann", "test", "tok_1", "token:tok_1", 1e12)


def snapshot(**more: Any) -> Snapshot:
    return Snapshot(7, "sha256:x", frozenset({"/mcp"}), {}, frozenset({HOST}), frozenset({"https://ours"}), **more)


def window(**more: Any) -> Window:
    filled: dict[str, Any] = {
        "current": snapshot,
        "ready": lambda: Ready(ledger=""),
        "metrics": lambda accept: (b"ostiary_calls_total 1\n", "text/plain; version=0.0.4; charset=utf-8"),
        "identify": identify,
        "scraper": lambda: SCRAPER,
        "unsafe_open_metrics": lambda: False,
    }
    return Window(**{**filled, **more})


class Said:
    """An answer."""

    def __init__(self, messages: list[Any]) -> None:
        self.status: int = messages[0]["status"]
        self.headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        self.body = b"".join(message.get("body", b"") for message in messages[1:])

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


async def asked(
    app: Any, verb: str, path: str, *headers: tuple[str, str], host: str = HOST, scheme: str = "http"
) -> Said:
    sent: list[Any] = []
    scope = {
        "type": "http", "method": verb, "path": path, "raw_path": path.encode(), "query_string": b"", "scheme": scheme,
        "headers": [(b"host", host.encode()), *((name.encode(), value.encode()) for name, value in headers)],
        "client": ("192.0.2.1", 1), "server": ("127.0.0.1", 1), "root_path": "", "http_version": "1.1", "asgi": {},
    }  # fmt: skip

    async def receive() -> Any:
        pytest.fail("the body was read")

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return Said(sent)


def credential(token: str) -> tuple[str, str]:
    return "authorization", f"Bearer {token}"


ME = credential(KEY)


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.scope["caller"].subject)


MOUNTED = (Route("/api/v1/hello", hello, methods=["GET", "POST"]), Mount("/console", routes=[Route("/", hello)]))


def walked(routes: list[BaseRoute], before: str = "") -> set[str]:
    found = set()
    for route in routes:
        assert isinstance(route, (Route, Mount)), f"the census cannot see into {route}"
        found |= walked(list(route.routes), before + route.path) if isinstance(route, Mount) else {before + route.path}
    return found


def open_routes() -> set[tuple[str, str]]:
    lines = [line.split() for line in OPEN_ROUTES.read_text().splitlines() if line and not line.startswith("#")]
    return {(verb, path) for verb, path in lines}


async def test_every_route_but_the_checked_in_ones_answers_401_without_a_credential() -> None:
    """The route census: whatever is mounted, now or later, is behind the credential."""
    app = pages(window(), MOUNTED)
    paths = walked(list(app.routes))
    assert {"/health/live", "/metrics", "/api/v1/hello", "/console/"} <= paths
    found = set()
    described = "/.well-known/oauth-protected-resource"
    for path in {
        *paths,
        described,
        f"{described}/mcp",
        f"{described}x",
        "/",
        "/nowhere",
        "/health/live/",
        "/health//live",
        "/METRICS",
        "/console",
        "//health/live",
    }:
        for verb in VERBS:
            said = await asked(app, verb, path)
            if said.status != 401:
                found.add((verb, path))
    assert found == open_routes()
    assert {each for each in found if not each[1].startswith(described)} == OPEN
    assert len(found) <= 8


async def test_a_refusal_says_what_why_and_what_to_do() -> None:
    said = await asked(pages(window()), "GET", "/api/v1/tools")
    assert said.status == 401
    assert said.headers["www-authenticate"] == "Bearer"
    assert said.json["error"]["code"] == "unauthenticated"
    assert all(said.json["error"][key] for key in ("what", "why", "do"))
    wrong = await asked(pages(window()), "GET", "/api/v1/tools", credential("nonsense"))
    assert wrong.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert "nonsense" not in wrong.body.decode()


async def test_with_a_credential_an_unknown_address_is_404_and_a_wrong_method_405() -> None:
    app = pages(window(), MOUNTED)
    assert (await asked(app, "GET", "/nowhere", ME)).json["error"]["code"] == "no_such_place"
    assert (await asked(app, "GET", "/nowhere", ME)).status == 404
    wrong = await asked(app, "DELETE", "/api/v1/hello", ME)
    assert wrong.status == 405
    assert wrong.json["error"]["code"] == "wrong_verb"
    assert "POST" in wrong.headers["allow"]


async def test_a_mounted_route_knows_its_caller() -> None:
    assert (await asked(pages(window(), MOUNTED), "GET", "/api/v1/hello", ME)).body == b"ann"


async def test_two_credentials_are_none() -> None:
    assert (await asked(pages(window(), MOUNTED), "GET", "/api/v1/hello", ME, credential("other"))).status == 401


async def test_every_answer_is_hardened_and_strict_transport_is_promised_over_tls_alone() -> None:
    app = pages(window(), MOUNTED)
    for path in ("/health/live", "/health/ready", "/nowhere", "/metrics"):
        said = await asked(app, "GET", path)
        assert said.headers["cache-control"] == "no-store"
        assert said.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in said.headers["content-security-policy"]
        assert "strict-transport-security" not in said.headers
        assert "strict-transport-security" in (await asked(app, "GET", path, scheme="https")).headers


async def test_a_page_may_bring_a_policy_of_its_own() -> None:
    async def console(_: Request) -> PlainTextResponse:
        return PlainTextResponse("", headers={"content-security-policy": "default-src 'self'"})

    said = await asked(pages(window(), [Route("/c", console)]), "GET", "/c", ME)
    assert said.headers["content-security-policy"] == "default-src 'self'"


async def test_what_breaks_inside_says_nothing_about_it() -> None:
    async def breaks(_: Request) -> PlainTextResponse:
        raise KeyError("canary-4711")

    sent: list[Any] = []
    app = pages(window(), [Route("/b", breaks)])
    with pytest.raises(KeyError):
        sent.append(await asked(_remembering(app, sent), "GET", "/b", ME))
    said = Said(sent)
    assert said.status == 500
    assert b"canary" not in said.body
    assert said.json["error"]["code"] == "fault"


def _remembering(app: Any, sent: list[Any]) -> Any:
    async def remembering(scope: Any, receive: Any, send: Any) -> None:
        async def keep(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, keep)

    return remembering


async def test_health_is_probed_by_any_name_and_nothing_else_is() -> None:
    """An orchestrator probes by address; for everything else the rules of the MCP endpoints hold (DNS rebinding)."""
    app = pages(window(), MOUNTED)
    assert (await asked(app, "GET", "/health/live", host="10.0.0.7:8080")).status == 200
    assert (await asked(app, "GET", "/health/ready", host="10.0.0.7:8080")).status == 200
    for path in ("/metrics", "/api/v1/hello", "/nowhere"):
        said = await asked(app, "GET", path, ME, host="10.0.0.7:8080")
        assert said.status == 421
        assert "gateway.hosts" in said.json["error"]["do"]
    assert (await asked(app, "GET", "/api/v1/hello", ME, ("origin", "https://evil"))).status == 403


async def test_readiness_without_a_credential_is_one_word() -> None:
    stopped = window(ready=lambda: Ready(ledger="No space left on device", unreachable={"crm": "refused"}))
    assert (await asked(pages(stopped), "GET", "/health/ready")).json == {"status": "not ready"}
    assert (await asked(pages(window()), "GET", "/health/ready")).json == {"status": "ready"}
    wrong = await asked(pages(stopped), "GET", "/health/ready", credential("nonsense"))
    assert wrong.status == 401
    assert b"crm" not in wrong.body


@pytest.mark.parametrize(
    ("seen", "now", "what"),
    [
        (Ready(), snapshot(), "ledger_stopped"),
        (Ready(ledger="No space left on device"), snapshot(), "ledger_stopped"),
        (Ready(ledger="", closing=True), snapshot(), "closing"),
        (Ready(ledger=""), None, "no_snapshot"),
        (Ready(ledger="", starting=("crm",)), snapshot(), "starting"),
        (Ready(ledger="", broken={"keys": "it does not find a key"}), snapshot(), "guard_broken"),
    ],
)
async def test_readiness_names_what_stands_in_the_way(seen: Ready, now: Snapshot | None, what: str) -> None:
    app = pages(window(ready=lambda: seen, current=lambda: now))
    assert (await asked(app, "GET", "/health/ready")).status == 503
    said = await asked(app, "GET", "/health/ready", ME)
    assert said.status == 503
    assert [reason["what"] for reason in said.json["reasons"]] == [what]
    assert all(said.json["reasons"][0].values())


async def test_a_server_that_is_away_leaves_the_gateway_ready_and_is_named() -> None:
    seen = Ready(
        ledger="", unreachable={"crm": "connection refused"}, held={"files": 2, "crm": 0}, stale={"crm": "away"},
        doubtful={"rehearsed": "it does not find a key"},
    )  # fmt: skip
    app = pages(window(ready=lambda: seen, current=lambda: snapshot(weakened=("gateway.unsafe_open_metrics",))))
    said = await asked(app, "GET", "/health/ready", ME)
    assert said.status == 200
    assert said.json["status"] == "ready"
    assert [each["what"] for each in said.json["degraded"]] == [
        "upstream_unreachable", "catalogue_stale", "guard_broken",
    ]  # fmt: skip
    assert said.json["held"] == {"files": 2}
    assert said.json["unsafe"] == ["gateway.unsafe_open_metrics"]
    assert said.json["revision"] == 7


async def test_without_a_configuration_nothing_but_health_answers() -> None:
    app = pages(window(current=lambda: None), MOUNTED)
    assert (await asked(app, "GET", "/health/live")).status == 200
    assert (await asked(app, "GET", "/api/v1/hello", ME)).status == 503
    assert (await asked(app, "GET", "/metrics", credential(SCRAPER))).status == 503


async def test_metrics_are_for_the_scraper_alone() -> None:
    app = pages(window())
    said = await asked(app, "GET", "/metrics", credential(SCRAPER))
    assert said.status == 200
    assert said.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert said.body == b"ostiary_calls_total 1\n"
    for headers in ([], [ME], [credential("scrape-m")], [credential("")], [("authorization", f"Basic {SCRAPER}")]):
        assert (await asked(app, "GET", "/metrics", *headers)).status == 401


async def test_without_a_scrapers_token_nobody_reads_the_metrics() -> None:
    app = pages(window(scraper=lambda: None))
    for headers in ([], [ME], [credential("")], [credential("None")]):
        said = await asked(app, "GET", "/metrics", *headers)
        assert said.status == 401
        assert "gateway.metrics.token" in said.json["error"]["why"]


async def test_metrics_that_were_opened_are_open_to_the_right_host() -> None:
    app = pages(window(unsafe_open_metrics=lambda: True))
    assert (await asked(app, "GET", "/metrics")).status == 200
    assert (await asked(app, "POST", "/metrics")).status == 401
    assert (await asked(app, "GET", "/metrics", host="evil")).status == 421

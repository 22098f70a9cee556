"""The front door as the wire sees it: status, code and id of every request that the protocol wants refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest
from msgspec import Struct

from ostiary.adapters.http.door import Door
from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.model import HANDSHAKES, MODERN, Catalogue, Inbound, Json
from ostiary.core.ports import Reply
from ostiary.pipeline.serve import serve
from ostiary.protocol.modern import CAPABILITIES, INFO, VERSION
from tests.pipeline.stage import CONFIG, CRM, FILES, Stage

BOTH = "application/json, text/event-stream"
LISTED = {"mcp-protocol-version": MODERN, "mcp-method": "tools/list"}
READING = {"mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": "files__read"}
ENVELOPE: Json = {VERSION: MODERN, CAPABILITIES: {}}


class Seen(Struct, frozen=True):
    """What came back."""

    status: int
    headers: dict[str, str]
    messages: tuple[Json, ...]

    @property
    def code(self) -> int:
        return int(self.messages[-1]["error"]["code"])

    @property
    def result(self) -> Json:
        return dict(self.messages[-1]["result"])

    @property
    def refusal(self) -> tuple[int, int]:
        return self.status, self.code


class Front:
    """The real door before the real steps and a fake world."""

    def __init__(self, stage: Stage | None = None) -> None:
        self.stage = stage or Stage()
        self.read = 0
        self.door = Door(serve=self._serve, posted=self._serve, current=lambda: self.stage.snapshot, pages=nowhere)

    async def _serve(self, message: Inbound, reply: Reply) -> None:
        await serve(message, reply, self.stage.world)

    async def ask(
        self, body: Any, headers: Iterable[tuple[str, str]] | dict[str, str] = (), verb: str = "POST"
    ) -> Seen:
        """Send one request; `None` for a header leaves out what it would otherwise have."""
        whole = body if isinstance(body, bytes) else json.dumps(body).encode()
        usual = {
            "host": "127.0.0.1:8080",
            "authorization": "Bearer ana-token",
            "accept": BOTH,
            "content-type": "application/json",
        }
        given = list(headers.items()) if isinstance(headers, dict) else list(headers)
        names = {name for name, _ in given}
        fields = [(key, value) for key, value in usual.items() if key not in names] + given
        sent: list[Any] = []

        async def receive() -> Any:
            self.read += 1
            if self.read > 1:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": whole, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        self.read = 0
        raw = [(name.encode(), value.encode("latin-1")) for name, value in fields if value is not None]
        scope = {
            "type": "http",
            "method": verb,
            "path": "/mcp",
            "headers": raw,
            "client": ("127.0.0.1", 1),
            "query_string": b"",
        }
        await self.door(scope, receive, send)
        return seen(sent)

    def post(self, body: Any, headers: Any = (), verb: str = "POST") -> Seen:
        return asyncio.run(self.ask(body, headers, verb))


async def nowhere(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("a request for an endpoint was taken for a page")


def seen(sent: list[Any]) -> Seen:
    body = b"".join(each.get("body", b"") for each in sent[1:])
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    lines = body.splitlines() if headers.get("content-type") == "text/event-stream" else [b"data: " + body]
    found = tuple(json.loads(line[6:]) for line in lines if line.startswith(b"data: ") and line[6:].strip())
    return Seen(sent[0]["status"], headers, found)


def listing(ident: Any = 7, **meta: Any) -> Json:
    return {"jsonrpc": "2.0", "id": ident, "method": "tools/list", "params": {"_meta": {**ENVELOPE, **meta}}}


def calling(name: str = "files__read", **arguments: Any) -> Json:
    params = {"name": name, "arguments": arguments or {"path": "/a"}, "_meta": ENVELOPE}
    return {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}


def opening(version: str, ident: int = 1) -> Json:
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    return {"jsonrpc": "2.0", "id": ident, "method": "initialize", "params": params}


def without(key: str) -> Json:
    meta = {name: value for name, value in ENVELOPE.items() if name != key}
    return {**listing(), "params": {"_meta": meta}}


@pytest.mark.requirement("MCP-01")
def test_every_version_is_served_at_one_address_at_the_same_time() -> None:
    front = Front()

    async def story() -> list[Seen]:
        opened = (front.ask(opening(version), {}) for version in HANDSHAKES)
        modern = (front.ask(listing(number), LISTED) for number in range(4))
        return await asyncio.gather(*(each for pair in zip(opened, modern, strict=True) for each in pair))

    said = asyncio.run(story())
    assert [each.result["protocolVersion"] for each in said[::2]] == list(HANDSHAKES)
    assert [(each.messages[0]["id"], each.result["resultType"]) for each in said[1::2]] == [
        (number, "complete") for number in range(4)
    ]


@pytest.mark.requirement("MCP-02")
@pytest.mark.parametrize("version", [None, "", *HANDSHAKES])
def test_a_modern_body_with_no_header_or_another_eras_is_a_mismatch(version: str | None) -> None:
    headers = {"mcp-method": "tools/list"} | ({} if version is None else {"mcp-protocol-version": version})
    assert Front().post(listing(), headers).refusal == (400, -32020)


@pytest.mark.requirement("MCP-03")
@pytest.mark.parametrize("body", [without(VERSION), without(CAPABILITIES), {**listing(), "params": {}}])
def test_an_envelope_that_lacks_a_member_is_refused_under_its_id(body: Json) -> None:
    said = Front().post(body, LISTED)
    assert (said.refusal, said.messages[0]["id"]) == ((400, -32602), 7)


@pytest.mark.requirement("MCP-03")
def test_a_client_need_not_say_its_name() -> None:
    assert INFO not in ENVELOPE
    assert Front().post(listing(), LISTED).result["tools"]


@pytest.mark.requirement("MCP-04")
@pytest.mark.parametrize("version", ["2099-01-01", "DRAFT-2026-v1"])
def test_an_unsupported_version_is_told_which_are_discovered(version: str) -> None:
    front = Front()
    said = front.post(listing(**{VERSION: version}), {**LISTED, "mcp-protocol-version": version})
    discover = {**listing(), "method": "server/discover"}
    known = front.post(discover, {**LISTED, "mcp-method": "server/discover"}).result["supportedVersions"]
    assert said.refusal == (400, -32022)
    assert said.messages[0]["error"]["data"]["requested"] == version
    assert said.messages[0]["error"]["data"]["supported"]
    assert set(said.messages[0]["error"]["data"]["supported"]) <= set(known)


@pytest.mark.requirement("MCP-05")
@pytest.mark.parametrize("method", [None, "", "tools/call", "Tools/List", "tools/list;x"])
def test_a_method_header_that_is_not_the_methods_is_a_mismatch(method: str | None) -> None:
    headers = {"mcp-protocol-version": MODERN} | ({} if method is None else {"mcp-method": method})
    assert Front().post(listing(), headers).refusal == (400, -32020)


@pytest.mark.requirement("MCP-05")
def test_blanks_around_a_header_are_tolerated() -> None:
    """That names of headers have no case is ASGI's and ours: a server hands them over in lower case."""
    assert Front().post(listing(), {name: f" {value}\t" for name, value in LISTED.items()}).status == 200


@pytest.mark.requirement("MCP-09")
@pytest.mark.parametrize(
    "body",
    [
        pytest.param([listing()], id="a batch"),
        pytest.param([], id="an empty batch"),
        pytest.param({"jsonrpc": "2.0", "id": 7, "result": {}}, id="a posted answer"),
        pytest.param({"jsonrpc": "2.0", "id": 7, "error": {"code": 1, "message": "x"}}, id="a posted error"),
        pytest.param(listing(None), id="a null id"),
        pytest.param(listing(True), id="a boolean id"),
    ],
)
def test_what_is_no_single_request_is_refused(body: Any) -> None:
    assert Front().post(body, LISTED).refusal == (400, -32600)


@pytest.mark.requirement("MCP-09")
@pytest.mark.parametrize("body", [b"", b"{", b'{"a":NaN}', b"\xff"])
def test_what_is_no_json_is_told_so(body: bytes) -> None:
    assert Front().post(body, LISTED).refusal == (400, -32700)


@pytest.mark.requirement("MCP-10")
@pytest.mark.parametrize(
    "method", ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe", "tools/fly"]
)
def test_a_method_of_another_era_or_of_none_is_not_found(method: str) -> None:
    said = Front().post({**listing(), "method": method}, {**LISTED, "mcp-method": method})
    assert (said.refusal, said.messages[0]["id"]) == ((404, -32601), 7)


@pytest.mark.requirement("MCP-11")
@pytest.mark.parametrize("verb", ["GET", "DELETE"])
def test_a_modern_client_has_no_get_and_no_delete(verb: str) -> None:
    front = Front()
    session = front.post(opening("2025-11-25")).headers["mcp-session-id"]
    held = {"mcp-session-id": session}
    assert front.post(b"", {**held, "mcp-protocol-version": MODERN}, verb).status == 405
    assert front.post({**listing(), "params": {}}, held).status == 200, "the session lives on"


@pytest.mark.requirement("MCP-11")
def test_without_a_modern_header_delete_ends_a_session_and_get_wants_one() -> None:
    front = Front()
    held = {"mcp-session-id": front.post(opening("2025-11-25")).headers["mcp-session-id"]}
    assert front.post(b"", {}, "GET").status == 405
    assert front.post(b"", held, "DELETE").status == 204
    assert front.post(b"", held, "GET").status == 404


@pytest.mark.requirement("MCP-12")
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1.evil.example:8080"}, 403),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example:8080"}, 421),
    ],
)
def test_a_foreign_page_or_name_is_refused_before_anything_else(headers: dict[str, str], expected: int) -> None:
    front = Front()
    assert front.post(b"not json", {**headers, "authorization": "Bearer none"}).status == expected
    assert (front.read, front.stage.log) == (0, []), "neither the body nor the credential was looked at"


@pytest.mark.requirement("MCP-13")
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"accept": "text/html"}, 406),
        ({"accept": "image/png, text/plain"}, 406),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/jsonp"}, 415),
        ({"content-length": str(2**40)}, 413),
        ({"x-padding": "x" * 70_000}, 431),
    ],
)
def test_what_cannot_be_read_or_answered_is_refused_before_it_is_parsed(headers: dict[str, str], expected: int) -> None:
    front = Front()
    assert front.post(b"not json", {**LISTED, **headers}).status == expected
    assert front.read == 0


@pytest.mark.requirement("MCP-13")
def test_a_body_that_turns_out_too_long_is_refused_before_it_is_parsed() -> None:
    front = Front()
    assert front.post(b"[" * (front.stage.snapshot.bounds.body + 1), LISTED).refusal[0] == 413


@pytest.mark.requirement("MCP-14")
def test_a_session_header_means_nothing_to_a_modern_request_and_never_comes_back() -> None:
    front = Front()
    for session in (front.post(opening("2025-11-25")).headers["mcp-session-id"], "forged"):
        said = front.post(calling(), {**READING, "mcp-session-id": session})
        assert said.status == 200
        assert "mcp-session-id" not in said.headers
    assert [order.call.client.session for order in front.stage.sent] == [None, None]


WORKING: dict[str, list[tuple[str, Json]]] = {
    "tools": [("tools/list", {}), ("tools/call", {"name": "files__read", "arguments": {"path": "/a"}})],
    "prompts": [("prompts/list", {}), ("prompts/get", {"name": "files__greet"})],
    "resources": [("resources/list", {}), ("resources/templates/list", {}), ("resources/read", {"uri": "note://1"})],
    "completions": [
        (
            "completion/complete",
            {"ref": {"type": "ref/prompt", "name": "files__greet"}, "argument": {"name": "x", "value": ""}},
        )
    ],
}


@pytest.mark.requirement("MCP-15")
@pytest.mark.parametrize("extra", [{}, {"completions": {}}])
def test_what_is_announced_works(extra: Json) -> None:
    stage = Stage()
    capable = Catalogue(
        "files",
        "",
        FILES.tools,
        FILES.prompts,
        FILES.resources,
        capabilities={**FILES.capabilities, **extra, "odd": {}},
    )
    stage.snapshot = compiled(parse(CONFIG, "t.yaml"), {("files", ""): capable, ("crm", ""): CRM}, 7, "d").snapshot
    front = Front(stage)
    announced = front.post({**listing(), "method": "server/discover"}, {**LISTED, "mcp-method": "server/discover"})
    names = announced.result["capabilities"].keys() - {"extensions"}
    assert names == {"tools", "prompts", "resources", *extra}
    for method, params in (each for name in names for each in WORKING[name]):
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {**params, "_meta": ENVELOPE}}
        name = params.get("name") or params.get("uri")
        headers = {"mcp-protocol-version": MODERN, "mcp-method": method} | ({"mcp-name": str(name)} if name else {})
        said = front.post(body, headers)
        assert "result" in said.messages[0], (method, said.messages)

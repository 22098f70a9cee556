"""Without a credential not one byte of a body is asked for, waited for or read."""

from __future__ import annotations

import asyncio

import pytest

from tests.security import raw, speech
from tests.security.conftest import House
from tests.security.fuzzing import complaints

pytestmark = pytest.mark.e2e

PATHS = ("/mcp", "/servers/echo/mcp", "/views/chosen/mcp", "/metrics", "/nowhere")
FRAMINGS = ("Content-Length: 4000000", "Content-Length: 99999999999", "Transfer-Encoding: chunked")
CREDENTIALS = ("", "Authorization: Bearer ost_unknown\r\n", "Authorization: Basic eDp5\r\n", "Cookie: session=1\r\n")


def head(house: House, path: str, credential: str, rest: str) -> bytes:
    lines = f"Host: {house.host}\r\n{credential}Content-Type: application/json\r\n{rest}\r\n\r\n"
    return f"POST {path} HTTP/1.1\r\n{lines}".encode()


async def answered(house: House, data: bytes) -> tuple[raw.Said, bytes]:
    """Return the answer, and every byte that came with it."""
    wire = await raw.connect(house.port)
    try:
        wire.put(data)
        async with asyncio.timeout(10):
            await wire.until(b"\r\n\r\n")
            first = wire.data
            return await wire.take(), first
    finally:
        wire.close()


@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("path", PATHS)
async def test_a_head_alone_is_answered_401_before_any_body_is_sent(
    house: House, path: str, framing: str, credential: str
) -> None:
    said, _ = await answered(house, head(house, path, credential, framing))
    assert said.status == 401


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_is_told_to_go_on_who_did_not_say_who_they_are(house: House, path: str) -> None:
    said, first = await answered(house, head(house, path, "", "Content-Length: 100\r\nExpect: 100-continue"))
    assert first.startswith(b"HTTP/1.1 401 ")
    assert said.header("www-authenticate").startswith("Bearer")


async def test_a_caller_is_told_to_go_on(house: House) -> None:
    """The control of the test before: with a credential, the body is asked for."""
    body = speech.packed(speech.message(1, "tools/list", speech.enveloped({})))
    fields = speech.modern_fields(house.token, "tools/list", {})
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    begun = f"POST /mcp HTTP/1.1\r\nHost: {house.host}\r\n{lines}Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    wire = await raw.connect(house.port)
    try:
        wire.put(begun.encode())
        async with asyncio.timeout(10):
            await wire.until(b"HTTP/1.1 100 Continue\r\n\r\n")
            wire.put(body)
            assert (await wire.take()).status == 200
    finally:
        wire.close()


async def test_a_body_that_nobody_asked_for_is_no_second_request(house: House) -> None:
    """The body of a refused request is a request with a credential: it must not be carried out as one."""
    inner = speech.modern(
        "/mcp", house.host, house.token, "tools/call", speech.call("echo__echo", {"secret": "smuggled"})
    )
    data = head(house, "/mcp", "", f"Content-Length: {len(inner)}") + inner
    wire = await raw.connect(house.port)
    try:
        wire.put(data)
        async with asyncio.timeout(10):
            assert (await wire.take()).status == 401
            wire.put(f"GET /health/live HTTP/1.1\r\nHost: {house.host}\r\nConnection: close\r\n\r\n".encode())
            rest = await wire.closed()
    finally:
        wire.close()
    assert rest.count(b"HTTP/1.1 ") <= 1
    assert b"smuggled" not in house.received()


async def test_a_body_that_breaks_after_it_was_announced_breaks_nothing_else(house: House) -> None:
    """Ours: asked for such a body, the gateway once wrote `100 Continue` after its last word, and logged a crash."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in speech.modern_fields(house.token, "tools/list", {}))
    framing = "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    said, _ = await answered(house, f"POST /mcp HTTP/1.1\r\nHost: {house.host}\r\n{fields}{framing}".encode())
    assert said.status == 400
    assert complaints(house.rig.gateway.log.read_text()) == []

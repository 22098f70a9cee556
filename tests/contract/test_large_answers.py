"""An answer that is too large, too deep or too full is refused at once and in words, whichever way it came."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ostiary.adapters.upstream.arriving import claimed
from ostiary.adapters.upstream.process import Child
from ostiary.adapters.upstream.program import Program, environment
from ostiary.adapters.upstream.wire import HTTPWire, deaf
from ostiary.core.errors import Garbled
from ostiary.core.model import Json
from ostiary.protocol.jsonrpc import DEEPEST, FULLEST, request
from tests.contract.hop.stage import Peer, chunked, pooled, serving, stream, whole
from tests.contract.sse_double import PATIENCE
from tests.contract.sse_rig import Person, order, served, soon

DEEP = "[" * DEEPEST + "]" * DEEPEST
DEEPER = "[" * 50_000 + "]" * 50_000
FULL = "[" + "[]," * (FULLEST // 2) + "[]]"
LARGE = '"' + "x" * 9_000 + '"'


def answer(ident: int, result: str) -> str:
    return f'{{"jsonrpc":"2.0","id":{ident},"result":{{"x":{result}}}}}'


# Streamable HTTP


async def over_http(say: Callable[[bytes], bytes], result: str, body: int) -> Any:
    async def script(peer: Peer) -> None:
        ident = json.loads(await peer.request())["id"]
        await peer.say(say(answer(ident, result).encode()))
        await peer.hung_up()

    async with serving(script) as server, pooled(server, connections=1, body=body, event=body) as pool:
        wire = HTTPWire(pool, b"/mcp", b"")
        return await wire.request(request(wire.mint(), "tools/call", {}), b"", soon(), deaf)


def streamed(body: bytes) -> bytes:
    return stream(b"data: " + body + b"\n\n")


@pytest.mark.parametrize("say", [whole, chunked, streamed])
@pytest.mark.parametrize(
    ("result", "body", "words"),
    [
        (DEEP, 1 << 25, f"nested deeper than {DEEPEST} levels"), (DEEPER, 1 << 25, "nested too deeply"),
        (FULL, 1 << 25, f"more than {FULLEST} values"), (LARGE, 8_192, "of more than 8192 bytes"),
    ],
)  # fmt: skip
async def test_over_http(say: Callable[[bytes], bytes], result: str, body: int, words: str) -> None:
    with pytest.raises(Garbled) as caught:
        await over_http(say, result, body)
    assert words in caught.value.hint


# The transport of 2024-11-05


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (DEEP, f"nested deeper than {DEEPEST} levels"),
        (DEEPER, "nested too deeply"),
        (FULL, f"more than {FULLEST} values"),
    ],
)
async def test_on_an_event_stream_and_the_others_go_on(result: str, words: str) -> None:
    async with served() as (old, hub):
        held = asyncio.create_task(hub.send(order("hold"), Person()))
        await old.until(lambda: old.heard("tools/call"))
        other = asyncio.create_task(hub.send(order("hold"), Person()))
        await old.until(lambda: len(old.heard("tools/call")) == 2)
        idents = [each["id"] for each in old.heard("tools/call")]
        old.write(f"data: {answer(idents[0], result)}\r\n\r\n")
        with pytest.raises(Garbled) as caught:
            async with asyncio.timeout(PATIENCE):
                await held
        assert words in caught.value.hint
        old.write(f"data: {answer(idents[1], '1')}\r\n\r\n")
        assert (await other)["result"] == {"x": 1}
    assert old.opened == 1


async def test_an_event_over_the_limit() -> None:
    async with served(answer=8_192) as (old, hub):
        held = asyncio.create_task(hub.send(order("hold"), Person()))
        await old.until(lambda: old.heard("tools/call"))
        old.write(f"data: {answer(old.heard('tools/call')[0]['id'], LARGE)}\r\n\r\n")
        with pytest.raises(Garbled) as caught:
            await held
        assert "of more than 8192 bytes" in caught.value.hint


# Processes

ECHOES = """
import sys, json
kinds = {"deep": "[" * 128 + "]" * 128, "deeper": "[" * 50_000 + "]" * 50_000,
         "full": "[" + "[]," * 500_000 + "[]]", "large": '"' + "x" * 3_000_000 + '"', "small": "1"}
for line in sys.stdin:
    asked = json.loads(line)
    if asked["method"] != "hold":
        print('{"jsonrpc":"2.0","id":%d,"result":{"x":%s}}' % (asked["id"], kinds[asked["method"]]), flush=True)
"""


async def asked(child: Child, method: str) -> Json:
    arriving = await child.open(request(child.mint(), method, {}), soon())
    return await arriving.next()


@pytest.mark.parametrize(
    ("kind", "words", "lives"),
    [
        ("deep", f"nested deeper than {DEEPEST} levels", True), ("deeper", "nested too deeply", True),
        ("full", f"more than {FULLEST} values", True), ("large", "of more than 2000000 bytes", False),
    ],
)  # fmt: skip
async def test_on_a_pipe(kind: str, words: str, lives: bool) -> None:
    program = Program("big", (sys.executable, "-c", ECHOES), max_line=2_000_000)
    child = Child(program, environment(os.environ, program), lambda *_: None, clock=soon)
    child.start()
    try:
        waiting = asyncio.create_task(asked(child, "hold"))
        with pytest.raises(Garbled) as caught:
            await asked(child, kind)
        assert words in caught.value.hint
        assert child.alive is lives
        if lives:
            assert (await asked(child, "small"))["result"] == {"x": 1}
        waiting.cancel()
    finally:
        await child.stop(0.2)


# Whose it is


@pytest.mark.parametrize(
    ("data", "mine"),
    [
        (b'{"id":7,"result":[]}', True), (b'{"result":[],"id":7}', True), (b'{"id":8,"result":[]}', False),
        (b'{"id":7,"method":"x","params":[]}', False), (b'{"id":true,"result":1}', False), (b'{"id":"7","result":1}', False),
        (b'{"id": 7, "result":' + b"[" * 9_000, True), (b'{"result":' + b"[" * 9_000 + b"]" * 9_000 + b',"id": 7}', True),
        (b"[" * 9_000, False), (b'{"x":' + b"[" * 9_000 + b'"id":7,' + b"[" * 9_000, False), (b"{}", False), (b"\xff", False),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_read_is_known_by_its_id(data: bytes, mine: bool) -> None:
    waiting: dict[int, Any] = {7: "the one"}
    assert claimed(data, waiting) is waiting.get(7 if mine else 0)

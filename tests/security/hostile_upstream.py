"""An MCP server that answers calls with whatever a seed makes of an answer: broken JSON, HTTP, events and promises.

Everything but calls is answered rightly, so that the gateway comes to trust it. It writes its port to standard output.

    python -m tests.security.hostile_upstream
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Callable
from typing import Any, Final

import uvloop

from tests.security.echo_upstream import Connection, Seen, chunk, packed, token_of

Json = dict[str, Any]
Dice = random.Random

PAGE: Final = (
    b"<html><body><h1>500</h1><pre>Traceback (most recent call last):\n"
    b'  File "/srv/app/secret.py", line 7, in call\nRuntimeError: password=hunter2</pre></body></html>'
)
NOT_YOURS: Final = "not yours"
"""What an answer to another request says."""
OK: Final = b"HTTP/1.1 200 OK\r\n"
JSON: Final = b"Content-Type: application/json\r\n"
EVENTS: Final = b"Content-Type: text/event-stream\r\n"
ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**40,
    "",
    "x" * 2000,
    [],
    {},
    [[]],
    {"": None},
    "\ud800",
    "\x00",
)


def good(message: Json, text: str = "right") -> Json:
    """Return the answer that would be right."""
    content = [{"type": "text", "text": text}]
    return {"jsonrpc": "2.0", "id": message["id"], "result": {"content": content, "resultType": "complete"}}


def whole(body: bytes, status: bytes = OK, kind: bytes = JSON, length: bytes | None = None) -> bytes:
    """Return an answer with a length, which may be a lie."""
    said = str(len(body)).encode() if length is None else length
    return status + kind + b"Content-Length: " + said + b"\r\n\r\n" + body


def streamed(events: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """Return an event stream."""
    return OK + EVENTS + b"Transfer-Encoding: chunked\r\n\r\n" + (chunk(events) if events else b"") + end


def loose(value: Any) -> bytes:
    """Return JSON that may hold what UTF-8 cannot."""
    return json.dumps(value).encode()


def odd_shape(dice: Dice, message: Json) -> bytes:
    """JSON of the wrong shape."""
    answer = good(message)
    place: Any = dice.choice((answer, answer, answer["result"], answer["result"]["content"][0]))
    key = dice.choice([*place, "error", "method", "result", "isError", "structuredContent", "_meta"])
    place[key] = dice.choice(ODD)
    if dice.random() < 0.3:
        del place[dice.choice([*place])]
    return whole(loose(answer))


def odd_error(dice: Dice, message: Json) -> bytes:
    """An error that is none, with any status."""
    error = dice.choice(
        (*ODD, {"code": "x"}, {"code": 1, "message": None}, {"code": -32002, "message": "m", "data": ODD[8]})
    )
    status = dice.choice((b"200 OK", b"400 Bad Request", b"401 Unauthorized", b"404 Not Found", b"500 Oops"))
    return whole(loose({"jsonrpc": "2.0", "id": message["id"], "error": error}), b"HTTP/1.1 " + status + b"\r\n")


def odd_id(dice: Dice, message: Json) -> bytes:
    """An answer to somebody else's request."""
    answer = {**good(message, NOT_YOURS), "id": dice.choice((*ODD, message["id"] + 1, str(message["id"])))}
    return whole(loose(answer)) if dice.random() < 0.5 else streamed(b"data: " + loose(answer) + b"\n\n")


def flipped(dice: Dice, message: Json) -> bytes:
    """Bytes changed, in the body or anywhere."""
    body = bytearray(packed(good(message)))
    data = bytearray(whole(bytes(body)))
    target = body if dice.random() < 0.6 else data
    for _ in range(dice.randrange(1, 5)):
        target[dice.randrange(len(target))] = dice.randrange(256)
    return whole(bytes(body)) if target is body else bytes(data)


def no_json(dice: Dice, message: Json) -> bytes:
    """A body that is no JSON, or none that one may read."""
    bodies = (
        b"",
        b" ",
        PAGE,
        b"[]",
        b"null",
        b"[" * 5000,
        b'{"a":' * 3000,
        b"\xff\xfe",
        b"NaN",
        b"\x1f\x8b" + b"z" * 50,
        packed([good(message)]),
    )
    body = dice.choice(bodies)
    return whole(
        body, kind=dice.choice((JSON, b"Content-Type: text/html\r\n", b"", b"Content-Encoding: gzip\r\n" + JSON))
    )


def status(dice: Dice, message: Json) -> bytes:
    """A status that says something else, with a page, a challenge or a way elsewhere."""
    lines = (
        b'401 Unauthorized\r\nWWW-Authenticate: Bearer resource_metadata="http://evil.example/"', b"403 Forbidden",
        b"302 Found\r\nLocation: http://169.254.169.254/latest", b"307 Temporary Redirect\r\nLocation: /elsewhere",
        b"404 Not Found", b"429 Too Many Requests\r\nRetry-After: 9999999", b"500 Internal Server Error", b"502 Bad Gateway",
        b"503 Service Unavailable\r\nRetry-After: x", b"204 No Content", b"202 Accepted", b"206 Partial Content", b"999 Odd",
        b"101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade", b"200 OK\r\nSet-Cookie: a=b\r\nMcp-Session-Id: \x01",
    )  # fmt: skip
    body = dice.choice((PAGE, packed(good(message)), b""))
    return whole(body, b"HTTP/1.1 " + dice.choice(lines) + b"\r\n", dice.choice((JSON, b"Content-Type: text/html\r\n")))


def odd_framing(dice: Dice, message: Json) -> bytes:
    """HTTP that readers read differently."""
    body = packed(good(message))
    n = str(len(body)).encode()
    chunked = OK + JSON + b"Transfer-Encoding: chunked\r\n"
    return dice.choice(
        (
            whole(body, length=b"-1"), whole(body, length=b"999999"), whole(body, length=b"3"), whole(body, length=b"9" * 40),
            OK + JSON + b"Content-Length: " + n + b"\r\nContent-Length: 1\r\n\r\n" + body,
            OK + JSON + b"Content-Length: " + n + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + body,
            chunked + b"\r\nzz\r\n" + body, chunked + b"\r\nffffffffffffffff\r\n" + body, chunked + b"\r\n5\r\n" + body,
            chunked + b"\r\n-5\r\n", chunked + b"\r\n" + chunk(body), chunked + b"\r\n0\r\nX: y\r\n\r\n", b"HTTP/0.9 200\r\n\r\n" + body,
            b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 5000 + b"\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n" * 500 + whole(body), b"ICY 200 OK\r\n\r\n", b"\x16\x03\x01\x02\x00", b"", b"\r\n\r\n",
            OK + JSON + b"\r\n" + body, whole(body) + whole(body), whole(body, b"HTTP/1.1 two OK\r\n"), OK + b" folded: x\r\n" + JSON,
            whole(body, kind=JSON + b"X-Nul: a\x00b\r\n"), whole(body, b"HTTP/2 200\r\n"), OK[: dice.randrange(len(OK))],
        )
    )  # fmt: skip


def odd_events(dice: Dice, message: Json) -> bytes:
    """Events that are none, too many, somebody else's, or cut."""
    answer = b"data: " + packed(good(message)) + b"\n\n"
    progress = {"progressToken": token_of(message), "progress": 1}
    parts = [
        b"data: " + loose({"jsonrpc": "2.0", "method": "notifications/progress", "params": {**progress, "progressToken": dice.choice(ODD)}}) + b"\n\n",
        b"data: " + loose({"jsonrpc": "2.0", "method": "notifications/progress", "params": dice.choice(ODD)}) + b"\n\n",
        b"data: " + loose({"jsonrpc": "2.0", "method": dice.choice(ODD), "params": {}}) + b"\n\n",
        b"data: " + loose({"jsonrpc": "2.0", "id": dice.choice(ODD), "method": "sampling/createMessage", "params": {}}) + b"\n\n",
        b"data: " + loose({"jsonrpc": "2.0", "id": 7, "method": "elicitation/create", "params": dice.choice(ODD)}) + b"\n\n",
        b"data: {\n\n", b"data: []\n\n", b"data: null\n\n", b":" + b"c" * 5000 + b"\n\n", b"\n\n\n\n", b"event: \x00\ndata\n\n",
        b"id: a\x00b\n\n", b"id: " + b"i" * 3000 + b"\n\n", b"id: x\r\nX-Injected: y\n\n", b"id: 9\nretry: 99999999\ndata:\n\n", b"retry: -1\n\n",
        b"\xef\xbb\xbfdata: {}\r\r", b"data: " + b"[" * 4000 + b"\n\n", b"data: \xff\xfe\n\n", b"data: 1\rdata: 2\n\n", b": \n\n" * 3000,
        b"event: message\n" + b"data: 1\n" * 2000 + b"\n", b"data: " + loose({**good(message), "id": 10**9}) + b"\n\n",
    ]  # fmt: skip
    chosen = [dice.choice(parts) for _ in range(dice.randrange(1, 4))]
    events = b"".join(chosen) + (answer if dice.random() < 0.5 else b"")
    if dice.random() < 0.2:
        events = events.replace(b"\n", dice.choice((b"\r", b"\r\n")))
    return streamed(
        events[: dice.randrange(1, len(events) + 1)] if dice.random() < 0.2 else events,
        dice.choice((b"0\r\n\r\n", b"0\r\n\r\n", b"")),
    )


def silence(_dice: Dice, _message: Json) -> bytes:
    """Nothing at all, and the connection stays open: the gateway's deadline has to end it."""
    return b"(silence)"


def early(dice: Dice, message: Json) -> bytes:
    """Any answer, cut anywhere."""
    data = dice.choice((whole(packed(good(message))), streamed(b"id: 1\ndata: " + packed(good(message)) + b"\n\n")))
    return data[: dice.randrange(len(data))]


WAYS: Final[tuple[Callable[[Dice, Json], bytes], ...]] = (
    odd_shape, odd_shape, odd_error, odd_id, flipped, flipped, no_json, status, odd_framing, odd_events, odd_events, early,
)  # fmt: skip
SILENT: Final = 0.004


class Hostile(Connection):
    """A connection whose calls are answered by the dice."""

    def request(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"get /mcp") and b"last-event-id" in head:
            # Asked for the rest of a stream: more of the same, as the id's own dice fall.
            self.answer(odd_events(Dice(head), {"id": 1, "params": {}}))
            return
        super().request(head, body)

    def call(self, message: Json) -> None:
        dice = Dice(message["params"]["arguments"]["secret"])
        way = silence if dice.random() < SILENT else dice.choice(WAYS)
        self.answer(way(dice, message))

    def answer(self, data: bytes) -> None:
        if data == b"(silence)":
            return
        self.transport.write(data)
        # Some lies are only told by an end, so every such answer has one.
        self.transport.close()


async def main() -> None:
    seen = Seen(None)
    server = await asyncio.get_running_loop().create_server(lambda: Hostile(seen), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    uvloop.run(main())

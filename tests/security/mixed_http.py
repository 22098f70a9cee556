"""The server of the mixed run over HTTP, in one of three ways; it goes away and forgets everything now and then.

    python -m tests.security.mixed_http {modern|handshake|sse} NAME HICCUP_SECONDS

It writes its port to standard output and ends with its standard input. `GET /state` says what it holds open, and
after `GET /calm` it goes away no more; after `GET /rest`, too, but once where sessions are connections.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from typing import Any, Final, cast

import uvloop

from tests.security.echo_upstream import STREAM_HEAD, chunk, event, packed
from tests.security.mixed_play import SUBSCRIPTION, Calls, Dropped, Json, Voice, aged, notification, result_of

UPDATE_SECONDS: Final = 1.0
LISTS_EVERY: Final = 10
"""Updates until it says that its lists have changed, too."""
ACCEPTED: Final = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
GONE: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
WRONG: Final = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n"


class Session:
    """One session of the handshake era; the modern one has none, and then it is a connection's."""

    def __init__(self, counts: Counter[str]) -> None:
        self.calls, self.uris = Calls(counts), set[str]()
        self.stream: Connection | None = None


class House:
    """Everything that one server holds open."""

    def __init__(self, way: str, name: str) -> None:
        self.way, self.name, self.counts = way, name, Counter[str]()
        self.sessions: dict[str, Session] = {}
        self.connections: set[Connection] = set()
        self.listening: dict[Connection, tuple[Any, list[str]]] = {}
        self.calm, self._ticks = False, 0

    def state(self) -> Json:
        """Return what is open, for those who look for leaks."""
        held = [*self.sessions.values(), *(connection.own for connection in self.connections)]
        return {
            "sessions": len(self.sessions),
            "streams": len(self.listening) + sum(session.stream is not None for session in self.sessions.values()),
            "running": sum(len(session.calls.tasks) for session in held),
            "waiting": sum(len(session.calls.waiting) for session in held),
            "connections": len(self.connections),
            **self.counts,
        }

    def begun(self) -> str:
        """Open a session, and return its name."""
        self.counts["opened"] += 1
        name = f"{self.name}-{self.counts['opened']}"
        self.sessions[name] = Session(self.counts)
        return name

    def ended(self, name: str) -> bool:
        """End a session; False: there is none."""
        session = self.sessions.pop(name, None)
        if session is None:
            return False
        session.calls.end()
        if session.stream is not None:
            session.stream.transport.close()
        return True

    def announce(self) -> None:
        """Say that something changed, to everyone who listens."""
        self._ticks += 1
        lists = self._ticks % LISTS_EVERY == 0
        updated, listed = "notifications/resources/updated", "notifications/tools/list_changed"
        for session in self.sessions.values():
            if session.stream is not None:
                for uri in session.uris:
                    session.stream.event(notification(updated, {"uri": uri}))
                if lists:
                    session.stream.event(notification(listed, {}))
        for connection, (ident, uris) in self.listening.items():
            mark = {"_meta": {SUBSCRIPTION: ident}}
            for uri in uris:
                connection.event(notification(updated, {"uri": uri, **mark}))
            if lists:
                connection.event(notification(listed, mark))

    def hiccup(self) -> None:
        """Go away as a server that is restarted: every connection breaks, and no session is known any more."""
        self.counts["hiccups"] += 1
        for name in list(self.sessions):
            self.ended(name)
        for connection in list(self.connections):
            connection.transport.abort()


class Out:
    """How the messages of one call leave: on the response to its request, or on the one stream of its session."""

    def __init__(self, connection: Connection, message: Json, *, shared: bool) -> None:
        self._connection, self._ident = connection, message["id"]
        self._open = self._shared = shared

    def say(self, message: Json) -> None:
        """Send something before the answer."""
        if not self._open:
            self._open = True
            self._connection.write(STREAM_HEAD + b"\r\n")
        self._connection.event(message)

    def end(self, result: Json) -> None:
        """Send the answer."""
        answer = {"jsonrpc": "2.0", "id": self._ident, "result": result}
        self._connection.house.counts["answered to nobody"] += self._connection.transport.is_closing()
        if not self._open:
            self._connection.whole(answer)
            return
        self._connection.event(answer)
        if not self._shared:
            self._connection.write(b"0\r\n\r\n")

    def drop(self) -> None:
        """Go away without an answer."""
        self._connection.transport.close()


class Connection(asyncio.Protocol):
    """One connection; requests come one after the other, as the gateway sends them."""

    def __init__(self, house: House) -> None:
        self.house, self.data, self.own = house, b"", Session(house.counts)
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.house.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.house.connections.discard(self)
        self.house.listening.pop(self, None)
        # A modern call ends with its connection, and so does a session of 2024-11-05; a session of 2025-11-25 does not.
        self.own.calls.end()
        for name, session in list(self.house.sessions.items()):
            if session.stream is self:
                session.stream = None
                if self.house.way == "sse":
                    self.house.ended(name)

    def write(self, data: bytes) -> None:
        """Send bytes, if anybody is there."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def event(self, message: Json) -> None:
        """Send a message on the stream that is open."""
        self.write(event(message))

    def whole(self, answer: Json, extra: bytes = b"", status: bytes = b"200 OK") -> None:
        """Send a complete answer."""
        body = packed(answer)
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n"
        self.write(head % (status, extra, len(body)) + body)

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].decode("latin-1")
            length = int(field(head, "content-length") or 0)
            if len(self.data) < end + 4 + length:
                return
            body, self.data = self.data[end + 4 : end + 4 + length], self.data[end + 4 + length :]
            self.request(head, body)

    def request(self, head: str, body: bytes) -> None:
        """Do what one request wants."""
        verb, path = head.split(" ", 2)[:2]
        if path in {"/state", "/calm", "/rest"}:
            self.house.calm |= path != "/state"
            self.whole(self.house.state())
            if path == "/rest" and self.house.way == "sse":
                asyncio.get_running_loop().call_later(0.1, self.house.hiccup)
        elif self.house.way == "modern":
            self.modern(json.loads(body)) if verb == "POST" else self.write(WRONG)
        elif self.house.way == "sse":
            self.piped(verb, path, body)
        else:
            self.handshake(verb, field(head, "mcp-session-id"), body)

    # 2026-07-28

    def modern(self, message: Json) -> None:
        method, params = message.get("method"), message.get("params") or {}
        if "id" not in message:
            self.write(ACCEPTED)
        elif method == "initialize":
            error = {"code": -32022, "message": "Unsupported protocol version", "data": {"supported": ["2026-07-28"]}}
            self.whole({"jsonrpc": "2.0", "id": message["id"], "error": error}, status=b"400 Bad Request")
        elif method == "subscriptions/listen":
            wanted = params["notifications"]
            self.house.listening[self] = (message["id"], wanted.get("resourceSubscriptions", []))
            said = {"notifications": wanted, "_meta": {SUBSCRIPTION: message["id"]}}
            self.write(STREAM_HEAD + b"\r\n")
            self.event(notification("notifications/subscriptions/acknowledged", said))
        elif method == "tools/call":
            self.own.calls.begin(message["id"], self.call(message, self.own, Out(self, message, shared=False)))
        else:
            self.whole({"jsonrpc": "2.0", "id": message["id"], "result": result_of(self.house.name, message)})

    async def call(self, message: Json, session: Session, out: Out) -> None:
        """Carry one call out."""
        voice = Voice(out.say, session.calls.waiting, message["params"])
        try:
            out.end(await (voice.turned() if self.house.way == "modern" else voice.played()))
        except Dropped:
            out.drop()

    # 2025-11-25

    def handshake(self, verb: str, name: str, body: bytes) -> None:
        session = self.house.sessions.get(name)
        message = json.loads(body) if body else {}
        if message.get("method") == "initialize":
            extra = f"Mcp-Session-Id: {self.house.begun()}\r\n".encode()
            self.whole({"jsonrpc": "2.0", "id": message["id"], "result": self.aged(message)}, extra)
        elif session is None:
            self.write(GONE)
        elif verb == "GET":
            session.stream = self
            self.write(STREAM_HEAD + b"\r\n")
        elif verb == "DELETE":
            self.house.counts["deleted"] += self.house.ended(name)
            self.write(OK)
        else:
            self.posted(message, session, Out(self, message, shared=False) if "id" in message else None)

    def posted(self, message: Json, session: Session, out: Out | None) -> None:
        """Take one message within a session."""
        method = message.get("method")
        if out is None or method is None:
            session.calls.told(message)
            self.write(ACCEPTED)
            return
        if method in {"resources/subscribe", "resources/unsubscribe"}:
            change = session.uris.add if method == "resources/subscribe" else session.uris.discard
            change(message["params"]["uri"])
        if method == "tools/call":
            session.calls.begin(message["id"], self.call(message, session, out))
        else:
            out.end(self.aged(message))

    def aged(self, message: Json) -> Json:
        return aged(result_of(self.house.name, message))

    # 2024-11-05

    def piped(self, verb: str, path: str, body: bytes) -> None:
        if verb == "GET":
            name = self.house.begun()
            self.house.sessions[name].stream = self
            self.write(
                STREAM_HEAD + b"\r\n" + chunk(b"event: endpoint\ndata: /messages?session=%b\n\n" % name.encode())
            )
            return
        session = self.house.sessions.get(path.partition("session=")[2])
        if session is None or session.stream is None:
            self.write(GONE)
            return
        message = json.loads(body)
        self.write(ACCEPTED)
        if "id" in message and "method" in message:
            session.stream.posted(message, session, Out(session.stream, message, shared=True))
        else:
            session.calls.told(message)


def field(head: str, name: str) -> str:
    """Return a header's value, or nothing."""
    for line in head.split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return ""


async def main(way: str, name: str, hiccup: float) -> None:
    loop, house = asyncio.get_running_loop(), House(way, name)
    server = await loop.create_server(lambda: Connection(house), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)

    def often() -> None:
        house.announce()
        loop.call_later(UPDATE_SECONDS, often)

    def seldom() -> None:
        if not house.calm:
            house.hiccup()
        loop.call_later(hiccup, seldom)

    often()
    loop.call_later(hiccup, seldom)
    # Whoever started us holds our standard input; its end is ours.
    await loop.run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))

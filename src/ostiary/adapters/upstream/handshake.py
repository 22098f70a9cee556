"""The handshake era towards upstreams (2024-11-05 to 2025-11-25): one session with one server, in one file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from ostiary.adapters.upstream.channel import Channel
from ostiary.adapters.upstream.modern import INFO, passed_on
from ostiary.adapters.upstream.tasks import Unnamed, driven
from ostiary.adapters.upstream.wire import PAUSED, Heard, HTTPWire, SessionGone, Wire, deaf, parsed
from ostiary.core.errors import Garbled, GatewayError, NoHandshake, NotFound, TimedOut, UpstreamRefused
from ostiary.core.model import HANDSHAKES, Caller, Json, Kind, Order
from ostiary.core.ports import Back
from ostiary.protocol import modern, tasks, tracing
from ostiary.protocol.capabilities import declared
from ostiary.protocol.jsonrpc import is_id, mapping, notification, request
from ostiary.protocol.methods import INTERLUDE, LEVELS

Changed = Callable[[str], None]
"""Takes what changed: `tools`, `prompts` or `resources`."""

_LISTS: Final[Mapping[str, str]] = {
    "notifications/tools/list_changed": "tools",
    "notifications/prompts/list_changed": "prompts",
    "notifications/resources/list_changed": "resources",
}
_METHOD_UNKNOWN: Final = -32601
_CROWD: Final = 64
_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 10.0
_SERVER_MEMBERS: Final = frozenset({modern.VERSION, modern.CAPABILITIES, modern.INFO, modern.LEVEL, "progressToken"})


class Link:
    """One session with one server, for one principal (or all, where the server is shared) and one offer."""

    def __init__(self, wire: Wire, offer: str, changed: Changed) -> None:
        """Tell `changed` which lists the server says have changed."""
        self._wire, self._offer, self._changed = wire, offer, changed
        self.updated: Callable[[str], None] | None = None
        """Takes the URI of each resource that the server says has changed."""
        self._fields = b""
        self._calls: dict[int, tuple[Order, Back]] = {}
        self._caller: tuple[str, str] | None = None
        self._mixed = False
        """Whether more than one principal has called over this session."""
        self._answering: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[None] | None = None
        self.capabilities: Json = {}
        self.info: Json = {}
        self.version = ""
        self.instructions = ""
        self._level = ""
        self.used = 0.0
        self.broken = False

    @property
    def busy(self) -> bool:
        """Say whether calls are in flight, or a stream is kept open for subscriptions."""
        return bool(self._calls) or self.streaming

    @property
    def crowded(self) -> bool:
        """Say whether more of what the server says waits to be handled than any honest server has to say."""
        return len(self._answering) >= _CROWD

    async def open(self, deadline: float, level: str = "") -> None:
        """Shake hands."""
        params = {"protocolVersion": HANDSHAKES[-1], "capabilities": declared(self._offer), "clientInfo": INFO}
        try:
            heard = await self._wire.request(request(self._wire.mint(), "initialize", params), b"", deadline, deaf)
        except UpstreamRefused as error:
            raise NoHandshake(error.detail) from None
        result = heard.message.get("result")
        if not isinstance(result, dict):
            raise NoHandshake(f"initialize was refused: {str(heard.message.get('error'))[:200]}")
        if result.get("protocolVersion") not in HANDSHAKES:
            raise Garbled(f"initialize was answered with version {str(result.get('protocolVersion'))[:40]!r}")
        self.version = result["protocolVersion"]
        self.capabilities = mapping(result.get("capabilities"))
        self.info = mapping(result.get("serverInfo"))
        self.instructions = result["instructions"] if isinstance(result.get("instructions"), str) else ""
        lines = f"mcp-protocol-version: {self.version}\r\n"
        if heard.session:
            lines += f"mcp-session-id: {_visible(heard.session)}\r\n"
        self._fields = lines.encode("ascii")
        await self._wire.tell(notification("notifications/initialized", {}), self._fields, deadline)
        if level:
            await self.set_level(level, deadline)

    async def carry(self, order: Order, back: Back) -> Heard:
        """Carry an order out in this session, and return the answer."""
        call = order.call
        if order.target.task:
            raise NotFound("a modern task, at a server that is not modern now", hint=(call.name or "")[:128])
        self._mixed = self._mixed or not self._known(order.caller)
        if call.level is not None and "logging" in self.capabilities:
            await self._lowered(call.level, order.deadline)
        ident, params = self._wire.mint(), outgoing(order)
        if call.progress is not None:
            params["_meta"] = {**params.get("_meta", {}), "progressToken": ident}
        alone = call.method == "tools/call" and tasks.required(order.target)
        back = Unnamed(back) if alone else back
        self._calls[ident] = (order, back)
        try:
            if alone:
                put = partial(self._put, order, back)
                return await driven(params, self.capabilities, put, self._uncalled, order.deadline)
            return await self._put(order, back, call.method, params, ident)
        finally:
            del self._calls[ident]

    async def _put(self, order: Order, back: Back, method: str, params: Json, ident: int = 0) -> Heard:
        """Send a request that belongs to a call, and return its answer."""
        ident = ident or self._wire.mint()

        async def hear(message: dict[str, Any]) -> None:
            await self._heard(message, order, back)

        try:
            fields = self._fields + tracing.fields(params.get("_meta"))
            return await self._wire.request(request(ident, method, params), fields, order.deadline, hear)
        except SessionGone:
            self.broken = True
            raise
        except (asyncio.CancelledError, TimedOut):
            self._cancel(ident)
            raise

    def _uncalled(self, task: str) -> None:
        """Tell the server, without waiting, that nobody wants a task any more."""
        self._later(self.ask("tasks/cancel", {"taskId": task}, asyncio.get_running_loop().time() + 5))

    def _known(self, caller: Caller) -> bool:
        who = (caller.issuer, caller.subject)
        self._caller = self._caller or who
        return self._caller == who

    async def ask(self, method: str, params: Json, deadline: float) -> Json:
        """Put a request of the gateway's own, and return the whole answer."""
        heard = await self._wire.request(request(self._wire.mint(), method, params), self._fields, deadline, deaf)
        return heard.message

    async def set_level(self, level: str, deadline: float) -> None:
        """Ask for log messages from this level on, where the server has logging."""
        if "logging" in self.capabilities:
            await self.ask("logging/setLevel", {"level": level}, deadline)

    async def tell(self, method: str, params: Json, deadline: float) -> None:
        """Send a notification."""
        await self._wire.tell(notification(method, params), self._fields, deadline)

    async def _lowered(self, level: str, deadline: float) -> None:
        """Lower the session's level to what a modern call asked for: per call it cannot be said in this era."""
        if not self._level or LEVELS.index(level) < LEVELS.index(self._level):
            self._level = level
            try:
                await self.set_level(level, deadline)
            except SessionGone:
                self.broken = True
                raise

    def _cancel(self, ident: int) -> None:
        if isinstance(self._wire, HTTPWire):
            # Closing the connection cancels nothing in this era (2025-11-25, "Disconnection").
            told = self.tell("notifications/cancelled", {"requestId": ident}, asyncio.get_running_loop().time() + 5)
            self._later(told)

    def _later(self, told: Any) -> None:
        task = asyncio.get_running_loop().create_task(_quietly(told))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _heard(self, message: dict[str, Any], order: Order, back: Back) -> None:
        """Handle what arrived on a call's own stream: it belongs to that call."""
        method = message.get("method")
        if message is PAUSED:
            await back.notify(INTERLUDE, {})
            return
        if not isinstance(method, str):
            return
        if is_id(message.get("id")):
            if not self.crowded:
                self._later(self._answer(message, back, order.deadline))
            return
        if method in _LISTS or method == "notifications/resources/updated":
            self._announced(message)
            return
        await passed_on(message, order, back)

    def stray(self, message: dict[str, Any]) -> None:
        """Handle what arrived outside any call's stream: on the GET stream, or on a process's pipe."""
        method = message.get("method")
        if not isinstance(method, str):
            return
        if method in _LISTS or method == "notifications/resources/updated":
            self._announced(message)
            return
        # Whose it is cannot be told, unless there is only one call it can belong to. Servers go on talking of a call
        # that is over or cancelled: where several people share a session, the one call may not be the one meant.
        only = next(iter(self._calls.values())) if len(self._calls) == 1 and not self._mixed else None
        if self.crowded:
            return
        if is_id(message.get("id")):
            back, deadline = (only[1], only[0].deadline) if only else (None, asyncio.get_running_loop().time() + 30)
            self._later(self._answer(message, back, deadline))
        elif only is not None and method != "notifications/progress":
            self._later(self._heard(message, *only))

    def _announced(self, message: Mapping[str, Any]) -> None:
        what = _LISTS.get(message["method"])
        if what is not None:
            self._changed(what)
            return
        uri = mapping(message.get("params")).get("uri")
        if isinstance(uri, str) and self.updated is not None:
            self.updated(uri)

    async def _answer(self, message: Mapping[str, Any], back: Back | None, deadline: float) -> None:
        """Answer a server's request: a ping ourselves, anything else by asking the client whose call it belongs to."""
        method, params = str(message["method"]), mapping(message.get("params"))
        if method == "ping":
            answer: Json = {"result": {}}
        elif back is None:
            answer = {"error": {"code": _METHOD_UNKNOWN, "message": "this request belongs to no single call in flight"}}
        else:
            try:
                answer = await back.ask(method, params)
            except GatewayError as error:
                answer = {"error": {"code": error.jsonrpc, "message": error.message}}
        kept = {key: answer[key] for key in ("result", "error") if key in answer}
        await self._wire.tell({"jsonrpc": "2.0", "id": message["id"], **kept}, self._fields, deadline)

    @property
    def streaming(self) -> bool:
        """Say whether the GET stream is open, or being opened."""
        return self._listening is not None and not self._listening.done()

    async def listening(self, deadline: float, streams: HTTPWire | None = None) -> bool:
        """Have the GET stream open, over `streams` if given; say whether there is one. Over HTTP+SSE it is open anyway.

        A stream takes a connection for as long as it lasts, so it has others than calls have.
        """
        if not isinstance(self._wire, HTTPWire | Channel):
            return False
        loop = asyncio.get_running_loop()
        if not self.streaming or self._opened is None:
            self._opened = loop.create_future()
            over = self._wire if isinstance(self._wire, Channel) else streams or self._wire
            self._listening = loop.create_task(self._listen(over, self._opened))
        waits: set[asyncio.Future[None]] = {self._opened, *([self._listening] if self._listening else [])}
        await asyncio.wait(waits, timeout=max(0.0, deadline - loop.time()), return_when=asyncio.FIRST_COMPLETED)
        return self._opened.done() and self.streaming

    async def listened(self) -> None:
        """Wait until the stream ends."""
        if self._listening is not None:
            await asyncio.wait({self._listening})

    def deafen(self) -> None:
        """Close the GET stream."""
        if self._listening is not None:
            self._listening.cancel()

    async def _listen(self, wire: HTTPWire | Channel, opened: asyncio.Future[None]) -> None:
        try:
            if isinstance(wire, Channel):
                opened.set_result(None)
                await wire.ended()
                return
            last: bytes | None = b""
            while last is not None:
                last = await self._streamed(wire, last, opened)
        except GatewayError:
            await self._greet()

    async def _streamed(self, wire: HTTPWire, last: bytes, opened: asyncio.Future[None]) -> bytes | None:
        """Read one stream to its end; return the id of its last event, if it can be taken up there (2025-11-25)."""
        fields = self._fields + (b"last-event-id: %b\r\n" % last if last else b"")
        response = await wire.stream(fields, float("inf"))
        if not opened.done():
            opened.set_result(None)
        seen, pause = b"", _PAUSE
        try:
            while (event := await response.next()) is not None:
                seen, pause = (event.id or "").encode() or seen, (event.retry or 0) / 1000 or pause
                if event.data:
                    self.stray(parsed(event.data.encode()))
        finally:
            response.close()
        if not seen:
            return None
        await asyncio.sleep(min(pause, _LONGEST_PAUSE))
        return seen

    async def _greet(self) -> None:
        """Ask whether the server still knows this session: why it gave no stream cannot be told otherwise."""
        try:
            await self.ask("ping", {}, asyncio.get_running_loop().time() + _LONGEST_PAUSE)
        except SessionGone:
            self.broken = True
        except GatewayError:
            return

    async def close(self, deadline: float) -> None:
        """End the session."""
        for task in (*self._answering, *([self._listening] if self._listening else [])):
            # A server may still be waiting for somebody's answer; nobody will give it in this session.
            task.cancel()
        if isinstance(self._wire, HTTPWire) and b"mcp-session-id" in self._fields and not self.broken:
            await self._wire.end(self._fields, deadline)
        elif isinstance(self._wire, Channel):
            self._wire.close()

    @property
    def alive(self) -> bool:
        """Say whether the session can still be used."""
        return not self.broken and self._wire.alive


def outgoing(order: Order) -> dict[str, Any]:
    """Return the parameters as a server of this era sees them: its own names, no envelope."""
    call, target = order.call, order.target
    params = dict(call.params)
    if call.method in {"tools/call", "prompts/get"}:
        params["name"] = target.name
        # Only the gateway makes tasks of this era: one that a client asked for would answer in words it is never told.
        params.pop("task", None)
    elif call.method == "completion/complete" and target.kind is Kind.PROMPT:
        params["ref"] = {**params["ref"], "name": target.name}
    meta = params.pop("_meta", None)
    kept = {key: value for key, value in meta.items() if key not in _SERVER_MEMBERS} if isinstance(meta, dict) else {}
    if kept:
        params["_meta"] = kept
    return params


def _visible(session: str) -> str:
    # A header of ours is built from it: only what the specification allows (0x21-0x7E) may pass.
    if not session.isascii() or any(not "!" <= letter <= "~" for letter in session):
        raise Garbled("Mcp-Session-Id holds characters that it may not hold")
    return session


async def _quietly(told: Any) -> None:
    try:
        await told
    except (GatewayError, SessionGone):
        return

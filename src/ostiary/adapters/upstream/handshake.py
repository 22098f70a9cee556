"""The handshake era towards upstreams (2024-11-05 to 2025-11-25): one session with one server, in one file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from ostiary.adapters.upstream.modern import INFO, passed_on
from ostiary.adapters.upstream.wire import PAUSED, Heard, HTTPWire, PipeWire, SessionGone, Wire, deaf, parsed
from ostiary.core.errors import Garbled, GatewayError, NoHandshake, UpstreamRefused
from ostiary.core.model import HANDSHAKES, Caller, Era, Json, Kind, Order
from ostiary.core.ports import Back
from ostiary.protocol import modern
from ostiary.protocol.capabilities import declared
from ostiary.protocol.jsonrpc import is_id, notification, request
from ostiary.protocol.methods import INTERLUDE, LEVELS

Changed = Callable[[str, str, str], None]
"""What changed (`tools`, `prompts`, `resources`), the resource's URI or nothing, and the session that hears of it."""

_LISTS: Final[Mapping[str, str]] = {
    "notifications/tools/list_changed": "tools",
    "notifications/prompts/list_changed": "prompts",
    "notifications/resources/list_changed": "resources",
}
_METHOD_UNKNOWN: Final = -32601
_SERVER_MEMBERS: Final = frozenset({modern.VERSION, modern.CAPABILITIES, modern.INFO, modern.LEVEL, "progressToken"})


class Link:
    """One session with one server, for one principal (or all, where the server is shared) and one offer."""

    def __init__(self, wire: Wire, offer: str, changed: Changed, session: str = "") -> None:
        """Tell `changed` what the server says has changed; `session` is the client session this link belongs to."""
        self._wire, self._offer, self._changed, self._session = wire, offer, changed, session
        self._fields = b""
        self._calls: dict[int, tuple[Order, Back]] = {}
        self._caller: tuple[str, str] | None = None
        self._mixed = False
        """Whether more than one principal has called over this session."""
        self._answering: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Task[None] | None = None
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
        return bool(self._calls) or bool(self._session and self._listening and not self._listening.done())

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
        self.capabilities = _mapping(result.get("capabilities"))
        self.info = _mapping(result.get("serverInfo"))
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
        self._mixed = self._mixed or not self._known(order.caller)
        if call.level is not None and "logging" in self.capabilities:
            await self._lowered(call.level, order.deadline)
        ident, params = self._wire.mint(), outgoing(order)
        if call.progress is not None:
            params["_meta"] = {**params.get("_meta", {}), "progressToken": ident}
        self._calls[ident] = (order, back)

        async def hear(message: dict[str, Any]) -> None:
            await self._heard(message, order, back)

        if call.method == "resources/subscribe":
            self.listen()
        try:
            return await self._wire.request(request(ident, call.method, params), self._fields, order.deadline, hear)
        except SessionGone:
            self.broken = True
            raise
        except asyncio.CancelledError:
            await self._cancel(ident)
            raise
        finally:
            del self._calls[ident]

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
            await self.set_level(level, deadline)

    async def _cancel(self, ident: int) -> None:
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
            self._later(self._answer(message, back, order.deadline))
            return
        if method in _LISTS or method == "notifications/resources/updated":
            self._announced(message)
            return
        if method == "notifications/message" and not _wanted(message, order):
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
        if is_id(message.get("id")):
            back, deadline = (only[1], only[0].deadline) if only else (None, asyncio.get_running_loop().time() + 30)
            self._later(self._answer(message, back, deadline))
        elif only is not None and method != "notifications/progress":
            self._later(self._heard(message, *only))

    def _announced(self, message: Mapping[str, Any]) -> None:
        what = _LISTS.get(message["method"])
        if what is not None:
            self._changed(what, "", "")
            return
        uri = _mapping(message.get("params")).get("uri")
        if isinstance(uri, str) and self._session:
            self._changed("resource", uri, self._session)

    async def _answer(self, message: Mapping[str, Any], back: Back | None, deadline: float) -> None:
        """Answer a server's request: a ping ourselves, anything else by asking the client whose call it belongs to."""
        method, params = str(message["method"]), _mapping(message.get("params"))
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

    def listen(self) -> None:
        """Keep the GET stream open, where the server has one."""
        if isinstance(self._wire, HTTPWire) and (self._listening is None or self._listening.done()):
            self._listening = asyncio.get_running_loop().create_task(self._listen(self._wire))

    async def listened(self) -> None:
        """Wait until the GET stream ends."""
        if self._listening is not None:
            await asyncio.wait({self._listening})

    async def _listen(self, wire: HTTPWire) -> None:
        try:
            response = await wire.stream(self._fields, float("inf"))
            try:
                while (event := await response.next()) is not None:
                    if event.data:
                        self.stray(parsed(event.data.encode()))
            finally:
                response.close()
        except GatewayError:
            return

    async def close(self, deadline: float) -> None:
        """End the session."""
        if self._listening is not None:
            self._listening.cancel()
        if isinstance(self._wire, HTTPWire) and b"mcp-session-id" in self._fields and not self.broken:
            await self._wire.end(self._fields, deadline)

    @property
    def alive(self) -> bool:
        """Say whether the session can still be used."""
        return not self.broken and (self._wire.child.alive if isinstance(self._wire, PipeWire) else True)


def outgoing(order: Order) -> dict[str, Any]:
    """Return the parameters as a server of this era sees them: its own names, no envelope."""
    call, target = order.call, order.target
    params = dict(call.params)
    if call.method in {"tools/call", "prompts/get"}:
        params["name"] = target.name
    elif call.method == "completion/complete" and target.kind is Kind.PROMPT:
        params["ref"] = {**params["ref"], "name": target.name}
    meta = params.pop("_meta", None)
    kept = {key: value for key, value in meta.items() if key not in _SERVER_MEMBERS} if isinstance(meta, dict) else {}
    if kept:
        params["_meta"] = kept
    return params


def _wanted(message: Mapping[str, Any], order: Order) -> bool:
    """Say whether a log message goes to a client: a modern one gets only those that its own call asked for."""
    if order.call.client.era is Era.HANDSHAKE:
        return True
    level = _mapping(message.get("params")).get("level")
    return order.call.level is not None and level in LEVELS and LEVELS.index(level) >= LEVELS.index(order.call.level)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


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

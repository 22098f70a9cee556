"""Every way that words take between a client and a server, in front of a stage that is guarded everywhere."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec.structs import replace

from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.model import Catalogue, Inbound, Json, Order
from ostiary.core.ports import Back
from ostiary.core.screening import Block, Payload, Verdict
from ostiary.pipeline.serve import serve
from ostiary.protocol.modern import CAPABILITIES, VERSION
from tests.pipeline import oldest
from tests.pipeline.stage import CRM, Heard, Stage, handshake, looking, whole
from tests.pipeline.streams import modern, until

CONFIG = """
gateway: {url: "http://127.0.0.1:8080"}
servers: {files: {command: [files]}, crm: {command: [crm]}}
rules: [{name: all, allow: ["*"], subjects: ["*"]}]
guards: [{name: required, use: plugin, load: recorder}]
"""
FILES = Catalogue(
    "files",
    "",
    tools=({"name": "read", "inputSchema": {"type": "object", "additionalProperties": True}},),
    prompts=({"name": "greet", "arguments": [{"name": "who"}]},),
    resources=({"uri": "note://1", "name": "one"},),
    templates=({"uriTemplate": "file:///pub/{+path}", "name": "public"},),
    capabilities={"tools": {}, "prompts": {}, "resources": {"subscribe": True}, "completions": {}, "logging": {}},
)
WORD: Final = re.compile(r"[cs]-[a-z0-9-]+")
EVERYTHING: Final[dict[str, Any]] = {
    "elicitation": {"form": {}},
    "roots": {},
    "sampling": {},
    "extensions": {"io.modelcontextprotocol/tasks": {}},
}
FORM: Final[dict[str, Any]] = {"message": "s-question", "requestedSchema": {"type": "object", "properties": {}}}
ACCEPTED: Final[dict[str, Any]] = {"action": "accept", "content": {"name": "c-answer"}}
RAW: Final[dict[str, Any]] = {"taskId": "raw", "createdAt": "c", "lastUpdatedAt": "u", "ttlMs": 1000}


def told(**more: Any) -> Json:
    """Return an answer with words in it."""
    return {"result": {"content": [{"type": "text", "text": "s-text"}], "resultType": "complete", **more}}


class Ways:
    """A stage that is guarded everywhere, and what arrived where."""

    def __init__(self, verdict: Callable[[Payload], Verdict]) -> None:
        self.stage, self.seen = Stage(), {"request": set[str](), "answer": set[str]()}
        self.arrived: dict[str, set[str]] = {"request": set(), "answer": set()}
        self.blocked = 0
        catalogues = {("files", ""): FILES, ("crm", ""): CRM}
        guards = {"required": looking(lambda payload: self._look(payload, verdict))}
        self.stage.snapshot = compiled(parse(CONFIG, "test.yaml"), catalogues, 7, "digest", guards).snapshot
        self.stage.carry = self.carry
        self.answers: Callable[[Order, Back], Awaitable[Json]] = plain

    def _look(self, payload: Payload, verdict: Callable[[Payload], Verdict]) -> Verdict:
        self.seen[payload.side.value] |= words([text.value for text in payload.texts])
        said = verdict(payload)
        self.blocked += isinstance(said, Block)
        return said

    async def carry(self, order: Order, back: Back) -> Json:
        self.arrived["request"] |= words([dict(order.call.params), order.target.name])
        return await self.answers(order, Answers(back, self))

    async def say(self, message: Inbound, reply: Heard | None = None) -> Json:
        """Carry one message, and return what answers it."""
        heard = reply or Heard()
        await serve(message, heard, self.stage.world)
        self.hear([*heard.before, *(each.payload for each in heard.answers)])
        payload = heard.answers[0].payload if heard.answers else None
        return dict((payload or {}).get("result") or {})

    def know_clients(self) -> None:
        """Have what clients of this offer are offered in the snapshot, as a gateway has that saw one."""
        offer = next(trail.call.client.offer for trail in self.stage.audit.ended if trail.call)
        now = self.stage.snapshot
        surfaces = {**now.surfaces, ("/mcp", offer): now.surfaces["/mcp", ""]}
        self.stage.snapshot = replace(now, surfaces=surfaces)

    def hear(self, said: Any) -> None:
        self.arrived["answer"] |= words(said)

    @property
    def looked(self) -> set[str]:
        """The sides on which the ledger says that the guard looked."""
        return {each.side.value for trail in self.stage.audit.ended for each in trail.looked}


class Answers:
    """The way back of a server, on which what clients answer is heard by it."""

    def __init__(self, back: Back, ways: Ways) -> None:
        self._back, self._ways = back, ways

    async def notify(self, method: str, params: Json) -> None:
        await self._back.notify(method, params)

    async def ask(self, method: str, params: Json) -> Json:
        answer = await self._back.ask(method, params)
        self._ways.arrived["request"] |= words(answer)
        return answer


def words(value: Any) -> set[str]:
    return set(WORD.findall(json.dumps(value, default=str)))


# What servers do


async def plain(_order: Order, _back: Back) -> Json:
    return told(structuredContent={"a": "s-structured"}, _meta={"com.example/x": "s-meta"})


async def failing(_order: Order, _back: Back) -> Json:
    return {"error": {"code": -32000, "message": "s-message", "data": {"why": "s-data"}}}


async def asking(_order: Order, back: Back) -> Json:
    await back.notify("notifications/message", {"level": "info", "data": "s-log"})
    await back.ask("elicitation/create", FORM)
    return told()


async def requiring(order: Order, _back: Back) -> Json:
    """Ask as a modern server does, by the result."""
    if "inputResponses" in order.call.params:
        return told()
    asked = {"q": {"method": "elicitation/create", "params": FORM}}
    return {"result": {"resultType": "input_required", "inputRequests": asked, "requestState": "theirs"}}


# What clients do


def modern_said(method: str, capabilities: Json = EVERYTHING, **params: Any) -> Inbound:
    meta = {VERSION: "2026-07-28", CAPABILITIES: capabilities, **params.pop("meta", {})}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}).encode()
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": method}
    if name := params.get("name") or params.get("uri") or params.get("taskId"):
        headers["mcp-name"] = name
    return Inbound("POST", "/mcp", headers, frozenset(), "ana-token", "127.0.0.1", whole(body))


READ: Final[dict[str, Any]] = {"name": "files__read", "arguments": {"path": "c-path", "c-name": [{"deep": "c-deep"}]}}
GREET: Final[dict[str, Any]] = {"name": "files__greet", "arguments": {"who": "c-who"}}
OPEN: Final[dict[str, Any]] = {"uri": "file:///pub/c-uri"}
COMPLETE: Final[dict[str, Any]] = {
    "ref": {"type": "ref/prompt", "name": "files__greet"},
    "argument": {"name": "who", "value": "c-value"},
    "context": {"arguments": {"b": "c-context"}},
}
METHODS: Final[dict[str, dict[str, Any]]] = {
    "tools/call": READ, "prompts/get": GREET, "resources/read": OPEN, "completion/complete": COMPLETE,
}  # fmt: skip


async def session_of(ways: Ways, version: str = "2025-11-25") -> str:
    hello: dict[str, Any] = {"protocolVersion": version, "capabilities": EVERYTHING, "clientInfo": {"name": "x"}}
    heard = await ways.stage.serve(handshake("initialize", **hello))
    return heard.answers[0].headers["mcp-session-id"]


class Talking(Heard):
    """A handshake-era client that answers what it is asked."""

    def __init__(self, ways: Ways, session: str) -> None:
        super().__init__()
        self._ways, self._session = ways, session

    async def put(self, message: Json) -> None:
        await super().put(message)
        if "id" in message and "method" in message:
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": ACCEPTED}).encode()
            headers = {"mcp-session-id": self._session}
            answer = Inbound("POST", "/mcp", headers, frozenset(), "ana-token", "127.0.0.1", whole(body))
            await self._ways.stage.serve(answer)


def modern_method(method: str) -> Callable[[Ways], Awaitable[None]]:
    async def way(ways: Ways) -> None:
        await ways.say(modern_said(method, **METHODS[method]))

    return way


def handshake_method(method: str) -> Callable[[Ways], Awaitable[None]]:
    async def way(ways: Ways) -> None:
        session = await session_of(ways)
        await ways.say(handshake(method, session, **METHODS[method]))

    return way


async def beside_the_arguments(ways: Ways) -> None:
    other: dict[str, Any] = {"com.example/x": {"y": "c-meta"}, "baggage": "c-baggage", "traceparent": "00-c-trace-1-1"}
    await ways.say(modern_said("tools/call", {}, meta=other, **READ))


async def beside_the_arguments_of_old(ways: Ways) -> None:
    session = await session_of(ways)
    await ways.say(handshake("tools/call", session, **READ, _meta={"com.example/x": "c-meta", "progressToken": 7}))


async def by_an_error(ways: Ways) -> None:
    ways.answers = failing
    await ways.say(modern_said("tools/call", **READ))


async def asked_on_the_stream(ways: Ways) -> None:
    ways.answers = asking
    session = await session_of(ways)
    await ways.say(handshake("tools/call", session, **READ), Talking(ways, session))


async def asked_by_results_of_a_client_of_old(ways: Ways) -> None:
    ways.answers = requiring
    session = await session_of(ways)
    await ways.say(handshake("tools/call", session, **READ), Talking(ways, session))


def retried(answers: Callable[[Order, Back], Awaitable[Json]]) -> Callable[[Ways], Awaitable[None]]:
    """Return the way of a call that a modern client comes back to: suspended, or its server's own."""

    async def way(ways: Ways) -> None:
        ways.answers = answers
        first = await ways.say(modern_said("tools/call", **READ))
        responses = dict.fromkeys(first.get("inputRequests", {}), ACCEPTED)
        again = {"requestState": first.get("requestState", "none"), "inputResponses": responses or {"q": ACCEPTED}}
        await ways.say(modern_said("tools/call", **READ, **again))
        ways.stage.world.suspensions.close()

    return way


async def in_a_batch(ways: Ways) -> None:
    session = await session_of(ways, "2025-03-26")
    message = {"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": READ}
    headers = {"mcp-session-id": session}
    body = json.dumps([message]).encode()
    await ways.say(Inbound("POST", "/mcp", headers, frozenset(), "ana-token", "127.0.0.1", whole(body)))


async def over_the_oldest_transport(ways: Ways) -> None:
    async with oldest.client(ways.stage) as client:
        ways.hear(await client.ask("tools/call", 3, **READ))


async def as_a_task(ways: Ways) -> None:
    async def working(order: Order, _back: Back) -> Json:
        if order.call.method == "tools/call":
            return {"result": {**RAW, "status": "working", "statusMessage": "s-begun", "resultType": "task"}}
        if order.call.method == "tasks/update":
            return {"result": {"resultType": "complete"}}
        done = {"content": [{"type": "text", "text": "s-result"}]}
        ended = {**RAW, "status": "completed", "statusMessage": "s-status", "result": done}
        return {"result": {**ended, "resultType": "complete"}}

    ways.answers = working
    begun = await ways.say(modern_said("tools/call", **READ))
    ident = begun.get("taskId", "none")
    await ways.say(modern_said("tasks/update", taskId=ident, inputResponses={"q": ACCEPTED}))
    await ways.say(modern_said("tasks/get", taskId=ident))


async def pushed_about_a_task(ways: Ways) -> None:
    backs: asyncio.Queue[Back] = asyncio.Queue()

    async def working(order: Order, back: Back) -> Json:
        if order.call.method == "tools/call":
            return {"result": {**RAW, "status": "working", "resultType": "task"}}
        await back.notify("notifications/subscriptions/acknowledged", {"notifications": {"taskIds": ["raw"]}})
        backs.put_nowait(back)
        return await asyncio.Event().wait()  # type: ignore[return-value]

    ways.answers = working
    begun = await ways.say(modern_said("tools/call", **{**READ, "arguments": {}}))
    ways.know_clients()
    listen = modern_said("subscriptions/listen", notifications={"taskIds": [begun["taskId"]]})
    heard = Heard()
    task = asyncio.create_task(serve(listen, heard, ways.stage.world))
    back = await backs.get()
    await until(lambda: heard.before)
    await back.notify("notifications/tasks", {**RAW, "status": "working", "statusMessage": "s-news"})
    await until(lambda: len(heard.before) > 1)
    task.cancel()
    await asyncio.wait({task})
    ways.hear(heard.before)


async def watched_on_a_stream(ways: Ways) -> None:
    async with modern(ways.stage, resourceSubscriptions=["file:///pub/c-watched"]) as here:
        ways.arrived["request"] |= words([uri for uri, _ in ways.stage.watched])
        ways.hear([each for each in here.heard if not here.heard])


async def subscribed_in_a_session(ways: Ways) -> None:
    session = await session_of(ways)
    ways.stage.unwatchable["file:///pub/c-refused"] = {"code": -32601, "message": "s-refused"}
    for uri in ("file:///pub/c-watched", "file:///pub/c-refused"):
        await ways.say(handshake("resources/subscribe", session, uri=uri))
    ways.arrived["request"] |= words([uri for uri, _ in ways.stage.watched])


WAYS: Final[dict[str, tuple[Callable[[Ways], Awaitable[None]], set[str], set[str]]]] = {
    **{f"modern {each}": (modern_method(each), set(), {"s-text", "s-structured", "s-meta"}) for each in METHODS},
    **{f"handshake {each}": (handshake_method(each), set(), {"s-text", "s-structured", "s-meta"}) for each in METHODS},
    "_meta": (beside_the_arguments, {"c-meta", "c-baggage", "c-trace-1-1", "c-name", "c-deep"}, {"s-text"}),
    "_meta of old": (beside_the_arguments_of_old, {"c-meta"}, {"s-text"}),
    "an error": (by_an_error, {"c-path"}, {"s-message", "s-data"}),
    "asked on its stream": (asked_on_the_stream, {"c-path", "c-answer"}, {"s-log", "s-question", "s-text"}),
    "asked by results": (asked_by_results_of_a_client_of_old, {"c-answer"}, {"s-question", "s-text"}),
    "suspended": (retried(asking), {"c-path", "c-answer"}, {"s-log", "s-question", "s-text"}),
    "retried": (retried(requiring), {"c-answer"}, {"s-question", "s-text"}),
    "a batch": (in_a_batch, {"c-path"}, {"s-text"}),
    "the oldest transport": (over_the_oldest_transport, {"c-path"}, {"s-text"}),
    "a task": (as_a_task, {"c-answer"}, {"s-begun", "s-status", "s-result"}),
    "a task that is told of": (pushed_about_a_task, set(), {"s-news"}),
    "a resource that is watched": (watched_on_a_stream, {"c-watched"}, set()),
    "a resource that is subscribed to": (subscribed_in_a_session, {"c-watched"}, {"s-refused"}),
}

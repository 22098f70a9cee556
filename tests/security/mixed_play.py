"""What the servers of the mixed run do when they are called, whatever carries their messages.

There is one tool. What it answers is what its call said and what its client answered to its questions, and nothing
else, so that every answer can be told from every other one.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

Json = dict[str, Any]

MODERN: Final = "2026-07-28"
SUBSCRIPTION: Final = "io.modelcontextprotocol/subscriptionId"
KINDS: Final = ("elicit", "sample", "roots")
PLAY: Final[Json] = {
    "name": "play",
    "description": "Takes its time, talks, asks, and gives back what it was given.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "nonce": {"type": "string"},
            "ms": {"type": "integer", "minimum": 0, "maximum": 60_000},
            "steps": {"type": "integer", "minimum": 0, "maximum": 20},
            "asks": {"type": "integer", "minimum": 0, "maximum": 5},
            "kind": {"type": "string", "enum": list(KINDS)},
            "end": {"type": "string", "enum": ["answer", "drop", "rush"]},
        },
        "required": ["nonce"],
    },
}
SCHEMA: Final[Json] = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
CAPABILITIES: Final[Json] = {
    "tools": {"listChanged": True},
    "resources": {"listChanged": True, "subscribe": True},
    "logging": {},
}
_idents = itertools.count(1)


class Dropped(Exception):
    """The server goes away in the middle of this call."""


def notes(name: str) -> list[Json]:
    """Return the resources of one server."""
    return [{"uri": f"note://{name}/{number}", "name": f"{name} {number}"} for number in range(3)]


def result_of(name: str, message: Json) -> Json:
    """Return the result of what needs no time."""
    method, params = message["method"], message.get("params") or {}
    match method:
        case "initialize":
            info = {"name": name, "version": "1"}
            return {"protocolVersion": params["protocolVersion"], "capabilities": CAPABILITIES, "serverInfo": info}
        case "server/discover":
            return {"supportedVersions": [MODERN], "capabilities": CAPABILITIES, "resultType": "complete"}
        case "tools/list":
            return {"tools": [PLAY], "resultType": "complete"}
        case "resources/list":
            return {"resources": notes(name), "resultType": "complete"}
        case "resources/templates/list":
            return {"resourceTemplates": [], "resultType": "complete"}
        case "resources/read":
            return {"contents": [{"uri": params["uri"], "text": params["uri"]}], "resultType": "complete"}
    return {"resultType": "complete"}


def aged(result: Json) -> Json:
    """Return a result as the handshake era writes it."""
    return {key: value for key, value in result.items() if key != "resultType"}


def notification(method: str, params: Json) -> Json:
    """Return a notification."""
    return {"jsonrpc": "2.0", "method": method, "params": params}


def question(kind: str, nonce: str) -> tuple[str, Json]:
    """Return what is asked in the middle of a call: a method and its parameters."""
    text = f"Which word belongs to {nonce}?"
    match kind:
        case "sample":
            said = {"role": "user", "content": {"type": "text", "text": text}}
            return "sampling/createMessage", {"messages": [said], "maxTokens": 16}
        case "roots":
            return "roots/list", {}
    return "elicitation/create", {"message": text, "requestedSchema": SCHEMA}


def answer_of(kind: str, word: str) -> Json:
    """Return how a client says a word; an empty one is declined."""
    match kind:
        case "sample":
            return {"role": "assistant", "model": "none", "content": {"type": "text", "text": word}}
        case "roots":
            return {"roots": [{"uri": "file:///word", "name": word}]}
    return {"action": "accept", "content": {"word": word}} if word else {"action": "decline"}


def word_of(kind: str, answer: Json) -> str:
    """Return the word that an answer holds: the inverse of `answer_of`."""
    if "error" in answer:
        return f"error {answer['error']['code']}"
    result = answer["result"]
    match kind:
        case "sample":
            return str(result["content"]["text"])
        case "roots":
            return str(result["roots"][0]["name"])
    return str(result["content"]["word"]) if result["action"] == "accept" else str(result["action"])


class Voice:
    """How a server speaks in the middle of one call."""

    def __init__(self, send: Callable[[Json], None], waiting: dict[str, asyncio.Future[Json]], params: Json) -> None:
        """`waiting` is where the client's answers are handed over."""
        self._send, self._waiting, self.arguments = send, waiting, params["arguments"]
        self.params, self._meta = params, params.get("_meta") or {}
        self.nonce, self.kind = str(self.arguments["nonce"]), str(self.arguments.get("kind", "elicit"))

    async def paced(self) -> None:
        """Take the time that the call asks for, with progress and log messages on the way."""
        steps, left = self.arguments.get("steps", 0), self.arguments.get("ms", 0) / 1000
        for step in range(steps):
            self._step(step)
            await asyncio.sleep(left / steps)
        if left and not steps:
            await asyncio.sleep(left)
        if self.arguments.get("end") == "drop":
            raise Dropped

    def _step(self, step: int) -> None:
        token = self._meta.get("progressToken")
        if token is not None:
            params = {"progressToken": token, "progress": step, "message": self.nonce}
            self._send(notification("notifications/progress", params))
        self._send(notification("notifications/message", {"level": "info", "data": self.nonce}))

    async def ask(self, method: str, params: Json) -> Json:
        """Put a request to the client, and wait for as long as it takes: whoever forgets the answer is found out."""
        ident = f"q{next(_idents)}"
        self._waiting[ident] = asyncio.get_running_loop().create_future()
        self._send({"jsonrpc": "2.0", "id": ident, "method": method, "params": params})
        try:
            return await self._waiting[ident]
        finally:
            del self._waiting[ident]

    async def played(self) -> Json:
        """Return the result of a call of the handshake era."""
        await self.paced()
        if self.arguments.get("end") == "rush":
            # Nothing forbids a server to ask and not to wait: the question then belongs to a call that is over.
            method, params = question(self.kind, self.nonce)
            self._send({"jsonrpc": "2.0", "id": f"q{next(_idents)}", "method": method, "params": params})
        asking = range(self.arguments.get("asks", 0))
        return self._result([word_of(self.kind, await self.ask(*question(self.kind, self.nonce))) for _ in asking])

    async def turned(self) -> Json:
        """Return the result of a modern call: the next question, or the last word."""
        words: list[str] = []
        if "requestState" in self.params:
            state = json.loads(self.params["requestState"])
            if state["nonce"] != self.nonce:
                raise AssertionError("the state of another call")
            words = [*state["words"], word_of(self.kind, {"result": self.params["inputResponses"]["word"]})]
        await self.paced()
        if len(words) >= self.arguments.get("asks", 0):
            return {**self._result(words), "resultType": "complete"}
        method, params = question(self.kind, self.nonce)
        return {
            "resultType": "input_required",
            "inputRequests": {"word": {"method": method, "params": params}},
            "requestState": json.dumps({"nonce": self.nonce, "words": words}),
        }

    def _result(self, words: list[str]) -> Json:
        return {"content": [{"type": "text", "text": "|".join([self.nonce, *words])}]}


class Calls:
    """The calls in flight of one session, and the questions that wait for an answer."""

    def __init__(self, counts: Counter[str]) -> None:
        self.tasks: dict[Any, asyncio.Task[None]] = {}
        self.waiting: dict[str, asyncio.Future[Json]] = {}
        self._counts = counts

    def begin(self, ident: Any, call: Any) -> None:
        """Carry a call out in a task of its own."""
        self._counts["calls"] += 1
        task = asyncio.get_running_loop().create_task(call)
        self.tasks[ident] = task
        task.add_done_callback(lambda _: self.tasks.pop(ident, None))

    def told(self, message: Json) -> None:
        """Take a notification, or the answer to a question."""
        if message.get("method") == "notifications/cancelled":
            task = self.tasks.get(message["params"]["requestId"])
            self._counts["cancelled" if task else "cancelled too late"] += 1
            if task is not None:
                task.cancel()
        elif "method" not in message:
            future = self.waiting.get(message["id"])
            self._counts["answers"] += 1
            if future is not None and not future.done():
                future.set_result(message)

    def end(self) -> None:
        """Cancel everything."""
        for task in list(self.tasks.values()):
            task.cancel()

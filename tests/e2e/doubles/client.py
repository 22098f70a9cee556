"""A client that says exactly what a test wants said, in both eras, and hears everything that comes back."""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.e2e.doubles.upstream import META, MODERN

Json = dict[str, Any]

LATEST = "2025-11-25"
BOTH = "application/json, text/event-stream"
_ids = itertools.count(1)


@dataclass(frozen=True)
class Said:
    """One answer: its status and headers, the JSON-RPC answer, and what came before it on the same stream."""

    status: int
    headers: httpx2.Headers
    message: Json
    before: tuple[Json, ...] = ()

    @property
    def result(self) -> Json:
        """The result; fails where there is none."""
        if "result" not in self.message:
            raise AssertionError(f"{self.status}: {self.message}")
        return dict(self.message["result"])

    @property
    def error(self) -> Json:
        """The error; fails where there is none."""
        return dict(self.message["error"])

    @property
    def text(self) -> str:
        """The text of a tool's result."""
        return "".join(block.get("text", "") for block in self.result["content"])

    @property
    def refusal(self) -> Json:
        """The machine-readable part of a refusal."""
        found = self.result["_meta"] if "result" in self.message else self.error["data"]
        return dict(next(value for key, value in found.items() if key.endswith("refusal")))


def request(method: str, params: Json | None = None, ident: Any = None) -> Json:
    """Return a JSON-RPC request."""
    return {"jsonrpc": "2.0", "id": ident or next(_ids), "method": method, "params": params or {}}


@dataclass
class Person:
    """Someone with a token, at one endpoint."""

    http: httpx2.AsyncClient
    url: str
    token: str
    capabilities: Json = field(default_factory=dict)
    session: str = ""
    """The session's token; empty: the modern era is spoken."""
    version: str = LATEST

    def headers(self, message: Json) -> dict[str, str]:
        """Return the headers that go with a message."""
        found = {"accept": BOTH} | ({"authorization": f"Bearer {self.token}"} if self.token else {})
        if self.session:
            return found | {"mcp-session-id": self.session, "mcp-protocol-version": self.version}
        if message.get("method") == "initialize":
            return found
        found |= {"mcp-protocol-version": MODERN, "mcp-method": message["method"]}
        name = message["params"].get("name", message["params"].get("uri"))
        return found | ({"mcp-name": name} if name else {})

    def enveloped(self, message: Json) -> Json:
        """Return a message as its era says it."""
        if self.session or message.get("method") == "initialize":
            return message
        meta = {META + "protocolVersion": MODERN, META + "clientCapabilities": self.capabilities}
        params = message["params"]
        return {**message, "params": {**params, "_meta": {**meta, **params.get("_meta", {})}}}

    @asynccontextmanager
    async def posted(self, message: Json) -> AsyncIterator[httpx2.Response]:
        """Post a message and give the response as it comes."""
        body = self.enveloped(message)
        async with self.http.stream("POST", self.url, json=body, headers=self.headers(message)) as response:
            yield response

    async def send(self, message: Json) -> Said:
        """Post a message and return everything that came back."""
        async with self.posted(message) as response:
            heard = [each async for each in messages(response)]
        answer = next((each for each in heard if "method" not in each), {})
        before = tuple(each for each in heard if "method" in each)
        return Said(response.status_code, response.headers, answer, before)

    async def ask(self, method: str, **params: Any) -> Said:
        """Make a request."""
        return await self.send(request(method, params))

    async def call(self, tool: str, meta: Json | None = None, **arguments: Any) -> Said:
        """Call a tool."""
        params: Json = {"name": tool, "arguments": arguments, **({"_meta": meta} if meta else {})}
        return await self.send(request("tools/call", params))

    async def tools(self) -> list[str]:
        """Return the names of the tools that are listed."""
        said = await self.ask("tools/list")
        return [each["name"] for each in said.result["tools"]]

    async def tell(self, method: str, **params: Any) -> int:
        """Send a notification and return the status."""
        async with self.posted({"jsonrpc": "2.0", "method": method, "params": params}) as response:
            return response.status_code

    async def shake_hands(self, version: str = LATEST) -> "Person":
        """Return the same person in a session of their own."""
        params = {"protocolVersion": version, "capabilities": self.capabilities, "clientInfo": {"name": "test"}}
        said = await self.send(request("initialize", params))
        assert said.result["protocolVersion"] == version
        person = Person(self.http, self.url, self.token, self.capabilities, said.headers["mcp-session-id"], version)
        await person.tell("notifications/initialized")
        return person

    async def leave(self) -> int:
        """End the session and return the status."""
        answer = await self.http.delete(self.url, headers=self.headers({"method": "", "params": {}}))
        return answer.status_code

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[AsyncIterator[Json]]:
        """Open the session's GET stream and give the messages on it."""
        headers = self.headers({"method": "", "params": {}}) | {"accept": "text/event-stream"}
        async with self.http.stream("GET", self.url, headers=headers) as response:
            assert response.status_code == 200, response.status_code
            yield messages(response)

    @asynccontextmanager
    async def listening(self, **notifications: Any) -> AsyncIterator[AsyncIterator[Json]]:
        """Listen, in the modern era, and give the messages that come; the acknowledgement has been read."""
        message = request("subscriptions/listen", {"notifications": notifications})
        async with self.posted(message) as response:
            assert response.status_code == 200, response.status_code
            heard = messages(response)
            first = await anext(heard)
            assert first["method"] == "notifications/subscriptions/acknowledged"
            yield heard


async def messages(response: httpx2.Response) -> AsyncIterator[Json]:
    """Yield the messages of a response, be it one JSON document or a stream of events."""
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        body = await response.aread()
        if body:
            yield json.loads(body)
        return
    async for line in response.aiter_lines():
        data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
        if data:
            yield json.loads(data)


@asynccontextmanager
async def people(url: str, *tokens: str, path: str = "/mcp") -> AsyncIterator[tuple[Person, ...]]:
    """Give a modern-era client for each token."""
    limits = httpx2.Limits(max_connections=200)
    async with httpx2.AsyncClient(timeout=60, limits=limits, trust_env=False) as http:
        yield tuple(Person(http, url + path, token) for token in tokens)

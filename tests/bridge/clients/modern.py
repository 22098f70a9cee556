"""A client of 2026-07-28: no session, questions arrive as results and are answered by asking again."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import httpx2

from tests.bridge.clients.client import ACCEPT, INFO, PATIENCE, Heard, Outcome, events
from tests.bridge.clients.person import Json, Person

VERSION = "2026-07-28"
PREFIX = "io.modelcontextprotocol/"
ROUNDS = 10
ASKABLE = frozenset({"tools/call", "prompts/get", "resources/read"})


class ModernClient:
    """Speaks 2026-07-28."""

    version = VERSION

    def __init__(self, http: httpx2.AsyncClient, url: str, person: Person) -> None:
        """Speak to one endpoint."""
        self._http, self._url, self.person = http, url, person
        self._ids = count(1)
        self._under_way: asyncio.Task[Outcome] | None = None

    async def call(self, method: str, params: Json, **more: Any) -> Outcome:
        """Send a request until it is complete."""
        self._under_way = asyncio.ensure_future(self._completed(method, params, more))
        async with asyncio.timeout(PATIENCE):
            return await self._under_way

    async def _completed(self, method: str, params: Json, more: Json) -> Outcome:
        given: Json = {}
        heard: list[Json] = []
        for _ in range(ROUNDS):
            outcome = await self.once(method, {**params, **given}, **more)
            heard += outcome.heard
            result = outcome.message.get("result", {})
            if result.get("resultType") != "input_required":
                assert "error" in outcome.message or result.get("resultType") == "complete", outcome.message
                return Outcome(outcome.message, heard)
            assert method in ASKABLE, f"{method} must not be answered by a question"
            given = self._given(result)
        raise AssertionError(f"{ROUNDS} rounds and no end")

    def _given(self, result: Json) -> Json:
        assert not {"ttlMs", "cacheScope"} & result.keys(), "a question must not be cached"
        questions = result.get("inputRequests", {})
        answers = {key: self.person.answer(each["method"], each.get("params", {})) for key, each in questions.items()}
        given: Json = {"inputResponses": answers} if questions else {}
        return {**given, "requestState": result["requestState"]} if "requestState" in result else given

    async def once(self, method: str, params: Json, **more: Any) -> Outcome:
        """Send one request, and return what came back."""
        message, heard = await self._ready(method, params, more), list[Json]()
        async with self._http.stream("POST", self._url, **message) as response:
            if response.headers["content-type"].startswith("application/json"):
                return Outcome(json.loads(await response.aread()))
            async for _, data in events(response):
                arrived = json.loads(data)
                if "method" not in arrived:
                    return Outcome(arrived, heard)
                assert "id" not in arrived, f"a request reached a modern client: {arrived}"
                heard.append(arrived)
        raise AssertionError(f"the stream of {method} ended without an answer")

    async def _ready(self, method: str, params: Json, more: Json) -> Json:
        meta: Json = {
            PREFIX + "protocolVersion": VERSION,
            PREFIX + "clientInfo": INFO,
            PREFIX + "clientCapabilities": self.person.declared,
        }
        meta |= {"progressToken": more["progress"]} if "progress" in more else {}
        meta |= {PREFIX + "logLevel": more["level"]} if "level" in more else {}
        headers = {**ACCEPT, "mcp-protocol-version": VERSION, "mcp-method": method}
        name = params.get("uri") if method == "resources/read" else params.get("name")
        headers |= {"mcp-name": name} if isinstance(name, str) else {}
        headers |= {f"mcp-param-{key}": value for key, value in more.get("mirrored", {}).items()}
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": {**params, "_meta": meta}}
        return {"headers": headers, "content": json.dumps(body)}

    async def cancel(self) -> None:
        """Close the stream: that is how this revision cancels."""
        assert self._under_way is not None
        self._under_way.cancel()

    @asynccontextmanager
    async def changes(self, uris: Sequence[str] = ()) -> AsyncIterator[Heard]:
        """Keep a `subscriptions/listen` open."""
        wanted: Json = dict.fromkeys(("toolsListChanged", "promptsListChanged", "resourcesListChanged"), True)
        wanted |= {"resourceSubscriptions": list(uris)} if uris else {}
        message = await self._ready("subscriptions/listen", {"notifications": wanted}, {})
        ident = json.loads(message["content"])["id"]
        heard = Heard()

        async def hear(response: httpx2.Response) -> None:
            async for _, data in events(response):
                arrived = json.loads(data)
                if "params" in arrived:
                    assert arrived["params"]["_meta"][PREFIX + "subscriptionId"] == ident, arrived
                await heard.take(arrived)

        async with self._http.stream("POST", self._url, **message) as response:
            hearing = asyncio.ensure_future(hear(response))
            try:
                await heard.until(lambda _: True)
                first = heard.messages[0]
                assert first.get("method") == "notifications/subscriptions/acknowledged", first
                assert first["params"]["notifications"] == wanted, f"only a part is honoured: {first}"
                yield heard
            finally:
                hearing.cancel()
                await asyncio.wait({hearing})

"""A client of 2024-11-05 over HTTP+SSE: one stream for everything that comes, one address for everything that goes."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2

from tests.bridge.clients.client import INFO, PATIENCE, Heard, Outcome, events
from tests.bridge.clients.person import Json, Person

VERSION = "2024-11-05"


class SSEClient:
    """Speaks 2024-11-05; use as `async with SSEClient(...).opened()`."""

    version = VERSION

    def __init__(self, http: httpx2.AsyncClient, url: str, person: Person) -> None:
        """Listen at this address."""
        self._http, self._url, self.person = http, url, person
        self._ids = count(1)
        self._latest = 0
        self._target = ""
        self._ready = asyncio.Event()
        self._pending: dict[int, asyncio.Future[Json]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._heard = Heard()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["SSEClient"]:
        """Keep the stream open, shake hands, and yield the client."""
        async with self._http.stream("GET", self._url, headers={"accept": "text/event-stream"}) as response:
            assert response.status_code == 200, f"GET {self._url}: {response.status_code} {await response.aread()!r}"
            hearing = asyncio.ensure_future(self._hear(response))
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._ready.wait()
                params = {"protocolVersion": VERSION, "capabilities": self.person.declared, "clientInfo": INFO}
                assert (await self.call("initialize", params)).result["protocolVersion"] == VERSION
                await self._post({"method": "notifications/initialized"})
                yield self
            finally:
                hearing.cancel()
                await asyncio.wait({hearing})

    async def _hear(self, response: httpx2.Response) -> None:
        async for kind, data in events(response):
            if kind == "endpoint":
                self._target = urljoin(self._url, data)
                assert urlsplit(self._target)[:2] == urlsplit(self._url)[:2], f"another origin: {data}"
                self._ready.set()
                continue
            await self._arrived(json.loads(data))

    async def _arrived(self, message: Json) -> None:
        if "method" not in message:
            waiting = self._pending.get(message["id"])
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
        elif "id" in message:
            given = self.person.answer(message["method"], message.get("params", {}))
            task = asyncio.ensure_future(self._post({"id": message["id"], "result": given}))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        else:
            await self._heard.take(message)

    async def _post(self, message: Json) -> None:
        answer = await self._http.post(self._target, json={"jsonrpc": "2.0", **message})
        assert answer.status_code == 202, f"{answer.status_code} {answer.text}"

    async def call(self, method: str, params: Json, **more: Any) -> Outcome:
        """Post a request, and wait for its answer on the stream."""
        if "level" in more:
            await self.call("logging/setLevel", {"level": more["level"]})
        if "progress" in more:
            params = {**params, "_meta": {"progressToken": more["progress"]}}
        ident = self._latest = next(self._ids)
        before = len(self._heard.messages)
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._pending[ident] = answer
        async with asyncio.timeout(PATIENCE):
            await self._post({"id": ident, "method": method, "params": params})
            message = await answer
        return Outcome(message, self._heard.messages[before:])

    async def cancel(self) -> None:
        """Say that the latest request is not wanted any more."""
        await self._post({"method": "notifications/cancelled", "params": {"requestId": self._latest}})

    @asynccontextmanager
    async def changes(self, uris: Sequence[str] = ()) -> AsyncIterator[Heard]:
        """Subscribe to these resources; everything comes on the one stream anyway."""
        for uri in uris:
            assert (await self.call("resources/subscribe", {"uri": uri})).result == {}
        self._heard.messages.clear()
        yield self._heard
        for uri in uris:
            assert (await self.call("resources/unsubscribe", {"uri": uri})).result == {}

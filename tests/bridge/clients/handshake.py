"""Clients of 2025-03-26, 2025-06-18 and 2025-11-25: a session, and requests of servers on the streams of calls."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import httpx2

from tests.bridge.clients.client import ACCEPT, INFO, PATIENCE, Heard, Outcome, events
from tests.bridge.clients.person import Json, Person

HEADER_SINCE = "2025-06-18"


class HandshakeClient:
    """Speaks one revision over Streamable HTTP."""

    def __init__(self, http: httpx2.AsyncClient, url: str, version: str, person: Person) -> None:
        """Speak to one endpoint; `open` first."""
        self._http, self._url, self.version, self.person = http, url, version, person
        self._ids = count(1)
        self._latest = 0
        self._headers: dict[str, str] = dict(ACCEPT)
        self._answering: set[asyncio.Task[None]] = set()
        self.capabilities: Json = {}

    async def open(self) -> None:
        """Shake hands."""
        params = {"protocolVersion": self.version, "capabilities": self.person.declared, "clientInfo": INFO}
        async with asyncio.timeout(PATIENCE):
            answer = await self._http.post(
                self._url, headers=self._headers, content=self._request("initialize", params)
            )
            parsed = [json.loads(data) async for _, data in events(answer)] or [answer.json()]
        result = Outcome(parsed[-1]).result
        assert result["protocolVersion"] == self.version
        self.capabilities = result["capabilities"]
        self._headers["mcp-session-id"] = answer.headers["mcp-session-id"]
        if self.version >= HEADER_SINCE:
            self._headers["mcp-protocol-version"] = self.version
        await self.tell({"method": "notifications/initialized"})

    async def close(self) -> None:
        """End the session."""
        await self._http.delete(self._url, headers=self._headers)

    def _request(self, method: str, params: Json) -> str:
        self._latest = next(self._ids)
        return json.dumps({"jsonrpc": "2.0", "id": self._latest, "method": method, "params": params})

    async def tell(self, message: Json) -> None:
        """Post what gets no answer: a notification, or the answer to a server's request."""
        body = json.dumps({"jsonrpc": "2.0", **message})
        answer = await self._http.post(self._url, headers=self._headers, content=body)
        assert answer.status_code == 202, f"{answer.status_code} {answer.text}"

    async def call(self, method: str, params: Json, **more: Any) -> Outcome:
        """Send a request, and answer on the way what the server asks on its stream."""
        if "level" in more:
            await self.call("logging/setLevel", {"level": more["level"]})
        if "progress" in more:
            params = {**params, "_meta": {"progressToken": more["progress"]}}
        async with asyncio.timeout(PATIENCE):
            return await self._sent(self._request(method, params))

    async def _sent(self, body: str) -> Outcome:
        heard = list[Json]()
        async with self._http.stream("POST", self._url, headers=self._headers, content=body) as response:
            if response.headers["content-type"].startswith("application/json"):
                return Outcome(json.loads(await response.aread()))
            async for _, data in events(response):
                arrived = json.loads(data)
                if "method" not in arrived:
                    return Outcome(arrived, heard)
                if "id" in arrived:
                    self._answer(arrived)
                else:
                    heard.append(arrived)
        raise AssertionError("the stream ended without an answer")

    def _answer(self, asked: Json) -> None:
        given = self.person.answer(asked["method"], asked.get("params", {}))
        task = asyncio.ensure_future(self.tell({"id": asked["id"], "result": given}))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def cancel(self) -> None:
        """Say that the latest request is not wanted any more: closing a stream cancels nothing in this era."""
        await self.tell({"method": "notifications/cancelled", "params": {"requestId": self._latest}})

    @asynccontextmanager
    async def changes(self, uris: Sequence[str] = ()) -> AsyncIterator[Heard]:
        """Keep the GET stream open, and subscribe to these resources."""
        heard = Heard()

        async def hear(response: httpx2.Response) -> None:
            async for _, data in events(response):
                arrived = json.loads(data)
                assert "id" not in arrived, f"a request on the GET stream: {arrived}"
                await heard.take(arrived)

        headers = {**self._headers, "accept": "text/event-stream"}
        async with self._http.stream("GET", self._url, headers=headers) as response:
            assert response.status_code == 200, response.status_code
            hearing = asyncio.ensure_future(hear(response))
            try:
                for uri in uris:
                    assert (await self.call("resources/subscribe", {"uri": uri})).result == {}
                yield heard
                for uri in uris:
                    assert (await self.call("resources/unsubscribe", {"uri": uri})).result == {}
            finally:
                hearing.cancel()
                await asyncio.wait({hearing})

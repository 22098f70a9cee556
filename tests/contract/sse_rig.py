"""What tests of HTTP+SSE upstreams stand on: a gateway's servers, and the people who call them."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

from ostiary.adapters.upstream.dial import Dialer
from ostiary.adapters.upstream.hub import Hub
from ostiary.adapters.upstream.server import Setup
from ostiary.core.model import Call, Caller, Client, Era, Kind, Order, Target
from ostiary.policy.egress import parse_url
from tests.contract.sse_double import PATIENCE, Old, running

Json = Mapping[str, Any]

OWN = b"authorization: Bearer s3cret\r\nx-tenant: acme\r\n"
LOOPBACK = Dialer((ip_network("127.0.0.0/8"),))
FORM = '{"elicitation":{"form":{}}}'


class Person:
    """The client at the other end of a call."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Json]] = []
        self.asked: list[str] = []

    async def notify(self, method: str, params: Json) -> None:
        self.told.append((method, params))

    async def ask(self, method: str, params: Json) -> Json:
        self.asked.append(method)
        return {"result": {"action": "accept", "content": {"name": "ana"}}}


def soon(seconds: float = PATIENCE) -> float:
    return asyncio.get_running_loop().time() + seconds


def order(name: str, who: str = "ana", seconds: float = PATIENCE, offer: str = "", **arguments: Any) -> Order:
    client = Client(Era.HANDSHAKE, "2025-11-25", {}, offer, {}, f"session of {who}")
    call = Call(1, "tools/call", name, {"name": name, "arguments": arguments}, client, progress="p")
    caller = Caller(who, "ostiary", f"tok_{who}", "token", 9e9)
    return Order(call, Target("old", Kind.TOOL, name, f"old.{name}", name), caller, soon(seconds), "r")


def setup(double: Old, **more: Any) -> Setup:
    return Setup("old", parse_url(double.url), OWN, dial=LOOPBACK, era="handshake", sse=True, **more)


@asynccontextmanager
async def served(double: Old | None = None, **more: Any) -> AsyncIterator[tuple[Old, Hub]]:
    async with running(double or Old()) as old:
        hub = Hub({})
        await hub.configure([setup(old, **more)])
        try:
            yield old, hub
        finally:
            async with asyncio.timeout(PATIENCE):
                await hub.close()


async def said(hub: Hub, asked: Order, person: Person | None = None) -> Any:
    answer = await hub.send(asked, person or Person())
    return json.loads(answer["result"]["content"][0]["text"])

"""Open a client of any revision in front of a gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from tests.bridge.clients.client import PATIENCE, Client
from tests.bridge.clients.handshake import HandshakeClient
from tests.bridge.clients.modern import ModernClient
from tests.bridge.clients.person import DECLARED, Json, Person
from tests.bridge.clients.sse import SSEClient

CLIENTS = ("2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")


@asynccontextmanager
async def opened(version: str, base: str, token: str, declared: Json | None = None) -> AsyncIterator[Client]:
    """Open a client of this version at an endpoint such as `http://127.0.0.1:1/servers/files`.

    It declares all that its version knows, unless told otherwise.
    """
    person = Person(DECLARED[version] if declared is None else declared)
    # Without certificates to check a client is made in no time, and there are hundreds; all goes over loopback.
    async with httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=PATIENCE, verify=False) as http:
        if version == "2024-11-05":
            async with SSEClient(http, f"{base}/sse", person).opened() as client:
                yield client
        elif version == "2026-07-28":
            yield ModernClient(http, f"{base}/mcp", person)
        else:
            handshake = HandshakeClient(http, f"{base}/mcp", version, person)
            await handshake.open()
            try:
                yield handshake
            finally:
                await handshake.close()

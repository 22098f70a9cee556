"""The real door, the real steps and a real ledger, around whatever tells callers: what a refusal leaves behind."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from ostiary.adapters.http.certificates import TLS
from ostiary.adapters.http.door import Door
from ostiary.adapters.store.ledger import Ledger
from ostiary.adapters.store.ledger_read import ledger_directory, verify
from ostiary.core.model import Caller, Inbound
from ostiary.core.ports import Reply
from ostiary.pipeline.serve import serve
from ostiary.protocol.challenge import Protection, challenge
from tests.contract.identity.provider import ISSUER, URL
from tests.pipeline.stage import CONFIG, Stage

Identify = Callable[[Inbound], Awaitable[Caller]]
PROTECTION = Protection(URL, (ISSUER,), dpop=("ES256",))


class Seen(Struct, frozen=True):
    """What came back, and what the ledger says about it."""

    status: int
    headers: dict[str, str]
    body: Any
    outcome: str
    detail: str

    @property
    def reason(self) -> str:
        return self.detail.partition(":")[0]

    @property
    def challenge(self) -> str:
        return self.headers.get("www-authenticate", "")


class Entrance:
    """One gateway, up to the question who is asking."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ledger = folder, Ledger(folder)
        self.identify: Identify | None = None
        stage = Stage(text=CONFIG.replace("http://127.0.0.1:8080", URL))
        self._snapshot = stage.snapshot
        self._world = msgspec.structs.replace(
            stage.world, identify=self._identify, audit=self.ledger, challenge=lambda path: challenge(PROTECTION, path)
        )
        self._door = Door(self._serve, self._serve, lambda: self._snapshot, _nowhere)

    async def _identify(self, message: Inbound) -> Caller:
        assert self.identify is not None
        return await self.identify(message)

    async def _serve(self, message: Inbound, reply: Reply) -> None:
        await serve(message, reply, self._world)

    async def knock(self, identify: Identify, message: Inbound, query: str = "", **headers: str) -> Seen:
        """Send what this message stands for, with these headers too; return what came back and was written down."""
        self.identify = identify
        before = len(self.records())
        status, fields, body = await self._asked(scoped(message, query, headers))
        fresh = [record for record in self.records()[before:] if record.get("type") == "outcome"]
        assert len(fresh) == 1, "a request that was heard leaves one record"
        return Seen(status, fields, body, fresh[0]["outcome"], fresh[0].get("detail", ""))

    async def _asked(self, scope: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        sent: list[Any] = []

        async def receive() -> Any:
            raise AssertionError("nobody reads a body to learn who is asking")

        async def send(message: Any) -> None:
            sent.append(message)

        await self._door(scope, receive, send)
        fields = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return sent[0]["status"], fields, json.loads(b"".join(each.get("body", b"") for each in sent[1:]) or b"null")

    def records(self) -> list[Any]:
        return [json.loads(line) for line in self.written().splitlines()]

    def written(self) -> bytes:
        """Return every byte of the ledger."""
        return b"".join(path.read_bytes() for path in sorted(ledger_directory(self.folder).glob("*.jsonl")))

    def sound(self) -> bool:
        return not verify(self.folder).problems

    def close(self) -> None:
        self.ledger.close()


async def _nowhere(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("a request for an endpoint was taken for a page")


def scoped(message: Inbound, query: str, more: dict[str, str]) -> dict[str, Any]:
    """Return the request that the edge makes this message of."""
    said = {"host": URL.partition("://")[2], "accept": "application/json", **message.headers, **more}
    if message.credential is not None:
        said.setdefault("authorization", f"Bearer {message.credential}")
    pairs = list(said.items()) + [(name, said[name]) for name in message.doubled]
    return {
        "type": "http", "method": message.verb, "path": message.endpoint, "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in pairs],
        "client": (message.peer, 1), "extensions": {TLS: message.certificate},
    }  # fmt: skip

"""A world in which everything is recorded and nothing is real: fakes that implement the ports."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.errors import GatewayError, LedgerStopped, Unauthenticated
from ostiary.core.model import Answer, Caller, Catalogue, Charge, Inbound, Json, Kind, Order, Snapshot, Target
from ostiary.core.ports import Back, Change, Journal, Release, Settle, Tell, Watched
from ostiary.core.screening import Guard, Payload, Screen, Verdict
from ostiary.core.trail import Trail
from ostiary.pipeline.links import Links
from ostiary.pipeline.serve import serve
from ostiary.pipeline.sessions import Sessions
from ostiary.pipeline.suspend import Suspensions
from ostiary.pipeline.world import World
from ostiary.protocol.modern import CAPABILITIES, VERSION

CONFIG = """
gateway: {url: "http://127.0.0.1:8080"}
servers: {files: {command: [files]}, crm: {command: [crm]}}
rules:
  - {name: devs-read, allow: [files.read, "files:*", files.prompt/greet], roles: [dev], limit: 3/min}
  - {name: nobody-drops, deny: ["*.drop"]}
  - {name: devs-all, allow: ["files.drop"], roles: [dev]}
  - {name: pushers, allow: [crm.push], roles: [dev], scopes: [crm:write]}
limits: [{name: per-caller, per: caller, concurrent: 2}]
"""
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
FILES = Catalogue(
    "files",
    "",
    tools=({"name": "read", "inputSchema": SCHEMA}, {"name": "drop", "inputSchema": SCHEMA}),
    prompts=({"name": "greet"},),
    resources=({"uri": "note://1", "name": "one"},),
    capabilities={"tools": {}, "prompts": {}, "resources": {}},
)
CRM = Catalogue("crm", "", tools=({"name": "push", "inputSchema": {"type": "object"}},), capabilities={"tools": {}})


def known(subject: str, *roles: str) -> Caller:
    tags = frozenset({"*", f"subject:{subject}", *(f"role:{role}" for role in roles)})
    return Caller(subject, "ostiary", f"tok_{subject}", f"token:tok_{subject}", 9e9, frozenset(roles), tags=tags)


CALLERS = {"ana-token": known("ana", "dev"), "eve-token": known("eve", "guest")}


class Heard:
    """A reply that remembers."""

    stream = True

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.before: list[Json] = []

    async def put(self, message: Json) -> None:
        self.before.append(message)

    async def open(self) -> None: ...

    async def pulse(self) -> None: ...

    async def keep(self, journal: Journal, prime: bool) -> None: ...

    async def interlude(self) -> None: ...

    async def replay(self, ident: str, data: bytes) -> None: ...

    async def event(self, name: str, data: bytes) -> None: ...

    async def finish(self, answer: Answer) -> int:
        self.answers.append(answer)
        return 0


class Book:
    """A ledger that remembers, and can be told to be full."""

    def __init__(self, log: list[str]) -> None:
        self.log, self.full = log, False
        self.begun: list[Trail] = []
        self.ended: list[Trail] = []

    def begin(self, trail: Trail) -> None:
        if self.full:
            raise LedgerStopped("no space left on device")
        self.log.append("intent")
        self.begun.append(trail)

    def end(self, trail: Trail) -> None:
        self.log.append("outcome")
        self.ended.append(trail)


class Sealed:
    """Seals that everyone can read: cryptography has its own tests."""

    def close(self, purpose: str, content: bytes) -> str:
        return f"{purpose}.{content.hex()}"

    def open(self, purpose: str, token: str) -> bytes:
        head, _, rest = token.partition(".")
        if head != purpose:
            raise ValueError("not a token of this gateway")
        return bytes.fromhex(rest)


class Ended(set[str]):
    def add(self, session: str, until: float = 0.0) -> None:  # type: ignore[override]
        super().add(session)


Look = Callable[[Payload], Verdict]


def looking(look: Look) -> Guard:
    """Return a guard that looks at once."""

    async def looked(payload: Payload) -> Verdict:
        return look(payload)

    return looked


class Stage:
    """One gateway of fakes."""

    def __init__(self, answer: Json | None = None, guards: tuple[Look, ...] = (), text: str = CONFIG) -> None:
        self.log: list[str] = []
        self.sent: list[Order] = []
        self.answer = answer or {"result": {"content": [], "resultType": "complete"}}
        self.carry: Callable[[Order, Back], Awaitable[Json]] | None = None
        self.audit = Book(self.log)
        self.paid: list[tuple[Charge, ...]] = []
        self.released = 0
        self.followers: list[Tell] = []
        self.watched: list[tuple[str, Tell]] = []
        self.unwatchable: dict[str, Json | GatewayError] = {}
        self.revoked: set[str] = set()
        catalogues = {("files", ""): FILES, ("crm", ""): CRM}
        self.snapshot: Snapshot = compiled(parse(text, "test.yaml"), catalogues, 7, "digest").snapshot
        if guards:
            self._guard(guards)
        counter, sessions = itertools.count(1), itertools.count(1)
        self.world = World(
            current=lambda: self.snapshot,
            identify=self.identify,
            spend=self.spend,
            send=self.send,
            audit=self.audit,
            surfaces=self.surfaces,
            sessions=Sessions(Sealed(), Ended(), lambda: 0.0, lambda: f"s{next(sessions)}", 3600.0),
            suspensions=Suspensions(lambda: f"held{next(sessions)}"),
            links=Links(),
            changes=self.changes,
            watch=self.watch,
            standing=self.standing,
            seal=Sealed(),
            clock=lambda: 0.0,
            time=lambda: 0.0,
            reference=lambda: f"ref-{next(counter)}",
            meter=lambda trail: self.log.append("metered"),
            challenge=lambda endpoint: "Bearer",
            serve=serve,
        )

    def _guard(self, guards: tuple[Look, ...]) -> None:
        screens = tuple(Screen(f"guard-{at}", looking(guard)) for at, guard in enumerate(guards))
        self.alter(lambda target: msgspec.structs.replace(target, guards_in=screens, guards_out=screens))

    def alter(self, change: Callable[[Target], Target]) -> None:
        """Change everything that a server has, as another configuration would."""
        surfaces = {}
        for key, surface in self.snapshot.surfaces.items():
            targets = {
                name: target if target.kind is Kind.GATEWAY else change(target)
                for name, target in surface.targets.items()
            }
            surfaces[key] = msgspec.structs.replace(surface, targets=targets)
        self.snapshot = msgspec.structs.replace(self.snapshot, surfaces=surfaces)

    async def identify(self, message: Inbound) -> Caller:
        self.log.append("identify")
        if message.credential not in CALLERS:
            raise Unauthenticated("unknown token", hint="unknown" if message.credential else "")
        return CALLERS[message.credential]

    async def spend(self, charges: tuple[Charge, ...], caller: Caller, message: Inbound | None = None) -> Settle:
        self.log.append("limit")
        self.paid.append(charges)

        def settle(_trail: Trail | None) -> None:
            self.released += 1

        return settle

    async def send(self, order: Order, back: Back) -> Json:
        self.log.append("sent")
        self.sent.append(order)
        return await self.carry(order, back) if self.carry else self.answer

    async def surfaces(self, endpoint: str, offer: str) -> Snapshot:
        surfaces = {**self.snapshot.surfaces, (endpoint, offer): self.snapshot.surfaces[endpoint, ""]}
        return msgspec.structs.replace(self.snapshot, surfaces=surfaces)

    def changes(self, servers: tuple[str, ...], tell: Tell) -> Release:
        self.followers.append(tell)
        return lambda: self.followers.remove(tell)

    async def watch(self, order: Order, tell: Tell) -> Watched:
        """Watch a resource, unless a test wants otherwise."""
        error = self.unwatchable.get(order.target.name)
        if isinstance(error, GatewayError):
            raise error
        if error is not None:
            return Watched(lambda: None, error)
        wish = (order.target.name, tell)
        self.watched.append(wish)
        return Watched(lambda: self.watched.remove(wish) if wish in self.watched else None)

    async def standing(self, caller: Caller) -> bool:
        return caller.client not in self.revoked

    def say(self, change: Change | None) -> None:
        """Tell everyone who follows, or watches the resource, what changed."""
        for tell in [*self.followers] if change is None or not change.watched else []:
            tell(change)
        for uri, tell in [*self.watched]:
            if change is not None and change.watched == uri:
                tell(change)

    async def serve(self, message: Inbound) -> Heard:
        heard = Heard()
        await serve(message, heard, self.world)
        return heard

    def play(self, message: Inbound) -> Answer:
        """Carry one message through, and return its one answer."""
        heard = asyncio.run(self.serve(message))
        assert len(heard.answers) == 1, "a message has exactly one last word"
        assert self.audit.ended, "no message ends without a record"
        return heard.answers[0]


def whole(body: bytes) -> Callable[[], Awaitable[bytes]]:
    async def read_all() -> bytes:
        return body

    return read_all


def post(method: str, token: str | None = "ana-token", **params: Any) -> Inbound:
    """Return a modern request."""
    params = {**params, "_meta": {VERSION: "2026-07-28", CAPABILITIES: {}}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": method}
    if name := params.get("name") or params.get("uri"):
        headers["mcp-name"] = name
    return Inbound("POST", "/mcp", headers, frozenset(), token, "127.0.0.1", whole(body))


def call(name: str, token: str | None = "ana-token", **arguments: Any) -> Inbound:
    """Return a modern tools/call."""
    return post("tools/call", token, name=name, arguments=arguments)


def handshake(method: str, session: str = "", ident: int | None = 1, **params: Any) -> Inbound:
    """Return a handshake-era message."""
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    if ident is not None:
        message["id"] = ident
    headers = {"mcp-session-id": session} if session else {}
    return Inbound("POST", "/mcp", headers, frozenset(), "ana-token", "127.0.0.1", whole(json.dumps(message).encode()))

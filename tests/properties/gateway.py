"""A real gateway between fakes: generated text is parsed, compiled and served, in both eras and by the swift way."""

from __future__ import annotations

import itertools
import json
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary.adapters.store.ledger_records import Bodies
from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.errors import Quarantined, Unauthenticated
from ostiary.core.model import MODERN, Answer, Caller, Charge, Inbound, Json, Order, Snapshot
from ostiary.core.ports import Back, Settle, Tell, Watched
from ostiary.core.trail import Trail
from ostiary.operate import quarantine
from ostiary.pipeline.links import Links
from ostiary.pipeline.serve import serve
from ostiary.pipeline.sessions import Sessions
from ostiary.pipeline.world import World as Ports
from ostiary.policy.quarantine import marks
from ostiary.protocol.modern import CAPABILITIES, INFO, VERSION
from tests.pipeline.stage import Ended, Heard, Sealed, Stage, whole
from tests.properties import world as values
from tests.properties.world import Person, World

LISTS: Final = {
    "tool": ("tools/list", "tools"),
    "prompt": ("prompts/list", "prompts"),
    "resource": ("resources/list", "resources"),
    "template": ("resources/templates/list", "resourceTemplates"),
}
_NAMED: Final = {"resource": "uri", "template": "uriTemplate"}
_KINDS: Final = {
    "not_found": "unknown",
    "forbidden": "refused",
    "bad_arguments": "unfit",
    "insufficient_scope": "scope",
}
BODIES: Final = Bodies(b"k" * 32)
_IDENTS: Final = itertools.count(1)
_stage: Final = lru_cache(Stage)


class Client(Struct, frozen=True):
    """A program at one endpoint; of the handshake era once it has a session."""

    person: str
    endpoint: str
    version: str
    program: str
    address: str
    session: str = ""

    @property
    def era(self) -> str:
        return "modern" if self.version == MODERN else "handshake"


class Said(Struct, frozen=True):
    """What became of one message."""

    answer: Answer
    trail: Trail
    sent: tuple[Order, ...]
    record: Json
    """What the ledger has of it."""

    @property
    def kind(self) -> str:
        """`sent`, `unknown`, `refused`, `unfit`, `scope`, or the outcome's own name."""
        if self.trail.outcome == "answered":
            return "sent"
        return _KINDS.get(self.trail.outcome, self.trail.outcome)

    @property
    def bytes(self) -> bytes:
        """All that the client is told."""
        head = json.dumps([self.answer.status, sorted(self.answer.headers.items())]).encode()
        return head + b"\n" + msgspec.json.encode(self.answer.payload)

    @property
    def rule(self) -> str:
        """The rule that the ledger names."""
        return str((self.record.get("decision") or {}).get("rule") or "")


class Book:
    """A ledger that keeps the bytes that a ledger on a disk would."""

    def __init__(self) -> None:
        self.intents: list[Json] = []
        self.outcomes: list[Json] = []

    def begin(self, trail: Trail) -> None:
        trail.intended = True
        self.intents.append(json.loads(BODIES.intent(trail)))

    def end(self, trail: Trail) -> None:
        record = json.loads(BODIES.refusal(trail))
        self.outcomes.append({**self.intents[-1], "outcome": record["outcome"]} if trail.intended else record)


class Gateway:
    """One generated gateway, and everything that it let out."""

    def __init__(self, world: World, *people: Person) -> None:
        self.world = world
        self.snapshot: Snapshot = snapshot(world)
        self.callers = {f"credential-{number}": values.caller(each) for number, each in enumerate(people)}
        self.marks = marks(world.shut, world.now)
        self.book = Book()
        self.sent: list[Order] = []
        self.flown: list[tuple[str, Json]] = []
        """What left by the swift way: the tool's label, and the arguments."""
        self.ports: Ports = msgspec.structs.replace(
            _stage().world,
            current=lambda: self.snapshot,
            identify=self.identify,
            spend=self.spend,
            send=self.send,
            audit=self.book,
            surfaces=self.surfaces,
            watch=self.watch,
            sessions=Sessions(Sealed(), Ended(), lambda: 0.0, lambda: f"s{next(_IDENTS)}", 3600.0),
            links=Links(),
            time=lambda: world.now,
            reference=lambda: "ref",
            meter=lambda _trail: None,
        )

    async def identify(self, message: Inbound) -> Caller:
        caller = self.callers.get(message.credential or "")
        if caller is None:
            raise Unauthenticated("unknown token")
        found = self.marks.barred(caller)
        if found:
            raise Quarantined(f"quarantine:{found}", caller=caller)
        return caller

    async def spend(self, charges: tuple[Charge, ...], caller: Caller, message: Inbound | None = None) -> Settle:
        return settled

    async def send(self, order: Order, back: Back) -> Json:
        self.sent.append(order)
        return {"result": {**_ANSWERS[order.call.method], "resultType": "complete"}}

    async def watch(self, order: Order, tell: Tell) -> Watched:
        return Watched(released)

    async def surfaces(self, endpoint: str, offer: str) -> Snapshot:
        surfaces = {**self.snapshot.surfaces, (endpoint, offer): self.snapshot.surfaces[endpoint, ""]}
        return msgspec.structs.replace(self.snapshot, surfaces=surfaces)

    async def say(self, message: Inbound) -> Said:
        """Carry one message through."""
        heard, before = Heard(), len(self.sent)
        trail = await serve(message, heard, self.ports)
        assert len(heard.answers) == 1, "a message has exactly one last word"
        return Said(heard.answers[0], trail, tuple(self.sent[before:]), self.book.outcomes[-1])

    async def client(self, endpoint: str, version: str, number: int = 0) -> Client:
        """Return a program that has said who it is; of the handshake era it has a session then."""
        it = Client(f"credential-{number}", endpoint, version, self.world.program, self.world.address)
        if it.era == "modern":
            return it
        info = {"name": it.program, "version": "1"}
        said = await self.say(message(it, "initialize", protocolVersion=version, capabilities={}, clientInfo=info))
        return msgspec.structs.replace(it, session=said.answer.headers.get("mcp-session-id", ""))

    async def ask(self, client: Client, method: str, **params: Any) -> Said:
        return await self.say(message(client, method, **params))

    async def listed(self, client: Client, kind: str) -> list[str]:
        """Return the names in a list, over all of its pages."""
        method, field = LISTS[kind]
        found: list[str] = []
        params: dict[str, Any] = {}
        while True:
            said = await self.ask(client, method, **params)
            if said.answer.payload is None or "result" not in said.answer.payload:
                return found
            result = said.answer.payload["result"]
            found += [entry[_NAMED.get(kind, "name")] for entry in result[field]]
            if "nextCursor" not in result:
                return found
            params = {"cursor": result["nextCursor"]}


_ANSWERS: Final[Json] = {
    "tools/call": {"content": []},
    "prompts/get": {"messages": []},
    "resources/read": {"contents": []},
    "completion/complete": {"completion": {"values": []}},
}


def released() -> None:
    """Give back what was never taken."""


def settled(_trail: Trail | None) -> None:
    """Settle what was never paid."""


@lru_cache(maxsize=1)
def _read(text: str) -> Any:
    return parse(text, "ostiary.yaml")


def snapshot(world: World) -> Snapshot:
    """Return what the text and the catalogues of a gateway are compiled to."""
    made = compiled(_read(values.text(world)), values.catalogues(world), 1, "digest").snapshot
    return quarantine.cut(made, marks(world.shut, world.now))


def message(client: Client, method: str, **params: Any) -> Inbound:
    """Return what a program of this era sends."""
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    headers: dict[str, str] = {}
    if client.era == "modern":
        info = {"name": client.program, "version": "1"}
        body["params"] = {**params, "_meta": {VERSION: client.version, CAPABILITIES: {}, INFO: info}}
        headers = {"mcp-protocol-version": client.version, "mcp-method": method}
        if (name := params.get("name") or params.get("uri")) and isinstance(name, str):
            headers["mcp-name"] = name
    elif client.session:
        headers = {"mcp-session-id": client.session}
    content = json.dumps(body).encode()
    return Inbound("POST", client.endpoint, headers, frozenset(), client.person, client.address, whole(content))


def addressed(kind: str, name: str, arguments: Any = None) -> tuple[str, dict[str, Any]]:
    """Return the method and the parameters that ask for something; None: it has no arguments."""
    if kind == "resource":
        return "resources/read", {"uri": name}
    if kind == "template":
        ref = {"type": "ref/resource", "uri": name}
        return "completion/complete", {"ref": ref, "argument": {"name": "path", "value": ""}}
    params = {"name": name} if arguments is None else {"name": name, "arguments": arguments}
    return ("tools/call" if kind == "tool" else "prompts/get"), params


def completing(name: str) -> tuple[str, dict[str, Any]]:
    """Return what asks for the completion of a prompt's argument."""
    return "completion/complete", {
        "ref": {"type": "ref/prompt", "name": name}, "argument": {"name": "path", "value": ""},
    }  # fmt: skip

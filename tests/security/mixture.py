"""Everything that clients and servers do to each other, mixed: does every answer reach its own request?

Callers of both eras, many of them, use servers of every kind, at random and with a seed. They are asked questions and
answer them, or answer late, twice or never; others try to answer in their place; they cancel, hang up, listen,
subscribe and forget. What they do is in `mixed_deeds`, what it costs the gateway is looked at in `vitals`.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from tests.e2e.rig import Rig
from tests.security import raw, speech
from tests.security.mixed_play import answer_of
from tests.security.raw import Ended, Said, Wire

Json = dict[str, Any]

PATIENCE: Final = 6
"""Seconds that a client has to answer (`gateway.timeouts.answer`)."""
TIMEOUT: Final = 10
"""Seconds that a server has for one call."""
LIVES: Final = 150.0
"""Seconds after which a client forgets a session; the gateway forgets it a little later (`timeouts.session`)."""
ANSWER_SECONDS: Final = 60.0
MOST_AT_ONCE: Final = 600
MOST_WRONG: Final = 20
IDLE_WIRE: Final = 2.0
SECRET: Final = re.compile(rb"~[0-9a-f.]+~")
REFUSAL: Final = "io.ostiary/refusal"
CAPABLE: Final[Json] = {"elicitation": {"form": {}}, "sampling": {}, "roots": {}}
TROUBLE: Final = frozenset({"upstream_lost", "upstream_unreachable", "upstream_refused"})
"""How a call may end whose server went away."""
UNATTRIBUTED: Final = "error -32601"
"""What a server on a pipe hears that asks while several calls are in flight: whose question it is cannot be told."""


class Wrong(Exception):
    """Something came back that must not."""


@dataclass(frozen=True, slots=True)
class Place:
    """One server behind the gateway, and how it speaks."""

    name: str
    modern: bool = False
    piped: bool = False
    """Its messages come on one stream for all calls of a caller."""
    callers: int = 0
    """Only so many callers use it: each of them gets a process. 0: everyone."""


PLACES: Final = (
    Place("modern", modern=True),
    Place("session"),
    Place("pipe", piped=True, callers=5),
    Place("events", piped=True),
)


class Line(Wire):
    """A connection on which the messages of an answer can be read as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.rested = 0, 0.0

    async def message(self) -> Json:
        """Return the next request or answer of the response that is under way."""
        while True:
            whole = raw.first(self.data) if self.data else None
            said = whole[0] if whole else raw.partial(self.data)
            found = _numbered(said) if said is not None else []
            if len(found) > self.read:
                self.read += 1
                return found[self.read - 1]
            if self.ended or whole:
                raise Ended(self.data)
            await self._more()

    async def rest(self) -> Said:
        """Return the whole answer."""
        self.read = 0
        return await self.take()


def _numbered(said: Said) -> list[Json]:
    if said.streaming and not said.whole:
        said = Said(said.status, said.head, said.body[: said.body.rfind(b"\n\n") + 2])
    elif not said.whole:
        return []
    return [message for message in said.messages() if "id" in message]


@dataclass(slots=True)
class Session:
    """One session of a handshake-era client."""

    path: str
    version: str
    fields: list[tuple[str, str]]
    born: float
    busy: int = 0


@dataclass(slots=True)
class Person:
    """One caller."""

    number: int
    token: str
    sessions: dict[tuple[str, bool], Session] = field(default_factory=dict)
    count: int = 0

    def ident(self) -> int:
        """Return a fresh id: everyone counts from one."""
        self.count += 1
        return self.count


@dataclass(slots=True)
class One:
    """One call: what it says, and what its client will answer when it is asked."""

    person: Person
    place: Place
    path: str
    tool: str
    ident: int
    nonce: str
    kind: str
    words: list[str]
    arguments: Json
    capable: bool
    session: Session | None = None
    """None: it is a modern one."""

    @property
    def params(self) -> Json:
        """The parameters, without the envelope."""
        return speech.call(self.tool, {"nonce": self.nonce, **self.arguments})

    def answer(self, number: int) -> Json:
        """Return the answer to its question of this number."""
        return answer_of(self.kind, self.words[min(number, len(self.words) - 1)])

    @property
    def said(self) -> str:
        """What the server says when all went well."""
        told = ["decline" if word == "" else word for word in self.words[: self.arguments.get("asks", 0)]]
        return "|".join([self.nonce, *told])


@dataclass(slots=True)
class Tally:
    """What was done and seen."""

    done: Counter[str] = field(default_factory=Counter)
    trouble: Counter[str] = field(default_factory=Counter)
    """Calls that ended badly because their server went away, by server and code."""
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def note(self, what: str) -> None:
        """Remember something that must not happen."""
        self.done["WRONG"] += 1
        if len(self.wrong) < MOST_WRONG:
            self.wrong.append(what)

    def lines(self) -> list[str]:
        """Return the figures for people."""
        pace = self.done["requests"] / max(self.seconds, 0.001)
        deeds = ", ".join(f"{count:,} {what}" for what, count in sorted(self.done.items()) if what != "requests")
        ends = ", ".join(f"{count:,} {what}" for what, count in sorted(self.trouble.items()))
        return [
            f"{self.done['requests']:,} requests in {self.seconds:.0f} s ({pace:,.0f}/s): {deeds}",
            f"servers that went away: {ends or 'none'}",
        ]


Deed = Callable[["Mixture"], Awaitable[None]]


class Mixture:
    """All callers at work."""

    def __init__(self, rig: Rig, names: Sequence[str], seed: int) -> None:
        """`names` are the servers that there are."""
        self.rig, self.dice, self.tally = rig, random.Random(seed), Tally()
        self.places = [place for place in PLACES if place.name in names]
        self.people = [Person(number, token) for number, token in enumerate(rig.tokens)]
        self.tasks: set[asyncio.Task[None]] = set()
        self._free: list[Line] = []
        self._count = 0

    async def run(self, deeds: Mapping[str, tuple[int, Deed]], seconds: float, pace: float) -> Tally:
        """Do `pace` things a second for so long; return when all of them have come to their end."""
        started = time.monotonic()
        names, weights = list(deeds), [weight for weight, _ in deeds.values()]
        spawned = 0
        while (elapsed := time.monotonic() - started) < seconds:
            for name in self.dice.choices(names, weights, k=max(0, int(elapsed * pace) - spawned)):
                spawned += 1
                if len(self.tasks) >= MOST_AT_ONCE:
                    self.tally.done["left out"] += 1
                    continue
                task = asyncio.get_running_loop().create_task(self._done(name, deeds[name][1]))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
            await asyncio.sleep(0.01)
        self.tally.seconds = time.monotonic() - started
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=ANSWER_SECONDS)
        for line in self._free:
            line.close()
        return self.tally

    async def _done(self, name: str, deed: Deed) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await deed(self)
        except Wrong as wrong:
            self.tally.note(f"{name}: {wrong}")
        except Ended as ended:
            self.tally.note(f"{name}: {ended}: {ended.data[-300:]!r}")
        except (TimeoutError, ValueError, KeyError, IndexError, OSError) as error:
            self.tally.note(f"{name}: {type(error).__name__}: {error}")

    # Connections, sessions, calls

    async def line(self) -> Line:
        """Return a connection that nobody uses."""
        self.tally.done["requests"] += 1
        while self._free:
            line = self._free.pop()
            if not line.ended and time.monotonic() - line.rested < IDLE_WIRE:
                return line
            line.close()
        _, line = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", self.rig.port)
        return line

    def back(self, line: Line) -> None:
        """Give a connection back on which nothing is under way."""
        line.rested = time.monotonic()
        self._free.append(line)

    async def once(self, data: bytes) -> Said:
        """Send one request, and return the whole answer."""
        line = await self.line()
        try:
            line.put(data)
            said = await line.rest()
        except BaseException:
            line.close()
            raise
        self.back(line)
        return said

    def person(self, place: Place) -> Person:
        """Return somebody who may use a server."""
        return self.people[self.dice.randrange(place.callers or len(self.people))]

    def other(self, person: Person) -> Person:
        """Return somebody else."""
        return self.people[(person.number + self.dice.randrange(1, len(self.people))) % len(self.people)]

    async def session(self, person: Person, path: str, capable: bool, *, fresh: bool = False) -> Session:
        """Return a session of this caller at an endpoint, opening one if there is none, or a fresh one is wanted."""
        found = person.sessions.get((path, capable))
        if found is not None and not fresh and time.monotonic() - found.born < LIVES:
            return found
        version = self.dice.choice(speech.HANDSHAKES[2:] if capable else speech.HANDSHAKES)
        params = {
            "protocolVersion": version,
            "capabilities": CAPABLE if capable else {},
            "clientInfo": {"name": "mixture", "version": "1"},
        }
        body = speech.packed(speech.message(person.ident(), "initialize", params))
        said = await self.once(speech.request(path, self.rig.host, speech.common(person.token), body))
        if said.status != 200:
            raise Wrong(f"initialize at {path}: {said.status} {said.body[:300]!r}")
        fields = speech.session_fields(person.token, said.header("mcp-session-id"), version)
        made = Session(path, version, fields, time.monotonic())
        self.tally.done["sessions begun"] += 1
        if not fresh:
            person.sessions[path, capable] = made
        return made

    async def one(
        self, *, era: str = "", place: Place | None = None, capable: bool | None = None, **arguments: Any
    ) -> One:
        """Return a call of somebody: of a random era, at a random server, directly or by the aggregate."""
        place = place or self.dice.choice(self.places)
        person, direct = self.person(place), self.dice.random() < 0.7
        path = f"/servers/{place.name}/mcp" if direct else "/mcp"
        capable = self.dice.random() < 0.5 if capable is None else capable
        modern = era == "modern" if era else self.dice.random() < 0.5
        session = None if modern else await self.session(person, path, capable)
        tool = "play" if direct else f"{place.name}__play"
        kind = str(arguments.get("kind", "elicit"))
        words = [self._secret(person) for _ in range(arguments.get("asks", 0))]
        if words and kind == "elicit" and self.dice.random() < 0.1:
            words[-1] = ""
        nonce = self._secret(person)
        return One(person, place, path, tool, person.ident(), nonce, kind, words, arguments, capable, session)

    def _secret(self, person: Person) -> str:
        self._count += 1
        return f"~{person.number:x}.{self._count:x}.{self.dice.getrandbits(48):x}~"

    def request(self, one: One, more: Json | None = None, person: Person | None = None, *, loud: bool = False) -> bytes:
        """Return a call as bytes; `more` are the answers of a retry, `person` somebody else who sends it."""
        params, host = {**one.params, **(more or {})}, self.rig.host
        if one.session is not None:
            if loud:
                params["_meta"] = {"progressToken": one.ident}
            return speech.spoken(one.path, host, one.session.fields, "tools/call", params, one.ident)
        meta = {**speech.ENVELOPE, speech.META + "clientCapabilities": CAPABLE if one.capable else {}}
        if loud:
            meta |= {"progressToken": one.ident, speech.META + "logLevel": "debug"}
        body = speech.packed(speech.message(one.ident, "tools/call", {**params, "_meta": meta}))
        fields = speech.modern_fields((person or one.person).token, "tools/call", params)
        return speech.request(one.path, host, fields, body)

    # Judging

    def own(self, one: One, said: Said) -> None:
        """Refuse bytes that hold what belongs to another call."""
        # What comes on a caller's own pipe outside of any call may be of another call of the same caller.
        kin = b"~%x." % one.person.number if one.place.piped else b"~none"
        mine = {one.nonce.encode(), *(word.encode() for word in one.words)}
        for secret in SECRET.findall(said.body):
            if secret not in mine and not secret.startswith(kin):
                raise Wrong(f"{secret!r} came to {one.nonce} at {one.place.name}")

    def right(self, one: One, message: Json) -> bool:
        """Refuse what is not this call's own answer; False where its server went away."""
        if message.get("id") != one.ident:
            raise Wrong(f"an answer for {message.get('id')!r}, not for {one.ident}: {json.dumps(message)[:300]}")
        result = message.get("result") or {}
        text = (result.get("content") or [{}])[0].get("text", "")
        if not result.get("isError") and text == one.said:
            self.tally.done["answers"] += 1
            return True
        code = refusal(message)
        if code in TROUBLE or (code == "overloaded" and one.place.callers):
            self.tally.trouble[f"{one.place.name} {code}"] += 1
            return False
        if one.place.piped and one.words and UNATTRIBUTED in text and text.startswith(one.nonce):
            self.tally.done["questions that could be anybody's"] += 1
            return False
        raise Wrong(f"not the answer {one.said!r} at {one.place.name} {one.path}: {json.dumps(message)[:500]}")


def refusal(message: Json) -> str:
    """Return the code of a refusal; of a JSON-RPC error without one of ours, its number."""
    error, result = message.get("error"), message.get("result") or {}
    if error is not None:
        return str((error.get("data") or {}).get(REFUSAL, {}).get("code", error.get("code")))
    return str((result.get("_meta") or {}).get(REFUSAL, {}).get("code", ""))


@contextmanager
def busy(session: Session | None) -> Iterator[None]:
    """Mark a session as one that is not to be ended now."""
    if session is not None:
        session.busy += 1
    try:
        yield
    finally:
        if session is not None:
            session.busy -= 1

"""Many callers with the same ids at once: does anything of one reach another?

Each call carries a secret that nobody else has, and the server behind the gateway adds nothing of its own. Whatever
comes back on any connection is searched for secrets: one that is not the call's own is a leak. Callers share
connections, as they do behind a proxy, so that nothing may stick to a connection either.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.e2e.rig import Rig
from tests.security import raw, speech
from tests.security.raw import Ended, Said, Wire

Json = dict[str, Any]

CONNECTIONS: Final = 128
ANSWER_SECONDS: Final = 40.0
MOST_WRONG: Final = 20
SECRET: Final = re.compile(rb"~[0-9a-f.]+~")
ACTS: Final = {
    "json": 760, "sse": 80, "progress": 70, "cut": 8, "drop": 4, "pair": 20,
    "cancel": 14, "hang up": 14, "resume": 10, "steal": 20,
}  # fmt: skip
"""What a call does, and how often in a thousand calls."""
VERSIONS: Final = speech.HANDSHAKES


class Leak(Exception):
    """Something came back that is not this call's own."""


@dataclass(slots=True)
class Person:
    """One caller: a token, a session, and the ids in flight, which are the same small numbers for everyone."""

    number: int
    token: str
    path: str
    tool: str
    version: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    flying: set[int] = field(default_factory=set)
    last_event: str = ""

    def ident(self) -> int:
        """Return the smallest id that this caller has not in flight."""
        number = 1
        while number in self.flying:
            number += 1
        self.flying.add(number)
        return number


@dataclass(slots=True)
class One:
    """One call under way."""

    person: Person
    ident: int
    secret: str
    era: str
    way: str
    data: bytes


@dataclass(slots=True)
class Tally:
    """What was done and seen."""

    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def note(self, what: str) -> None:
        """Remember something that must not happen."""
        self.done["WRONG"] += 1
        if len(self.wrong) < MOST_WRONG:
            self.wrong.append(what)

    def lines(self) -> list[str]:
        """Return the figures for people."""
        counted = ", ".join(f"{count:,} {what}" for what, count in sorted(self.done.items()))
        return [f"{counted} in {self.seconds:.1f} s ({self.done['calls'] / max(self.seconds, 0.001):,.0f}/s)"]


class Crowd:
    """All callers, and the connections that they share."""

    def __init__(
        self, rig: Rig, calls: int, seed: int, server: str = "echo", only: Sequence[str] = (), *, kin: bool = False
    ) -> None:
        """Do only these acts, where they are given; `kin`: log messages may be of another call of the same person."""
        self.rig, self.left, self.server, self.kin = rig, calls, server, kin
        self.dice = random.Random(seed)
        acts = {act: weight for act, weight in ACTS.items() if not only or act in only}
        self.acts, self.weights = list(acts), list(acts.values())
        self.tally = Tally()
        self.count = 0
        self.people = [self._person(number, token) for number, token in enumerate(rig.tokens)]

    def _person(self, number: int, token: str) -> Person:
        whole = number % 2 == 0
        path = "/mcp" if whole else f"/servers/{self.server}/mcp"
        return Person(number, token, path, f"{self.server}__echo" if whole else "echo", VERSIONS[number % 4])

    async def run(self, connections: int = CONNECTIONS) -> Tally:
        """Make every call, and return what was seen."""
        started = time.monotonic()
        for start in range(0, len(self.people), 20):
            await asyncio.gather(*(self._opened(person) for person in self.people[start : start + 20]))
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(connections, self.left)):
                tasks.create_task(self._worker())
        self.tally.seconds = time.monotonic() - started
        return self.tally

    async def _opened(self, person: Person) -> None:
        hello = speech.initialize(person.path, self.rig.host, person.token, person.version)
        said = await raw.once(self.rig.port, hello)
        person.fields = speech.session_fields(person.token, said.header("mcp-session-id"), person.version)

    async def _worker(self) -> None:
        wire = await raw.connect(self.rig.port)
        while self.left > 0:
            self.left -= 1
            act = self.dice.choices(self.acts, self.weights)[0]
            if wire.ended:
                wire = await raw.connect(self.rig.port)
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await DEEDS.get(act, plainly)(self, wire, act)
            except Leak as leak:
                self.tally.note(f"{act}: {leak}")
                wire.close()
            except (TimeoutError, Ended, ValueError, KeyError, OSError) as error:
                self.tally.note(f"{act}: {type(error).__name__}: {error}")
                wire.close()
        wire.close()

    # One call

    def call(self, way: str, ms: int = 0, era: str = "", progress: bool = False) -> One:
        """Return a call of a random caller."""
        person = self.people[self.dice.randrange(len(self.people))]
        return self.call_of(person, way, ms, era or ("modern" if self.dice.random() < 0.65 else "handshake"), progress)

    def call_of(self, person: Person, way: str, ms: int, era: str, progress: bool) -> One:
        """Return a call of one caller; its secret names the caller and the call, and cannot be guessed."""
        self.count += 1
        self.tally.done["calls"] += 1
        secret = f"~{person.number:x}.{self.count:x}.{self.dice.getrandbits(64):x}~"
        arguments: Json = {"secret": secret, "way": way, **({"ms": ms} if ms else {})}
        params, ident = speech.call(person.tool, arguments), person.ident()
        host = self.rig.host
        if era == "modern":
            data = speech.modern(
                person.path, host, person.token, "tools/call", params, ident, ident if progress else None
            )
        else:
            if progress:
                params["_meta"] = {"progressToken": ident}
            data = speech.spoken(person.path, host, person.fields, "tools/call", params, ident)
        return One(person, ident, secret, era, way, data)

    def check(self, one: One, said: Said, *, lost: bool = False) -> None:
        """Refuse everything that is not this call's own answer and progress."""
        self.own(one, said)
        messages = said.messages()
        if said.status != 200 or not messages:
            raise Leak(f"{one.era} {one.way}: status {said.status}: {said.head!r} {said.body[:200]!r}")
        for message in messages[:-1]:
            self._said_before(one, message)
        last = messages[-1]
        if last.get("id") != one.ident:
            raise Leak(f"an answer for id {last.get('id')!r} instead of {one.ident}: {said.body[:300]!r}")
        self._answer(one, last, lost=lost)

    def own(self, one: One, said: Said) -> None:
        """Refuse bytes that hold another call's secret."""
        mine = one.secret.encode()
        # What a process of one person's own says outside of any call may belong to another call of the same person.
        kin = b"~%x." % one.person.number if self.kin else mine
        for secret in SECRET.findall(said.body):
            if secret != mine and not secret.startswith(kin):
                raise Leak(f"the secret {secret!r} in the answer to {mine!r}")
        if SECRET.search(said.head):
            raise Leak(f"a secret in the headers of the answer to {mine!r}")

    def _said_before(self, one: One, message: Json) -> None:
        params = message.get("params", {})
        if message.get("method") == "notifications/message" and "data" in params:
            self.tally.done["log messages"] += 1
            return
        wanted = (one.ident, one.secret)
        if message.get("method") != "notifications/progress" or (params["progressToken"], params["message"]) != wanted:
            raise Leak(f"not the progress of {wanted}: {json.dumps(message)[:300]}")
        self.tally.done["progress"] += 1

    def _answer(self, one: One, last: Json, *, lost: bool) -> None:
        result = last.get("result") or {}
        text = result.get("content", [{}])[0].get("text")
        if lost:
            if result.get("isError") is not True:
                raise Leak(f"the server hung up, but the answer is {json.dumps(last)[:300]}")
            self.tally.done["lost upstream"] += 1
            return
        if text != one.secret or result.get("isError"):
            raise Leak(f"not the answer of {one.secret!r}: {json.dumps(last)[:300]}")
        self.tally.done["answers"] += 1

    def delay(self) -> int:
        """Return how many milliseconds a call takes: mostly none."""
        return self.dice.randrange(1, 30) if self.dice.random() < 0.1 else 0


async def plainly(crowd: Crowd, wire: Wire, way: str) -> None:
    """Make one call and wait for its answer."""
    lost = way in {"cut", "drop"}
    delay = crowd.dice.randrange(2, 40) if way in {"progress", "cut"} else crowd.delay()
    one = crowd.call(way, delay, progress=way in {"progress", "cut"})
    try:
        wire.put(one.data)
        said = await wire.take()
    finally:
        one.person.flying.discard(one.ident)
    crowd.check(one, said, lost=lost)


async def pairwise(crowd: Crowd, wire: Wire, _act: str) -> None:
    """Send two callers' requests at once on one connection: the answers come in their order."""
    two = [crowd.call("json", crowd.delay()), crowd.call("json")]
    try:
        wire.put(two[0].data + two[1].data)
        for one in two:
            crowd.check(one, await wire.take())
    finally:
        for one in two:
            one.person.flying.discard(one.ident)


async def hanging_up(crowd: Crowd, wire: Wire, _act: str) -> None:
    """Go away in the middle of a call."""
    one = crowd.call(crowd.dice.choice(("json", "progress")), crowd.dice.randrange(5, 60), progress=True)
    wire.put(one.data)
    try:
        async with asyncio.timeout(crowd.dice.random() * 0.03):
            crowd.check(one, await wire.take())
    except TimeoutError:
        crowd.tally.done["hang-ups"] += 1
    finally:
        one.person.flying.discard(one.ident)
        wire.close()
    said = raw.partial(wire.data)
    if said is not None:
        crowd.own(one, said)


async def cancelling(crowd: Crowd, wire: Wire, _act: str) -> None:
    """Cancel a call of a session by a notification; everyone else has calls of that id in flight, too."""
    one = crowd.call("progress", 1000, "handshake", progress=True)
    person, params = one.person, {"requestId": one.ident, "reason": "changed my mind"}
    other = await raw.connect(crowd.rig.port)
    try:
        wire.put(one.data)
        if crowd.dice.random() < 0.8:
            await wire.until(b"notifications/progress")
        other.put(
            speech.spoken(person.path, crowd.rig.host, person.fields, "notifications/cancelled", params, ident=None)
        )
        accepted = await other.take()
        said = await wire.take()
    finally:
        other.close()
        person.flying.discard(one.ident)
    if accepted.status != 202:
        raise Leak(f"a cancellation was answered {accepted.status}: {accepted.body!r}")
    crowd.own(one, said)
    finals = [message for message in said.messages() if "method" not in message]
    if finals:
        crowd.check(one, said)
    else:
        crowd.tally.done["cancelled"] += 1


async def resuming(crowd: Crowd, wire: Wire, _act: str) -> None:
    """Lose a stream of a session in the middle, and take it up again; nobody else can."""
    person = crowd.dice.choice([each for each in crowd.people if each.version == "2025-11-25"])
    one = crowd.call_of(person, "progress", 60, "handshake", progress=True)
    try:
        wire.put(one.data)
        await wire.until(b"\nid: ")
        wire.close()
        said = raw.partial(wire.data)
        ids = said.event_ids() if said else []
        if not ids:
            raise Leak(f"a stream of 2025-11-25 began without an event id: {wire.data!r}")
        thief = crowd.dice.choice([each for each in crowd.people if each is not person])
        await _resumed_by_nobody(crowd, thief, ids[0])
        back = await raw.once(crowd.rig.port, _resume(crowd, person.fields, person.path, ids[0]))
    finally:
        person.flying.discard(one.ident)
    crowd.check(one, back)
    crowd.tally.done["resumed"] += 1


def _resume(crowd: Crowd, fields: Sequence[tuple[str, str]], path: str, event: str) -> bytes:
    return speech.request(path, crowd.rig.host, [*fields, ("Last-Event-ID", event)], b"", "GET")


async def _resumed_by_nobody(crowd: Crowd, thief: Person, event: str) -> None:
    """Try another caller's event id: what opens may be the thief's own stream, with nothing of this call on it."""
    wire = await raw.connect(crowd.rig.port)
    try:
        wire.put(_resume(crowd, thief.fields, thief.path, event))
        await wire.until(b"\r\n\r\n")
        if SECRET.search(wire.data):
            raise Leak(f"another caller took up the stream of event {event}: {wire.data[-300:]!r}")
        crowd.tally.done["thefts refused"] += 1
    finally:
        wire.close()


async def stealing(crowd: Crowd, wire: Wire, _act: str) -> None:
    """Use another caller's session: it is unknown, whether for a call, its stream, or its end."""
    thief, victim = crowd.dice.sample(crowd.people, 2)
    stolen = [("Authorization", f"Bearer {thief.token}"), *victim.fields[1:]]
    host, kind = crowd.rig.host, crowd.dice.randrange(4)
    match kind:
        case 0:
            data = speech.request(victim.path, host, stolen, b"", "DELETE")
        case 1:
            data = speech.request(victim.path, host, stolen, b"", "GET")
        case 2:
            params = {"requestId": 1}
            data = speech.spoken(victim.path, host, stolen, "notifications/cancelled", params, ident=None)
        case _:
            data = speech.spoken(victim.path, host, stolen, "tools/list", {})
    wire.put(data)
    said = await wire.take()
    crowd.tally.done["calls"] += 1
    refused = [message["error"]["code"] for message in said.messages() if "error" in message]
    if refused != [-31001] or said.status not in {200, 404}:
        raise Leak(f"a stolen session was answered {said.status}: {said.body[:300]!r}")
    crowd.tally.done["thefts refused"] += 1


DEEDS: Final[dict[str, Callable[[Crowd, Wire, str], Awaitable[None]]]] = {
    "pair": pairwise,
    "cancel": cancelling,
    "hang up": hanging_up,
    "resume": resuming,
    "steal": stealing,
}


async def calls_seen(port: int) -> int:
    """Return how many calls the echo upstream has seen."""
    said = await raw.once(port, b"GET /seen HTTP/1.1\r\nHost: x\r\n\r\n")
    return int(json.loads(said.body)["calls"])

"""Calls as a company's agents make them: who, what, how it ended; the same ones for the same seed."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any, Final

from ostiary.core.errors import Forbidden
from ostiary.core.model import Allow, Call, Caller, Client, Deny, Era, Inbound, Kind, Reason, Target
from ostiary.core.trail import Trail

SERVERS: Final = ("files", "crm", "mail", "tickets", "wiki", "build", "data", "pay")
VERBS: Final = ("read", "list", "search", "find", "write", "update", "delete", "export", "send", "run")
PEOPLE: Final = 400
TURN: Final = 16
"""Calls that begin in one turn of the loop."""
_BEGIN: Final = 1_767_225_600.0
_STEP: Final = 0.9
"""Seconds between calls: five million of them are some two months."""
_KEPT: Final = 2000


async def _no_body() -> bytes:
    return b""


class Traffic:
    """Makes calls, and remembers some of what they said, to search for it."""

    def __init__(self, dice: random.Random) -> None:
        self._dice, self._count = dice, 0
        self.servers = SERVERS
        self.labels = [f"{server}.{verb}" for server in SERVERS for verb in VERBS]
        self.subjects = [f"person-{at}@example.com" for at in range(PEOPLE)]
        self.rules = [f"{server}-for-all" for server in SERVERS]
        self._callers = [self._caller(subject) for subject in self.subjects]
        self._targets = {label: self._target(label) for label in self.labels}
        self.traces: list[str] = []
        self.sessions: list[str] = []
        self._rare: list[str] = []
        self._messages = [
            Inbound("POST", "/mcp", {}, frozenset(), "credential", f"10.0.{at // 250}.{at % 250}", _no_body)
            for at in range(PEOPLE)
        ]
        self._modern = Client(Era.MODERN, "2026-07-28", {}, "", {"name": "agent"})

    def turns(self, calls: int) -> Iterator[list[Trail]]:
        """Yield so many calls, as many at a time as begin in one turn of the loop."""
        while calls > 0:
            size = min(TURN, calls)
            yield [self._trail() for _ in range(size)]
            calls -= size

    def moment(self, dice: random.Random) -> str:
        """Return a time at which there were calls."""
        at = _BEGIN + dice.random() * self._count * _STEP
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))

    def rare(self, dice: random.Random) -> str:
        """Return words that one call said."""
        return dice.choice(self._rare) if self._rare else "nothing"

    def reference_of(self, dice: random.Random) -> str:
        """Return the reference of a call."""
        return f"bench-{dice.randrange(self._count) + 1:x}"

    def _trail(self) -> Trail:
        dice = self._dice
        self._count += 1
        # A few people and tools do most of it, as everywhere.
        who = min(int(dice.expovariate(1 / 60)), PEOPLE - 1)
        label = self.labels[min(int(dice.expovariate(1 / 14)), len(self.labels) - 1)]
        target, name = self._targets[label], label.replace(".", "_")
        params: dict[str, Any] = {"name": name, "arguments": {"path": "a" * dice.randrange(4, 40), "limit": 3}}
        if dice.random() < 0.3:
            params["_meta"] = {"traceparent": f"00-{self._trace()}-00f067aa0ba902b7-01"}
        call = Call(1, "tools/call", name, params, self._client(who))
        started = float(self._count)
        made = Trail(
            self._messages[who], f"bench-{self._count:x}", 7, started, _BEGIN + self._count * _STEP,
            self._callers[who], call, target, Allow(f"{target.server}-for-all"),
        )  # fmt: skip
        self._end(made, dice.random())
        return made

    def _client(self, who: int) -> Client:
        if who % 3:
            return self._modern
        session = f"session-{who}-{self._count // 40_000}"
        if len(self.sessions) < _KEPT and session not in self.sessions[-200:]:
            self.sessions.append(session)
        return Client(Era.HANDSHAKE, "2025-11-25", {}, "", {"name": "editor"}, session)

    def _trace(self) -> str:
        if self._count % 20 == 1 or not self.traces:
            made = f"{self._dice.getrandbits(128):032x}"
            if len(self.traces) < _KEPT:
                self.traces.append(made)
            self._now = made
        return getattr(self, "_now", "0" * 32)

    def _end(self, made: Trail, chance: float) -> None:
        made.sent, made.answered, made.ended = made.started + 0.001, made.started + 0.02, made.started + 0.0215
        made.request_bytes, made.answer_bytes, made.outcome = 300, 1200, "answered"
        if chance < 0.03:
            made.sent, made.decision = 0.0, Deny(Reason.NO_RULE)
            made.refuse(Forbidden("no rule allows it"))
        elif chance < 0.08:
            made.outcome, made.detail = "tool_error", f"the tool said: row {self._dice.randrange(50_000)} is not there"
        elif chance < 0.0802:
            made.outcome, made.detail = (
                "upstream_failed",
                f"it closed the connection, ticket {self._dice.getrandbits(40):x}",
            )
            if len(self._rare) < _KEPT:
                self._rare.append(made.detail[-16:])
        elif chance < 0.1:
            made.findings = [f"secrets: {self._dice.choice(('email', 'aws key', 'iban'))} at /content/0/text"]

    @staticmethod
    def _caller(subject: str) -> Caller:
        return Caller(
            subject, "https://login.example.com", "agent-platform", "jwt", 9e9, roles=frozenset({"developer"}),
            teams=frozenset({"eng"}),
            tags=frozenset({f"subject:{subject}", "client:agent-platform", "role:developer", "team:eng", "*"}),
        )  # fmt: skip

    @staticmethod
    def _target(label: str) -> Target:
        server, _, name = label.partition(".")
        return Target(server, Kind.TOOL, name, label, label.replace(".", "_"))

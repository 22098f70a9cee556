"""Prove at start, after a reload and every few minutes that guards find what they should; stop calls where not."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import structlog

from ostiary.config.guards import GuardEntry
from ostiary.config.schema import Config
from ostiary.core.model import Json
from ostiary.core.screening import Block, Guard, Payload, Verdict
from ostiary.entry.chores import done
from ostiary.entry.plugins import USE, Kept, Plugins
from ostiary.operate.proving import Proof, Trial, prove

log: Final = structlog.get_logger(__name__)

_EVERY: Final = 300.0
_AGAIN: Final = 15.0
"""Seconds between proofs, of guards that work and of those that do not."""
_KEPT: Final = 4
"""Configurations whose guards are known: the present one, and those that are being tried."""
_UNTRIED: Final = Proof("it was not tried yet")
_MISSING: Final = Proof("it is not running")
Make = Callable[[Config], Mapping[str, Guard]]
Event = Callable[[str, Mapping[str, Any]], None]


class Gate:
    """A guard as calls meet it: one that is known to let through what it should find lets nothing through."""

    def __init__(self, entry: GuardEntry, guard: Guard, back: Guard | None = None, kept: Kept | None = None) -> None:
        """`back` turns its tokens back; `kept` is the plugin that it is."""
        self.entry, self.guard, self.back, self.kept = entry, guard, back, kept
        self.proof, self.tried = _UNTRIED, asyncio.Event()

    def __call__(self, payload: Payload) -> Awaitable[Verdict]:
        """Look at a payload as the guard does."""
        return self.guard(payload) if not self.proof.reason else self._doubted(payload)

    async def _doubted(self, payload: Payload) -> Verdict:
        if not self.tried.is_set() and not self.entry.key and not self.entry.url:
            # It takes milliseconds; the guard's own time bounds the wait. A provider is asked by each call anyway.
            await self.tried.wait()
        if self.proof.silent and not self.entry.unsafe_open:
            return Block("the guard does not find what it should")
        return await self.guard(payload)

    async def prove(self) -> None:
        """Find out whether it does what it should."""
        theirs = self.kept.plugin.canaries if self.kept is not None else tuple
        self.proof = await prove(Trial(self.entry, self.guard, secrets.randbelow, self.back, theirs))
        self.tried.set()


class Proving:
    """The guards of a gateway, and what is known of whether they work."""

    def __init__(self, make: Make, config: Callable[[], Config], event: Event) -> None:
        """`make` makes guards; `config` is the one in force; `event` writes into the ledger."""
        self._plugins = Plugins()
        self._make, self._config, self._event = make, config, event
        self._gates: list[tuple[tuple[GuardEntry, ...], dict[str, Gate]]] = []
        self._fresh = asyncio.Event()
        self._alarmed: dict[str, str] = {}
        """By guard: why it does not work, as was told."""

    def made(self, config: Config) -> Mapping[str, Guard]:
        """Return the guards of a configuration, each behind a gate."""
        found = dict(self._make(config))
        kept = {each.name: self._plugins(each) for each in config.guards if each.use == USE}
        found |= {name: each.guard for name, each in kept.items()}
        gates = {
            each.name: Gate(each, found[each.name], found.get(f"{each.name}/reveal"), kept.get(each.name))
            for each in config.guards
            if each.name in found
        }
        self._gates = [*self._gates[1 - _KEPT :], (config.guards, gates)]
        self._fresh.set()
        return found | gates

    # What is known

    def failing(self) -> dict[str, str]:
        """Return the guards that calls depend on and that do not work, or were not tried yet, and why."""
        return {name: why for name, why in self._reasons().items() if not self._lenient(name)}

    def doubtful(self) -> dict[str, str]:
        """Return the same of those that stop nothing: they are rehearsed, or may be left out."""
        return {name: why for name, why in self._reasons().items() if self._lenient(name)}

    def working(self) -> dict[str, bool]:
        """Return of every guard whether it works."""
        reasons = self._reasons()
        return {each.name: each.name not in reasons for each in self._config().guards}

    def told(self) -> Json:
        """Return for the ledger which code of others looks at calls, where any does."""
        told = [gate.kept.told() for gate in self._present().values() if gate.kept is not None]
        return {"plugins": told} if told else {}

    def _reasons(self) -> dict[str, str]:
        gates, names = self._present(), [each.name for each in self._config().guards]
        proofs = {name: gates[name].proof if name in gates else _MISSING for name in names}
        return {name: proof.reason for name, proof in proofs.items() if proof.reason}

    def _lenient(self, name: str) -> bool:
        return any(each.name == name and (each.shadow or each.unsafe_open) for each in self._config().guards)

    def _present(self) -> Mapping[str, Gate]:
        """Return the gates of the configuration in force."""
        entries = self._config().guards
        return next((gates for known, gates in reversed(self._gates) if known == entries), {})

    # How it becomes known

    async def run(self) -> None:
        """Prove every guard, again and again, until cancelled."""
        failing: set[str] = set()
        while True:
            self._fresh.clear()
            await done(self.round, failing)
            await self._rest()

    async def round(self) -> None:
        """Prove every guard of the configuration in force, all at once, and tell what changed."""
        async with asyncio.TaskGroup() as group:
            for gate in self._present().values():
                group.create_task(gate.prove())
        self._tell()

    async def _rest(self) -> None:
        """Wait until the next proof is due: soon where a guard does not work, at once where there are new ones."""
        try:
            async with asyncio.timeout(_AGAIN if self._reasons() else _EVERY):
                await self._fresh.wait()
        except TimeoutError:
            return

    def _tell(self) -> None:
        """Say of each guard, once, that it does not work or works again."""
        gates, reasons = self._present(), self._reasons()
        untried = [name for name in reasons if name in gates and gates[name].proof is _UNTRIED]
        if untried:
            # The configuration changed during the round: nothing is known of these, and the next round is due at once.
            return
        for name, why in reasons.items():
            if self._alarmed.get(name) != why:
                log.error("a guard does not do what it should", guard=name, reason=why)
                self._event("guard_failed", {"guard": name, "reason": why})
        for name in self._alarmed.keys() - reasons.keys():
            log.info("a guard does what it should again", guard=name)
            self._event("guard_recovered", {"guard": name})
        self._alarmed = reasons

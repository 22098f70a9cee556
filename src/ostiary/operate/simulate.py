"""Decide past calls again, by another configuration: what enforcement would say, and what nobody can tell. Pure.

The decision is `decide`'s, as for a call. Where the ledger hides what a rule reads, it is asked twice, with everything
that is not known in favour of the caller and against them; where the answers differ, the call is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary.core.model import Allow, Caller, Decision, Kind, Snapshot, Surface, Target
from ostiary.core.rules import FALSE, TRUE, Ask
from ostiary.operate import past as pasts
from ostiary.operate.looks import ALWAYS, MINUTES, Look, Outcome, looks, outcome, read, settled
from ostiary.operate.past import Past, Within
from ostiary.policy.approvals import wanted
from ostiary.policy.decide import at_once, decide, rehearsals
from ostiary.policy.needs import needed
from ostiary.policy.quarantine import RULE, Marks
from ostiary.policy.scopes import Brings
from ostiary.protocol.methods import METHODS

_WITH_ARGUMENTS: Final = frozenset({"tools/call", "prompts/get"})
_ASKED: Final = _WITH_ARGUMENTS | {"resources/read"}
"""What people are asked about."""
_KEPT: Final = 50_000
_VARIANTS: Final = 256
"""Verdicts kept of one caller and one target, for as many ways in which arguments and times may matter."""

ALLOWED, HELD, REFUSED, UNDECIDED = "allowed", "held", "refused", "undecided"
ARGUMENTS: Final = "a rule reads arguments, of which the ledger keeps the shape only"
CLAIMS: Final = "a rule reads what the issuer said of the caller, which the ledger does not keep"
RUN: Final = "a rule reads what the agent run had met before, which the record does not say"
CALLER: Final = "the record does not say which roles, teams and scopes the caller had"
NARROWED: Final = "the token was narrowed, and is not known any more"
UNSEEN: Final = "it is not in the approved catalogue, or its server was not asked yet"
CUT: Final = "its name is too long to be in the ledger"


class Verdict(Struct, frozen=True):
    """What would become of one call."""

    now: str
    """`allowed`, `held` for somebody's approval, `refused` or `undecided`."""
    because: str
    label: str = ""
    rule: str = ""
    rules: tuple[str, ...] = ()
    """Those on which it hangs, where it is not decided."""
    shadow: tuple[str, ...] = ()
    """What rehearsed rules would have made of it, in the words of the ledger."""
    open: tuple[str, ...] = ()
    """What they may have made of it, as far as can be told."""


class World(Struct, frozen=True):
    """What the calls are decided by."""

    snapshot: Snapshot
    servers: frozenset[str]
    """Those that are configured, and not disabled."""
    asked: frozenset[str]
    """Those whose offer is known."""
    approved: frozenset[str]
    """The labels of everything that was approved."""
    marks: Marks
    brings: Brings
    narrowing: Callable[[str], Within | None]
    """A token's id → what it is narrowed to; None: there is no such token."""


Meaning = Callable[[str, Surface, Caller, Ask], Target | None]
"""URI → the resource that it means to a caller."""


class Replay:
    """Decides past calls by one world; calls that agree in everything that counts are decided once."""

    def __init__(self, world: World, meaning: Meaning) -> None:
        self._world, self._meaning = world, meaning
        self._callers: dict[bytes, tuple[pasts.Who, Caller, str] | None] = {}
        self._kept: dict[tuple[Any, ...], Verdict | _Varying] = {}
        self._looks: dict[int, tuple[Target, tuple[Look, ...]]] = {}

    def verdict(self, past: Past) -> Verdict | None:
        """Return what would become of a call; None where it is the gateway's own matter, or was no call yet."""
        principal = bytes(past.principal)
        key = (principal, past.endpoint, past.offer, past.method, past.name, past.tool)
        known = self._kept.get(key)
        if known is None:
            spec = METHODS.get(past.method)
            if spec is None or spec.key is None or not past.name:
                return None
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            known = self._kept[key] = self._found(past, principal, spec.kind)
        found = known if isinstance(known, Verdict) else known.verdict(past)
        return found if found.now != HELD else _held(found, past.method)

    def place(self, past: Past) -> tuple[Caller, Target, bool] | None:
        """Return who called, what it was about, and whether there were claims; None where any of it is not known."""
        spec, asking = METHODS.get(past.method), self._asking(bytes(past.principal))
        if spec is None or spec.key is None or not past.name or asking is None or asking[0].tags is None:
            return None
        target = self._target(past, asking[1], spec.kind)
        return None if isinstance(target, Verdict) else (asking[1], target, asking[0].claims)

    def _found(self, past: Past, principal: bytes, kind: Kind) -> Verdict | _Varying:
        asking = self._asking(principal)
        if asking is None:
            return Verdict(UNDECIDED, CALLER, past.tool)
        it, caller, barred = asking
        if barred:
            return Verdict(REFUSED, f"quarantined: {RULE}{barred}", past.tool, f"{RULE}{barred}")
        target = self._target(past, caller, kind)
        if isinstance(target, Verdict):
            return target
        if it.tags is None and (target.allows or target.rehearsed):
            return Verdict(UNDECIDED, CALLER, target.label)
        if it.narrowed and caller.within is None:
            return Verdict(UNDECIDED, NARROWED, target.label)
        if target.careful:
            return _Varying(target, caller, self.looks(target), claims=it.claims)
        return _verdict(decide(caller, target), caller, target)

    def looks(self, target: Target) -> tuple[Look, ...]:
        """Return what each rule looks at that covers a target."""
        kept = self._looks.get(id(target))
        if kept is None:
            if len(self._looks) >= _KEPT:
                self._looks.clear()
            # With the target itself: the number of one that is gone may be another's.
            kept = self._looks[id(target)] = target, looks(target)
        return kept[1]

    def _asking(self, principal: bytes) -> tuple[pasts.Who, Caller, str] | None:
        if principal not in self._callers:
            if len(self._callers) >= _KEPT:
                self._callers.clear()
            it, world = pasts.who(principal), self._world
            if it is None:
                self._callers[principal] = None
            else:
                caller = pasts.caller(it, world.brings, world.narrowing(it.client) if it.narrowed else None)
                self._callers[principal] = it, caller, world.marks.barred(caller)
        return self._callers[principal]

    # What it was about

    def _target(self, past: Past, caller: Caller, kind: Kind) -> Target | Verdict:
        snapshot, endpoint = self._world.snapshot, past.endpoint
        surface = snapshot.surfaces.get((endpoint, past.offer)) or snapshot.surfaces.get((endpoint, ""))
        if surface is None:
            known = endpoint in snapshot.endpoints
            return Verdict(UNDECIDED, UNSEEN, past.tool) if known else _gone(past, f"there is no {endpoint} any more")
        if past.method.startswith("tasks/") or past.method == "completion/complete":
            target = _labelled(surface, past.tool)
        elif len(past.name or "") >= pasts.NAME:
            uri = past.tool.removeprefix(f"{past.server}:")
            cut = kind is not Kind.RESOURCE or not past.tool or len(past.tool) >= pasts.LABEL
            target = None if cut else self._resource(uri, past, surface, caller)
            if target is None:
                return Verdict(UNDECIDED, CUT, past.tool)
        elif kind is Kind.RESOURCE:
            target = self._resource(past.name or "", past, surface, caller)
        else:
            target = surface.targets.get((kind, past.name or ""))
        return self._missing(past, kind) if target is None else target

    def _resource(self, uri: str, past: Past, surface: Surface, caller: Caller) -> Target | None:
        ask = Ask(None, None, "", past.program, past.version, past.era, past.peer, past.endpoint)
        found = self._meaning(uri, surface, caller, ask)
        link = surface.links.get(past.server)
        if found is None and past.tool and link is not None and (Kind.RESOURCE, uri) not in surface.clashes:
            # It was in no list then either, or is in none any more: the server may have handed it over.
            return link.at(uri) if link.fits(uri) else None
        return found

    def _missing(self, past: Past, kind: Kind) -> Verdict:
        world = self._world
        if not past.tool:
            return Verdict(REFUSED, "nothing is offered there under this name", past.name or "")
        if past.server not in world.servers:
            return _gone(past, f"there is no server {past.server} any more")
        if past.server in world.asked and (past.tool in world.approved or kind is Kind.RESOURCE):
            return _gone(past, f"it is not offered at {past.endpoint} under this name any more")
        return Verdict(UNDECIDED, UNSEEN, past.tool)


class _Varying:
    """One caller and one target, whose rules look at more than that."""

    def __init__(self, target: Target, caller: Caller, every: tuple[Look, ...], *, claims: bool) -> None:
        self._target, self._caller, self._looks, self._claims = target, caller, every, claims
        self._reads = any(each.ways for each in self._looks)
        self._call = any(each.call for each in self._looks)
        self._now = max((each.now for each in self._looks), default=0)
        self._runs = any(each.rule.after for each in self._looks)
        self._kept: dict[tuple[Any, ...], Verdict] = {}

    def verdict(self, past: Past) -> Verdict:
        """Return what would become of a call."""
        given = self._given(past)
        key = (
            msgspec.json.encode(list(map(_plain, given))) if self._reads else b"",
            (past.peer, past.program, past.version, past.era) if self._call else (),
            past.time if self._now == ALWAYS else past.time[:16] if self._now == MINUTES else "",
            (past.run.had, past.run.lacked) if self._runs and past.run is not None else None,
        )
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _VARIANTS:
                self._kept.clear()
            found = self._kept[key] = self._decided(past, given)
        return found

    def _given(self, past: Past) -> list[Any]:
        """Return what each rule reads of the arguments."""
        if past.method not in _WITH_ARGUMENTS or self._target.task:
            return [_ANY] * len(self._looks)
        if not self._reads:
            return [dict(self._target.fixed)] * len(self._looks)
        masked = pasts.shape(bytes(past.arguments))
        return [read(each, masked, self._target) for each in self._looks]

    def _decided(self, past: Past, given: list[Any]) -> Verdict:
        caller, target, every = self._caller, self._target, self._looks
        came_of = tuple(
            outcome(
                look, caller, pasts.ask(past, look.rule.after), None if arguments is _ANY else arguments,
                claims=self._claims,
            )
            for look, arguments in zip(every, given, strict=True)
        )  # fmt: skip
        for_, against = (settled(target, every, came_of, allow=each, deny=not each) for each in (True, False))
        best, worst = decide(caller, for_, _SETTLED), decide(caller, against, _SETTLED)
        alike = type(best) is type(worst) and at_once(best) is at_once(worst)
        found = _verdict(best, caller, target) if alike else _undecided(target, every, came_of)
        return _rehearsed(found, caller, (best, worst), (target, every, came_of)) if target.rehearsed else found


def _plain(read: Any) -> Any:
    """Return what was read as it can be told apart from anything else."""
    if isinstance(read, tuple):
        return [_plain(each) for each in read]
    return None if read is pasts.HIDDEN else read


_ANY: Final[Mapping[str, Any]] = {"": None}
"""The method has no arguments of its own, so that any count."""
_SETTLED: Final = Ask()
_Settling = tuple[Target, tuple[Look, ...], tuple[Outcome, ...]]


def _rehearsed(found: Verdict, caller: Caller, decisions: tuple[Decision, Decision], it: _Settling) -> Verdict:
    """Return the verdict with what rehearsed rules made of the call: what they must have made of it, and may have."""
    certain, possible = (settled(*it, allow=each, deny=each) for each in (False, True))
    must = [set(rehearsals(caller, certain, _SETTLED, each)) for each in decisions]
    may = [set(rehearsals(caller, possible, _SETTLED, each)) for each in decisions]
    sure = must[0] & must[1]
    return msgspec.structs.replace(found, shadow=tuple(sorted(sure)), open=tuple(sorted((may[0] | may[1]) - sure)))


def _undecided(target: Target, every: tuple[Look, ...], came_of: tuple[Outcome, ...]) -> Verdict:
    enforced = len(target.allows) + len(target.denies)
    open_ = [(look, each) for look, each in list(zip(every, came_of, strict=True))[:enforced] if _matters(look, each)]
    why = ARGUMENTS if any(each.arguments for _, each in open_) else CLAIMS
    why = RUN if any(each.run for _, each in open_) else why
    rules = tuple(sorted({look.rule.name for look, _ in open_}))
    return Verdict(UNDECIDED, why, target.label, ", ".join(rules), rules)


def _matters(look: Look, it: Outcome) -> bool:
    """Say whether it is open whether a rule allows, or denies."""
    return it.open and bool(it.mask & (TRUE if look.allows else FALSE))


def _verdict(decision: Decision, caller: Caller, target: Target) -> Verdict:
    if isinstance(decision, Allow) and decision.approvals:
        return Verdict(HELD, f"held: {wanted(decision.approvals)}", target.label, decision.rule)
    if isinstance(decision, Allow):
        return Verdict(ALLOWED, f"rule {decision.rule} allows it", target.label, decision.rule)
    return Verdict(REFUSED, needed(decision, caller, target), target.label, decision.rule or "")


def _held(found: Verdict, method: str) -> Verdict:
    """Return what is held as it is for this method: a task goes on with its call's approval; some cannot have any."""
    if method in _ASKED:
        return found
    return msgspec.structs.replace(found, now=ALLOWED if method.startswith("tasks/") else REFUSED)


def _gone(past: Past, why: str) -> Verdict:
    return Verdict(REFUSED, f"not_found: {why}", past.tool)


def _labelled(surface: Surface, label: str) -> Target | None:
    """Return what has a label here; a template is found by its own."""
    if not label:
        return None
    every = (*surface.targets.values(), *(each.target for each in surface.templates))
    return next((target for target in every if target.label == label and target.kind is not Kind.GATEWAY), None)

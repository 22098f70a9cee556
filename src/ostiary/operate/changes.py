"""What would change: verdicts over past calls, counted by whom they concern. Pure, and of bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct

from ostiary.operate.past import Past, who
from ostiary.operate.simulate import ALLOWED, HELD, UNDECIDED, Verdict

MOST: Final = 5_000
"""Groups that are told apart in each list."""
EXAMPLES: Final = 3
"""Calls that are named for each rule that is not decided."""
_SPARSELY: Final = 100
OTHERS: Final = "(others)"
_NOT_FOUND: Final = "not_found"


class Change(Struct):
    """Calls of one caller to one thing, that would end otherwise in one way."""

    subject: str
    issuer: str
    what: str
    because: str
    rule: str
    calls: int = 0
    last: str = ""
    """When the newest of them was made."""
    reference: str = ""
    """Of that one."""


class Open(Struct):
    """Calls that hang on one rule of which the ledger does not say enough; or on something else, without a rule."""

    rule: str
    because: str
    calls: int = 0
    examples: tuple[Example, ...] = ()
    """A few of them."""


class Example(Struct, frozen=True):
    """One call, as `ostiary audit` finds it."""

    reference: str
    time: str
    subject: str
    what: str


class Changes:
    """Counts verdicts."""

    def __init__(self) -> None:
        self.calls, self.own, self.unjudged = 0, 0, 0
        """All calls; those to the gateway itself; those that ended before anything was decided."""
        self.still_allowed, self.still_refused = 0, 0
        self.refused = Groups()
        """Allowed then, and not any more."""
        self.allowed = Groups()
        """Refused then, and allowed now."""
        self.held = Groups()
        """Allowed then without anybody's approval, and now only with it."""
        self.undecided = Groups()
        self._rules: dict[tuple[str, str], Open] = {}
        self.shadow = Groups()
        """What rehearsed rules would have done."""
        self.open = Groups()
        """What they may have done, as far as can be told."""
        self.first, self.last = "", ""

    def add(self, past: Past, verdict: Verdict | None) -> None:
        """Count one call."""
        self.calls += 1
        self.first, self.last = self.first or past.time, past.time
        if verdict is None:
            self.own += 1
            return
        if past.decision is None and past.outcome != _NOT_FOUND:
            self.unjudged += 1
            return
        if verdict.shadow or verdict.open:
            self._rehearsed(past, verdict)
        then = past.allowed
        if verdict.now == UNDECIDED:
            self.undecided.add(past, verdict)
            self._hangs(past, verdict)
        elif verdict.now == HELD and then and not past.held:
            self.held.add(past, verdict)
        elif then is (verdict.now in (ALLOWED, HELD)):
            self.still_allowed += then
            self.still_refused += not then
        else:
            (self.refused if then else self.allowed).add(past, verdict)

    @property
    def rules(self) -> list[Open]:
        """What is not decided by the rules on which it hangs, those of most calls first; a call may hang on several."""
        return sorted(self._rules.values(), key=lambda it: (-it.calls, it.rule, it.because))

    def _hangs(self, past: Past, verdict: Verdict) -> None:
        for rule in verdict.rules or ("",):
            found = self._rules.get((rule, verdict.because))
            if found is None:
                # There are as many as rules, and reasons.
                found = self._rules[rule, verdict.because] = Open(rule, verdict.because)
            found.calls += 1
            if found.calls <= EXAMPLES or found.calls % _SPARSELY == 0:
                it = who(bytes(past.principal))
                example = Example(past.reference, past.time, it.subject if it else "", verdict.label)
                found.examples = (*found.examples, example)[-EXAMPLES:]

    def _rehearsed(self, past: Past, verdict: Verdict) -> None:
        for said in verdict.shadow:
            self.shadow.add(past, msgspec.structs.replace(verdict, because=said, rule=_rule(said)))
        for said in verdict.open:
            self.open.add(past, msgspec.structs.replace(verdict, because=said, rule=_rule(said)))


_Key = tuple[bytes, str, str, str]
"""Principal, label, why, rule."""


class Groups:
    """Changes of one kind; beyond so many, the rest are one."""

    def __init__(self) -> None:
        self.calls = 0
        self._groups: dict[_Key, Change] = {}

    def add(self, past: Past, verdict: Verdict) -> None:
        """Count one call."""
        self.calls += 1
        key = (bytes(past.principal), verdict.label, verdict.because, verdict.rule)
        found = self._groups.get(key)
        if found is None:
            found = self._new(key, verdict) if len(self._groups) < MOST else self._rest()
        found.calls += 1
        found.last, found.reference = past.time, past.reference

    def __iter__(self) -> Iterator[Change]:
        """Yield the changes, those that concern most calls first; a caller with several credentials is one."""
        merged: dict[tuple[str, ...], Change] = {}
        for each in self._groups.values():
            key = (each.subject, each.issuer, each.what, each.because, each.rule)
            known = merged.setdefault(key, each)
            if known is not each:
                newest = max(known, each, key=lambda it: it.last)
                total = known.calls + each.calls
                merged[key] = msgspec.structs.replace(newest, calls=total)
        return iter(sorted(merged.values(), key=lambda it: (-it.calls, it.subject, it.what, it.because, it.rule)))

    def _new(self, key: _Key, verdict: Verdict) -> Change:
        it = who(key[0])
        subject, issuer = (it.subject, it.issuer) if it else ("", "")
        made = self._groups[key] = Change(subject, issuer, verdict.label, verdict.because, verdict.rule)
        return made

    def _rest(self) -> Change:
        key = (b"", OTHERS, "", "")
        return self._groups.setdefault(key, Change(OTHERS, "", OTHERS, "too many to tell apart", ""))


def _rule(said: str) -> str:
    return said.removeprefix("shadow: ").partition(" ")[0]

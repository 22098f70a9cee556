"""Limits against a reference model: whatever begins, ends and waits in whatever order, both say the same of each call.

The model knows the definitions and no arithmetic of ours: it remembers everything that happened, and adds it up anew
for each call. Times and rates are such that binary fractions hold them exactly.
"""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import Any, NamedTuple

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.adapters.store.limits import MemoryLimits
from ostiary.core.costs import Budget, Cost
from ostiary.core.errors import Limited
from ostiary.core.model import Caller, Charge, Inbound
from ostiary.core.ports import Settle
from ostiary.core.trail import Trail

NOON = 1_767_268_800.0


async def nothing() -> bytes:
    return b""


def person(name: str, *teams: str) -> Caller:
    return Caller(name, "ostiary", f"tok_{name}", "token", 9e12, teams=frozenset(teams))


PEOPLE = (person("ana", "red", "blue"), person("ben", "red"), person("eve"))
MESSAGES = tuple(
    Inbound("POST", endpoint, {}, frozenset(), None, peer, nothing)
    for endpoint, peer in (("/mcp", "10.0.0.1"), ("/views/sales/mcp", "2001:db8::1"), ("/views/sales/mcp", "10.0.0.1"))
)
DAY = Budget(1_000, "USD", "day", UTC)
HOUR = Budget(100, "USD", "h", UTC)
CHARGES = (
    Charge("a", "caller", 0.5, 3.0, 2),
    Charge("b", "team", 0.25, 4.0, 0, within=("10/s",)),
    Charge("c", "caller+view", 0.0, 0.0, 1),
    Charge("d", "address", 0.125, 5.0, 0),
    Charge("e", "team", 0.0, 0.0, 0, "spend", ("spend",), budget=DAY, reserve=200),
    Charge("f", "all", 0.0, 0.0, 0, "spend", ("spend",), budget=HOUR, reserve=50),
    Charge("g", "client", 0.0, 0.0, 0, "spend", ("spend",), budget=DAY, reserve=None),
    Charge("h", "all", 1.0, 1.0, 1, shadow=True),
)


class Begun(NamedTuple):
    at: float
    charges: tuple[Charge, ...]
    who: int
    where: int


class Reference:
    """Everything that happened, and what follows from it."""

    def __init__(self) -> None:
        self.let: list[Begun] = []
        self.costs: dict[int, int | None] = {}
        """By the number of a call: what it cost; None: it is in flight."""
        self.held: dict[tuple[int, str, str], int] = {}

    @staticmethod
    def shares(charge: Charge, one: Begun, other: Begun) -> set[str]:
        """Return the names under which two calls pay into the same bucket."""
        mine, theirs = Reference.names(charge, one), Reference.names(charge, other)
        return mine & theirs

    @staticmethod
    def names(charge: Charge, call: Begun) -> set[str]:
        caller, message = PEOPLE[call.who], MESSAGES[call.where]
        view = message.endpoint.split("/")[2] if "views" in message.endpoint else ""
        return {
            "caller": {caller.subject}, "team": set(caller.teams or {""}), "caller+view": {f"{caller.subject}/{view}"},
            "address": {message.peer}, "all": {""}, "client": {caller.client},
        }[charge.per]  # fmt: skip

    def refuses(self, call: Begun) -> str:
        for charge in call.charges:
            for name in sorted(self.names(charge, call)):
                if not charge.shadow and not self.admits(charge, name, call):
                    return charge.bucket
        return ""

    def admits(self, charge: Charge, name: str, call: Begun) -> bool:
        before = [
            (number, each)
            for number, each in enumerate(self.let)
            if charge in each.charges and name in self.names(charge, each)
        ]
        if charge.concurrent and sum(self.costs[number] is None for number, _ in before) >= charge.concurrent:
            return False
        if charge.budget is not None:
            return self.left(charge, name, call.at) >= (1 if charge.reserve is None else charge.reserve)
        level, at = charge.burst, 0.0
        for _, each in before:
            level = min(charge.burst, level + (each.at - at) * charge.rate) - 1.0
            at = each.at
        return not charge.rate or min(charge.burst, level + (call.at - at) * charge.rate) >= 1.0

    def left(self, charge: Charge, name: str, now: float) -> int:
        assert charge.budget is not None
        length = 3600.0 if charge.budget.period == "h" else 86_400.0
        taken = 0
        for number, each in enumerate(self.let):
            inside = (NOON + each.at) // length == (NOON + now) // length
            if charge in each.charges and name in self.names(charge, each) and inside:
                cost = self.costs[number]
                taken += self.held[number, charge.bucket, name] if cost is None else cost
        return charge.budget.micros - taken

    def begin(self, call: Begun) -> int:
        number = len(self.let)
        for charge in call.charges:
            if charge.budget is not None:
                for name in self.names(charge, call):
                    left = self.left(charge, name, call.at)
                    self.held[number, charge.bucket, name] = left if charge.reserve is None else charge.reserve
        self.let.append(call)
        self.costs[number] = None
        return number


def trail(cost: int) -> Trail:
    return Trail(MESSAGES[0], "ref", 1, 0.0, 0.0, cost=Cost(cost, "USD"))


Tills = dict[tuple[tuple[Charge, ...], int, int], Any]


def paying(limits: MemoryLimits, call: Begun, tills: Tills | None = None) -> tuple[str, Settle | None]:
    """Return which limit refuses a call, or what ends it; with `tills`, by what is kept for calls like this one."""
    try:
        if tills is None:
            return "", asyncio.run(limits(call.charges, PEOPLE[call.who], MESSAGES[call.where]))
        like = (call.charges, call.who, call.where)
        if like not in tills:
            tills[like] = limits.owing(call.charges, PEOPLE[call.who], MESSAGES[call.where])
        return "", tills[like]()
    except Limited as refusal:
        return (refusal.detail if refusal.retry_after else "without a time"), None


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("begin"), st.integers(0, 2), st.integers(0, 2),
            st.lists(st.sampled_from(CHARGES), min_size=1, max_size=5, unique=True),
        ),
        st.tuples(st.just("end"), st.integers(0, 30), st.sampled_from([0, 1, 25, 50]), st.none()),
        st.tuples(st.just("wait"), st.sampled_from([0.125, 0.5, 1.0, 4.0, 60.0, 3600.0, 50_000.0]), st.none(), st.none()),
    ),
    max_size=60,
)  # fmt: skip


@settings(max_examples=800, deadline=None)
@given(STEPS, st.booleans())
def test_what_is_let_in_is_what_the_definitions_let_in(steps: list[tuple[str, Any, Any, Any]], kept: bool) -> None:
    now, model = 0.0, Reference()
    tills: Tills | None = {} if kept else None
    limits = MemoryLimits(lambda: now, lambda: NOON + now)
    open_: list[tuple[int, Settle]] = []
    for kind, first, second, charges in steps:
        if kind == "wait":
            now += first
        elif kind == "end" and open_:
            number, settle = open_.pop(first % len(open_))
            settle(trail(second))
            model.costs[number] = second
        elif kind == "begin":
            begun = Begun(now, tuple(charges), first, second)
            expected = model.refuses(begun)
            refused, paid = paying(limits, begun, tills)
            assert refused == expected
            if paid is not None:
                open_.append((model.begin(begun), paid))
    for number, settle in open_:
        settle(trail(0))
        model.costs[number] = 0
    assert limits._busy == {}
    assert all(each.held == 0 for each in limits._accounts.values())


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 400), st.integers(0, 3)), max_size=60),
    st.sampled_from([10.0, 100.0]),
)
def test_what_is_only_known_afterwards_is_paid_back_before_anything_else_goes(
    steps: list[tuple[int, int, int]], rate: float
) -> None:
    """A bucket may owe, for what the calls took that were let in before; then it lets in nobody until that is paid."""
    now = 0.0
    limits = MemoryLimits(lambda: now)
    charge = Charge("bytes", "all", rate, 4 * rate, 0, "bytes", ("bytes",))
    open_: list[Settle] = []
    paid = 0.0
    for pause, size, order in steps:
        now += pause
        if order and open_:
            open_.pop(order % len(open_))(msgspec.structs.replace(trail(0), request_bytes=size, sent=1.0))
            paid += size
            continue
        refused, settle = paying(limits, Begun(now, (charge,), 0, 0))
        owes = paid > 4 * rate + now * rate
        assert refused or not owes
        if settle is not None:
            open_.append(settle)

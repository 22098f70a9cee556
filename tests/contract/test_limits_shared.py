"""Who shares a limit, what is rehearsed, what is known only afterwards, and what may be forgotten."""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import Any

import msgspec
import pytest

from ostiary.adapters.store.limits import MemoryLimits
from ostiary.core.costs import Budget, Cost
from ostiary.core.errors import Limited
from ostiary.core.model import Caller, Charge, Inbound
from ostiary.core.ports import Settle
from ostiary.core.trail import Trail


async def body() -> bytes:
    return b""


def message(peer: str = "10.0.0.1", endpoint: str = "/mcp") -> Inbound:
    return Inbound("POST", endpoint, {}, frozenset(), None, peer, body)


def person(name: str, **more: Any) -> Caller:
    return Caller(name, "ostiary", more.pop("client", f"tok_{name}"), "token", 9e12, **more)


ANA, BEN = person("ana"), person("ben")


class Counter:
    """Limits with a clock that stands still until it is set."""

    def __init__(self, most: int = 1000) -> None:
        self.now = 0.0
        self.events: list[tuple[str, Any]] = []
        self.limits = MemoryLimits(
            lambda: self.now, lambda: self.now, lambda *said: self.events.append(said), most=most
        )  # fmt: skip

    def pay(self, charge: Charge, caller: Caller = ANA, where: Inbound | None = None) -> Settle:
        return asyncio.run(self.limits((charge,), caller, where or message()))

    def lets(self, charge: Charge, caller: Caller, where: Inbound | None = None) -> bool:
        try:
            self.pay(charge, caller, where)
        except Limited:
            return False
        return True


def trail(**more: Any) -> Trail:
    return msgspec.structs.replace(Trail(message(), "ref", 1, 0.0, 0.0), **more)


@pytest.mark.parametrize(
    ("per", "same", "other"),
    [
        ("caller", (ANA, message("10.0.0.2")), (BEN, message())),
        ("client", (person("ben", client="tok_ana"), message()), (ANA.__class__("ana", "ostiary", "x", "", 1.0), message())),
        ("agent", (BEN, message()), (person("ana", agent="helper"), message())),
        ("address", (BEN, message()), (ANA, message("10.0.0.2"))),
        ("view", (BEN, message(endpoint="/servers/crm/mcp")), (ANA, message(endpoint="/views/sales/mcp"))),
        ("caller+address", (ANA, message()), (ANA, message("10.0.0.2"))),
        ("all", (BEN, message("10.0.0.2", "/views/sales/mcp")), None),
        ("server+tool", (BEN, message()), None),
    ],
)  # fmt: skip
def test_a_limit_is_shared_by_those_who_have_in_common_what_it_says(
    per: str, same: tuple[Caller, Inbound], other: tuple[Caller, Inbound] | None
) -> None:
    counter, charge = Counter(), Charge("once", per, 0.001, 1.0, 0)
    assert counter.lets(charge, ANA)
    assert not counter.lets(charge, *same)
    assert other is None or counter.lets(charge, *other)


def test_addresses_of_one_subscriber_share_a_limit() -> None:
    """RFC 6177: whoever has an IPv6 network has more addresses than any table has rows."""
    counter, charge = Counter(), Charge("once", "address", 0.001, 1.0, 0)
    assert counter.lets(charge, ANA, message("2001:db8::1"))
    assert not counter.lets(charge, ANA, message("2001:db8::ffff"))
    assert counter.lets(charge, ANA, message("2001:db8:0:1::1"))


def test_each_of_several_windows_holds() -> None:
    counter = Counter()
    windows = (Charge("a", "caller", 10.0, 2.0, 0), Charge("a", "caller", 0.01, 3.0, 0, within=("3/min",)))
    pay = counter.limits.owing(windows, ANA, message())
    pay()
    pay()
    with pytest.raises(Limited, match="a"):
        pay()
    counter.now = 1.0
    pay()
    with pytest.raises(Limited) as refused:
        pay()
    assert "3 calls per 300 s" in refused.value.hint
    assert counter.limits._buckets["a", "ostiary", "ana"].level == 1.0, "it was not paid into"


def test_a_rehearsed_limit_refuses_nobody_and_says_whom_it_would_have() -> None:
    counter = Counter()
    charge = Charge("once", "caller", 0.001, 1.0, 1, shadow=True)
    budget = Charge(
        "gold",
        "caller",
        0.0,
        0.0,
        0,
        "spend",
        ("spend",),
        shadow=True,
        budget=Budget(30, "USD", "day", UTC),
        reserve=20,
    )
    pay = counter.limits.owing((charge, budget), ANA, message())
    found = []
    for settle in [pay(), pay()]:
        ended = trail(cost=Cost(20, "USD"))
        assert settle is not None
        settle(ended)
        found.append(ended.findings)
    assert found == [[], [f"shadow: limit {name} would have refused it" for name in ("once", "gold")]]
    assert [each.spent for each in counter.limits._accounts.values()] == [40], "it shows by how much"


def test_bytes_and_seconds_are_taken_when_a_call_has_ended() -> None:
    for unit, ended in (
        ("bytes", trail(request_bytes=30, answer_bytes=70, sent=1.0)),
        ("seconds", trail(sent=1.0, answered=101.0)),
    ):
        counter, charge = Counter(), Charge("a", "all", 1.0, 50.0, 0, unit, (unit,))
        counter.pay(charge)(ended)
        with pytest.raises(Limited) as refused:
            counter.pay(charge)
        assert refused.value.retry_after is not None
        assert 50.0 < refused.value.retry_after <= 100.0
        assert "50" in refused.value.hint
        counter.now = refused.value.retry_after
        counter.pay(charge)


def test_a_call_that_never_left_takes_no_seconds_and_gives_its_estimate_back() -> None:
    counter, charge = Counter(), Charge("a", "all", 1.0, 50.0, 0, "seconds", ("seconds",))
    counter.pay(charge)(trail(sent=1.0, answered=11.0))
    counter.now = 100.0
    settle = counter.pay(charge)
    assert counter.limits._buckets["a\0seconds",].level == 40.0, "as long as the one before"
    settle(None)
    assert counter.limits._buckets["a\0seconds",].level == 50.0
    counter.pay(charge)(trail())
    assert counter.limits._buckets["a\0seconds",].level == 50.0


def test_only_a_full_bucket_is_forgotten_and_who_is_new_waits_for_room() -> None:
    """Whoever can be many must not be able to have others' limits, or their own, forgotten."""
    counter, charge = Counter(most=3), Charge("a", "caller", 1.0, 5.0, 0)
    for _ in range(5):
        counter.pay(charge, ANA)
    for name in ("b", "c"):
        counter.pay(charge, person(name))
    with pytest.raises(Limited) as refused:
        counter.pay(charge, person("d"))
    assert "as many callers as it can" in refused.value.hint
    counter.now = 2.0
    counter.pay(charge, person("d"))
    assert set(counter.limits._buckets) == {("a", "ostiary", "ana"), ("a", "ostiary", "d")}
    for _ in range(2):
        counter.pay(charge, ANA)
    assert not counter.lets(charge, ANA)


def test_a_flood_of_new_callers_does_not_have_each_of_them_look_for_room() -> None:
    counter, charge = Counter(most=1), Charge("a", "caller", 1.0, 5.0, 0)
    counter.pay(charge, ANA)
    assert not counter.lets(charge, BEN)
    counter.now = 1.0
    counter.limits._swept = 0.5
    assert not counter.lets(charge, BEN), "there would be room, and nobody looked again yet"
    counter.now = 1.5
    assert counter.lets(charge, BEN)


def test_only_what_is_over_is_forgotten_of_budgets() -> None:
    counter = Counter(most=1)
    charge = Charge("a", "caller", 0.0, 0.0, 0, "spend", ("spend",), budget=Budget(30, "USD", "h", UTC), reserve=20)
    settle = counter.pay(charge, ANA)
    counter.now = 3599.0
    assert not counter.lets(charge, BEN)
    counter.now = 3600.0
    assert counter.lets(charge, BEN)
    settle(trail(cost=Cost(20, "USD")))
    assert [each.held for each in counter.limits._accounts.values()] == [20], "an hour later it is nobody's business"


def test_a_budget_warns_once_in_each_of_its_windows() -> None:
    counter = Counter()
    budget = Budget(1_000_000, "USD", "h", UTC)
    charge = Charge("gold", "caller", 0.0, 0.0, 0, "spend", ("spend",), budget=budget, reserve=1, warn=80)
    for now in (0.0, 1.0, 2.0, 3600.0):
        counter.now = now
        counter.pay(charge)(trail(cost=Cost(400_000 if now < 3600.0 else 900_000, "USD")))
    assert [kind for kind, _ in counter.events] == ["budget_warning"] * 2
    assert counter.events[0][1] == {
        "limit": "gold", "whose": ["ostiary", "ana"], "spent": "0.8 USD", "of": "1 USD", "percent": 80,
        "period": "h",
    }  # fmt: skip

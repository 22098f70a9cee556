"""Rules want the word of people: with the right role, never the caller's own, of enough of them, and in time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from ostiary.adapters.store import database, holds, keys, votes
from ostiary.adapters.store.holds import APPROVED, REFUSED, USED, WAITING, Holds
from ostiary.adapters.store.votes import Objected, Voter
from ostiary.core.errors import Held
from ostiary.core.ports import Wish
from ostiary.core.rules import Approval

LEAD = Approval("large-refunds", frozenset({"lead"}), 1, 600.0)
TWO = Approval("outside", frozenset({"lead", "ciso"}), 2, 900.0)
WISH = Wish(
    "https://id", "ann", "cli", "crm.refund", "tools/call", "rules/large-refunds",
    "the rule large-refunds wants the approval of a person with the role lead",
    {"name": "refund", "arguments": {"amount": 500}}, (LEAD,),
)  # fmt: skip
BOTH = msgspec.structs.replace(WISH, by="rules/large-refunds,outside", needs=(LEAD, TWO))
LEA = Voter("lea", "https://id", frozenset({"lead"}))
MAX = Voter("max", "https://id", frozenset({"ciso"}))


class House:
    def __init__(self, folder: Path) -> None:
        self.engine: sa.Engine = database.opened(folder)
        self.seal, self.now = keys.Sealer(keys.key(folder, keys.SEAL)), 1000.0
        self.ask = Holds(self.engine, self.seal, lambda: self.now)

    def asked(self, wish: Wish = WISH, **more: Any) -> str:
        return asyncio.run(self.ask(msgspec.structs.replace(wish, **more)))

    def held(self, wish: Wish = WISH, **more: Any) -> str:
        with pytest.raises(Held) as caught:
            self.asked(wish, **more)
        return caught.value.hint

    @property
    def latest(self) -> holds.Waiting:
        return holds.listed(self.engine, self.now, every=True)[-1]

    def vote(self, voter: Voter, state: str = APPROVED) -> tuple[str, int] | None:
        return votes.cast(self.engine, self.latest.id, voter, state, self.now)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_one_with_the_role_is_enough_and_the_approval_is_good_once(house: House) -> None:
    said = house.held()
    assert said.startswith(f"{WISH.reason}. It waits as {house.latest.id}: ask a person to approve it")
    assert house.vote(LEA) == (APPROVED, 0)
    assert house.asked() == f"lea ({house.latest.id})"
    assert house.latest.state == USED
    assert house.held()


@pytest.mark.parametrize(
    ("voter", "why"),
    [
        (Voter("ann", "https://id", frozenset({"lead"})), "their own"),
        (Voter("Ann", "https://other", frozenset({"lead"})), "their own"),
        (Voter("lea", "https://id", frozenset({"dev"})), "it takes a person with the role lead"),
        (Voter("lea", "https://id", frozenset({"lead"}), "bot"), "an agent"),
        (Voter("root"), "it takes a person with the role lead"),
    ],
)
def test_nobody_else_may(house: House, voter: Voter, why: str) -> None:
    """Four eyes: not the caller by whichever name, no agent, and not whoever merely runs the gateway."""
    house.held()
    with pytest.raises(Objected, match=why):
        house.vote(voter)
    assert house.latest.state == WAITING
    assert house.held()


def test_a_quorum_takes_different_people_and_says_how_many_are_missing(house: House) -> None:
    house.held(BOTH)
    assert house.vote(LEA) == (WAITING, 1)
    assert house.latest.approved_by == ("lea",)
    assert house.latest.left == (("outside", 1),)
    assert house.held(BOTH).endswith("1 approved it, and it takes 1 more")
    for same in (LEA, Voter("LEA", "https://other", frozenset({"ciso"}))):
        with pytest.raises(Objected, match="approved it already"):
            house.vote(same)
    assert house.vote(MAX) == (APPROVED, 0)
    assert house.asked(BOTH) == f"lea, max ({house.latest.id})"


def test_an_approval_is_over_after_its_time(house: House) -> None:
    """`within`: of several rules, the shortest counts."""
    house.held(BOTH)
    house.now += 599.0
    house.vote(LEA)
    house.vote(MAX)
    house.now += 601.0
    assert "It waits as" in house.held(BOTH)
    first = house.latest.id
    house.now += 601.0
    assert votes.cast(house.engine, first, LEA, APPROVED, house.now) is None, "what waited too long is asked for anew"


def test_one_refusal_ends_it_and_whoever_approved_may_think_again(house: House) -> None:
    house.held(BOTH)
    house.vote(LEA)
    assert house.vote(LEA, REFUSED) == (REFUSED, 0)
    assert "lea refused it" in house.held(BOTH)
    assert house.vote(MAX) is None


def test_whoever_runs_the_gateway_may_stop_a_call(house: House) -> None:
    house.held()
    assert house.vote(Voter("root@host"), REFUSED) == (REFUSED, 0)
    with pytest.raises(Held):
        house.asked()


def test_what_the_rule_wants_by_now_is_another_wish(house: House) -> None:
    house.held()
    house.vote(LEA)
    stricter = msgspec.structs.replace(LEAD, quorum=2)
    house.held(needs=(stricter,))
    assert house.asked()


# A call that goes on with what its server handed out


def test_an_answer_to_a_servers_question_goes_on_with_the_approval_once(house: House) -> None:
    house.held()
    house.vote(LEA)
    by = house.asked()
    assert house.asked(state="token-1") == by
    assert "It waits as" in house.held(state="token-1"), "the same state is no second call"
    assert house.asked(state="token-2") == by


def test_a_state_goes_on_with_nothing_that_was_not_approved(house: House) -> None:
    house.held(state="token")
    house.vote(LEA)
    house.held(state="token", arguments={"name": "refund", "arguments": {"amount": 5000}})
    assert house.asked(state="token"), "the approval of the call itself is used"
    house.now += 601.0
    assert house.held(state="another"), "and is over after its time"


def test_a_call_goes_on_only_so_often(house: House) -> None:
    house.held()
    house.vote(LEA)
    house.asked()
    for number in range(10):
        house.asked(state=f"token-{number}")
    assert house.held(state="token-10")


# The ledger


def test_what_people_said_is_told_once_and_in_order(house: House) -> None:
    house.held(BOTH)
    house.vote(LEA)
    house.now += 1.0
    house.vote(MAX)
    events = votes.unrecorded(house.engine)
    ident = house.latest.id
    assert [kind for kind, _ in events] == ["call_held", "call_approved", "call_approved"]
    assert events[0][1] == {
        "hold": ident, "tool": "crm.refund", "caller": "ann", "issuer": "https://id", "reason": BOTH.reason,
        "rules": [
            {"rule": "large-refunds", "by": ["lead"], "quorum": 1},
            {"rule": "outside", "by": ["ciso", "lead"], "quorum": 2},
        ],
    }  # fmt: skip
    assert events[1][1] == {
        "hold": ident, "tool": "crm.refund", "caller": "ann", "by": "lea", "issuer": "https://id", "roles": ["lead"],
        "rules": ["large-refunds", "outside"],
    }  # fmt: skip
    votes.recorded(house.engine, events[:2])
    assert [said["by"] for _, said in votes.unrecorded(house.engine)] == ["max"]
    votes.recorded(house.engine, votes.unrecorded(house.engine))
    assert votes.unrecorded(house.engine) == []


def test_what_guards_hold_is_told_as_well(house: House) -> None:
    house.held(needs=(), by="orders/request")
    assert house.vote(Voter("root@host"), REFUSED) == (REFUSED, 0)
    events = votes.unrecorded(house.engine)
    assert [kind for kind, _ in events] == ["call_held", "call_refused"]
    assert "rules" not in events[0][1]
    assert events[1][1]["by"] == "root@host"
    assert "roles" not in events[1][1]


def test_voices_go_with_what_they_were_about(house: House) -> None:
    house.held()
    house.vote(LEA)
    house.now += 8 * 86_400
    house.held(subject="bob")
    with house.engine.connect() as connection:
        assert connection.execute(sa.text("select count(*) from votes")).scalar_one() == 0

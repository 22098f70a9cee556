"""A call waits for a person, an approval is good once for the same words of the same caller, and all of it is bounded."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from ostiary.adapters.store import database, holds, keys, votes
from ostiary.adapters.store.holds import APPROVED, REFUSED, WITHIN, Holds
from ostiary.adapters.store.votes import Voter
from ostiary.core.errors import Held, Overloaded
from ostiary.core.ports import Wish

WISH = Wish(
    "https://id",
    "ann",
    "cli",
    "crm.export",
    "tools/call",
    "orders/request",
    "orders: 1 x override",
    {"name": "export", "arguments": {"all": True}},
)


class House:
    def __init__(self, folder: Path) -> None:
        self.engine: sa.Engine = database.opened(folder)
        self.seal, self.now = keys.Sealer(keys.key(folder, keys.SEAL)), 1000.0
        self.ask = Holds(self.engine, self.seal, lambda: self.now)

    def asked(self, wish: Wish = WISH) -> str:
        return asyncio.run(self.ask(wish))

    def held(self, wish: Wish = WISH) -> str:
        with pytest.raises(Held) as caught:
            self.asked(wish)
        return caught.value.hint

    def waiting(self) -> str:
        return holds.listed(self.engine, self.now)[-1].id

    def decide(self, state: str, ident: str = "") -> bool:
        return votes.cast(self.engine, ident or self.waiting(), Voter("root"), state, self.now) is not None


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_call_waits_and_asking_again_does_not_ask_twice(house: House) -> None:
    first, second = house.held(), house.held()
    [waits] = holds.listed(house.engine, house.now)
    assert first == second
    assert waits.id in first
    assert (waits.subject, waits.label, waits.reason) == ("ann", "crm.export", WISH.reason)


def test_an_approval_is_good_once(house: House) -> None:
    house.held()
    ident = house.waiting()
    assert house.decide(APPROVED)
    assert house.asked() == f"root ({ident})"
    assert house.held()
    assert house.waiting() != ident


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "bob"}, {"issuer": "https://other"}, {"client": "other"}, {"label": "crm.drop"}, {"method": "prompts/get"},
        {"by": "orders/answer"}, {"arguments": {"name": "export", "arguments": {"all": False}}},
    ],
)  # fmt: skip
def test_an_approval_is_good_for_nothing_else(house: House, change: dict[str, Any]) -> None:
    house.held()
    house.decide(APPROVED)
    house.held(msgspec.structs.replace(WISH, **change))
    assert house.asked()


def test_a_refusal_is_told(house: House) -> None:
    house.held()
    house.decide(REFUSED)
    assert "root refused it" in house.held()
    house.now += WITHIN + 1
    assert "It waits as" in house.held()


def test_what_was_decided_or_is_over_cannot_be_decided(house: House) -> None:
    house.held()
    ident = house.waiting()
    assert house.decide(APPROVED)
    assert not house.decide(REFUSED, ident)
    house.now += WITHIN + 1
    assert "It waits as" in house.held(), "an approval that nobody used in its time is over"
    assert not house.decide(APPROVED, "h_none")


def test_arguments_lie_sealed_and_are_shown_to_who_decides(house: House) -> None:
    house.held()
    with house.engine.connect() as connection:
        assert "export" not in connection.execute(sa.text("select arguments from holds")).scalar_one()
    shown = holds.shown(house.engine, house.seal, house.waiting())
    assert shown is not None
    assert json.loads(shown.arguments) == WISH.arguments
    assert holds.shown(house.engine, house.seal, "h_none") is None


def test_no_caller_makes_more_wait_than_people_could_read(house: House) -> None:
    for number in range(holds.PER_PERSON):
        house.held(msgspec.structs.replace(WISH, arguments={"n": number}))
    with pytest.raises(Overloaded):
        house.asked(msgspec.structs.replace(WISH, arguments={"n": -1}))
    house.held(msgspec.structs.replace(WISH, subject="bob"))


def test_what_waited_long_ago_is_forgotten(house: House) -> None:
    house.held()
    house.now += 8 * 86_400
    house.held(msgspec.structs.replace(WISH, subject="bob"))
    assert [each.subject for each in holds.listed(house.engine, house.now, every=True)] == ["bob"]


def test_arguments_too_long_to_keep_are_said_to_be(house: House) -> None:
    house.held(msgspec.structs.replace(WISH, arguments={"all": "x" * 70_000}))
    shown = holds.shown(house.engine, house.seal, house.waiting())
    assert shown is not None
    assert "too long" in shown.arguments

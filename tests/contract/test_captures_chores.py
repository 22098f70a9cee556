"""A gateway destroys payloads when it is time and when a person was erased, and the ledger says so once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostiary.adapters.store import captures_gone
from ostiary.adapters.store.captures_gone import Gone
from ostiary.adapters.store.captures_places import gone_folder
from ostiary.adapters.store.captures_proof import payloads
from ostiary.config.capture import Capture as Section
from ostiary.entry.capturing import Keeping as Chores
from tests.contract.keeping import DAY, NOON, Keeping, person

ANA, BOB = person("ana"), person("bob")


class House(Keeping):
    """What a gateway has, with what it does about it."""

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self.stopped, self.told = False, list[tuple[str, Mapping[str, Any]]]()
        section = Section.model_validate({"to": self.public, "spare": "1KiB", "classes": {"legal": {"keep": "30d"}}})
        self.chores = Chores(section, data, self.event, lambda: self.stopped, lambda: self.now)
        self.captures = self.chores.captures

    def event(self, kind: str, facts: Mapping[str, Any]) -> None:
        self.told.append((kind, facts))
        self.ledger.event(kind, facts)

    def second(self, times: int = 1) -> None:
        """Do what is due in a second."""

        async def due() -> None:
            for _ in range(times):
                for chore in self.chores.annex().chores:
                    await chore()

        asyncio.run(due())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "data")
    yield made
    made.ledger.close()
    asyncio.run(made.captures.close())


def erase(house: House, subject: str, ident: str = "1") -> None:
    ((issuer, keys),) = captures_gone.persons(house.data, subject).items()
    captures_gone.destroy(house.data, Gone(ident, "erased", house.now, tuple(keys), issuer, subject, by="root@here"))


def test_nothing_is_told_while_there_is_nothing_to_tell(house: House) -> None:
    house.call(ANA)
    house.second(3)
    assert house.told == []
    assert payloads(house.data).whole == 2


def test_an_erasure_is_told_once_and_without_words(house: House) -> None:
    house.call(ANA)
    house.call(BOB)
    erase(house, "ana")
    house.second(2)
    ((kind, facts),) = house.told
    assert kind == "payloads_erased"
    assert (facts["subject"], facts["issuer"], facts["by"], facts["payloads"]) == ("ana", "https://id", "root@here", 2)
    assert list(gone_folder(house.data).iterdir()) == []
    assert (payloads(house.data).whole, payloads(house.data).erased) == (2, 2)


def test_while_the_ledger_is_stopped_it_stays_noted(house: House) -> None:
    house.call(ANA)
    erase(house, "ana")
    house.stopped = True
    house.second(2)
    assert house.told == []
    assert payloads(house.data).erased == 2
    house.stopped = False
    house.second()
    assert [kind for kind, _ in house.told] == ["payloads_erased"]


def test_what_is_kept_ends_with_its_time(house: House) -> None:
    house.call(ANA)
    house.now = NOON + 31 * DAY
    house.call(BOB)
    house.second(2)
    assert [kind for kind, _ in house.told] == ["payloads_expired"]
    assert (payloads(house.data).whole, payloads(house.data).expired) == (2, 2)
    house.now += 31 * DAY
    house.second(601)
    assert [kind for kind, _ in house.told] == ["payloads_expired"] * 2
    assert payloads(house.data).expired == 4


def test_many_keys_are_told_in_parts(house: House) -> None:
    for at in range(250):
        asyncio.run(house.said(person(f"p{at}"), {}, {}))
    house.now = NOON + 31 * DAY
    house.second(2)
    assert [len(facts["keys"]) for _, facts in house.told] == [200, 50]
    assert payloads(house.data).expired == 500


def test_a_crash_in_the_middle_of_an_erasure_ends_with_it_done(house: House) -> None:
    """What is noted is destroyed again by the next gateway."""
    house.call(ANA)
    keys = captures_gone.persons(house.data, "ana")["https://id"]
    gone = Gone("1", "erased", house.now, tuple(keys), "https://id", "ana")
    gone_folder(house.data).mkdir()
    (gone_folder(house.data) / "1.json").write_bytes(msgspec.json.encode(gone))
    house.second()
    assert house.files() == house.key_files() == []
    assert [facts["payloads"] for _, facts in house.told] == [2]


def test_a_note_cannot_remove_anything_else(house: House, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    gone_folder(house.data).mkdir()
    note = Gone("1", "expired", house.now, (("../../..", "precious"), ("legal", "../../../../precious")))
    (gone_folder(house.data) / "1.json").write_bytes(msgspec.json.encode(note))
    house.second()
    assert precious.is_dir()


def test_readiness_says_why_nothing_can_be_kept(house: House) -> None:
    notes = house.chores.annex().notes
    assert list(notes()) == []
    house.captures.failing = "No space left on device"
    assert list(notes()) == ["payloads cannot be kept: No space left on device"]

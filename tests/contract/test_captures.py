"""Payloads are kept sealed, shown to auditors only, gone when they are erased, and vouched for by the ledger."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ostiary.adapters.store import captures_gone
from ostiary.adapters.store.captures import Terms
from ostiary.adapters.store.captures_gone import Gone
from ostiary.adapters.store.captures_proof import open_payload, payloads
from ostiary.core.capturing import Capture, Half
from ostiary.core.errors import NotCaptured
from ostiary.integrity.sealing import Unopenable, head
from tests.contract.keeping import CAPTURE, DAY, NOON, Keeping, person

ANA, BOB = person("ana"), person("bob")


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Keeping]:
    made = Keeping(tmp_path / "data")
    yield made
    made.ledger.close()
    asyncio.run(made.captures.close())


def erase(keeping: Keeping, subject: str) -> Gone:
    """Do what the command does, then what the gateway does about it."""
    ((issuer, keys),) = captures_gone.persons(keeping.data, subject).items()
    return captures_gone.destroy(keeping.data, Gone("1", "erased", keeping.now, tuple(keys), issuer, subject))


def settle(keeping: Keeping) -> None:
    for gone in list(captures_gone.noted(keeping.data)):
        asyncio.run(keeping.captures.forget(gone.issuer, gone.subject))
        captures_gone.told(captures_gone.again(keeping.data, gone), keeping.ledger.event)
        captures_gone.forget(keeping.data, gone)


def wrong(keeping: Keeping) -> str:
    (only,) = payloads(keeping.data).problems
    return only


def refusal(keeping: Keeping, reference: str, private: X25519PrivateKey | None = None) -> str:
    with pytest.raises(Unopenable) as caught:
        open_payload(keeping.data, private or keeping.private, reference, Half.ARGUMENTS)
    return str(caught.value)


def test_both_halves_are_kept_and_open_for_auditors_only(keeping: Keeping) -> None:
    reference = keeping.call(ANA, "clear words")
    found = [open_payload(keeping.data, keeping.private, reference, half).text for half in Half]
    assert found == [b'{"q":"clear words"}', b'{"a":"clear words"}']
    assert "sealed for the key" in refusal(keeping, reference, X25519PrivateKey.generate())
    assert b"clear words" not in keeping.clear()
    assert (payloads(keeping.data).whole, payloads(keeping.data).problems) == (2, [])


def test_nobody_else_may_read_what_is_written(keeping: Keeping) -> None:
    keeping.call(ANA)
    captures = keeping.data / "captures"
    assert {path.stat().st_mode & 0o777 for path in captures.rglob("*") if path.is_file()} == {0o600}
    assert captures.stat().st_mode & 0o777 == 0o700


def test_people_classes_days_and_starts_have_keys_of_their_own(keeping: Keeping) -> None:
    for caller in (ANA, BOB, person("ana", "https://other"), ANA):
        keeping.call(caller)
    assert len(keeping.key_files()) == 3
    keeping.now += DAY
    keeping.call(ANA)
    assert len(keeping.key_files()) == 4
    asyncio.run(keeping.captures.close())
    keeping.captures = keeping.opened(legal=Terms(30 * DAY, 1024), brief=Terms(60.0, 1024))
    asyncio.run(keeping.said(ANA, {}, {}, Capture("brief")))
    keeping.call(ANA)
    assert len(keeping.key_files()) == 6
    assert payloads(keeping.data).whole == 14


def test_what_is_too_large_is_cut_and_says_so(keeping: Keeping) -> None:
    reference = keeping.call(ANA, "x" * 5000)
    found = open_payload(keeping.data, keeping.private, reference, Half.RESULT)
    assert (found.head.cut, found.head.size, len(found.text)) == (True, 5008, 1024)


def test_half_a_surrogate_is_no_way_around(keeping: Keeping) -> None:
    assert open_payload(keeping.data, keeping.private, keeping.call(ANA, "\ud800"), Half.RESULT).text == (
        b'{"a":"\\ud800"}'
    )


# Erasing


def test_what_was_erased_opens_with_nothing_that_is_left(keeping: Keeping, tmp_path: Path) -> None:
    """Also with the auditors' key, and a backup that has the payloads and not their keys."""
    gone, stays = keeping.call(ANA), keeping.call(BOB)
    backup = shutil.copytree(keeping.data / "captures" / "sealed", tmp_path / "backup")
    erased = erase(keeping, "ana")
    assert (len(erased.keys), erased.payloads) == (1, 2)
    assert "it was erased" in refusal(keeping, gone)
    settle(keeping)
    shutil.copytree(backup, keeping.data / "captures" / "sealed", dirs_exist_ok=True)
    assert len(keeping.files()) == 4
    assert "it was erased" in refusal(keeping, gone)
    assert open_payload(keeping.data, keeping.private, stays, Half.RESULT).text == b'{"a":"hello"}'


def test_the_chain_stays_whole_and_says_what_was_erased(keeping: Keeping) -> None:
    keeping.call(ANA)
    keeping.call(BOB)
    erase(keeping, "ana")
    before = payloads(keeping.data)
    settle(keeping)
    assert captures_gone.persons(keeping.data, "ana") == {}
    after = payloads(keeping.data)
    assert (before.whole, before.erased, before.ok) == (after.whole, after.erased, after.ok) == (2, 2, True)


def test_who_is_erased_may_go_on_and_has_a_new_key(keeping: Keeping) -> None:
    """Also in the second before the gateway hears of it."""
    keeping.call(ANA)
    erase(keeping, "ana")
    again = keeping.call(ANA)
    assert open_payload(keeping.data, keeping.private, again, Half.RESULT).text == b'{"a":"hello"}'
    keeping.now += 2
    settle(keeping)
    later = keeping.call(ANA, "later")
    assert open_payload(keeping.data, keeping.private, later, Half.RESULT).text == b'{"a":"later"}'


def test_the_bytes_of_a_key_are_overwritten_before_its_name_goes(keeping: Keeping) -> None:
    keeping.call(ANA)
    with keeping.key_files()[0].open("rb") as held:
        before = held.read()
        erase(keeping, "ana")
        held.seek(0)
        assert held.read() != before


# Retention


def test_payloads_end_with_their_time_and_the_ledger_says_so(keeping: Keeping) -> None:
    reference = keeping.call(ANA)
    assert captures_gone.expired(keeping.data, {"legal": 30 * DAY}, NOON + 30 * DAY) == ()
    due = captures_gone.expired(keeping.data, {"legal": 30 * DAY}, NOON + 31 * DAY)
    captures_gone.destroy(keeping.data, Gone("1", "expired", NOON, due))
    settle(keeping)
    assert keeping.files() == keeping.key_files() == []
    assert (payloads(keeping.data).expired, payloads(keeping.data).ok) == (2, True)
    assert "as long as its class says" in refusal(keeping, reference)


def test_a_class_that_is_kept_shorter_by_now_or_is_gone_ends_as_well(keeping: Keeping) -> None:
    keeping.call(ANA)
    assert captures_gone.expired(keeping.data, {"legal": DAY}, NOON + 2 * DAY)
    assert not captures_gone.expired(keeping.data, {"legal": 900 * DAY}, NOON + 30 * DAY)
    assert captures_gone.expired(keeping.data, {}, NOON + 31 * DAY)


# Tampering


def test_a_byte_that_was_changed_shows(keeping: Keeping) -> None:
    reference = keeping.call(ANA)
    path = keeping.files()[0]
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert wrong(keeping) == f"the arguments of {reference}: it is not the one that the ledger vouches for"
    assert "vouches for" in refusal(keeping, reference)


@pytest.mark.parametrize("left", [0, 20, 200])
def test_a_file_that_was_cut_shows(keeping: Keeping, left: int) -> None:
    keeping.call(ANA)
    path = keeping.files()[0]
    path.write_bytes(path.read_bytes()[:left])
    assert "vouches for" in wrong(keeping)


def test_another_calls_payload_in_its_place_shows(keeping: Keeping) -> None:
    first, second = keeping.call(ANA, "one"), keeping.call(ANA, "two")
    paths = {head(path.read_bytes()).reference: path for path in keeping.files() if path.suffix == ".arguments"}
    shutil.copy(paths[second], paths[first])
    assert "vouches for" in wrong(keeping)


def test_a_payload_or_a_key_that_is_missing_shows(keeping: Keeping) -> None:
    keeping.call(ANA)
    keeping.files()[0].unlink()
    assert "it is missing" in wrong(keeping)
    keeping.key_files()[0].unlink()
    assert [each.partition(": ")[2][:20] for each in payloads(keeping.data).problems] == [
        "it is missing, and t", "its key is missing, ",
    ]  # fmt: skip


def test_a_key_that_was_replaced_shows_and_opens_nothing(keeping: Keeping) -> None:
    """Whoever has the public key can seal another one: nothing that is sealed for auditors proves who sealed it."""
    reference = keeping.call(ANA)
    (own,) = keeping.key_files()
    keeping.call(BOB)
    (other,) = (each for each in keeping.key_files() if each != own)
    own.write_bytes(other.read_bytes())
    assert ["key was changed" in each for each in payloads(keeping.data).problems] == [True, True]
    assert "key was changed" in refusal(keeping, reference)


def test_what_the_ledger_does_not_know_of_is_not_opened(keeping: Keeping) -> None:
    asyncio.run(keeping.kept(ANA, "0a1b2c3d-77", Half.ARGUMENTS, {"q": 1}))
    assert "knows of no arguments" in refusal(keeping, "0a1b2c3d-77")


# Failing closed


def test_a_full_disk_refuses_before_the_ledger_has_to(keeping: Keeping) -> None:
    keeping.room = lambda _folder: 1023
    with pytest.raises(NotCaptured, match="only 1,023 bytes are free"):
        keeping.call(ANA)
    assert keeping.captures.failing
    assert keeping.files() == []
    keeping.room = lambda _folder: 10**9
    keeping.call(ANA)
    assert not keeping.captures.failing


def test_a_folder_that_cannot_be_written_refuses(keeping: Keeping) -> None:
    sealed = keeping.data / "captures" / "sealed"
    sealed.write_bytes(b"in the way")
    with pytest.raises(NotCaptured):
        keeping.call(ANA)
    assert keeping.key_files() == []


def test_a_class_that_nobody_configured_refuses(keeping: Keeping) -> None:
    with pytest.raises(NotCaptured, match="no class other"):
        asyncio.run(keeping.said(ANA, {}, {}, Capture("other")))


def test_what_waits_for_the_disk_is_bounded(keeping: Keeping) -> None:
    async def flood() -> list[object]:
        calls = [keeping.kept(ANA, f"0a1b2c3d-{at:x}", Half.RESULT, {"q": at}, CAPTURE) for at in range(1400)]
        return await asyncio.gather(*calls, return_exceptions=True)

    found = asyncio.run(flood())
    refused = [each for each in found if isinstance(each, NotCaptured)]
    assert len(keeping.files()) + len(refused) == 1400
    assert 0 < len(refused) < 400


def test_a_call_that_is_cancelled_leaves_the_others_alone(keeping: Keeping) -> None:
    async def play() -> int:
        first = asyncio.ensure_future(keeping.kept(ANA, "0a1b2c3d-a", Half.RESULT, {}))
        second = asyncio.ensure_future(keeping.kept(ANA, "0a1b2c3d-b", Half.RESULT, {}))
        await asyncio.sleep(0)
        first.cancel()
        return (await second).size

    assert asyncio.run(play()) == 2

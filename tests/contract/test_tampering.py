"""Every way to change the past, on a real ledger: verifying names the first wrong record, and says what it means."""

from __future__ import annotations

import json
import shutil
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from ostiary.adapters.store.ledger_proof import fingerprint
from ostiary.adapters.store.ledger_start import LedgerUnusable, ledger_keys
from ostiary.config.ledger import Checkpoints as Section
from ostiary.config.ledger import Ledger as LedgerSection
from ostiary.entry.anchoring import opened
from ostiary.integrity.chain import chain_id
from ostiary.integrity.checkpoints import Checkpoint, canonical, signed
from ostiary.integrity.tampering import MEANING
from tests.contract.tampered import Anchored, edited
from tests.unit.integrity.test_chain import rewritten


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Anchored:
    """Two gateways, one after the other, and a third one with the same name and other keys."""
    folder = tmp_path_factory.mktemp("original")
    made = Anchored(folder)
    made.run()
    shutil.copytree(made.data, folder / "older")
    made.run()
    Anchored(folder, "other").run()
    forged = Anchored(folder, "forged")
    (forged.data / "keys").mkdir(parents=True)
    for name in ("ledger.pem", "ledger.pub", "digest.key"):
        shutil.copy(made.data / "keys" / name, forged.data / "keys" / name)
    for _ in range(3):
        forged.run(14)
    return made


@pytest.fixture
def house(original: Anchored, tmp_path: Path) -> Anchored:
    """A copy to tamper with."""
    return original.copy(tmp_path)


def swap(lines: list[bytes]) -> None:
    lines[3], lines[4] = lines[4], lines[3]


def flip(path: Path, line: int, column: int, bit: int = 0) -> None:
    """Flip one bit of a line; a negative column counts from its end."""

    def change(lines: list[bytes]) -> None:
        raw = bytearray(lines[line])
        raw[column] ^= 1 << bit
        lines[line] = bytes(raw)

    edited(path, change)


def resealed(lines: list[bytes]) -> None:
    """Put another signature into a seal, and compute its hash anew."""
    signature = json.loads(lines[1])["signature"].encode()
    lines[1] = rewritten(lines[1], signature, b64encode(b"s" * 64))


def replaced(house: Anchored, original: Anchored) -> None:
    house.segment(3).write_bytes((original.data.parent / "other" / "ledger" / "00000003.jsonl").read_bytes())


def unsealed(house: Anchored) -> None:
    house.newest().unlink()
    (house.data / "keys" / "ledger.sealed").unlink()


def forgotten(house: Anchored) -> None:
    """Cut the ledger, and everything next to it that remembers."""
    house.newest().unlink()
    house.newest().unlink()
    house.checkpoints.unlink()
    (house.data / "keys" / "ledger.sealed").unlink()


def swapped(house: Anchored, original: Anchored, name: str) -> None:
    """Put another data folder in the place of this one."""
    shutil.rmtree(house.data)
    shutil.copytree(original.data.parent / name, house.data)


class Case(Struct, frozen=True):
    """Something that is done, and the first wrong record: its kind, file and line, without the second place and with it."""

    did: Callable[[Anchored, Anchored], object]
    alone: str
    where: str
    elsewhere: str = ""
    there: str = ""
    """Where the first wrong record is once the second place is looked at, if that says something else."""


OWN = "checkpoints.log"
CASES = {
    "flip a byte of a record": Case(lambda h, _: flip(h.segment(3), 4, 150), "changed", "00000003.jsonl:5"),
    "flip a byte of a record's number": Case(lambda h, _: flip(h.segment(3), 4, 5), "changed", "00000003.jsonl:5"),
    "flip a byte of a record's hash": Case(lambda h, _: flip(h.segment(3), 4, -9), "changed", "00000003.jsonl:5"),
    "flip the end of a line": Case(lambda h, _: flip(h.segment(3), 4, -1), "changed", "00000003.jsonl:5"),
    "flip the end of the last line": Case(lambda h, _: flip(h.newest(), -1, -1), "changed", "00000010.jsonl:2"),
    "flip a byte of a record and compute its hash anew": Case(
        lambda h, _: edited(h.segment(3), lambda it: it.__setitem__(4, rewritten(it[4], b"r1-", b"rX-"))),
        "changed", "00000003.jsonl:5",
    ),
    "flip a byte of a seal": Case(lambda h, _: flip(h.segment(3), 1, 170), "changed", "00000003.jsonl:2"),
    "sign a seal with another key": Case(
        lambda h, _: edited(h.segment(3), resealed), "signature", "00000003.jsonl:2"
    ),
    "flip a byte of the noted seal": Case(
        lambda h, _: flip(h.data / "keys" / "ledger.sealed", 0, 100), "signature", "keys/ledger.sealed:1"
    ),
    "flip a byte of a checkpoint": Case(lambda h, _: flip(h.checkpoints, 5, 60), "changed", f"{OWN}:6"),
    "flip a byte of a checkpoint's signature": Case(lambda h, _: flip(h.checkpoints, 5, 270), "changed", f"{OWN}:6"),
    "flip the last bits of a signature, which base64 does not use": Case(
        lambda h, _: edited(h.checkpoints, lambda it: it.__setitem__(-1, spelled(it[-1]))), "changed", f"{OWN}:8"
    ),
    "flip the end of the last checkpoint": Case(lambda h, _: flip(h.checkpoints, -1, -1), "changed", f"{OWN}:8"),
    "delete a record": Case(
        lambda h, _: edited(h.segment(3), lambda it: it.pop(4)), "missing", "00000003.jsonl:5"
    ),
    "delete a checkpoint": Case(lambda h, _: edited(h.checkpoints, lambda it: it.pop(4)), "missing", f"{OWN}:5"),
    "insert a record": Case(
        lambda h, _: edited(h.segment(3), lambda it: it.insert(4, rewritten(it[4], b"r1", b"x1"))),
        "inserted", "00000003.jsonl:6",
    ),
    "insert a line that is no record": Case(
        lambda h, _: edited(h.segment(3), lambda it: it.insert(4, b"{}\n")), "inserted", "00000003.jsonl:5"
    ),
    "insert a line that is no checkpoint": Case(
        lambda h, _: edited(h.checkpoints, lambda it: it.insert(4, b"{}\n")), "inserted", f"{OWN}:5"
    ),
    "repeat a record": Case(
        lambda h, _: edited(h.segment(3), lambda it: it.insert(4, it[4])), "duplicated", "00000003.jsonl:6"
    ),
    "repeat a checkpoint": Case(
        lambda h, _: edited(h.checkpoints, lambda it: it.insert(4, it[3])), "duplicated", f"{OWN}:5"
    ),
    "reorder two records": Case(lambda h, _: edited(h.segment(3), swap), "reordered", "00000003.jsonl:5"),
    "reorder two checkpoints": Case(lambda h, _: edited(h.checkpoints, swap), "reordered", f"{OWN}:5"),
    "truncate the newest segment": Case(
        lambda h, _: edited(h.newest(), lambda it: it.pop()), "truncated", "00000010.jsonl:1"
    ),
    "truncate the newest segment in the middle of a record": Case(
        lambda h, _: h.newest().write_bytes(h.newest().read_bytes()[:-20]), "truncated", "00000010.jsonl:2"
    ),
    "truncate a segment in the middle": Case(
        lambda h, _: edited(h.segment(3), lambda it: it.pop()), "missing", "00000004.jsonl:1"
    ),
    "remove the newest segment": Case(lambda h, _: h.newest().unlink(), "truncated", "00000009.jsonl:11"),
    "remove the newest segment and the noted seal": Case(
        lambda h, _: unsealed(h), "truncated", "00000009.jsonl:11"
    ),
    "remove a segment in the middle": Case(lambda h, _: h.segment(3).unlink(), "missing", "00000004.jsonl:1"),
    "remove the oldest segment": Case(lambda h, _: h.segment(1).unlink(), "missing", "00000002.jsonl:1"),
    "replace a segment by another gateway's": Case(replaced, "foreign", "00000003.jsonl:1"),
    "truncate the checkpoints": Case(
        lambda h, _: edited(h.checkpoints, lambda it: it.__delitem__(slice(5, None))), "", "", "truncated", f"{OWN}:5"
    ),
    "remove the checkpoints": Case(lambda h, _: h.checkpoints.unlink(), "", "", "truncated", f"{OWN}:1"),
    "cut the ledger and all that remembers": Case(
        lambda h, _: forgotten(h), "", "", "rolled-back", "00000008.jsonl:11"
    ),
    "roll the whole folder back to an older copy": Case(
        lambda h, o: swapped(h, o, "older"), "", "", "rolled-back", "00000005.jsonl:2"
    ),
    "write another past with the ledger's own key": Case(
        lambda h, o: swapped(h, o, "forged"), "", "", "changed", "00000005.jsonl:6"
    ),
    "put another gateway's folder in its place": Case(
        lambda h, o: swapped(h, o, "other"), "", "", "foreign", "elsewhere:1"
    ),
}  # fmt: skip


def spelled(raw: bytes) -> bytes:
    """Spell the same signature in another way: the last character before the padding carries four unused bits."""
    at = raw.index(b'=="') - 1
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return raw[:at] + alphabet[(alphabet.index(raw[at : at + 1]) ^ 1) :][:1] + raw[at + 1 :]


def first(proof: Any, house: Anchored) -> tuple[str, str]:
    if proof.ok:
        return "", ""
    problem = proof.problems[0]
    return problem.kind, f"{problem.where}:{problem.line}".replace(str(house.second), "elsewhere")


def test_what_nobody_touched_is_whole(house: Anchored) -> None:
    proof = house.proof(elsewhere=True)
    assert proof.ok, proof.problems
    assert (proof.checkpoints, proof.elsewhere, proof.anchored) == (8, 8, proof.report.last)
    assert (proof.report.segments, proof.report.seals) == (10, 18)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_first_wrong_record_is_named(case: Case, house: Anchored, original: Anchored) -> None:
    case.did(house, original)
    alone, elsewhere = house.proof(), house.proof(elsewhere=True)
    assert first(alone, house) == (case.alone, case.where)
    assert first(elsewhere, house) == (case.elsewhere or case.alone, case.there or case.where)
    assert all(each.kind in MEANING for each in elsewhere.problems)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.alone])
def test_where_only_the_second_place_can_tell_the_proof_says_so(name: str, house: Anchored, original: Anchored) -> None:
    CASES[name].did(house, original)
    assert any("--checkpoints" in note for note in house.proof().notes)


def test_a_replaced_key_shows_by_a_copy_of_it_and_by_its_fingerprint(house: Anchored, original: Anchored) -> None:
    swapped(house, original, "other")
    assert house.proof().ok
    assert any("--key" in note for note in house.proof().notes)
    key = original.key()
    for pinned in ({"key": key}, {"fingerprint": fingerprint(key)}, {"fingerprint": chain_id(key)}):
        assert "foreign" in {each.kind for each in house.proof(**pinned).problems}
    assert not any("--key" in note for note in original.proof(fingerprint=chain_id(key)).notes)


@pytest.mark.parametrize("did", ["flip a byte of a checkpoint", "delete a checkpoint"])
def test_tampering_with_the_second_place_shows_too(did: str, house: Anchored) -> None:
    path = house.second
    if did == "delete a checkpoint":
        edited(path, lambda it: it.pop(4))
    else:
        flip(path, 5, 60)
    kinds = {(each.kind, each.file) for each in house.proof(elsewhere=True).problems}
    assert kinds <= {("changed", str(path)), ("missing", str(path))}
    assert kinds


def signed_anew(house: Anchored, line: bytes, **changes: Any) -> bytes:
    fields = {**json.loads(line), "signature": "", **changes}
    return canonical(signed(ledger_keys(house.data).private.sign, Checkpoint(**fields))) + b"\n"


@pytest.mark.parametrize("changes", [{"records": 3}, {"head": "0" * 64}, {"prev": "0" * 64}, {"time": "2020"}])
def test_a_checkpoint_that_was_signed_anew_with_the_ledgers_own_key_does_not_fit(
    changes: dict[str, Any], house: Anchored
) -> None:
    edited(house.checkpoints, lambda it: it.__setitem__(5, signed_anew(house, it[5], **changes)))
    assert not house.proof().ok


@pytest.mark.parametrize(
    "name",
    ["roll the whole folder back to an older copy", "write another past with the ledger's own key",
     "cut the ledger and all that remembers", "put another gateway's folder in its place", "remove the checkpoints"],
)  # fmt: skip
def test_no_gateway_starts_where_the_second_place_knows_another_past(
    name: str, house: Anchored, original: Anchored
) -> None:
    CASES[name].did(house, original)
    with pytest.raises(LedgerUnusable, match="elsewhere"):
        opened_as_configured(house)


def test_a_gateway_starts_where_both_places_agree_and_where_the_second_is_away(house: Anchored) -> None:
    ledger, anchor = opened_as_configured(house)
    ledger.close()
    anchor.checkpoints.close()
    assert house.proof(elsewhere=True).ok
    shutil.rmtree(house.second.parent)
    ledger, anchor = opened_as_configured(house)
    ledger.close()
    anchor.checkpoints.close()
    assert house.proof().ok
    assert list(anchor.checkpoints.failing()) == [str(house.second)]


@pytest.mark.parametrize("name", ["flip a byte of the noted seal", "add a line to the checkpoints"])
def test_no_gateway_starts_where_what_remembers_is_not_as_it_was_written(
    name: str, house: Anchored, original: Anchored
) -> None:
    if name in CASES:
        CASES[name].did(house, original)
    else:
        edited(house.checkpoints, lambda it: it.append(b'{"cause":"mine"}\n'))
    with pytest.raises(LedgerUnusable, match="run `ostiary audit verify`"):
        house.start()


def test_no_gateway_starts_without_the_records_that_were_sealed(house: Anchored) -> None:
    for path in house.data.glob("ledger/*.jsonl"):
        path.unlink()
    with pytest.raises(LedgerUnusable, match=r"the records end at n=0.*to begin a new chain"):
        house.start()


def opened_as_configured(house: Anchored) -> Any:
    section = LedgerSection(checkpoints=Section(file=str(house.second)))
    return opened(section, house.data, house.data / "ostiary.yaml")


# Any byte

EVIDENCE = ("ledger/*.jsonl", "ledger/checkpoints.log", "keys/ledger.pub", "keys/ledger.sealed")
"""What verifying reads, besides the second place. Every other file proves nothing: see docs/ledger.md."""


def evidence(house: Anchored) -> list[Path]:
    return [path for pattern in EVIDENCE for path in sorted(house.data.glob(pattern))] + [house.second]


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_that_is_changed_in_any_file_is_found(original: Anchored, data: st.DataObject) -> None:
    files = evidence(original)
    path = data.draw(st.sampled_from(files), label="file")
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1), label="offset")
    other = data.draw(st.integers(1, 255), label="difference")
    path.write_bytes(content[:at] + bytes([content[at] ^ other]) + content[at + 1 :])
    try:
        assert not whole(original)
    finally:
        path.write_bytes(content)
    assert whole(original)


def whole(house: Anchored) -> bool:
    try:
        return house.proof(elsewhere=True).ok
    except ValueError:
        # There is no key to verify with any more, and the command says so and exits 1.
        return False


def test_every_byte_of_the_small_files_is_meant(original: Anchored) -> None:
    for name in ("ledger.pub", "ledger.sealed"):
        path = original.data / "keys" / name
        content = path.read_bytes()
        meaningless = []
        for at in range(len(content)):
            path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            meaningless += [at] if whole(original) else []
        path.write_bytes(content)
        assert not meaningless, name
    assert whole(original)


def test_what_follows_a_flip_at_the_second_place_is_a_whole_line_again(house: Anchored) -> None:
    """Ours: half a line that cannot be taken back there becomes a line that says nothing, and is none of the past's."""
    with house.second.open("ab") as file:
        file.write(b'{"cause":"min')
    house.run(2)
    assert house.proof(elsewhere=True).ok
    assert b'{"cause":"min\n' in house.second.read_bytes()


def test_a_verified_ledger_is_not_written_to(house: Anchored) -> None:
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in house.data.rglob("*")}
    house.proof(elsewhere=True)
    assert before == {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in house.data.rglob("*")}

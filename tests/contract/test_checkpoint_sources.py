"""Whatever way checkpoints were kept elsewhere, verifying reads them: objects in a folder, lines that syslog wrote."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ostiary.adapters.store.ledger_proof import Pinned, Proof, prove
from tests.contract.tampered import Anchored, edited


@pytest.fixture
def house(tmp_path: Path) -> Anchored:
    made = Anchored(tmp_path)
    made.run()
    return made


def proven(house: Anchored, path: Path) -> Proof:
    return prove(house.data, Pinned(checkpoints=path))


def objects(house: Anchored, folder: Path) -> Path:
    """Write checkpoints as an object store's tools copy them, two in one object."""
    inside = folder / "objects" / "0123456789abcdef"
    inside.mkdir(parents=True)
    lines = house.checkpoints.read_bytes().splitlines(keepends=True)
    for at in range(0, len(lines), 2):
        (inside / f"{at + 1:012d}.jsonl").write_bytes(b"".join(lines[at : at + 2]))
    return folder / "objects"


def logged(house: Anchored, folder: Path, since: int = 0) -> Path:
    """Write checkpoints as a syslog receiver writes them, among what others say."""
    path = folder / "syslog"
    lines = house.checkpoints.read_bytes().splitlines(keepends=True)[since:]
    said = [b"Nov 23 10:00:00 host ostiary[7]: " + raw for raw in lines]
    path.write_bytes(b"Nov 23 10:00:00 host cron[9]: (root) CMD (true)\n" + b"".join(said))
    return path


def test_objects_in_a_folder_are_one_file(house: Anchored, tmp_path: Path) -> None:
    proof = proven(house, objects(house, tmp_path))
    assert proof.ok, proof.problems
    assert proof.elsewhere == proof.checkpoints > 2


def test_an_object_that_is_changed_is_named(house: Anchored, tmp_path: Path) -> None:
    folder = objects(house, tmp_path)
    second = sorted(folder.rglob("*.jsonl"))[1]
    edited(
        second, lambda it: it.__setitem__(0, it[0].replace(b'"minute"', b'"Minute"').replace(b'"pid":7', b'"pid":8'))
    )
    (problem,) = proven(house, folder).problems
    assert (problem.kind, problem.line, problem.file) == ("changed", 3, str(folder))


def test_an_object_that_is_gone_is_missed(house: Anchored, tmp_path: Path) -> None:
    folder = objects(house, tmp_path)
    min(folder.rglob("*.jsonl")).unlink()
    (problem,) = proven(house, folder).problems
    assert (problem.kind, problem.n) == ("missing", 1)


def test_what_a_syslog_receiver_wrote_is_read(house: Anchored, tmp_path: Path) -> None:
    proof = proven(house, logged(house, tmp_path))
    assert proof.ok, proof.problems
    assert proof.elsewhere == proof.checkpoints


def test_a_receiver_may_come_late_and_hear_things_twice(house: Anchored, tmp_path: Path) -> None:
    path = logged(house, tmp_path, since=2)
    path.write_bytes(path.read_bytes() + b"".join(path.read_bytes().splitlines(keepends=True)[-2:]))
    proof = proven(house, path)
    assert proof.ok, proof.problems
    assert proof.elsewhere == proof.checkpoints - 2


def test_an_older_copy_of_the_folder_is_noticed_by_what_syslog_received(house: Anchored, tmp_path: Path) -> None:
    shutil.copytree(house.data, tmp_path / "older")
    house.run()
    path = logged(house, tmp_path)
    shutil.rmtree(house.data)
    shutil.copytree(tmp_path / "older", house.data)
    assert "rolled-back" in {each.kind for each in proven(house, path).problems}


def test_other_gateways_at_the_same_receiver_are_not_ours(house: Anchored, tmp_path: Path) -> None:
    other = Anchored(tmp_path, "other")
    other.run()
    path = logged(house, tmp_path)
    theirs = logged(other, tmp_path / "other-elsewhere")
    path.write_bytes(path.read_bytes() + theirs.read_bytes())
    assert proven(house, path).ok
    assert {each.kind for each in proven(house, theirs).problems} == {"foreign"}


@pytest.mark.parametrize("content", [b"", b"Nov 23 10:00:00 host cron[9]: (root) CMD (true)\n", b'{"cause":"min'])
def test_a_place_that_tells_of_nothing_is_no_place(house: Anchored, content: bytes) -> None:
    house.second.write_bytes(content)
    (problem,) = proven(house, house.second).problems
    assert (problem.kind, problem.file) == ("truncated", str(house.second))

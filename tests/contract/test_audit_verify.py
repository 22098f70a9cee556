"""`ostiary audit verify`: what it says, and what it exits with, for a ledger with checkpoints kept elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.adapters.store.anchoring import Checkpoints, Origin
from ostiary.adapters.store.ledger import Ledger
from ostiary.adapters.store.ledger_proof import fingerprint
from ostiary.adapters.store.ledger_read import ledger_directory, public_key, segment_path
from ostiary.config.ledger import Ledger as Section
from ostiary.entry.anchoring import opened
from ostiary.entry.offline import checked
from ostiary.integrity.chain import chain_id
from tests.contract.object_double import KEYS, REGION, Objects, served
from tests.contract.tampered import at_once
from tests.contract.test_cli import Done, Shell, called, shell  # noqa: F401 - a fixture

SECTION = "ledger: {checkpoints: {file: elsewhere/checkpoints.jsonl}}\n"


def serve(shell: Shell, count: int = 3) -> None:  # noqa: F811 - the fixture of that name
    """Run a gateway's ledger."""
    section = Section.model_validate({"checkpoints": {"file": "elsewhere/checkpoints.jsonl"}})
    ledger, anchor = opened(section, shell.data, shell.file)
    for at in range(count):
        trail = called(f"ref-{ledger.head.n}-{at}", "alice")
        ledger.begin(trail)
        ledger.end(trail)
    ledger.close()
    anchor.checkpoints.close()


def words(done: Done) -> str:
    """Return what was said, however it was broken into lines."""
    return " ".join((done.out + done.err).split())


@pytest.fixture
def anchored(shell: Shell) -> Shell:  # noqa: F811
    shell.file.write_text(shell.file.read_text() + SECTION)
    (shell.folder / "elsewhere").mkdir()
    serve(shell)
    return shell


def test_a_whole_ledger_is_proven_against_its_second_place(anchored: Shell) -> None:
    said = words(anchored.good("audit", "verify"))
    assert "The ledger is whole" in said
    assert "only checkpoints kept elsewhere tell" not in said
    report = anchored.good("audit", "verify", "--json").data
    assert (report["ok"], report["checkpoints"], report["elsewhere"]) == (True, 1, 1)
    assert (report["anchored"], report["first"]) == (report["last"], None)


def test_an_older_copy_of_the_whole_folder_is_found_by_the_second_place(anchored: Shell) -> None:
    """Issue 7, must show 1: roll-back needs the second place, and without it verifying says so."""
    shutil.copytree(anchored.data, anchored.folder / "older")
    serve(anchored)
    shutil.rmtree(anchored.data)
    shutil.copytree(anchored.folder / "older", anchored.data)
    done = anchored("audit", "verify")
    assert done.code == 1
    assert "rolled-back" in done.out
    assert "somebody, or a restored backup, put an earlier state back" in words(done)
    assert anchored("audit", "verify", "--json").data["first"]["kind"] == "rolled-back"
    anchored.file.write_text(anchored.file.read_text().replace(SECTION, ""))
    assert "--checkpoints" in words(anchored.good("audit", "verify"))
    assert anchored("audit", "verify", "--checkpoints", "elsewhere/checkpoints.jsonl").code == 1


def test_a_fingerprint_and_a_copy_of_the_key_prove_whose_ledger_it_is(anchored: Shell) -> None:
    key = public_key(anchored.data)
    shutil.copy(anchored.data / "keys" / "ledger.pub", anchored.folder / "copy.pub")
    for name in (fingerprint(key), chain_id(key), "copy.pub"):
        assert "replaced both" not in words(anchored.good("audit", "verify", "--key", name))
    assert anchored("audit", "verify", "--key", "0" * 16).code == 1


def test_a_second_place_that_is_away_proves_nothing(anchored: Shell) -> None:
    (anchored.folder / "elsewhere" / "checkpoints.jsonl").unlink()
    done = anchored("audit", "verify")
    assert done.code == 1
    assert "no such file of checkpoints" in done.err
    assert "--checkpoints FILE" in words(done)


@pytest.mark.parametrize("content", ["", "not a key", "-----BEGIN PUBLIC KEY-----\nMA==\n-----END PUBLIC KEY-----\n"])
def test_a_key_that_is_none_is_told_in_words(content: str, anchored: Shell) -> None:
    (anchored.data / "keys" / "ledger.pub").write_text(content)
    done = anchored("audit", "verify")
    assert done.code == 1
    assert "cannot be verified" in done.err


def test_a_missing_key_is_told_in_words(anchored: Shell) -> None:
    (anchored.data / "keys" / "ledger.pub").unlink()
    assert "ledger.pub" in anchored("audit", "verify").err


def test_a_crash_is_told_and_is_no_fault(anchored: Shell) -> None:
    path = segment_path(ledger_directory(anchored.data), 1)
    with path.open("ab") as file:
        file.write(b'{"n":')
    with (anchored.folder / "elsewhere" / "checkpoints.jsonl").open("ab") as file:
        file.write(b'{"cause":')
    said = words(anchored.good("audit", "verify"))
    assert "an unfinished record, which a crash leaves behind" in said
    assert "ends with half a checkpoint" in said


def test_more_problems_than_anyone_reads_are_counted(anchored: Shell) -> None:
    """Ours: a file that is garbage from end to end must not fill a terminal, or the memory."""
    with (ledger_directory(anchored.data) / "checkpoints.log").open("ab") as file:
        file.write(b"junk\n" * 3000)
    done = anchored("audit", "verify")
    assert done.code == 1
    assert "problems more" in done.out


def test_a_ledger_without_checkpoints_is_verified_and_noted(shell: Shell) -> None:  # noqa: F811
    ledger = Ledger(shell.data)
    ledger.close()
    said = words(shell.good("audit", "verify"))
    assert "there are no checkpoints in checkpoints.log" in said


def test_what_no_checkpoint_covers_is_told(shell: Shell) -> None:  # noqa: F811
    ledger = Ledger(shell.data)
    checkpoints = Checkpoints(shell.data, lambda: ledger.head, Origin(1, "x"), spawn=at_once)
    checkpoints.tick()
    trail = called("ref", "alice")
    ledger.begin(trail)
    said = words(shell.good("audit", "verify"))
    assert "n=3: no seal or checkpoint covers it yet" in said
    ledger.close()
    checkpoints.close()


def test_the_second_place_may_be_given_as_any_file(anchored: Shell, tmp_path: Path) -> None:
    copy = tmp_path / "copy.jsonl"
    shutil.copy(anchored.folder / "elsewhere" / "checkpoints.jsonl", copy)
    assert anchored.good("audit", "verify", "--checkpoints", str(copy), "--json").data["elsewhere"] == 1


# Object stores


@pytest.fixture
def stored(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Shell, Objects]]:  # noqa: F811
    """Run a gateway whose checkpoints are kept in an object store."""
    objects = Objects()
    monkeypatch.setenv("ACCESS_KEY", KEYS.access)
    monkeypatch.setenv("SECRET_KEY", KEYS.secret)
    with served(objects) as endpoint:
        s3 = (
            f"{{endpoint: '{endpoint}', bucket: evidence, region: {REGION}, access_key: 'env:ACCESS_KEY', "
            "secret_key: 'env:SECRET_KEY'}"
        )
        shell.file.write_text(f"{shell.file.read_text()}ledger: {{checkpoints: {{s3: {s3}}}}}\n")
        for _ in range(2):
            ledger, anchor = opened(checked(shell.file).config.ledger, shell.data, shell.file)
            ledger.close()
            anchor.checkpoints.close()
        yield shell, objects


def test_an_object_store_is_read_where_it_is_the_second_place(stored: tuple[Shell, Objects]) -> None:
    shell, objects = stored  # noqa: F811
    assert shell.good("audit", "verify", "--json").data["elsewhere"] == 2
    for name in sorted(objects.kept):
        del objects.kept[name]
    assert shell("audit", "verify").code == 1


def test_what_an_object_store_keeps_is_copied_for_later(stored: tuple[Shell, Objects]) -> None:
    shell, objects = stored  # noqa: F811
    assert "2 objects" in words(shell.good("audit", "checkpoints", "-o", "copy"))
    assert len(list((shell.folder / "copy").iterdir())) == 2
    objects.status = 503
    assert shell.good("audit", "verify", "--checkpoints", "copy", "--json").data["elsewhere"] == 2
    refused = shell("audit", "verify")
    assert refused.code == 1
    assert "The second place cannot be read" in words(refused)


def test_where_there_is_no_object_store_copying_says_so(anchored: Shell) -> None:
    assert "no ledger.checkpoints.s3" in words(anchored("audit", "checkpoints", "-o", "copy"))


def test_without_the_key_nobody_knows_what_to_copy(stored: tuple[Shell, Objects]) -> None:
    shell, _ = stored  # noqa: F811
    (shell.data / "keys" / "ledger.pub").unlink()
    assert "keys/ledger.pub" in words(shell("audit", "checkpoints", "-o", "copy"))

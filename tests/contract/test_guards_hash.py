"""`ostiary guards hash`: a list becomes a set that finds its values; what cannot become one is told and loses nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.contract import test_cli
from tests.contract.test_cli import CONFIG, Shell

shell = test_cli.shell

LIST = "account,name\nDE-4711-0815,Ann\n,\n4567 8901 22,Bob\n"
GUARD = '\nguards:\n  - {name: customers, use: exact, then: redact, words: ["Project Halberd"], file: customers.set}\n'


def listed(shell: Shell, text: str = LIST) -> Path:
    path = shell.folder / "customers.csv"
    path.write_text(text, "utf-8")
    return path


def test_a_column_becomes_a_set_that_a_guard_finds_values_with(shell: Shell) -> None:
    made = shell("guards", "hash", str(listed(shell)), "--column", "account", "-o", str(shell.folder / "customers.set"))
    assert made.code == 0, made.out + made.err
    assert "2 values" in (made.out + made.err)
    path = shell.folder / "customers.set"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"4711" not in path.read_bytes()
    shell.file.write_text(CONFIG + GUARD)
    tried = shell("guards", "test", "for de47110815 of Project Halberd", "-c", str(shell.file))
    assert "[redacted:value] of [redacted:word]" in " ".join((tried.out + tried.err).split())


def test_a_set_that_is_there_stays(shell: Shell) -> None:
    path = shell.folder / "customers.set"
    path.write_text("precious")
    refused = shell("guards", "hash", str(listed(shell)), "-o", str(path))
    assert refused.code == 2
    assert "--replace" in (refused.out + refused.err)
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        (LIST, ("--column", "acount"), "the columns are account,"),
        ("a-1\n", (), "letters and digits"),
        ("", ("--column", "account"), "there is no 'account'"),
    ],
)
def test_what_cannot_be_a_set_is_told(shell: Shell, text: str, more: tuple[str, ...], said: str) -> None:
    refused = shell("guards", "hash", str(listed(shell, text)), *more, "-o", str(shell.folder / "c.set"))
    assert refused.code in {1, 2}
    assert said in " ".join((refused.out + refused.err).split())
    assert not (shell.folder / "c.set").exists()


def test_a_list_that_is_not_there_or_no_text_is_told(shell: Shell) -> None:
    missing = shell("guards", "hash", str(shell.folder / "none"), "-o", str(shell.folder / "c.set"))
    assert "cannot be read" in (missing.out + missing.err)
    (shell.folder / "bytes").write_bytes(b"\xff\xfe\x00")
    broken = shell("guards", "hash", str(shell.folder / "bytes"), "-o", str(shell.folder / "c.set"))
    assert "not UTF-8" in (broken.out + broken.err)


def test_a_configuration_with_a_set_that_is_none_does_not_start(shell: Shell) -> None:
    (shell.folder / "customers.set").write_text("account\n")
    shell.file.write_text(CONFIG + GUARD)
    tried = shell("guards", "test", "words", "-c", str(shell.file))
    assert tried.code == 1
    assert "is not a set of hashed values" in " ".join((tried.out + tried.err).split())

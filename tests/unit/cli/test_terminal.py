"""What reaches a terminal, and what failures are called."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from ostiary.config.problems import Invalid, Problem
from ostiary.core.errors import Unreachable
from ostiary.entry.cli import terminal
from ostiary.entry.cli.terminal import Refused, told


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain Müller 日本", "plain Müller 日本"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("a\nb\tc\x7f", "a\\nb\\tc\\u007f"),
        ("pay \u202eevil", "pay \\u202eevil"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("tag\U000e0041", "tag\\udb40\\udc41"),
    ],
)
def test_what_acts_on_a_terminal_is_spelled_out(text: str, seen: str) -> None:
    """CWE-150: a tool's description must not move the cursor of the person who reviews it."""
    assert terminal.shown(text) == seen


def test_a_long_text_is_cut_and_says_so() -> None:
    assert terminal.shown("abcdef", 4) == "abc…"


def test_nothing_printed_has_colours_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Surface: colours only on a terminal."""
    terminal.line("good", "bold green")
    terminal.say("bad", "red")
    terminal.table(("A", "B"), [("x", terminal.styled("y", "red"))])
    caught = capsys.readouterr()
    assert "\x1b" not in caught.out + caught.err


def test_a_piped_table_keeps_one_line_for_each_row(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.table(("A", "B"), [("x" * 300, "y" * 300)])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_json_is_safe_to_print_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"text": "\x1b[2J \u202e \x9b31m \x7f ü"}
    terminal.data(value)
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert not any(each in printed for each in "\x1b\x7f")
    assert json.loads(printed) == value


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Refused("It cannot be.", "Do that."), ["It cannot be.", "Do that."]),
        (Invalid("o.yaml", [Problem("a.b", 3, 5, "is wrong", "write c")]), ["o.yaml:3:5: a.b: is wrong; write c"]),
        (Unreachable("10.0.0.1 refused; start it"), ["10.0.0.1 refused; start it"]),
        (FileNotFoundError(errno.ENOENT, "No such file", "o.yaml"), ["o.yaml: there is no such file.", "-c FILE"]),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), ["/x: Permission denied.", "as the user"]),
        (OperationalError("SELECT 1", {}, Exception("disk I/O error")), ["disk I/O error", "space on its disk"]),
        (ValueError("the key is not a key"), ["the key is not a key"]),
    ],
    ids=lambda it: type(it).__name__ if isinstance(it, Exception) else "",
)
def test_a_failure_is_told_in_words(error: Exception, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Ours: what happened, why, what to do; on standard error, and exit code 1."""
    assert told(error) == 1
    caught = capsys.readouterr()
    assert caught.out == ""
    assert all(each in caught.err for each in words)


def test_an_interrupt_is_no_failure_to_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == ""


def test_a_missing_configuration_has_no_default_elsewhere() -> None:
    assert Path("ostiary.yaml") == terminal.CONFIG


@pytest.mark.parametrize(
    ("span", "said"), [(90 * 86_400, "90 days"), (7200, "2 hours"), (59, "1 minute"), (-5, "0 minutes")]
)
def test_spans_are_said_in_one_unit(span: float, said: str) -> None:
    assert terminal.days(span) == said

"""`ostiary audit` in full: pages, timelines, and the ledger in other programs' formats."""

from __future__ import annotations

import json
import re
import stat
import sys
from pathlib import Path

import pytest

from ostiary.adapters.store.ledger import Ledger
from tests.contract.test_cli import Shell, called
from tests.contract.test_cli import shell as shell
from tests.unit.protocol.happenings import EVIL

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def written(shell: Shell) -> Shell:
    ledger = Ledger(shell.data)
    for number in range(7):
        trail = called(f"ref-{number}", "alice")
        assert trail.call is not None
        if number % 2:
            params = {**trail.call.params, "_meta": {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}}
            trail.call = type(trail.call)(1, "tools/call", "files__read", params, trail.call.client)
        ledger.begin(trail)
        ledger.end(trail)
    liar = called("ref-no", EVIL.replace("\ud800", ""), denied=True)
    liar.detail = EVIL.replace("\ud800", "")
    ledger.end(liar)
    ledger.close()
    return shell


def test_a_search_goes_on_page_by_page(written: Shell) -> None:
    """Issue: search by anything with paging."""
    seen: list[str] = []
    words: tuple[str, ...] = ()
    for _ in range(10):
        done = written.good("audit", "search", "--who", "alice", "--limit", "3", "--json", *words)
        seen += [each["reference"] for each in done.data]
        found = re.search(r"--page (\d+)", done.err)
        if found is None:
            break
        words = ("--page", found[1])
    assert seen == [f"ref-{at}" for at in range(6, -1, -1)]
    assert written("audit", "search", "--page", "mine").code == 2


@pytest.mark.parametrize(
    ("words", "count"),
    [(("--trace", TRACE), 3), (("--rule", "readers"), 7), (("--reason", "no_rule"), 1), (("--client", "tok_1"), 8),
     (("--client", "tok_2"), 0), (("--text", TRACE), 3), (("--session", "s"), 0), (("--task", "t"), 0), (("--run", "r"), 0)],
    ids=str,
)  # fmt: skip
def test_calls_are_found_by_what_is_known_of_them(words: tuple[str, ...], count: int, written: Shell) -> None:
    assert (
        len([each for each in written.good("audit", "search", *words, "--json").data if each["type"] == "call"])
        == count
    )


def test_a_timeline_shows_a_run_by_its_trace_or_by_one_of_its_calls(written: Shell) -> None:
    for ident in (TRACE, "ref-3"):
        found = written.good("audit", "timeline", ident, "--json").data
        assert (found["by"], found["id"]) == ("trace", TRACE)
        assert [each["reference"] for each in found["calls"]] == ["ref-1", "ref-3", "ref-5"]
    done = written.good("audit", "timeline", TRACE, "--limit", "2")
    assert "ref-3" in done.out
    assert "2 calls of the trace" in done.err
    assert "--page" in done.err
    assert written("audit", "timeline", "nothing").code == 1


@pytest.mark.parametrize("form", ["cef", "leef", "ocsf"])
def test_an_export_has_one_line_for_each_call_and_event_whatever_is_said(form: str, written: Shell) -> None:
    lines = written.good("audit", "export", "--format", form).out.split("\n")
    assert lines.pop() == ""
    assert len(lines) >= 8
    start = {"cef": "CEF:0|Ostiary|", "leef": "LEEF:2.0|Ostiary|", "ocsf": '{"activity_id":'}[form]
    assert all(line.startswith(start) for line in lines)
    assert all(line.replace("\t", "").isprintable() for line in lines)
    assert sum("alice" in line for line in lines) == 7
    if form == "ocsf":
        made = [json.loads(line) for line in lines]
        assert len({each["metadata"]["uid"] for each in made}) == len(made)


def test_an_export_of_a_time_has_only_that(written: Shell) -> None:
    assert "alice" not in written.good("audit", "export", "--format", "cef", "--until", "2020-01-01").out


def test_an_export_in_columns_is_private_and_has_the_types(written: Shell) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    written.good("audit", "export", "--format", "parquet", "-o", "calls.parquet")
    path = written.folder / "calls.parquet"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = parquet.read_table(path).to_pylist()
    assert [each["reference"] for each in rows if each["subject"] == "alice"] == [f"ref-{at}" for at in range(7)]
    assert rows[-1]["n"] > 0
    assert written("audit", "export", "--format", "parquet").code == 2


def test_without_its_library_columns_are_refused_in_words(written: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = written("audit", "export", "--format", "parquet", "-o", "calls.parquet")
    assert done.code == 1
    assert "ostiary[parquet]" in done.err
    assert not Path(written.folder / "calls.parquet").exists()

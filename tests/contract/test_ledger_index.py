"""The index: what many processes, an older version, damage and odd texts do to it, and what runs did."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from ostiary.adapters.store import ledger_index, ledger_search, ledger_tables
from ostiary.adapters.store.ledger import Ledger, Sizes
from ostiary.adapters.store.ledger_index import LedgerIndex
from ostiary.adapters.store.ledger_read import Wanted, ledger_directory, search
from ostiary.adapters.store.ledger_timeline import timeline
from ostiary.core.model import Allow, Caller, Client, Deny, Era, Reason, Target
from ostiary.core.trail import Trail
from tests.contract.test_ledger import trail

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def marked(reference: str, *, trace: str = "", session: str = "", task: str = "") -> Trail:
    made = trail(reference)
    assert made.call is not None
    assert made.target is not None
    params = {**made.call.params}
    if trace:
        params["_meta"] = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    client = Client(Era.HANDSHAKE, "2025-11-25", {}, "{}", {"name": "editor"}, session or None)
    made.call = type(made.call)(1, "tools/call", "files_read", params, client)
    if task:
        known = made.target
        made.target = Target(known.server, known.kind, known.name, known.label, known.exposed, task=task)
    return made


def told(data: Path, *trails: Trail, size: int = 1 << 20) -> None:
    ledger = Ledger(data, sizes=Sizes(segment_bytes=size))
    for each in trails:
        ledger.begin(each)
        ledger.end(each)
        ledger.tick(0.0)
    ledger.close()


@pytest.fixture
def runs(tmp_path: Path) -> LedgerIndex:
    told(
        tmp_path, marked("r1", trace=TRACE), marked("r2", session="session-1"), marked("r3", trace=TRACE, task="t-1"),
        marked("r4"), marked("r5", session="session-1", task="t-1"),
    )  # fmt: skip
    index = LedgerIndex(tmp_path)
    index.update()
    return index


def test_the_timeline_of_a_task_begins_with_the_call_that_began_it(tmp_path: Path) -> None:
    begins, other = marked("r1"), marked("r2")
    begins.task = "t-1"
    told(tmp_path, begins, other, marked("r3", task="t-1"))
    index = LedgerIndex(tmp_path)
    index.update()
    task = index.search(Wanted(reference="r3"))[0].task
    assert "t-1" not in task
    assert names(timeline(index, task).entries) == ["r1", "r3"]
    assert names(index.search(Wanted(task=task))) == ["r3", "r1"]


def names(found: object) -> list[str]:
    return [each.reference for each in found if each.type == "call"]  # type: ignore[attr-defined]


def test_a_run_is_found_by_its_trace_its_session_and_its_task(runs: LedgerIndex) -> None:
    assert names(runs.search(Wanted(trace=TRACE))) == ["r3", "r1"]
    assert names(runs.search(Wanted(session="session-1"))) == ["r5", "r2"]
    task = runs.search(Wanted(reference="r5"))[0].task
    assert names(runs.search(Wanted(task=task))) == ["r5", "r3"]
    assert names(runs.search(Wanted(mark=TRACE, task=task))) == ["r3"]
    assert names(runs.search(Wanted(text=TRACE))) == ["r3", "r1"]
    assert names(runs.search(Wanted(text="files", trace=TRACE))) == ["r3", "r1"]
    assert names(runs.search(Wanted(text="127.0", trace=TRACE))) == ["r3", "r1"]
    assert names(runs.search(Wanted(text=TRACE[:-1]))) == []
    assert "t-1" not in task


def test_a_timeline_tells_in_order_what_a_run_did(runs: LedgerIndex) -> None:
    found = timeline(runs, TRACE)
    assert (found.by, names(found.entries), found.more) == ("trace", ["r1", "r3"], False)
    whole = timeline(runs, "r3")
    assert (whole.by, whole.ident, names(whole.entries)) == ("trace", TRACE, ["r1", "r3"])
    assert timeline(runs, "r4").by == "reference"
    assert timeline(runs, "nothing").entries == []
    first = timeline(runs, TRACE, limit=1)
    assert (names(first.entries), first.more) == (["r1"], True)
    assert names(timeline(runs, TRACE, after=first.entries[-1].n).entries) == ["r3"]


@pytest.mark.parametrize("token", ["-1", "x", "1e9", "9" * 40, "１"])
def test_a_token_of_somebody_elses_is_refused(token: str, runs: LedgerIndex) -> None:
    with pytest.raises(ValueError, match="token"):
        runs.page(Wanted(), token=token)


@pytest.mark.parametrize(
    "text", ['"', "'", "%", "_", "\\", "a\0b", "*", "OR", 'x" OR "', "é", "(", "x" * 5000, "NEAR("]
)
def test_a_text_is_what_is_searched_for_and_no_query(text: str, tmp_path: Path) -> None:
    """As the attacker: words of a search engine's language, in what is said and in what is asked."""
    made = trail("r1")
    made.detail, made.outcome = f"it said {text}!"[:480], "tool_error"
    told(tmp_path, made, trail("r2"))
    index = LedgerIndex(tmp_path)
    index.update()
    for wanted in (text[:400], f"said {text[:300]}"):
        scanned = names(search(ledger_directory(tmp_path), Wanted(text=wanted.replace("\0", ""))))
        assert names(index.search(Wanted(text=wanted.replace("\0", "")))) == scanned
    index.close()


@pytest.mark.parametrize("damage", ["text", "older", "cut"])
def test_an_index_that_is_none_is_made_anew(damage: str, runs: LedgerIndex, tmp_path: Path) -> None:
    runs.close()
    path = tmp_path / "ledger-index.sqlite"
    if damage == "text":
        path.write_text("this is no database, but a long line of words " * 100)
    elif damage == "older":
        path.unlink()
        with sqlite3.connect(path) as older:
            older.execute("CREATE TABLE calls (reference TEXT PRIMARY KEY, words TEXT)")
            older.execute("CREATE TABLE position (id INTEGER PRIMARY KEY, segment INTEGER)")
    else:
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        os.truncate(path, 3000)
    index = LedgerIndex(tmp_path)
    assert index.update() > 0
    assert len(names(index.search(Wanted()))) == 5
    index.close()


def test_two_processes_index_everything_once(tmp_path: Path) -> None:
    told(tmp_path, *(marked(f"r{at}", trace=TRACE) for at in range(300)), size=20_000)
    indices = [LedgerIndex(tmp_path, batch=7) for _ in range(2)]
    threads = [threading.Thread(target=index.update) for index in indices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert indices[0].update() == 0
    assert indices[0].count(Wanted(trace=TRACE)) == 300
    assert sorted(names(indices[1].search(Wanted(), limit=1000))) == sorted(f"r{at}" for at in range(300))
    assert indices[0].behind() == 0


def company(data: Path, calls: int = 900) -> None:
    """Write calls of many people with many tools, so that a search meets many combinations."""
    ledger = Ledger(data)
    for at in range(calls):
        made = trail(f"r{at}", label=f"server{at % 3}.tool{at % 29}")
        made.time += at
        made.caller = Caller(f"person{at % 31}", "issuer", "client", "token", 9e9)
        made.decision = Deny(Reason.NO_RULE) if at % 13 == 0 else Allow(f"rule{at % 5}")
        made.detail, made.outcome = (f"row {at % 7} is gone", "tool_error") if at % 11 == 0 else ("", "answered")
        ledger.begin(made)
        ledger.end(made)
    ledger.close()


ASKED = [
    Wanted(server="server1"), Wanted(server="server2", decision="deny"), Wanted(tool="server0.*", outcome="tool_error"),
    Wanted(subject="person3", tool="*7"), Wanted(rule="rule2"), Wanted(text="row 3"), Wanted(text="PERSON1"), Wanted(text="r"),
    Wanted(text="gone", server="server1", since="2023-11-14T22:20:00.000Z", until="2023-11-14T22:25:00.000Z"),
    Wanted(outcome="answered", since="2023-11-14T22:15:00.500Z"), Wanted(since="2033-01-01T00:00:00Z"),
    Wanted(until="2003-01-01T00:00:00Z"), Wanted(client="client", reason="no_rule"),
]  # fmt: skip


@pytest.mark.parametrize("ways", ["each", "walked", "many"])
def test_every_way_to_search_finds_the_same(ways: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which way is taken depends on how much fits; what is found must not."""
    company(tmp_path)
    index = LedgerIndex(tmp_path)
    index.update()
    settings = {"each": (10**6, 10**6, 10**6), "walked": (0, 10**6, 0), "many": (0, 0, 0)}[ways]
    for name, value in zip(("_FEW_KINDS", "_MANY_KINDS", "_FEW_LINKS"), settings, strict=True):
        monkeypatch.setattr(ledger_search, name, value)
    monkeypatch.setattr(ledger_search, "_NEAR", 100)
    for wanted in ASKED:
        scanned = names(search(ledger_directory(tmp_path), wanted, limit=2000))
        page = index.page(wanted, limit=17)
        found = names(page.entries)
        while page.next:
            page = index.page(wanted, limit=17, token=page.next)
            found += names(page.entries)
        assert found == scanned, wanted
    index.close()


@pytest.fixture
def postgres() -> Engine:
    url = os.environ.get("OSTIARY_TEST_POSTGRES", "")
    if not url:
        pytest.skip("OSTIARY_TEST_POSTGRES names no database")
    return create_engine(url)


@pytest.mark.parametrize("batch", [7, 500])
def test_postgresql_finds_the_same_through_the_same_code(batch: int, postgres: Engine, tmp_path: Path) -> None:
    company(tmp_path)
    index = LedgerIndex(tmp_path, engine=postgres, batch=batch)
    index.rebuild()
    for wanted in ASKED:
        scanned = names(search(ledger_directory(tmp_path), wanted, limit=2000))
        assert names(index.search(wanted, limit=2000)) == scanned, wanted
        assert index.count(wanted) >= len(scanned)
    index.close()


def indices(data: Path) -> set[str]:
    with sqlite3.connect(data / "ledger-index.sqlite") as file:
        return {str(name) for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}


def test_what_is_taken_in_at_once_is_found_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company(tmp_path, 100)
    monkeypatch.setattr(ledger_index, "_MUCH", 0)
    index = LedgerIndex(tmp_path)
    whole = indices(tmp_path)
    index.update()
    assert indices(tmp_path) == whole
    assert len(names(index.search(Wanted(text="gone")))) == 10
    # A process that was killed in between left some out; the next one makes them.
    ledger_tables.scatter(index._engine)
    index.close()
    assert indices(tmp_path) < whole
    LedgerIndex(tmp_path).close()
    assert indices(tmp_path) == whole

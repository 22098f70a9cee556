"""The page about the ledger names every field and every event that the code can write, and none that it cannot."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ostiary.adapters.store.ledger_callers import Principal
from ostiary.adapters.store.ledger_values import (
    Arguments,
    Bytes,
    Guarded,
    Judgement,
    Millis,
    Money,
    Ran,
    Record,
    Reserved,
)
from ostiary.behaviour.happenings import EVENTS, LASTING, LEDGER_STOPPED, OVER, SERVER_DOWN

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "ledger.md").read_text("utf-8")
SOURCE = ROOT / "src" / "ostiary"
WRITERS = frozenset({"event", "_event", "note", "_record", "_tell"})
"""What the functions are called by which events reach the ledger."""
ELSEWHERE = ("pipeline/", "adapters/http/", "adapters/upstream/", "config/", "adapters/identity/")
"""Where functions of these names do something else."""
OF_ALARMS = frozenset({SERVER_DOWN, "server_up", LEDGER_STOPPED})
"""What alerts are about, and the ledger does not tell."""
COMPUTED = frozenset({"token_created", "token_rotated", "token_revoked", "call_approved", "call_refused", "call_held",
    "quarantine_added", "quarantine_lifted", "alert_told", "alert_over", "payloads_erased", "payloads_expired",
    *(f"{what}_{verdict}" for what in ("definitions", "identity", "instructions") for verdict in ("approved", "rejected")),
})  # fmt: skip
"""Events whose kind is said elsewhere than where they are written."""


def section(title: str) -> str:
    """Return a part of the page."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first(part: str) -> set[str]:
    """Return what the first cells of the tables of a part name."""
    cells = (line.split("|")[1] for line in part.splitlines() if line.startswith("| `"))
    return {name for cell in cells for name in re.findall(r"`([a-z_]+)`", cell)}


def written() -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the kinds of events that the code names where it writes them, and what facts it gives with them."""
    for path in sorted(SOURCE.rglob("*.py")):
        if str(path.relative_to(SOURCE)).startswith(ELSEWHERE):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and _named(node.func) in WRITERS:
                said = node.args[0]
                if isinstance(said, ast.Constant) and isinstance(said.value, str):
                    yield said.value, frozenset(_keys(node.args[1:]))


def _named(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _keys(args: list[ast.expr]) -> Iterator[str]:
    for each in args:
        if isinstance(each, ast.Dict):
            yield from (key.value for key in each.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def test_every_field_of_a_record_is_in_the_page_and_no_other() -> None:
    fields = set(Record.__struct_encode_fields__) - {"type"}
    named = first(section("A record").partition("| field |")[2])
    assert named == fields


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("principal", Principal), ("decision", Judgement), ("arguments", Arguments), ("bytes", Bytes), ("ms", Millis),
        ("cost", Money), ("reserved", Reserved), ("guards", Guarded), ("run", Ran),
    ],
)  # fmt: skip
def test_so_is_every_member_of_a_field(field: str, values: type[msgspec.Struct]) -> None:
    (line,) = (
        line
        for line in section("A record").splitlines()
        if line.startswith("| `") and f"`{field}`" in line.split("|")[1]
    )
    assert set(re.findall(r"`([a-z_]+)`", line.split("|", 2)[2])) >= set(values.__struct_encode_fields__)


def test_every_event_is_in_the_page_and_no_other() -> None:
    literal = {kind for kind, _ in written()}
    known = (literal | COMPUTED | {*EVENTS, *LASTING, *OVER}) - OF_ALARMS
    assert {"export_failed", "budget_warning", "interrupted", "login"} <= literal
    assert first(section("Events")) == known


def test_so_are_the_facts_that_are_given_with_it() -> None:
    lines = [line for line in section("Events").splitlines() if line.startswith("| `")]
    for kind, facts in written():
        (line,) = (line for line in lines if f"`{kind}`" in line.split("|")[1])
        assert facts <= set(re.findall(r"`([a-z_]+)`", line)), kind


def test_what_is_computed_is_somewhere_in_the_code() -> None:
    source = "".join(path.read_text("utf-8") for path in SOURCE.rglob("*.py"))
    for kind in COMPUTED - {each for each in COMPUTED if each.endswith(("_approved", "_rejected"))}:
        assert f'"{kind}"' in source

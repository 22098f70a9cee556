"""`ostiary usage` and `ostiary cost`, by what real calls left in a real ledger."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.budgeted import CONFIG, Till, dollars
from tests.contract.test_cli import Shell, offered, shell, tool
from tests.pipeline.stage import call

__all__ = ["shell"]

FILE = CONFIG.replace('8080"}', '8080", data: data}').replace(
    "rules:", "prices: {models: {small: {input: 3 USD/M, output: 15 USD/M}}}\nrules:"
)


@pytest.fixture
def here(shell: Shell) -> Shell:
    shell.file.write_text(FILE, "utf-8")
    till = Till(shell.data, FILE)
    till.cost = lambda _order: dollars(1_500)
    for who in ("ana@red", "ana@red", "ben@red+blue", "eve"):
        till.play(call("files__read", who, path="/a"))
    till.play(call("files__drop", "ben@red+blue", path="/a"))
    till.play(call("files__drop", "ben@red+blue", path=3))
    till.now += 86_400.0
    till.play(call("files__read", "eve", path="/a"))
    till.ledger.close()
    return shell


def micros(rows: Any) -> dict[str, int]:
    return {row["name"]: sum(each["micros"] for each in row["cost"]) for row in rows["rows"]}


SINCE = ("--since", "2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("caller", {"ben (ostiary)": 22_500, "ana (ostiary)": 5_000, "eve (ostiary)": 5_000}),
        ("team", {"red": 27_500, "blue": 22_500, "(no team)": 5_000}),
        ("tool", {"files.drop": 20_000, "files.read": 12_500}),
        ("server", {"files": 32_500}),
        ("day", {"2026-01-01": 30_000, "2026-01-02": 2_500}),
    ],
)
def test_cost_adds_up_what_the_ledger_says(here: Shell, by: str, expected: dict[str, int]) -> None:
    found = here.good("cost", "--json", "--by", by, *SINCE).data
    assert micros(found) == expected
    assert found["all"]["cost"] == [{"micros": 32_500, "currency": "USD"}]
    assert found["all"]["calls"] == 7


def test_usage_counts_calls_failures_and_bytes(here: Shell) -> None:
    found = here.good("usage", "--json", "--by", "caller", *SINCE).data
    rows = {row["name"]: (row["calls"], row["failed"]) for row in found["rows"]}
    assert rows == {"ben (ostiary)": (3, 1), "ana (ostiary)": (2, 0), "eve (ostiary)": (2, 0)}
    assert all(row["asked"] > 0 for row in found["rows"])
    words = here.good("usage", *SINCE).out
    assert "█" in words
    assert "ben (ostiary)" in words


def test_costs_are_shown_with_bars_and_a_sum(here: Shell) -> None:
    done = here.good("cost", *SINCE)
    words, besides = done.out, done.err
    assert "0.0275 USD" in words
    assert "Together: 0.0325 USD." in words
    assert "7 calls" in besides
    later = here.good("cost", "--since", "2026-02-01T00:00:00Z").err
    assert "has a price" in later


def test_the_weight_of_a_catalogue_is_told_with_what_it_costs_a_model(here: Shell) -> None:
    assert "start the gateway once" in here.good("cost", "--catalogue").err
    read = tool("read", "Reads a file. " * 40)
    offered(here, read, approved=(read,))
    done = here.good("cost", "--catalogue")
    assert "read (~" in done.out
    assert "small reads the list of /mcp for about 0.000" in done.out
    assert "estimate" in done.err
    rows = here.good("cost", "--catalogue", "--json").data["rows"]
    assert {row["endpoint"] for row in rows} == {"/mcp", "/servers/files/mcp"}
    assert all(row["tokens"] == -(-row["octets"] // 4) for row in rows)

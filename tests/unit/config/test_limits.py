"""Limits and prices as a configuration writes them, and what they charge for a call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ostiary.config.checking import tried
from ostiary.config.counting import Counting
from ostiary.config.parse import parse
from ostiary.config.problems import Unfit
from ostiary.config.units import Money, Quota, as_tokens, busy, money, percent, spend, tokens, traffic
from ostiary.core.costs import Budget, Rate
from ostiary.core.rules import Charge

HEAD = 'gateway: {url: "http://127.0.0.1:8080"}\n'
SERVERS = """servers:
  crm:
    command: [crm]
    tools:
      export: {price: 0.02 USD}
      ask: {price: {call: 0.01 USD, per_mb: 0.5 USD, per_second: 0.001 USD, reported: true, at_most: 1 USD}}
      odd: {price: {reported: true, currency: USD}}
prices: {models: {small: {input: 3 USD/M, output: 15 USD/M}}}
"""


def counting(limits: str) -> Counting:
    return Counting(parse(f"{HEAD}{SERVERS}limits: [{limits}]\n", "test"))


def wrong(text: str) -> list[str]:
    return [problem.rendered("") for problem in tried(HEAD + text, "test")[1]]


def test_the_default_is_one_charge_as_it_always_was() -> None:
    config = parse(HEAD, "test")
    assert Counting(config).charges("crm.x") == (Charge("default", "caller", 20.0, 1200.0, 64),)


def test_each_window_and_each_unit_is_a_charge_with_buckets_of_its_own() -> None:
    limit = "name: a, per: [tool, team], calls: [10/s, 600/min], concurrent: 5, queue: 2s, bytes: 100 MiB/day, "
    first, second, bytes_, seconds = counting(f"{{{limit} seconds: 600/h}}").charges("crm.export")
    assert first == Charge("a", "team+tool", 10.0, 10.0, 5, within=("crm.export",), queue=2.0)
    assert second == Charge("a", "team+tool", 10.0, 600.0, 0, within=("crm.export", "600/min"))
    assert (bytes_.unit, bytes_.burst, bytes_.within) == ("bytes", 100.0 * 2**20, ("crm.export", "bytes"))
    assert (seconds.unit, seconds.rate, seconds.burst) == ("seconds", 600 / 3600, 600.0)


def test_what_has_no_price_pays_into_no_budget() -> None:
    it = counting("{name: a, per: server, spend: 50 USD/day, zone: Europe/Berlin, warn_at: 80%, shadow: true}")
    (charge,) = it.charges("crm.export")
    assert charge.budget == Budget(50_000_000, "USD", "day", charge.budget.zone if charge.budget else None)  # type: ignore[arg-type]  # because it is compared with itself
    assert (charge.reserve, charge.warn, charge.within, charge.shadow) == (20_000, 80, ("crm", "spend"), True)
    assert it.charges("crm.free") == ()
    assert [each.reserve for each in it.budgets("crm.free")] == [0], "what it cost once is counted all the same"
    assert [each.reserve for label in ("crm.ask", "crm.odd") for each in it.charges(label)] == [1_000_000, None]
    assert counting("{name: a, per: all, calls: 1/s}").budgets("crm.export") == ()


def test_a_price_is_exact_and_knows_models_where_something_is_reported() -> None:
    it = counting("{name: a, per: all, calls: 1/s}")
    ask, export = it.price("crm.ask"), it.price("crm.export")
    assert ask is not None
    assert export is not None
    assert (ask.call, ask.per_mb, ask.per_second, ask.most) == (10_000, 500_000, 1_000, 1_000_000)
    assert ask.models == (("small", Rate(3_000_000, 15_000_000, "USD")),)
    assert (export.call, export.currency, export.models, export.reserve) == (20_000, "USD", (), 20_000)
    assert it.price("crm.free") is None


def test_what_was_written_can_be_written_again() -> None:
    limits = (
        "{name: a, per: [team, tool], calls: [1/s, 9/min], concurrent: 1, queue: 2s}, "
        "{name: b, per: all, on: [crm.*], bytes: 1MiB/day, seconds: 600/h, spend: 0.5 USD/month, warn_at: 80%}"
    )
    config = parse(f"{HEAD}{SERVERS}limits: [{limits}]\n", "test")
    written = json.dumps(config.model_dump(mode="json", exclude_unset=True))
    assert parse(written, "written") == config
    dumped = config.model_dump(mode="json")
    assert [each["per"] for each in dumped["limits"]] == [["team", "tool"], "all"]
    assert [each["calls"] for each in dumped["limits"]] == [["1/s", "9/min"], None]


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (money, "0.02 USD", Money(20_000, "USD")),
        (money, "3EUR", Money(3_000_000, "EUR")),
        (tokens, "3 USD/M", Money(3_000_000, "USD")),
        (spend, "50 USD/day", Quota(50_000_000, "day", "USD")),
        (spend, "0.000001 USD/month", Quota(1, "month", "USD")),
        (traffic, "100 MiB/day", Quota(100 * 2**20, "day")),
        (busy, "600/h", Quota(600, "h")),
        (percent, "80%", 80),
    ],
)
def test_quantities_are_read(read: Any, text: str, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (money, "USD 3"), (money, "3 usd"), (money, "0.0000001 USD"), (money, "-1 USD"), (money, 3), (money, "1e3 USD"),
        (tokens, "3 USD"), (tokens, 3), (tokens, "x/M"), (spend, "50 USD"), (spend, "50 USD/week"), (spend, "0 USD/day"),
        (spend, None), (traffic, "100MiB"), (traffic, "100MiB/month"), (traffic, 3), (traffic, "x/day"), (busy, "600/month"),
        (percent, "0%"), (percent, "101%"), (percent, "80"), (percent, 80),
    ],
)  # fmt: skip
def test_other_quantities_are_none(read: Any, text: object) -> None:
    with pytest.raises(Unfit):
        read(text)


def test_quantities_know_their_rate_and_how_they_are_written() -> None:
    assert Quota(120, "min").per_second == 2.0
    assert str(Money(20_000, "USD")) == "0.02 USD"
    assert as_tokens(Money(3_000_000, "USD")) == "3 USD/M"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("limits: [{name: a, per: [caller, caller], calls: 1/s}]", "says the same twice"),
        ("limits: [{name: a, per: [], calls: 1/s}]", "is empty"),
        ("limits: [{name: a, per: [all, team], calls: 1/s}]", "is nothing that a limit is shared by"),
        ("limits: [{name: a, per: 3, calls: 1/s}]", "is nothing that a limit is shared by"),
        ("limits: [{name: a, per: al, calls: 1/s}]", 'did you mean "all"?'),
        ("limits: [{name: a, per: all, calls: []}]", "is no list of one to 4 different rates"),
        ("limits: [{name: a, per: all, calls: [1/s, 1/s]}]", "is no list of one to 4 different rates"),
        ("limits: [{name: a, per: all, calls: 1/s, queue: 2s}]", "means nothing without concurrent"),
        ("limits: [{name: a, per: all, concurrent: 1, queue: 2m}]", "is longer than a minute"),
        ("limits: [{name: a, per: all, calls: 1/s, warn_at: 80%}]", "means nothing without spend"),
        ("limits: [{name: a, per: all, shadow: true}]", "limits nothing"),
        ("limits: [{name: a, per: all, spend: 1 USD/day}]", "bounds nothing: no tool that it counts has a price"),
        (f"{SERVERS}limits: [{{name: a, per: all, on: [crm.x], spend: 1 USD/day}}]", "bounds nothing"),
        (f"{SERVERS}limits: [{{name: a, per: all, spend: 1 EUR/day}}]", "is in EUR, and crm.ask has its price in USD"),
        (SERVERS.replace("call: 0.01 USD", "call: 0.01 EUR"), "has amounts in EUR and USD"),
        (SERVERS.replace(", currency: USD", ""), "does not say its currency"),
        (SERVERS.replace("reported: true, currency: USD", "at_most: 1 USD"), "is the price of nothing"),
        (SERVERS.replace("output: 15 USD/M", "output: 15 EUR/M"), "has prices in EUR and USD"),
        (SERVERS.replace("0.02 USD", "free"), "is not an amount"),
    ],
)
def test_what_does_not_go_together_is_told(text: str, said: str) -> None:
    assert any(said in problem for problem in wrong(text)), wrong(text)

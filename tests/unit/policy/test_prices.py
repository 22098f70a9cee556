"""What a call cost: exact sums, and no word of anybody's that makes it cheaper."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.costs import Cost, Price, Rate
from ostiary.policy.prices import NOTHING, Reported, amount, due, reported

MODELS = (("small", Rate(3_000_000, 15_000_000, "USD")), ("foreign", Rate(1, 1, "EUR")))
PRICE = Price("USD", reported=True, most=50_000, models=MODELS)


@pytest.mark.parametrize(
    ("value", "micros"),
    [
        ("0.02", 20_000), ("1", 1_000_000), ("0.0000001", 1), (0.02, 20_000), (1e-7, 1), (3, 3_000_000), (0, 0),
        ("", None), ("-1", None), (-1, None), (-0.5, None), ("1e3", None), (True, None), (None, None), ([], None),
        (float("nan"), None), (float("inf"), None), (10**30, None), ("1" * 40, None), ("١", None), (" 1", None),
        ("1 USD", None), ("1.", None), (10**9, None),
    ],
)  # fmt: skip
def test_an_amount_is_read_exactly_or_not_at_all(value: Any, micros: int | None) -> None:
    assert amount(value) == micros


@given(st.integers(0, 10**15 - 1))
def test_every_amount_of_micros_comes_back_as_it_was_written(micros: int) -> None:
    assert amount(str(Decimal(micros) / 10**6)) in (micros, None)
    assert amount(f"{micros // 10**6}.{micros % 10**6:06d}") == micros


def said(**meta: Any) -> Any:
    return {"content": [], "_meta": meta}


@pytest.mark.parametrize("result", [None, [], {}, {"_meta": None}, {"_meta": []}, {"_meta": {"other": 1}}])
def test_who_reports_nothing_reports_nothing(result: Any) -> None:
    assert reported(result, PRICE) == NOTHING


def test_a_cost_and_tokens_add_up() -> None:
    usage = {"model": "small", "input_tokens": 1000, "output_tokens": 10}
    result = said(**{"ostiary/cost": {"amount": "0.01", "currency": "USD"}, "usage": usage})
    assert reported(result, PRICE) == Reported(10_000 + 3_000 + 150)


@pytest.mark.parametrize("names", [("inputTokens", "outputTokens"), ("prompt_tokens", "completion_tokens")])
def test_tokens_have_the_names_that_models_interfaces_give_them(names: tuple[str, str]) -> None:
    usage = {names[0]: 1, names[1]: 1}
    assert reported({"model": "small", "_meta": {"usage": usage}}, PRICE) == Reported(3 + 15)


def test_a_part_of_a_micro_is_a_micro() -> None:
    price = Price("USD", reported=True, models=(("cheap", Rate(1, 1, "USD")),))
    assert reported({"model": "cheap", "_meta": {"usage": {"input_tokens": 1}}}, price) == Reported(1)


@pytest.mark.parametrize(
    ("meta", "fault"),
    [
        ({"ostiary/cost": None}, "no amount"),
        ({"ostiary/cost": {"amount": "x", "currency": "USD"}}, "no amount"),
        ({"ostiary/cost": {"amount": "1", "currency": "EUR"}}, "not in USD"),
        ({"usage": 3}, "no usage"),
        ({"usage": {"model": "small", "input_tokens": -1}}, "no usage"),
        ({"usage": {"model": "small", "output_tokens": True}}, "no usage"),
        ({"usage": {"model": "small", "output_tokens": 10**13}}, "no usage"),
        ({"usage": {"model": "unheard of"}}, "no price here"),
        ({"usage": {"model": "foreign"}}, "no price here"),
        ({"usage": {}}, "no price here"),
    ],
)
def test_what_cannot_be_understood_is_a_fault_and_is_not_repeated(meta: Any, fault: str) -> None:
    found = reported(said(**meta), PRICE)
    assert found.micros == 0
    assert fault in found.faults[0]
    assert "unheard" not in str(found)


def test_tokens_do_not_count_where_no_model_has_a_price() -> None:
    assert reported(said(usage={"model": "small"}), Price("USD", reported=True)) == NOTHING


def test_a_call_costs_the_sum_of_its_parts() -> None:
    price = Price("USD", call=10, per_mb=1_000_000, per_second=500)
    assert due(price, 3, 2.0, NOTHING) == (10 + 3 + 1_000, ())
    assert due(price, 0, -1.0, Reported(7)) == (17, ())
    assert due(Price("USD", per_mb=1), 1, 0.0, NOTHING) == (1, ()), "rounded up"


def test_a_call_never_costs_more_than_the_most_and_not_less_for_nonsense() -> None:
    price = Price("USD", call=10, reported=True, most=100)
    assert due(price, 0, 0.0, Reported(90)) == (100, ())
    micros, faults = due(price, 0, 0.0, Reported(91))
    assert (micros, len(faults)) == (100, 1)
    assert due(price, 0, 0.0, Reported(1, ("odd",))) == (100, ("odd",))
    assert due(Price("USD", call=10, reported=True), 0, 0.0, Reported(1, ("odd",))) == (11, ("odd",))
    assert due(Price("USD", reported=True), 0, 0.0, Reported(10**30)) == (10**15, ())


@given(st.integers(0, 10**12), st.floats(0.0, 1e5), st.integers(0, 10**9))
def test_at_most_is_at_most(octets: int, seconds: float, micros: int) -> None:
    price = Price("USD", call=1, per_mb=7, per_second=3, reported=True, most=10**6)
    assert due(price, octets, seconds, Reported(micros))[0] <= 10**6


def test_a_price_that_nothing_depends_on_is_fixed() -> None:
    assert Price("USD", call=5).fixed == Cost(5, "USD")
    for other in (Price("USD", per_mb=1), Price("USD", per_second=1), PRICE, Price("USD", call=5, most=4)):
        assert other.fixed is None

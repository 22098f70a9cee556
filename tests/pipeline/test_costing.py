"""What a call costs, on the long way and on the swift one: what servers and clients report of it is heard."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from ostiary.core.costs import Cost, Price, Rate
from ostiary.core.model import Call, Client, Era, Json, Target
from ostiary.core.trail import Trail
from ostiary.pipeline import costing
from ostiary.pipeline.swift import Swift
from tests.pipeline.stage import Stage, call
from tests.pipeline.test_swift import Runway, body_of

MODELS = (("small", Rate(3_000_000, 15_000_000, "USD")),)
PRICE = Price("USD", call=100, reported=True, most=50_000, models=MODELS)
CLIENT = Client(Era.MODERN, "2026-07-28", {}, "", {})
COST = {"ostiary/cost": {"amount": "0.001", "currency": "USD"}}


def answer(meta: Json | None = None, **more: Any) -> Json:
    return {"result": {"content": [], "resultType": "complete", **({"_meta": meta} if meta else {}), **more}}


def trail(**more: Any) -> Trail:
    made = Trail(call("files__read"), "ref", 1, 0.0, 0.0, intended=True, sent=1.0, answered=3.0, ended=4.0)
    return msgspec.structs.replace(made, **more)


def priced(target: Target, price: Price = PRICE) -> Target:
    return msgspec.structs.replace(target, price=price)


def intended(stage: Stage) -> None:
    """Let the fake ledger say, as the real one does, that the intent is written."""
    begin = stage.audit.begin

    def begun(trail: Trail) -> None:
        begin(trail)
        trail.intended = True

    stage.audit.begin = begun  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("meta", "micros"), [(None, 100), (COST, 1_100), ({"ostiary/cost": 1}, 50_000), ({"usage": {"model": "x"}}, 50_000)]
)
def test_the_swift_way_costs_what_the_long_way_costs(meta: Json | None, micros: int) -> None:
    slow, quick = Stage(), Runway()
    for stage in (slow, quick):
        stage.alter(priced)
        intended(stage)
        stage.world = msgspec.structs.replace(stage.world, clock=lambda: 5.0)
    quick.swift = Swift(quick.world, quick.acquainted, quick.owing, quick.line, lambda _trail: b"told")
    regular = quick.settle()
    slow.answer = quick.answer = answer(meta)
    slow.play(call("files__read", path="/a"))
    assert quick.begin(regular, body_of()) is not None
    (first,), (second,) = slow.audit.ended, quick.audit.ended
    assert first.cost == second.cost == Cost(micros, "USD")
    assert bool(first.findings) == bool(second.findings) == (micros == 50_000)


def test_what_is_free_has_no_cost() -> None:
    stage = Stage()
    intended(stage)
    stage.play(call("files__read", path="/a"))
    assert stage.audit.ended[0].cost is None


def test_what_never_left_has_none_and_what_was_only_written_down_cost_nothing() -> None:
    assert costing.due(trail(intended=False), PRICE) is None
    assert costing.due(trail(sent=0.0), PRICE) == Cost(0, "USD")


def test_a_call_that_is_not_heard_of_costs_the_most_where_something_is_reported() -> None:
    ended = trail()
    assert costing.due(ended, PRICE) == Cost(50_000, "USD")
    assert ended.findings == ["price: what the call cost was not reported in time"]
    assert costing.due(trail(), Price("USD", call=5, per_second=10)) == Cost(25, "USD")
    assert costing.due(trail(answered=0.0), Price("USD", per_second=10)) == Cost(30, "USD"), "until it ended"


def test_a_price_that_nothing_depends_on_is_known_without_looking_at_the_call() -> None:
    assert Price("USD", call=5).fixed == Cost(5, "USD") == costing.due(trail(), Price("USD", call=5))
    for other in (
        Price("USD", call=5, per_mb=1),
        Price("USD", call=5, per_second=1),
        PRICE,
        Price("USD", call=5, most=4),
    ):
        assert other.fixed is None
    assert costing.due(trail(outcome="input_required"), Price("USD", call=5)) == Cost(0, "USD")


def test_a_question_is_no_call_of_its_own() -> None:
    price = Price("USD", call=5, per_second=10)
    assert costing.due(trail(outcome="input_required"), price) == Cost(20, "USD")


def test_a_task_costs_the_most_for_its_result_comes_later() -> None:
    begun = trail()
    costing.heard(answer(resultType="task"), begun, PRICE)
    assert costing.due(begun, PRICE) == Cost(50_000, "USD")


def test_what_clients_bring_along_of_their_models_counts() -> None:
    usage = {"input_tokens": 10, "output_tokens": 1}
    params = {"inputResponses": {"a": {"model": "small", "_meta": {"usage": usage}}, "b": {"action": "accept"}}}
    ended = trail(call=Call(1, "tools/call", "files__read", params, CLIENT))
    costing.heard(answer(), ended, PRICE)
    assert costing.due(ended, PRICE) == Cost(100 + 45, "USD")


def test_nothing_is_heard_where_nothing_is_reported() -> None:
    ended = trail()
    costing.heard(answer(COST), ended, Price("USD", call=5))
    assert ended.cost is None
    costing.heard({"error": {"code": 1}}, ended, PRICE)
    assert ended.cost == Cost(0, "USD")


class Asked:
    """A client that answers."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def notify(self, method: str, params: Json) -> None:
        self.told.append(method)

    async def ask(self, method: str, params: Json) -> Json:
        self.told.append(method)
        return {"result": {"model": "small", "_meta": {"usage": {"input_tokens": 10, "output_tokens": 1}}}}


def test_what_a_sampling_request_took_counts() -> None:
    ended, client = trail(), Asked()
    back = costing.Priced(client, ended, PRICE)

    async def story() -> None:
        await back.notify("notifications/progress", {})
        await back.ask("elicitation/create", {})
        assert ended.cost is None
        await back.ask("sampling/createMessage", {})
        await back.ask("sampling/createMessage", {})

    asyncio.run(story())
    assert client.told == ["notifications/progress", "elicitation/create", *["sampling/createMessage"] * 2]
    costing.heard(answer(), ended, PRICE)
    assert costing.due(ended, PRICE) == Cost(100 + 90, "USD")

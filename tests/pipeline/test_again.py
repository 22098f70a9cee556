"""A call is sent again once, where nothing was heard of it, its tool allows it, and there is time; the ledger says so."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from ostiary.core.errors import GatewayError, Lost, TimedOut, Unreachable
from ostiary.core.model import Json, Kind, Order, Snapshot, Surface
from ostiary.core.ports import Back
from ostiary.pipeline.again import FINDING
from tests.pipeline.stage import Heard, call
from tests.pipeline.test_swift import NAME, Runway, body_of


def lost(heard: bool) -> Lost:
    error = Lost("closed")
    error.heard = heard
    return error


def repeating(snapshot: Snapshot, repeats: bool) -> Snapshot:
    """Return the snapshot with tools that may be called again, or may not."""

    def changed(surface: Surface) -> Surface:
        return msgspec.structs.replace(
            surface,
            targets={
                key: msgspec.structs.replace(each, repeats=repeats) if key[0] is Kind.TOOL else each
                for key, each in surface.targets.items()
            },
        )

    return msgspec.structs.replace(snapshot, surfaces={key: changed(each) for key, each in snapshot.surfaces.items()})


def staged(errors: list[GatewayError], repeats: bool = True) -> Runway:
    """Return a stage whose server fails so often before it answers."""
    stage = Runway()
    stage.snapshot = repeating(stage.snapshot, repeats)
    left = list(errors)

    async def carry(_order: Order, _back: Back) -> Json:
        if left:
            raise left.pop(0)
        return {"result": {"content": [], "resultType": "complete"}}

    stage.carry = carry
    return stage


CASES = {
    "nothing was heard": ([lost(False)], True, "answered", True),
    "twice": ([lost(False), lost(False)], True, "upstream_lost", True),
    "something was heard": ([lost(True)], True, "upstream_lost", False),
    "not reached": ([Unreachable()], True, "upstream_unreachable", False),
    "too slow": ([TimedOut()], True, "upstream_timeout", False),
    "no such tool": ([lost(False)], False, "upstream_lost", False),
}


@pytest.mark.parametrize(("errors", "repeats", "outcome", "found"), CASES.values(), ids=CASES.keys())
def test_what_is_sent_again_is_sent_once_more_and_recorded(
    errors: list[GatewayError], repeats: bool, outcome: str, found: bool
) -> None:
    stage = staged(errors, repeats)
    stage.play(call(NAME, path="/a"))
    [trail] = stage.audit.ended
    assert (trail.outcome, FINDING in trail.findings) == (outcome, found)


def test_the_swift_way_sends_again_in_the_way_that_waits() -> None:
    stage = staged([lost(False)])
    regular = stage.settle()
    assert stage.begin(regular, body_of()) is not None
    assert stage.ground.answers == []
    heard = Heard()

    async def rest() -> None:
        assert stage.ground.rest is not None
        await stage.ground.rest(heard)

    asyncio.run(rest())
    [trail] = stage.audit.ended
    assert (trail.outcome, trail.findings, len(heard.answers)) == ("answered", [FINDING], 1)

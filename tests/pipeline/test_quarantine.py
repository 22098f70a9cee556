"""What was begun before a quarantine: suspended calls and streams end, plans are forgotten, the ledger says who."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from ostiary.core.errors import Quarantined
from ostiary.core.model import Caller, Inbound
from ostiary.core.ports import Change
from ostiary.operate.quarantine import cut
from ostiary.pipeline import feed as feeds
from ostiary.pipeline.serve import serve
from ostiary.policy.quarantine import Quarantine, marks
from tests.pipeline import test_bridging
from tests.pipeline.stage import CALLERS, Heard, Stage, call
from tests.pipeline.streams import asked, modern, session_of, stage, streaming, until
from tests.pipeline.test_swift import NAME, Runway, body_of, read_whole


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "TOGETHER", 0.001)


def shut(on: Stage, kind: str, what: str) -> None:
    """Put something out of reach, as a new revision."""
    found = marks([Quarantine("q_1", kind, what, "because", "op", 1.0)], 2.0)
    on.snapshot = cut(msgspec.structs.replace(on.snapshot, revision=on.snapshot.revision + 1), found)


def test_suspended_calls_end_by_whose_they_are_and_by_what_they_are_of() -> None:
    on, old = Stage(), test_bridging.Old(("elicitation/create", test_bridging.ASK))
    on.carry = old.carry
    seen: list[tuple[str, str]] = []

    async def story(say: Any) -> None:
        first = test_bridging.result(await say(test_bridging.asking()))

        def unwanted(caller: Caller, target: Any) -> bool:
            seen.append((caller.subject, target.label))
            return len(seen) > 1

        on.world.suspensions.end(unwanted)
        assert len(on.world.suspensions) == 1
        on.world.suspensions.end(unwanted)
        assert len(on.world.suspensions) == 0
        key = next(iter(first["inputRequests"]))
        answers = {key: {"action": "accept"}}
        late = await say(test_bridging.asking(requestState=first["requestState"], inputResponses=answers))
        assert test_bridging.error(late)["code"] == -32602

    test_bridging.played(on, story)
    assert seen == [("ana", "files.read")] * 2


def test_who_was_shut_out_is_in_the_trail() -> None:
    on = Stage()

    async def identify(_message: Inbound) -> Caller:
        raise Quarantined("quarantine:q_1", hint="ask", caller=CALLERS["ana-token"])

    on.world = msgspec.structs.replace(on.world, identify=identify)
    answer = on.play(call(NAME, path="/a"))
    assert (answer.status, "www-authenticate" in {each.lower() for each in answer.headers}) == (403, False)
    (trail,) = on.audit.ended
    assert (trail.caller, trail.outcome, trail.detail) == (CALLERS["ana-token"], "quarantined", "quarantine:q_1")
    assert trail.request_bytes == 0, "not one byte of the body was read"


def test_a_plan_is_forgotten_with_the_revision() -> None:
    on = Runway()
    regular = on.settle()
    shut(on, "tool", "files.read")
    assert on.begin(regular, body_of()) is None
    assert not on.swift.holds(regular)
    assert on.play(call(NAME, path="/a")).status == 400


def test_a_call_that_began_before_leaves_no_plan_for_later() -> None:
    """Ours: it may end after the quarantine, and its caller may be one of those who are shut out."""
    on = Runway()
    trail = asyncio.run(serve(call(NAME, path="/first"), Heard(), on.world))
    shut(on, "person", "ana")
    regular = on.swift.regular(trail)
    assert regular is not None
    on.swift.plan(regular, trail, asyncio.run(read_whole(call(NAME, path="/first"))))
    assert on.begin(regular, body_of()) is None


@pytest.mark.parametrize("what", [("server", "files"), ("tool", "files:note://1"), ("tool", "FILES:NOTE://1")])
async def test_a_modern_stream_ends_with_a_resource_that_it_was_opened_for(what: tuple[str, str]) -> None:
    made = stage()
    async with modern(made, resourceSubscriptions=["note://1", "file:///pub/a"]) as here:
        assert len(made.watched) == 2
        shut(made, *what)
        made.say(Change("", "standing"))
        assert (await here.answer()).payload is not None, "it ends in order, so that its client asks anew"
    assert not made.watched, "nobody upstream is kept busy for it"


async def test_a_stream_that_has_nothing_to_do_with_it_goes_on() -> None:
    made = stage()
    async with modern(made, toolsListChanged=True, resourceSubscriptions=["note://1"]) as here:
        shut(made, "tool", "files:note://2")
        made.say(Change("", "tools"))
        await here.until_heard(2)


async def test_a_session_is_no_longer_subscribed_to_it_and_keeps_its_stream() -> None:
    made = stage()
    session = await session_of(made)
    async with streaming(made, session) as here:
        for uri in ("note://1", "note://2"):
            await asked(made, session, "resources/subscribe", uri)
        assert len(made.watched) == 2
        shut(made, "tool", "files:note://1")
        made.say(Change("", "standing"))
        await until(lambda: [uri for uri, _ in made.watched] == ["note://2"])
        assert not here.task.done()

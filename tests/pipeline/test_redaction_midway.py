"""Issue 6, must show 3: what is said in the middle of a call is masked as well, both ways, in both eras.

Progress, logs, samplings, forms and lists of roots, and what clients answer to them; prompts, resources, completions.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import pytest
from hypothesis import event
from hypothesis import strategies as st

from ostiary.core.model import Inbound, Json, Order
from ostiary.core.ports import Back
from tests.pipeline.disguises import CARD, EVERY, KEY, chosen, disguised, leaked, tried
from tests.pipeline.stage import Heard, handshake, whole
from tests.pipeline.test_redaction_everywhere import Planted
from tests.pipeline.ways import METHODS, READ, modern_said, session_of, told

WORDS: Final = {"request": "c-answer", "answer": "s-said"}
S, C = WORDS["answer"], WORDS["request"]
PUSHED: Final[dict[str, Json]] = {
    "notifications/progress": {"progressToken": 7, "progress": 1, "message": S},
    "notifications/message": {"level": "info", "logger": S, "data": {"deep": [S]}},
}
SCHEMA: Final = {"type": "object", "properties": {"a": {"type": "string", "title": S, "description": S}}}
SAID: Final = {"role": "user", "content": {"type": "text", "text": S}}
ASKED: Final[dict[str, tuple[Json, Json]]] = {
    "sampling/createMessage": (
        {"messages": [SAID], "systemPrompt": S, "maxTokens": 9},
        {"role": "assistant", "model": C, "content": {"type": "text", "text": C}},
    ),
    "elicitation/create": (
        {"message": S, "requestedSchema": SCHEMA},
        {"action": "accept", "content": {"a": C, "b": [C]}},
    ),
    "roots/list": ({}, {"roots": [{"uri": f"file:///{C}", "name": C}]}),
}
"""Questions of servers, and what clients answer."""
RESULTS: Final[dict[str, Json]] = {
    "prompts/get": {"description": S, "messages": [SAID, {"role": "assistant", "content": {"type": "resource", "resource": {"uri": "a:b", "text": S}}}]},
    "resources/read": {"contents": [{"uri": "note://1", "text": S}, {"uri": "note://1", "mimeType": "text/plain", "text": S}]},
    "completion/complete": {"completion": {"values": [S, "other"]}},
}  # fmt: skip


class Client(Heard):
    """A handshake-era client that answers every question in its own words."""

    def __init__(self, ways: Planted, session: str) -> None:
        super().__init__()
        self._ways, self._session = ways, session

    async def put(self, message: Json) -> None:
        await super().put(message)
        if "id" in message and "method" in message:
            body = {"jsonrpc": "2.0", "id": message["id"], "result": ASKED[message["method"]][1]}
            headers = {"mcp-session-id": self._session}
            said = whole(json.dumps(body).encode())
            await self._ways.stage.serve(Inbound("POST", "/mcp", headers, frozenset(), "ana-token", "127.0.0.1", said))


async def asking(_order: Order, back: Back) -> Json:
    for method, params in PUSHED.items():
        await back.notify(method, params)
    for method, (params, _) in ASKED.items():
        await back.ask(method, params)
    return told()


async def requiring(order: Order, _back: Back) -> Json:
    if "inputResponses" in order.call.params:
        return told()
    asked = {method: {"method": method, "params": params} for method, (params, _) in ASKED.items()}
    return {"result": {"resultType": "input_required", "inputRequests": asked, "requestState": "theirs"}}


async def of_old(ways: Planted) -> None:
    ways.answers = asking
    session = await session_of(ways)
    call = handshake("tools/call", session, **READ, _meta={"progressToken": 7})
    await ways.say(call, Client(ways, session))


async def bridged(ways: Planted) -> None:
    """A modern server asks a client of old."""
    ways.answers = requiring
    session = await session_of(ways)
    await ways.say(handshake("tools/call", session, **READ), Client(ways, session))


async def modern(ways: Planted) -> None:
    ways.answers = requiring
    first = await ways.say(modern_said("tools/call", **READ))
    again = {
        "requestState": first.get("requestState", "none"),
        "inputResponses": {each: said for each, (_, said) in ASKED.items()},
    }
    await ways.say(modern_said("tools/call", **READ, **again))


ERAS: Final = {each.__name__: each for each in (of_old, bridged, modern)}


def midway(era: str, side: str, plant: str) -> Planted:
    async def story() -> Planted:
        ways = Planted(side, plant)
        async with asyncio.timeout(10):
            await ERAS[era](ways)
        return ways

    return asyncio.run(story())


@pytest.mark.parametrize("side", ["request", "answer"])
@pytest.mark.parametrize("era", sorted(ERAS))
def test_what_is_said_in_the_middle_of_a_call_arrives_masked(era: str, side: str) -> None:
    kept = midway(era, side, f"with {KEY}, paid by {CARD}").kept[side]
    assert leaked(kept, KEY) == leaked(kept, CARD) == []
    assert "[redacted:card]" in json.dumps(kept)


@pytest.mark.parametrize("era", sorted(ERAS))
def test_every_kind_of_message_takes_its_way_when_nothing_is_in_it(era: str) -> None:
    """Else it would be no wonder that nothing arrives."""
    ways = midway(era, "answer", "s-plain")
    arrived = json.dumps([ways.kept["answer"], ways.kept["request"]])
    for each in (*(PUSHED if era == "of_old" else ()), *ASKED):
        assert each.rpartition("/")[0] in arrived or each in arrived, each
    assert arrived.count("c-answer") >= 4
    assert arrived.count("s-plain") >= 4


@tried(
    12,
    90,
    st.sampled_from(sorted(ERAS)),
    st.sampled_from(["request", "answer"]),
    st.sampled_from(sorted(EVERY)),
    chosen,
)
def test_nothing_arrives_in_any_disguise_in_the_middle_of_a_call(
    era: str, side: str, plant: str, steps: tuple[str, ...]
) -> None:
    event(f"{era} {side}")
    ways = midway(era, side, f"see {disguised(plant, EVERY[plant], steps)} ok")
    assert leaked(ways.kept[side], EVERY[plant]) == []


@pytest.mark.parametrize("era", ["modern", "handshake"])
@pytest.mark.parametrize("method", sorted(RESULTS))
def test_prompts_resources_and_completions_arrive_masked(method: str, era: str) -> None:
    async def answering(_order: Order, _back: Back) -> Json:
        return {"result": {**RESULTS[method], "resultType": "complete"}}

    async def story() -> list[Any]:
        ways = Planted("answer", f"with {KEY}, paid by {CARD}")
        ways.answers = answering
        if era == "modern":
            await ways.say(modern_said(method, **METHODS[method]))
        else:
            await ways.say(handshake(method, await session_of(ways), **METHODS[method]))
        return ways.kept["answer"]

    kept = asyncio.run(story())
    assert leaked(kept, KEY) == leaked(kept, CARD) == []
    assert "[redacted:card]" in json.dumps(kept)

"""Change streams: what a listener is told, what it is not, and what one listener more costs the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ostiary.core.model import Inbound
from ostiary.core.ports import Change
from ostiary.pipeline.serve import serve
from tests.e2e.doubles.client import Person, messages, people, request
from tests.e2e.doubles.house import House, config, house, over_http
from tests.e2e.doubles.upstream import META, Upstream, tool, upstream
from tests.pipeline.stage import Heard, Stage, post

pytestmark = pytest.mark.timeout(120)

Json = dict[str, Any]
ACK = "notifications/subscriptions/acknowledged"
SUBSCRIPTION = META + "subscriptionId"
ONE, TWO = "notes://one", "notes://two"


# Before a fake world


def listening(**notifications: Any) -> Inbound:
    return post("subscriptions/listen", notifications=notifications)


async def heard_of(stage: Stage, message: Inbound, *changes: Change) -> Heard:
    """Return what a listener heard when these things changed, one after the other, until the stream was ended."""
    heard = Heard()
    async with asyncio.timeout(20):
        stream = asyncio.create_task(serve(message, heard, stage.world))
        while not heard.before and not stream.done():
            await asyncio.sleep(0)
        for change in changes:
            stage.say(change)
        stage.say(None)
        await stream
    return heard


def told(heard: Heard) -> list[str]:
    return [each["method"] for each in heard.before[1:]]


EVERY = tuple(Change("files", what) for what in ("tools", "prompts", "resources"))


@pytest.mark.requirement("MCP-30")
@pytest.mark.parametrize("wanted", ["tools", "prompts", "resources"])
async def test_the_acknowledgement_is_first_and_only_what_was_asked_for_follows(wanted: str) -> None:
    heard = await heard_of(Stage(), listening(**{f"{wanted}ListChanged": True}), *EVERY)
    assert heard.before[0]["method"] == ACK
    assert heard.before[0]["params"]["notifications"] == {f"{wanted}ListChanged": True}
    assert told(heard) == [f"notifications/{wanted}/list_changed"]


@pytest.mark.requirement("MCP-30")
async def test_no_more_is_honoured_than_was_asked_for_and_may_be() -> None:
    """What is unknown, hidden, or not wished for is left out, as if it did not exist."""
    wishes = {"toolsListChanged": True, "promptsListChanged": False, "future": True}
    heard = await heard_of(Stage(), listening(**wishes, resourceSubscriptions=["note://1", "note://gone"]), *EVERY)
    honoured = heard.before[0]["params"]["notifications"]
    assert honoured == {"toolsListChanged": True, "resourceSubscriptions": ["note://1"]}
    assert told(heard) == ["notifications/tools/list_changed"]


@pytest.mark.requirement("MCP-30")
async def test_every_frame_says_which_subscription_it_is_of_and_the_end_is_a_result() -> None:
    wishes = {"toolsListChanged": True, "promptsListChanged": True, "resourceSubscriptions": ["note://1"]}
    heard = await heard_of(Stage(), listening(**wishes), *EVERY, Change("files", "resource", "note://1", "note://1"))
    assert len(heard.before) == 4
    assert {each["params"]["_meta"][SUBSCRIPTION] for each in heard.before} == {1}
    (answer,) = heard.answers
    assert answer.payload is not None
    assert answer.payload["result"] == {"resultType": "complete", "_meta": {SUBSCRIPTION: 1}}


@pytest.mark.requirement("MCP-31")
async def test_a_resource_is_told_of_to_who_asked_for_it_and_to_nobody_else() -> None:
    stage = Stage()
    other = Change("files", "resource", "note://2", "note://2")
    heard = await heard_of(stage, listening(toolsListChanged=True), Change("files", "resource", "note://1", "note://1"))
    assert told(heard) == []
    assert told(await heard_of(stage, listening(resourceSubscriptions=["note://1"]), other)) == []


# Before a running gateway


@asynccontextmanager
async def stage(folder: Path, era: str) -> AsyncIterator[tuple[Upstream, House, Person, Person]]:
    """Run a gateway in which only developers, such as ana, may read the first note."""
    double = Upstream([era])
    double.resources = [{"uri": uri, "name": uri} for uri in (ONE, TWO)]
    rules = [
        {"name": "all", "allow": ["crm.*", f"crm:{TWO}"], "subjects": ["*"]},
        {"name": "devs", "allow": [f"crm:{ONE}"], "roles": ["dev"]},
    ]
    async with (
        upstream(double) as running,
        house(folder, config({"crm": over_http(running.url)}, *rules)) as gateway,
        people(gateway.url, await gateway.token("ana", "dev"), await gateway.token("bea")) as (ana, bea),
    ):
        yield running, gateway, ana, bea


@asynccontextmanager
async def heard(person: Person, **notifications: Any) -> AsyncIterator[AsyncIterator[Json]]:
    """Give everything that comes on a listen stream, from the first frame on."""
    async with person.posted(request("subscriptions/listen", {"notifications": notifications})) as response:
        yield messages(response)


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.requirement("MCP-30")
@pytest.mark.parametrize("era", ["modern", "handshake"])
async def test_a_listener_outlives_the_loss_of_the_servers_stream_and_ends_with_a_result(
    tmp_path: Path, era: str
) -> None:
    async with stage(tmp_path, era) as (double, gateway, ana, _), asyncio.timeout(60):
        await double.until_listened()
        async with heard(ana, toolsListChanged=True, resourceSubscriptions=[TWO]) as stream:
            assert (await anext(stream))["method"] == ACK
            await double.until_watched(TWO, 1)
            before = double.count("subscriptions/listen") + double.count("resources/subscribe")
            double.hang_up()
            while double.count("subscriptions/listen") + double.count("resources/subscribe") <= before:
                await asyncio.sleep(0.02)
            await double.until_watched(TWO, 1)
            await double.until_listened(2)
            double.tools.append(tool("fresh", key="string"))
            await double.announce("tools")
            await double.updated(TWO)
            methods = set[str]()
            while len(methods) < 2:
                methods.add((await anext(stream))["method"])
            assert methods == {"notifications/tools/list_changed", "notifications/resources/updated"}
            ending = asyncio.create_task(gateway.terminate())
            last = [each async for each in stream][-1]
            assert last["result"]["resultType"] == "complete"
            assert await ending == 0


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.requirement("MCP-31")
@pytest.mark.parametrize("era", ["modern", "handshake"])
async def test_two_clients_of_a_person_in_two_eras_share_one_subscription(tmp_path: Path, era: str) -> None:
    async with stage(tmp_path, era) as (double, _, ana, bea), asyncio.timeout(60):
        session, other = await ana.shake_hands(), await bea.shake_hands()
        async with AsyncExitStack() as closing:
            old = await closing.enter_async_context(session.stream())
            bystander = await closing.enter_async_context(other.stream())
            assert (await other.ask("resources/subscribe", uri=TWO)).result == {}
            async with heard(ana, resourceSubscriptions=[ONE]) as new:
                assert (await anext(new))["params"]["notifications"] == {"resourceSubscriptions": [ONE]}
                assert (await session.ask("resources/subscribe", uri=ONE)).result == {}
                await double.until_watched(ONE, 1)
                await double.updated(ONE)
                for stream in (old, new):
                    assert (await anext(stream))["params"]["uri"] == ONE
                assert double.watchers(ONE) == 1
            await double.updated(ONE)
            assert (await anext(old))["params"]["uri"] == ONE, "it is kept, for one of the two still needs it"
            assert (await session.ask("resources/unsubscribe", uri=ONE)).result == {}
            await double.until_watched(ONE, 0)
            await double.updated(TWO)
            assert (await anext(bystander))["params"]["uri"] == TWO, "and heard of nothing else before"


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.requirement("MCP-31")
@pytest.mark.parametrize("era", ["modern", "handshake"])
async def test_everybody_hears_only_of_what_they_may_read(tmp_path: Path, era: str) -> None:
    async with stage(tmp_path, era) as (double, _, ana, bea), asyncio.timeout(60):
        both = {"resourceSubscriptions": [ONE, TWO]}
        async with heard(ana, **both) as mine, heard(bea, **both) as yours:
            assert (await anext(mine))["params"]["notifications"] == {"resourceSubscriptions": [ONE, TWO]}
            assert (await anext(yours))["params"]["notifications"] == {"resourceSubscriptions": [TWO]}
            await double.updated(ONE)
            await double.updated(TWO)
            assert {(await anext(mine))["params"]["uri"] for _ in range(2)} == {ONE, TWO}
            assert (await anext(yours))["params"]["uri"] == TWO
        await double.until_watched(ONE, 0)
        await double.until_watched(TWO, 0)

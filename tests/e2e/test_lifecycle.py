"""Sessions, cursors, progress, cancellation and streams of the running gateway, in both eras."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ostiary.protocol.cursors import PAGE
from tests.e2e.doubles.client import Person, people, request
from tests.e2e.doubles.house import House, config, house, over_http, until
from tests.e2e.doubles.upstream import Upstream, tool, upstream
from tests.e2e.test_crash import counting

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

Json = dict[str, Any]
ERAS = ("modern", "handshake")
SESSION_UNKNOWN = 404


@asynccontextmanager
async def stage(
    folder: Path, eras: Iterable[str] = ERAS, double: Upstream | None = None
) -> AsyncIterator[tuple[Upstream, House, Person, Person]]:
    async with (
        upstream(double or Upstream(eras)) as running,
        house(folder, config({"crm": over_http(running.url)})) as gateway,
        people(gateway.url, await gateway.token("ana"), await gateway.token("bea")) as (ana, bea),
    ):
        yield running, gateway, ana, bea


# Sessions


async def test_a_session_is_its_callers_and_its_endpoints_alone(tmp_path: Path) -> None:
    """Issue: handshake sessions are sealed tokens bound to the principal; spec: 404 means initialize anew."""
    async with stage(tmp_path) as (double, gateway, ana, bea):
        session = await ana.shake_hands()
        assert (await session.call("crm__note", key="mine")).text == "note mine"
        thief = replace(session, token=bea.token)
        elsewhere = replace(session, url=f"{gateway.url}/servers/crm/mcp")
        forged = replace(session, session=session.session[:-2] + "AA")
        for person in (thief, elsewhere, forged):
            assert (await person.ask("tools/list")).status == SESSION_UNKNOWN
            assert (await person.call("crm__note", key="stolen")).status == SESSION_UNKNOWN
            assert await person.leave() == SESSION_UNKNOWN
        nobody = replace(session, token="")
        assert (await nobody.ask("tools/list")).status == 401
        assert (await session.call("crm__note", key="still")).text == "note still"
        assert double.noted == ["mine", "still"]


async def test_a_session_outlives_the_gateway_and_ends_when_it_is_ended(tmp_path: Path) -> None:
    async with stage(tmp_path) as (double, gateway, ana, _):
        kept, ended = await ana.shake_hands(), await ana.shake_hands("2025-06-18")
        assert await ended.leave() == 204
        assert (await ended.ask("tools/list")).status == SESSION_UNKNOWN
        assert await ended.leave() == SESSION_UNKNOWN
        assert await gateway.terminate() == 0
        await gateway.start()
        assert (await kept.call("crm__note", key="after")).text == "note after"
        assert (await ended.ask("tools/list")).status == SESSION_UNKNOWN
        assert double.noted == ["after"]


async def test_a_session_that_is_ended_takes_what_it_has_in_flight_with_it(tmp_path: Path) -> None:
    async with stage(tmp_path) as (double, _, ana, _bea):
        session = await ana.shake_hands()
        call = asyncio.create_task(session.call("crm__hold", key="held"))
        await double.until_noted("held")
        assert await session.leave() == 204
        await double.until_cancelled("held")
        assert "result" not in (await call).message


# Cursors


@pytest.mark.requirement("MCP-38")
async def test_a_cursor_belongs_to_its_caller_its_list_and_its_endpoint(tmp_path: Path) -> None:
    """Issue: sealed cursors."""
    double = Upstream()
    double.tools = [tool(f"tool-{number:04}") for number in range(2 * PAGE + 30)]
    async with stage(tmp_path, double=double) as (_, gateway, ana, bea):
        page = (await ana.ask("tools/list")).result
        first, pages, names = page["nextCursor"], 1, [each["name"] for each in page["tools"]]
        while "nextCursor" in page:
            page = (await ana.ask("tools/list", cursor=page["nextCursor"])).result
            names += [each["name"] for each in page["tools"]]
            pages += 1
        assert names == [f"crm__tool-{number:04}" for number in range(2 * PAGE + 30)]
        assert pages == 3
        assert "tool-" not in first
        elsewhere = replace(ana, url=f"{gateway.url}/servers/crm/mcp")
        for person, method, value in (
            (bea, "tools/list", first),
            (elsewhere, "tools/list", first),
            (ana, "prompts/list", first),
            (ana, "tools/list", first[:-2] + "AA"),
            (ana, "tools/list", ""),
        ):
            assert (await person.ask(method, cursor=value)).error["code"] == -32602


# Progress and cancellation


@pytest.mark.requirement("MCP-28")
@pytest.mark.parametrize("era", ERAS)
async def test_two_callers_with_the_same_progress_token_hear_only_their_own(tmp_path: Path, era: str) -> None:
    async with stage(tmp_path, [era]) as (double, _, ana, bea):
        sessions = [await ana.shake_hands(), await bea.shake_hands()]
        everyone = dict(zip(("a", "b", "c", "d"), (ana, bea, *sessions), strict=True))
        calls = {
            key: asyncio.create_task(person.send(request("tools/call", steps(key), ident=7)))
            for key, person in everyone.items()
        }
        for key in everyone:
            await double.until_noted(key)
        for key in reversed(everyone):
            double.release(key)
        for key, call in calls.items():
            said = await call
            assert said.text == f"steps {key}"
            assert said.message["id"] == 7
            assert [each["params"]["message"] for each in said.before] == [key, key]
            assert {each["params"]["progressToken"] for each in said.before} == {"same"}
        tokens = [each.params["_meta"]["progressToken"] for each in double.asked if each.method == "tools/call"]
        assert "same" not in tokens


def steps(key: str) -> Json:
    return {"name": "crm__steps", "arguments": {"key": key}, "_meta": {"progressToken": "same"}}


@pytest.mark.requirement("MCP-27")
@pytest.mark.parametrize("era", ERAS)
async def test_a_client_that_hangs_up_cancels_upstream_and_one_that_says_so_too(tmp_path: Path, era: str) -> None:
    """Spec: closing the stream cancels a modern call; a notification cancels a call of the handshake era."""
    async with stage(tmp_path, [era]) as (double, gateway, ana, bea):
        call = asyncio.create_task(ana.call("crm__hold", key="hung-up"))
        await double.until_noted("hung-up")
        call.cancel()
        await double.until_cancelled("hung-up")

        session, other = await ana.shake_hands(), await bea.shake_hands()
        said = asyncio.create_task(session.send(request("tools/call", hold("told"), ident="call-1")))
        same = asyncio.create_task(other.send(request("tools/call", hold("other"), ident="call-1")))
        await double.until_noted("told")
        await double.until_noted("other")
        assert await session.tell("notifications/cancelled", requestId="call-1") == 202
        await double.until_cancelled("told")
        assert "result" not in (await said).message
        assert "other" not in double.cancelled
        double.release("other")
        assert (await same).text == "hold other"
        await until(lambda: outcomes(gateway).count("abandoned") == 2, "an abandoned call left no record")


def hold(key: str) -> Json:
    return {"name": "crm__hold", "arguments": {"key": key}}


def outcomes(gateway: House) -> list[str]:
    return [each["outcome"] for each in gateway.records() if each["type"] == "outcome"]


@pytest.mark.requirement("MCP-27")
async def test_a_session_client_that_loses_its_connection_does_not_cancel(tmp_path: Path) -> None:
    """Spec (2025-11-25, "Disconnection"): it should not be taken for cancelling; its answer can be fetched again."""
    async with stage(tmp_path) as (double, _, ana, _bea):
        session = await ana.shake_hands()
        message = request("tools/call", hold("kept"))
        async with session.posted(message) as response:
            event = ""
            async for line in response.aiter_lines():
                if line.startswith("id:"):
                    event = line.removeprefix("id:").strip()
                    break
            await double.until_noted("kept")
        double.release("kept")
        headers = session.headers({"method": "", "params": {}}) | {
            "accept": "text/event-stream",
            "last-event-id": event,
        }
        async with asyncio.timeout(20), ana.http.stream("GET", ana.url, headers=headers) as again:
            lines = [line async for line in again.aiter_lines() if line.startswith("data:") and "hold kept" in line]
        assert len(lines) == 1
        assert double.cancelled == []
        assert double.noted == ["kept"]


@pytest.mark.requirement("MCP-27")
@pytest.mark.parametrize("era", ERAS)
async def test_cancelling_reaches_a_process(tmp_path: Path, era: str) -> None:
    async with counting(tmp_path, era) as counter:
        call = asyncio.create_task(counter.ana.call("counting__count", key="gone"))
        await counter.arrived("gone")
        call.cancel()
        await until(lambda: counter.processes("cancelled-gone"), "hanging up did not reach the process")
        session = await counter.ana.shake_hands()
        params = {"name": "counting__count", "arguments": {"key": "told"}}
        said = asyncio.create_task(session.send(request("tools/call", params, ident=5)))
        await counter.arrived("told")
        assert await session.tell("notifications/cancelled", requestId=5) == 202
        await until(lambda: counter.processes("cancelled-told"), "cancelling did not reach the process")
        assert "result" not in (await said).message
        counter.release("after")
        assert (await session.call("counting__count", key="after")).text.startswith("counted after in ")


# Streams


@pytest.mark.parametrize("era", ERAS)
async def test_a_subscriber_hears_of_its_resource_and_of_no_other(tmp_path: Path, era: str) -> None:
    double = Upstream(["handshake"] if era == "handshake" else ERAS)
    double.resources = [{"uri": f"notes://{name}", "name": name} for name in ("one", "two")]
    async with stage(tmp_path, double=double) as (_, _gateway, ana, bea):
        session, other = await ana.shake_hands(), await bea.shake_hands()
        async with session.stream() as mine, other.stream() as theirs, asyncio.timeout(30):
            assert (await session.ask("resources/subscribe", uri="notes://one")).result == {}
            assert (await other.ask("resources/subscribe", uri="notes://two")).result == {}
            await double.until_listened(3)
            for uri in ("notes://two", "notes://one"):
                await double.updated(uri)
            first, second = await anext(mine), await anext(theirs)
        assert (first["method"], first["params"]["uri"]) == ("notifications/resources/updated", "notes://one")
        assert (second["method"], second["params"]["uri"]) == ("notifications/resources/updated", "notes://two")


async def test_a_second_stream_of_a_session_takes_over(tmp_path: Path) -> None:
    async with stage(tmp_path) as (double, _, ana, _bea):
        await double.until_listened()
        session = await ana.shake_hands()
        async with session.stream() as first, session.stream() as second, asyncio.timeout(20):
            assert [each async for each in first] == []
            double.tools.append(tool("fresh"))
            await double.announce("tools")
            assert (await anext(second))["method"] == "notifications/tools/list_changed"

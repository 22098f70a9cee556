"""A server of the official SDK that has only HTTP+SSE (2024-11-05), behind the gateway, for clients of both eras."""

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from pydantic import BaseModel

from tests.contract.sse_double import PATIENCE, Old, Quiet, running
from tests.e2e.doubles.client import Person, messages, people, request
from tests.e2e.doubles.house import House, config, house

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

Json = dict[str, Any]


class Name(BaseModel):
    """What the user is asked."""

    name: str


def made(heads: list[dict[str, str]]) -> Any:
    """Return the server's application, which notes the heads of its requests."""
    server = MCPServer("old")

    @server.tool()
    async def greet(context: Context) -> str:
        """Ask for a name and greet it."""
        found = await context.elicit("Who are you?", Name)
        return f"Hello, {found.data.name}!" if found.action == "accept" else "Hello, nobody!"

    @server.tool()
    async def steps(context: Context) -> str:
        """Report progress and log."""
        for step in (1, 2):
            await context.report_progress(step, 2)
        with warnings.catch_warnings(action="ignore"):
            await context.warning("careful")
        return "done"

    application = server.sse_app()

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        heads.append({name.decode(): value.decode() for name, value in scope["headers"]} | {"verb": scope["method"]})
        await application(scope, receive, send)

    return noting


@asynccontextmanager
async def sdk(heads: list[dict[str, str]]) -> AsyncIterator[str]:
    made_ = uvicorn.Config(made(heads), port=0, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = Quiet(made_)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE):
        while not server.started:
            await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/sse"
    finally:
        server.should_exit = True
        await task


def over_sse(url: str, **more: Any) -> Json:
    return {"sse": url, "allow_private": ["127.0.0.0/8"], **more}


@asynccontextmanager
async def stage(folder: Path, url: str, **server: Any) -> AsyncIterator[tuple[House, Person]]:
    settings = config({"old": over_sse(url, **server)})
    async with house(folder, settings) as gateway, people(gateway.url, await gateway.token("ana")) as (ana,):
        yield gateway, ana


async def greeted(session: Person) -> tuple[list[Json], Json]:
    """Call `greet`, answer what is asked on the call's stream, and return what was asked and the answer."""
    asked: list[Json] = []
    async with asyncio.timeout(PATIENCE), session.posted(request("tools/call", {"name": "old__greet"})) as response:
        async for message in messages(response):
            if "method" not in message:
                return asked, message
            if "id" in message:
                asked.append(message)
                answer = {"result": {"action": "accept", "content": {"name": "Ana"}}, "id": message["id"]}
                async with session.posted({"jsonrpc": "2.0", "params": {}, **answer}) as posted:
                    assert posted.status_code == 202
    raise AssertionError("no answer")


async def test_clients_of_both_eras_use_a_server_that_has_only_the_older_transport(tmp_path: Path) -> None:
    """Issue: HTTP+SSE upstreams, with progress, log messages and questions to the user."""
    heads: list[dict[str, str]] = []
    async with sdk(heads) as url:
        credential = {"kind": "bearer", "token": f"file:{tmp_path / 'secret'}"}
        (tmp_path / "secret").write_text("s3cret")
        (tmp_path / "secret").chmod(0o600)
        async with stage(tmp_path, url, credential=credential) as (_, ana):
            assert set(await ana.tools()) == {"old__greet", "old__steps"}
            modern = await ana.call("old__steps", {"progressToken": "p"})
            assert modern.text == "done"
            assert [each["params"]["progress"] for each in modern.before] == [1, 2]
            session = await Person(ana.http, ana.url, ana.token, {"elicitation": {"form": {}}}).shake_hands()
            said = await session.call("old__steps")
            assert [each["method"] for each in said.before] == ["notifications/message"]
            asked, answer = await greeted(session)
    assert [each["method"] for each in asked] == ["elicitation/create"]
    assert answer["result"]["content"][0]["text"] == "Hello, Ana!"
    assert {head["verb"] for head in heads} == {"GET", "POST"}
    assert {head["authorization"] for head in heads} == {"Bearer s3cret"}


@pytest.mark.requirement("MCP-22")
async def test_a_modern_client_is_asked_by_the_calls_result_and_the_same_call_goes_on(tmp_path: Path) -> None:
    """Issue: a server's question during a call suspends it; the retry completes the same call, exactly once."""
    async with sdk([]) as url, stage(tmp_path, url) as (_, ana):
        asking = Person(ana.http, ana.url, ana.token, {"elicitation": {"form": {}}})
        said = await asking.call("old__greet")
        assert said.result["resultType"] == "input_required"
        ((key, asked),) = said.result["inputRequests"].items()
        assert asked["method"] == "elicitation/create"
        responses = {key: {"action": "accept", "content": {"name": "Ana"}}}
        again = {"name": "old__greet", "arguments": {}, "inputResponses": responses}
        done = await asking.ask("tools/call", **again, requestState=said.result["requestState"])
        assert done.text == "Hello, Ana!"


async def test_a_call_whose_stream_breaks_is_lost_for_the_client_and_the_next_one_works(tmp_path: Path) -> None:
    async with running(Old()) as old, stage(tmp_path, old.url) as (_, ana):
        lost = await ana.call("old__drop")
        assert lost.result["isError"]
        assert "may or may not have taken effect" in lost.text
        assert len([each for each in old.heard("tools/call") if each["params"]["name"] == "drop"]) == 1
        assert "n" in (await ana.call("old__echo", n=1)).text


@pytest.mark.requirement("MCP-34")
async def test_an_endpoint_at_another_origin_gets_nothing_and_the_operator_is_told(tmp_path: Path) -> None:
    async with running(Old()) as thief:
        elsewhere = thief.url.replace("/sse", "/messages?session=s1")
        async with running(Old(endpoint=elsewhere)) as old, stage(tmp_path, old.url) as (gateway, ana):
            assert await ana.tools() == []
            await gateway.until_logged("the endpoint event leads to another origin")
    assert thief.seen == []
    assert {each.verb for each in old.seen} == {"GET"}

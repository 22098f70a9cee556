"""The features of MCP that every client must have of every server, and how each is seen to work."""

from collections.abc import Awaitable, Callable

from tests.bridge.cell import MODERN, SPEAK_MODERN, Cell
from tests.bridge.clients.client import Outcome
from tests.bridge.clients.person import ROOT, SAID
from tests.bridge.fixture import reading
from tests.bridge.fixture.server import HOLOGRAPHIC
from tests.bridge.fixture.tools import ADDRESS, LINKED

Try = Callable[[Cell], Awaitable[None]]
FEATURES: dict[str, Try] = {}


def feature(name: str) -> Callable[[Try], Try]:
    """Enter a feature under the name that the documentation gives it."""

    def entered(run: Try) -> Try:
        FEATURES[name] = run
        return run

    return entered


@feature("list of tools")
async def _(cell: Cell) -> None:
    tools = (await cell.client.call("tools/list", {})).result["tools"]
    assert {"ask_form", "plain", "touch"} <= {tool["name"] for tool in tools}


@feature("text result")
async def _(cell: Cell) -> None:
    assert (await cell.once("plain")).text == f"plain {cell.key}"


@feature("failed tool")
async def _(cell: Cell) -> None:
    outcome = await cell.tool("failing")
    assert outcome.refusal == "this always fails"
    cell.happened("failing", 1)


@feature("unknown tool")
async def _(cell: Cell) -> None:
    assert (await cell.tool("no_such_tool")).message["error"]["code"] == -32602


@feature("structured result")
async def _(cell: Cell) -> None:
    assert (await cell.once("structured")).result["structuredContent"] == {"sum": 3}


@feature("structured result that is no object")
async def _(cell: Cell) -> None:
    assert (await cell.once("listed")).result["structuredContent"] == [1, 2, 3]


@feature("content of an unknown kind")
async def _(cell: Cell) -> None:
    result = (await cell.once("hologram")).result
    assert {name: result[name] for name in HOLOGRAPHIC} == HOLOGRAPHIC


@feature("linked resource")
async def _(cell: Cell) -> None:
    link = (await cell.tool("linked")).result["content"][0]
    assert (link["type"], link["uri"]) == ("resource_link", LINKED)
    assert await read(cell, LINKED) == "a linked text"


@feature("argument that a header repeats")
async def _(cell: Cell) -> None:
    outcome = await cell.once("located", arguments={"region": "eu"}, mirrored={"region": "eu"})
    assert outcome.text == "in eu"


@feature("resource")
async def _(cell: Cell) -> None:
    listed = (await cell.client.call("resources/list", {})).result["resources"]
    assert reading.TEXT in {each["uri"] for each in listed}
    assert await read(cell, reading.TEXT) == "a text"


@feature("resource of a template")
async def _(cell: Cell) -> None:
    listed = (await cell.client.call("resources/templates/list", {})).result["resourceTemplates"]
    assert reading.ITEM + "{id}" in {each["uriTemplate"] for each in listed}
    assert await read(cell, reading.ITEM + cell.key) == f"item {cell.key}"


@feature("unknown resource")
async def _(cell: Cell) -> None:
    outcome = await cell.client.call("resources/read", {"uri": "bridge://nowhere"})
    # Revisions with a handshake have a code of their own for it (SEP-2164).
    assert outcome.message["error"]["code"] == (-32602 if cell.client.version == MODERN else -32002)


@feature("prompt")
async def _(cell: Cell) -> None:
    listed = (await cell.client.call("prompts/list", {})).result["prompts"]
    assert {"greeting", "asking"} <= {each["name"] for each in listed}
    assert said(await prompt(cell, "greeting")) == f"greeting: hello {cell.key}"


@feature("completion for a prompt")
async def _(cell: Cell) -> None:
    ref = {"type": "ref/prompt", "name": "greeting"}
    assert await completed(cell, ref, "key") == ["greeting paris", "greeting park"]


@feature("completion for a template")
async def _(cell: Cell) -> None:
    uri = reading.ITEM + "{id}"
    assert await completed(cell, {"type": "ref/resource", "uri": uri}, "id") == [f"{uri} paris", f"{uri} park"]


@feature("log messages")
async def _(cell: Cell) -> None:
    outcome = await cell.once("log", level="info")
    told = [each["params"] for each in outcome.heard if each["method"] == "notifications/message"]
    assert [each["level"] for each in told] == ["info", "error"], outcome.heard
    assert told[-1]["data"] == f"error {cell.key}"


@feature("progress")
async def _(cell: Cell) -> None:
    outcome = await cell.once("progress", progress=f"token-{cell.key}")
    told = [each["params"] for each in outcome.heard if each["method"] == "notifications/progress"]
    assert [each["progress"] for each in told] == [1, 2, 3], outcome.heard
    assert {each["progressToken"] for each in told} == {f"token-{cell.key}"}


@feature("ping")
async def _(cell: Cell) -> None:
    assert (await cell.client.call("ping", {})).result == {}


@feature("elicitation by a form")
async def _(cell: Cell) -> None:
    assert (await cell.once("ask_form")).text == 'accept {"name": "Ada"}'
    only(cell, "elicitation/create")


@feature("declined form")
async def _(cell: Cell) -> None:
    cell.client.person.action = "decline"
    assert (await cell.once("ask_form")).text == "decline {}"
    only(cell, "elicitation/create")


@feature("elicitation by URL")
async def _(cell: Cell) -> None:
    assert (await cell.once("ask_url")).text == "accept {}"
    visited(cell)


@feature("refusal until a URL was visited")
async def _(cell: Cell) -> None:
    outcome = await cell.tool("need_url")
    if "error" in outcome.message:
        # The client's own idiom (2025-11-25): visit what the error names, and call again.
        assert cell.client.version != MODERN
        assert outcome.message["error"]["code"] == -32042
        [wanted] = outcome.message["error"]["data"]["elicitations"]
        cell.client.person.answer("elicitation/create", wanted)
        outcome = await cell.tool("need_url")
    # A modern server has no refusal, so its tool answers what the user chose.
    assert outcome.text == ("accept {}" if cell.upstream in SPEAK_MODERN else "agreed")
    cell.happened("need_url", 1)
    visited(cell)


@feature("sampling")
async def _(cell: Cell) -> None:
    assert (await cell.once("ask_model")).text == SAID
    only(cell, "sampling/createMessage")


@feature("roots")
async def _(cell: Cell) -> None:
    assert (await cell.once("ask_roots")).text == ROOT
    only(cell, "roots/list")


@feature("two questions, one after the other")
async def _(cell: Cell) -> None:
    assert (await cell.once("ask_twice")).text == "Ada likes blue"
    only(cell, "elicitation/create", "elicitation/create")
    assert "Ada" in cell.client.person.asked[1]["params"]["message"]


@feature("two questions at once")
async def _(cell: Cell) -> None:
    assert (await cell.once("ask_both")).text == f"{SAID} and {ROOT}"
    only(cell, "roots/list", "sampling/createMessage")


@feature("prompt that asks")
async def _(cell: Cell) -> None:
    assert said(await prompt(cell, "asking")) == f"asking: {SAID} {cell.key}"
    cell.happened("asking prompt", 1)


@feature("resource that asks")
async def _(cell: Cell) -> None:
    assert await read(cell, reading.ASKING + cell.key) == f"the model said {SAID}"
    cell.happened("asking resource", 1)


async def read(cell: Cell, uri: str) -> str:
    """Return a resource's text."""
    [content] = (await cell.client.call("resources/read", {"uri": uri})).result["contents"]
    assert content["uri"] == uri
    return str(content["text"])


async def prompt(cell: Cell, name: str) -> Outcome:
    """Get a prompt with this cell's key."""
    return await cell.client.call("prompts/get", {"name": name, "arguments": {"key": cell.key}})


def said(outcome: Outcome) -> str:
    """Return the text of a prompt's one message."""
    [message] = outcome.result["messages"]
    return str(message["content"]["text"])


async def completed(cell: Cell, ref: dict[str, str], argument: str) -> list[str]:
    """Complete `pa`."""
    params = {"ref": ref, "argument": {"name": argument, "value": "pa"}}
    return list((await cell.client.call("completion/complete", params)).result["completion"]["values"])


def only(cell: Cell, *methods: str) -> None:
    """See that the person was asked this and nothing else."""
    assert sorted(each["method"] for each in cell.client.person.asked) == sorted(methods)


def visited(cell: Cell) -> None:
    """See that the person was sent to this cell's page, once."""
    assert [each["params"]["url"] for each in cell.client.person.asked] == [ADDRESS + cell.key]
    if cell.client.version == MODERN:
        # The modern revision has no notification of completion, hence no id to expect one for.
        assert "elicitationId" not in cell.client.person.asked[0]["params"]

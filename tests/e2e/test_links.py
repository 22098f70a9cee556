"""Resources stay resolvable: links, interfaces, templates and completion, through every endpoint and in both eras."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.doubles.client import Person, Said, people
from tests.e2e.doubles.house import House, config, house, over_http
from tests.e2e.doubles.linking import Linking
from tests.e2e.doubles.upstream import tool, upstream

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

ERAS = ("modern", "handshake")
RULES = (
    {"name": "tools", "allow": ["*.find", "*.fill"], "subjects": ["*"]},
    {"name": "devs", "allow": ["*.show", "*:note://*", "*:crm://*", "*:files://*", "*.prompt/greet"], "roles": ["dev"]},
    {"name": "never", "deny": ["*:note://secret*"], "subjects": ["*"]},
)
VIEWS = {"both": {"include": ["*"], "rename": {"crm.find": "find_person", "crm.prompt/greet": "hello"}}}
Stage = tuple[Linking, Linking, House, Person, Person]


@asynccontextmanager
async def stage(folder: Path, era: str = "modern", **server: Any) -> AsyncIterator[Stage]:
    """Give two servers of an era, a gateway in front, and a developer and a guest as its clients."""
    crm, files = Linking("crm", era), Linking("files", era)
    async with upstream(crm), upstream(files):
        servers = {each.name: over_http(each.url, **server) for each in (crm, files)}
        async with house(folder, config(servers, *RULES, views=VIEWS)) as gateway:
            tokens = (await gateway.token("ana", "dev"), await gateway.token("eve"))
            async with people(gateway.url, *tokens) as (ana, eve):
                yield crm, files, gateway, ana, eve


def at(person: Person, gateway: House, path: str) -> Person:
    return replace(person, url=gateway.url + path)


async def read(person: Person, uri: str) -> str:
    """Return what is read, or why not."""
    said = await person.ask("resources/read", uri=uri)
    return str(said.result["contents"][0]["text"] if "result" in said.message else said.error["message"])


def missing(uri: str) -> str:
    return f"Unknown or unavailable: {uri}"


@pytest.mark.parametrize("mine", ERAS)
@pytest.mark.parametrize("theirs", ERAS)
@pytest.mark.requirement("MCP-42")
async def test_what_a_tool_returned_is_read_through_every_endpoint(tmp_path: Path, mine: str, theirs: str) -> None:
    """Checklist line 42."""
    async with stage(tmp_path, theirs) as (_, _, gateway, ana, eve):
        for path, find, fill in (
            ("/mcp", "crm__find", "crm__fill"), ("/servers/crm/mcp", "find", "fill"), ("/views/both/mcp", "find_person", "crm__fill"),
        ):  # fmt: skip
            dev, guest = at(ana, gateway, path), at(eve, gateway, path)
            if mine == "handshake":
                dev, guest = await dev.shake_hands(), await guest.shake_hands()
            here = path.split("/")[1]
            for name, uri in ((find, f"note://{here}/linked"), (fill, f"note://{here}/embedded")):
                assert await read(dev, uri) == missing(uri)
                for person in (dev, guest):
                    assert "result" in (await person.call(name, uri=uri)).message
                assert await read(dev, uri) == f"crm {uri}"
                assert await read(guest, uri) == missing(uri)
            secret = "note://secret/1"
            await dev.call(find, uri=secret)
            assert await read(dev, secret) == missing(secret)


@pytest.mark.requirement("MCP-42")
async def test_a_link_of_two_servers_is_refused_with_the_way_out(tmp_path: Path) -> None:
    async with stage(tmp_path) as (_, _, gateway, ana, eve):
        for person in (ana, eve):
            for server in ("crm", "files"):
                await person.call(f"{server}__find", uri="note://1")
        assert "use /servers/crm/mcp or /servers/files/mcp" in await read(ana, "note://1")
        assert await read(eve, "note://1") == missing("note://1")
        assert await read(at(ana, gateway, "/servers/files/mcp"), "note://1") == "files note://1"


@pytest.mark.parametrize("path", ["/mcp", "/servers/crm/mcp", "/views/both/mcp"])
@pytest.mark.requirement("MCP-42")
async def test_an_interface_goes_with_its_tool_and_a_template_and_completion_work(tmp_path: Path, path: str) -> None:
    """SEP-1865; checklist line 42."""
    async with stage(tmp_path) as (crm, _, gateway, ana, eve):
        dev, guest = at(ana, gateway, path), at(eve, gateway, path)
        assert await read(dev, crm.form) == f"crm {crm.form}"
        assert await read(guest, crm.form) == missing(crm.form)
        assert await read(dev, "crm://7") == "crm crm://7"
        prompt = {"/mcp": "crm__greet", "/servers/crm/mcp": "greet", "/views/both/mcp": "hello"}[path]
        assert await completed(dev, {"type": "ref/prompt", "name": prompt}) == ["crm greet"]
        assert await completed(dev, {"type": "ref/resource", "uri": "crm://{id}"}) == ["crm crm://{id}"]
        shown = next(each for each in (await dev.ask("tools/list")).result["tools"] if each["name"].endswith("show"))
        assert shown["_meta"] == {"ui": {"resourceUri": crm.form}}


async def completed(person: Person, ref: dict[str, str]) -> list[str]:
    said = await person.ask("completion/complete", ref=ref, argument={"name": "id", "value": ""})
    return list(said.result["completion"]["values"])


@pytest.mark.requirement("MCP-40")
async def test_two_people_on_one_shared_server_get_their_own_reads(tmp_path: Path) -> None:
    """Checklist line 40: private never crosses principals (a server over HTTP has one connection for all), and what a server calls public is private here."""
    async with stage(tmp_path) as (crm, _, gateway, ana, eve):
        bob = replace(ana, token=await gateway.token("bob", "dev"))
        reads = [await each.ask("resources/read", uri="crm://1") for each in (ana, bob, ana)]
        assert crm.count("resources/read") == 3
        assert {each.result["cacheScope"] for each in reads} == {"private"}
        assert await read(eve, "crm://1") == missing("crm://1")
        await ana.call("crm__find", uri="note://hers")
        assert (await read(ana, "note://hers"), await read(bob, "note://hers")) == (
            "crm note://hers",
            missing("note://hers"),
        )


@pytest.mark.requirement("MCP-40")
async def test_a_list_is_kept_for_as_long_as_its_least_lasting_part_and_asked_for_again(tmp_path: Path) -> None:
    """Checklist line 40: the aggregate's `ttlMs` is the least, and what ran out is refreshed without a word of anyone's."""
    async with stage(tmp_path, refresh="10m") as (crm, files, _, ana, _):
        crm.ttl, files.ttl = 2_000, 90_000
        for each in (crm, files):
            await each.until_listened()
            await each.announce("tools")
        await until_ttl(ana, 2_000)
        assert (await ana.ask("prompts/list")).result["cacheScope"] == "private"
        crm.tools[0] = tool("find", "Find it.", uri="string", also="string")
        async with asyncio.timeout(30):
            while "crm__find" in await ana.tools():
                await asyncio.sleep(0.2)
        assert "files__find" in await ana.tools()


async def until_ttl(person: Person, expected: int) -> Said:
    async with asyncio.timeout(30):
        while (said := await person.ask("tools/list")).result["ttlMs"] != expected:
            await asyncio.sleep(0.05)
    return said


async def test_a_growing_list_of_resources_needs_nobody_where_a_template_was_approved(tmp_path: Path) -> None:
    async with stage(tmp_path) as (crm, _, gateway, ana, _):
        await crm.until_listened()
        crm.resources += [{"uri": "crm://fresh", "name": "fresh"}, {"uri": "note://fresh", "name": "waits"}]
        await crm.announce("resources")
        async with asyncio.timeout(30):
            while not (listed := (await ana.ask("resources/list")).result["resources"]):
                await asyncio.sleep(0.05)
        assert [each["uri"] for each in listed] == ["crm://fresh"]
        states = await gateway.states()
        assert (states["crm://fresh"], states["note://fresh"]) == ("approved", "new")

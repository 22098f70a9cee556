"""Ways around a quarantine that must not be any: other spellings, other issuers, other names, other doors, a successor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.doubles.client import Person, Said, people
from tests.e2e.doubles.house import House, config, house, over_http
from tests.e2e.doubles.issuer import Issuer, issuer
from tests.e2e.doubles.upstream import Upstream, tool, upstream

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(180)]

Json = dict[str, Any]
QUARANTINED = -31008
VIEWS: Json = {
    "plain": {"include": ["crm.*"]},
    "named": {"include": ["crm.*"], "rename": {"crm.note": "harmless"}, "set": {"crm.note": {"key": "k"}}},
}
DOORS = {
    "/mcp": "crm__note",
    "/servers/crm/mcp": "note",
    "/views/plain/mcp": "crm__note",
    "/views/named/mcp": "harmless",
}
"""Every way to one tool, and what it is called there."""


async def shut(gateway: House, *words: str) -> str:
    said = await gateway.command("quarantine", "add", *words, "--reason", "of this test", "--json")
    return str(json.loads(said)["id"])


def refused(said: Said) -> tuple[int, Any]:
    return said.status, said.message.get("error", {}).get("code")


OUT = (403, QUARANTINED)


@asynccontextmanager
async def stage(folder: Path, **more: Any) -> AsyncIterator[tuple[House, Upstream, Issuer, Issuer]]:
    double = Upstream()
    with issuer() as one, issuer() as two:
        async with upstream(double) as running:
            identity = {"one": one.settings(), "two": two.settings()}
            settings = config({"crm": over_http(running.url, **more)}, identity=identity, views=VIEWS)
            async with house(folder, settings) as gateway:
                yield gateway, double, one, two


def at(person: Person, path: str, token: str = "") -> Person:
    """Return somebody at another endpoint, or with another token."""
    root = person.url.rpartition("/mcp")[0] if path == "/mcp" else person.url.removesuffix("/mcp")
    return Person(person.http, f"{root}{path}", token or person.token)


async def note(person: Person, name: str = "crm__note") -> Said:
    return await (person.call(name) if name == "harmless" else person.call(name, key="k"))


async def test_no_spelling_of_a_name_and_no_part_that_it_plays_is_a_way_in(tmp_path: Path) -> None:
    async with stage(tmp_path) as (gateway, double, one, two):
        resource = f"{gateway.url}/mcp"
        theirs = {
            "case": one.token(resource, "MALLORY"),
            "width": one.token(resource, "ｍallory"),
            "invisible": one.token(resource, "mal\u200blory"),
            "another issuer": two.token(resource, "mallory"),
            "acting for others": one.token(resource, "ida", act={"sub": "mallory"}),
            "a token of the gateway": await gateway.token("Mallory"),
        }
        others = {
            "longer": one.token(resource, "mallory2"),
            "acted for by others": one.token(resource, "ida", act={"sub": "robot"}),
            # RFC 8693 section 4.1: who acted before says nothing of who acts now.
            "acted earlier": one.token(resource, "ida", act={"sub": "robot", "act": {"sub": "mallory"}}),
        }
        async with people(gateway.url, "") as (nobody,):
            before = {why: await note(at(nobody, "/mcp", token)) for why, token in (theirs | others).items()}
            known = {why for why, said in before.items() if said.status == 200}
            assert known >= {"case", "another issuer", "acting for others", "a token of the gateway", *others}
            await shut(gateway, "person", "mallory")
            arrived = len(double.noted)
            for why, token in theirs.items():
                said = await note(at(nobody, "/mcp", token))
                assert refused(said) == OUT or (why not in known and said.status == 401), why
            assert len(double.noted) == arrived
            for why, token in others.items():
                assert (await note(at(nobody, "/mcp", token))).text == "note k", why


async def test_another_issuer_s_person_of_the_same_name_is_let_in_where_one_issuer_is_meant(tmp_path: Path) -> None:
    async with stage(tmp_path) as (gateway, _, one, two):
        resource = f"{gateway.url}/mcp"
        tokens = [one.token(resource, "mallory"), two.token(resource, "mallory"), await gateway.token("mallory")]
        async with people(gateway.url, *tokens) as (ours, theirs, own):
            await shut(gateway, "person", "Mallory", "--issuer", "one")
            assert refused(await note(ours)) == OUT
            assert (await note(theirs)).text == "note k"
            assert (await note(own)).text == "note k"


async def test_a_fresh_token_and_a_successor_of_a_token_do_not_help(tmp_path: Path) -> None:
    async with stage(tmp_path) as (gateway, _, one, _two):
        resource = f"{gateway.url}/mcp"
        made = json.loads(await gateway.command("token", "create", "--subject", "ana", "--json"))
        await shut(gateway, "token", made["id"])
        next_ = json.loads(await gateway.command("token", "rotate", made["id"], "--json"))
        last = json.loads(await gateway.command("token", "rotate", next_["id"], "--json"))
        await shut(gateway, "client", "program")
        fresh = one.token(resource, "ida", client_id="PROGRAM", jti="another")
        async with people(gateway.url, made["token"], next_["token"], last["token"], fresh) as every:
            for person in every:
                assert refused(await note(person)) == OUT
            assert (
                await every[0].http.get(
                    f"{gateway.url}/health/ready", headers=every[0].headers({"method": "", "params": {}})
                )
            ).status_code == 403, "no other page is open either"


async def test_what_is_known_by_heart_of_a_caller_is_forgotten_at_once(tmp_path: Path) -> None:
    """The way around the twelve steps must not be one around a quarantine."""
    async with stage(tmp_path) as (gateway, double, one, _):
        mine, hers = await gateway.token("ana"), one.token(f"{gateway.url}/mcp", "ida")
        async with people(gateway.url, mine, hers) as every:
            for person in every:
                assert [(await note(person)).text for _ in range(50)] == ["note k"] * 50
            await shut(gateway, "person", "ana")
            await shut(gateway, "person", "ida")
            arrived = len(double.noted)
            said = await asyncio.gather(*(note(person) for person in every for _ in range(50)))
            assert {refused(each) for each in said} == {OUT}
            assert len(double.noted) == arrived


@pytest.mark.parametrize("name", ["crm.note", "CRM.Note", "crm__note", "harmless", "note"])
async def test_a_tool_is_shut_out_at_every_door_under_every_name(tmp_path: Path, name: str) -> None:
    async with (
        stage(tmp_path) as (gateway, double, _one, _two),
        people(gateway.url, await gateway.token("ana")) as (ana,),
    ):
        for path, shown in DOORS.items():
            assert (await note(at(ana, path), shown)).text == "note k", path
        await shut(gateway, "tool", name)
        arrived = len(double.noted)
        for path, shown in DOORS.items():
            assert refused(await note(at(ana, path), shown)) == (400, -32602), path
            assert shown not in await at(ana, path).tools(), path
        assert len(double.noted) == arrived


async def test_a_server_is_shut_out_at_every_door(tmp_path: Path) -> None:
    async with (
        stage(tmp_path) as (gateway, double, _one, _two),
        people(gateway.url, await gateway.token("ana")) as (ana,),
    ):
        for path, shown in DOORS.items():
            assert (await note(at(ana, path), shown)).text == "note k", path
        await shut(gateway, "server", "CRM")
        arrived = len(double.noted)
        for path, shown in DOORS.items():
            assert refused(await note(at(ana, path), shown)) == (400, -32602), path
            assert await at(ana, path).tools() == [], path
        assert len(double.noted) == arrived


async def test_a_tool_that_its_server_spells_otherwise_is_still_shut_out(tmp_path: Path) -> None:
    async with (
        stage(tmp_path, approve="always") as (gateway, double, _one, _two),
        people(gateway.url, await gateway.token("ana")) as (ana,),
    ):
        await shut(gateway, "tool", "crm.note")
        double.tools = [tool("Note", "Note a key.", key="string"), tool("hold", key="string")]
        await double.until_listened()
        await double.announce("tools")
        async with asyncio.timeout(30):
            while double.count("tools/list") < 3:
                await asyncio.sleep(0.05)
        assert "crm__hold" in await ana.tools()
        assert refused(await note(ana, "crm__Note")) == (400, -32602)
        assert "crm__Note" not in await ana.tools()


async def test_a_reload_and_a_weaker_rule_bring_nothing_back(tmp_path: Path) -> None:
    async with (
        stage(tmp_path) as (gateway, _, _one, _two),
        people(gateway.url, await gateway.token("ana"), await gateway.token("bob")) as (ana, bob),
    ):
        await shut(gateway, "person", "ana")
        await shut(gateway, "server", "crm")
        loud: Json = {"name": "louder", "allow": ["crm.*"], "subjects": ["*"]}
        gateway.write(rules=[loud])
        gateway.gateway.process.send_signal(1)
        await gateway.until_logged("configuration replaced")
        assert refused(await note(ana)) == OUT
        assert refused(await note(bob)) == (400, -32602)
        assert await bob.tools() == []

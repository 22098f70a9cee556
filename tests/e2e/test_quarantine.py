"""What is shut out is shut out at the very next call, in both eras, on open streams, and after a restart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.doubles.client import Person, Said, people
from tests.e2e.doubles.house import House, config, house, over_http, until
from tests.e2e.doubles.issuer import issuer
from tests.e2e.doubles.tasks import TASKS, Workshop
from tests.e2e.doubles.upstream import Upstream, upstream
from tests.e2e.test_tasks import like

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(180)]

Json = dict[str, Any]
ERAS = ("modern", "handshake")
ONE = "notes://one"
QUARANTINED = -31008
WARM = 5
"""Calls after which the gateway knows a caller by heart."""


@dataclass
class Stage:
    """A gateway, two servers behind it, and the people before it."""

    house: House
    crm: Upstream
    other: Upstream
    ana: Person
    """With a token of the gateway's own."""
    ida: Person
    """With an issuer's token, an agent acting for her."""
    bob: Person
    """Whom nobody has anything against."""
    token: str
    """The id of ana's token."""

    async def shut(self, *words: str) -> str:
        """Quarantine something and return its id."""
        said = await self.house.command("quarantine", "add", *words, "--reason", "of this test", "--json")
        return str(json.loads(said)["id"])

    async def lift(self, ident: str) -> None:
        """Let it back in."""
        await self.house.command("quarantine", "lift", ident, "--reason", "all is well")

    def events(self, kind: str) -> list[Json]:
        """Return what the ledger says of one kind of event."""
        return [each for each in self.house.records() if each.get("kind") == kind]


@asynccontextmanager
async def stage(folder: Path, eras: tuple[str, ...] = ERAS) -> AsyncIterator[Stage]:
    crm, other = Upstream(eras), Upstream(eras)
    crm.resources = [{"uri": ONE, "name": ONE}]
    with issuer() as idp:
        async with upstream(crm) as one, upstream(other) as two:
            servers = {"crm": over_http(one.url), "other": over_http(two.url)}
            async with house(folder, config(servers, identity={"staff": idp.settings()})) as gateway:
                theirs = idp.token(f"{gateway.url}/mcp", "ida", client_id="program", act={"sub": "robot"})
                mine = [await gateway.token("ana"), await gateway.token("bob")]
                listed = json.loads(await gateway.command("token", "list", "--json"))
                ident = next(each["id"] for each in listed if each["subject"] == "ana")
                async with people(gateway.url, mine[0], theirs, mine[1]) as (ana, ida, bob):
                    yield Stage(gateway, crm, other, ana, ida, bob, ident)


async def in_era(person: Person, era: str) -> Person:
    return person if era == "modern" else await person.shake_hands()


async def warmed(person: Person, tool: str = "crm__note") -> None:
    for _ in range(WARM):
        assert (await person.call(tool, key="k")).text == "note k"


def refused(said: Said) -> tuple[int, Any]:
    return said.status, said.message["error"]["code"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_caller_is_refused_at_the_very_next_call_and_let_in_at_the_next_but_one(
    tmp_path: Path, era: str
) -> None:
    async with stage(tmp_path) as on:
        ana, ida, bob = [await in_era(each, era) for each in (on.ana, on.ida, on.bob)]
        for person, words in (
            (ana, ("person", "ana")),
            (ana, ("token", on.token)),
            (ida, ("person", "ida", "--issuer", "staff")),
            (ida, ("client", "program")),
            (ida, ("agent", "robot")),
        ):
            await warmed(person)
            await warmed(bob)
            ident = await on.shut(*words)
            arrived = len(on.crm.noted)
            assert refused(await person.call("crm__note", key="k")) == (403, QUARANTINED), words
            assert refused(await person.ask("tools/list")) == (403, QUARANTINED), words
            # Another's call makes the process look; that must not bring anybody back.
            await warmed(bob)
            for _ in range(WARM):
                assert refused(await person.call("crm__note", key="k")) == (403, QUARANTINED), words
            assert len(on.crm.noted) == arrived + WARM, "only the others' calls arrived"
            await on.lift(ident)
            await warmed(person)
        tried = [each for each in on.house.records() if each.get("outcome") == "quarantined"]
        assert {each["principal"]["subject"] for each in tried} == {"ana", "ida"}, "who tried is in the ledger"
        assert all(each["detail"].startswith("quarantine:q_") for each in tried)


@pytest.mark.parametrize("era", ERAS)
async def test_a_tool_is_hidden_at_the_very_next_call_and_looks_like_one_that_never_was(
    tmp_path: Path, era: str
) -> None:
    async with stage(tmp_path) as on:
        ana = await in_era(on.ana, era)
        await warmed(ana)
        unknown = await ana.call("crm__nothing", key="k")
        ident = await on.shut("tool", "crm.note")
        arrived = len(on.crm.noted)
        said = await ana.call("crm__note", key="k")
        assert said.status == unknown.status
        assert said.error["code"] == unknown.error["code"]
        assert said.error["message"] == unknown.error["message"].replace("nothing", "note")
        assert len(on.crm.noted) == arrived
        assert "crm__note" not in await ana.tools()
        assert "other__note" in await ana.tools()
        await warmed(ana, "other__note")
        told = (await on.house.command("why", "ana", "crm.note", "--json")).strip()
        assert json.loads(told)["answers"][0]["rule"] == f"quarantine:{ident}"
        await on.lift(ident)
        await warmed(ana)
        denied = next(each for each in on.house.records() if each.get("decision", {}).get("reason") == "quarantined")
        assert denied["decision"]["rule"] == f"quarantine:{ident}"


@pytest.mark.parametrize("era", ERAS)
async def test_a_server_is_gone_at_the_very_next_call_and_comes_back_when_it_is_lifted(
    tmp_path: Path, era: str
) -> None:
    async with stage(tmp_path) as on:
        ana = await in_era(on.ana, era)
        await warmed(ana)
        ident = await on.shut("server", "crm")
        arrived = len(on.crm.noted)
        assert (await ana.call("crm__note", key="k")).error["code"] == -32602
        assert (await ana.ask("resources/read", uri=ONE)).error["code"] in {-32602, -32002}
        assert not [each for each in await ana.tools() if each.startswith("crm__")]
        assert len(on.crm.noted) == arrived
        await warmed(ana, "other__note")
        if era == "handshake":
            assert (await ana.ask("logging/setLevel", level="info")).result == {}, "others are told their level"
        await until(lambda: on.events("quarantine_added"), "the ledger does not say it")
        status, ready = await on.house.ready(on.bob.token)
        assert status == 200, "the others are served"
        assert [(each["id"], each["kind"], each["what"]) for each in ready["quarantined"]] == [(ident, "server", "crm")]
        await on.lift(ident)
        async with asyncio.timeout(30):
            # It is known again at once, and reachable once the gateway has opened the way to it.
            while (
                (said := (await ana.call("crm__note", key="k")).message)
                .get("result", {})
                .get("isError", "error" in said)
            ):
                await asyncio.sleep(0.05)
        await warmed(ana)


@asynccontextmanager
async def hearing(person: Person, era: str) -> AsyncIterator[AsyncIterator[Json]]:
    if era == "modern":
        async with person.listening(resourceSubscriptions=[ONE]) as heard:
            yield heard
        return
    session = await person.shake_hands()
    async with session.stream() as heard:
        assert (await session.ask("resources/subscribe", uri=ONE)).result == {}
        yield heard


@pytest.mark.parametrize("era", ERAS)
async def test_an_open_stream_ends_with_whoever_is_shut_out(tmp_path: Path, era: str) -> None:
    async with stage(tmp_path) as on, hearing(on.ida, era) as hers, hearing(on.bob, era) as his:
        await on.crm.until_watched(ONE, 2)
        await on.shut("agent", "robot")
        async with asyncio.timeout(10):
            assert [each async for each in hers if "method" in each] == []
        await on.crm.until_watched(ONE, 1)
        await on.crm.updated(ONE)
        async with asyncio.timeout(30):
            while (await anext(his))["params"].get("uri") != ONE:
                pass


@pytest.mark.parametrize("what", [("server", "crm"), ("tool", f"crm:{ONE}")])
@pytest.mark.parametrize("era", ERAS)
async def test_nobody_is_subscribed_any_more_to_what_is_shut_out(
    tmp_path: Path, era: str, what: tuple[str, str]
) -> None:
    async with stage(tmp_path) as on, hearing(on.ana, era) as heard:
        await on.crm.until_watched(ONE, 1)
        await on.shut(*what)
        await until(lambda: on.events("quarantine_added"), "the ledger does not say it")
        if era == "modern":
            async with asyncio.timeout(10):
                assert [each async for each in heard if "method" in each] == [], "it ends, so that its client asks anew"
        if what[0] == "tool":
            await on.crm.until_watched(ONE, 0)
        else:
            # Nothing of the gateway's listens there: not for people, and not for itself.
            async with asyncio.timeout(30):
                while on.crm.streams:
                    await asyncio.sleep(0.02)


async def test_a_task_of_a_tool_that_is_shut_out_is_unknown_until_it_is_lifted(tmp_path: Path) -> None:
    double: Any = Workshop()
    async with (
        upstream(double) as running,
        house(tmp_path, config({"crm": over_http(running.url)})) as gateway,
        people(gateway.url, await gateway.token("ana")) as (plain,),
    ):
        ana = like(plain, {"extensions": {TASKS: {}}})
        ident = str((await ana.call("crm__hold")).result["taskId"])
        assert (await ana.get(ident)).result["status"] == "working"
        words = ("quarantine", "add", "tool", "crm__hold", "--reason", "test", "--json")
        made = json.loads(await gateway.command(*words))
        assert made["what"] == "crm.hold", "a name at an endpoint stands for a label"
        assert (await ana.get(ident)).error["code"] == -32602
        await gateway.command("quarantine", "lift", made["id"], "--reason", "test")
        assert (await ana.get(ident)).result["status"] == "working"


async def test_it_outlives_a_restart_and_the_ledger_has_its_beginning_and_its_end_once(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        person = await on.shut("person", "ana")
        await until(lambda: on.events("quarantine_added"), "the ledger does not say it")
        await on.house.kill()
        # Nobody serves at present: what is done now is written down by whoever serves next.
        server = await on.shut("server", "other")
        await on.house.start()
        assert refused(await on.ana.call("crm__note", key="k")) == (403, QUARANTINED)
        assert "other__note" not in await on.bob.tools()
        await until(lambda: len(on.events("quarantine_added")) == 2, "the ledger does not say both")
        await on.lift(person)
        assert (await on.ana.call("crm__note", key="k")).text == "note k"
        await until(lambda: on.events("quarantine_lifted"), "the ledger does not say that it was lifted")
        added, lifted = on.events("quarantine_added"), on.events("quarantine_lifted")
        assert [(each["quarantine"], each["reason"]) for each in added] == [
            (person, "of this test"),
            (server, "of this test"),
        ]
        assert (added[0]["person"], added[1]["server"]) == ("ana", "other")
        assert [(each["quarantine"], each["person"], each["reason"]) for each in lifted] == [
            (person, "ana", "all is well")
        ]
        assert all("@" in each["by"] for each in added + lifted)
        shown = json.loads(await on.house.command("quarantine", "list", "--all", "--json"))
        assert {each["id"]: each["state"] for each in shown} == {person: "lifted", server: "standing"}


async def test_it_ends_by_itself_when_its_time_is_over(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        for words, person, code in (
            (("person", "ana"), on.ana, QUARANTINED),
            (("tool", "crm.note"), on.bob, -32602),
        ):
            await on.shut(*words, "--expires", "4s")
            assert (await person.call("crm__note", key="k")).message["error"]["code"] == code
            async with asyncio.timeout(30):
                while "result" not in (await person.call("crm__note", key="k")).message:
                    await asyncio.sleep(0.05)
        await until(lambda: len(on.events("quarantine_lifted")) == 2, "the ledger does not say that it is over")
        assert {each["by"] for each in on.events("quarantine_lifted")} == {"expiry"}

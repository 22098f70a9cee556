"""The example CRM, through the SDK's own client in one process, in both eras."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.server.subscriptions import InMemorySubscriptionBus, ServerEvent, ToolsListChanged

from ostiary.demo.crm import APPROVED, CHANGED, REFUNDS, server, turned
from ostiary.demo.people import FAKE_KEY, PEOPLE


@pytest.fixture(params=["legacy", "2026-07-28"])
def crm(tmp_path: Path, request: pytest.FixtureRequest) -> Client:
    return Client(server(tmp_path, InMemorySubscriptionBus()), mode=request.param)


async def text(client: Client, tool: str, **arguments: Any) -> tuple[bool, str]:
    answer = await client.call_tool(tool, arguments)
    return answer.is_error or False, answer.content[0].text  # type: ignore[union-attr]


async def test_people_are_found_by_name_and_by_region(crm: Client) -> None:
    async with crm:
        by_name = await crm.call_tool("search_people", {"query": "okafor"})
        assert by_name.structured_content == {"result": [{"id": "p3", "name": "Adaeze Okafor", "region": "africa"}]}
        by_region = await crm.call_tool("search_people", {"query": "EU"})
        assert [person["id"] for person in (by_region.structured_content or {})["result"]] == ["p1", "p2"]


async def test_one_record_holds_a_credential_that_looks_real(crm: Client) -> None:
    async with crm:
        assert FAKE_KEY in (await text(crm, "get_person", person_id="p2"))[1]


async def test_a_search_shows_no_notes(crm: Client) -> None:
    async with crm:
        assert FAKE_KEY not in (await text(crm, "search_people"))[1]


async def test_a_refund_is_written_down(crm: Client, tmp_path: Path) -> None:
    async with crm:
        for amount in (20, 30):
            assert not (await text(crm, "refund", person_id="p1", amount=amount, region="eu"))[0]
        written = [json.loads(line) for line in (tmp_path / REFUNDS).read_text().splitlines()]
        assert [(refund["number"], refund["amount"]) for refund in written] == [(1, 20.0), (2, 30.0)]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"person_id": "p9", "amount": 5, "region": "eu"}, "no person p9"),
        ({"person_id": "p1", "amount": 5, "region": "apac"}, "belongs to eu"),
        ({"person_id": "p1", "amount": 101, "region": "eu"}, "less than or equal to 100"),
    ],
)
async def test_a_refund_that_cannot_be_is_not_written(
    crm: Client, tmp_path: Path, arguments: dict[str, Any], why: str
) -> None:
    async with crm:
        refused, said = await text(crm, "refund", **arguments)
        assert refused
        assert why in said
        assert not (tmp_path / REFUNDS).exists()


@pytest.mark.parametrize("form", ["json", "csv"])
async def test_an_export_holds_everybody(crm: Client, form: str) -> None:
    async with crm:
        exported = (await text(crm, "export_people", format=form))[1]
        assert all(person.name in exported and person.note in exported for person in PEOPLE)


async def test_the_trigger_changes_one_description_and_announces_it(tmp_path: Path) -> None:
    bus, heard = InMemorySubscriptionBus(), list[ServerEvent]()
    bus.subscribe(heard.append)
    made = server(tmp_path, bus)
    before = {tool.name: tool.description for tool in await made.list_tools()}
    (tmp_path / "change").touch()
    await asyncio.wait_for(turned(made, tmp_path / "change", bus), 10)
    after = {tool.name: tool.description for tool in await made.list_tools()}
    assert before["get_person"] == APPROVED
    assert after == {**before, "get_person": CHANGED}
    assert heard == [ToolsListChanged()]

"""The example notes server, through the SDK's own client in one process, in both eras."""

import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp_types import TextResourceContents

from ostiary.demo.notes import INDEX, Store, server


@pytest.fixture(params=["legacy", "2026-07-28"])
def notes(tmp_path: Path, request: pytest.FixtureRequest) -> Client:
    return Client(server(Store(tmp_path / "notes.db")), mode=request.param)


async def said(client: Client, tool: str, **arguments: Any) -> Any:
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    return answer.structured_content


async def test_a_note_that_is_added_can_be_found_and_read(notes: Client) -> None:
    async with notes:
        added = await said(notes, "add_note", title="Milk", text="100% of it")
        assert added == {"id": 1, "title": "Milk", "text": "100% of it"}
        assert (await said(notes, "search_notes", query="00% OF"))["result"] == [added]
        assert await said(notes, "read_note", note_id=1) == added


async def test_a_percent_sign_is_no_wildcard(notes: Client) -> None:
    async with notes:
        await said(notes, "add_note", title="Milk", text="all of it")
        assert (await said(notes, "search_notes", query="%"))["result"] == []


async def test_the_newest_note_comes_first(notes: Client) -> None:
    async with notes:
        for title in ("one", "two", "three"):
            await said(notes, "add_note", title=title, text="")
        found = (await said(notes, "search_notes", limit=2))["result"]
        assert [note["title"] for note in found] == ["three", "two"]


async def test_a_deleted_note_is_gone_and_deleting_it_again_says_so(notes: Client) -> None:
    async with notes:
        await said(notes, "add_note", title="Milk", text="")
        await said(notes, "delete_note", note_id=1)
        again = await notes.call_tool("delete_note", {"note_id": 1})
        assert again.is_error
        assert "no note 1" in again.content[0].text  # type: ignore[union-attr]


async def test_only_deleting_is_marked_destructive(notes: Client) -> None:
    async with notes:
        tools = (await notes.list_tools()).tools
        marked = {tool.name for tool in tools if tool.annotations and tool.annotations.destructive_hint}
        assert marked == {"delete_note"}
        assert {tool.name for tool in tools} == {"add_note", "search_notes", "read_note", "delete_note"}


async def test_every_note_can_be_read_as_a_resource_and_the_index_names_it(notes: Client) -> None:
    async with notes:
        await said(notes, "add_note", title="Milk", text="two litres")
        assert [str(listed.uri) for listed in (await notes.list_resources()).resources] == [INDEX]
        assert [it.uri_template for it in (await notes.list_resource_templates()).resource_templates] == [
            "notes://{id}"
        ]
        index = (await notes.read_resource(INDEX)).contents[0]
        assert isinstance(index, TextResourceContents)
        assert json.loads(index.text) == [{"uri": "notes://1", "title": "Milk"}]
        content = (await notes.read_resource("notes://1")).contents[0]
        assert isinstance(content, TextResourceContents)
        assert content.text == "Milk\n\ntwo litres"


async def test_a_note_that_does_not_exist_is_no_resource(notes: Client) -> None:
    async with notes:
        with pytest.raises(MCPError, match="no note 7"):
            await notes.read_resource("notes://7")


async def test_the_prompt_carries_the_notes_it_asks_about(notes: Client) -> None:
    async with notes:
        await said(notes, "add_note", title="Milk", text="two litres")
        text = (await notes.get_prompt("summarise_notes", {"query": "milk"})).messages[0].content.text  # type: ignore[union-attr]
        assert "Note 1: Milk\ntwo litres" in text

"""The features that need more than a request: what is cancelled, and what changes while a client listens."""

import asyncio

from tests.bridge.cell import Cell
from tests.bridge.clients.client import Heard
from tests.bridge.features import feature, read
from tests.bridge.fixture import reading

NAMED = {"tools": "name", "prompts": "name", "resources": "uri"}
EXTRA = {"tools": "extra", "prompts": "extra", "resources": reading.EXTRA}


@feature("cancellation")
async def _(cell: Cell) -> None:
    sleeping = asyncio.ensure_future(cell.tool("sleep"))
    try:
        await cell.recorded("sleep began")
        await cell.client.cancel()
        await cell.recorded("sleep cancelled")
    finally:
        sleeping.cancel()
        await asyncio.wait({sleeping})
    cell.happened("sleep", 0)


@feature("list of tools changed")
async def _(cell: Cell) -> None:
    await _changed(cell, "tools")


@feature("list of prompts changed")
async def _(cell: Cell) -> None:
    await _changed(cell, "prompts")


@feature("list of resources changed")
async def _(cell: Cell) -> None:
    await _changed(cell, "resources")


@feature("resource changed")
async def _(cell: Cell) -> None:
    async with cell.client.changes([reading.WATCHED]) as heard:
        before = cell.state.version()
        await cell.once("touch")
        await heard.until(lambda message: _is(message, "notifications/resources/updated", reading.WATCHED))
        assert await read(cell, reading.WATCHED) == f"version {before + 1}"


async def _changed(cell: Cell, what: str) -> None:
    async with cell.client.changes() as heard:
        since = len(heard.messages)
        await cell.once(f"change_{what}")
        now = cell.state.on(what)
        # What an earlier cell changed may be told late, too; each notification is a reason to look again.
        while await _listed(cell, what) != now or not _told(heard, what, since):
            since = await heard.until(lambda message: _is(message, f"notifications/{what}/list_changed"), since)
            if await _listed(cell, what) == now:
                return


async def _listed(cell: Cell, what: str) -> bool:
    entries = (await cell.client.call(f"{what}/list", {})).result[what]
    return EXTRA[what] in {entry[NAMED[what]] for entry in entries}


def _told(heard: Heard, what: str, since: int) -> bool:
    return any(_is(message, f"notifications/{what}/list_changed") for message in heard.messages[since:])


def _is(message: dict[str, object], method: str, uri: str | None = None) -> bool:
    params = message.get("params")
    found = params.get("uri") if isinstance(params, dict) else None
    return message.get("method") == method and (uri is None or found == uri)

"""A client that hangs up still leaves a record, at whatever moment it goes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.security import raw, speech
from tests.security.conftest import House, more_tokens

pytestmark = pytest.mark.e2e

Json = dict[str, Any]

PATH = "/servers/echo/mcp"
RECORDED_SECONDS = 15


async def records(house: House, subject: str, kind: str, count: int) -> list[Json]:
    """Return so many records of a caller, waiting for them for a bounded time."""
    async with asyncio.timeout(RECORDED_SECONDS):
        while True:
            found = [
                each
                for each in house.ledger()
                if each["type"] == kind and each.get("principal", {}).get("subject") == subject
            ]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


async def left(house: House, data: bytes, mark: bytes = b"") -> None:
    """Send, wait for a mark where one is given, and hang up."""
    wire = await raw.connect(house.port)
    wire.put(data)
    if mark:
        async with asyncio.timeout(10):
            await wire.until(mark)
    wire.close()


async def outcomes(house: House, subject: str) -> list[str]:
    """Return how the calls of a caller ended, by reference of their intents."""
    intents = await records(house, subject, "intent", 1)
    wanted = {each["reference"] for each in intents}
    async with asyncio.timeout(RECORDED_SECONDS):
        while True:
            ends = [each for each in house.ledger() if each["type"] == "outcome" and each["reference"] in wanted]
            if len(ends) == len(wanted):
                return [each["outcome"] for each in ends]
            await asyncio.sleep(0.02)


async def test_a_modern_client_that_hangs_up_in_the_middle_is_recorded_as_gone(house: House) -> None:
    (token,) = more_tokens(house, 1, "leaver-modern")
    params = speech.call("echo", {"secret": "s", "way": "progress", "ms": 5000})
    await left(
        house, speech.modern(PATH, house.host, token, "tools/call", params, 1, progress=1), b"notifications/progress"
    )
    assert await outcomes(house, "leaver-modern") == ["abandoned"]


async def test_a_session_s_call_goes_on_without_its_client_and_is_recorded(house: House) -> None:
    """2025-11-25, "Disconnection": it is no cancellation."""
    (token,) = more_tokens(house, 1, "leaver-session")
    hello = await raw.once(house.port, speech.initialize(PATH, house.host, token, "2025-11-25"))
    fields = speech.session_fields(token, hello.header("mcp-session-id"), "2025-11-25")
    params = speech.call("echo", {"secret": "s", "ms": 300})
    await left(house, speech.spoken(PATH, house.host, fields, "tools/call", params), b"\nid: ")
    assert await outcomes(house, "leaver-session") == ["answered"]


async def test_a_cancelled_call_is_recorded_as_given_up(house: House) -> None:
    (token,) = more_tokens(house, 1, "canceller")
    hello = await raw.once(house.port, speech.initialize(PATH, house.host, token, "2025-11-25"))
    fields = speech.session_fields(token, hello.header("mcp-session-id"), "2025-11-25")
    params = {**speech.call("echo", {"secret": "s", "way": "progress", "ms": 5000}), "_meta": {"progressToken": 1}}
    wire = await raw.connect(house.port)
    try:
        wire.put(speech.spoken(PATH, house.host, fields, "tools/call", params, ident="it"))
        async with asyncio.timeout(10):
            await wire.until(b"notifications/progress")
        told = speech.spoken(PATH, house.host, fields, "notifications/cancelled", {"requestId": "it"}, ident=None)
        assert (await raw.once(house.port, told)).status == 202
        assert await outcomes(house, "canceller") == ["abandoned"]
    finally:
        wire.close()


async def test_every_call_that_left_has_an_end_in_the_ledger_however_its_client_went(house: House) -> None:
    (token,) = more_tokens(house, 1, "leaver-anytime")
    params = speech.call("echo", {"secret": "s", "ms": 40})
    data = speech.modern(PATH, house.host, token, "tools/call", params)
    for place in range(0, len(data) + 1, 25):
        await left(house, data[:place])
    await asyncio.gather(*(left(house, data) for _ in range(20)))
    whole = await raw.once(house.port, data)
    assert whole.status == 200
    assert set(await outcomes(house, "leaver-anytime")) <= {"abandoned", "answered"}
    assert house.rig.ledger_verifies()[0]

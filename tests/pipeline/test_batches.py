"""Batches of 2025-03-26: each message walks the twelve steps by itself, and the answers share one stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from ostiary.core.model import Answer, Inbound, Json, Order
from ostiary.core.ports import Back
from ostiary.pipeline.batch import Part
from ostiary.pipeline.journal import Journals
from ostiary.pipeline.serve import serve
from tests.pipeline.stage import Heard, Stage, handshake, whole

READ: Json = {"name": "files__read", "arguments": {"path": "/a"}}


def message(method: str, ident: Any = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params} | ({} if ident is None else {"id": ident})


def posted(session: str, messages: Sequence[Any]) -> Inbound:
    body, headers = json.dumps(messages).encode(), {"mcp-session-id": session}
    return Inbound("POST", "/mcp", headers, frozenset(), "ana-token", "127.0.0.1", whole(body))


async def begun(stage: Stage, version: str = "2025-03-26", **capabilities: Any) -> str:
    """Return a new session."""
    heard = await stage.serve(handshake("initialize", protocolVersion=version, capabilities=capabilities))
    return heard.answers[0].headers["mcp-session-id"]


async def played(stage: Stage, *messages: Any, version: str = "2025-03-26") -> Heard:
    """Post a batch in a new session."""
    session = await begun(stage, version)
    stage.log.clear()
    stage.audit.ended.clear()
    return await stage.serve(posted(session, messages))


async def test_every_message_walks_all_steps_and_leaves_its_own_record() -> None:
    stage = Stage()
    heard = await played(stage, message("tools/call", 1, **READ), message("notifications/x", None), message("ping", 2))
    assert heard.answers == [Answer(None, 200)]
    assert {each["id"]: each["result"] for each in heard.before} == {1: {"content": []}, 2: {}}
    ended = [(trail.call.method, trail.outcome) for trail in stage.audit.ended if trail.call]
    assert sorted(ended) == [
        ("gateway/batch", "answered"),
        ("notifications/x", "answered"),
        ("ping", "answered"),
        ("tools/call", "answered"),
    ]
    assert len({trail.reference for trail in stage.audit.ended}) == 4
    assert stage.log.count("identify") == 4


async def test_a_batch_itself_costs_nothing_and_its_calls_cost_what_they_cost() -> None:
    """Did the batch hold a place, too, whoever may make one call at a time could send no batch."""
    stage = Stage()
    await played(stage, message("tools/call", 1, **READ))
    buckets = [[charge.bucket for charge in each] for each in stage.paid]
    assert buckets == [["per-caller"], [], ["rule:devs-read", "per-caller"]]


async def test_what_is_refused_is_refused_alone() -> None:
    stage = Stage()
    drop = {**READ, "name": "files__drop"}
    heard = await played(stage, message("tools/call", 1, **drop), message("tools/fly", "2"), message("ping", 3))
    codes = {each["id"]: each.get("error", {}).get("code") for each in heard.before}
    assert codes == {1: -32602, "2": -32601, 3: None}
    assert stage.sent == []


async def test_a_batch_that_asks_nothing_is_accepted() -> None:
    heard = await played(Stage(), message("notifications/x", None), {"jsonrpc": "2.0", "id": "theirs", "result": {}})
    assert (heard.answers, heard.before) == ([Answer(None, 202)], [])


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25"])
async def test_later_revisions_are_told_who_has_batches(version: str) -> None:
    stage = Stage()
    heard = await played(stage, message("tools/call", 1, **READ), version=version)
    payload = heard.answers[0].payload or {}
    assert (heard.answers[0].status, payload["error"]["code"]) == (400, -32600)
    assert "2025-03-26" in payload["error"]["message"]
    assert stage.sent == []


async def test_a_client_that_reads_no_stream_is_refused_before_anything_is_done() -> None:
    stage = Stage()
    session = await begun(stage)
    heard = Heard()
    heard.stream = False
    await serve(posted(session, [message("tools/call", 1, **READ)]), heard, stage.world)
    assert heard.answers[0].status == 406
    assert stage.sent == []


async def test_a_server_may_ask_in_the_middle_of_a_batch() -> None:
    stage = Stage()

    async def asking(_order: Order, back: Back) -> Json:
        return await back.ask("roots/list", {})

    stage.carry = asking
    session = await begun(stage, roots={})
    heard = Heard()
    batch = asyncio.create_task(serve(posted(session, [message("tools/call", 7, **READ)]), heard, stage.world))
    async with asyncio.timeout(10):
        while not heard.before:
            await asyncio.sleep(0)
    asked = heard.before[0]
    assert asked["method"] == "roots/list"
    await stage.serve(posted(session, [{"jsonrpc": "2.0", "id": asked["id"], "result": {"roots": []}}]))
    await batch
    assert heard.before[1:] == [{"jsonrpc": "2.0", "id": 7, "result": {"roots": []}}]


async def test_few_calls_of_one_batch_run_at_the_same_time_and_one_can_be_cancelled() -> None:
    stage = Stage()
    stage.carry = _never
    session = await begun(stage)
    heard = Heard()
    calls = [message("tools/call", ident, **READ) for ident in range(6)]
    batch = asyncio.create_task(serve(posted(session, calls), heard, stage.world))
    async with asyncio.timeout(10):
        while len(stage.sent) < 4:
            await asyncio.sleep(0)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(stage.sent) == 4
        await stage.serve(handshake("notifications/cancelled", session, None, requestId=stage.sent[0].call.id))
        while len(stage.sent) < 5:
            await asyncio.sleep(0)
    batch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await batch
    assert {trail.outcome for trail in stage.audit.ended if trail.target and trail.target.server} == {"abandoned"}


async def _never(_order: Order, _back: Back) -> Json:
    return await asyncio.Event().wait()  # type: ignore[return-value]


async def test_a_credential_that_ends_meanwhile_is_told_under_the_id_of_the_request() -> None:
    heard = Heard()
    part = Part(heard, 7)
    error = {"code": -31002, "message": "Authentication required"}
    assert await part.finish(Answer({"jsonrpc": "2.0", "id": None, "error": error}, 401)) > 0
    assert heard.before == [{"jsonrpc": "2.0", "id": 7, "error": error}]


async def test_a_part_keeps_nothing_that_could_be_taken_up_again() -> None:
    """Journals that are never finished are never forgotten."""
    journal = Journals(lambda: "j").begin("session")
    await Part(Heard(), 1).keep(journal, prime=True)
    assert journal.done

"""Looks that belong to no call of their own are in the ledger, and `_meta` stands where clients read it."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from ostiary.core.screening import Block, Fence, Note, Pass, Payload, Verdict
from tests.pipeline.stage import Stage, call, post
from tests.pipeline.streams import until

Json = dict[str, Any]


def watching(look: Any) -> Stage:
    stage = Stage(guards=(look,))
    stage.alter(lambda target: msgspec.structs.replace(target, guards_out=()))
    return stage


def listened(stage: Stage) -> Any:
    async def go() -> None:
        asked = {"resourceSubscriptions": ["note://1"]}
        heard = asyncio.ensure_future(stage.serve(post("subscriptions/listen", notifications=asked)))
        await until(lambda: len(stage.followers) == 1)
        for _ in range(8):
            await asyncio.sleep(0)
        heard.cancel()
        await asyncio.gather(heard, return_exceptions=True)

    asyncio.run(go())
    return stage.audit.ended[-1]


def test_what_guards_say_of_a_uri_that_is_watched_is_in_the_ledger() -> None:
    stage = watching(lambda payload: Note(f"read {payload.texts[-1].value}"))
    trail = listened(stage)
    assert [(each.guard, each.verdict) for each in trail.looked] == [("guard-0", "note")]
    assert trail.findings == ["guard-0: read note://1"]
    assert stage.watched == []


def test_a_uri_that_a_guard_stops_is_watched_nowhere_and_told() -> None:
    stage = watching(lambda payload: Block("not this one"))
    trail = listened(stage)
    assert trail.findings == ["guard-0: not this one"]


def marked(answer: Json) -> Json:
    def look(payload: Payload) -> Verdict:
        return Fence("marked", {}, {"io.ostiary/fence": 1}) if payload.side == "answer" else Pass()

    stage = Stage({"result": answer}, guards=(look,))
    payload = stage.play(call("files__read", path="x")).payload
    assert payload is not None
    return dict(payload["result"])


def test_a_result_that_has_a_member_called_result_is_marked_itself() -> None:
    """Ours: a server could otherwise have the mark put where no client looks for it."""
    found = marked({"content": [], "result": {"x": 1}, "resultType": "complete"})
    assert found["_meta"]["io.ostiary/fence"] == 1
    assert "_meta" not in found["result"]


def test_what_a_task_came_to_is_marked_where_it_stands() -> None:
    from ostiary.pipeline import screening  # noqa: PLC0415 - the one function that knows the shapes

    task = {"taskId": "t", "status": "completed", "result": {"content": []}}
    for payload in (task, {"result": task}):
        told = screening._told_of(payload, {"x": 1})
        inner = told["result"]["result"] if "taskId" not in told else told["result"]
        assert inner == {"content": [], "_meta": {"x": 1}}
    assert screening._told_of({"error": {"code": 1}}, {"x": 1}) == {"error": {"code": 1}}

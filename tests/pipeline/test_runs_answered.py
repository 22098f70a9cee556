"""What happens in the middle of a call, after it, and beside it counts for its run as well."""

from __future__ import annotations

import asyncio
import json

import msgspec

from ostiary.core.model import MODERN, Inbound, Json, Kind, Order
from ostiary.core.ports import Back
from ostiary.core.rules import Tracking
from ostiary.pipeline.serve import serve
from ostiary.protocol.modern import CAPABILITIES, VERSION
from tests.pipeline.stage import Heard, handshake, post, whole
from tests.pipeline.streams import modern, session_of
from tests.pipeline.test_runs import FETCH, READ, SEND, body, passed, staged
from tests.pipeline.test_tasks_heard import TASK, Desk


def test_an_answer_to_a_question_does_not_go_to_a_call_that_may_not_go_on() -> None:
    """Handshake era: while a webhook asks, another call of the run reads; what the client answers would be sent out."""
    stage = staged()
    heard: list[Json] = []

    async def story() -> None:
        session = await session_of(stage)

        async def carry(order: Order, back: Back) -> Json:
            if order.target.server != "crm":
                return {"result": {"content": []}}
            for name in ("read", "drop"):
                arguments = {"name": f"files__{name}", "arguments": {"path": "/a"}}
                await serve(handshake("tools/call", session, 5, **arguments), Heard(), stage.world)
            heard.append(await back.ask("elicitation/create", {"message": "?", "requestedSchema": {}}))
            return {"result": {"content": []}}

        stage.carry = carry
        reply = Heard()
        await serve(handshake("tools/call", session, 4, name="crm__push", arguments={}), reply, stage.world)
        said = reply.answers[0].payload
        assert said is not None
        assert "the rule trifecta denies it in this run" in json.dumps(said)

    asyncio.run(story())
    assert heard == []
    assert stage.audit.ended[-1].outcome == "forbidden"


def test_a_notification_passes_and_an_answer_goes_on_while_the_rules_allow_it() -> None:
    stage = staged()
    heard: list[Json] = []

    async def carry(_order: Order, back: Back) -> Json:
        await back.notify("notifications/progress", {"progressToken": 1, "progress": 1})
        heard.append(await back.ask("elicitation/create", {}))
        return {"result": {"content": [], "resultType": "complete"}}

    stage.carry = carry
    assert "result" in body(stage.play(SEND))
    assert "error" in heard[0], "a modern client is not asked by requests"


def test_a_retry_and_a_task_are_of_the_run_and_decided_anew() -> None:
    stage = staged()
    task = {"taskId": "t1", "status": "working", "createdAt": "c", "lastUpdatedAt": "u", "ttlMs": 1000}
    stage.answer = {"result": {**task, "resultType": "task"}}
    capabilities: Json = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
    ident = body(stage.play(_capable(SEND, capabilities)))["result"]["taskId"]
    stage.answer = {"result": {**task, "resultType": "complete"}}
    about = post("tasks/update", taskId=ident, inputResponses={})
    about = msgspec.structs.replace(about, headers={**about.headers, "mcp-name": ident})
    assert passed(stage, _capable(about, capabilities))
    for message in (READ, FETCH):
        stage.answer = {"result": {"content": [], "resultType": "complete"}}
        stage.play(message)
    assert not passed(stage, _capable(about, capabilities)), "what a task is told leaves as well"


def _capable(message: Inbound, capabilities: Json) -> Inbound:
    written = json.loads(asyncio.run(message.body()))  # type: ignore[arg-type]
    written["params"]["_meta"] = {VERSION: MODERN, CAPABILITIES: capabilities}
    return msgspec.structs.replace(message, body=whole(json.dumps(written).encode()))


def test_who_hears_of_a_task_has_met_what_it_tells() -> None:
    desk = Desk()
    stage = desk.stage
    tracking = Tracking("caller", 60.0, frozenset({"private", "guard:g"}))
    stage.snapshot = msgspec.structs.replace(stage.snapshot, tracking=tracking)
    private = frozenset({"private"})
    surface = stage.snapshot.surfaces["/mcp", "tasks"]
    target = msgspec.structs.replace(surface.targets[Kind.TOOL, "files__read"], taints=private)
    changed = msgspec.structs.replace(surface, targets={**surface.targets, (Kind.TOOL, "files__read"): target})
    surfaces = {**stage.snapshot.surfaces, ("/mcp", "tasks"): changed}
    stage.snapshot = msgspec.structs.replace(stage.snapshot, surfaces=surfaces)

    async def story() -> None:
        ident = desk.sealed()
        async with desk.following(ident) as news:
            news.begin()
            back = await desk.server(str(TASK["taskId"]))
            assert len(stage.world.runs) == 0
            await back.notify("notifications/tasks", {**TASK, "status": "working"})

    asyncio.run(story())
    assert len(stage.world.runs) == 1


def test_what_a_run_may_not_read_any_more_is_not_watched_either() -> None:
    """A URI that is watched is told to its server: it could carry something out."""
    stage = staged(rules='- {name: quiet, deny: ["files:*"], after: [untrusted]}')

    async def watched() -> Json:
        async with modern(stage, resourceSubscriptions=["note://1"]) as here:
            (acknowledged,) = await here.until_heard(1)
            return dict(acknowledged["params"]["notifications"])

    assert asyncio.run(watched()) == {"resourceSubscriptions": ["note://1"]}
    stage.play(FETCH)
    assert asyncio.run(watched()) == {}

"""Who subscribes to a task hears what becomes of it, under an id of ours, as long as they may."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.core.errors import BadParams, Limited, Lost, MissingCapability
from ostiary.core.model import MODERN, Call, Caller, Charge, Client, Era, Json, Kind, Order, Surface
from ostiary.core.ports import Back, Settle
from ostiary.core.screening import Block, Payload, Redact, Screen, Verdict
from ostiary.core.trail import Trail
from ostiary.integrity import results
from ostiary.pipeline import tasks
from ostiary.protocol.modern import SUBSCRIPTION
from tests.pipeline.stage import Heard, Stage, known, looking
from tests.pipeline.stage import call as inbound

pytestmark = pytest.mark.requirement("MCP-43")

RAW = "raw-task-1"
TASK = {"taskId": RAW, "status": "working", "createdAt": "c", "lastUpdatedAt": "u", "ttlMs": 1000}
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"


class Desk:
    """A stage with one subscriber, and a server that a test speaks for."""

    def __init__(self, offer: str = "tasks", subject: str = "ana", role: str = "dev") -> None:
        self.stage, self.reply = Stage(), Heard()
        client = Client(Era.MODERN, MODERN, {}, offer, {})
        surface = self.stage.snapshot.surfaces["/mcp", ""]
        surfaces = {**self.stage.snapshot.surfaces, ("/mcp", offer): surface}
        self.stage.snapshot = msgspec.structs.replace(self.stage.snapshot, surfaces=surfaces)
        self.surface: Surface = surface
        target = surface.targets[Kind.GATEWAY, "subscriptions/listen"]
        call = Call(7, "subscriptions/listen", None, {"notifications": {}}, client)
        self.order = Order(call, target, known(subject, role), 0.0, "ref", "/mcp")
        self.backs: asyncio.Queue[Back] = asyncio.Queue()
        self.ends: asyncio.Queue[Json | Exception] = asyncio.Queue()
        self.state: Json = {"result": {**TASK, "resultType": "complete"}}
        self.stage.carry = self._carry
        self.standing = True
        self.stage.world = msgspec.structs.replace(self.stage.world, standing=self._standing)

    async def _standing(self, _caller: Caller) -> bool:
        return self.standing

    async def _carry(self, order: Order, back: Back) -> Json:
        if order.call.method == "tasks/get":
            return self.state
        self.backs.put_nowait(back)
        end = await self.ends.get()
        if isinstance(end, Exception):
            raise end
        return end

    def sealed(self, subject: str = "ana", raw: str = RAW) -> str:
        """Return the id that a task of somebody's call got."""
        target = self.surface.targets[Kind.TOOL, "files__read"]
        call = msgspec.structs.replace(self.order.call, method="tools/call")
        order = msgspec.structs.replace(self.order, call=call, target=target, caller=known(subject, "dev"))
        answer = {"result": {**TASK, "taskId": raw, "resultType": "task"}}
        return str(
            tasks.shown(order, answer, self.stage.world, Trail(inbound("files__read"), "ref", 1, 0.0, 0.0))["result"][
                "taskId"
            ]
        )

    def watched(self, asked: Any) -> dict[str, Any]:
        """Return the tasks of these that the subscriber may hear of."""
        return tasks.watched(asked, self.order, self.surface, self.stage.world)

    def following(self, *idents: str) -> Any:
        """Follow these tasks."""
        return tasks.following(self.watched(list(idents)), self.order, self.reply, self.stage.world)

    async def server(self, *agreed: str) -> Back:
        """Return the way back that a server has, once it was asked; it agrees to tell of these tasks."""
        async with asyncio.timeout(10):
            back = await self.backs.get()
        await back.notify(ACKNOWLEDGED, {"notifications": {"taskIds": list(agreed)}})
        return back

    def heard(self) -> list[Json]:
        """Return the parameters of what the subscriber was told."""
        assert all(each["method"] == "notifications/tasks" for each in self.reply.before)
        return [dict(each["params"]) for each in self.reply.before]


# Which tasks


def test_a_subscriber_hears_of_own_tasks_only() -> None:
    desk = Desk()
    mine, foreign = desk.sealed(), desk.sealed("bob", "raw-task-2")
    watching = desk.watched([mine, foreign, "never"])
    assert {ident: (target.server, target.task) for ident, target in watching.items()} == {mine: ("files", RAW)}


def test_whoever_may_not_use_the_tool_hears_nothing_of_its_tasks() -> None:
    desk = Desk(subject="eve", role="guest")
    assert desk.watched([desk.sealed("eve")]) == {}


def test_only_a_client_of_tasks_subscribes_to_them() -> None:
    assert Desk("").watched(None) == {}
    with pytest.raises(MissingCapability):
        Desk("form,tools").watched([])
    for nonsense in ("x", [1], ["x"] * 257, {"x": 1}):
        with pytest.raises(BadParams):
            Desk().watched(nonsense)


@pytest.mark.parametrize(
    ("server", "change"),
    [
        ("crm", {}), ("files", {"taskId": "raw-task-2"}), ("files", {"taskId": None}), ("files", {"status": 1}),
        ("files", {"inputRequests": {"q": {"method": "elicitation/create", "params": {}}}}),
    ],
)  # fmt: skip
def test_what_a_subscriber_may_not_be_told_is_told_to_nobody(server: str, change: Json) -> None:
    desk = Desk()
    watching = desk.watched([desk.sealed()])
    assert tasks.ours(watching, server, desk.order.call.client, {**TASK, **change}) == []


# What becomes of them

OUTPUT = {"outputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}


@pytest.mark.parametrize(
    ("how", "structured", "told"),
    [
        ("block", {"n": 1, "more": "x"}, {"n": 1, "more": "x"}), ("block", {"n": "secret"}, None), ("block", None, None),
        ("strip", {"n": 1, "more": "x"}, {"n": 1}), ("strip", {"more": "x"}, None), ("note", {"n": "x"}, {"n": "x"}),
    ],
)  # fmt: skip
def test_a_result_that_is_told_is_held_against_the_output_schema_as_one_that_is_asked_for(
    how: str, structured: Any, told: Any
) -> None:
    desk = Desk()
    fitted = results.held(OUTPUT, how)
    watching = {
        ident: msgspec.structs.replace(target, results=fitted)
        for ident, target in desk.watched([desk.sealed()]).items()
    }
    whole = {"content": []} if structured is None else {"content": [], "structuredContent": structured}
    (said,) = tasks.ours(
        watching,
        "files",
        desk.order.call.client,
        {**TASK, "status": "completed", "result": {**whole, "isError": False}},
    )
    if told is not None:
        assert (said["status"], said["result"]["structuredContent"]) == ("completed", told)
        return
    assert (said["status"], said["error"]["code"]) == ("failed", -31023)
    assert "does not fit the output schema" in said["error"]["message"]
    assert "result" not in said
    assert "secret" not in str(said)


def test_what_a_server_says_of_a_task_is_told_after_the_acknowledgement_and_under_our_id() -> None:
    async def story() -> None:
        desk = Desk()
        ident = desk.sealed()
        speaking = asyncio.create_task(desk.server(RAW))
        async with desk.following(ident) as news:
            assert news.agreed == [ident]
            (order,) = desk.stage.sent
            assert (order.target.server, order.call.params) == ("files", {"notifications": {"taskIds": [RAW]}})
            back = await speaking
            told = asyncio.create_task(back.notify("notifications/tasks", {**TASK, "_meta": {SUBSCRIPTION: 99}}))
            await asyncio.sleep(0)
            assert desk.heard() == []
            news.begin()
            await told
        assert desk.heard() == [{**TASK, "taskId": ident, "_meta": {SUBSCRIPTION: 7}}]
        assert desk.stage.released == 1

    asyncio.run(story())


def heard_past(look: Callable[[Payload], Verdict], said: Json) -> tuple[str, Json]:
    """Return our id of a task, and what a subscriber heard of it past a guard."""

    async def story() -> tuple[str, Json]:
        desk = Desk()
        screens = (Screen("words", looking(look)),)
        desk.stage.alter(lambda target: msgspec.structs.replace(target, guards_out=screens))
        desk.surface = desk.stage.snapshot.surfaces["/mcp", ""]
        ident = desk.sealed()
        speaking = asyncio.create_task(desk.server(RAW))
        async with desk.following(ident) as news:
            back = await speaking
            news.begin()
            await back.notify("notifications/tasks", {**TASK, **said})
        (heard,) = desk.heard()
        return ident, heard

    return asyncio.run(story())


DONE = {"status": "completed", "result": {"content": [{"type": "text", "text": "a secret"}]}}


def test_what_a_server_says_of_a_task_unasked_is_read_by_the_guards() -> None:
    def masking(payload: Payload) -> Verdict:
        assert RAW not in str(payload)
        return Redact("secrets", {text.path: "[masked]" for text in payload.texts if text.value == "a secret"})

    ident, heard = heard_past(masking, DONE)
    assert heard["result"]["content"][0]["text"] == "[masked]"
    assert heard["taskId"] == ident


def test_what_a_guard_stops_is_a_task_that_failed() -> None:
    ident, heard = heard_past(lambda _: Block("secrets"), DONE)
    assert (heard["taskId"], heard["status"], heard["error"]["code"]) == (ident, "failed", -31006)
    assert "a secret" not in str(heard)


def test_a_server_tells_of_tasks_and_of_nothing_else() -> None:
    async def story() -> None:
        desk = Desk()
        speaking = asyncio.create_task(desk.server(RAW))
        async with desk.following(desk.sealed()) as news:
            news.begin()
            back = await speaking
            await back.notify("notifications/message", {"level": "info", "data": RAW})
            await back.notify("notifications/tasks", {**TASK, "taskId": "raw-task-2"})
            assert "error" in await back.ask("elicitation/create", {})
        assert desk.heard() == []

    asyncio.run(story())


@pytest.mark.parametrize("change", ["rule", "credential"])
def test_whoever_may_not_hear_any_more_does_not(change: str) -> None:
    async def story() -> None:
        desk = Desk()
        speaking = asyncio.create_task(desk.server(RAW))
        async with desk.following(desk.sealed()) as news:
            news.begin()
            back = await speaking
            if change == "rule":
                surfaces = {
                    key: msgspec.structs.replace(each, targets={}) for key, each in desk.stage.snapshot.surfaces.items()
                }
                desk.stage.snapshot = msgspec.structs.replace(desk.stage.snapshot, surfaces=surfaces)
            desk.standing = change == "rule"
            await back.notify("notifications/tasks", TASK)
        assert desk.heard() == []

    asyncio.run(story())


@pytest.mark.parametrize("end", [{"result": {}}, {"error": {"code": -32601, "message": "no"}}, Lost("gone")])
def test_a_server_that_tells_nothing_is_not_promised(end: Json | Exception) -> None:
    async def story() -> None:
        desk = Desk()
        desk.ends.put_nowait(end)
        async with desk.following(desk.sealed()) as news:
            assert news.agreed == []

    asyncio.run(story())


@pytest.mark.parametrize(
    "said", [{}, {"notifications": []}, {"notifications": {"taskIds": RAW}}, {"notifications": {"taskIds": [1]}}]
)
def test_a_server_agrees_to_what_it_names(said: Json) -> None:
    async def story() -> None:
        desk = Desk()

        async def agree() -> None:
            await (await desk.backs.get()).notify(ACKNOWLEDGED, said)

        agreeing = asyncio.create_task(agree())
        async with desk.following(desk.sealed()) as news:
            assert news.agreed == []
        await agreeing

    asyncio.run(story())


def test_what_happened_while_a_server_was_away_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_FIRST_PAUSE", 0.0)

    async def story() -> None:
        desk = Desk()
        ident = desk.sealed()
        speaking = asyncio.create_task(desk.server(RAW))
        async with desk.following(ident) as news:
            news.begin()
            await speaking
            desk.state = {"result": {**TASK, "status": "completed", "result": {}, "resultType": "complete"}}
            desk.ends.put_nowait(Lost("gone"))
            await desk.server(RAW)
        (said,) = desk.heard()
        assert (said["taskId"], said["status"], "resultType" in said) == (ident, "completed", False)

    asyncio.run(story())


def test_who_listens_to_too_much_is_not_promised_more() -> None:
    async def story() -> None:
        desk = Desk()

        async def exhausted(charges: tuple[Charge, ...], _caller: Caller) -> Settle:
            assert charges == tasks.LISTENING
            raise Limited("tasks-heard")

        desk.stage.world = msgspec.structs.replace(desk.stage.world, spend=exhausted)
        async with desk.following(desk.sealed()) as news:
            assert news.agreed == []
        assert not desk.stage.sent

    asyncio.run(story())


def test_who_watches_nothing_costs_nothing() -> None:
    async def story() -> None:
        desk = Desk()
        async with desk.following("never") as news:
            news.begin()
            assert news.agreed == []
        assert desk.stage.paid == []

    asyncio.run(story())

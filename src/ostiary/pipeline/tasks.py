"""Tasks on the way through: from the client's id to the tool it stands for, and from the server's answers back.

A task belongs to the tool whose call it was. So a request about it has the tool's target, and is decided anew by what
the caller may do with that tool now: where a rule went, the task is unknown.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import msgspec
import structlog

from ostiary.core.errors import BadParams, GatewayError, Limited, NotFound
from ostiary.core.model import Call, Caller, Charge, Client, Json, Kind, Order, Surface, Target
from ostiary.core.ports import Reply
from ostiary.core.rules import Ask, Run
from ostiary.core.trail import Trail
from ostiary.pipeline import runs, screening
from ostiary.pipeline.holding import granted, settled
from ostiary.pipeline.world import World
from ostiary.policy.decide import at_once, decide
from ostiary.protocol import questions, tasks
from ostiary.protocol.jsonrpc import notification
from ostiary.protocol.modern import SUBSCRIPTION

log: Final = structlog.get_logger(__name__)

PURPOSE: Final = "task"
POLLING: Final = Charge("tasks", "caller", 50.0, 100.0, 0)
"""A limit on a tool counts its calls; whoever waits for the end of one pays into a purse of its own."""
LISTENING: Final = (Charge("tasks-heard", "caller", 0.0, 0.0, 8), Charge("tasks-heard-by-all", "all", 0.0, 0.0, 256))
"""Each takes a connection to each server whose tasks it hears of, for as long as the client likes."""
_BAD_PARAMS: Final = -32602
_MOST_TASKS: Final = 256
_PATIENCE: Final = 10.0
"""Seconds that servers have to agree; what they agree to later is told all the same."""
_FIRST_PAUSE: Final = 0.5
_LAST_PAUSE: Final = 60.0


def addressed(call: Call, caller: Caller, surface: Surface, world: World) -> Target | None:
    """Return the tool whose task a `tasks/*` request names; None where there is none, or it is none of the caller's."""
    tasks.demand(call.client)
    return _found(call.name or "", caller, surface, world)


def _found(ident: str, caller: Caller, surface: Surface, world: World) -> Target | None:
    try:
        handle = tasks.held(world.seal.open(PURPOSE, ident), caller, surface.endpoint)
    except ValueError:
        return None
    target = surface.targets.get((Kind.TOOL, handle.exposed)) if handle is not None else None
    if handle is None or target is None or target.label != handle.label:
        return None
    target = settled(target, handle.approved)
    allows = tuple(msgspec.structs.replace(rule, charges=()) for rule in target.allows)
    return msgspec.structs.replace(
        target,
        task=handle.task,
        allows=allows,
        charges=(POLLING,),
        check=None,
        mirrored=(),
        drops=None,
        price=None,
    )


def shown(order: Order, raw: Json, world: World, trail: Trail) -> Json:
    """Return a server's checked answer with our id wherever it names a task by its own; note a task that it began.

    The id says which rules have the approval of the call that it was; whoever goes on with it needs no other.
    `Garbled` where the answer is a task and the client did not declare that it can be.
    """
    result, call = raw.get("result"), order.call
    if order.target.task:
        return _about(order, raw)
    if result is None or not tasks.is_handle(result):
        return raw
    theirs, approved = tasks.begun(call, result), granted(trail.decision)
    caller, target = order.caller, order.target
    handle = tasks.Handle(caller.subject, caller.issuer, order.endpoint, target.exposed, target.label, theirs, approved)
    ours, trail.task = world.seal.close(PURPOSE, tasks.pack(handle)), theirs
    return {"result": tasks.created(result, theirs, ours)}


def _about(order: Order, raw: Json) -> Json:
    call, theirs = order.call, order.target.task
    ours = call.name or ""
    if "error" in raw:
        if raw["error"]["code"] == _BAD_PARAMS and call.method != "tasks/update":
            # The server forgot the task, or says so: the same answer as for one that never was.
            raise NotFound(hint=ours[:128])
        return {"error": tasks.failed(raw["error"], theirs, ours)}
    if call.method != "tasks/get":
        return {"result": tasks.acknowledged(raw["result"], theirs, ours)}
    # Examples of the extension have `task` here, and its text has `complete`, which is what its own suite checks.
    return {"result": {**tasks.stated(call.client, raw["result"], theirs, ours), "resultType": "complete"}}


# For those who subscribe to what is said about tasks (`subscriptions/listen` with `taskIds`)


def watched(asked: Any, order: Order, surface: Surface, world: World) -> dict[str, Target]:
    """Return the tasks that this caller may hear of, by the client's id; the others are left out, as if unknown.

    Each target names its server (`server`) and the server's id (`task`), which is what to ask that server for.
    """
    if asked is None:
        return {}
    tasks.demand(order.call.client)
    if not isinstance(asked, list) or len(asked) > _MOST_TASKS or not all(isinstance(each, str) for each in asked):
        raise BadParams(hint=f"taskIds is a list of at most {_MOST_TASKS} task ids")
    found, ask = {}, aware(order, world)
    for ident in asked:
        target = _found(ident, order.caller, surface, world)
        if target is not None and at_once(decide(order.caller, target, ask)):
            found[ident] = target
    return found


def aware(order: Order, world: World) -> Ask | None:
    """Return what rules may look at where somebody listens: by now their run may have met more."""
    run = _run(order, world)
    return order.ask if order.ask is None or run is None else msgspec.structs.replace(order.ask, run=run.met)


def _run(order: Order, world: World) -> Run | None:
    """Return the agent run of those who listen, with what it has met; None where no rule asks."""
    tracking = world.current().tracking
    if tracking is None:
        return None
    return world.runs.known(runs.run(order.call, order.caller, tracking), world.clock())


def ours(watching: Mapping[str, Target], server: str, client: Client, params: Json) -> list[dict[str, Any]]:
    """Return what one `notifications/tasks` of a server becomes: usually one notification's parameters, or none.

    Where a client watches a task under two ids, it hears of it under both. What a client may not be told
    (a task that is not watched, a question that it cannot answer) is told to nobody; a task whose result may not be
    handed on has failed.
    """
    said = []
    for ident, target in watching.items():
        if target.server == server and target.task == params.get("taskId"):
            try:
                said.append(_fitting(target, tasks.stated(client, params, target.task, ident)))
            except GatewayError:
                continue
    return said


def _fitting(target: Target, said: dict[str, Any]) -> dict[str, Any]:
    """Return what is said of a task, its result held against the tool's output schema as where it is asked for."""
    result = said.get("result")
    if target.results is None or not isinstance(result, dict):
        return said
    try:
        fit, finding = target.results(result)
    except GatewayError as error:
        log.warning("a task's result is not told", target=target.label, reason=error.detail)
        left = {key: value for key, value in said.items() if key != "result"}
        return {**left, "status": "failed", "error": {"code": error.jsonrpc, "message": error.message}}
    if finding:
        log.warning("a task's result", target=target.label, reason=finding)
    return {**said, "result": fit}


@asynccontextmanager
async def following(watching: Mapping[str, Target], order: Order, reply: Reply, world: World) -> AsyncIterator[News]:
    """Have the servers say what becomes of these tasks while the context lasts."""
    news = News(watching, order, reply, world)
    if not watching:
        yield news
        return
    try:
        settle = await world.spend(LISTENING, order.caller)
    except Limited:
        # Not honoured, and the acknowledgement says so: the client can still ask.
        yield news
        return
    try:
        async with asyncio.TaskGroup() as group:
            lines = [group.create_task(news.follow(name)) for name in {target.server for target in watching.values()}]
            await news.answered(len(lines))
            yield news
            for line in lines:
                line.cancel()
    finally:
        settle(None)


class News:
    """What servers say about the tasks that one stream is subscribed to."""

    def __init__(self, watching: Mapping[str, Target], order: Order, reply: Reply, world: World) -> None:
        self._watching, self._order, self._reply, self._world = watching, order, reply, world
        self._agreed: dict[str, frozenset[str]] = {}
        self._asked = asyncio.Semaphore(0)
        self._acknowledged = asyncio.Event()

    @property
    def agreed(self) -> list[str]:
        """The client's ids of the tasks of which their servers agreed to tell."""
        return [
            ident
            for ident, target in self._watching.items()
            if target.task in self._agreed.get(target.server, frozenset())
        ]

    def begin(self) -> None:
        """Tell from now on: the stream's first message is its acknowledgement, and has been sent."""
        self._acknowledged.set()

    async def answered(self, servers: int) -> None:
        """Return when so many servers have agreed or refused, or had the time to."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                for _ in range(servers):
                    await self._asked.acquire()

    async def follow(self, server: str) -> None:
        """Stay subscribed at one server; what happened between two subscriptions is asked for."""
        pause, line = _FIRST_PAUSE, _Line(self, server)
        while True:
            begun = self._world.clock()
            with suppress(GatewayError):
                await self._world.send(self._listen(server), line)
            if server not in self._agreed:
                self._asked.release()
                return
            pause = _FIRST_PAUSE if self._world.clock() - begun > _LAST_PAUSE else pause
            await asyncio.sleep(pause)
            pause = min(_LAST_PAUSE, pause * 2)

    def _listen(self, server: str) -> Order:
        names = sorted({target.task for target in self._watching.values() if target.server == server})
        order, params = self._order, {"notifications": {"taskIds": names}}
        made = msgspec.structs.replace(order.call, params=params, progress=None, level=None)
        target = msgspec.structs.replace(order.target, server=server)
        return msgspec.structs.replace(order, call=made, target=target, deadline=math.inf)

    async def acknowledged(self, server: str, params: Json) -> None:
        """Take a server's word for which tasks it will tell of."""
        again, filters = server in self._agreed, params.get("notifications")
        names = filters.get("taskIds") if isinstance(filters, dict) else None
        listed = [each for each in names if isinstance(each, str)] if isinstance(names, list) else []
        self._agreed[server] = self._agreed.get(server, frozenset()) | frozenset(listed)
        if again:
            await self._catch_up(server)
        else:
            self._asked.release()

    async def _catch_up(self, server: str) -> None:
        for ident, target in self._watching.items():
            if target.server == server and target.task in self._agreed[server]:
                made = Call(None, "tasks/get", ident, {}, self._order.call.client)
                deadline = self._world.clock() + target.timeout
                order = msgspec.structs.replace(self._order, call=made, target=target, deadline=deadline)
                with suppress(GatewayError):
                    result = (await self._world.send(order, _Line(self, server))).get("result")
                    if isinstance(result, dict):
                        await self.tell(server, {key: value for key, value in result.items() if key != "resultType"})

    async def tell(self, server: str, params: Json) -> None:
        """Tell the client what a server said about a task, if it may still hear of it."""
        await self._acknowledged.wait()
        order, world = self._order, self._world
        surface = world.current().surfaces.get((order.endpoint, order.call.client.offer))
        if surface is None or not await world.standing(order.caller):
            return
        # A rule may have gone, and with it the tool: then its tasks are unknown, here as elsewhere.
        present, run = watched(self.agreed, order, surface, world), _run(order, world)
        for each in ours(present, server, order.call.client, params):
            target = present[each["taskId"]]
            if run is not None:
                # What a task tells is met by whoever hears it, not only by the run that began it.
                world.runs.meet(run, target.taints, world.clock())
            said = await self._guarded(each, target, run)
            meta = {**(said.get("_meta") or {}), SUBSCRIPTION: order.call.id}
            await self._reply.put(notification(tasks.NOTIFICATION, {**said, "_meta": meta}))

    async def _guarded(self, said: dict[str, Any], target: Target, run: Run | None) -> Json:
        """Return what is said of a task as the guards leave it: what comes unasked is read like any answer."""
        if not target.guards_out:
            return said
        call = msgspec.structs.replace(self._order.call, method=tasks.NOTIFICATION)
        order = msgspec.structs.replace(self._order, call=call, target=target)
        try:
            left, looks = await screening.pushed(said, order, self._world, run)
        except GatewayError as error:
            log.warning("what a server says of a task is not told", target=target.label, reason=error.detail)
            failure = {"code": error.jsonrpc, "message": error.message}
            return {"taskId": said["taskId"], "status": "failed", "error": failure}
        if looks.findings:
            log.warning("what a server says of a task", target=target.label, reason="; ".join(looks.findings)[:500])
        return left


class _Line:
    """The way back from one server: its acknowledgement and its news of tasks, and nothing else (`Back`)."""

    def __init__(self, news: News, server: str) -> None:
        self._news, self._server = news, server

    async def notify(self, method: str, params: Json) -> None:
        if method == "notifications/subscriptions/acknowledged":
            await self._news.acknowledged(self._server, params)
        elif method == tasks.NOTIFICATION:
            await self._news.tell(self._server, params)

    async def ask(self, method: str, params: Json) -> Json:  # noqa: ARG002 - the port's shape
        return questions.refusal("a subscription answers no requests")

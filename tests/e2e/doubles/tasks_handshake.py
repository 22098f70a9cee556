"""A server of 2025-11-25 with tools that run as its tasks only (`execution.taskSupport: required`)."""

import asyncio
import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.doubles.tasks import WHEN, elicitation, text
from tests.e2e.doubles.upstream import PATIENCE, Exchange, Json, tool

VERSION = "2025-11-25"
RELATED = "io.modelcontextprotocol/related-task"
REQUIRED = {"execution": {"taskSupport": "required"}}
TOOLS = (
    {**tool("long", key="string"), **REQUIRED},
    {**tool("failing"), **REQUIRED},
    {**tool("ask"), **REQUIRED},
    tool("quick"),
)


@dataclass
class Task:
    """One task."""

    ident: str
    status: str = "working"
    polls: int = 0
    answer: Json = field(default_factory=dict)

    def shown(self) -> Json:
        """Return what is said of it."""
        said = {"taskId": self.ident, "status": self.status, "createdAt": WHEN, "lastUpdatedAt": WHEN}
        return {**said, "ttl": 60_000, "pollInterval": 50}


class OldWorkshop:
    """The server: an ASGI application, and what a test wants to know of it."""

    def __init__(self, *, announced: bool = True) -> None:
        self.announced = announced
        """Say at the handshake that calls of tools may become tasks."""
        self.url = ""
        self.asked: list[tuple[str, Json]] = []
        self.tasks: dict[str, Task] = {}
        self.opened: list[Json] = []
        """The client capabilities of each session."""
        self._released: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._answers: dict[Any, asyncio.Future[Json]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._count = itertools.count(1)
        self._changed = asyncio.Condition()

    # What a test does.

    def release(self, key: str) -> None:
        """Let the task with this key end."""
        self._released[key].set()

    def count(self, method: str) -> int:
        """Return how often a method was asked."""
        return sum(asked == method for asked, _ in self.asked)

    async def until_asked(self, method: str, times: int = 1) -> None:
        """Return once a method was asked so many times."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self.count(method) >= times)

    async def until_status(self, status: str) -> Task:
        """Return a task once it has come to a status."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: any(each.status == status for each in self.tasks.values()))
        return next(each for each in self.tasks.values() if each.status == status)

    # The application.

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request (ASGI 3.0)."""
        exchange = Exchange(receive, send)
        if scope["method"] != "POST":
            await exchange.bare(405)
            return
        message = await exchange.message()
        ident, method, params = message.get("id"), message.get("method"), message.get("params", {})
        if method is None:
            self._answers[ident].set_result(message)
        if method is None or ident is None:
            await exchange.bare(202)
            return
        async with self._changed:
            self.asked.append((method, params))
            self._changed.notify_all()
        if method == "initialize":
            await exchange.result(ident, self._open(params), f"session-{next(self._count)}")
            return
        answer = await self._answer(method, params, exchange)
        if answer is None:
            await exchange.error(ident, -32601, 200)
            return
        await exchange.result(ident, answer)

    def _open(self, params: Json) -> Json:
        self.opened.append(params.get("capabilities", {}))
        tasks: Json = {"cancel": {}, "requests": {"tools": {"call": {}}}}
        capabilities = {"tools": {}, **({"tasks": tasks} if self.announced else {})}
        return {"protocolVersion": VERSION, "capabilities": capabilities, "serverInfo": {"name": "old", "version": "1"}}

    async def _answer(self, method: str, params: Json, exchange: Exchange) -> Json | None:
        match method:
            case "tools/list":
                return {"tools": [dict(each) for each in TOOLS]}
            case "tools/call":
                return await self._call(params)
            case "tasks/get":
                return self.tasks[params["taskId"]].shown()
            case "tasks/cancel":
                await self._become(self.tasks[params["taskId"]], "cancelled", {})
                return self.tasks[params["taskId"]].shown()
            case "tasks/result":
                return await self._result(self.tasks[params["taskId"]], exchange)
        return None

    async def _call(self, params: Json) -> Json | None:
        name, arguments = params["name"], params.get("arguments", {})
        if name == "quick":
            return text(f"quick {'with' if 'task' in params else 'without'} a task")
        if "task" not in params:
            return None
        task = Task(f"old-task-{next(self._count)}")
        self.tasks[task.ident] = task
        running = asyncio.create_task(self._run(task, name, arguments))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return {"task": task.shown()}

    async def _run(self, task: Task, name: str, arguments: Json) -> None:
        if name == "ask":
            await self._become(task, "input_required", {})
            return
        if name == "long":
            await self._released[arguments.get("key", "")].wait()
        failing: Json = {"isError": True} if name == "failing" else {}
        await self._become(task, "failed" if failing else "completed", {**text(f"{name} is done"), **failing})

    async def _become(self, task: Task, status: str, answer: Json) -> None:
        async with self._changed:
            if task.status != "cancelled":
                task.status, task.answer = status, answer
            self._changed.notify_all()

    async def _result(self, task: Task, exchange: Exchange) -> Json:
        related = {"_meta": {RELATED: {"taskId": task.ident}}}
        if task.status == "input_required":
            ident = f"question-{next(self._count)}"
            self._answers[ident] = asyncio.get_running_loop().create_future()
            asked = elicitation("Who?")
            await exchange.open()
            await exchange.put(
                {"jsonrpc": "2.0", "id": ident, **asked, "params": {**asked["params"], **related}},
            )
            answer = await self._answers[ident]
            name = answer.get("result", {}).get("content", {}).get("name", "nobody")
            await self._become(task, "completed", text(f"Hello, {name}!"))
        return {**task.answer, **related}

"""A server whose calls become tasks (`io.modelcontextprotocol/tasks`), with the tools that the official suite asks for.

It speaks 2026-07-28 only, runs in the test's own process, and holds its credential to be one user, as a server behind
a shared credential does: whoever knows a task's id may use it.
"""

import asyncio
import itertools
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.doubles.upstream import META, MODERN, PATIENCE, Exchange, Json, tool

TASKS = META + "tasks"
UI = META + "ui"
TERMINAL = frozenset({"completed", "failed", "cancelled"})
WHEN = "2026-07-28T10:00:00Z"
TOOLS = (
    {"name": "greet", "inputSchema": {"type": "object", "properties": {"name": {"type": "string"}}}},
    tool("slow_compute", seconds="number", label="string"),
    tool("hold", key="string"),
    tool("failing_job"),
    tool("protocol_error_job"),
    tool("confirm_delete", filename="string"),
    tool("multi_input"),
    tool("test_tool_with_task"),
)


@dataclass
class Task:
    """One task: what is known of it, what it waits for, and what it was told."""

    ident: str
    status: str = "working"
    about: Json = field(default_factory=dict)
    questions: Json = field(default_factory=dict)
    answers: Json = field(default_factory=dict)
    running: asyncio.Task[None] | None = None

    def shown(self) -> Json:
        """Return what `tasks/get` says."""
        said = {"taskId": self.ident, "status": self.status, "createdAt": WHEN, "lastUpdatedAt": WHEN}
        waiting = {"inputRequests": self.questions} if self.status == "input_required" else {}
        message = {"statusMessage": f"task {self.ident} is {self.status}"}
        return {**said, "ttlMs": 60_000, "pollIntervalMs": 50, **message, **waiting, **self.about}


class Workshop:
    """The server: an ASGI application, and what a test wants to know of it."""

    def __init__(self, extensions: Json | None = None) -> None:
        self.extensions = {TASKS: {}} if extensions is None else extensions
        self.url = ""
        self.asked: list[tuple[str, Json, str]] = []
        """Method, parameters and `Mcp-Name` of every request."""
        self.tasks: dict[str, Task] = {}
        self.shameless = False
        """Begin tasks for clients that did not declare them, too."""
        self.related = False
        """Say in the words of 2025-11-25, too, whose result it is, as a task's result must not (SEP-2663)."""
        self._released: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._listening: list[tuple[set[str], asyncio.Queue[Json]]] = []
        self._count = itertools.count(1)
        self._changed = asyncio.Condition()

    # What a test does.

    def release(self, key: str) -> None:
        """Let the held task with this key go on."""
        self._released[key].set()

    def declared(self, method: str) -> list[Json]:
        """Return the client capabilities that came with each request of a method."""
        return [params["_meta"][META + "clientCapabilities"] for asked, params, _ in self.asked if asked == method]

    async def until_status(self, ident: str, status: str) -> None:
        """Return once a task has come to a status."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self.tasks[ident].status == status)

    async def until_listened(self) -> None:
        """Return once somebody subscribed to tasks."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self._listening)

    # The application.

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request (ASGI 3.0)."""
        sent = {name.decode(): value.decode() for name, value in scope["headers"]}
        exchange = Exchange(receive, send)
        if scope["method"] != "POST":
            await exchange.bare(405)
            return
        message = await exchange.message()
        ident, method, params = message.get("id"), message["method"], message.get("params", {})
        if "id" not in message:
            await exchange.bare(202)
            return
        if sent.get("mcp-protocol-version") != MODERN or sent.get("mcp-method") != method:
            await exchange.error(ident, -32022 if sent.get("mcp-protocol-version") != MODERN else -32020, 400)
            return
        self.asked.append((method, params, sent.get("mcp-name", "")))
        if method == "subscriptions/listen":
            await self._listen(ident, params, exchange)
            return
        try:
            result = await self._answer(method, params, sent.get("mcp-name", ""))
        except Refused as refused:
            error = {"code": refused.code, "message": f"no: {refused}", **refused.more}
            await failed(send, {"jsonrpc": "2.0", "id": ident, "error": error}, refused.status)
            return
        await exchange.result(ident, {"resultType": "complete", **result})

    async def _answer(self, method: str, params: Json, name: str) -> Json:
        match method:
            case "server/discover":
                capabilities = {"tools": {}, "extensions": self.extensions}
                return {
                    "supportedVersions": [MODERN],
                    "capabilities": capabilities,
                    "ttlMs": 0,
                    "cacheScope": "private",
                }
            case "tools/list":
                return {"tools": [dict(each) for each in TOOLS], "ttlMs": 0, "cacheScope": "private"}
            case "tools/call":
                return await self._call(params)
            case "tasks/get" | "tasks/update" | "tasks/cancel":
                return await self._task(method, params, name)
        raise Refused("method not found", -32601, 404)

    async def _call(self, params: Json) -> Json:
        name, arguments = params["name"], params.get("arguments", {})
        if name == "greet":
            return text(f"Hello, {arguments.get('name')}!")
        if name == "test_tool_with_task" and "inputResponses" not in params:
            state = {"requestState": "round-1"}
            return {"resultType": "input_required", "inputRequests": {"user_name": elicitation("Who?")}, **state}
        if not capable(params) and not self.shameless:
            if name == "slow_compute":
                return text("computed")
            raise missing_tasks()
        task = Task(f"raw-task-{next(self._count)}")
        self.tasks[task.ident] = task
        task.running = asyncio.create_task(self._run(task, name, {**arguments, "_given": params.get("inputResponses")}))
        await asyncio.sleep(0)
        return {**Task(task.ident).shown(), "resultType": "task"}

    async def _run(self, task: Task, name: str, arguments: Json) -> None:
        result = text(f"{name} is done")
        match name:
            case "slow_compute":
                await asyncio.sleep(arguments.get("seconds", 0))
            case "hold":
                await self._released[arguments.get("key", "")].wait()
            case "failing_job":
                result = {**text("it went wrong"), "isError": True}
            case "protocol_error_job":
                error = {"code": -32603, "message": f"{task.ident} panicked"}
                await self._become(task, "failed", statusMessage="panicked", error=error)
                return
            case "confirm_delete" | "multi_input":
                result = await self._asking(task, ["confirm"] if name == "confirm_delete" else ["one", "two"])
            case "test_tool_with_task":
                result = text(f"Hello, {arguments['_given']['user_name']['content']['name']}!")
        related = {"_meta": {META + "related-task": {"taskId": task.ident}}} if self.related else {}
        await self._become(task, "completed", result={**result, **related})

    async def _asking(self, task: Task, keys: list[str]) -> Json:
        task.questions = {key: elicitation(f"{key}?") for key in keys}
        await self._become(task, "input_required")
        async with self._changed:
            await self._changed.wait_for(lambda: not task.questions)
        return text(", ".join(f"{key}: {task.answers[key]['action']}" for key in keys))

    async def _become(self, task: Task, status: str, **about: Any) -> None:
        async with self._changed:
            task.status, task.about = status, about
            self._changed.notify_all()
        for wanted, queue in self._listening:
            if task.ident in wanted:
                queue.put_nowait(task.shown())

    async def _task(self, method: str, params: Json, name: str) -> Json:
        if not capable(params):
            raise missing_tasks()
        if name != params.get("taskId"):
            raise Refused("Mcp-Name is not the task's id", -32020, 400)
        task = self.tasks.get(name)
        if task is None:
            raise Refused(f"there is no task {name}", -32602, 400)
        if method == "tasks/get":
            return task.shown()
        if method == "tasks/update":
            given = {key: value for key, value in params["inputResponses"].items() if key in task.questions}
            async with self._changed:
                task.answers |= given
                task.questions = {key: each for key, each in task.questions.items() if key not in given}
                self._changed.notify_all()
        elif task.status not in TERMINAL and task.running is not None:
            task.running.cancel()
            await self._become(task, "cancelled")
        return {}

    async def _listen(self, ident: Any, params: Json, exchange: Exchange) -> None:
        wanted, queue = set(params["notifications"].get("taskIds", ())), asyncio.Queue[Json]()
        mark = {"_meta": {META + "subscriptionId": ident}}
        await exchange.open()
        honoured = {"notifications": {"taskIds": sorted(wanted)}, **mark}
        await exchange.put(notification("notifications/subscriptions/acknowledged", honoured))
        async with self._changed:
            self._listening.append((wanted, queue))
            self._changed.notify_all()
        ends = asyncio.create_task(exchange.gone())
        try:
            while not ends.done():
                following = asyncio.create_task(queue.get())
                await asyncio.wait({following, ends}, return_when=asyncio.FIRST_COMPLETED)
                if following.done():
                    await exchange.put(notification("notifications/tasks", {**following.result(), **mark}))
                following.cancel()
        finally:
            ends.cancel()
            self._listening.remove((wanted, queue))


class Refused(Exception):
    """A JSON-RPC error."""

    def __init__(self, words: str, code: int, status: int, **more: Any) -> None:
        super().__init__(words)
        self.code, self.status, self.more = code, status, more


async def failed(send: Any, message: Json, status: int) -> None:
    """Answer with a JSON-RPC error that says more than its code."""
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(message).encode()})


def missing_tasks() -> Refused:
    """Return the refusal of who did not declare the extension."""
    data: Json = {"requiredCapabilities": {"extensions": {TASKS: {}}}}
    return Refused("declare the extension", -32021, 400, data=data)


def capable(params: Json) -> bool:
    """Say whether a request declared the extension."""
    return TASKS in params["_meta"][META + "clientCapabilities"].get("extensions", {})


def text(words: str) -> Json:
    """Return a tool's result."""
    return {"content": [{"type": "text", "text": words}]}


def elicitation(words: str) -> Json:
    """Return a question to a user."""
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    return {"method": "elicitation/create", "params": {"mode": "form", "message": words, "requestedSchema": schema}}


def notification(method: str, params: Json) -> Json:
    """Return a JSON-RPC notification."""
    return {"jsonrpc": "2.0", "method": method, "params": params}

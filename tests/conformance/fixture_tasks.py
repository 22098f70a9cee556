"""The server the suite's tasks scenarios are run against: `io.modelcontextprotocol/tasks` on the `mcp` SDK.

Modern era only: the tasks of 2025-11-25 are not wire-compatible with the extension (SEP-2663).
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mcp_types as types
import uvicorn
from mcp.server import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError

# Started as a file, Python looks for modules beside it only, not in the checkout.
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.conformance.fixture import Announcing, bound
from tests.conformance.fixture_asking import entered, form
from tests.conformance.fixture_eras import restricted
from tests.conformance.fixture_schemas import CONFIRMATION, NAME, object_schema, string
from tests.conformance.fixture_tools import said

EXTENSION = "io.modelcontextprotocol/tasks"
NEEDED: dict[str, Any] = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
LIFE_MS, POLL_MS = 600_000, 100

Context = ServerRequestContext[Any, Any]
Json = dict[str, Any]
Wire = dict[str, Any]


class TaskParams(types.RequestParams):
    """What names a task."""

    taskId: str  # noqa: N815 - the wire's name
    inputResponses: dict[str, Any] = {}  # noqa: N815, RUF012 - the wire's name; the SDK's models copy defaults


@dataclass(slots=True)
class Task:
    """One piece of work that outlives its call."""

    id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    status: str = "working"
    created: str = field(default_factory=lambda: _now())
    updated: str = field(default_factory=lambda: _now())
    outcome: Json = field(default_factory=dict)
    """`result` or `error`, once there is one."""
    pending: dict[str, types.ElicitRequest] = field(default_factory=dict)
    given: Json = field(default_factory=dict)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    working: asyncio.Task[None] | None = None

    def seen(self) -> Wire:
        """Return what every answer about the task says."""
        shown = {"taskId": self.id, "status": self.status, "createdAt": self.created, "lastUpdatedAt": self.updated}
        return {**shown, "ttlMs": LIFE_MS, "pollIntervalMs": POLL_MS}

    def becomes(self, status: str, **outcome: Any) -> None:
        """Change the status, unless the task is over."""
        if self.status in {"working", "input_required"}:
            self.status, self.outcome, self.updated = status, outcome, _now()

    async def ask(self, questions: dict[str, types.ElicitRequest]) -> Json:
        """Wait until the client has answered all questions."""
        self.pending = dict(questions)
        self.becomes("input_required")
        await self.answered.wait()
        self.becomes("working")
        return self.given

    def take(self, answers: Json) -> None:
        """Accept the answers to questions that are open, and drop the others."""
        for key in answers.keys() & self.pending.keys():
            del self.pending[key]
            self.given[key] = answers[key]
        if self.given and not self.pending:
            self.answered.set()


def _now() -> str:
    return datetime.now(UTC).isoformat()


Work = Callable[[Task, Json], Awaitable[types.CallToolResult]]
ToolEntry = tuple[types.Tool, Work, str]
"""What clients see, what runs, and whether it needs a task: `never`, `may`, `must`."""


async def _greet(_: Task, arguments: Json) -> types.CallToolResult:
    return said(f"Hello, {arguments['name']}!")


async def _compute(_: Task, arguments: Json) -> types.CallToolResult:
    await asyncio.sleep(arguments["seconds"])
    return said(f"{arguments.get('label', 'it')} took {arguments['seconds']} s")


async def _fail(_: Task, __: Json) -> types.CallToolResult:
    await asyncio.sleep(1)
    return said("This job always fails", error=True)


async def _break(_: Task, __: Json) -> types.CallToolResult:
    raise MCPError(types.INTERNAL_ERROR, "This job broke")


async def _delete(task: Task, arguments: Json) -> types.CallToolResult:
    given = await task.ask({"confirmation": form(f"Delete {arguments['filename']}?", CONFIRMATION)})
    return said(f"{arguments['filename']}: {given['confirmation'].get('action')}")


async def _several(task: Task, _: Json) -> types.CallToolResult:
    given = await task.ask({"first": form("First?", NAME), "second": form("Second?", NAME)})
    return said(f"answered: {sorted(given)}")


async def _escalated(_: Task, arguments: Json) -> types.CallToolResult:
    return said(f"Hello, {arguments['user_name']}!")


def _tool(name: str, run: Work, need: str, schema: Json | None = None) -> ToolEntry:
    return types.Tool(name=name, description=name, input_schema=schema or object_schema()), run, need


_SECONDS = object_schema(("seconds",), seconds={"type": "number", "minimum": 0}, label=string("What to call it"))
ESCALATING = "test_tool_with_task"
TOOLS = {
    entry[0].name: entry
    for entry in (
        _tool("greet", _greet, "never", object_schema(("name",), name=string("Whom to greet"))),
        _tool("slow_compute", _compute, "may", _SECONDS),
        _tool("failing_job", _fail, "must"),
        _tool("protocol_error_job", _break, "must"),
        _tool("confirm_delete", _delete, "must", object_schema(("filename",), filename=string("What to delete"))),
        _tool("multi_input", _several, "must"),
        _tool(ESCALATING, _escalated, "must"),
    )
}


class Tasks:
    """Every task of this process, and the methods that reach them."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: dict[str, Task] = {}

    async def call(self, context: Context, params: types.CallToolRequestParams) -> Any:
        """Answer at once, or begin a task where the client understands one."""
        found = TOOLS.get(params.name)
        if found is None:
            raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}")
        (_, run, need), arguments = found, dict(params.arguments or {})
        if need == "must" and not _declared(context):
            raise _unsupported()
        if params.name == ESCALATING:
            given = (params.input_responses or {}).get("user_name")
            if given is None:
                return types.InputRequiredResult(input_requests={"user_name": form("What is your name?", NAME)})
            arguments["user_name"] = entered(given).get("name")
        if need == "never" or not _declared(context):
            return await run(Task(), arguments)
        task = Task()
        self._known[task.id] = task
        task.working = asyncio.ensure_future(_worked(task, run, arguments))
        return {**task.seen(), "resultType": "task"}

    def _of(self, context: Context, params: TaskParams) -> Task:
        if not _declared(context):
            raise _unsupported()
        # SEP-2663, "Streamable HTTP: Routing Headers": the name is the task's id.
        if context.request is not None and context.request.headers.get("mcp-name") != params.taskId:
            raise MCPError(types.HEADER_MISMATCH, "Mcp-Name is not params.taskId")
        task = self._known.get(params.taskId)
        if task is None:
            raise MCPError(types.INVALID_PARAMS, "There is no such task")
        return task

    async def state(self, context: Context, params: TaskParams) -> Wire:
        """Answer `tasks/get`."""
        task = self._of(context, params)
        asked = {key: each.model_dump(by_alias=True, exclude_none=True) for key, each in task.pending.items()}
        questions = {"inputRequests": asked} if task.status == "input_required" else {}
        return {**task.seen(), **task.outcome, **questions, "resultType": "complete"}

    async def update(self, context: Context, params: TaskParams) -> Wire:
        """Answer `tasks/update`."""
        self._of(context, params).take(params.inputResponses)
        return {"resultType": "complete"}

    async def cancel(self, context: Context, params: TaskParams) -> Wire:
        """Answer `tasks/cancel`."""
        task = self._of(context, params)
        task.becomes("cancelled")
        if task.working is not None:
            task.working.cancel()
        return {"resultType": "complete"}


async def _worked(task: Task, run: Work, arguments: Json) -> None:
    try:
        result = await run(task, arguments)
    except MCPError as error:
        task.becomes("failed", error={"code": error.error.code, "message": error.error.message})
        return
    task.becomes("completed", result=result.model_dump(by_alias=True, mode="json", exclude_none=True))


def _declared(context: Context) -> bool:
    declared = context.session.client_capabilities
    return declared is not None and EXTENSION in (declared.extensions or {})


def _unsupported() -> MCPError:
    return MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, f"This needs {EXTENSION}", NEEDED)


async def _listed(_: Context, __: Any) -> types.ListToolsResult:
    return types.ListToolsResult(tools=[entry[0] for entry in TOOLS.values()])


def server() -> Server[Any]:
    """Return the fixture's server."""
    tasks = Tasks()
    made: Server[Any] = Server("ostiary-tasks-fixture", version="1", on_list_tools=_listed, on_call_tool=tasks.call)
    made.extensions = {EXTENSION: {}}
    made.add_request_handler("tasks/get", TaskParams, tasks.state)
    made.add_request_handler("tasks/update", TaskParams, tasks.update)
    made.add_request_handler("tasks/cancel", TaskParams, tasks.cancel)
    made.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience="tasks"))
    return made


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    chosen = parser.parse_args()
    app = restricted(server().streamable_http_app(), "modern")
    config = uvicorn.Config(app, http="h11", log_level="warning", timeout_graceful_shutdown=1)
    Announcing(config).run(sockets=[bound(chosen.port)])


if __name__ == "__main__":
    main()

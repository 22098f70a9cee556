"""The tools the conformance suite calls, those that answer without asking the client anything."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import mcp_types as types
from mcp.server import ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, PromptsListChanged, ToolsListChanged
from mcp.shared.exceptions import MCPError

from tests.conformance.fixture_schemas import DRAFT_2020_12, NOTHING, object_schema, png, string, wav
from tests.conformance.fixture_sessions import Sessions

PAUSE = 0.05  # The suite wants notifications that arrive one by one, not in one burst.


@dataclass(slots=True)
class Changing:
    """What the fixture's own tools change: the lists, and who is told."""

    bus: InMemorySubscriptionBus = field(default_factory=InMemorySubscriptionBus)
    sessions: Sessions = field(default_factory=Sessions)
    extra_tool: bool = False
    extra_prompt: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One tools/call: its arguments, the answers it brings, and the way back to the client."""

    context: ServerRequestContext[Any, Any]
    params: types.CallToolRequestParams
    changing: Changing

    def argument(self, name: str) -> str:
        """Return a string argument, refusing the call when it is missing."""
        value = (self.params.arguments or {}).get(name)
        if isinstance(value, str):
            return value
        raise MCPError(types.INVALID_PARAMS, f"{self.params.name} needs the string argument {name!r}")


ToolAnswer = types.CallToolResult | types.InputRequiredResult
Tool = tuple[types.Tool, Callable[[Call], Awaitable[ToolAnswer]]]


def tool(
    name: str,
    description: str,
    run: Callable[[Call], Awaitable[ToolAnswer]],
    schema: dict[str, Any] = NOTHING,
) -> Tool:
    """Pair what the client sees of a tool with what runs."""
    return types.Tool(name=name, description=description, input_schema=schema), run


def said(text: str, *, error: bool = False) -> types.CallToolResult:
    """Return a result of one text."""
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=error)


async def log(call: Call, text: str) -> None:
    """Send one log message beside the answer; the SDK holds it back where it was not asked for."""
    context = call.context
    await context.session.send_log_message("info", text, "fixture", related_request_id=context.request_id)


def _resource(uri: str, mime_type: str, text: str) -> types.EmbeddedResource:
    return types.EmbeddedResource(resource=types.TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def _always(*content: types.ContentBlock, error: bool = False) -> Callable[[Call], Awaitable[ToolAnswer]]:
    async def run(_: Call) -> ToolAnswer:
        return types.CallToolResult(content=list(content), is_error=error)

    return run


async def _with_logging(call: Call) -> ToolAnswer:
    for text in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await log(call, text)
        await anyio.sleep(PAUSE)
    return said("Three messages were logged.")


async def _with_progress(call: Call) -> ToolAnswer:
    for done in (0, 50, 100):
        await call.context.session.report_progress(done, 100, f"Completed step {done} of 100")
        await anyio.sleep(PAUSE)
    token = (call.context.meta or {}).get("progress_token")
    return said(json.dumps(token))


async def _reconnection(call: Call) -> ToolAnswer:
    await log(call, "Before the stream closes")
    if call.context.close_sse_stream is not None:
        await call.context.close_sse_stream()
    await anyio.sleep(4 * PAUSE)  # Longer than the retry interval, so that the client comes back first.
    await log(call, "After the stream closed")
    return said("The answer found its way after the reconnection.")


async def _missing_capability(call: Call) -> ToolAnswer:
    declared = call.context.session.client_capabilities
    if declared is not None and declared.sampling is not None:
        return said("The client declared sampling.")
    raise MCPError(
        types.MISSING_REQUIRED_CLIENT_CAPABILITY,
        "test_missing_capability needs the client capability sampling",
        {"requiredCapabilities": {"sampling": {}}},
    )


async def _x_mcp_header(call: Call) -> ToolAnswer:
    return said(f"region={(call.params.arguments or {}).get('region', 'none')}")


async def _tool_change(call: Call) -> ToolAnswer:
    call.changing.extra_tool = not call.changing.extra_tool
    await call.changing.bus.publish(ToolsListChanged())
    await call.changing.sessions.changed("tools")
    return said("The list of tools changed.")


async def _prompt_change(call: Call) -> ToolAnswer:
    call.changing.extra_prompt = not call.changing.extra_prompt
    await call.changing.bus.publish(PromptsListChanged())
    await call.changing.sessions.changed("prompts")
    return said("The list of prompts changed.")


_TEXT = types.TextContent(text="This is a simple text response for testing.")
_IMAGE = types.ImageContent(data=png(), mime_type="image/png")
_AUDIO = types.AudioContent(data=wav(), mime_type="audio/wav")
_FAILURE = types.TextContent(text="This tool intentionally returns an error for testing")

EXTRA_TOOL = tool("test_dynamic_tool", "Comes and goes with test_trigger_tool_change", _always(_TEXT))

PLAIN_TOOLS: tuple[Tool, ...] = (
    tool("test_simple_text", "Answers with a text", _always(_TEXT)),
    tool("test_image_content", "Answers with a picture", _always(_IMAGE)),
    tool("test_audio_content", "Answers with a sound", _always(_AUDIO)),
    tool(
        "test_embedded_resource",
        "Answers with a resource in the result",
        _always(_resource("test://embedded-resource", "text/plain", "The text of an embedded resource.")),
    ),
    tool(
        "test_multiple_content_types",
        "Answers with a text, a picture and a resource",
        _always(_TEXT, _IMAGE, _resource("test://mixed-content", "application/json", '{"value": 123}')),
    ),
    tool("test_error_handling", "Always fails", _always(_FAILURE, error=True)),
    tool("test_tool_with_logging", "Logs three messages while it runs", _with_logging),
    tool("test_logging_tool", "Logs, for clients that may not have asked for it", _with_logging),
    tool("test_tool_with_progress", "Reports progress three times", _with_progress),
    tool("test_reconnection", "Closes its own stream before it answers", _reconnection),
    tool("test_missing_capability", "Refuses clients that cannot sample", _missing_capability),
    tool(
        "test_x_mcp_header",
        "Has an argument that is repeated in the header Mcp-Param-Region",
        _x_mcp_header,
        object_schema(region=string("Where to look", **{"x-mcp-header": "Region"})),
    ),
    tool("json_schema_2020_12_tool", "Has a schema with many keywords", _always(_TEXT), DRAFT_2020_12),
    tool("test_trigger_tool_change", "Changes the list of tools and tells it", _tool_change),
    tool("test_trigger_prompt_change", "Changes the list of prompts and tells it", _prompt_change),
)

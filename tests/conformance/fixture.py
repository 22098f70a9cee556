"""The server the official conformance suite is run against: both protocol eras at one address, on the `mcp` SDK."""

import argparse
import socket
import sys
import warnings
from collections import deque
from pathlib import Path
from typing import Any

import mcp_types as types
import uvicorn
from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.server.subscriptions import ListenHandler
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError

# Started as a file, Python looks for modules beside it only, not in the checkout.
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.conformance.fixture_asking import ASKING_TOOLS
from tests.conformance.fixture_eras import ERAS, restricted
from tests.conformance.fixture_reading import EXTRA_PROMPT, PROMPTS, RESOURCES, TEMPLATES, Prompt, completion, read
from tests.conformance.fixture_tools import EXTRA_TOOL, PLAIN_TOOLS, Call, Changing, Tool, ToolAnswer

NAME = "ostiary-conformance-fixture"
RETRY_MS = 100  # The suite measures that its client waits at least this long before it reconnects.

Context = ServerRequestContext[Any, Any]


class Events(EventStore):
    """The last events of every stream, so that a client may reconnect to one (SEP-1699)."""

    def __init__(self) -> None:
        self._events: deque[tuple[int, str, types.JSONRPCMessage | None]] = deque(maxlen=10_000)
        self._count = 0

    async def store_event(self, stream_id: str, message: types.JSONRPCMessage | None) -> str:
        """Keep an event and return its number."""
        self._count += 1
        self._events.append((self._count, stream_id, message))
        return str(self._count)

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        """Send again what followed an event on its stream, and return the stream."""
        last = int(last_event_id) if last_event_id.isdecimal() else 0
        stream = next((stream for number, stream, _ in self._events if number == last), None)
        for number, of, message in list(self._events):
            if of == stream and number > last and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


class Fixture(Server[Any]):
    """A server that declares in both eras that its lists may change."""

    def create_initialization_options(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
    ) -> InitializationOptions:
        """Return the options of the SDK, with changing tools and prompts declared."""
        declared = notification_options or NotificationOptions(prompts_changed=True, tools_changed=True)
        return super().create_initialization_options(declared, experimental_capabilities, extensions)


def _tools(changing: Changing) -> dict[str, Tool]:
    extra = (EXTRA_TOOL,) if changing.extra_tool else ()
    return {pair[0].name: pair for pair in (*PLAIN_TOOLS, *ASKING_TOOLS, *extra)}


def _prompts(changing: Changing) -> dict[str, Prompt]:
    extra = (EXTRA_PROMPT,) if changing.extra_prompt else ()
    return {pair[0].name: pair for pair in (*PROMPTS, *extra)}


async def _empty(_: Context, __: Any) -> types.EmptyResult:
    return types.EmptyResult()


async def _resources(_: Context, __: Any) -> types.ListResourcesResult:
    return types.ListResourcesResult(resources=RESOURCES)


async def _templates(_: Context, __: Any) -> types.ListResourceTemplatesResult:
    return types.ListResourceTemplatesResult(resource_templates=TEMPLATES)


async def _read(_: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    return read(params.uri)


async def _complete(_: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
    return completion(params.argument)


def _meeting(changing: Changing) -> Any:
    async def meeting(context: Context, go_on: CallNext) -> HandlerResult:
        changing.sessions.met(context)
        return await go_on(context)

    return meeting


def server(changing: Changing) -> Fixture:
    """Return the fixture's server with every handler the suite needs."""

    async def list_tools(_: Context, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[seen for seen, _ in _tools(changing).values()])

    async def call_tool(context: Context, params: types.CallToolRequestParams) -> ToolAnswer:
        found = _tools(changing).get(params.name)
        if found is None:
            raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}")
        return await found[1](Call(context, params, changing))

    async def list_prompts(_: Context, __: Any) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=[seen for seen, _ in _prompts(changing).values()])

    async def prompt(
        context: Context, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult | types.InputRequiredResult:
        found = _prompts(changing).get(params.name)
        if found is None:
            raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {params.name}")
        return await found[1](context, params)

    def schema(name: str) -> dict[str, Any] | None:
        found = _tools(changing).get(name)
        return found[0].input_schema if found else None

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MCPDeprecationWarning)
        made = Fixture(
            NAME,
            version="1.0.0",
            get_tool_input_schema=schema,
            on_list_tools=list_tools,
            on_call_tool=call_tool,
            on_list_prompts=list_prompts,
            on_get_prompt=prompt,
            on_list_resources=_resources,
            on_list_resource_templates=_templates,
            on_read_resource=_read,
            on_subscribe_resource=_empty,
            on_unsubscribe_resource=_empty,
            on_subscriptions_listen=ListenHandler(changing.bus),
            on_completion=_complete,
            on_set_logging_level=_empty,
        )
    made.middleware.append(_meeting(changing))
    made.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=NAME))
    return made


class Announcing(uvicorn.Server):
    """Says where it listens once it does, for the program that started it."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the address."""
        await super().startup(sockets)
        port = (sockets or [])[0].getsockname()[1]
        print(f"ready http://127.0.0.1:{port}/mcp", flush=True)


def bound(port: int) -> socket.socket:
    """Return a socket of loopback that is ready to listen."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    return listening


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--era", choices=ERAS, default="both")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    made = server(Changing()).streamable_http_app(event_store=Events(), retry_interval=RETRY_MS)
    # httptools leaves the blanks at the end of a header's value, which RFC 9110 5.5 says are no part of it
    # and a check of the suite sends; h11 takes them off.
    config = uvicorn.Config(restricted(made, chosen.era), http="h11", log_level="warning", timeout_graceful_shutdown=1)
    Announcing(config).run(sockets=[bound(chosen.port)])


if __name__ == "__main__":
    main()

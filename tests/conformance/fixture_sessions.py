"""The handshake-era sessions of a fixture: all of them are told what has changed, whoever changed it."""

from dataclasses import dataclass, field
from typing import Any

from mcp.server import ServerRequestContext
from mcp.server.connection import Connection
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

Context = ServerRequestContext[Any, Any]


@dataclass(slots=True)
class Session:
    """One client's connection, and the resources it subscribed to."""

    connection: Connection
    uris: set[str] = field(default_factory=set)
    level: str = "debug"
    """The least severe log messages that it wants."""


class Sessions:
    """Every session of this process."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: dict[int, Session] = {}

    def met(self, context: Context) -> Session:
        """Return the session that a message came in, known from now on until it ends; a modern message has none."""
        connection = context.session._connection
        if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
            return Session(connection)
        found = self._known.get(id(connection))
        if found is None:
            found = self._known[id(connection)] = Session(connection)
            connection.exit_stack.callback(self._known.pop, id(connection), None)
        return found

    def subscribed(self, context: Context, uri: str) -> None:
        """Tell this session when the resource changes."""
        self.met(context).uris.add(uri)

    def unsubscribed(self, context: Context, uri: str) -> None:
        """Tell it no longer."""
        self.met(context).uris.discard(uri)

    async def changed(self, what: str) -> None:
        """Tell everyone that a list has changed."""
        for session in list(self._known.values()):
            await session.connection.notify(f"notifications/{what}/list_changed", None)

    async def updated(self, uri: str) -> None:
        """Tell the subscribers of a resource that it has changed."""
        for session in list(self._known.values()):
            if uri in session.uris:
                await session.connection.send_resource_updated(uri)

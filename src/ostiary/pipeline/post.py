"""What a client of HTTP+SSE (2024-11-05) says: one POST a message, accepted at once and answered on its stream.

A POST is accepted before its message is carried out: clients send one message after the other, and the next may be the
answer to what a server asks in the middle of this one.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import msgspec

from ostiary.core.errors import Fault, Malformed, Unauthenticated, WrongVerb
from ostiary.core.model import Caller, Inbound
from ostiary.core.ports import Reply
from ostiary.pipeline.serve import serve
from ostiary.pipeline.voice import Voice
from ostiary.pipeline.world import World
from ostiary.protocol import headers, jsonrpc
from ostiary.protocol.answers import refused


async def posted(message: Inbound, reply: Reply, world: World) -> None:
    """Carry one request to an address of this transport: a GET opens a channel, a POST says something on one."""
    if message.verb != "POST":
        await serve(message, reply, world)
        return
    with ExitStack() as stack:
        post = _Post(message, Voice(reply), world, stack)
        said = msgspec.structs.replace(message, headers=post.headers, body=post.body)
        try:
            await serve(said, post.voice, msgspec.structs.replace(world, identify=post.identify))
        except Exception:
            # The POST was answered long ago: only the stream can still say that nothing more will come.
            await post.voice.finish(refused(Fault(), None, "", ""))
            raise


class _Post:
    """One POST on its way: who sends it, and the channel it is for."""

    def __init__(self, message: Inbound, voice: Voice, world: World, stack: ExitStack) -> None:
        self._message, self.voice, self._world, self._stack = message, voice, world, stack
        self._caller: Caller | None = None
        # The session is the channel's own; what a client says of sessions means nothing here.
        self.headers = {name: value for name, value in message.headers.items() if name != headers.SESSION}

    async def identify(self, message: Inbound) -> Caller:
        """Return who sends it, by a credential of its own: to know a channel proves nothing."""
        self._caller = caller = await self._world.identify(message)
        return caller

    async def body(self) -> bytes:
        """Return the body of a message for a channel of the caller's own, and accept the POST."""
        if self._caller is None:
            raise Unauthenticated("the body was asked for before the caller was known")
        if not self._message.channel:
            raise WrongVerb(hint="GET this address, and POST where the endpoint event of the stream says")
        world = self._world
        line = world.sessions.channels.find(self._message.channel, self._caller, self._message.endpoint)
        self._stack.enter_context(line.carrying())
        body = await self._message.body()
        ident, asked = _expecting(jsonrpc.read(body, world.current().bounds.depth))
        if line.session:
            self.headers[headers.SESSION] = line.session
        await self.voice.accept(line, ident, asked=asked)
        return body


def _expecting(message: dict[str, Any] | list[Any]) -> tuple[str | int | None, bool]:
    """Return the id under which the sender waits for an answer, and whether it waits for any."""
    if not isinstance(message, dict):
        return None, True
    ident = message.get("id")
    if "id" not in message or ("method" not in message and ("result" in message or "error" in message)):
        return None, False
    if not jsonrpc.is_id(ident):
        raise Malformed(hint="an id is a string or an integer")
    return ident, True

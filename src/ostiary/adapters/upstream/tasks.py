"""Drive a task of 2025-11-25 to its end, so that its caller sees an ordinary call.

Such tasks have another shape than the extension's, are listed to whoever asks, and are known to few clients. So no
client is told of them, and only where a tool runs in no other way does the gateway make one, and wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from ostiary.adapters.upstream.wire import Heard, SessionGone
from ostiary.core.errors import Garbled, GatewayError, Lost, NotCarried, TimedOut
from ostiary.core.model import Json
from ostiary.core.ports import Back
from ostiary.protocol import tasks

Put = Callable[[str, Json], Awaitable[Heard]]
"""Send a request in the call's session, whose questions are the call's, and return the answer."""
NO_TASKS: Final = "the tool runs as a task only, and its server does not announce tasks"


class Unnamed:
    """A way back on which nothing says to which task it belongs (`Back`)."""

    def __init__(self, back: Back) -> None:
        self._back = back

    async def notify(self, method: str, params: Json) -> None:
        """Pass a notification on."""
        await self._back.notify(method, tasks.unrelated(params))

    async def ask(self, method: str, params: Json) -> Json:
        """Put a server's request to the client."""
        return await self._back.ask(method, tasks.unrelated(params))


async def driven(params: Json, capabilities: Json, put: Put, cancel: Callable[[str], None], deadline: float) -> Heard:
    """Call a tool as a task, and return the answer that the task ends with.

    `cancel` tells the server that a task is no longer wanted; it must not wait.
    """
    if not tasks.possible(capabilities):
        raise NotCarried(NO_TASKS, hint=NO_TASKS)
    heard = await put("tools/call", {**params, "task": {}})
    state = tasks.begun_handshake(heard.message)
    if state is None:
        return heard
    try:
        return await _awaited(state, put, deadline)
    except SessionGone:
        # Not to be tried again in a new session: the tool was called.
        raise Lost("the server forgot the session in which a task ran") from None
    except (asyncio.CancelledError, GatewayError):
        cancel(state.task)
        raise


async def _awaited(state: tasks.Progress, put: Put, deadline: float) -> Heard:
    named = {"taskId": state.task}
    while state.working:
        await _paused(state.pause, deadline)
        result = (await put("tasks/get", named)).message.get("result")
        if not isinstance(result, dict):
            raise Garbled("the server does not know the task that it began")
        state = tasks.progress(result)
        if state.task != named["taskId"]:
            raise Garbled("it spoke of another task")
    # A task that waits for input asks for it while its result is waited for (2025-11-25, "Input Required Status").
    heard = await put("tasks/result", named)
    result = heard.message.get("result")
    if not isinstance(result, dict):
        return heard
    return Heard({**heard.message, "result": tasks.unrelated(result)}, heard.status)


async def _paused(seconds: float, deadline: float) -> None:
    left = deadline - asyncio.get_running_loop().time()
    if left <= seconds:
        raise TimedOut("the task did not end in time")
    await asyncio.sleep(seconds)

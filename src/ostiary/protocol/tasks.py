"""Tasks (extension `io.modelcontextprotocol/tasks`, SEP-2663): our ids for them, and what is said about them. Pure.

A server names a task by an id of its own. Where it sees one shared credential, that id would be as good in anybody's
hands, so no client ever sees one: the gateway's id is sealed, and holds whose the task is and what it is of.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary.core.errors import Garbled, MissingCapability
from ostiary.core.model import Call, Caller, Client, Json, Target
from ostiary.protocol import questions
from ostiary.protocol.capabilities import TASKS, capable_of_tasks, covers, needed

NOTIFICATION: Final = "notifications/tasks"
"""What a server says about a task to those who subscribed to it; also the prefix of all it may say of tasks."""
LONGEST: Final = 512
"""Characters of a server's id: ours holds it, and has to fit into a header."""
_RELATED: Final = "io.modelcontextprotocol/related-task"
"""Where 2025-11-25 says which task a message belongs to; a result inside a task must not say so (SEP-2663)."""
_ELSEWHERE: Final = frozenset({"requestState", "inputRequests", "result", "error"})
"""What the answer that announces a task does not hold (SEP-2663): it is of the call before, or of `tasks/get`."""


class Handle(Struct, frozen=True, array_like=True):
    """What a sealed task id holds."""

    subject: str
    issuer: str
    endpoint: str
    exposed: str
    """The tool, as this endpoint calls it."""
    label: str
    """The tool, as rules call it: a name may come to mean another tool, a label cannot."""
    task: str
    """The server's own id."""
    approved: tuple[str, ...] = ()
    """The rules whose approval the call had."""


_decoder: Final = msgspec.json.Decoder(Handle)


def pack(handle: Handle) -> bytes:
    """Return the bytes to seal."""
    return msgspec.json.encode(handle)


def held(content: bytes, caller: Caller, endpoint: str) -> Handle | None:
    """Return the handle in opened bytes; None where it is another's, or another endpoint's."""
    try:
        handle = _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    mine = (caller.subject, caller.issuer, endpoint)
    return handle if (handle.subject, handle.issuer, handle.endpoint) == mine else None


def demand(client: Client) -> None:
    """Raise `MissingCapability` where a client did not declare the extension with its request."""
    if not capable_of_tasks(client.offer):
        raise MissingCapability(hint=TASKS, data={"requiredCapabilities": {"extensions": {TASKS: {}}}})


def is_handle(result: Json) -> bool:
    """Say whether a result announces a task in place of the answer."""
    return result.get("resultType") == "task"


def begun(call: Call, result: Json) -> str:
    """Return the server's id of the task that a call became; `Garbled` where it must not have become one."""
    if call.method != "tools/call":
        raise Garbled(f"{call.method} was answered with a task")
    if not capable_of_tasks(call.client.offer):
        # No server may answer so to who did not declare the extension with this request (SEP-2663).
        raise Garbled("it began a task for a client that declared no tasks", hint="it answered with a task")
    task = result.get("taskId")
    if not isinstance(task, str) or not 0 < len(task) <= LONGEST or not task.isprintable():
        raise Garbled("the task's id is missing, too long or unprintable")
    return task


def created(result: Json, theirs: str, ours: str) -> dict[str, Any]:
    """Return the answer that announces a task, under our id."""
    return _renamed({key: value for key, value in result.items() if key not in _ELSEWHERE}, theirs, ours)


def stated(client: Client, task: Json, theirs: str, ours: str) -> dict[str, Any]:
    """Return what a server says about a task, under our id, asking the client for nothing that it cannot answer."""
    if task.get("taskId", theirs) != theirs:
        # A server, or a proxy before it, that mixes tasks up would hand one caller's to another.
        raise Garbled("it spoke of another task")
    if not isinstance(task.get("status"), str):
        raise Garbled("the task has no status")
    _admit(client, task)
    said = _renamed(task, theirs, ours)
    inside, error = said.get("result"), said.get("error")
    if isinstance(inside, dict):
        said["result"] = unrelated(inside)
    if isinstance(error, dict):
        said["error"] = failed(error, theirs, ours)
    return said


def acknowledged(result: Json, theirs: str, ours: str) -> dict[str, Any]:
    """Return the answer to `tasks/update` or `tasks/cancel`, which says nothing about the task."""
    said = {**result, "resultType": "complete"}
    return _renamed(said, theirs, ours) if "taskId" in result else said


def _renamed(task: Json, theirs: str, ours: str) -> dict[str, Any]:
    said = unrelated({**task, "taskId": ours})
    message = said.get("statusMessage")
    if isinstance(message, str):
        said["statusMessage"] = message.replace(theirs, ours)
    return said


def unrelated(result: Json) -> dict[str, Any]:
    """Return a result without the note that says, in the words of 2025-11-25, of which task it is."""
    meta = result.get("_meta")
    if not isinstance(meta, dict) or _RELATED not in meta:
        return dict(result)
    left = {key: value for key, value in meta.items() if key != _RELATED}
    return {**{key: value for key, value in result.items() if key != "_meta"}, **({"_meta": left} if left else {})}


def failed(error: Json, theirs: str, ours: str) -> dict[str, Any]:
    """Return an error about a task without the server's id for it."""
    said = {**error, "message": str(error.get("message", "")).replace(theirs, ours)}
    if theirs in msgspec.json.encode(error.get("data")).decode():
        del said["data"]
    return said


def _admit(client: Client, task: Json) -> None:
    """Refuse a task that waits for what the client did not declare that it can answer.

    Declarations are made with each request, so it may be this poll that lacks one: the client can ask again.
    """
    if "inputRequests" not in task:
        return
    asked = questions.asked({"inputRequests": task["inputRequests"], "requestState": ""})
    if asked is None:
        raise Garbled("the task's inputRequests are malformed")
    for method, params in asked.values():
        if method in questions.METHODS and not covers(client.offer, method, params):
            data = {"requiredCapabilities": needed(method, params)}
            raise MissingCapability(hint=f"the task waits for an answer to {method}", data=data)
        reason = questions.objection(client, method, params)
        if reason:
            raise Garbled(f"a task asked {method[:80]}: {reason}", hint=reason)


# Tasks of 2025-11-25: another shape under the same names, never shown to a client, driven inside the gateway.


class Progress(Struct, frozen=True):
    """How far a handshake-era task has come."""

    task: str
    working: bool
    pause: float
    """Seconds until it makes sense to ask again."""


SHORTEST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 10.0
_PAUSE: Final = 1.0


def required(target: Target) -> bool:
    """Say whether a tool of a handshake-era server runs as a task and in no other way."""
    execution = target.definition.get("execution")
    return isinstance(execution, dict) and execution.get("taskSupport") == "required"


def possible(capabilities: Json) -> bool:
    """Say whether a handshake-era server announced that calls of tools may become tasks."""
    found: Any = capabilities
    for key in ("tasks", "requests", "tools", "call"):
        found = found.get(key) if isinstance(found, dict) else None
    return isinstance(found, dict)


def begun_handshake(answer: Json) -> Progress | None:
    """Return the task that a call became at a handshake-era server; None: this is the answer itself."""
    result = answer.get("result")
    task = result.get("task") if isinstance(result, dict) and "content" not in result else None
    return progress(task) if isinstance(task, dict) else None


def progress(task: Json) -> Progress:
    """Return how far a handshake-era task has come; `Garbled` where that is not said."""
    ident, status, interval = task.get("taskId"), task.get("status"), task.get("pollInterval")
    if not isinstance(ident, str) or not ident or not isinstance(status, str):
        raise Garbled("the task has no id or no status")
    pause = interval / 1000 if isinstance(interval, int | float) else _PAUSE
    return Progress(ident, status == "working", min(LONGEST_PAUSE, max(SHORTEST_PAUSE, pause)))

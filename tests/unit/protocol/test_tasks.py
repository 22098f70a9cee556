"""A task id of ours holds whose the task is; what is said about a task names it by that id and by no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.errors import Garbled, MissingCapability
from ostiary.core.model import MODERN, Call, Caller, Client, Era, Kind, Target
from ostiary.protocol import tasks
from ostiary.protocol.tasks import Handle

EXTENSION = "io.modelcontextprotocol/tasks"
RELATED = "io.modelcontextprotocol/related-task"
ANA = Caller("ana", "ostiary", "tok", "token", 9e9)
HANDLE = Handle("ana", "ostiary", "/mcp", "crm__export", "crm.export", "raw-1")
TASK = {"taskId": "raw-1", "status": "working", "createdAt": "c", "lastUpdatedAt": "u", "ttlMs": None}


def client(offer: str = "tasks") -> Client:
    return Client(Era.MODERN, MODERN, {}, offer, {})


def call(method: str = "tools/call", offer: str = "tasks") -> Call:
    return Call(1, method, "crm__export", {}, client(offer))


def asking(method: str, **params: Any) -> dict[str, Any]:
    return {**TASK, "status": "input_required", "inputRequests": {"q": {"method": method, "params": params}}}


# Whose it is


def test_an_owner_gets_the_handle_back() -> None:
    assert tasks.held(tasks.pack(HANDLE), ANA, "/mcp") == HANDLE


@pytest.mark.requirement("MCP-43")
@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_a_handle_opens_for_its_owner_and_endpoint_only(subject: str, issuer: str, endpoint: str) -> None:
    """Checklist line 43: bound to the principal. Nothing in a name may make two principals look like one."""
    caller = Caller(subject, issuer, "tok", "token", 9e9)
    found = tasks.held(tasks.pack(HANDLE), caller, endpoint)
    assert (found is None) == ((subject, issuer, endpoint) != ("ana", "ostiary", "/mcp"))


@given(
    st.binary(max_size=60)
    | st.lists(st.text(max_size=3) | st.integers(), max_size=8).map(lambda it: json.dumps(it).encode())
)
def test_nonsense_holds_no_handle(content: bytes) -> None:
    assert tasks.held(content, ANA, "/mcp") is None


def test_a_client_that_declared_no_tasks_is_told_what_to_declare() -> None:
    """SEP-2663: -32021, naming the extension."""
    tasks.demand(client("form,tasks,url"))
    with pytest.raises(MissingCapability) as raised:
        tasks.demand(client("form,tools"))
    assert raised.value.jsonrpc == -32021
    assert raised.value.data == {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}


# A call that became a task


def test_the_server_s_id_is_found() -> None:
    assert tasks.is_handle({"resultType": "task"})
    assert not tasks.is_handle({"resultType": "complete"})
    assert tasks.begun(call(), {**TASK, "resultType": "task"}) == "raw-1"


@pytest.mark.parametrize(
    ("method", "offer", "ident"),
    [
        ("tools/call", "", "raw-1"), ("tools/call", "form,tools", "raw-1"), ("prompts/get", "tasks", "raw-1"), ("tools/call", "tasks", ""),
        ("tools/call", "tasks", None), ("tools/call", "tasks", 7), ("tools/call", "tasks", "x" * 513), ("tools/call", "tasks", "a\r\nb"),
    ],
)  # fmt: skip
def test_a_task_where_none_may_be_is_the_server_s_fault(method: str, offer: str, ident: Any) -> None:
    with pytest.raises(Garbled):
        tasks.begun(call(method, offer), {**TASK, "taskId": ident, "resultType": "task"})


def test_a_created_task_has_our_id_and_nothing_that_belongs_elsewhere() -> None:
    """SEP-2663: requestState is of the call before; results, errors and questions come with tasks/get."""
    more = {"requestState": "s", "inputRequests": {}, "result": {}, "error": {}, "statusMessage": "raw-1 runs"}
    result = {**TASK, **more, "resultType": "task", "_meta": {RELATED: {"taskId": "raw-1"}, "x/y": 1}}
    shown = tasks.created(result, "raw-1", "ours")
    assert shown == {**TASK, "taskId": "ours", "resultType": "task", "statusMessage": "ours runs", "_meta": {"x/y": 1}}


# What is said about it


@pytest.mark.parametrize("status", ["working", "input_required", "completed", "failed", "cancelled"])
def test_a_state_is_told_under_our_id(status: str) -> None:
    assert tasks.stated(client(), {**TASK, "status": status}, "raw-1", "ours")["taskId"] == "ours"


def test_the_result_inside_does_not_say_whose_it_is() -> None:
    inside = {"content": [], "_meta": {RELATED: {"taskId": "raw-1"}}}
    shown = tasks.stated(client(), {**TASK, "status": "completed", "result": inside}, "raw-1", "ours")
    assert shown["result"] == {"content": []}
    assert "raw-1" not in json.dumps(shown)


def test_the_error_inside_names_our_id() -> None:
    task = {**TASK, "status": "failed", "error": {"code": -32603, "message": "raw-1 broke"}}
    assert tasks.stated(client(), task, "raw-1", "ours")["error"] == {"code": -32603, "message": "ours broke"}


@pytest.mark.parametrize("change", [{"taskId": "raw-2"}, {"status": None}, {"status": 1}, {"inputRequests": []}])
def test_what_is_not_about_this_task_is_not_told(change: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        tasks.stated(client(), {**TASK, **change}, "raw-1", "ours")


@pytest.mark.parametrize(
    ("offer", "method", "params", "needed"),
    [
        ("tasks", "elicitation/create", {}, {"elicitation": {"form": {}}}),
        ("form,tasks", "elicitation/create", {"mode": "url", "url": "https://x"}, {"elicitation": {"url": {}}}),
        ("tasks", "sampling/createMessage", {}, {"sampling": {}}),
        ("sampling,tasks", "sampling/createMessage", {"tools": []}, {"sampling": {"tools": {}}}),
        ("tasks", "roots/list", {}, {"roots": {}}),
    ],
)  # fmt: skip
def test_a_question_that_the_client_cannot_answer_is_not_put(
    offer: str, method: str, params: dict[str, Any], needed: dict[str, Any]
) -> None:
    """Declarations are made with each request, so the client is told which one this poll lacks."""
    with pytest.raises(MissingCapability) as raised:
        tasks.stated(client(offer), asking(method, **params), "raw-1", "ours")
    assert raised.value.data == {"requiredCapabilities": needed}


def test_a_question_that_the_client_can_answer_is_put_as_it_is() -> None:
    task = asking("elicitation/create", mode="form", message="Really?")
    assert tasks.stated(client("form,tasks"), task, "raw-1", "ours")["inputRequests"] == task["inputRequests"]


@pytest.mark.parametrize(
    ("method", "params"), [("tools/call", {}), ("elicitation/create", {"mode": "url", "url": "file:///etc"})]
)
def test_what_no_server_may_ask_is_not_asked(method: str, params: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        tasks.stated(client("form,tasks,url"), asking(method, **params), "raw-1", "ours")


def test_an_acknowledgement_says_nothing_else() -> None:
    assert tasks.acknowledged({}, "raw-1", "ours") == {"resultType": "complete"}
    assert tasks.acknowledged({"taskId": "raw-1", "resultType": "task"}, "raw-1", "ours") == {
        "taskId": "ours",
        "resultType": "complete",
    }


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ({"code": 1, "message": "raw-1 is gone"}, {"code": 1, "message": "ours is gone"}),
        ({"code": 1, "message": "no", "data": {"task": "raw-1"}}, {"code": 1, "message": "no"}),
        ({"code": 1, "message": "no", "data": {"field": "x"}}, {"code": 1, "message": "no", "data": {"field": "x"}}),
        ({"code": 1}, {"code": 1, "message": ""}),
    ],
)
def test_an_error_does_not_name_the_server_s_task(error: dict[str, Any], shown: dict[str, Any]) -> None:
    assert tasks.failed(error, "raw-1", "ours") == shown


# Tasks of 2025-11-25


@pytest.mark.parametrize(
    ("execution", "expected"),
    [({"taskSupport": "required"}, True), ({"taskSupport": "optional"}, False), ({}, False), (None, False), ("required", False)],
)  # fmt: skip
def test_a_tool_that_runs_as_a_task_only_is_recognized(execution: Any, expected: bool) -> None:
    target = Target("crm", Kind.TOOL, "export", "crm.export", "crm__export", {"execution": execution})
    assert tasks.required(target) is expected
    assert not tasks.required(Target("crm", Kind.TOOL, "export", "crm.export", "crm__export"))


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"tasks": {"requests": {"tools": {"call": {}}}}}, True), ({"tasks": {"requests": {"tools": {}}}}, False), ({"tasks": {}}, False),
        ({}, False), ({"tasks": True}, False),
    ],
)  # fmt: skip
def test_a_server_that_can_make_tasks_of_calls_says_so(capabilities: dict[str, Any], expected: bool) -> None:
    assert tasks.possible(capabilities) is expected


@pytest.mark.parametrize(
    ("interval", "pause"), [(200, 0.2), (0, 0.05), (-5, 0.05), (3_600_000, 10.0), (None, 1.0), ("1", 1.0), (1.5, 0.05)]
)
def test_the_server_s_pace_is_kept_within_bounds(interval: Any, pause: float) -> None:
    assert tasks.progress({"taskId": "t", "status": "working", "pollInterval": interval}).pause == pause


def test_a_call_that_became_a_task_is_told_from_an_answer() -> None:
    begun = tasks.begun_handshake({"result": {"task": {"taskId": "t", "status": "working"}}})
    assert begun is not None
    assert (begun.task, begun.working) == ("t", True)
    assert tasks.begun_handshake({"error": {}}) is None
    results: tuple[dict[str, Any], ...] = ({}, {"content": [], "task": {}}, {"task": 1})
    for result in results:
        assert tasks.begun_handshake({"result": result}) is None


@pytest.mark.parametrize("task", [{}, {"taskId": "t"}, {"taskId": "", "status": "working"}, {"status": "working"}])
def test_a_task_without_a_name_or_a_state_cannot_be_waited_for(task: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        tasks.progress(task)

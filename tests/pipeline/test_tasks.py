"""Tasks on the way through: whose they are, what they are of, and that nobody sees a server's own id."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.adapters.store.keys import Sealer
from ostiary.core.model import (
    MODERN,
    Answer,
    Call,
    Client,
    Era,
    Inbound,
    Kind,
    Order,
    Surface,
)
from ostiary.core.screening import Block, Pass, Payload, Redact, Verdict
from ostiary.core.trail import Trail
from ostiary.pipeline import tasks
from ostiary.pipeline.world import World
from ostiary.protocol.modern import CAPABILITIES, VERSION
from tests.pipeline.stage import CALLERS, Stage, handshake, known, whole

pytestmark = pytest.mark.requirement("MCP-43")

Json = dict[str, Any]

EXTENSION = "io.modelcontextprotocol/tasks"
DECLARED: Json = {"extensions": {EXTENSION: {}}}
RAW = "raw-task-1"
TASK: Json = {"taskId": RAW, "status": "working", "createdAt": "c", "lastUpdatedAt": "u", "ttlMs": 1000}
CREATED: Json = {"result": {**TASK, "resultType": "task"}}
METHODS = ("tasks/get", "tasks/update", "tasks/cancel")
CALLERS["bob-token"] = known("bob", "dev")


def ask(method: str, name: str, token: str, capabilities: Json, params: Json) -> Inbound:
    """Return a modern request with its name in the header."""
    params = {**params, "_meta": {VERSION: MODERN, CAPABILITIES: capabilities}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    headers = {"mcp-protocol-version": MODERN, "mcp-method": method, "mcp-name": name}
    return Inbound("POST", "/mcp", headers, frozenset(), token, "127.0.0.1", whole(body))


def call(token: str = "ana-token", capabilities: Json = DECLARED) -> Inbound:
    params = {"name": "files__read", "arguments": {"path": "x"}}
    return ask("tools/call", "files__read", token, capabilities, params)


def about(method: str, ident: str, token: str = "ana-token", capabilities: Json = DECLARED, **more: Any) -> Inbound:
    least: Json = {"inputResponses": {}} if method == "tasks/update" else {}
    return ask(method, ident, token, capabilities, {"taskId": ident, **least, **more})


def result(answer: Answer) -> Json:
    assert answer.payload is not None
    return dict(answer.payload["result"])


def begun(stage: Stage) -> str:
    """Return our id of a task that a call of ana's became."""
    stage.answer = CREATED
    ident = result(stage.play(call()))["taskId"]
    stage.sent.clear()
    return str(ident)


def said(stage: Stage, answer: Json, message: Inbound) -> Answer:
    stage.answer = {"result": answer} if "error" not in answer else answer
    return stage.play(message)


# The id


def test_a_client_never_sees_the_server_s_id() -> None:
    stage = Stage({"result": {**TASK, "resultType": "task", "statusMessage": f"{RAW} runs", "requestState": "s"}})
    shown = result(stage.play(call()))
    assert RAW not in json.dumps(shown)
    assert (shown["resultType"], shown["status"], shown["ttlMs"]) == ("task", "working", 1000)
    assert "requestState" not in shown


def test_the_call_that_began_a_task_says_which() -> None:
    stage = Stage()
    ident = begun(stage)
    said(stage, TASK, about("tasks/get", ident))
    assert [each.task for each in stage.audit.ended] == [RAW, ""]


@pytest.mark.parametrize("method", METHODS)
def test_a_server_hears_its_own_id_for_the_tool_that_was_called(method: str) -> None:
    stage = Stage()
    ident = begun(stage)
    answer = said(stage, TASK, about(method, ident, inputResponses={"q": {"action": "accept"}}))
    (order,) = stage.sent
    assert (order.target.server, order.target.label, order.target.task) == ("files", "files.read", RAW)
    assert order.call.params["inputResponses"] == {"q": {"action": "accept"}}
    assert (result(answer)["taskId"], result(answer)["resultType"]) == (ident, "complete")
    assert RAW not in json.dumps(answer.payload)


def test_what_a_task_ended_with_is_inside_its_state() -> None:
    stage = Stage()
    ident = begun(stage)
    related = {"_meta": {"io.modelcontextprotocol/related-task": {"taskId": RAW}}}
    ended = {**TASK, "status": "completed", "resultType": "task", "result": {"content": [], **related}}
    shown = result(said(stage, ended, about("tasks/get", ident)))
    assert (shown["resultType"], shown["result"]) == ("complete", {"content": []})


def test_a_state_of_another_task_is_not_passed_on() -> None:
    stage = Stage()
    answer = said(stage, {**TASK, "taskId": "raw-task-2"}, about("tasks/get", begun(stage)))
    assert answer.payload is not None
    assert answer.payload["error"]["code"] == -31023


# Who may


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("ident", ["", "unknown"])
def test_who_declared_no_tasks_is_told_to(method: str, ident: str) -> None:
    """SEP-2663: before anything is said of the task itself."""
    stage = Stage()
    answer = stage.play(about(method, ident or begun(stage), capabilities={"elicitation": {}}))
    assert answer.payload is not None
    assert answer.status == 400
    assert answer.payload["error"]["code"] == -32021
    assert answer.payload["error"]["data"] == {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
    assert not stage.sent


def shaped(answer: Answer, ident: str) -> str:
    """Return an answer without the id that the client itself sent."""
    return json.dumps([answer.status, answer.payload]).replace(ident[:128], "ID")


@pytest.mark.parametrize("method", METHODS)
def test_every_task_that_one_may_not_have_is_the_same_unknown_task(method: str) -> None:
    """Ours: foreign, tampered, never been, of another endpoint, forgotten by the server, no longer allowed."""
    stage = Stage()
    ident = begun(stage)
    never = shaped(stage.play(about(method, "never")), "never")
    assert '"code": -32602' in never
    assert shaped(stage.play(about(method, ident, "bob-token")), ident) == never
    assert shaped(stage.play(about(method, ident[:-2] + "00")), ident[:-2] + "00") == never
    elsewhere = msgspec.structs.replace(about(method, ident), endpoint="/servers/files/mcp")
    assert shaped(stage.play(elsewhere), ident) == never
    assert not stage.sent
    if method != "tasks/update":
        forgotten = said(stage, {"error": {"code": -32602, "message": f"no {RAW}"}}, about(method, ident))
        assert shaped(forgotten, ident) == never
    stage.sent.clear()
    stage.snapshot = without_rules(stage)
    assert shaped(stage.play(about(method, ident)), ident) == never
    assert not stage.sent


def without_rules(stage: Stage) -> Any:
    surfaces = {}
    for key, surface in stage.snapshot.surfaces.items():
        targets = {
            name: target if target.kind is Kind.GATEWAY else msgspec.structs.replace(target, allows=())
            for name, target in surface.targets.items()
        }
        surfaces[key] = msgspec.structs.replace(surface, targets=targets)
    return msgspec.structs.replace(stage.snapshot, surfaces=surfaces)


def test_a_name_that_came_to_mean_another_tool_leads_to_no_task() -> None:
    stage = Stage()
    ident = begun(stage)
    surfaces = {}
    for key, surface in stage.snapshot.surfaces.items():
        other = surface.targets.get((Kind.TOOL, "files__drop"))
        moved = {(Kind.TOOL, "files__read"): other} if other else {}
        surfaces[key] = msgspec.structs.replace(surface, targets={**surface.targets, **moved})
    stage.snapshot = msgspec.structs.replace(stage.snapshot, surfaces=surfaces)
    answer = stage.play(about("tasks/get", ident))
    assert answer.payload is not None
    assert answer.payload["error"]["code"] == -32602


def test_the_answer_to_an_update_says_why_it_failed() -> None:
    stage = Stage()
    ident = begun(stage)
    answer = said(stage, {"error": {"code": -32602, "message": f"{RAW}: no"}}, about("tasks/update", ident))
    assert answer.payload is not None
    assert answer.payload["error"]["message"] == f"{ident}: no"


def test_asking_after_a_task_is_not_another_call() -> None:
    """Ours: a limit on a tool counts its calls, and waiting for the end of one must not use up the next."""
    stage = Stage()
    ident = begun(stage)
    assert [charge.bucket for charge in stage.paid[-1]] == ["rule:devs-read", "per-caller"]
    said(stage, TASK, about("tasks/get", ident))
    assert stage.paid[-1] == (tasks.POLLING,)


# Where there must be none


@pytest.mark.parametrize("capabilities", [{}, {"sampling": {"tools": {}}}, {"extensions": {"x/y": {}}}])
def test_a_task_that_nobody_declared_is_the_server_s_fault(capabilities: Json) -> None:
    """SEP-2663: never passed on, for the client would take it for the answer."""
    answer = Stage(CREATED).play(call(capabilities=capabilities))
    assert result(answer)["isError"] is True
    assert RAW not in json.dumps(answer.payload)


def test_a_session_of_the_handshake_era_has_no_tasks_whatever_it_declares() -> None:
    stage = Stage(CREATED)
    opening: Json = {
        "protocolVersion": "2025-11-25",
        "capabilities": {**DECLARED, "tasks": {}},
        "clientInfo": {"name": "t"},
    }
    opened = stage.play(handshake("initialize", **opening))
    session = opened.headers["mcp-session-id"]
    assert "extensions" not in result(opened)["capabilities"]
    answer = stage.play(handshake("tools/call", session, name="files__read", arguments={"path": "x"}))
    assert result(answer)["isError"] is True
    unknown = stage.play(handshake("tasks/get", session, taskId="x"))
    assert unknown.payload is not None
    assert unknown.payload["error"]["code"] == -32601


# What else the twelve steps see


def test_a_task_s_words_pass_the_guards() -> None:
    def masked(payload: Payload) -> Verdict:
        found = {text.path: "[masked]" for text in payload.texts if "secret" in text.value}
        return Redact("secrets", found) if found else Pass()

    stage = Stage(guards=(masked,))
    ended = {**TASK, "status": "completed", "result": {"content": [{"type": "text", "text": "a secret"}]}}
    shown = result(said(stage, ended, about("tasks/get", begun(stage))))
    assert shown["result"]["content"][0]["text"] == "[masked]"


def test_what_a_client_answers_a_task_passes_the_guards() -> None:
    def strict(payload: Payload) -> Verdict:
        return Block("secrets") if any("secret" in text.value for text in payload.texts) else Pass()

    stage = Stage(guards=(strict,))
    ident = begun(stage)
    answer = stage.play(about("tasks/update", ident, inputResponses={"q": {"content": {"a": "secret"}}}))
    assert answer.payload is not None
    assert answer.payload["error"]["code"] == -31006
    assert not stage.sent


# Two people behind one credential

SEALER = Sealer(bytes(32))


def client(offer: str = "tasks") -> Client:
    return Client(Era.MODERN, MODERN, {}, offer, {})


def surfaces() -> dict[str, Surface]:
    return {endpoint: surface for (endpoint, offer), surface in Stage().snapshot.surfaces.items() if not offer}


SURFACES = surfaces()
NAMES = {"/mcp": "files__read", "/servers/files/mcp": "read"}


def sealed_world() -> World:
    return msgspec.structs.replace(Stage().world, seal=SEALER)


WORLD = sealed_world()


def sealed(endpoint: str, subject: str, raw: str) -> str:
    """Return the id that a task of somebody's gets."""
    target = SURFACES[endpoint].targets[Kind.TOOL, NAMES[endpoint]]
    made = Call(1, "tools/call", target.exposed, {}, client())
    order = Order(made, target, known(subject, "dev"), 0.0, "ref", endpoint)
    answer = {"result": {**TASK, "taskId": raw, "resultType": "task"}}
    shown = tasks.shown(order, answer, WORLD, Trail(call(), "ref", 1, 0.0, 0.0))
    return str(shown["result"]["taskId"])


def task_of(ident: str, endpoint: str, subject: str) -> str | None:
    """Return the server's task that an id leads a person to."""
    target = tasks.addressed(
        Call(1, "tasks/get", ident, {}, client()), known(subject, "dev"), SURFACES[endpoint], WORLD
    )
    return target.task if target else None


ENDPOINTS, PEOPLE = st.sampled_from(sorted(NAMES)), st.sampled_from(["ana", "bob", "ana\nbob", ""])


@given(ENDPOINTS, ENDPOINTS, PEOPLE, PEOPLE, st.text(st.characters(categories=["L", "N", "P"]), min_size=1))
def test_an_id_leads_only_its_owner_to_the_task_and_only_at_its_endpoint(
    made_at: str, used_at: str, owner: str, user: str, raw: str
) -> None:
    ident = sealed(made_at, owner, raw)
    assert task_of(ident, used_at, user) == (raw if (made_at, owner) == (used_at, user) else None)


@given(st.data())
def test_no_mutation_of_an_id_leads_anywhere_else(data: st.DataObject) -> None:
    """Whatever is changed in ana's id, bob finds nothing with it, and ana nothing but her own task."""
    ident = sealed("/mcp", "ana", RAW)
    at = data.draw(st.integers(0, len(ident) - 1))
    letters = st.characters(codec="ascii", categories=["L", "N", "P"])
    kind = data.draw(st.sampled_from(["change", "cut", "grow", "splice"]))
    mine = sealed("/mcp", "bob", "raw-task-2")
    mutated = {
        "change": ident[:at] + data.draw(letters) + ident[at + 1 :],
        "cut": ident[:at],
        "grow": ident + data.draw(letters),
        "splice": mine[:at] + ident[at:],
    }[kind]
    assert task_of(mutated, "/mcp", "bob") in {None, "raw-task-2"}
    assert task_of(mutated, "/mcp", "ana") in {None, RAW}


@settings(max_examples=25)
@given(st.sampled_from(METHODS), st.recursive(st.just(RAW) | st.booleans(), lambda it: st.lists(it, max_size=3)))
def test_no_answer_about_a_task_tells_the_server_s_id_at_its_top(method: str, more: Any) -> None:
    stage = Stage()
    ident = begun(stage)
    shown = result(said(stage, {**TASK, "statusMessage": more}, about(method, ident)))
    assert shown["taskId"] == ident
    assert RAW not in str(shown["statusMessage"]) or not isinstance(more, str)

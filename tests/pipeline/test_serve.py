"""The life of a call, told as playbooks: what came in, what went out, what was written down."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from ostiary.core.errors import Limited, Unreachable
from ostiary.core.model import Answer, Inbound, Json, Order
from ostiary.core.ports import Back
from ostiary.core.screening import Block, Pass, Payload, Redact, Verdict
from ostiary.pipeline.serve import serve
from tests.pipeline.stage import Heard, Stage, call, handshake, post


def text_of(answer: Answer) -> str:
    assert answer.payload is not None
    return str(answer.payload["result"]["content"][0]["text"])


def code_of(answer: Answer) -> int:
    assert answer.payload is not None
    return int(answer.payload["error"]["code"])


def test_an_allowed_call_walks_the_steps_in_order_and_reaches_its_server_once() -> None:
    stage = Stage()
    answer = stage.play(call("files__read", path="/a"))
    assert answer.payload == {"jsonrpc": "2.0", "id": 1, "result": {"content": [], "resultType": "complete"}}
    assert stage.log == ["identify", "limit", "intent", "sent", "outcome", "metered"]
    assert [(order.target.server, order.target.name) for order in stage.sent] == [("files", "read")]
    assert stage.audit.ended[0].outcome == "answered"
    assert stage.released == 1


# The five properties that hold from the first day.


def test_without_a_credential_not_one_byte_of_the_body_is_read() -> None:
    async def trap() -> bytes:
        raise AssertionError("the body was read before the caller was known")

    stage = Stage()
    answer = stage.play(Inbound("POST", "/mcp", {}, frozenset(), None, "127.0.0.1", trap))
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert stage.audit.ended[0].outcome == "unauthenticated"


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        pytest.param(call("files__read", None, path="/a"), "unauthenticated", id="no token"),
        pytest.param(call("files__gone", path="/a"), "not_found", id="unknown tool"),
        pytest.param(call("files__drop", path="/a"), "not_found", id="a deny wins over an allow"),
        pytest.param(call("files__read", "eve-token", path="/a"), "not_found", id="no rule for this role"),
        pytest.param(call("crm__push"), "insufficient_scope", id="a scope short"),
        pytest.param(call("files__read"), "bad_arguments", id="a required argument is missing"),
        pytest.param(call("files__read", path="/a", mode="w"), "bad_arguments", id="an argument nobody declared"),
        pytest.param(call("files__read", path=1), "bad_arguments", id="an argument of the wrong type"),
        pytest.param(post("tools/fly"), "unknown_method", id="unknown method"),
        pytest.param(post("initialize"), "unknown_method", id="a method of the other era"),
    ],
)
def test_a_refused_call_never_reaches_a_server(message: Inbound, outcome: str) -> None:
    stage = Stage()
    stage.play(message)
    assert (stage.sent, stage.audit.begun) == ([], [])
    assert stage.audit.ended[0].outcome == outcome


def test_a_hidden_tool_and_a_missing_tool_look_the_same() -> None:
    hidden, missing = Stage().play(call("files__drop", path="/a")), Stage().play(call("files__gone", path="/a"))
    assert str(hidden.payload).replace("files__drop", "X") == str(missing.payload).replace("files__gone", "X")
    assert (hidden.status, hidden.headers) == (missing.status, missing.headers)
    assert code_of(hidden) == -32602


def test_what_is_listed_is_exactly_what_can_be_called() -> None:
    listed = Stage().play(post("tools/list")).payload
    assert listed is not None
    names = [tool["name"] for tool in listed["result"]["tools"]]
    every = ["files__read", "files__drop", "crm__push"]
    called = [name for name in every if "result" in (Stage().play(call(name, path="/a")).payload or {})]
    assert names == called == ["files__read"]


async def hung_up_on(stage: Stage) -> None:
    async def never(order: Order, back: Back) -> Json:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    stage.carry = never
    task = asyncio.create_task(stage.serve(call("files__read", path="/a")))
    async with asyncio.timeout(5):
        while not stage.sent:
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_client_that_hangs_up_still_leaves_a_record() -> None:
    stage = Stage()
    asyncio.run(hung_up_on(stage))
    assert len(stage.audit.begun) == 1
    assert stage.audit.ended[0].outcome == "abandoned"
    assert stage.released == 1


async def crashing(order: Order, back: Back) -> Json:
    raise RuntimeError("boom")


def test_a_step_that_crashes_stops_the_call_and_is_recorded() -> None:
    stage = Stage()
    stage.carry = crashing
    with pytest.raises(RuntimeError):
        asyncio.run(stage.serve(call("files__read", path="/a")))
    assert (stage.audit.ended[0].outcome, stage.audit.ended[0].detail) == ("fault", "RuntimeError")
    assert stage.released == 1


# Refusals that a model can read.


def test_bad_arguments_are_a_result_that_says_what_to_mend_and_the_ledger_keeps_no_value() -> None:
    stage = Stage()
    answer = stage.play(call("files__read", path=["secret-value"]))
    assert answer.status == 200
    assert "path" in text_of(answer)
    assert "ref-1" in text_of(answer)
    assert "secret-value" not in stage.audit.ended[0].detail


def test_a_limit_says_when_to_come_back() -> None:
    stage = Stage()

    async def spent(*_: object) -> object:
        raise Limited("per-caller", hint="per-caller allows 3 calls per 60 s", retry_after=12.5)

    stage.world = msgspec.structs.replace(stage.world, spend=spent)
    answer = stage.play(call("files__read", path="/a"))
    refusal = (answer.payload or {})["result"]["_meta"]["io.ostiary/refusal"]
    assert refusal == {"code": "limited", "reference": "ref-1", "retry_after": 12.5}
    assert answer.headers["retry-after"] == "13"


def test_a_server_that_is_away_is_told_in_public_words_and_its_details_stay_inside() -> None:
    stage = Stage()

    async def away(order: Order, back: Back) -> Json:
        raise Unreachable("connect to 10.1.2.3 refused")

    stage.carry = away
    answer = stage.play(call("files__read", path="/a"))
    assert "not reachable" in text_of(answer)
    assert "10.1.2.3" not in str(answer.payload)
    assert stage.audit.ended[0].detail == "connect to 10.1.2.3 refused"


def test_a_ledger_that_cannot_be_written_stops_calls() -> None:
    stage = Stage()
    stage.audit.full = True
    answer = stage.play(call("files__read", path="/a"))
    assert (answer.status, stage.sent) == (503, [])
    assert "retry-after" in answer.headers


@pytest.mark.parametrize(
    "answer", [{}, {"result": "text"}, {"result": None}, {"error": "no"}, {"error": {"code": "x"}}]
)
def test_an_answer_that_is_none_is_not_passed_on(answer: Json) -> None:
    stage = Stage(answer or {"neither": 1})
    assert "not usable" in text_of(stage.play(call("files__read", path="/a")))
    assert stage.audit.ended[0].outcome == "upstream_garbled"


# Guards.


def test_what_a_guard_replaces_is_replaced_both_ways_and_the_shape_survives() -> None:
    def hide(payload: Payload) -> Verdict:
        found = {text.path: "[hidden]" for text in payload.texts if "key" in text.value}
        return Redact("secret", found) if found else Pass()

    stage = Stage({"result": {"content": [{"type": "text", "text": "a key", "extra": None}]}}, guards=(hide,))
    answer = stage.play(call("files__read", path="key"))
    assert stage.sent[0].call.params["arguments"] == {"path": "[hidden]"}
    assert (answer.payload or {})["result"]["content"] == [{"type": "text", "text": "[hidden]", "extra": None}]
    assert stage.audit.ended[0].findings == ["guard-0: secret", "guard-0: secret"]


def test_what_a_guard_blocks_goes_nowhere() -> None:
    stage = Stage(guards=(lambda _: Block("injection"),))
    assert "Blocked by a guard" in text_of(stage.play(call("files__read", path="/a")))
    assert stage.sent == []


# The handshake era, by the same steps.


def opened(stage: Stage, capabilities: Json | None = None) -> str:
    answer = stage.play(
        handshake(
            "initialize", protocolVersion="2025-11-25", capabilities=capabilities or {}, clientInfo={"name": "test"}
        )
    )
    assert (answer.payload or {})["result"]["protocolVersion"] == "2025-11-25"
    return answer.headers["mcp-session-id"]


def test_a_session_is_opened_used_and_ended() -> None:
    stage = Stage()
    session = opened(stage)
    arguments = {"path": "/a"}
    answer = stage.play(handshake("tools/call", session, name="files__read", arguments=arguments))
    assert (answer.payload or {})["result"] == {"content": []}
    ended = Inbound("DELETE", "/mcp", {"mcp-session-id": session}, frozenset(), "ana-token", "", None)  # type: ignore[arg-type]

    async def story() -> list[int]:
        statuses = []
        for message in (_with_body(ended), handshake("ping", session)):
            heard = Heard()

            await serve(message, heard, stage.world)
            statuses.append(heard.answers[0].status)
        return statuses

    assert asyncio.run(story()) == [204, 404]


def _with_body(message: Inbound) -> Inbound:
    async def nothing() -> bytes:
        return b""

    return Inbound(
        message.verb, message.endpoint, message.headers, message.doubled, message.credential, message.peer, nothing
    )


def test_another_callers_session_looks_like_none() -> None:
    stage = Stage()
    session = opened(stage)
    stolen = handshake("ping", session)
    as_eve = Inbound("POST", "/mcp", stolen.headers, frozenset(), "eve-token", "", stolen.body)
    assert stage.play(as_eve).status == 404


def test_a_servers_question_goes_to_the_client_of_that_call_and_its_answer_back() -> None:
    stage = Stage()
    session = opened(stage, {"elicitation": {}})

    async def asks(order: Order, back: Back) -> Json:
        answer = await back.ask("elicitation/create", {"message": "how many?", "requestedSchema": {}})
        return {"result": {"content": [{"type": "text", "text": str(answer["result"]["content"]["n"])}]}}

    stage.carry = asks

    async def story() -> Heard:

        heard = Heard()
        running = asyncio.create_task(
            serve(handshake("tools/call", session, name="files__read", arguments={"path": "/a"}), heard, stage.world)
        )
        async with asyncio.timeout(5):
            while not heard.before:
                await asyncio.sleep(0)
            asked = heard.before[0]
            reply = Heard()
            body = {"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept", "content": {"n": 3}}}
            posted = json.dumps(body).encode()

            async def read_posted() -> bytes:
                return posted

            message = Inbound("POST", "/mcp", {"mcp-session-id": session}, frozenset(), "ana-token", "", read_posted)
            await serve(message, reply, stage.world)
            assert reply.answers[0].status == 202
            await running
        return heard

    heard = asyncio.run(story())
    assert text_of(heard.answers[0]) == "3"


@pytest.mark.requirement("MCP-24")
def test_what_a_client_did_not_declare_is_never_asked_of_it() -> None:
    stage = Stage()
    session = opened(stage)

    async def asks(order: Order, back: Back) -> Json:
        answer = await back.ask("sampling/createMessage", {"messages": []})
        assert "did not declare" in answer["error"]["message"]
        return {"result": {"content": []}}

    stage.carry = asks
    answer = stage.play(handshake("tools/call", session, name="files__read", arguments={"path": "/a"}))
    assert "result" in (answer.payload or {})

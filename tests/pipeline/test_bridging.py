"""Questions of servers across eras: suspended calls, states that are sealed, questions put as requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import pytest

from ostiary.core.model import Answer, Inbound, Json, Order, Timeouts
from ostiary.core.ports import Back
from ostiary.pipeline.serve import serve
from ostiary.pipeline.suspend import Suspensions
from ostiary.protocol.modern import CAPABILITIES, VERSION
from tests.pipeline.stage import CALLERS, Heard, Stage, handshake, known, whole

FORM = {"elicitation": {"form": {}}, "roots": {}, "sampling": {}}
ASK = {"message": "Who?", "requestedSchema": {"type": "object", "properties": {}}}
DONE = {"result": {"content": [{"type": "text", "text": "done"}], "resultType": "complete"}}


def asking(token: str = "ana-token", capabilities: Json = FORM, name: str = "files__read", **more: Any) -> Inbound:
    """Return a modern tools/call of a client that can be asked."""
    arguments = more.pop("arguments", {"path": "/a"})
    params = {
        "name": name,
        "arguments": arguments,
        **more,
        "_meta": {VERSION: "2026-07-28", CAPABILITIES: capabilities},
    }
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": name}
    return Inbound("POST", "/mcp", headers, frozenset(), token, "127.0.0.1", whole(body))


class Old:
    """A handshake-era server: it asks in the middle of a call, and counts how often it was called."""

    def __init__(self, *questions: tuple[str, Json]) -> None:
        self.questions, self.heard, self.calls, self.cancelled = questions, list[Json](), 0, 0

    async def carry(self, _order: Order, back: Back) -> Json:
        self.calls += 1
        try:
            for method, params in self.questions:
                await back.notify("notifications/progress", {"progressToken": 1, "progress": self.calls})
                self.heard.append(await back.ask(method, params))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return DONE


def played(stage: Stage, story: Callable[[Callable[[Inbound], Awaitable[Answer]]], Awaitable[None]]) -> None:
    """Play several messages in one event loop."""

    async def say(message: Inbound) -> Answer:
        return (await stage.serve(message)).answers[0]

    asyncio.run(asyncio.wait_for(_told(story, say), 10))


async def _told(story: Callable[..., Awaitable[None]], say: Any) -> None:
    await story(say)


def result(answer: Answer) -> Mapping[str, Any]:
    assert answer.payload is not None
    assert "result" in answer.payload, answer.payload
    found: Mapping[str, Any] = answer.payload["result"]
    return found


def error(answer: Answer) -> Mapping[str, Any]:
    assert answer.payload is not None
    assert "error" in answer.payload, answer.payload
    found: Mapping[str, Any] = answer.payload["error"]
    return found


@pytest.mark.requirement("MCP-22")
def test_a_suspended_call_goes_on_with_its_retry_and_is_made_once() -> None:
    """2026-07-28, Multi Round-Trip Requests; checklist 22."""
    stage, old = Stage(), Old(("elicitation/create", ASK), ("roots/list", {}))
    stage.carry = old.carry

    async def story(say: Any) -> None:
        first = result(await say(asking()))
        assert first["resultType"] == "input_required"
        [(key, question)] = first["inputRequests"].items()
        assert question == {"method": "elicitation/create", "params": ASK}
        accepted = {key: {"action": "accept", "content": {}}}
        second = result(await say(asking(requestState=first["requestState"], inputResponses=accepted)))
        [(key, question)] = second["inputRequests"].items()
        assert question["method"] == "roots/list"
        last = result(
            await say(asking(requestState=second["requestState"], inputResponses={key: {"roots": []}, "other": {}}))
        )
        assert last["content"] == DONE["result"]["content"]
        assert "ttlMs" not in first
        assert len(stage.world.suspensions) == 0

    played(stage, story)
    assert old.calls == 1
    assert old.heard == [{"result": {"action": "accept", "content": {}}}, {"result": {"roots": []}}]
    assert [trail.outcome for trail in stage.audit.ended] == ["input_required", "input_required", "answered"]
    assert stage.log.count("intent") == 3


@pytest.mark.requirement("MCP-25")
@pytest.mark.parametrize(
    "retry",
    [
        {"token": "bob-token"},
        {"arguments": {"path": "/b"}},
        {"requestState": "state.00"},
        {"requestState": "nothing"},
        {"requestState": 7},
        {"inputResponses": {"question1": "yes"}},
        {"inputResponses": []},
    ],
    ids=["another principal", "other arguments", "tampered", "not ours", "no string", "no answer", "no answers"],
)
def test_a_retry_that_is_not_the_callers_own_changes_nothing(retry: dict[str, Any], monkeypatch: Any) -> None:
    """Checklist 25: refused, nothing executed, and the call still waits for its own client."""
    monkeypatch.setitem(CALLERS, "bob-token", known("bob", "dev"))
    stage, old = Stage(), Old(("elicitation/create", ASK))
    stage.carry = old.carry

    async def story(say: Any) -> None:
        first = result(await say(asking()))
        answers = {"question1": {"action": "accept"}}
        good = {"requestState": first["requestState"], "inputResponses": answers}
        refused = await say(asking(**{**good, **retry}))
        assert refused.status == 400
        assert error(refused)["code"] == -32602
        assert old.heard == []
        assert result(await say(asking(**good)))["content"]

    played(stage, story)
    assert old.calls == 1


def test_a_state_can_be_used_once() -> None:
    """Ours: a second retry would otherwise answer a question that the first has answered."""
    stage, old = Stage(), Old(("elicitation/create", ASK))
    stage.carry = old.carry

    async def story(say: Any) -> None:
        first = result(await say(asking()))
        good = {"requestState": first["requestState"], "inputResponses": {"question1": {"action": "decline"}}}
        assert result(await say(asking(**good)))["content"]
        assert error(await say(asking(**good)))["code"] == -32602

    played(stage, story)
    assert old.calls == 1


def test_what_was_not_answered_is_asked_again() -> None:
    """2026-07-28: missing answers are asked for again, and are no error."""
    stage, old = Stage(), Old(("elicitation/create", ASK))
    stage.carry = old.carry

    async def story(say: Any) -> None:
        first = result(await say(asking()))
        again = result(await say(asking(requestState=first["requestState"])))
        assert again["inputRequests"] == first["inputRequests"]
        answers = {"question1": {"action": "cancel"}}
        assert result(await say(asking(requestState=again["requestState"], inputResponses=answers)))["content"]

    played(stage, story)
    assert old.calls == 1


@pytest.mark.requirement("MCP-24")
def test_nobody_is_asked_what_they_did_not_declare() -> None:
    """Checklist 24."""
    stage, old = Stage(), Old(("sampling/createMessage", {"messages": [], "maxTokens": 1}))
    stage.carry = old.carry
    answer = stage.play(asking(capabilities={"elicitation": {}}))
    assert result(answer)["content"]
    assert "error" in old.heard[0]


def test_addresses_that_are_not_of_the_web_are_never_put_to_a_user() -> None:
    """Checklist 61: a client opens what it is given."""
    stage, old = Stage(), Old(("elicitation/create", {"mode": "url", "url": "javascript:alert(1)", "message": "go"}))
    stage.carry = old.carry
    assert result(stage.play(asking(capabilities={"elicitation": {"url": {}}})))["content"]
    assert "http" in old.heard[0]["error"]["message"]


@pytest.mark.requirement("MCP-26")
def test_abandoned_calls_end_and_the_server_is_told() -> None:
    """Checklist 26."""
    stage, old = Stage(), Old(("elicitation/create", ASK), ("roots/list", {}))
    stage.carry = old.carry
    stage.snapshot = msgspec.structs.replace(stage.snapshot, timeouts=Timeouts(answer=0.01))

    async def story(say: Any) -> None:
        first = result(await say(asking()))
        while not old.heard:
            await asyncio.sleep(0.01)
        assert old.heard == [{"result": {"action": "cancel"}}]
        assert len(stage.world.suspensions) == 0
        late = await say(asking(requestState=first["requestState"], inputResponses={"question1": {"action": "accept"}}))
        assert error(late)["code"] == -32602

    played(stage, story)
    assert old.calls == 1


@pytest.mark.requirement("MCP-26")
def test_a_principal_has_a_bounded_number_of_suspended_calls() -> None:
    """Checklist 26: the cap; the call beyond it is ended and the caller told."""
    stage, old = Stage(), Old(("elicitation/create", ASK))
    stage.carry = old.carry

    async def story(say: Any) -> None:
        for _ in range(32):
            assert result(await say(asking()))["resultType"] == "input_required"
        refused = await say(asking())
        assert refused.status == 503
        assert "retry-after" in refused.headers
        stage.world.suspensions.close()
        assert len(stage.world.suspensions) == 0

    stage.world = msgspec.structs.replace(
        stage.world, suspensions=Suspensions(iter(f"h{number}" for number in range(99)).__next__)
    )
    played(stage, story)


@pytest.mark.requirement("MCP-27")
def test_a_client_that_hangs_up_cancels_the_call() -> None:
    """2026-07-28, Cancellation; checklist 27: also while the retry waits."""
    stage, begun = Stage(), asyncio.Event()
    ended: list[str] = []

    async def carry(_order: Order, _back: Back) -> Json:
        begun.set()
        try:
            return await asyncio.Event().wait()  # type: ignore[return-value]
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    stage.carry = carry

    async def story(_say: Any) -> None:
        task = asyncio.create_task(stage.serve(asking()))
        await begun.wait()
        task.cancel()
        await asyncio.wait({task})
        await asyncio.sleep(0)
        assert task.cancelled()

    played(stage, story)
    assert ended == ["cancelled"]
    assert stage.audit.ended[0].outcome == "abandoned"


@pytest.mark.requirement("MCP-25")
def test_a_modern_servers_state_travels_inside_ours() -> None:
    """Checklist 25, mcp.md 2.5: the server sees one credential for all, so its state alone proves nothing."""
    stage = Stage({"result": {"resultType": "input_required", "requestState": "theirs"}})

    async def story(say: Any) -> None:
        first = result(await say(asking(capabilities={})))
        assert first["requestState"] != "theirs"
        await say(asking(capabilities={}, requestState=first["requestState"]))
        assert stage.sent[1].call.params["requestState"] == "theirs"
        assert error(await say(asking(capabilities={}, requestState="theirs")))["code"] == -32602
        assert len(stage.sent) == 2

    played(stage, story)


@pytest.mark.requirement("MCP-25")
def test_a_state_expires() -> None:
    stage = Stage({"result": {"resultType": "input_required", "requestState": "theirs"}})

    async def story(say: Any) -> None:
        first = result(await say(asking()))
        stage.world = msgspec.structs.replace(stage.world, time=lambda: 601.0)
        assert "expired" in error(await say(asking(requestState=first["requestState"])))["message"]

    played(stage, story)


@pytest.mark.parametrize(
    "made",
    [
        {"inputRequests": {}},
        {"inputRequests": []},
        {"requestState": 1},
        {"inputRequests": {"a": {"method": "roots/list"}}},
        {"inputRequests": {"a": {"method": "tools/call", "params": {}}}},
        {"inputRequests": {"a": {"method": "elicitation/create", "params": []}}},
        {"requestState": "x" * 70_000},
    ],
)
def test_an_input_required_result_that_may_not_be_is_the_servers_fault(made: Json) -> None:
    """Checklist 24; the answer says whose fault it is."""
    stage = Stage({"result": {"resultType": "input_required", **made}})
    answer = stage.play(asking(capabilities={"elicitation": {}}))
    assert result(answer)["isError"] is True
    assert result(answer)["_meta"]["io.ostiary/refusal"]["code"] == "upstream_garbled"


@pytest.mark.requirement("MCP-20")
def test_a_url_that_is_needed_first_becomes_a_question_and_the_retry_calls_again() -> None:
    """2025-11-25's -32042 never reaches a modern client; checklist 20."""
    needed = {"mode": "url", "elicitationId": "1", "url": "https://id.example/go", "message": "Sign in"}
    stage = Stage({"error": {"code": -32042, "message": "first", "data": {"elicitations": [needed]}}})

    async def story(say: Any) -> None:
        url = {"elicitation": {"url": {}}}
        first = result(await say(asking(capabilities=url)))
        [question] = first["inputRequests"].values()
        assert question["params"] == {"mode": "url", "url": "https://id.example/go", "message": "Sign in"}
        await say(asking(capabilities=url, requestState=first["requestState"], inputResponses={"url1": {}}))
        assert not {"requestState", "inputResponses"} & stage.sent[1].call.params.keys()
        assert error(await say(asking(capabilities={"elicitation": {}})))["code"] != -32042

    played(stage, story)


# A handshake-era client and a modern server


class Answering(Heard):
    """A handshake-era client that answers each question on its stream."""

    def __init__(self, stage: Stage, session: str, answers: Json) -> None:
        super().__init__()
        self._stage, self._session, self._answers = stage, session, answers

    async def put(self, message: Json) -> None:
        await super().put(message)
        if "id" in message:
            answer = {"jsonrpc": "2.0", "id": message["id"], **self._answers[message["method"]]}
            body = whole(json.dumps(answer).encode())
            headers = {"mcp-session-id": self._session}
            await self._stage.serve(Inbound("POST", "/mcp", headers, frozenset(), "ana-token", "127.0.0.1", body))


async def opened(stage: Stage, capabilities: Json) -> str:
    info = {"name": "old", "version": "1"}
    heard = await stage.serve(
        handshake("initialize", protocolVersion="2025-11-25", capabilities=capabilities, clientInfo=info)
    )
    return heard.answers[0].headers["mcp-session-id"]


async def conversed(stage: Stage, answers: Json, capabilities: Json = FORM) -> Answering:
    session = await opened(stage, capabilities)
    heard = Answering(stage, session, answers)
    message = handshake("tools/call", session, name="files__read", arguments={"path": "/a"})
    await serve(message, heard, stage.world)
    return heard


class New:
    """A modern server that asks in its result, `rounds` times."""

    def __init__(self, rounds: int, requests: Json) -> None:
        self.rounds, self.requests, self.seen = rounds, requests, list[Json]()

    async def carry(self, order: Order, _back: Back) -> Json:
        self.seen.append(order.call.params)
        if len(self.seen) > self.rounds:
            return DONE
        state = f"round{len(self.seen)}"
        return {"result": {"resultType": "input_required", "inputRequests": self.requests, "requestState": state}}


QUESTIONS = {"name": {"method": "elicitation/create", "params": ASK}, "where": {"method": "roots/list"}}
ANSWERS = {
    "elicitation/create": {"result": {"action": "accept", "content": {}}},
    "roots/list": {"result": {"roots": []}},
}


@pytest.mark.requirement("MCP-23")
def test_a_handshake_client_is_asked_by_requests_on_its_own_stream() -> None:
    """Checklist 23."""
    stage, new = Stage(), New(2, QUESTIONS)
    stage.carry = new.carry
    heard = asyncio.run(conversed(stage, ANSWERS))
    assert [each["method"] for each in heard.before] == ["elicitation/create", "roots/list"] * 2
    assert result(heard.answers[0]) == {"content": DONE["result"]["content"]}
    assert new.seen[2]["requestState"] == "round2"
    assert new.seen[2]["inputResponses"] == {key: ANSWERS[each["method"]]["result"] for key, each in QUESTIONS.items()}
    assert stage.log.count("intent") == 1


@pytest.mark.requirement("MCP-23")
def test_a_server_that_asks_without_end_is_stopped() -> None:
    """Checklist 23: the loop is capped."""
    stage, new = Stage(), New(99, QUESTIONS)
    stage.carry = new.carry
    heard = asyncio.run(conversed(stage, ANSWERS))
    assert "without end" in result(heard.answers[0])["content"][0]["text"]
    assert len(new.seen) == 10


def test_a_refusal_to_sample_ends_the_call_with_words() -> None:
    requests = {"text": {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1}}}
    stage, new = Stage(), New(1, requests)
    stage.carry = new.carry
    no = {"sampling/createMessage": {"error": {"code": -1, "message": "User rejected"}}}
    heard = asyncio.run(conversed(stage, no))
    assert result(heard.answers[0])["_meta"]["io.ostiary/refusal"]["code"] == "not_carried"
    assert len(new.seen) == 1


def test_a_failed_form_counts_as_cancelled() -> None:
    stage, new = Stage(), New(1, {"name": QUESTIONS["name"]})
    stage.carry = new.carry
    asyncio.run(conversed(stage, {"elicitation/create": {"error": {"code": -1, "message": "no"}}}))
    assert new.seen[1]["inputResponses"] == {"name": {"action": "cancel"}}

"""The swift way says what `serve` says, to the client and to the ledger, and what it cannot say it leaves to `serve`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.core.errors import GatewayError, Limited, Lost, Unreachable
from ostiary.core.model import Answer, Caller, Charge, Inbound, Json, Order, Target
from ostiary.core.ports import Back, Reply, Settle
from ostiary.core.trail import Trail
from ostiary.pipeline import swift
from ostiary.pipeline.flight import Flight, Rest, Told
from ostiary.pipeline.serve import serve
from ostiary.pipeline.swift import Regular, Swift
from ostiary.protocol.modern import CAPABILITIES, INFO, VERSION
from ostiary.protocol.reading import read
from tests.pipeline.stage import CALLERS, Heard, Stage, call, post

NAME = "files__read"
META: Json = {VERSION: "2026-07-28", CAPABILITIES: {}}


class Way:
    """A line to a stage's server that answers at once, when it is told to, or never."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.open, self.now = stage, True, True
        self.told: Told | None = None
        self.abandoned = self.held = 0
        self.sent: list[bytes] = []

    def hold(self) -> Way | None:
        self.held += self.open
        return self if self.open else None

    def send(self, arguments: bytes, deadline: float, told: Told) -> None:
        self.told = told
        self.stage.log.append("sent")
        self.sent.append(arguments)
        if self.now:
            self.tell()

    def tell(self) -> None:
        assert self.told is not None
        try:
            self.told.answered(asyncio.run(self.stage.carry(None, None)) if self.stage.carry else self.stage.answer)  # type: ignore[arg-type]
        except GatewayError as error:
            self.told.failed(error)

    def abandon(self) -> None:
        self.abandoned += 1


class Ground:
    """Where a flight lands."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.rest: Callable[[Reply], Awaitable[None]] | None = None

    def finish(self, answer: Answer) -> int:
        self.answers.append(answer)
        return 0

    def linger(self, rest: Callable[[Reply], Awaitable[None]]) -> None:
        self.rest = rest


class Runway(Stage):
    """A stage whose callers were here before."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, Caller] = dict(CALLERS)
        self.way, self.ground, self.broke, self.full = Way(self), Ground(), False, False
        self.swift = Swift(self.world, self.acquainted, self.owing, self.line, lambda _trail: b"told")

    def acquainted(self, message: Inbound) -> Callable[[], Caller | None] | None:
        return lambda: self.known.get(message.credential or "")

    def pay(self, charges: tuple[Charge, ...], caller: Caller) -> Settle:
        self.log.append("limit")
        if self.broke:
            raise Limited("devs-read", hint="too many", retry_after=2.0)
        self.paid.append(charges)
        return self.settled

    def owing(self, charges: tuple[Charge, ...], caller: Caller, _message: Inbound) -> Callable[[], Settle | None]:
        return lambda: None if self.full else self.pay(charges, caller)

    def settled(self, _trail: Trail | None) -> None:
        self.released += 1

    async def spend(self, charges: tuple[Charge, ...], caller: Caller, message: Inbound | None = None) -> Settle:
        return self.pay(charges, caller)

    def line(self, target: Target) -> Way | None:
        return self.way if target.server == "files" else None

    def settle(self, message: Inbound | None = None) -> Regular:
        """Let `serve` carry a message, keep what it said, and forget that it was carried."""
        answer, self.answer = self.answer, {"result": {"content": [], "resultType": "complete"}}
        carry, self.carry = self.carry, None
        message = message or call(NAME, path="/first")
        trail = asyncio.run(serve(message, Heard(), self.world))
        regular = self.swift.regular(trail) or Regular(trail.message, self.snapshot, CALLERS["ana-token"], lambda: None)
        self.swift.plan(regular, trail, asyncio.run(read_whole(message)))
        self.answer, self.carry, self.released = answer, carry, 0
        self.log.clear()
        for each in (self.sent, self.paid, self.audit.begun, self.audit.ended):
            each.clear()
        return regular

    def begin(self, regular: Regular, body: bytes) -> Flight | None:
        return self.swift.begin(regular, NAME, body, self.ground)


async def read_whole(message: Inbound) -> bytes:
    return await message.body()


def body_of(arguments: Any = None, /, ident: Any = 1, meta: Json = META, **more: Any) -> bytes:
    params = {"name": NAME, "arguments": {"path": "/a"} if arguments is None else arguments, "_meta": meta}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": ident, "method": "tools/call", "params": params, **more})


def told(trail: Trail) -> tuple[Any, ...]:
    label = trail.target.label if trail.target is not None else None
    return trail.outcome, trail.detail, label, trail.decision, trail.caller, trail.revision, trail.intended, trail.call


def full(stage: Stage) -> None:
    stage.audit.full = True


def broke(stage: Stage) -> None:
    assert isinstance(stage, Runway)
    stage.broke = True


def answers(raw: Json) -> Callable[[Stage], None]:
    return lambda stage: setattr(stage, "answer", raw)


def fails(error: Exception) -> Callable[[Stage], None]:
    async def carry(_order: Order, _back: Back) -> Json:
        raise error

    return lambda stage: setattr(stage, "carry", carry)


def nothing(_stage: Stage) -> None:
    """Leave everything as it is."""


CASES = {
    "an answer": (nothing, {"path": "/a"}),
    "a tool's error": (answers({"result": {"content": [], "isError": True}}), {"path": "/a"}),
    "a text": (answers({"result": {"content": [{"type": "text", "text": "né"}], "odd": None}}), {"path": "/a"}),
    "a link": (answers({"result": {"content": [{"type": "resource_link", "uri": "note://x"}]}}), {"path": "/a"}),
    "a server's error": (answers({"error": {"code": -32603, "message": "no"}}), {"path": "/a"}),
    "an error of the other era": (answers({"error": {"code": -32002, "message": "no"}}), {"path": "/a"}),
    "no answer at all": (answers({"odd": 1}), {"path": "/a"}),
    "an error that is none": (answers({"error": "no"}), {"path": "/a"}),
    "a question": (
        answers({"result": {"resultType": "input_required", "inputRequests": {}, "requestState": "s"}}), {"path": "/a"},
    ),
    "a task that nobody asked for": (answers({"result": {"resultType": "task", "taskId": "t"}}), {"path": "/a"}),
    "arguments that do not fit": (nothing, {"path": 7}),
    "arguments that nobody declared": (nothing, {"path": "/a", "other": 1}),
    "a full disk": (full, {"path": "/a"}),
    "a limit": (broke, {"path": "/a"}),
    "an unreachable server": (fails(Unreachable("refused")), {"path": "/a"}),
    "a lost connection": (fails(Lost("within the answer")), {"path": "/a"}),
}  # fmt: skip


@pytest.mark.parametrize(("prepare", "arguments"), CASES.values(), ids=CASES.keys())
def test_both_ways_say_the_same_to_the_client_and_to_the_ledger(
    prepare: Callable[[Stage], None], arguments: Json
) -> None:
    slow, quick = Runway(), Runway()
    regulars = [slow.settle(), quick.settle()]
    prepare(slow)
    prepare(quick)
    said = slow.play(call(NAME, **arguments))
    flight = quick.begin(regulars[1], body_of(arguments))
    assert flight is not None
    assert msgspec.json.encode(quick.ground.answers) == msgspec.json.encode([said])
    assert [told(each) for each in quick.audit.ended] == [told(each) for each in slow.audit.ended]
    assert [told(each) for each in quick.audit.begun] == [told(each) for each in slow.audit.begun]
    assert quick.log == [line for line in slow.log if line != "identify"]
    assert quick.released == slow.released
    assert quick.world.links.servers("note://x", CALLERS["ana-token"], ["files"]) == (
        slow.world.links.servers("note://x", CALLERS["ana-token"], ["files"])
    )


ODD = {
    "another tool": body_of().replace(b"files__read", b"files__drop"),
    "another envelope": body_of(meta={**META, "progressToken": 1}),
    "somebody's trace": body_of(meta={**META, "traceparent": "00-1"}),
    "what the client can do": body_of(meta={**META, CAPABILITIES: {"elicitation": {}}}),
    "arguments that are no object": body_of([1]),
    "no id": body_of().replace(b'"id":1,', b""),
    "an id that is true": body_of(ident=True),
    "another version of JSON-RPC": body_of().replace(b'"2.0"', b'"1.0"'),
    "another method": body_of().replace(b"tools/call", b"tools/list"),
    "one member more": body_of(more=1),
    "one parameter more": body_of().replace(b'"name"', b'"task":{},"name"'),
    "a doubled key": body_of().replace(b'"id":1', b'"id":2,"id":1'),
    "a doubled argument": body_of().replace(b'"path"', b'"path":1,"path"'),
    "a batch": b"[" + body_of() + b"]",
    "parameters that are no object": b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}',
    "no JSON": b"{",
    "nothing": b"",
    "too deep": body_of({"path": json.loads("[" * 70 + "]" * 70)}),
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD.keys())
def test_what_no_plan_covers_is_declined_before_anything_happened(body: bytes) -> None:
    stage = Runway()
    regular = stage.settle()
    assert stage.begin(regular, body) is None
    assert (stage.log, stage.ground.answers, stage.audit.ended) == ([], [], [])


def revoked(stage: Runway) -> None:
    stage.known.clear()


def known_anew(stage: Runway) -> None:
    stage.known["ana-token"] = msgspec.structs.replace(CALLERS["ana-token"], roles=frozenset({"guest"}))


def swapped(stage: Runway) -> None:
    stage.snapshot = msgspec.structs.replace(stage.snapshot, revision=8)


def closed(stage: Runway) -> None:
    stage.way.open = False


@pytest.mark.parametrize("change", [revoked, known_anew, swapped, closed])
def test_a_plan_ends_with_what_it_rests_on(change: Callable[[Runway], None]) -> None:
    stage = Runway()
    regular = stage.settle()
    change(stage)
    assert stage.begin(regular, body_of()) is None
    assert stage.log == []


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(call("files__drop", path="/a"), id="refused"),
        pytest.param(call("crm__push"), id="a server that has no line"),
        pytest.param(post("tools/list"), id="a listing"),
        pytest.param(post("prompts/get", name="files__greet"), id="a prompt"),
    ],
)
def test_nothing_is_planned_for_what_serve_has_to_carry(message: Inbound) -> None:
    stage = Runway()
    assert not any(stage.settle(message).plans.values())


def test_who_was_not_let_in_leaves_nothing_behind() -> None:
    """A credential that is good elsewhere, and was refused here, must not be taken for one that was let in."""
    stage = Runway()
    stage.known["odd-token"] = CALLERS["ana-token"]
    trail = asyncio.run(serve(call(NAME, "odd-token", path="/a"), Heard(), stage.world))
    assert trail.outcome == "unauthenticated"
    assert stage.swift.regular(trail) is None


def test_a_client_that_hangs_up_leaves_a_record_and_tells_the_server() -> None:
    stage = Runway()
    regular = stage.settle()
    stage.way.now = False
    flight = stage.begin(regular, body_of())
    assert flight is not None
    assert stage.log == ["limit", "intent", "sent"]
    flight.abandon()
    assert (stage.way.abandoned, stage.released) == (1, 1)
    assert [each.outcome for each in stage.audit.ended] == ["abandoned"]


def test_a_call_that_limits_would_have_wait_is_declined_before_anything_happened() -> None:
    stage = Runway()
    regular = stage.settle()
    stage.full = True
    assert stage.begin(regular, body_of()) is None
    assert (stage.way.sent, stage.way.abandoned, stage.log, stage.released) == ([], 1, [], 0)


def test_a_step_that_crashes_is_a_fault_with_a_record() -> None:
    stage = Runway()
    regular = stage.settle()

    def crash(_trail: Trail) -> None:
        raise RuntimeError("out of luck")

    stage.audit.begin = crash  # type: ignore[method-assign,assignment]
    assert stage.begin(regular, body_of()) is not None
    assert [each.status for each in stage.ground.answers] == [500]
    assert [(each.outcome, each.detail) for each in stage.audit.ended] == [("fault", "RuntimeError")]
    assert stage.released == 1


@pytest.mark.parametrize("error", [None, Unreachable("gone"), RuntimeError("odd"), asyncio.CancelledError()])
def test_an_answer_that_takes_its_time_ends_as_others_do(error: BaseException | None) -> None:
    stage = Runway()
    regular = stage.settle()
    stage.way.now = False
    flight = stage.begin(regular, body_of())
    assert flight is not None

    async def rest(_order: Order, back: Back) -> Json:
        await back.notify("notifications/message", {"data": 1})
        if error is not None:
            raise error
        return stage.answer

    heard = Heard()

    async def attend(rest: Rest) -> None:
        flight.slow(rest)
        assert stage.ground.rest is not None
        await stage.ground.rest(heard)

    if error is None or isinstance(error, GatewayError):
        asyncio.run(attend(rest))
    else:
        with pytest.raises(type(error)):
            asyncio.run(attend(rest))
    assert len(heard.before) == 1
    outcome = {type(None): "answered", Unreachable: "upstream_unreachable", RuntimeError: "fault"}.get(
        type(error), "abandoned"
    )
    assert [each.outcome for each in stage.audit.ended] == [outcome]
    assert len(heard.answers) == (error is None or isinstance(error, GatewayError))


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False), st.text())
REGULAR = Runway().settle()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@settings(deadline=None)
@given(
    arguments=VALUES,
    ident=st.one_of(SCALARS, st.lists(st.integers())),
    meta=st.sampled_from([META, {**META, INFO: {"name": "x"}}, {**META, "progressToken": 1}, {VERSION: "2026-07-28"}]),
    swaps=st.lists(st.tuples(st.binary(max_size=3), st.integers(0, 250)), max_size=2),
)
def test_what_is_read_again_is_what_reading_would_have_read(
    arguments: Any, ident: Any, meta: Json, swaps: list[tuple[bytes, int]]
) -> None:
    plan = REGULAR.plans[NAME]
    assert plan is not None
    try:
        body = body_of(arguments, ident=ident, meta=meta)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return
    for piece, at in swaps:
        body = body[:at] + piece + body[at + len(piece) :]
    again = swift._again(body, 64, NAME, plan)
    if again is not None:
        message = call(NAME)
        carried, text = again
        assert carried == read(message, body, 64, lambda _token: carried.client)
        assert text == msgspec.json.encode(carried.params["arguments"])

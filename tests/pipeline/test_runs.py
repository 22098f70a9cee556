"""Rules that look at what a run has met: labels are remembered when a call leaves, and decide about the next one."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.model import Answer, Inbound, Json, Kind, Order
from ostiary.core.ports import Back
from ostiary.core.screening import Block, Note, Pass, Payload, Screen, Side, Verdict
from ostiary.core.trail import Trail
from ostiary.protocol.modern import INFO
from tests.pipeline.stage import CALLERS, Stage, call, handshake, known, looking, post, whole
from tests.pipeline.streams import session_of

TEXT = """
gateway: {url: "http://127.0.0.1:8080", runs: {by: BY, window: 1h}}
servers:
  files:
    command: [files]
    reads: private
    sends: nothing
    changes: false
    tools: {drop: {reads: untrusted}}
  crm: {command: [crm], reads: nothing, changes: false}
rules:
  - {name: all, allow: ["*"], roles: [dev]}
  RULES
limits: [{name: per-caller, per: caller, concurrent: 2}]
"""
TRIFECTA = '- {name: trifecta, deny: ["*"], sends: outside, after: [private, untrusted]}'
READ, FETCH, SEND = call("files__read", path="/a"), call("files__drop", path="/a"), call("crm__push")
TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLERS["bob-token"] = known("bob", "dev")


def staged(by: str = "caller", rules: str = TRIFECTA) -> Stage:
    return Stage(text=TEXT.replace("BY", by).replace("RULES", rules))


def body(answer: Answer) -> dict[str, Any]:
    assert answer.payload is not None
    return dict(json.loads(json.dumps(answer.payload)))


def passed(stage: Stage, message: Inbound) -> bool:
    """Say whether a call reached its server."""
    before = len(stage.sent)
    stage.play(message)
    return len(stage.sent) > before


def refusal(stage: Stage, message: Inbound) -> str:
    """Return what a model reads where a call is refused."""
    result = body(stage.play(message))["result"]
    assert result["isError"] is True
    return str(result["content"][0]["text"])


def of(message: Inbound, *, trace: str = "", program: str = "", token: str = "ana-token") -> Inbound:
    """Return a modern message that names its trace and its program."""
    written = json.loads(asyncio.run(message.body()))  # type: ignore[arg-type]
    written["params"]["_meta"] |= {"traceparent": f"00-{trace}-b7ad6b7169203331-01"} if trace else {}
    written["params"]["_meta"] |= {INFO: {"name": program, "version": "1"}} if program else {}
    return msgspec.structs.replace(message, body=whole(json.dumps(written).encode()), credential=token)


@pytest.mark.parametrize("by", ["caller", "auto"])
def test_nothing_is_sent_outside_after_private_and_untrusted_data_were_read(by: str) -> None:
    stage = staged(by)
    assert passed(stage, SEND)
    assert passed(stage, READ)
    assert passed(stage, SEND), "one of the two is not enough"
    assert passed(stage, FETCH)
    said = refusal(stage, SEND)
    assert "the rule trifecta denies it in this run" in said
    assert "read private data and read what anybody may have written" in said
    assert "ask a person" in said
    assert stage.sent[-1].target.label == "files.drop"
    assert stage.audit.ended[-1].detail.startswith(
        "deny_rule: trifecta (sends is outside, and after private and untrusted): the rule trifecta denies it"
    )
    assert passed(stage, READ), "what does not send outside is as allowed as before"


def test_what_may_be_denied_in_a_run_stays_listed() -> None:
    stage = staged()
    for message in (READ, FETCH):
        stage.play(message)
    tools = body(stage.play(post("tools/list")))["result"]["tools"]
    assert "crm__push" in [each["name"] for each in tools]


def test_what_nobody_labelled_is_taken_for_everything() -> None:
    stage = Stage(
        text=TEXT.replace("BY", "caller").replace("RULES", TRIFECTA)
        .replace("    reads: private\n    sends: nothing\n    changes: false\n    tools: {drop: {reads: untrusted}}\n", "")
    )  # fmt: skip
    assert passed(stage, SEND)
    assert passed(stage, READ), "it reads everything, and sends before it does"
    assert not passed(stage, READ)
    assert not passed(stage, SEND)


def test_one_caller_s_run_is_nobody_else_s() -> None:
    stage = staged()
    for message in (READ, FETCH):
        stage.play(message)
    assert not passed(stage, SEND)
    assert passed(stage, of(SEND, token="bob-token"))


def test_a_client_cannot_begin_a_new_run_by_saying_so() -> None:
    stage = staged()
    stage.play(of(READ, trace=TRACE, program="one"))
    stage.play(of(FETCH, trace=TRACE[::-1], program="two"))
    assert not passed(stage, of(SEND, trace="f" * 32, program="three"))


def test_where_clients_are_believed_each_trace_and_program_is_a_run() -> None:
    stage = staged("auto")
    for message in (READ, FETCH):
        stage.play(of(message, trace=TRACE))
    assert not passed(stage, of(SEND, trace=TRACE, program="another"))
    assert passed(stage, of(SEND, trace=TRACE[::-1]))
    for message in (READ, FETCH):
        stage.play(of(message, program="one"))
    assert not passed(stage, of(SEND, program="one"))
    assert passed(stage, of(SEND, program="two"))
    assert not passed(stage, of(SEND, program="one", trace="no trace")), "what is no trace is none"


def test_where_clients_are_believed_each_session_is_a_run() -> None:
    stage = staged("auto")

    async def story() -> list[int]:
        sessions = [await session_of(stage) for _ in range(2)]
        counts = []
        steps = ((0, "files__read"), (0, "files__drop"), (0, "crm__push"), (1, "crm__push"))
        for ident, (which, name) in enumerate(steps, 10):
            arguments = {} if name.startswith("crm") else {"path": "/a"}
            await stage.serve(handshake("tools/call", sessions[which], ident, name=name, arguments=arguments))
            counts.append(len(stage.sent))
        return counts

    assert asyncio.run(story()) == [1, 2, 2, 3]


def test_what_a_run_met_counts_for_the_window_and_no_longer() -> None:
    stage, now = staged(), [0.0]
    stage.world = msgspec.structs.replace(stage.world, clock=lambda: now[0])
    stage.play(READ)
    now[0] = 1800.0
    stage.play(FETCH)
    now[0] = 3599.0
    assert not passed(stage, SEND)
    now[0] = 3600.0
    assert passed(stage, SEND), "the private data were read an hour ago"


def test_prompts_and_resources_count_as_what_their_server_is_labelled() -> None:
    stage = staged(rules="- {name: quiet, deny: [crm.*], after: [private]}")
    assert passed(stage, SEND)
    assert passed(stage, post("resources/read", uri="note://1"))
    assert not passed(stage, SEND)
    stage = staged(rules='- {name: quiet, deny: ["files:*"], after: [private]}')
    assert passed(stage, post("prompts/get", name="files__greet"))
    error = body(stage.play(post("resources/read", uri="note://1")))["error"]
    assert "the rule quiet denies it in this run" in json.dumps(error)
    assert stage.sent[-1].target.kind is Kind.PROMPT


@pytest.mark.parametrize("after", ["files.drop", "files.*", '"*"', '"files:note://*"'])
def test_a_rule_may_wait_for_what_was_used(after: str) -> None:
    stage = staged(rules=f"- {{name: quiet, deny: [crm.*], after: [{after}]}}")
    first = post("resources/read", uri="note://1") if ":" in after else FETCH
    assert passed(stage, first)
    assert not passed(stage, SEND)
    if after == "files.drop":
        assert "used files.drop" in refusal(stage, SEND)


def test_a_rule_that_allows_may_wait_as_well() -> None:
    first = "- {name: guests-read, allow: [files.read], roles: [guest]}"
    stage = staged(rules=f"{first}\n  - {{name: then, allow: [crm.push], roles: [guest], after: [files.read]}}")
    said = refusal(stage, of(SEND, token="eve-token"))
    assert "the rule then allows it only in a run that has used files.read before" in said
    assert passed(stage, of(READ, token="eve-token"))
    assert passed(stage, of(SEND, token="eve-token"))


def test_a_rehearsed_rule_says_what_it_would_have_done() -> None:
    stage = staged(rules=TRIFECTA.replace("}", ", shadow: true}"))
    for message in (READ, FETCH, SEND):
        assert passed(stage, message)
    assert stage.audit.ended[-1].findings == ["shadow: trifecta would deny"]


def test_a_refused_call_leaves_nothing_in_its_run() -> None:
    stage = staged(rules=f'{TRIFECTA}\n  - {{name: no, deny: [files.read], when: args.path == "/no"}}')
    assert not passed(stage, call("files__read", path="/no"))
    assert passed(stage, FETCH)
    assert passed(stage, SEND)


def test_a_call_counts_from_when_it_leaves_whatever_becomes_of_it() -> None:
    stage = staged()
    stage.answer = {"error": {"code": -32603, "message": "broken"}}
    for message in (READ, FETCH):
        stage.play(message)
    assert not passed(stage, SEND)


# What guards find


def guarded(stage: Stage, look: Verdict, *, shadow: bool = False, side: Side = Side.ANSWER) -> None:
    """Put a guard at `files` that finds something there."""

    def said(payload: Payload) -> Verdict:
        return look if payload.side is side else Pass()

    screens = (Screen("injection", looking(said), shadow=shadow),)
    stage.alter(
        lambda target: msgspec.structs.replace(target, guards_in=screens, guards_out=screens)
        if target.server == "files" else target
    )  # fmt: skip


FOUND = '- {name: warned, deny: ["*"], sends: outside, after: ["guard:injection"]}'
GUARD = "guards: [{name: injection, use: injection, then: note, on: [files.*]}]\n"


@pytest.mark.parametrize(("verdict", "shadow"), [(Note("x"), False), (Block("x"), False), (Block("x"), True)])
def test_what_a_guard_found_in_an_answer_counts(verdict: Verdict, shadow: bool) -> None:
    stage = Stage(text=GUARD + TEXT.replace("BY", "caller").replace("RULES", FOUND))
    guarded(stage, verdict, shadow=shadow)
    assert passed(stage, SEND)
    stage.play(READ)
    assert not passed(stage, SEND)
    assert "had an answer in which the guard injection found something" in refusal(stage, SEND)


def test_what_a_guard_found_in_a_call_or_did_not_find_does_not_count() -> None:
    for look, side in ((Note("x"), Side.REQUEST), (Pass(), Side.ANSWER)):
        stage = Stage(text=GUARD + TEXT.replace("BY", "caller").replace("RULES", FOUND))
        guarded(stage, look, side=side)
        stage.play(READ)
        assert passed(stage, SEND)


def test_what_no_rule_asks_for_is_not_remembered() -> None:
    stage = staged()
    guarded(stage, Note("x"))
    stage.play(READ)
    run = stage.audit.ended[-1].run
    assert run is not None
    assert "guard:injection" not in stage.world.runs.met(run, 0.0)
    plain = staged(rules="")
    plain.play(READ)
    assert plain.audit.ended[-1].run is None
    assert len(plain.world.runs) == 0


# Whatever the order


@given(st.lists(st.sampled_from([READ, FETCH, SEND, post("resources/read", uri="note://1")]), max_size=12))
def test_a_run_that_read_both_never_sends_outside_whatever_the_order(messages: list[Inbound]) -> None:
    stage = staged()
    for message in messages:
        stage.play(message)
    seen: set[str] = set()
    for order in stage.sent:
        assert not (order.target.server == "crm" and {"private", "untrusted"} <= seen)
        seen |= {each.value for each in order.target.flows}
    refused = [trail for trail in stage.audit.ended if trail.outcome == "forbidden"]
    expected = list(itertools.accumulate(messages, _met, initial=frozenset[str]()))
    assert len(refused) == sum(SEND is each and len(met) == 2 for each, met in zip(messages, expected, strict=False))


def _met(seen: frozenset[str], message: Inbound) -> frozenset[str]:
    return seen | ({"untrusted"} if message is FETCH else frozenset() if message is SEND else {"private"})


def test_calls_beside_each_other_count_as_soon_as_they_leave() -> None:
    """What was asked for before the answers came cannot carry them out; what is asked for after one left may."""
    stage = staged()

    async def story() -> list[str]:
        gate = asyncio.Event()

        async def carry(_order: Order, _back: Back) -> Json:
            await gate.wait()
            return {"result": {"content": [], "resultType": "complete"}}

        stage.carry = carry
        running = [asyncio.create_task(stage.serve(each)) for each in (READ, FETCH)]
        while len(stage.sent) < len(running):
            await asyncio.sleep(0)
        last = await stage.serve(SEND)
        gate.set()
        await asyncio.gather(*running)
        return [json.dumps(last.answers[0].payload)]

    assert "trifecta" in asyncio.run(story())[0]


def ended(stage: Stage) -> Trail:
    return stage.audit.ended[-1]


def test_the_trail_says_what_a_run_had_met_when_the_call_was_decided() -> None:
    stage = staged()
    stage.play(READ)
    first = ended(stage).run
    stage.play(FETCH)
    second = ended(stage).run
    assert first is not None
    assert second is not None
    assert (first.ident, first.met) == (second.ident, frozenset())
    assert second.met == {"private"}
    assert second.unmet == {"untrusted", "outside", "changes"}

"""What a rule wants kept is kept as it leaves and as it is handed on, in both eras, or the call stops."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from ostiary.core.capturing import Capture, Captured, Half
from ostiary.core.errors import NotCaptured
from ostiary.core.model import Allow, Answer, Caller, Json
from ostiary.core.screening import Payload, Redact, Verdict
from tests.pipeline.stage import CONFIG, Stage, call, handshake, post
from tests.pipeline.test_swift import NAME, Runway

SECTION = 'capture: {to: "Oth5GSVQecMlmSrf0i02D3trSJvPr5iqLs/H0uGumDk=", classes: {legal: {keep: 30d}}}'
KEPT = CONFIG.replace(
    "rules:", 'rules:\n  - {name: z-kept, allow: [files.read, "files:*"], roles: [dev], limit: 9/min, capture: legal}'
)
SAID: Json = {"result": {"content": [{"type": "text", "text": "words"}], "resultType": "complete"}}


class Keeper(Stage):
    """A stage on which a rule has calls kept, and what was kept is remembered."""

    def __init__(self, text: str = KEPT, guards: tuple[Any, ...] = (), full: Half | None = None) -> None:
        super().__init__(SAID, guards, text=f"{text}\n{SECTION}")
        self.full, self.kept = full, list[tuple[Half, Json]]()
        self.world = msgspec.structs.replace(self.world, capture=self.capture)

    async def capture(self, capture: Capture, half: Half, caller: Caller, reference: str, said: Json) -> Captured:
        if half is self.full:
            raise NotCaptured("the disk is full", hint=f"the {half} cannot be kept now")
        self.log.append(f"kept {half}")
        self.kept.append((half, said))
        return Captured(capture.name, f"key of {caller.subject}", half, "digest", len(said))


def result(answer: Answer) -> Json:
    return dict((answer.payload or {})["result"])


def test_arguments_are_kept_before_the_intent_and_results_before_they_are_handed_on() -> None:
    stage = Keeper()
    stage.play(call("files__read", path="/a"))
    assert stage.log == [
        "identify", "limit", "kept arguments", "intent", "sent", "kept result", "outcome", "metered",
    ]  # fmt: skip
    assert stage.kept == [
        (Half.ARGUMENTS, {"method": "tools/call", "params": {"name": "files__read", "arguments": {"path": "/a"}}}),
        (Half.RESULT, SAID),
    ]
    (trail,) = stage.audit.ended
    assert [(each.half, each.key) for each in trail.captured] == [
        (Half.ARGUMENTS, "key of ana"), (Half.RESULT, "key of ana"),
    ]  # fmt: skip


def test_the_rule_that_keeps_decides_where_several_allow() -> None:
    """Also where it has a limit, and the other comes first by its name: nobody evades it by another rule."""
    stage = Keeper()
    stage.play(call("files__read", path="/a"))
    assert isinstance(stage.audit.ended[0].decision, Allow)
    assert stage.audit.ended[0].decision.rule == "z-kept"


def test_both_eras_and_resources_are_kept() -> None:
    stage = Keeper()
    opened = stage.play(
        handshake("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "t"})
    )
    session = opened.headers["mcp-session-id"]
    stage.play(handshake("tools/call", session, name="files__read", arguments={"path": "/a"}))
    stage.answer = {"result": {"contents": [{"uri": "note://1", "text": "note"}], "resultType": "complete"}}
    stage.play(post("resources/read", uri="note://1"))
    assert [half for half, _ in stage.kept] == [Half.ARGUMENTS, Half.RESULT] * 2
    assert "note" in str(stage.kept[3][1])


def test_what_only_the_gateway_answers_is_not_kept() -> None:
    stage = Keeper()
    stage.play(post("tools/list"))
    stage.play(post("prompts/get", name="files__greet"))
    assert stage.kept == []


def test_one_half_alone_is_kept_where_a_rule_says_so() -> None:
    for half in Half:
        stage = Keeper(KEPT.replace("capture: legal", f"capture: {{class: legal, what: [{half}]}}"))
        stage.play(call("files__read", path="/a"))
        assert [kept for kept, _ in stage.kept] == [half]


def test_what_is_kept_is_what_guards_left() -> None:
    def redact(payload: Payload) -> Verdict:
        return Redact("secret", {each.path: "[gone]" for each in payload.texts if each.value in {"/secret", "words"}})

    stage = Keeper(guards=(redact,))
    stage.play(call("files__read", path="/secret"))
    assert stage.kept[0][1]["params"]["arguments"] == {"path": "[gone]"}
    assert stage.kept[1][1]["result"]["content"] == [{"type": "text", "text": "[gone]"}]


def test_sealed_states_are_not_kept() -> None:
    stage = Keeper()
    stage.answer = {"result": {"resultType": "input_required", "inputRequests": {}, "requestState": "s"}}
    answer = stage.play(call("files__read", path="/a"))
    assert "requestState" in result(answer)
    assert stage.kept[1][1] == {"result": {"resultType": "input_required", "inputRequests": {}}}


def test_an_error_of_a_server_is_kept_as_it_is_handed_on() -> None:
    stage = Keeper()
    stage.answer = {"error": {"code": -32000, "message": "no"}}
    stage.play(call("files__read", path="/a"))
    assert stage.kept[1][1] == {"error": {"code": -32000, "message": "no"}}


# Failing closed


def test_a_call_whose_arguments_cannot_be_kept_does_not_leave() -> None:
    stage = Keeper(full=Half.ARGUMENTS)
    answer = stage.play(call("files__read", path="/a"))
    assert (answer.status, stage.sent, stage.audit.begun) == (503, [], [])
    assert stage.audit.ended[0].outcome == "not_captured"
    assert stage.released == 1


def test_a_result_that_cannot_be_kept_is_not_handed_on_and_says_that_the_call_happened() -> None:
    stage = Keeper(full=Half.RESULT)
    said = result(stage.play(call("files__read", path="/a")))
    assert said["isError"] is True
    assert "The call was carried out; do not repeat it" in said["content"][0]["text"]
    assert "words" not in str(said)
    assert (stage.audit.ended[0].outcome, len(stage.sent)) == ("result_not_captured", 1)


def test_a_gateway_without_a_place_for_it_refuses() -> None:
    stage = Stage(text=f"{KEPT}\n{SECTION}")
    assert stage.play(call("files__read", path="/a")).status == 503
    assert stage.sent == []


# The swift way


@pytest.mark.parametrize("capture", [None, Capture("legal")])
def test_what_is_kept_is_never_carried_the_swift_way(capture: Capture | None) -> None:
    stage, keeper = Runway(), Keeper()
    stage.world = msgspec.structs.replace(stage.world, capture=keeper.capture)
    stage.alter(
        lambda target: msgspec.structs.replace(
            target, allows=tuple(msgspec.structs.replace(rule, capture=capture) for rule in target.allows)
        )
    )
    regular = stage.settle()
    assert (regular.plans[NAME] is None) is (capture is not None)


def test_two_calls_at_once_are_kept_each_as_its_own() -> None:
    stage = Keeper()

    async def story() -> None:
        await asyncio.gather(*(stage.serve(call("files__read", path=path)) for path in ("/a", "/b")))

    asyncio.run(story())
    assert sorted(len(each.captured) for each in stage.audit.ended) == [2, 2]

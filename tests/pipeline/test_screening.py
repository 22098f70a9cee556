"""Guards read everything that is said, both ways; what they cannot read or replace does not go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from ostiary.core.errors import BadArguments
from ostiary.core.model import Call, Caller, Client, Era, Json, Order
from ostiary.core.ports import Back
from ostiary.core.screening import Block, Fence, Guard, Hold, Note, Pass, Payload, Redact, Screen, Verdict
from ostiary.pipeline.screening import run
from tests.pipeline.stage import CALLERS, Stage, call, looking
from tests.pipeline.test_serve import text_of

Look = Callable[[Payload], Verdict]


def heard(stage: Stage, **arguments: object) -> list[Payload]:
    """Return what a guard saw of one call and its answer."""
    seen: list[Payload] = []

    def look(payload: Payload) -> Verdict:
        seen.append(payload)
        return Pass()

    guarded(stage, look)
    stage.play(call("files__read", **{"path": "/a", **arguments}))
    return seen


def guarded(stage: Stage, *looks: Look | Guard, shadow: bool = False, timeout: float = 2.0) -> None:
    guards = (look if asyncio.iscoroutinefunction(look) else looking(look) for look in looks)
    screens = tuple(Screen(f"guard-{at}", each, timeout, shadow) for at, each in enumerate(guards))
    stage.alter(lambda target: msgspec.structs.replace(target, guards_in=screens, guards_out=screens))


def answer_of(*content: Json, **more: object) -> Json:
    return {"result": {"content": list(content), "resultType": "complete", **more}}


def words(payload: Payload) -> dict[str, bool]:
    return {text.value: text.rigid for text in payload.texts}


def test_a_guard_reads_arguments_and_answers_with_whose_they_are() -> None:
    asked, told = heard(Stage(answer_of({"type": "text", "text": "hello"})))
    assert (asked.side, asked.server, asked.label, asked.method) == ("request", "files", "files.read", "tools/call")
    assert words(asked) == {"arguments": True, "path": True, "/a": False}
    assert told.side == "answer"
    assert words(told)["hello"] is False
    assert asked.run == told.run


def test_what_addresses_a_call_is_not_read_as_words() -> None:
    asked, _ = heard(Stage())
    assert "files__read" not in words(asked)


def test_names_of_members_and_long_numbers_are_read_and_cannot_be_replaced() -> None:
    _, told = heard(Stage(answer_of({"type": "text", "text": ""}, structuredContent={"ssn": 123456789, "n": 7})))
    assert words(told)["123456789"] is True
    assert words(told)["ssn"] is True
    assert "7" not in words(told)


@pytest.mark.parametrize(
    ("block", "read", "unread"),
    [
        ({"type": "resource", "resource": {"uri": "a:b", "mimeType": "text/plain", "blob": "aGVsbG8="}}, "hello", ()),
        ({"type": "image", "mimeType": "image/png", "data": "aGVsbG8="}, None, ("image/png",)),
        ({"type": "image", "mimeType": "image/png", "data": "no base64!"}, "no base64!", ("image/png",)),
        ({"type": "image", "mimeType": "text/plain", "data": "no base64!"}, "no base64!", ("text/plain",)),
    ],
)
def test_encoded_files_are_read_where_they_are_text_and_named_where_not(
    block: Json, read: str | None, unread: tuple[str, ...]
) -> None:
    _, told = heard(Stage(answer_of(block)))
    assert told.unread == unread
    assert read is None or words(told)[read] is True
    assert read is not None or not any("aGVsbG8" in text.value for text in told.texts)


def replacing(old: str, new: str) -> Look:
    def look(payload: Payload) -> Verdict:
        found = {text.path: text.value.replace(old, new) for text in payload.texts if old in text.value}
        return Redact("a word", found) if found else Pass()

    return look


def test_what_cannot_be_replaced_where_it_stands_is_stopped() -> None:
    stage = Stage(answer_of(structuredContent={"ssn": 123456789}))
    guarded(stage, replacing("123456789", "x"))
    assert "cannot be replaced" in text_of(stage.play(call("files__read", path="/a")))


def test_the_next_guard_reads_what_the_one_before_left() -> None:
    stage = Stage(answer_of({"type": "text", "text": "one"}))
    guarded(stage, replacing("one", "two"), replacing("two", "three"))
    assert text_of(stage.play(call("files__read", path="/a"))) == "three"


def test_what_a_guard_puts_into_arguments_has_to_fit_the_schema() -> None:
    stage = Stage()
    guarded(stage, lambda payload: Redact("all", {t.path: "" for t in payload.texts if not t.rigid}))
    stage.alter(lambda target: msgspec.structs.replace(target, check=filled))
    assert "empty" in text_of(stage.play(call("files__read", path="/a")))
    assert stage.sent == []


def filled(arguments: Json) -> None:
    if not arguments["path"]:
        raise BadArguments("empty", hint="path may not be empty")


def test_a_guard_that_raises_stops_the_call_and_is_named() -> None:
    def broken(payload: Payload) -> Verdict:
        raise RuntimeError("the secret")

    stage = Stage()
    guarded(stage, broken)
    assert "Blocked by a guard" in text_of(stage.play(call("files__read", path="/a")))
    assert stage.sent == []
    trail = stage.audit.ended[0]
    assert trail.findings == ["guard-0: it failed with RuntimeError"]
    assert [(each.guard, each.verdict) for each in trail.looked] == [("guard-0", "failed")]


def test_a_guard_that_takes_too_long_stops_the_call() -> None:
    async def hanging(payload: Payload) -> Verdict:
        return await asyncio.get_running_loop().create_future()

    stage = Stage()
    guarded(stage, hanging, timeout=0.01)
    assert "longer than" in text_of(stage.play(call("files__read", path="/a")))
    assert stage.sent == []


def test_a_rehearsed_guard_says_what_it_would_do_and_does_nothing() -> None:
    stage = Stage(answer_of({"type": "text", "text": "one"}))
    guarded(stage, lambda payload: Block("words"), shadow=True)
    assert text_of(stage.play(call("files__read", path="/a"))) == "one"
    trail = stage.audit.ended[0]
    assert trail.findings == ["guard-0: would: words", "guard-0: would: words"]
    assert {each.verdict for each in trail.looked} == {"would-block"}


def test_every_look_is_in_the_trail_with_its_verdict() -> None:
    stage = Stage()
    guarded(stage, lambda payload: Pass(), lambda payload: Note("odd"))
    stage.play(call("files__read", path="/a"))
    looked = [(each.guard, each.side.value, each.verdict) for each in stage.audit.ended[0].looked]
    sides = [("guard-0", "pass"), ("guard-1", "note")]
    assert looked == [(name, side, verdict) for side in ("request", "answer") for name, verdict in sides]


def fencing(payload: Payload) -> Verdict:
    marked = {each.path: f"<{each.value}>" for each in payload.texts if each.value in {"hello", "oh no"}}
    return Fence("1 text", marked, {"io.ostiary/fence": {"boundary": "b"}}) if marked else Pass()


def test_what_is_fenced_is_marked_and_clients_are_told_how() -> None:
    stage = Stage(answer_of({"type": "text", "text": "hello"}, _meta={"theirs": 1}))
    guarded(stage, fencing)
    result = stage.play(call("files__read", path="/a")).payload["result"]
    assert result["content"] == [{"type": "text", "text": "<hello>"}]
    assert result["_meta"] == {"theirs": 1, "io.ostiary/fence": {"boundary": "b"}}
    assert [each.verdict for each in stage.audit.ended[0].looked] == ["pass", "fence"]


def test_an_error_is_fenced_without_a_member_of_its_own() -> None:
    stage = Stage({"error": {"code": -32000, "message": "oh no"}})
    guarded(stage, fencing)
    answer = stage.play(call("files__read", path="/a")).payload
    assert answer["error"] == {"code": -32000, "message": "<oh no>"}
    assert answer.keys() <= {"jsonrpc", "id", "error"}


def test_what_is_to_be_held_does_not_go_on() -> None:
    stage = Stage()
    guarded(stage, lambda _payload: Hold("ask somebody"))
    assert "ask somebody" in text_of(stage.play(call("files__read", path="/a")))
    assert stage.sent == []


def test_a_run_is_its_caller_s_and_follows_the_session_the_trace_or_the_program_s_day() -> None:
    client, ana = Client(Era.MODERN, "2026-07-28", {}, "", {"name": "chat"}), CALLERS["ana-token"]

    def named(caller: Caller = ana, client: Client = client, now: float = 0.0, **meta: object) -> str:
        return run(Call(1, "tools/call", "x", {"_meta": meta}, client), caller, now)

    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    assert named(traceparent=trace).endswith("trace:" + "a" * 32)
    assert named(traceparent="00-a-b-01") == named(traceparent=7) == named(now=5.0)
    assert named() != named(now=100_000.0)
    assert named() != named(CALLERS["eve-token"])
    assert named(client=msgspec.structs.replace(client, info={"name": 7})) != named()
    assert named(client=msgspec.structs.replace(client, session="s1"), traceparent=trace).endswith("session:s1")


def test_a_question_and_its_answer_pass_the_guards() -> None:
    seen: list[tuple[str, str]] = []

    def look(payload: Payload) -> Verdict:
        seen.append((payload.side.value, payload.method))
        return Pass()

    async def asking(order: Order, back: Back) -> Json:
        await back.notify("notifications/message", {"level": "info", "data": "words"})
        answer = await back.ask("elicitation/create", {"message": "who?"})
        assert "error" in answer
        return answer_of()

    stage = Stage()
    guarded(stage, look)
    stage.carry = asking
    asyncio.run(stage.serve(call("files__read", path="/a")))
    assert ("answer", "notifications/message") in seen
    assert seen.count(("answer", "elicitation/create")) == 1
    assert seen.count(("request", "elicitation/create")) == 1

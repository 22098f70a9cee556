"""What rules want approved: asked about last, written and sent only then, in both eras and every other way."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from ostiary.core.errors import Forbidden, Held
from ostiary.core.model import Allow, Answer
from ostiary.core.ports import Wish
from ostiary.core.rules import Approval
from ostiary.core.screening import Payload, Redact, Verdict
from ostiary.pipeline import holding, swift
from tests.pipeline.stage import Stage, call, handshake, post
from tests.pipeline.test_tasks import CREATED, DECLARED, about
from tests.pipeline.test_tasks import call as task_call

Json = dict[str, Any]
RULES = """
gateway: {url: "http://127.0.0.1:8080"}
servers:
  files: {command: [files], reads: [private, untrusted], sends: nothing}
  crm: {command: [crm], reads: nothing, sends: outside}
rules:
  - {name: reads, allow: [files.read, "files:*", files.prompt/greet], roles: [dev], approval: {by: [lead]}}
  - {name: pushes, allow: [crm.push, files.drop], roles: [dev], limit: 3/min}
  - {name: trifecta, deny: ["*"], sends: outside, after: [private, untrusted], unless_approved: {by: [ciso]}}
"""


class People:
    """Approve what they are told to, once (port `Approving`)."""

    def __init__(self) -> None:
        self.wishes: list[Wish] = []
        self.yes: list[Wish] = []

    async def __call__(self, wish: Wish) -> str:
        self.wishes.append(wish)
        if wish in self.yes:
            self.yes.remove(wish)
            return "lea (h_1)"
        raise Held(f"{wish.reason} (h_1)", hint=f"{wish.reason}. It waits as h_1")

    def approve(self) -> None:
        self.yes.append(self.wishes[-1])


class House(Stage):
    def __init__(self, **more: Any) -> None:
        super().__init__(text=RULES, **more)
        self.people = People()
        self.world = msgspec.structs.replace(self.world, approve=self.people)

    def session(self) -> str:
        said = self.play(handshake("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={}))
        return said.headers["mcp-session-id"]


def held(answer: Answer) -> str:
    assert answer.payload is not None
    result = answer.payload["result"]
    assert result["isError"] is True
    return str(result["content"][0]["text"])


def test_a_call_is_held_until_it_is_approved_and_passes_once() -> None:
    house = House()
    said = held(house.play(call("files__read", path="x")))
    assert said == (
        "Held for a person: the rule reads wants the approval of a person with the role lead. It waits as h_1. "
        "(reference ref-1)"
    )
    assert house.log == ["identify", "limit", "outcome", "metered"], "no intent is written, and nothing is sent"
    house.people.approve()
    assert house.play(call("files__read", path="x")).payload["result"].get("isError") is None  # type: ignore[index]
    decision = house.audit.begun[-1].decision
    assert isinstance(decision, Allow)
    assert (decision.rule, decision.approved) == ("reads", "lea (h_1)"), "the intent says who approved"
    assert house.audit.ended[-1].findings == ["reads: approved by lea (h_1)"]
    held(house.play(call("files__read", path="x")))
    assert len(house.sent) == 1


def test_people_are_asked_about_the_call_itself() -> None:
    house = House()
    house.play(call("files__read", path="x"))
    [wish] = house.people.wishes
    assert (wish.subject, wish.label, wish.method, wish.by) == ("ana", "files.read", "tools/call", "rules/reads")
    assert wish.arguments == {"name": "read", "arguments": {"path": "x"}}
    assert wish.needs[0].by == {"lead"}


def test_nobody_is_asked_about_what_cannot_go_on() -> None:
    """Decided, limited, validated and guarded first: people are not asked about what would be refused then."""
    house = House()
    house.play(call("files__read", path=3))
    house.play(call("crm__nothing"))
    assert house.people.wishes == []


def test_what_guards_replaced_is_the_same_wish_again() -> None:
    """A token stands for a value in one run only, so that people are asked about what the caller said."""
    turn = iter("abc")

    def look(payload: Payload) -> Verdict:
        return Redact("token", {text.path: f"[{next(turn)}]" for text in payload.texts if text.value == "x"})

    house = House(guards=(look,))
    for _ in range(2):
        house.play(call("files__read", path="x"))
    first, second = house.people.wishes
    assert first == second


def test_the_older_era_is_held_in_the_same_words() -> None:
    house = House()
    message = handshake("tools/call", house.session(), name="files__read", arguments={"path": "x"})
    assert held(house.play(message)).startswith("Held for a person: the rule reads wants the approval")
    house.people.approve()
    assert "isError" not in (house.play(message).payload or {})["result"]


@pytest.mark.parametrize("message", [post("prompts/get", name="files__greet"), post("resources/read", uri="note://1")])
def test_prompts_and_resources_are_held_as_well(message: Any) -> None:
    house = House()
    answer = house.play(message)
    assert answer.payload is not None
    assert answer.payload["error"]["code"] == -31009
    assert not house.sent
    house.people.approve()
    house.play(message)
    assert len(house.sent) == 1


def test_what_takes_an_approval_is_listed() -> None:
    house = House()
    for method, kind in (("tools/list", "tools"), ("prompts/list", "prompts"), ("resources/list", "resources")):
        answer = house.play(post(method))
        assert answer.payload is not None
        assert answer.payload["result"][kind]
    assert house.people.wishes == []


def test_what_follows_a_thing_without_saying_what_it_wants_is_refused() -> None:
    """Nobody could be asked about a completion, or about what changes later."""
    house = House()
    ref = {"type": "ref/prompt", "name": "files__greet"}
    completion: Json = {"ref": ref, "argument": {"name": "path", "value": ""}}
    messages = (
        handshake("completion/complete", house.session(), 1, **completion),
        handshake("resources/subscribe", house.session(), uri="note://1"),
    )
    for message in messages:
        answer = house.play(message)
        assert answer.payload is not None
        assert answer.payload["error"]["code"] == -31004
    assert house.people.wishes == []
    assert not house.watched
    assert not house.sent


def test_who_listens_is_not_told_of_what_would_have_to_be_approved() -> None:
    house = House()

    async def listened() -> Any:
        task = asyncio.ensure_future(
            house.serve(post("subscriptions/listen", notifications={"resourceSubscriptions": ["note://1"]}))
        )
        await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()

    asyncio.run(listened())
    assert not house.watched


def test_the_lethal_trifecta_takes_an_approval() -> None:
    """issue 6: after untrusted text and private data in one run, nothing that sends outside without approval."""
    house = House()
    house.play(call("crm__push"))
    assert len(house.sent) == 1, "before that it goes at once"
    house.play(call("files__drop", path="x"))
    assert "the rule trifecta wants the approval of a person with the role ciso" in held(house.play(call("crm__push")))
    house.people.approve()
    house.play(call("crm__push"))
    assert [each.target.label for each in house.sent] == ["crm.push", "files.drop", "crm.push"]
    decision = house.audit.begun[-1].decision
    assert isinstance(decision, Allow)
    assert decision.rule == "pushes"
    assert [each.rule for each in decision.approvals] == ["trifecta"]
    assert house.audit.ended[-1].findings == ["trifecta: approved by lea (h_1)"]


def test_a_call_under_way_does_not_go_on_with_what_would_have_to_be_approved_by_now() -> None:
    lead, ciso = (Approval(name, frozenset({name})) for name in ("lead", "ciso"))
    holding.still(Allow("a", (), (lead,)), Allow("a", (), (lead,)))
    for before in (Allow("a", (), (lead,)), None):
        with pytest.raises(Forbidden, match="wants the approval") as caught:
            holding.still(before, Allow("a", (), (lead, ciso)))
        assert caught.value.hint.endswith("which cannot be asked for in the middle of a call: make it anew")


# Tasks


def test_a_task_goes_on_with_the_approval_of_its_call() -> None:
    house = House()
    house.answer = CREATED
    house.play(task_call())
    house.people.approve()
    answer = house.play(task_call())
    assert answer.payload is not None
    ident = answer.payload["result"]["taskId"]
    house.answer = {"result": {"taskId": "raw-task-1", "status": "working", "ttlMs": 1000, "createdAt": "c",
                               "lastUpdatedAt": "u"}}  # fmt: skip
    for method in ("tasks/get", "tasks/cancel"):
        house.sent.clear()
        house.play(about(method, ident, capabilities=DECLARED))
        assert len(house.sent) == 1
    assert len(house.people.wishes) == 2


def test_a_task_of_a_time_without_the_rule_goes_on_with_nothing() -> None:
    house = House()
    house.answer = CREATED
    plain = house.snapshot
    house.alter(lambda target: msgspec.structs.replace(
        target, allows=tuple(msgspec.structs.replace(rule, approvals=()) for rule in target.allows)
    ))  # fmt: skip
    answer = house.play(task_call())
    assert answer.payload is not None
    ident = answer.payload["result"]["taskId"]
    house.snapshot = plain
    house.sent.clear()
    refused = house.play(about("tasks/get", ident, capabilities=DECLARED))
    assert refused.payload is not None
    assert refused.payload["error"]["code"] == -31004
    assert not house.sent
    house.play(about("tasks/cancel", ident, capabilities=DECLARED))
    assert len(house.sent) == 1, "what only ends something takes nobody's approval"


def test_no_plan_is_made_for_what_takes_an_approval() -> None:
    """A plan says again what was decided before: an approval would be good for ever."""
    for surface in House().snapshot.surfaces.values():
        for target in surface.targets.values():
            if any(rule.approvals for rule in (*target.allows, *target.denies)):
                assert target.careful
                assert not swift._unguarded(target)

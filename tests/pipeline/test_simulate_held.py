"""What `simulate` says of calls that people have to approve by another file, or had to."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ostiary.core.model import Inbound
from ostiary.core.ports import Wish
from ostiary.operate.changes import Changes
from ostiary.operate.past import Past
from ostiary.operate.simulate import ALLOWED, HELD, REFUSED, UNDECIDED
from tests.pipeline.stage import handshake, post
from tests.pipeline.test_simulate import ANN, Acting, recorded, replay, snapshot
from tests.unit.config.test_policy_properties import NOON

OPEN: dict[str, Any] = {"allow": ("crm.*", "files.prompt/*"), "subjects": ("*",)}
HOLDING = {**OPEN, "approval": {"by": ("lead",)}}
READ = post("tools/call", name="crm__find", arguments={"path": "/a"})


async def lea(wish: Wish) -> str:
    return "lea (h_1)"


def made(rules: list[dict[str, Any]], message: Inbound = READ, *, approved: bool = False) -> Past:
    stage = Acting(snapshot(rules), ANN, NOON)
    if approved:
        stage.world = msgspec.structs.replace(stage.world, approve=lea)
    return recorded(stage.did(message))


def counted(past: Past, rules: list[dict[str, Any]]) -> Changes:
    changes = Changes()
    changes.add(past, replay(snapshot(rules)).verdict(past))
    return changes


def test_a_call_that_would_wait_for_somebody_is_told_with_whom() -> None:
    past = made([OPEN])
    verdict = replay(snapshot([HOLDING])).verdict(past)
    assert verdict is not None
    assert (verdict.now, verdict.rule) == (HELD, "r0")
    assert verdict.because == "held: the rule r0 wants the approval of a person with the role lead"
    changes = counted(past, [HOLDING])
    assert (changes.held.calls, changes.still_allowed) == (1, 0)


@pytest.mark.parametrize("approved", [False, True])
def test_what_was_held_and_still_is_changes_nothing(approved: bool) -> None:
    past = made([HOLDING], approved=approved)
    assert past.held
    assert counted(past, [HOLDING]).still_allowed == 1
    assert counted(past, [OPEN]).still_allowed == 1
    assert counted(past, []).refused.calls == 1


def test_what_hangs_on_arguments_is_not_decided() -> None:
    large = {**HOLDING, "when": "args.path != '/b'"}
    found = replay(snapshot([{**OPEN, "when": "args.path == '/a'"}, large])).verdict(made([OPEN]))
    assert found is not None
    assert found.now == UNDECIDED


def test_what_nobody_can_be_asked_about_is_refused_and_a_task_goes_on() -> None:
    stage = Acting(snapshot([OPEN]), ANN, NOON)
    said = stage.play(handshake("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={}))
    ref = {"type": "ref/prompt", "name": "files__greet"}
    given: dict[str, Any] = {"ref": ref, "argument": {"name": "path", "value": ""}}
    past = recorded(stage.did(handshake("completion/complete", said.headers["mcp-session-id"], 1, **given)))
    verdicts = replay(snapshot([HOLDING]))
    found = verdicts.verdict(past)
    assert found is not None
    assert found.now == REFUSED
    task = verdicts.verdict(msgspec.structs.replace(made([OPEN]), method="tasks/get"))
    assert task is not None
    assert task.now == ALLOWED

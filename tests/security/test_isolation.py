"""Nothing of one caller reaches another, whatever the ids, the delays, the cancellations and the hang-ups.

A million calls: `python scripts/soak.py isolation`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import uvloop

from tests.e2e.rig import Json, process, rig, upstream
from tests.security import raw, speech
from tests.security.conftest import House
from tests.security.fuzzing import complaints
from tests.security.isolation import Crowd, Tally, calls_seen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SEED = 7
PIPED = ("json", "progress", "sse", "pair", "cancel", "hang up", "steal")


def crowded(folder: Path, server: Json, callers: int, calls: int, *, kin: bool = False) -> Tally:
    with rig(folder, {"echo": server}, callers) as running:
        tally = uvloop.run(Crowd(running, calls, SEED, only=PIPED, kin=kin).run(32))
        assert complaints(running.gateway.log.read_text()) == []
    return tally


@pytest.mark.requirement("MCP-28")
def test_two_hundred_callers_with_the_same_ids_get_their_own_answers_and_progress(tmp_path: Path) -> None:
    with upstream("tests.security.echo_upstream") as behind:
        with rig(tmp_path, {"echo": behind.settings(max_in_flight=512)}, 200) as running:
            tally = uvloop.run(Crowd(running, 20_000, SEED).run())
            assert complaints(running.gateway.log.read_text()) == []
        seen = uvloop.run(calls_seen(behind.port))
    assert tally.wrong == []
    assert seen <= tally.done["calls"], "a call was made more than once"
    for deed in ("answers", "progress", "cancelled", "hang-ups", "resumed", "lost upstream", "thefts refused"):
        assert tally.done[deed], f"the run held no {deed}"


@pytest.mark.requirement("MCP-28")
@pytest.mark.parametrize("era", ["modern", "handshake"])
def test_callers_who_share_one_process_get_their_own_answers_and_progress(tmp_path: Path, era: str) -> None:
    server = process("tests.security.stdio_echo", era, shared=True, max_in_flight=512)
    tally = crowded(tmp_path, server, 50, 2000)
    assert tally.wrong == []
    assert tally.done["answers"]


@pytest.mark.parametrize("era", ["modern", "handshake"])
def test_callers_with_a_process_each_get_their_own_answers_and_progress(tmp_path: Path, era: str) -> None:
    tally = crowded(tmp_path, process("tests.security.stdio_echo", era, max_in_flight=512), 4, 1000, kin=True)
    assert tally.wrong == []
    assert tally.done["answers"]


async def test_what_a_shared_process_says_of_a_call_that_is_over_reaches_nobody_else(tmp_path: Path) -> None:
    """The process logs one caller's secret a moment after the answer, when another's call is the only one."""
    path, version = "/servers/echo/mcp", "2025-11-25"
    server = process("tests.security.stdio_echo", "handshake", shared=True)
    with rig(tmp_path, {"echo": server}, 2) as running:
        sessions = []
        for token in running.tokens:
            said = await raw.once(running.port, speech.initialize(path, running.host, token, version))
            sessions.append(speech.session_fields(token, said.header("mcp-session-id"), version))
        talkative = speech.call("echo", {"secret": "first-callers-own", "way": "sse"})
        slow = speech.call("echo", {"secret": "x", "ms": 500})
        await raw.once(running.port, speech.spoken(path, running.host, sessions[0], "tools/call", talkative))
        heard = await raw.once(running.port, speech.spoken(path, running.host, sessions[1], "tools/call", slow))
    assert b"first-callers-own" not in heard.body


async def test_a_session_is_worth_nothing_to_anybody_else(house: House) -> None:
    path, (mine, yours) = "/servers/echo/mcp", house.rig.tokens
    said = await raw.once(house.port, speech.initialize(path, house.host, mine, "2025-11-25"))
    stolen = speech.session_fields(yours, said.header("mcp-session-id"), "2025-11-25")
    for verb, body in (("GET", b""), ("DELETE", b""), ("POST", speech.packed(speech.message(1, "tools/list", {})))):
        answer = await raw.once(house.port, speech.request(path, house.host, stolen, body, verb))
        assert answer.messages()[0]["error"]["code"] == -31001
    own = speech.session_fields(mine, said.header("mcp-session-id"), "2025-11-25")
    still = await raw.once(house.port, speech.spoken(path, house.host, own, "tools/list", {}))
    assert "result" in still.messages()[0]

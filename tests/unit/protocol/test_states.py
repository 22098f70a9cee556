"""What `requestState` holds, and whose it is."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.errors import BadParams, Garbled
from ostiary.core.model import Call, Caller, Client, Era, Kind, Target
from ostiary.protocol import states
from ostiary.protocol.states import State, Way

CLIENT = Client(Era.MODERN, "2026-07-28", {}, "", {})


def call(**params: Any) -> Call:
    return Call(1, "tools/call", "read", {"name": "read", **params}, CLIENT)


def state(subject: str = "ana", endpoint: str = "/mcp", label: str = "files.read", **params: Any) -> State:
    caller = Caller(subject, "ostiary", "tok", "token:tok", 9e9)
    return states.state(Way.PASSED, call(**params), caller, Target("files", Kind.TOOL, "read", label, "read"), endpoint)


def test_a_state_opens_for_the_retry_of_its_call() -> None:
    sealed = states.packed(state(arguments={"b": 1, "a": 2}), "theirs", 600.0)
    retry = state(arguments={"a": 2, "b": 1}, inputResponses={"x": {}}, requestState="s", _meta={"progressToken": 1})
    assert states.opened(sealed, retry, 600.0).content == "theirs"


@pytest.mark.requirement("MCP-25")
@pytest.mark.parametrize(
    "other",
    [
        state("eve"),
        state(endpoint="/servers/files/mcp"),
        state(label="files.drop"),
        state(arguments={}),
        msgspec.structs.replace(state(), issuer="other"),
    ],
)
def test_a_state_opens_for_nothing_else(other: State) -> None:
    with pytest.raises(BadParams, match="not one of this call"):
        states.opened(states.packed(state(), "theirs", 600.0), other, 0.0)


@pytest.mark.requirement("MCP-25")
def test_a_state_expires() -> None:
    with pytest.raises(BadParams, match="expired"):
        states.opened(states.packed(state(), "", 600.0), state(), 600.1)


@given(st.binary(max_size=64))
def test_what_was_never_packed_is_refused(content: bytes) -> None:
    with pytest.raises(BadParams):
        states.opened(content, state(), 0.0)


def test_a_long_state_is_the_servers_fault() -> None:
    with pytest.raises(Garbled, match="too long"):
        states.packed(state(), "x" * 70_000, 0.0)

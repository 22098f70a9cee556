"""What a record says of a call like an earlier one, byte for byte what it would have said by itself."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.adapters.store.ledger_records import Bodies, encoded
from ostiary.core.costs import Cost
from ostiary.core.model import Allow, Call, Caller, Client, Deny, Era, Inbound, Kind, Reason, Target
from ostiary.core.trail import Trail

BODIES = [Bodies(b"k" * 32), Bodies(b"k" * 32, shapes=False)]
TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
ODD = st.one_of(TEXT, st.sampled_from(['"', "\\", "\x7f", "\u202e", "\u2028\n", "é", "\ud800", "x" * 600]))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), ODD)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ODD, inner, max_size=4), max_leaves=10
)
SECONDS = st.floats(0.0, 5000.0)
DECISIONS = st.one_of(st.builds(Allow, ODD), st.builds(Deny, st.sampled_from(list(Reason)), ODD), st.none())


async def no_body() -> bytes:
    return b""


@st.composite
def trails(draw: Any) -> tuple[Trail, Trail]:
    """Return two calls of one caller to one target."""
    label, name = draw(ODD), draw(ODD)
    message = Inbound("POST", draw(ODD), {}, frozenset(), "credential", draw(ODD), no_body)
    caller = Caller(draw(ODD), draw(ODD), draw(ODD), draw(ODD), 9e9)
    client = Client(Era.MODERN, draw(ODD), {}, "", {})
    target = Target(draw(ODD), Kind.TOOL, name, label, name)
    decision, made = draw(DECISIONS), []
    for reference in ("a-1", "b-22"):
        each = Trail(message, reference, 7, 100.0, draw(st.floats(0.0, 2e9)))
        arguments = {"arguments": draw(st.dictionaries(ODD, VALUES, max_size=3))}
        each.caller, each.target, each.decision = caller, target, decision
        each.call = Call(1, "tools/call", name, arguments, client)
        each.sent, each.answered, each.ended = draw(SECONDS), draw(SECONDS), draw(SECONDS)
        each.request_bytes, each.answer_bytes = draw(st.integers(0, 2**40)), draw(st.integers(0, 2**40))
        each.outcome = draw(st.sampled_from(["answered", "tool_error", "rpc_error", "abandoned", "timed_out"]))
        each.detail = draw(st.sampled_from(["", "", "", "why\n"]))
        each.cost = draw(st.one_of(st.none(), st.builds(Cost, st.integers(0, 2**50), st.sampled_from(["USD", "EUR"]))))
        made.append(each)
    return made[0], made[1]


@pytest.mark.parametrize("bodies", BODIES, ids=["shapes", "digests"])
@settings(deadline=None, max_examples=300)
@given(both=trails())
def test_a_record_says_the_same_whether_it_was_told_before_or_not(bodies: Bodies, both: tuple[Trail, Trail]) -> None:
    before, now = both
    plain = bodies.intent(now), bodies.outcome(now, 0)
    now.told = bodies.constant(before)
    assert now.told
    assert (bodies.intent(now), bodies.outcome(now, 0)) == plain


@pytest.mark.parametrize("bodies", BODIES, ids=["shapes", "digests"])
def test_what_guards_found_is_told_each_time(bodies: Bodies) -> None:
    message = Inbound("POST", "/mcp", {}, frozenset(), None, "127.0.0.1", no_body)
    one = Trail(message, "a-1", 7, 100.0, 1.0, findings=["odd"])
    plain = bodies.intent(one), bodies.outcome(one, 0)
    one.told = b',"endpoint":"/mcp"'
    assert (bodies.intent(one), bodies.outcome(one, 0)) == plain


def test_a_reference_that_has_to_be_escaped_is_not_remembered() -> None:
    message = Inbound("POST", "/mcp", {}, frozenset(), None, "127.0.0.1", no_body)
    assert BODIES[0].constant(Trail(message, 'a"1', 7, 100.0, 1.0)) == b""


@given(st.integers(0, 2**53))
def test_milliseconds_have_one_spelling(micros: int) -> None:
    assert b"%a" % (micros / 1e3) == encoded(micros / 1e3)
    assert msgspec.json.decode(b"%a" % (micros / 1e3)) == micros / 1e3

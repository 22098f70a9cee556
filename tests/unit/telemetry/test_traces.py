"""Which calls are traced, and what their spans say: kinds and times, and never words."""

from __future__ import annotations

import itertools
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes, mcp_attributes, user_attributes
from opentelemetry.semconv.attributes import error_attributes, network_attributes

from ostiary.adapters.telemetry.spans import CLIENT, SERVER, Place, Span
from ostiary.adapters.telemetry.traces import Sampling, Tracer, carrying, outgoing
from ostiary.core.errors import TimedOut
from ostiary.core.model import Allow, Call, Caller, Client, Era, Inbound, Json, Kind, Order, Target
from ostiary.core.screening import Looked, Side
from ostiary.core.trail import Trail

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
META = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "a=1", "baggage": "k=v", "com.example/x": 1}
UNSAMPLED = {"traceparent": f"00-{TRACE}-{SPAN}-00"}
CALLER = Caller("ana", "https://id", "c", "", 0.0, roles=frozenset({"agent"}))
TOOL = Target("files", Kind.TOOL, "read", "files.read", "files__read")


async def nothing() -> bytes:
    return b""


MESSAGE = Inbound("POST", "/mcp", {}, frozenset(), None, "192.0.2.1", nothing)


def call(meta: Json | None = None, method: str = "tools/call") -> Call:
    params = {"name": "files__read", "arguments": {"secret": "words"}} | ({"_meta": meta} if meta else {})
    return Call(1, method, "files__read", params, Client(Era.MODERN, "2026-07-28", {}, "", {}))


def trail(meta: Json | None = None, reference: str = "r-1", target: Target | None = TOOL, **more: Any) -> Trail:
    made = Trail(MESSAGE, reference, 3, 100.0, 1_000.0, CALLER, call(meta), target, Allow("readers"))
    made.sent, made.answered, made.ended, made.outcome = 100.25, 100.5, 101.0, "answered"
    for name, value in more.items():
        setattr(made, name, value)
    return made


class Told:
    """A tracer, and what it told."""

    def __init__(self, share: float = 0.0, trusted: tuple[str, ...] = (), who: Any = None) -> None:
        self.spans: list[Span] = []
        self.places: list[Place] = []
        count = itertools.count(1)
        self.tracer = Tracer(
            Sampling(share, frozenset(trusted)),
            self._take,
            lambda size: sha256(b"%d" % next(count)).digest()[:size],
            who or (lambda _: None),
        )

    def _take(self, _: Trail, place: Place, spans: tuple[Span, ...]) -> None:
        self.places.append(place)
        self.spans += spans

    def ended(self, *trails: Trail) -> list[Span]:
        for each in trails:
            self.tracer.ended(each)
        return self.spans


def test_nothing_is_traced_that_nobody_asked_for() -> None:
    assert Told().ended(trail(), trail(META)) == []


def test_who_is_trusted_decides() -> None:
    ours, theirs = Told(trusted=("agent",)).ended(trail(META), trail(UNSAMPLED), trail())
    assert (ours.trace, ours.parent, ours.state, ours.remote, ours.link) == (TRACE, SPAN, "a=1", True, None)
    assert (theirs.trace, theirs.parent, theirs.remote) == (TRACE, ours.span, False)
    assert len({ours.span, theirs.span, SPAN}) == 3


def test_who_is_not_trusted_is_linked_and_not_followed() -> None:
    ours, theirs = Told(1.0, ("lead",)).ended(trail(UNSAMPLED))
    assert ours.trace == theirs.trace != TRACE
    assert (ours.parent, ours.state) == ("", "")
    assert ours.link is not None
    assert (ours.link.trace, ours.link.span) == (TRACE, SPAN)


def test_an_unknown_caller_decides_nothing() -> None:
    assert Told(trusted=("*",)).ended(trail(META, caller=None)) == []


@pytest.mark.parametrize("share", [0.0, 0.01, 0.25, 1.0])
def test_the_share_of_calls_that_are_traced_is_the_one_that_was_asked_for(share: float) -> None:
    tracer = Told(share).tracer
    chosen = sum(tracer.chosen(f"abcdef01-{number:x}") for number in range(20_000))
    assert chosen == pytest.approx(share * 20_000, abs=300)


def test_calls_whose_steps_are_timed_are_traced_first() -> None:
    tracer = Told(1 / 32).tracer
    assert all(hash(each) % 16 == 0 for each in (f"x-{number}" for number in range(5_000)) if tracer.chosen(each))


def test_a_span_says_kinds_and_times() -> None:
    marks = [100.1, 100.2]
    looked = [Looked("keys", Side.REQUEST, "redact", 0.1)]
    ours, theirs = Told(1.0).ended(trail(marks=marks, looked=looked))
    assert (ours.name, ours.kind, ours.start, ours.end) == (
        "tools/call files__read",
        SERVER,
        1_000 * 10**9,
        1_001 * 10**9,
    )
    assert (theirs.name, theirs.kind) == ("tools/call read", CLIENT)
    assert (theirs.start - ours.start, theirs.end - ours.start) == (250_000_000, 500_000_000)
    assert [(round((at - ours.start) / 1e8), name) for at, name in ours.events] == [(1, "identify"), (2, "body")]
    assert ours.attributes == {
        mcp_attributes.MCP_METHOD_NAME: "tools/call",
        mcp_attributes.MCP_PROTOCOL_VERSION: "2026-07-28",
        gen_ai_attributes.GEN_AI_TOOL_NAME: "files__read",
        gen_ai_attributes.GEN_AI_OPERATION_NAME: gen_ai_attributes.GenAiOperationNameValues.EXECUTE_TOOL.value,
        network_attributes.NETWORK_TRANSPORT: "tcp",
        network_attributes.NETWORK_PROTOCOL_NAME: "http",
        "ostiary.reference": "r-1", "ostiary.server": "files", "ostiary.outcome": "answered", "ostiary.revision": 3,
        "ostiary.rule": "readers", "ostiary.allowed": True, "ostiary.guards": ("keys:redact",),
    }  # fmt: skip
    assert not ours.failed


@pytest.mark.parametrize(
    ("outcome", "failed", "theirs_too"),
    [("answered", False, False), ("input_required", False, False), ("tool_error", True, True), ("rpc_error", True, True),
     (TimedOut.code, True, True), ("blocked", True, False), ("abandoned", True, False)],
)  # fmt: skip
def test_what_went_wrong_has_a_name_and_whoever_did_it(outcome: str, failed: bool, theirs_too: bool) -> None:
    ours, theirs = Told(1.0).ended(trail(outcome=outcome))
    assert ours.attributes.get(error_attributes.ERROR_TYPE) == (outcome if failed else None)
    assert (ours.failed, theirs.failed) == (failed, theirs_too)


def test_a_call_that_never_left_has_one_span() -> None:
    (only,) = Told(1.0).ended(trail(sent=0.0, answered=0.0, outcome="not_found", target=None, decision=None))
    assert only.name == "tools/call"
    assert "gen_ai.tool.name" not in only.attributes, "what a client made up is no tool's name"


def test_a_message_that_was_never_read_has_one_too() -> None:
    (only,) = Told(1.0).ended(trail(call=None, caller=None, target=None, decision=None, sent=0.0, outcome="not_json"))
    assert (only.name, only.attributes["mcp.method.name"]) == ("_OTHER", "_OTHER")


def test_a_prompt_has_its_own_attribute_and_a_resource_no_name() -> None:
    prompt = msgspec.structs.replace(TOOL, kind=Kind.PROMPT)
    uri = "file:///home/ana@example.com"
    resource = Target("files", Kind.RESOURCE, uri, f"files:{uri}", uri)
    ours, *_ = Told(1.0).ended(trail(target=prompt, call=call(method="prompts/get")))
    assert ours.attributes[gen_ai_attributes.GEN_AI_PROMPT_NAME] == "files__read"
    told = Told(1.0).ended(trail(target=resource, call=call(method="resources/read")))
    assert "example" not in repr(told)
    assert told[0].name == "resources/read"


def test_who_called_is_said_where_somebody_wants_it() -> None:
    assert "ana" not in repr(Told(1.0).ended(trail()))
    ours, *_ = Told(1.0, who=lambda caller: ("user.id", caller.subject)).ended(trail())
    assert ours.attributes[user_attributes.USER_ID] == "ana"


NASTY = 'rm\x1b[2J\n{"level"}\r\u202e\u2028\x00 Bearer abcdefgh12345 \ud800'


def test_names_of_servers_making_cannot_forge_anything() -> None:
    odd = Target("files", Kind.TOOL, NASTY, f"files.{NASTY}", NASTY)
    for span in Told(1.0).ended(trail(target=odd)):
        said = [span.name, *(each for each in span.attributes.values() if isinstance(each, str))]
        assert all(each.isprintable() for each in said)
        assert not any("abcdefgh12345" in each for each in said)
        assert all(each.encode() for each in said)


def test_arguments_are_in_no_span() -> None:
    assert "words" not in repr(Told(1.0).ended(trail(META)))


# What servers hear


class Sent:
    """A server that keeps what it is sent."""

    def __init__(self) -> None:
        self.orders: list[Order] = []

    async def __call__(self, order: Order, _: Any) -> Json:
        self.orders.append(order)
        return {"result": {}}


def order(meta: Json | None, reference: str = "r-1") -> Order:
    return Order(call(meta), TOOL, CALLER, 1.0, reference)


async def heard(meta: Json | None, told: str, tracer: Tracer | None = None) -> Any:
    sent = Sent()
    await carrying(sent, lambda _: told, tracer)(order(meta), None)  # type: ignore[arg-type]  # nobody is answered
    return sent.orders[0].call.params.get("_meta")


async def test_baggage_stays_behind_unless_it_may_go() -> None:
    assert await heard(META, "trace") == {key: META[key] for key in ("com.example/x", "traceparent", "tracestate")}
    assert await heard(META, "all") == META
    assert await heard(META, "none") == {"com.example/x": 1}
    assert await heard({"baggage": "k=v"}, "trace") is None
    assert await heard({"baggage": "k=v"}, "all") == {"baggage": "k=v"}


async def test_a_call_that_says_nothing_of_traces_goes_on_as_it_is() -> None:
    sent, given_ = Sent(), order({"com.example/x": 1})
    await carrying(sent, lambda _: "all", None)(given_, None)  # type: ignore[arg-type]  # nobody is answered
    assert sent.orders == [given_]
    assert sent.orders[0] is given_


async def test_a_traced_call_makes_the_server_a_child_of_ours() -> None:
    told = Told(trusted=("*",))
    meta = await heard(META, "trace", told.tracer)
    ours, theirs = told.ended(trail(META))
    assert meta["traceparent"] == f"00-{TRACE}-{theirs.span}-01"
    assert meta["tracestate"] == "a=1"
    assert theirs.parent == ours.span


async def test_a_call_that_goes_out_twice_is_in_one_place() -> None:
    told = Told(1.0)
    assert await heard(None, "trace", told.tracer) == await heard(None, "trace", told.tracer)
    told.ended(trail())
    assert len(told.places) == 1
    assert await heard(None, "none", told.tracer) is None


def test_calls_that_never_end_are_not_remembered_for_ever() -> None:
    told = Told(1.0)
    for number in range(10_000):
        told.tracer.leaving(order(None, f"r-{number}"))
    assert len(told.tracer._open) <= 4096


@given(st.dictionaries(st.sampled_from(["traceparent", "tracestate", "baggage", "x"]), st.text() | st.integers()))
def test_whatever_comes_nothing_malformed_goes_out(meta: Json) -> None:
    out = outgoing(meta, "all", None)
    assert out.get("x") == meta.get("x")
    assert all(isinstance(out[name], str) and out[name].isascii() for name in out.keys() - {"x"})

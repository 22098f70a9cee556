"""What `simulate` says of the past is what enforcement then does, and where it cannot know, it says so."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st

from ostiary.adapters.store.ledger_records import Bodies
from ostiary.config.compile import compiled
from ostiary.core.model import Allow, Caller, Catalogue, Inbound, Snapshot, Surface, Target
from ostiary.core.rules import Ask
from ostiary.core.trail import Trail
from ostiary.operate.changes import Changes
from ostiary.operate.past import Past, past
from ostiary.operate.simulate import ALLOWED, ARGUMENTS, UNDECIDED, Replay, Verdict, World
from ostiary.pipeline import links
from ostiary.policy.quarantine import NONE, Quarantine, marks
from tests.pipeline.stage import Stage, post
from tests.unit.config.test_compile import config
from tests.unit.config.test_policy_properties import (
    ALLOWING,
    CALLERS,
    DENYING,
    NIGHT,
    NOON,
    OF_CALLER,
    policy,
    rules,
)

BODIES = Bodies(b"k" * 32)
SCHEMA = {
    "type": "object",
    "properties": {
        "path": {"type": "string"}, "force": {"type": "boolean"}, "note": {"type": "string"},
        "opts": {"type": "object", "properties": {"deep": {"type": "boolean"}}},
    },
    "required": ["path"],
}  # fmt: skip


def tool(name: str, **annotations: bool) -> dict[str, Any]:
    return {"name": name, "inputSchema": SCHEMA, "annotations": annotations}


FILES = Catalogue(
    "files", "", (tool("read", readOnlyHint=True), tool("drop"), tool("move", destructiveHint=False)),
    ({"name": "greet", "arguments": [{"name": "path", "required": True}]},), ({"uri": "note://a", "name": "a"},),
    ({"uriTemplate": "file:///{path}", "name": "t"},),
)  # fmt: skip
ALL = {("files", ""): FILES, ("crm", ""): Catalogue("crm", "", (tool("find"), tool("read", readOnlyHint=True)))}
APPROVED = frozenset(
    {"files.read", "files.drop", "files.move", "crm.find", "crm.read", "files.prompt/greet", "files:note://a"}
)
SHAPED = [
    "has(args.force) && args.force", "!has(args.note)", "has(args.opts) && has(args.opts.deep) && args.opts.deep",
    "args.path == ''", "has(args.note) && size(args.note) > 2", "has(args.opts) && size(args.opts) == 0",
    "call.client == 'tests' || args.path == '/a'", "has(args.force) && args.path == '/a'",
    "args.path == '/a' || has(args.note)", "!(has(args.opts) && args.path == '/b')",
    "has(args.note) && args.note.startsWith('l') || has(args.force) && args.force",
    "has(args.note) ? args.note == 'x' : args.path != '/b'",
]  # fmt: skip
CHECKED: list[dict[str, Any]] = [
    {"allow": patterns, "subjects": ("*",), "checks": checks, **more}
    for patterns in (("crm.find",), ("files.*", "crm.*"))
    for checks in (
        {"path": "inside:/a"}, {"path": "inside:/a", "note": "word"}, {"path": "matches:/[ab]?"}, {"note?": "word"},
        {"opts.other?": "word", "path": "inside:/"}, {"opts.deep": "word"},
    )
    for more in ({}, {"when": "has(args.force)"}, {"when": "args.path != '/a'"}, {"shadow": True})
]  # fmt: skip
OPEN = st.sampled_from(
    [[], [{"allow": ("*",), "subjects": ("*",)}],
     [{"allow": ("files.*", "crm.*"), "subjects": ("*",), "when": when} for when in SHAPED[:2]],
     [{"allow": ("files.*",), "subjects": ("*",), "when": SHAPED[4]}]]
)  # fmt: skip
MANY = st.lists(
    st.one_of(
        rules("allow", [*ALLOWING, *SHAPED]), rules("deny", [*DENYING, *SHAPED]), rules("allow", SHAPED),
        st.sampled_from(CHECKED), st.sampled_from(CHECKED),
    ),
    max_size=5,
)  # fmt: skip
RULES = st.builds(lambda first, more: [*first, *more], OPEN, MANY)
ARGUMENTS_ = st.fixed_dictionaries(
    {},
    optional={
        "path": st.sampled_from(["", "/a", "/b", "/c", 5, None, ["/a"], ["/a", 1], [], {"/a": "x"}, "/" * 70_000]),
        "force": st.booleans(),
        "note": st.sampled_from(["", "x", "long one", "l" * 40_000, ["x"] * 20]),
        "opts": st.sampled_from([{}, {"deep": True}, {"deep": False}, {"deep": "x"}, {"other": 1}, {"other": "x y"}]),
    },
)
NAMES = ["files__read", "files__drop", "files__move", "crm__find", "crm__read", "nobody__knows"]
MESSAGES = st.one_of(
    st.builds(lambda name, given: post("tools/call", name=name, arguments=given), st.sampled_from(NAMES), ARGUMENTS_),
    st.builds(lambda path: post("prompts/get", name="files__greet", arguments={"path": path}), st.sampled_from(["/a", ""])),
    st.builds(lambda uri: post("resources/read", uri=uri), st.sampled_from(["note://a", "file:///a", "note://z"])),
    st.just(post("tools/list")),
)  # fmt: skip


class Acting(Stage):
    """A stage on which one caller acts, at one time, under one configuration."""

    def __init__(self, snapshot: Snapshot, caller: Caller, now: float) -> None:
        super().__init__()
        self.snapshot = snapshot
        self.turn(caller, now)

    def turn(self, caller: Caller, now: float) -> Acting:
        """Let another caller act, at another time."""
        self.caller = caller
        self.world = msgspec.structs.replace(self.world, time=lambda: now)
        return self

    async def identify(self, message: Inbound) -> Caller:
        return self.caller

    def did(self, message: Inbound) -> Trail:
        self.play(message)
        return self.audit.ended[-1]


def meaning(uri: str, surface: Surface, caller: Caller, ask: Ask) -> Target | None:
    return links.resource(uri, surface, caller, None, ask)


def recorded(trail: Trail) -> Past:
    """Return the call as the ledger remembers it."""
    body = BODIES.intent(trail) if trail.intended else BODIES.refusal(trail)
    found = past(b'{"n":1,"prev":"0",' + body[1:-1] + b',"hash":"0"}\n')
    assert found is not None
    return found


def replay(snapshot: Snapshot) -> Replay:
    servers = frozenset({"files", "crm"})
    return Replay(World(snapshot, servers, servers, APPROVED, NONE, {}, lambda _ident: None), meaning)


def enforced(trail: Trail) -> bool:
    assert trail.decision is not None or trail.outcome == "not_found", trail.outcome
    return isinstance(trail.decision, Allow)


def snapshot(written: list[dict[str, Any]]) -> Snapshot:
    return compiled(policy(written), ALL, 1, "d").snapshot


def consistent(caller: Caller) -> Caller:
    """Return the caller as an identity makes one: what it is called is among its tags."""
    return msgspec.structs.replace(caller, tags=caller.tags | {"client:ide"})


VIEWED = st.sampled_from(
    [
        {},
        {"set": {"files.read": {"note": "x"}}},
        {"set": {"crm.find": {"force": True}}},
        {"rename": {"files.read": "look"}},
    ]
)


def viewed(written: list[dict[str, Any]], view: dict[str, Any]) -> Snapshot:
    named = tuple({"name": f"r{number}", **rule} for number, rule in enumerate(written))
    it = config(rules=named, views={"desk": {"include": ("*",), **view}})
    return compiled(it, ALL, 1, "d").snapshot


@settings(max_examples=200, deadline=None)
@given(
    st.tuples(RULES, VIEWED), st.tuples(RULES, VIEWED), st.lists(CALLERS.map(consistent), min_size=1, max_size=2),
    st.sampled_from([NIGHT, NOON]), st.lists(st.tuples(MESSAGES, st.booleans()), min_size=1, max_size=8),
)  # fmt: skip
def test_the_verdict_on_a_past_call_is_what_enforcement_does(
    before: tuple[list[dict[str, Any]], dict[str, Any]],
    after: tuple[list[dict[str, Any]], dict[str, Any]],
    callers: list[Caller],
    now: float,
    messages: list[tuple[Inbound, bool]],
) -> None:
    """Must-show 4: calls were made under one configuration; under another they end as was said of them."""
    first, new = viewed(*before), viewed(*after)
    judge, old, enforcing = replay(new), Acting(first, callers[0], now), Acting(new, callers[0], now)
    for at, (message, desk) in enumerate(messages):
        old.turn(callers[at % len(callers)], now)
        enforcing.turn(old.caller, now)
        said = msgspec.structs.replace(message, endpoint="/views/desk/mcp") if desk else message
        then, there = recorded(old.did(said)), enforcing.did(said)
        verdict = judge.verdict(then)
        if then.method == "tools/list":
            assert verdict is None
            continue
        assert verdict is not None
        event(verdict.now)
        if verdict.now != UNDECIDED:
            assert (verdict.now == ALLOWED) is enforced(there), (verdict, there.detail)
        shadow = {each for each in there.findings if each.startswith("shadow: ")}
        assert set(verdict.shadow) <= shadow <= {*verdict.shadow, *verdict.open}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(rules("allow", OF_CALLER), rules("deny", OF_CALLER)), max_size=6), CALLERS, MESSAGES)
def test_rules_that_read_no_arguments_and_no_claims_are_always_decided(
    written: list[dict[str, Any]], caller: Caller, message: Inbound
) -> None:
    plain = [rule for rule in written if "claims" not in rule.get("when", "")]
    new = snapshot(plain)
    verdict = replay(new).verdict(recorded(Acting(new, consistent(caller), NOON).did(message)))
    assert verdict is None or verdict.now != UNDECIDED


# One by one


ANN = Caller(
    "ann", "ostiary", "tok_1", "token:tok_1", 9e9, frozenset({"dev"}),
    tags=frozenset({"*", "issuer:ostiary", "subject:ann", "client:tok_1", "client:tok_0", "role:dev"}),
)  # fmt: skip


def judged(rule: dict[str, Any], caller: Caller = ANN, **arguments: Any) -> Verdict:
    """Return what one rule makes of one call that nothing allowed then."""
    old, new = snapshot([]), snapshot([rule])
    message = post("tools/call", name="files__read", arguments={"path": "/a", **arguments})
    verdict = replay(new).verdict(recorded(Acting(old, caller, NOON).did(message)))
    assert verdict is not None
    return verdict


def allowing(when: str, **more: Any) -> dict[str, Any]:
    return {"allow": ("files.read",), "roles": ("dev",), "when": when, **more}


def test_what_the_shape_of_arguments_gives_away_is_decided() -> None:
    assert judged(allowing("has(args.note)"), note="x").now == ALLOWED
    assert judged(allowing("has(args.note)")).now == "refused"
    assert judged(allowing("has(args.force) && args.force"), force=True).now == ALLOWED
    assert judged(allowing("has(args.note) && args.note == ''"), note="").now == ALLOWED
    assert judged(allowing("has(args.opts) && has(args.opts.deep)"), opts={"deep": True}).now == ALLOWED
    assert judged(allowing("has(args.opts) && has(args.opts.deep)"), opts={}).now == "refused"


def test_a_part_that_is_known_decides_where_the_other_one_cannot_change_it() -> None:
    assert judged(allowing("has(args.force) && args.path == '/a'")).now == "refused"
    assert judged(allowing("has(args.force) && args.path == '/a'"), force=True).now == UNDECIDED
    assert judged(allowing("has(args.force) || args.path == '/b'"), force=True).now == ALLOWED
    assert judged(allowing("!(has(args.note) || args.path == '/b')"), note="x").now == "refused"
    either = allowing("caller.subject == 'ann' || args.path == '/b'")
    assert (judged(either).now, judged(either, path="/" * 70_000).now) == (ALLOWED, UNDECIDED)
    # Too much to be looked at makes the whole of a condition an error, which no allow rule survives.
    assert judged(allowing("has(args.force) || args.path == '/b'"), force=True, path="/" * 70_000).now == UNDECIDED


def checking(**checks: str) -> dict[str, Any]:
    return {
        "allow": ("files.read",),
        "roles": ("dev",),
        "checks": {key.replace("_", "?"): it for key, it in checks.items()},
    }


def test_of_what_checks_demand_it_suffices_that_one_cannot_be_met() -> None:
    assert judged(checking(path="inside:/a", note="word")).now == "refused"
    assert judged(checking(path="inside:/a"), path=5).now == "refused"
    assert judged(checking(path="inside:/a"), path=["/a", 5]).now == "refused"
    assert judged(checking(path="inside:/a"), path={"/a": 1}).now == "refused"
    assert judged(checking(path="inside:/a"), path=["/a"]).now == UNDECIDED
    assert judged(checking(note_="word")).now == ALLOWED
    assert judged(checking(note_="word"), note="x").now == UNDECIDED
    assert judged({**checking(path="inside:/a"), "when": "has(args.force)"}).now == "refused"


def test_what_it_hides_is_not_decided_and_the_rule_is_named() -> None:
    verdict = judged(allowing("args.path == '/a'"))
    assert (verdict.now, verdict.because, verdict.rule) == (UNDECIDED, ARGUMENTS, "r0")
    assert judged(allowing("args.path == '/a'", roles=("ops",))).now == "refused"
    assert judged(allowing("args.path == '/a' || caller.subject == 'ann'")).now == ALLOWED
    assert judged({"allow": ("files.read",), "roles": ("dev",), "checks": {"path": "inside:/a"}}).now == UNDECIDED


def test_claims_are_not_known_unless_there_were_none() -> None:
    rule = allowing("has(caller.claims.region)")
    assert judged(rule).now == "refused"
    told = msgspec.structs.replace(ANN, claims={"region": "eu"})
    assert judged(rule, told).now == UNDECIDED
    assert "issuer said" in judged(rule, told).because


def test_a_rehearsed_rule_is_told_with_what_is_not_certain() -> None:
    verdict = judged(allowing("has(args.note)", shadow=True), note="x")
    assert (verdict.shadow, verdict.open) == (("shadow: r0 would allow",), ())
    verdict = judged(allowing("args.path == '/a'", shadow=True))
    assert (verdict.shadow, verdict.open) == ((), ("shadow: r0 would allow",))


def test_a_token_that_another_succeeds_is_still_meant() -> None:
    assert judged({"allow": ("files.read",), "clients": ("tok_0",)}).now == ALLOWED


def test_somebody_with_more_groups_than_are_kept_is_not_decided() -> None:
    many = frozenset(f"team-{number:04d}" * 3 for number in range(300))
    known = msgspec.structs.replace(ANN, teams=many, tags=ANN.tags | {f"team:{each}" for each in many})
    assert judged({"allow": ("files.read",), "roles": ("dev",)}, known).now == UNDECIDED
    assert judged({"allow": ("crm.find",), "roles": ("dev",)}, known).now == "refused"


def test_a_record_from_before_these_were_kept_is_not_decided() -> None:
    old = snapshot([])
    trail = Acting(old, ANN, NOON).did(post("tools/call", name="files__read", arguments={"path": "/a"}))
    record = json.loads(BODIES.refusal(trail))
    record["principal"] = {name: record["principal"][name] for name in ("subject", "issuer", "client", "proof")}
    found = past(json.dumps({"n": 1, "prev": "0", **record}, separators=(",", ":")).encode() + b"\n")
    assert found is not None
    new = snapshot([{"allow": ("files.read",), "roles": ("dev",)}])
    verdict = replay(new).verdict(found)
    assert verdict is not None
    assert (verdict.now, "roles" in verdict.because) == (UNDECIDED, True)


def test_changes_are_counted_by_whom_they_concern() -> None:
    changes, verdict = Changes(), judged(allowing("has(args.note)"), note="x")
    old = snapshot([])
    stage = Acting(old, ANN, NOON)
    for _ in range(3):
        changes.add(recorded(stage.did(post("tools/call", name="files__read", arguments={"path": "/a"}))), verdict)
    changes.add(recorded(stage.did(post("tools/list"))), None)
    assert (changes.calls, changes.own, changes.allowed.calls) == (4, 1, 3)
    (group,) = changes.allowed
    assert (group.subject, group.what, group.calls, group.rule) == ("ann", "files.read", 3, "r0")


def test_a_token_that_was_narrowed_is_asked_about_while_it_is_known() -> None:
    narrow = msgspec.structs.replace(ANN, reach=frozenset({"files"}), within=lambda label: label == "files.read")
    rule, message = {"allow": ("files.*",), "roles": ("dev",)}, post("tools/call", name="files__drop", arguments={})
    then = recorded(Acting(snapshot([rule]), narrow, NOON).did(message))
    new = snapshot([rule])
    servers = frozenset({"files", "crm"})
    known = World(new, servers, servers, APPROVED, NONE, {}, lambda _ident: narrow.within)
    told, lost = Replay(known, meaning).verdict(then), replay(new).verdict(then)
    assert told is not None
    assert lost is not None
    assert (told.now, lost.now, "narrowed" in lost.because) == ("refused", UNDECIDED, True)


def test_who_is_shut_out_now_would_be_refused() -> None:
    rule = {"allow": ("files.*",), "roles": ("dev",)}
    then = recorded(Acting(snapshot([rule]), ANN, NOON).did(post("tools/call", name="files__read", arguments={})))
    shut = marks([Quarantine("q1", "person", "Ann", "lost laptop", "ops", 0.0)], 1.0)
    servers = frozenset({"files", "crm"})
    verdict = Replay(
        World(snapshot([rule]), servers, servers, APPROVED, shut, {}, lambda _ident: None), meaning
    ).verdict(then)
    assert verdict is not None
    assert (verdict.now, verdict.rule) == ("refused", "quarantine:q1")

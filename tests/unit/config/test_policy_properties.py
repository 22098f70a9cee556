"""What must hold for every configuration: lists and calls agree, denies win, and nothing but an allow rule ever grants."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.config.compile import compiled
from ostiary.config.schema import Config
from ostiary.core.model import Allow, Caller, Catalogue, Era, Kind, Target
from ostiary.core.rules import Ask
from ostiary.policy.decide import decide
from ostiary.policy.visible import visible
from tests.unit.config.test_compile import config

PATHS = ("/a", "/b", "/c")
NIGHT, NOON = 1_767_578_400.0, 1_767_614_400.0  # Monday, 2026-01-05, at 02:00 and at 12:00 UTC
METHODS = {Kind.TOOL: "tools/call", Kind.PROMPT: "prompts/get", Kind.RESOURCE: "resources/read"}


def tool(name: str, **annotations: bool) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
    return {"name": name, "inputSchema": schema, "annotations": annotations}


FILES = Catalogue(
    "files", "", (tool("read", readOnlyHint=True), tool("drop", destructiveHint=True), tool("move", destructiveHint=False)),
    ({"name": "greet", "arguments": [{"name": "path", "required": True}]},), ({"uri": "note://a", "name": "a"},),
    ({"uriTemplate": "file:///{path}", "name": "t"},),
)  # fmt: skip
CRM = Catalogue("crm", "", (tool("find"), tool("read", readOnlyHint=True)))
ALL = {("files", ""): FILES, ("crm", ""): CRM}

PATTERNS = ["files.*", "*.read", "*.drop", "crm.find", "files.prompt/*"]
WIDE = ["*", "files:*", "files:file:///*"]
WHO: list[dict[str, Any]] = [
    {"subjects": ("*",)}, {"roles": ("dev",)}, {"roles": ("ops",), "teams": ("a",)}, {"subjects": ("ann",)},
    {"agents": ("bot",)}, {"subjects": ("ann",), "issuers": ("ostiary",)}, {"clients": ("ide",)},
]  # fmt: skip
NARROW: list[dict[str, Any]] = [
    {}, {}, {"read_only": True}, {"destructive": False}, {"destructive": True}, {"views": ("desk",)}, {"shadow": True},
    {"during": {"days": ("mon-fri",), "hours": "08:00-18:00"}}, {"during": {"hours": "22:00-06:00"}},
]  # fmt: skip
OF_CALLER = [
    "caller.claims.region == 'eu'", "!('dev' in caller.roles)", "tool.destructive", "call.address == '10.0.0.1'",
    "now.getHours() < 6", "caller.subject == 'ann' || caller.claims.region == 'us'",
]  # fmt: skip
ALLOWING = ["args.path == '/a'", "args.path in ['/a', '/c'] && caller.claims.region == 'eu'", *OF_CALLER]
DENYING = ["args.path == '/b'", "args.path == '/b' || caller.claims.region == 'us'", *OF_CALLER]


def rules(effect: str, when: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    plain = st.tuples(st.lists(st.sampled_from([*PATTERNS, *WIDE]), min_size=1, max_size=2), st.none())
    conditioned = st.tuples(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2), st.sampled_from(when))
    who = st.sampled_from(WHO) if effect == "allow" else st.sampled_from([{}, *WHO])
    scopes = st.sampled_from([{}, {}, {"scopes": ("write",)}]) if effect == "allow" else st.just({})
    made = st.tuples(st.one_of(plain, conditioned), who, st.sampled_from(NARROW), scopes)
    return made.map(
        lambda it: {effect: tuple(it[0][0]), **({"when": it[0][1]} if it[0][1] else {}), **it[1], **it[2], **it[3]}
    )


RULES = st.lists(st.one_of(rules("allow", ALLOWING), rules("deny", DENYING)), max_size=6)
CALLERS = st.builds(
    lambda subject, tags, claims, scopes, reach: Caller(
        subject, "ostiary", "ide", "token", 9e9, frozenset({"dev"} if "role:dev" in tags else ()), frozenset(),
        scopes, reach, frozenset({"*", "issuer:ostiary", f"subject:{subject}", *tags}), "", claims,
    ),
    st.sampled_from(["ann", "bob"]),
    st.frozensets(st.sampled_from(["role:dev", "role:ops", "team:a", "agent:bot", "client:ide"])),
    st.sampled_from([{}, {"region": "eu"}, {"region": "us"}]),
    st.sampled_from([frozenset[str](), frozenset({"write"})]),
    st.sampled_from([frozenset[str](), frozenset({"files"})]),
)  # fmt: skip
ASKS = st.builds(
    lambda now, address, era: Ask(now, None, "", "a client", "v", era.value, address),
    st.sampled_from([NIGHT, NOON]), st.sampled_from(["10.0.0.1", "10.0.0.2"]), st.sampled_from(Era),
)  # fmt: skip


def policy(written: list[dict[str, Any]]) -> Config:
    named = tuple({"name": f"r{number}", **rule} for number, rule in enumerate(written))
    return config(rules=named, views={"desk": {"include": ("*",)}})


def calls(target: Target, ask: Ask) -> list[Ask]:
    """Return every call of a target that is told apart here."""
    if target.kind not in METHODS:
        return [ask]
    method = METHODS[target.kind]
    with_arguments = target.kind in (Kind.TOOL, Kind.PROMPT)
    given: list[dict[str, Any] | None] = [{"path": path} for path in PATHS] if with_arguments else [None]
    return [msgspec.structs.replace(ask, method=method, arguments=each) for each in given]


def allowed(it: Config, caller: Caller, ask: Ask) -> set[tuple[str, str, str, str]]:
    """Return every call that is allowed: endpoint, kind, name and path."""
    return {
        (endpoint, kind, name, str(call.arguments))
        for (endpoint, _), surface in compiled(it, ALL, 1, "d").snapshot.surfaces.items()
        for (kind, name), target in surface.targets.items()
        for call in calls(target, ask)
        if isinstance(decide(caller, target, call), Allow)
    }


@settings(max_examples=150, deadline=None)
@given(RULES, CALLERS, ASKS)
def test_what_is_listed_can_be_called_and_what_can_be_called_is_listed(
    written: list[dict[str, Any]], caller: Caller, ask: Ask
) -> None:
    """For every caller, rule set, endpoint and era, with some arguments."""
    for surface in compiled(policy(written), ALL, 1, "d").snapshot.surfaces.values():
        for kind in (Kind.TOOL, Kind.PROMPT, Kind.RESOURCE):
            listed = {target.exposed for target in visible(caller, kind, surface, ask)}
            callable_ = {
                name
                for (each, name), target in surface.targets.items()
                if each is kind and any(isinstance(decide(caller, target, call), Allow) for call in calls(target, ask))
            }
            assert listed == callable_


@settings(max_examples=100, deadline=None)
@given(RULES, rules("deny", DENYING), CALLERS, ASKS)
def test_a_deny_never_widens(written: list[dict[str, Any]], deny: dict[str, Any], caller: Caller, ask: Ask) -> None:
    assert allowed(policy([*written, deny]), caller, ask) <= allowed(policy(written), caller, ask)


@settings(max_examples=100, deadline=None)
@given(RULES, st.integers(0, 5), CALLERS, ASKS)
def test_removing_an_allow_rule_never_grants(
    written: list[dict[str, Any]], index: int, caller: Caller, ask: Ask
) -> None:
    fewer = [rule for at, rule in enumerate(written) if at != index or "deny" in rule]
    assert allowed(policy(fewer), caller, ask) <= allowed(policy(written), caller, ask)


@settings(max_examples=100, deadline=None)
@given(RULES, st.randoms(use_true_random=False), CALLERS, ASKS)
def test_the_order_of_rules_never_matters(written: list[dict[str, Any]], random: Any, caller: Caller, ask: Ask) -> None:
    shuffled = [*written]
    random.shuffle(shuffled)
    assert allowed(policy(shuffled), caller, ask) == allowed(policy(written), caller, ask)


@settings(max_examples=100, deadline=None)
@given(RULES, st.integers(0, 5), st.sampled_from(ALLOWING), CALLERS, ASKS)
def test_a_condition_never_widens_what_its_rule_allows(
    written: list[dict[str, Any]], index: int, when: str, caller: Caller, ask: Ask
) -> None:
    def narrowed(at: int, rule: dict[str, Any]) -> dict[str, Any]:
        fits = at == index and "allow" in rule and "when" not in rule
        tools = [pattern for pattern in rule.get("allow", ()) if pattern in PATTERNS]
        return {**rule, "allow": tuple(tools), "when": when} if fits and tools else rule

    more = [narrowed(at, rule) for at, rule in enumerate(written)]
    assert allowed(policy(more), caller, ask) <= allowed(policy(written), caller, ask)


@settings(max_examples=50, deadline=None)
@given(RULES, rules("allow", ALLOWING), CALLERS, ASKS)
def test_a_rehearsed_rule_changes_nothing(
    written: list[dict[str, Any]], rule: dict[str, Any], caller: Caller, ask: Ask
) -> None:
    assert allowed(policy([*written, {**rule, "shadow": True}]), caller, ask) == allowed(policy(written), caller, ask)

"""Rules that `trim` proposes allow every call that was made, and nothing that the rules before did not."""

from __future__ import annotations

from itertools import product
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.config.compile import compiled
from ostiary.config.values import covers
from ostiary.core.model import Allow, Caller, Inbound, Kind
from ostiary.core.rules import Ask
from ostiary.operate.trim import Trimmed, Uses
from ostiary.policy.decide import decide
from tests.pipeline.stage import post
from tests.pipeline.test_simulate import ALL, APPROVED, MESSAGES, RULES, Acting, consistent, recorded, replay
from tests.unit.config.test_compile import config
from tests.unit.config.test_policy_properties import CALLERS, NIGHT, NOON, policy

NOBODY = Caller("", "", "", "", 9e9)


def trimmed(written: list[dict[str, Any]], calls: list[tuple[Caller, Inbound, float]]) -> tuple[Trimmed, list[bool]]:
    """Return what is proposed after these calls, and which of them were allowed."""
    before = policy(written)
    snapshot = compiled(before, ALL, 1, "d").snapshot
    uses, allowed, stage = Uses(before, replay(snapshot)), list[bool](), Acting(snapshot, NOBODY, NOON)
    for caller, message, now in calls:
        trail = stage.turn(caller, now).did(message)
        allowed.append(isinstance(trail.decision, Allow))
        uses.add(recorded(trail))
    return uses.trimmed(APPROVED), allowed


def enough(written: list[dict[str, Any]], found: Trimmed) -> Any:
    """Return the configuration with the proposed rules instead of those that allow."""
    named = [{"name": f"r{number}", **rule} for number, rule in enumerate(written)]
    kept = [rule for rule in named if "deny" in rule or rule.get("shadow")]
    return config(rules=(*found.rules, *kept), views={"desk": {"include": ("*",)}})


ANYWHERE = st.builds(
    lambda message, desk: msgspec.structs.replace(message, endpoint="/views/desk/mcp") if desk else message,
    MESSAGES, st.booleans(),
)  # fmt: skip
CALLS = st.lists(st.tuples(CALLERS.map(consistent), ANYWHERE, st.sampled_from([NIGHT, NOON])), max_size=10)


@settings(max_examples=100, deadline=None)
@given(RULES, CALLS)
def test_what_was_used_is_still_allowed(
    written: list[dict[str, Any]], calls: list[tuple[Caller, Inbound, float]]
) -> None:
    found, allowed = trimmed(written, calls)
    after = compiled(enough(written, found), ALL, 1, "d").snapshot
    stage = Acting(after, NOBODY, NOON)
    for (caller, message, now), before in zip(calls, allowed, strict=True):
        if before:
            assert isinstance(stage.turn(caller, now).did(message).decision, Allow)


@settings(max_examples=100, deadline=None)
@given(RULES, CALLS, CALLERS)
def test_nothing_is_granted_that_was_not(
    written: list[dict[str, Any]], calls: list[tuple[Caller, Inbound, float]], caller: Caller
) -> None:
    found, _ = trimmed(written, calls)
    before, after = (compiled(each, ALL, 1, "d").snapshot for each in (policy(written), enough(written, found)))
    ask, who = Ask(NOON, None, "tools/call", "c", "v", "modern", "10.0.0.1", "/mcp"), consistent(caller)
    for endpoint in ("/mcp", "/views/desk/mcp"):
        for key, target in after.surfaces[endpoint, ""].targets.items():
            if target.kind is not Kind.GATEWAY and isinstance(decide(who, target, ask), Allow):
                assert isinstance(decide(who, before.surfaces[endpoint, ""].targets[key], ask), Allow)


@settings(max_examples=100, deadline=None)
@given(RULES, CALLS)
def test_of_all_that_is_proposed_each_part_was_used(
    written: list[dict[str, Any]], calls: list[tuple[Caller, Inbound, float]]
) -> None:
    """Minimal as documented: each label by somebody of each combination of a rule's names, at a place where it holds."""
    found, allowed = trimmed(written, calls)
    snapshot = compiled(policy(written), ALL, 1, "d").snapshot
    stage = Acting(snapshot, NOBODY, NOON)
    trails = [
        stage.turn(who, now).did(message) for (who, message, now), good in zip(calls, allowed, strict=True) if good
    ]
    used = [(it.caller.tags, it.target.label) for it in trails if it.caller and it.target]
    for rule in found.rules:
        named = [
            [name if name == "*" else f"{key[:-1]}:{name}" for name in rule[key]]
            for key in ("roles", "teams", "subjects", "clients", "agents")
            if key in rule
        ]
        for label, tags in product(rule["allow"], product(*named)):
            assert any(covers(label, what) and set(tags) <= who for who, what in used), (label, tags)


def person(name: str, *roles: str) -> Caller:
    tags = frozenset(
        {"*", "issuer:ostiary", f"subject:{name}", f"client:tok_{name}", *(f"role:{each}" for each in roles)}
    )
    return Caller(name, "ostiary", f"tok_{name}", "token", 9e9, frozenset(roles), tags=tags)


def used(name: str) -> Inbound:
    return post("tools/call", name=name, arguments={"path": "/a"})


def test_what_nobody_used_is_reported_and_left_out() -> None:
    rules: list[dict[str, Any]] = [
        {"allow": ("files.*", "crm.*"), "roles": ("dev", "lead", "ops")},
        {"allow": ("crm.find",), "teams": ("a",)},
    ]
    ann, bob = person("ann", "dev"), person("bob", "lead")
    found, _ = trimmed(
        rules, [(ann, used("files__read"), NOON), (ann, used("files__drop"), NOON), (bob, used("files__read"), NOON)]
    )
    first, second = found.unused
    assert (first.rule, first.calls, first.patterns, dict(first.who)) == ("r0", 3, ("crm.*",), {"roles": ("ops",)})
    assert set(first.labels) == {"files.move", "crm.find", "crm.read"}
    assert (second.rule, second.calls) == ("r1", 0)
    assert [dict(rule) for rule in found.rules] == [
        {"name": "r0", "allow": ["files.drop", "files.read"], "roles": ["dev"]},
        {"name": "r0-2", "allow": ["files.read"], "roles": ["lead"]},
    ]


def test_a_rule_that_becomes_several_takes_no_other_ones_name() -> None:
    before = policy([{"allow": ("files.*",), "roles": ("dev", "lead")}])
    named = before.model_copy(
        update={"rules": (*before.rules, before.rules[0].model_copy(update={"name": "r0-2", "roles": ("ops",)}))}
    )
    snapshot = compiled(named, ALL, 1, "d").snapshot
    uses, stage = Uses(named, replay(snapshot)), Acting(snapshot, NOBODY, NOON)
    for who, what in ((person("ann", "dev"), "files__read"), (person("bob", "lead"), "files__drop")):
        uses.add(recorded(stage.turn(who, NOON).did(used(what))))
    assert [rule["name"] for rule in uses.trimmed(APPROVED).rules] == ["r0", "r0-3"]


def test_those_who_use_the_same_share_a_rule_and_a_person_with_two_roles_needs_one() -> None:
    both, one = person("ann", "dev", "ops"), person("bob", "dev")
    found, _ = trimmed(
        [{"allow": ("files.*",), "roles": ("ops", "dev", "lead")}],
        [(both, used("files__read"), NOON), (one, used("files__read"), NOON)],
    )
    assert [dict(rule) for rule in found.rules] == [{"name": "r0", "allow": ["files.read"], "roles": ["dev"]}]
    two = person("cyd", "ops")
    found, _ = trimmed(
        [{"allow": ("files.*",), "roles": ("ops", "dev", "lead")}],
        [(two, used("files__read"), NOON), (one, used("files__read"), NOON)],
    )
    assert [dict(rule) for rule in found.rules] == [{"name": "r0", "allow": ["files.read"], "roles": ["dev", "ops"]}]


def test_resources_of_a_template_keep_the_pattern_that_covers_them() -> None:
    reading = [(person("ann", "dev"), post("resources/read", uri=uri), NOON) for uri in ("file:///a", "note://a")]
    found, _ = trimmed([{"allow": ("*",), "roles": ("dev",)}], reading)
    assert [rule["allow"] for rule in found.rules] == [["files:file:///*", "files:note://a"]]
    narrow = ("*", "files:*", "files:file:///x*", "files:*/*")
    found, _ = trimmed([{"allow": narrow, "roles": ("dev",)}], reading)
    assert [rule["allow"] for rule in found.rules] == [["files:file:///*", "files:note://a"]]
    found, _ = trimmed([{"allow": ("files:*:///*",), "roles": ("dev",)}], reading[:1])
    assert [rule["allow"] for rule in found.rules] == [["files:*:///*"]]


def test_prompts_and_what_is_used_at_a_view_are_proposed_like_tools() -> None:
    ann = person("ann", "dev")
    greet = post("prompts/get", name="files__greet", arguments={"path": "/a"})
    desk = msgspec.structs.replace(used("files__read"), endpoint="/views/desk/mcp")
    rules: list[dict[str, Any]] = [
        {"allow": ("files.prompt/*",), "roles": ("dev", "ops")},
        {"allow": ("files.*",), "roles": ("dev",), "views": ("desk",)},
    ]
    found, allowed = trimmed(rules, [(ann, greet, NOON), (ann, desk, NOON), (ann, used("files__read"), NOON)])
    assert allowed == [True, True, False]
    assert [dict(rule) for rule in found.rules] == [
        {"name": "r0", "allow": ["files.prompt/greet"], "roles": ["dev"]},
        {"name": "r1", "allow": ["files.read"], "roles": ["dev"], "views": ["desk"]},
    ]

"""What is listed is exactly what can be called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.model import Allow, Caller, Kind, Rule, Surface, Target
from ostiary.core.rules import FALSE, TRUE, Ask
from ostiary.policy.decide import decide
from ostiary.policy.visible import visible

ROLES = ("role:dev", "role:ops")
RULES = st.lists(st.builds(lambda role: Rule(role, (frozenset({role}),)), st.sampled_from(ROLES)), max_size=2).map(
    tuple
)
ENTRIES = st.dictionaries(
    st.tuples(st.sampled_from([Kind.TOOL, Kind.PROMPT, Kind.GATEWAY]), st.sampled_from("abcdef")),
    st.tuples(RULES, RULES),
    max_size=12,
)
CALLERS = st.frozensets(st.sampled_from(ROLES)).map(lambda tags: Caller("ann", "", "", "", 9e9, tags=tags))


@given(ENTRIES, CALLERS)
def test_lists_and_calls_cannot_disagree(
    entries: dict[tuple[Kind, str], tuple[tuple[Rule, ...], tuple[Rule, ...]]], caller: Caller
) -> None:
    """Checklist line 47."""
    targets = {
        (kind, name): Target("s", kind, name, f"s.{name}", name, {}, allows, denies)
        for (kind, name), (allows, denies) in entries.items()
    }
    surface = Surface("/mcp", ("s",), targets)
    for kind in Kind:
        listed = visible(caller, kind, surface)
        assert listed == [
            targets[key]
            for key in sorted(targets, key=lambda key: key[1])
            if key[0] is kind and isinstance(decide(caller, targets[key]), Allow)
        ]


@pytest.mark.parametrize(
    ("kind", "listed"),
    [
        (Kind.TOOL, {"tools/call"}), (Kind.PROMPT, {"prompts/get"}), (Kind.RESOURCE, {"resources/read"}),
        (Kind.TEMPLATE, {"resources/read"}), (Kind.GATEWAY, set()),
    ],
)  # fmt: skip
def test_a_list_asks_about_the_method_that_uses_what_it_shows(kind: Kind, listed: set[str]) -> None:
    """A rule for another method would show a tool whose calls are then answered as if it did not exist."""

    def ruled(method: str) -> Target:
        rule = Rule(method, (frozenset({"*"}),), test=lambda _, ask: TRUE if ask.method == method else FALSE)
        return Target("s", kind, method, f"s.{method}", method, allows=(rule,), careful=True)

    methods = ("tools/call", "prompts/get", "resources/read", "resources/subscribe", "completion/complete")
    surface = Surface("/mcp", ("s",), {(kind, each): ruled(each) for each in methods})
    caller = Caller("ann", "", "", "", 9e9, tags=frozenset({"*"}))
    assert {target.name for target in visible(caller, kind, surface, Ask(0.0))} == listed

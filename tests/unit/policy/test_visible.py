"""What is listed is exactly what can be called."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.model import Allow, Caller, Kind, Rule, Surface, Target
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

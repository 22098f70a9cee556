"""What guards are shown is found by them: every rule that there is has something that proves it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.guards import canaries, naming
from ostiary.guards.canaries import FIRST, REST, Kind, wanted
from ostiary.guards.detecting import DETECTORS, KINDS
from ostiary.guards.personal_forms import FORMS, Form
from ostiary.guards.personal_numbers import NUMBERS, Number
from ostiary.guards.secret_kinds import SecretKind
from ostiary.guards.secrets import KINDS as SECRETS

EVERY = [(use, each) for use in FIRST for each in (*FIRST[use], *REST[use])]
RULES = sorted({(use, each.rule) for use, each in EVERY})


def best(use: str, kind: Kind, seed: int) -> float:
    """Return how sure a detector is of what is drawn."""
    canary = kind.make(random.Random(seed).randrange)
    if canary is None:
        return 0.0
    found = DETECTORS[use](canary.text, "text", min(kind.surfaces))
    return max((each.score for each in found if each.rule == kind.rule), default=0.0)


def test_every_rule_has_something_that_proves_it() -> None:
    uses = {use: {rule for of, rule in RULES if of == use} for use in FIRST}
    # Which names a model knows is for those to say who brought it.
    brought = {f"{naming.KIND}.{each}" for each in naming.SLUGS}
    assert uses == {use: set(KINDS[use]) - brought for use in FIRST}


@pytest.mark.parametrize(("use", "rule"), RULES)
def test_what_is_drawn_of_a_rule_is_found_and_as_surely_as_is_said(use: str, rule: str) -> None:
    some = [each for of, each in EVERY if (of, each.rule) == (use, rule)]
    assert any(best(use, each, seed) >= each.score - 0.001 for seed in range(24) for each in some)


@pytest.mark.parametrize(("use", "kind"), [(use, each) for use in FIRST for each in FIRST[use]])
@given(seed=st.integers(0, 1 << 32))
def test_what_is_drawn_first_is_nearly_always_found(use: str, kind: Kind, seed: int) -> None:
    """One in a thousand looks like a placeholder by chance; never three in a row."""
    assert any(best(use, kind, seed + at) >= kind.score - 0.001 for at in range(3))
    canary = kind.make(random.Random(seed).randrange)
    assert canary is not None
    assert canary.value in canary.text


def test_nothing_is_drawn_twice() -> None:
    for use, kinds in FIRST.items():
        for each in kinds:
            texts = {getattr(each.make(random.Random(seed).randrange), "text", "") for seed in range(20)}
            assert len(texts) > 10, (use, each.rule)


def everything(_rule: str) -> bool:
    return True


def test_a_guard_has_to_find_each_of_the_first() -> None:
    found = wanted("secrets", everything, 0.5, "answer", lambda _: 0)
    assert (found.kinds, found.each) == (tuple(FIRST["secrets"]), True)


def test_of_those_only_what_is_as_sure_as_asked() -> None:
    found = wanted("secrets", everything, 1.0, "answer", lambda _: 0)
    assert [each.rule for each in found.kinds] == ["secret.private-key"]


def test_one_that_is_asked_for_others_has_to_find_one_of_some_of_them() -> None:
    found = wanted("secrets", lambda rule: "stripe" in rule or "slack" in rule, 0.5, "answer", lambda _: 0)
    assert not found.each
    assert {each.rule for each in found.kinds} == {
        "secret.slack-token", "secret.slack-webhook", "secret.stripe-key", "secret.stripe-webhook",
    }  # fmt: skip
    assert len(wanted("personal", lambda rule: rule.endswith("-id"), 0.5, "request", lambda size: size - 1).kinds) == 4


def test_what_can_find_nothing_is_known() -> None:
    assert wanted("injection", everything, 1.0, "answer", lambda _: 0).kinds == ()
    assert wanted("injection", lambda rule: rule == "tools.precedence", 0.1, "answer", lambda _: 0).kinds == ()


def test_what_no_draw_makes_is_not_made() -> None:
    """Where a check admits nothing any more, there is nothing to show, and its guard does not work."""
    number, form, secret = NUMBERS[0], FORMS[0], SECRETS[0]
    never = random.Random(1).randrange
    assert canaries._of_number(Number(number.slug, "x", "9", lambda _: False), never) is None
    assert canaries._of_form(Form(form.slug, "x", "x", lambda _: False), never) is None
    kind = SecretKind(secret.slug, "x", "xxxx", "any")
    assert canaries._of_secret(kind, never) is None

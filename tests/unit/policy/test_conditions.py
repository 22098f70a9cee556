"""Conditions are refused where they could surprise, and deny where they cannot be evaluated."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.model import Caller
from ostiary.core.rules import ERROR, FALSE, TRUE, Ask
from ostiary.policy import syntax
from ostiary.policy.conditions import Condition, Member, condition, faults
from ostiary.policy.evaluation import ANY, LONGEST, MOST, Bound, both, bound
from ostiary.policy.syntax import Misread

ANA = Caller(
    "ana", "https://id.example.com", "ide", "token", 9e9,
    roles=frozenset({"lead", "dev"}), claims={"region": "eu", "a.b": 1, "deep": {"list": [1, 2]}}, agent="bot",
)  # fmt: skip
SHAPE = {
    ("amount",): Member("integer", optional=False),
    ("region",): Member("string", optional=False),
    ("price",): Member("number", optional=True),
    ("cost",): Member("number", optional=False),
    ("paid",): Member("boolean", optional=False),
    ("tags",): Member("array", optional=False, items="string"),
    ("list",): Member("array", optional=False),
    ("any",): Member("", optional=False),
    ("place",): Member("object", optional=True),
    ("place", "city"): Member("string", optional=True),
}
ARGS = {"amount": 50, "region": "eu", "cost": 3, "paid": True, "tags": ["a", "b"], "list": [1], "any": None}
TOOL = {
    "server": "crm", "name": "refund", "label": "crm.refund", "kind": "tool", "read_only": False,
    "destructive": True, "idempotent": False, "open_world": True,
}  # fmt: skip
NAMES = [way[0] for way in SHAPE]


def fit(text: str) -> Bound:
    it = condition(text)
    wrong, casts = faults(it, SHAPE.get, NAMES)
    assert wrong == [], text
    return bound(it, casts, TOOL)


def ask(arguments: dict[str, Any] | None = None, **more: Any) -> Ask:
    known = {"now": 1_767_603_600.0, "method": "tools/call", "address": "10.1.2.3", "client": "ide", "era": "modern"}
    return Ask(**{**known, "arguments": ARGS if arguments is None else {**ARGS, **arguments}, **more})


def wrong(text: str) -> str:
    found, _ = faults(condition(text), SHAPE.get, NAMES)
    return "; ".join(" | ".join(each) for each in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("args.amount <= 100 && args.region == caller.claims.region", TRUE),
        ("args.amount <= 10 && args.region == caller.claims.region", FALSE),
        ("args['amount'] == 50", TRUE),
        ("'lead' in caller.roles && caller.subject == 'ana' && caller.agent == 'bot'", TRUE),
        ("size(caller.teams) == 0 && size(caller.scopes) == 0 && caller.client == 'ide'", TRUE),
        ("caller.issuer == 'https://id.example.com'", TRUE),
        ("caller.claims['a.b'] == 1 && caller.claims.deep.list[1] == 2", TRUE),
        ("caller.claims.nobody == 1", ERROR),
        ("caller.claims.nobody == 1 || args.amount == 50", TRUE),
        ("caller.claims.nobody == 1 && args.amount == 51", FALSE),
        ("size(caller.claims) == 3", TRUE),
        ("args.tags.all(tag, tag in ['a', 'b'])", TRUE),
        ("args.tags.exists(tag, tag == 'c')", FALSE),
        ("args.region.matches('^e.$')", TRUE),
        ("now > timestamp('2026-01-05T08:59:00Z') && now.getHours('Europe/Berlin') == 10", TRUE),
        ("tool.server == 'crm' && !tool.read_only && tool.destructive && tool.name == 'refund'", TRUE),
        ("call.method == 'tools/call' && call.address.startsWith('10.1.') && call.era == 'modern'", TRUE),
        ("has(args.price) ? args.price < 3.0 : args.amount == 50", TRUE),
        ("!has(args.price) || args.price < 3.0", TRUE),
        ("has(args.place) && has(args.place.city) && args.place.city == 'x'", FALSE),
        ("args.any == null", TRUE),
        ("args.any", ERROR),
        ("{'a': args.amount}['a'] == 50 && [args.amount][0] == 50", TRUE),
        ("args.paid // a comment with 'has(x' in it", TRUE),
        ("'has(args.x)' == \"has(args.x)\"", TRUE),
        ("!has(caller.claims.has) || caller.claims.has", TRUE),
        ("has ( args . price ) || args.amount == 50", TRUE),
        ("{'a': 1, 'b': 2} == {'a': 1, 'b': 2} && [] == [] && b'a' == b'a' && 1.5 < 2.5 && 1u == 1u", TRUE),
        ("1 / (args.amount - 50) == 1", ERROR),
    ],
)  # fmt: skip
def test_a_condition_says_what_it_says(text: str, expected: int) -> None:
    assert fit(text)(ANA, ask()) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("args.amout <= 100", 'it has no argument args.amout | did you mean "amount"?'),
        ("args.zzz == 1", "it has no argument args.zzz | it has amount"),
        ("args['amout'] == 1", "it has no argument args.amout"),
        ("has(args.amout)", "it has no argument args.amout"),
        ("args.price < 5.0", "args.price may be missing | write has(args.price) &&"),
        ("has(args.price) || args.price < 5.0", "args.price may be missing"),
        ("has(args.price) ? true : args.price < 5.0", "args.price may be missing"),
        ("!(has(args.price) || args.amount > 3) && args.price < 5.0", "args.price may be missing"),
        ("has(args.place) && args.place.city == 'x'", "args.place.city may be missing"),
        ("has(args.place.city) && args.amount == 1", "args.place may be missing"),
        ("has(args.place) && args.place.town == 'x'", "it has no argument args.place.town"),
        ("args.amount <= '100'", "cannot apply <= to (int, string)"),
        ("args.cost <= 'x'", "args.cost is a number, and is used as something else | write args.cost <= 100.0"),
        ("args.cost <= 100 && args.cost + 1.0 < 3.0", "args.cost is a number, and is used as something else"),
        ("args.region > 3", "cannot apply > to (string, int)"),
        ("args.region in [1, 2]", "cannot apply in to"),
        ("args.tags.exists(tag, tag == 1)", "cannot apply == to (string, int)"),
        ("args.region", "is neither true nor false"),
    ],
)
def test_what_does_not_fit_the_schema_is_told(text: str, said: str) -> None:
    assert said in wrong(text)


@pytest.mark.parametrize(
    "text",
    [
        "args.price < 5.0 && has(args.price)",
        "!(!has(args.price) || args.amount > 3) && args.price < 5.0",
        "has(args.price) ? args.price < 5.0 : true",
        "has(args.price) && (args.amount > 3 || args.price < 5.0)",
        "!has(args.place) || !has(args.place.city) || args.place.city == 'x'",
        "args.cost <= 100.0 && args.cost + 1.0 < 3.0 || args.cost * 2.5 > 3.0",
        "args.cost <= 100",
        "args.cost <= 100.5",
        "size(args.list) < 3",
    ],
)
def test_what_is_sure_to_be_there_may_be_used(text: str) -> None:
    assert wrong(text) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("args.amount <", "cannot be read"),
        ("(" * 300 + "true" + ")" * 300, "is not a condition"),
        ("foo == 1", "does not know 'foo'"),
        ("args == {}", "uses args as a whole"),
        ("caller == {}", "uses caller as a whole"),
        ("args[caller.subject] == 1", "uses args as a whole"),
        ("caller.rolls == []", "caller has no 'rolls'"),
        ("call.ip == ''", "call has no 'ip'"),
        ("tool.readonly", "tool has no 'readonly'"),
        ("args.a.all(x, args.b.all(y, x == y))", "has a loop within a loop"),
        ("args.a.all(args, args == 1)", "calls a loop's variable args"),
        ("caller.subject.matches(args.pattern)", "matches a pattern that is not a constant"),
        ("3", "is neither true nor false"),
        ("a" * 2049, "must be at most 2048 characters"),
        ("1" + " + 1" * 26 + " == 27", "is nested too deeply"),
        ("&&".join(["1==1"] * 300), "has too many parts"),
        ("true ? 1 : 'a'", "cannot apply"),
    ],
)
def test_what_could_surprise_or_take_long_is_refused(text: str, said: str) -> None:
    with pytest.raises(Misread) as refused:
        condition(text)
    assert said in refused.value.message


def test_one_loop_over_what_another_leaves_is_no_loop_within_a_loop() -> None:
    assert fit("args.tags.filter(tag, tag != 'a').exists(tag, tag == 'b')")(ANA, ask()) == TRUE


# What may come of it, where something is not known


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("args.amount <= 100", ANY),
        ("caller.subject == 'ana' && args.amount <= 100", ANY),
        ("caller.subject == 'bob' && args.amount <= 100", FALSE),
        ("caller.subject == 'ana' || args.amount <= 100", TRUE),
        ("!(caller.subject == 'ana' || args.amount <= 100)", FALSE),
        ("caller.claims.nobody == 1 && args.amount <= 100", FALSE | ERROR),
        ("caller.claims.nobody == 1 || args.amount <= 100", TRUE | ERROR),
        ("caller.subject == 'ana'", TRUE),
        ("now > timestamp('2026-01-01T00:00:00Z')", TRUE),
        ("call.method == 'tools/call'", ANY),
    ],
)
def test_a_listing_asks_what_may_come_of_it(text: str, expected: int) -> None:
    assert fit(text)(ANA, Ask(now=1_767_603_600.0)) == expected


def test_a_tool_that_is_not_known_yet_may_be_anything() -> None:
    it = bound(condition("tool.read_only && caller.subject == 'ana'"), {}, None)
    assert it(ANA, ask()) == ANY
    assert bound(condition("caller.subject == 'ana'"), {}, None)(ANA, ask()) == TRUE


def test_at_no_time_in_particular_the_time_may_be_any() -> None:
    assert fit("now < timestamp('2026-01-01T00:00:00Z')")(ANA, ask(now=None)) == ANY


CALLERS = st.builds(
    lambda subject, region: Caller(subject, "", "", "", 9e9, claims={"region": region} if region else {}),
    st.sampled_from(["ana", "bob"]), st.sampled_from(["eu", "us", ""]),
)  # fmt: skip
LEAVES = st.sampled_from([
    "args.amount > 10", "args.region == caller.claims.region", "caller.subject == 'ana'", "1 / args.amount == 1",
    "caller.claims.region == 'eu'", "has(args.price)", "args.paid",
])  # fmt: skip
TEXTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("({0[0]}) && ({0[1]})".format),
        st.tuples(inner, inner).map("({0[0]}) || ({0[1]})".format),
        inner.map("!({})".format),
    ),
    max_leaves=6,
)
GIVEN = st.fixed_dictionaries(
    {"amount": st.sampled_from([0, 1, 11]), "region": st.sampled_from(["eu", "us"]), "paid": st.booleans()},
    optional={"price": st.just(3.5)},
)


@given(TEXTS, CALLERS, GIVEN)
def test_what_comes_of_a_call_was_possible_for_the_listing(text: str, caller: Caller, given_: dict[str, Any]) -> None:
    """Ours: what can be called is listed, so nothing may come of a call that the listing thought impossible."""
    it = bound(condition(text), {}, TOOL)
    exact = it(caller, Ask(1.0, given_, "tools/call"))
    assert exact in (TRUE, FALSE, ERROR)
    assert it(caller, Ask(1.0, None, "")) & exact


@given(TEXTS, CALLERS, GIVEN)
def test_parts_explain_the_whole(text: str, caller: Caller, given_: dict[str, Any]) -> None:
    it = bound(condition(text), {}, TOOL)
    parts = list(it.leaves(caller, Ask(1.0, given_, "tools/call")))
    assert parts
    for part, outcome in parts:
        assert outcome in (TRUE, FALSE, ERROR)
        assert condition(part)


# Numbers


def test_numbers_are_made_ready_to_calculate_with() -> None:
    """JSON has one kind of number; the engine has two, and does not mix them."""
    assert fit("args.cost + 1.5 == 4.5")(ANA, ask({"cost": 3})) == TRUE
    assert fit("args.cost + 1.5 == 4.75")(ANA, ask({"cost": 3.25})) == TRUE
    assert fit("args.cost + 1 == 4")(ANA, ask({"cost": 3})) == TRUE
    assert fit("args.amount + 1 == 4")(ANA, ask({"amount": 3.0})) == TRUE


def test_numbers_that_cannot_be_converted_exactly_are_compared_and_not_calculated_with() -> None:
    huge = 2**53 + 1
    assert fit("args.cost > 9007199254740992")(ANA, ask({"cost": huge})) == TRUE
    assert fit("args.cost + 1.5 > 3.0")(ANA, ask({"cost": huge})) == ERROR
    assert fit("args.amount + 1 > 3")(ANA, ask({"amount": 1e300})) == ERROR
    assert fit("args.amount > 3")(ANA, ask({"amount": 2**70})) == ERROR
    assert fit("args.amount > 3")(ANA, ask({"amount": float("inf")})) == TRUE


# Bounds


def test_a_condition_looks_at_so_much_and_no_more() -> None:
    assert fit("args.region == 'x'")(ANA, ask({"region": "x" * (LONGEST + 1)})) == ERROR
    assert fit("args.region == 'x'")(ANA, ask({"region": "x" * LONGEST})) == FALSE
    assert fit("size(args.list) > 3")(ANA, ask({"list": [1] * MOST})) == ERROR
    assert fit("size(args.list) > 3")(ANA, ask({"list": [1] * (MOST - 2)})) == TRUE
    assert fit("size(args.list) > 3")(ANA, ask({"list": [{"x" * LONGEST: 1, "y": [2]}]})) == ERROR


def test_what_a_condition_does_not_read_may_be_as_large_as_it_likes() -> None:
    assert fit("args.amount == 50")(ANA, ask({"region": "x" * (LONGEST * 2), "list": [1] * MOST * 2})) == TRUE


def test_half_a_surrogate_pair_is_an_error_and_nothing_worse() -> None:
    assert fit("args.region == 'x'")(ANA, ask({"region": "\ud800"})) == ERROR


def test_arguments_of_another_shape_than_the_schema_says_are_an_error_and_nothing_worse() -> None:
    """The decision comes before the check of the arguments."""
    it = fit("has(args.place) && has(args.place.city) && args.place.city == 'x'")
    assert it(ANA, ask({"place": 3})) == ERROR
    assert fit("args.tags.all(tag, tag == 'a')")(ANA, ask({"tags": 3})) == ERROR


# Explaining


def test_an_explanation_has_the_parts_and_the_values_that_were_read() -> None:
    it = fit("args.amount <= 10 && (args.region == caller.claims.region || !('lead' in caller.roles))")
    assert list(it.leaves(ANA, ask())) == [
        ("args.amount <= 10", FALSE),
        ("args.region == caller.claims.region", TRUE),
        ("'lead' in caller.roles", TRUE),
    ]
    assert it.values(ANA, ask()) == {
        "args.amount": 50, "args.region": "eu", "caller.claims.region": "eu", "caller.roles": ["dev", "lead"],
    }  # fmt: skip
    assert it.values(ANA, ask({"region": "x" * (LONGEST + 1)})) == {}
    assert [outcome for _, outcome in it.leaves(ANA, ask({"region": "x" * (LONGEST + 1)}))] == [ERROR] * 3
    assert fit("args.any == null && !has(args.price)").values(ANA, ask()) == {"args.any": None}
    assert "caller.claims.none" not in bound(condition("caller.claims.none.x == 1"), {}, {}).values(ANA, ask())


def test_both_must_hold() -> None:
    assert both(TRUE, TRUE) == TRUE
    assert both(TRUE, FALSE) == both(ERROR, FALSE) == FALSE
    assert both(TRUE, ERROR) == ERROR
    assert both(TRUE | FALSE, TRUE) == TRUE | FALSE


def test_a_condition_is_read_once() -> None:
    first: Condition = condition("args.amount == 1")
    assert condition("args.amount == 1") is first


def test_what_the_engine_cannot_say_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def compile(self, _text: str) -> None:
            raise RuntimeError("something else")

    monkeypatch.setattr(syntax, "_untyped", Broken)
    with pytest.raises(Misread, match="is not a condition"):
        syntax.parsed("true")

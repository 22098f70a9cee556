"""Gateways that are broken on purpose, each with the law that has to notice."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import pytest
from msgspec.structs import replace

from ostiary.config import compile as compiling
from ostiary.config import flows, patterns
from ostiary.config import policy as policies
from ostiary.config.policy import Policy
from ostiary.config.values import parts
from ostiary.core.errors import Forbidden
from ostiary.core.model import Allow, Caller, Decision, Deny, Kind, Target
from ostiary.core.rules import ERROR, FALSE, TRUE, Ask, Rule, Ruling
from ostiary.operate import quarantine
from ostiary.pipeline import runs, steps, swift
from ostiary.pipeline.runs import Runs
from ostiary.pipeline.swift import Regular, Swift
from ostiary.policy import decide as deciding
from ostiary.policy import visible as listing
from ostiary.policy.decide import decide, met
from ostiary.policy.flows import After

Patch = pytest.MonkeyPatch
LISTING: Final = "listing"
FLYING: Final = "flying"
RUNNING: Final = "running"


class Mutant(NamedTuple):
    breaks: Callable[[Patch], None]
    law: str


def _everywhere(patch: Patch, old: Any, new: Any) -> None:
    """Put something in the place of a function, wherever it was imported."""
    word = str(old.__name__)
    for name, module in list(sys.modules.items()):
        if name.startswith("ostiary.") and getattr(module, word, None) is old:
            patch.setattr(module, word, new)


def _deciding(change: Callable[[Target, Caller], tuple[Target, Caller]]) -> Callable[[Patch], None]:
    """Break the decision by what it is asked about."""

    def mutant(caller: Caller, target: Target, ask: Ask | None = None) -> Decision:
        target, caller = change(target, caller) if target.server else (target, caller)
        return decide(caller, target, ask)

    return lambda patch: _everywhere(patch, decide, mutant)


def _told(change: Callable[[Decision], Decision]) -> Callable[[Patch], None]:
    """Break the decision by what it says."""

    def mutant(caller: Caller, target: Target, ask: Ask | None = None) -> Decision:
        found = decide(caller, target, ask)
        return change(found) if target.server else found

    return lambda patch: _everywhere(patch, decide, mutant)


def _tested(rules: Iterable[Rule], came: Callable[[int], int]) -> tuple[Rule, ...]:
    """Return rules whose tests come to something else."""

    def other(rule: Rule) -> Rule:
        test = rule.test
        return rule if test is None else replace(rule, test=lambda caller, ask: came(test(caller, ask)))

    return tuple(map(other, rules))


# Rules


def _plain(target: Target) -> Target:
    return replace(
        target, allows=_tested(target.allows, lambda _: TRUE), denies=_tested(target.denies, lambda _: FALSE)
    )


def a_list_asks_no_conditions(patch: Patch) -> None:
    patch.setattr(listing, "decide", lambda caller, target, ask=None: decide(caller, _plain(target), ask))


def a_list_takes_an_open_question_for_a_no(patch: Patch) -> None:
    def sure(target: Target) -> Target:
        return replace(target, allows=_tested(target.allows, lambda it: it if it == TRUE else FALSE))

    patch.setattr(listing, "decide", lambda caller, target, ask=None: decide(caller, sure(target), ask))


def one_fitting_list_is_enough(patch: Patch) -> None:
    patch.setattr(deciding, "met", lambda rule, tags: not rule.needs or any(need & tags for need in rule.needs))


def rules_are_taken_in_their_order(patch: Patch) -> None:
    """What the first rule that covers something says is what counts."""
    whole = Policy._ruling

    def first(self: Policy, thing: Any, found: Iterable[Any]) -> Ruling:
        listed = list(found)
        upto = next((at for at, each in enumerate(listed) if each.allows), len(listed))
        return whole(self, thing, [each for at, each in enumerate(listed) if each.allows or at < upto])

    patch.setattr(policies, "_order", lambda _: 0)
    patch.setattr(Policy, "_ruling", first)


def the_rule_that_is_named_hangs_on_the_order(patch: Patch) -> None:
    patch.setattr(policies, "_order", lambda _: 0)


def shadow_rules_count(patch: Patch) -> None:
    whole = Policy._ruling

    def enforced(self: Policy, thing: Any, found: Iterable[Any]) -> Ruling:
        it = whole(self, thing, found)
        allows = tuple(rule for allows, rule in it.rehearsed if allows)
        denies = tuple(rule for allows, rule in it.rehearsed if not allows)
        return it._replace(allows=it.allows + allows, denies=it.denies + denies)

    patch.setattr(Policy, "_ruling", enforced)


def the_time_is_not_looked_at(patch: Patch) -> None:
    patch.setattr(policies, "within", lambda _window, _now: True)


def what_a_rule_reads_it_reads_everywhere(patch: Patch) -> None:
    """The rules of views hold at every endpoint."""

    def policy(config: Any) -> dict[str, Policy]:
        rules = tuple(rule.model_copy(update={"views": None}) for rule in config.rules)
        return {"": Policy(config.model_copy(update={"rules": rules}))}

    patch.setattr(compiling, "_policies", policy)


def only_the_first_pattern_counts(patch: Patch) -> None:
    whole = policies._read
    patch.setattr(policies, "_read", lambda rule, named: (it := whole(rule, named))._replace(patterns=it.patterns[:1]))


def tools_prompts_and_resources_are_one_kind(patch: Patch) -> None:
    whole = parts
    patch.setattr(patterns, "parts", lambda it: (found[0], ".", found[2]) if (found := whole(it)) else None)


def a_third_server_is_one_too_many(patch: Patch) -> None:
    whole = compiling._policies

    def forgetful(config: Any) -> dict[str, Policy]:
        rules = tuple(rule for rule in config.rules if rule.allow)
        return whole(config.model_copy(update={"rules": rules}) if len(config.servers) > 2 else config)

    patch.setattr(compiling, "_policies", forgetful)


def whoever_comes_last_hears_no_denies(patch: Patch) -> None:
    whole, asked = Policy.of, WeakKeyDictionary[Policy, int]()

    def tired(self: Policy, thing: Any) -> Ruling:
        asked[self] = asked.get(self, 0) + 1
        it = whole(self, thing)
        return it if asked[self] < 4 else it._replace(denies=())

    patch.setattr(Policy, "of", tired)


def the_servers_word_wins(patch: Patch) -> None:
    patch.setattr(compiling, "_described", lambda definition, _own: definition)


def _many(target: Target, caller: Caller) -> tuple[Target, Caller]:
    return (replace(target, denies=()) if len(target.denies) > 1 else target), caller


def _rivals(target: Target, caller: Caller) -> tuple[Target, Caller]:
    return (replace(target, allows=()) if len(target.allows) > 1 else target), caller


def a_condition_speaks_of_everybody(patch: Patch) -> None:
    def needing(target: Target, caller: Caller) -> tuple[Target, Caller]:
        return replace(target, allows=_open(target.allows), denies=_open(target.denies)), caller

    _deciding(needing)(patch)


def _open(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    return tuple(replace(rule, needs=(frozenset({"*"}),)) if rule.test else rule for rule in rules)


def a_deny_that_does_not_hold_allows(patch: Patch) -> None:
    def mutant(caller: Caller, target: Target, ask: Ask | None = None) -> Decision:
        idle = [rule for rule in target.denies if rule.test and ask and met(rule, caller.tags)]
        if target.server and any(rule.test and ask and rule.test(caller, ask) == FALSE for rule in idle):
            return Allow(idle[0].name)
        return decide(caller, target, ask)

    _everywhere(patch, decide, mutant)


# Credentials and quarantines


def a_narrowed_token_hears_no_denies(patch: Patch) -> None:
    _deciding(lambda target, caller: (replace(target, denies=()) if caller.reach else target, caller))(patch)


def a_quarantine_takes_the_place_of_the_rules(patch: Patch) -> None:
    whole = quarantine.denied

    def denied(target: Target, marks: Any, face: str = "") -> Target:
        found = whole(target, marks, face)
        return found if found is not target else replace(target, denies=())

    patch.setattr(quarantine, "denied", denied)


# Steps


def what_a_view_fixes_is_not_seen(patch: Patch) -> None:
    whole = steps._given
    patch.setattr(steps, "_given", lambda call, target: whole(call, replace(target, fixed={})))


def hidden_is_told_from_missing(patch: Patch) -> None:
    whole = steps.permitted

    def permitted(decision: Decision, *rest: Any) -> Allow:
        if isinstance(decision, Deny):
            raise Forbidden("denied")
        return whole(decision, *rest)

    patch.setattr(steps, "permitted", permitted)


def what_is_refused_is_sent_all_the_same(patch: Patch) -> None:
    patch.setattr(steps, "permitted", lambda decision, *_: Allow(decision.rule or ""))


# The swift way


def plans_outlive_their_world(patch: Patch) -> None:
    whole = Swift.begin

    def begin(self: Swift, regular: Regular, *rest: Any) -> Any:
        regular.snapshot = self.world.current()
        return whole(self, regular, *rest)

    patch.setattr(Swift, "begin", begin)


def plans_outlive_their_credential(patch: Patch) -> None:
    whole = Swift.begin

    def begin(self: Swift, regular: Regular, *rest: Any) -> Any:
        regular.still = lambda: regular.caller
        return whole(self, regular, *rest)

    patch.setattr(Swift, "begin", begin)


def conditions_are_not_asked_again(patch: Patch) -> None:
    patch.setattr(swift, "_unguarded", lambda target: not target.fixed and not target.drops)


# Runs


def each_trace_is_a_run(patch: Patch) -> None:
    patch.setattr(runs, "run", lambda call, caller, it: _WHOLE_RUN(call, caller, replace(it, by="auto")))


def what_nobody_labelled_is_harmless(patch: Patch) -> None:
    said = property(lambda it: frozenset().union(*(each or () for each in it)))
    patch.setattr(flows.Said, "flows", said)


def only_tools_leave_something(patch: Patch) -> None:
    whole = flows.taints
    patch.setattr(flows, "taints", lambda wanted, it, does: whole(wanted, it, does if it.kind is Kind.TOOL else ()))


_WHOLE_RUN: Final = runs.run


def _errors(came: int) -> Callable[[int], int]:
    return lambda outcome: came if outcome == ERROR else outcome


MUTANTS: Final[dict[str, Mutant]] = {
    "a deny is ignored": Mutant(_deciding(lambda it, who: (replace(it, denies=()), who)), LISTING),
    "a list asks no conditions": Mutant(a_list_asks_no_conditions, LISTING),
    "a list takes an open question for a no": Mutant(a_list_takes_an_open_question_for_a_no, LISTING),
    "rules are taken in their order": Mutant(rules_are_taken_in_their_order, "order_changed"),
    "what cannot be evaluated allows": Mutant(
        _deciding(lambda it, who: (replace(it, allows=_tested(it.allows, _errors(TRUE))), who)), LISTING
    ),
    "what cannot be evaluated does not deny": Mutant(
        _deciding(lambda it, who: (replace(it, denies=_tested(it.denies, _errors(FALSE))), who)), LISTING
    ),
    "refused is sent": Mutant(what_is_refused_is_sent_all_the_same, LISTING),
    "hidden is told from missing": Mutant(hidden_is_told_from_missing, LISTING),
    "the ledger names no rule": Mutant(_told(lambda it: replace(it, rule="")), LISTING),
    "what some arguments may do seems not to exist": Mutant(
        _told(lambda it: replace(it, open=False) if isinstance(it, Deny) else it), LISTING
    ),
    "scopes are not asked for": Mutant(
        _deciding(lambda it, who: (replace(it, allows=tuple(replace(r, scopes=frozenset()) for r in it.allows)), who)),
        LISTING,
    ),
    "a token reaches everything": Mutant(_deciding(lambda it, who: (it, replace(who, reach=frozenset()))), LISTING),
    "one fitting list is enough": Mutant(one_fitting_list_is_enough, LISTING),
    "the time is not looked at": Mutant(the_time_is_not_looked_at, LISTING),
    "rules of views hold everywhere": Mutant(what_a_rule_reads_it_reads_everywhere, LISTING),
    "kinds are one": Mutant(tools_prompts_and_resources_are_one_kind, LISTING),
    "the server's word wins": Mutant(the_servers_word_wins, LISTING),
    "what a view fixes is not seen": Mutant(what_a_view_fixes_is_not_seen, LISTING),
    "quarantines are forgotten": Mutant(lambda patch: patch.setattr(quarantine, "cut", lambda it, _: it), LISTING),
    "two denies are none": Mutant(_deciding(_many), "deny_added"),
    "two allows are none": Mutant(_deciding(_rivals), "allow_removed"),
    "a condition speaks of everybody": Mutant(a_condition_speaks_of_everybody, "allow_narrowed"),
    "a deny that does not hold allows": Mutant(a_deny_that_does_not_hold_allows, "deny_removed"),
    "a denying condition speaks of everybody": Mutant(a_condition_speaks_of_everybody, "deny_narrowed"),
    "the rule that is named hangs on the order": Mutant(the_rule_that_is_named_hangs_on_the_order, "order_changed"),
    "shadow rules count": Mutant(shadow_rules_count, "rehearsed"),
    "only the first pattern counts": Mutant(only_the_first_pattern_counts, "split"),
    "a quarantine takes the place of the rules": Mutant(a_quarantine_takes_the_place_of_the_rules, "quarantined"),
    "a narrowed token hears no denies": Mutant(a_narrowed_token_hears_no_denies, "credential_narrowed"),
    "a third server is one too many": Mutant(a_third_server_is_one_too_many, "server_added"),
    "what comes last hears no denies": Mutant(whoever_comes_last_hears_no_denies, "tool_added"),
    "plans outlive their world": Mutant(plans_outlive_their_world, FLYING),
    "plans outlive their credential": Mutant(plans_outlive_their_credential, FLYING),
    "conditions are not asked again": Mutant(conditions_are_not_asked_again, FLYING),
    "a run meets nothing": Mutant(lambda patch: patch.setattr(Runs, "meet", lambda *_: None), RUNNING),
    "what is forgotten leaves nothing": Mutant(lambda patch: patch.setattr(Runs, "_keep", lambda *_: None), RUNNING),
    "one of the two is enough": Mutant(
        lambda patch: patch.setattr(
            After, "__call__", lambda it, _, ask: TRUE if it.wanted & (ask.run or it.wanted) else FALSE
        ),
        RUNNING,
    ),
    "each trace is a run": Mutant(each_trace_is_a_run, RUNNING),
    "what nobody labelled is harmless": Mutant(what_nobody_labelled_is_harmless, RUNNING),
    "only tools leave something": Mutant(only_tools_leave_something, RUNNING),
}

"""`simulate` decides about runs as enforcement did where the record says what they had met, and else not at all."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.adapters.store.ledger_callers import following
from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.model import Caller, Inbound, Snapshot
from ostiary.operate.simulate import ALLOWED, REFUSED, RUN, UNDECIDED, Replay, World
from ostiary.operate.trim import Uses
from ostiary.policy.quarantine import NONE
from tests.pipeline.stage import CRM, FILES, Stage, post
from tests.pipeline.test_runs import FETCH, READ, SEND, TEXT, TRIFECTA
from tests.pipeline.test_simulate import enforced, meaning, recorded

APPROVED = frozenset({"files.read", "files.drop", "crm.push", "files.prompt/greet", "files:note://1"})
OTHERS = (
    TRIFECTA,
    '- {name: trifecta, deny: [crm.push], after: [untrusted], when: call.address == "127.0.0.1"}',
    '- {name: quiet, deny: ["files:*", crm.push], after: [files.drop]}',
    '- {name: odd, deny: [files.read], after: [private], when: args.path == "/a"}',
    '- {name: odd, deny: [files.read], after: [private], when: args.path == ""}',
    "- {name: quiet, deny: [crm.push], after: [private], shadow: true}",
    "",
)
MESSAGES = (READ, FETCH, SEND, post("resources/read", uri="note://1"), post("prompts/get", name="files__greet"))


class Known(Stage):
    """A stage whose callers are as identities make them."""

    async def identify(self, message: Inbound) -> Caller:
        caller = await super().identify(message)
        return msgspec.structs.replace(caller, tags=caller.tags | following(caller))


def staged(rules: str) -> Stage:
    return Known(text=TEXT.replace("BY", "caller").replace("RULES", rules))


def snapshot(rules: str) -> Snapshot:
    text = TEXT.replace("BY", "caller").replace("RULES", rules)
    return compiled(parse(text, "x"), {("files", ""): FILES, ("crm", ""): CRM}, 8, "d").snapshot


def replay(rules: str) -> Replay:
    servers = frozenset({"files", "crm"})
    return Replay(World(snapshot(rules), servers, servers, APPROVED, NONE, {}, lambda _ident: None), meaning)


@settings(max_examples=60)
@given(st.sampled_from(OTHERS), st.lists(st.sampled_from(MESSAGES), max_size=8))
def test_what_is_simulated_by_the_same_rules_is_what_was_enforced(rules: str, messages: list[Inbound]) -> None:
    stage, again = staged(rules=rules), replay(rules)
    for message in messages:
        stage.play(message)
        trail = stage.audit.ended[-1]
        found = again.verdict(recorded(trail))
        assert found is not None
        hidden = "args.path" in rules and found.now == UNDECIDED
        assert hidden or found.now == (ALLOWED if enforced(trail) else REFUSED)
        assert list(found.shadow) == trail.findings


def test_a_record_that_does_not_say_what_a_run_had_met_is_not_decided() -> None:
    stage = staged(rules="")
    stage.play(SEND)
    past = recorded(stage.audit.ended[-1])
    assert past.run is None
    found = replay(TRIFECTA).verdict(past)
    assert found is not None
    assert (found.now, found.because, found.rules) == (UNDECIDED, RUN, ("trifecta",))


def test_of_what_was_not_remembered_then_it_counts_what_was() -> None:
    stage = staged(rules="- {name: r, deny: [files.none], after: [private]}")
    for message in (READ, SEND):
        stage.play(message)
    past = recorded(stage.audit.ended[-1])
    said = {
        rules: found.now
        for rules in ("private", "untrusted", "files.read", "private, files.read", "untrusted, files.read")
        if (found := replay(f"- {{name: r, deny: [crm.push], after: [{rules}]}}").verdict(past)) is not None
    }
    assert said == {
        "private": REFUSED,
        "untrusted": ALLOWED,
        "files.read": UNDECIDED,
        "private, files.read": UNDECIDED,
        "untrusted, files.read": ALLOWED,
    }


def test_trim_counts_a_rule_that_waits_where_it_may_have_let_through() -> None:
    rules = "- {name: then, allow: [crm.push], roles: [guest], after: [files.read]}"
    first = "- {name: guests-read, allow: [files.read], roles: [guest]}"
    stage = staged(rules=f"{first}\n  {rules}")
    config = parse(TEXT.replace("BY", "caller").replace("RULES", f"{first}\n  {rules}"), "x")
    uses = Uses(config, replay(f"{first}\n  {rules}"))
    for message in (SEND, READ, SEND):
        stage.play(msgspec.structs.replace(message, credential="eve-token"))
        uses.add(recorded(stage.audit.ended[-1]))
    assert (uses.calls, uses.lost) == (2, 0)
    assert not any(each.rule == "then" for each in uses.trimmed(APPROVED).unused)

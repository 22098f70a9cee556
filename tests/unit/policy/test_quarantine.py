"""Who and what a quarantine means: every spelling, every part that a name can play, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.model import Allow, Caller, Deny, Kind, Reason, Target
from ostiary.core.rules import Ask, Rule
from ostiary.policy.decide import decide, rehearsals
from ostiary.policy.quarantine import CALLERS, KINDS, NONE, THINGS, Marks, Quarantine, denial, folded, marks

IDP, OTHER = "https://idp.example", "https://other.example"
EVERYONE = Rule("everyone", (frozenset({"*"}),))


def quarantine(kind: str, what: str, ident: str = "q_1", **more: Any) -> Quarantine:
    return Quarantine(ident, kind, what, "because", "op@host", **{"since": 1.0, **more})


def marked(*quarantines: Quarantine, now: float = 10.0) -> Marks:
    return marks(quarantines, now)


def caller(subject: str = "ana", issuer: str = IDP, client: str = "program", *tags: str, agent: str = "") -> Caller:
    every = frozenset({"*", f"subject:{subject}", f"client:{client}", *tags})
    return Caller(subject, issuer, client, "jwt", 9e9, tags=every, agent=agent)


def target(label: str = "files.read", **more: Any) -> Target:
    return Target("files", Kind.TOOL, "read", label, "files__read", allows=(EVERYONE,), **more)


@pytest.mark.parametrize(
    ("shut", "found"),
    [
        (quarantine("person", "ana"), True),
        (quarantine("person", "ana", issuer=IDP), True),
        (quarantine("person", "ana", issuer=OTHER), False),
        (quarantine("person", "robot"), True),
        (quarantine("agent", "robot"), True),
        (quarantine("agent", "robot", issuer=IDP), True),
        (quarantine("agent", "robot", issuer=OTHER), False),
        (quarantine("agent", "ana"), True),
        (quarantine("client", "program"), True),
        (quarantine("client", "ana"), False),
        (quarantine("token", "tok_new"), False),
        (quarantine("token", "tok_old"), True),
        (quarantine("person", "anna"), False),
        (quarantine("server", "ana"), False),
        (quarantine("tool", "ana"), False),
    ],
)
def test_a_caller_is_shut_out_by_whatever_is_known_of_them(shut: Quarantine, found: bool) -> None:
    it = caller("ana", IDP, "program", "client:tok_old", agent="robot")
    assert marked(shut).barred(it) == ("q_1" if found else "")


@pytest.mark.parametrize(
    "spelled",
    ["ANA", "Ana", " ana ", "ａｎａ", "a\u200bna", "\u202eana", "ana\u00ad", "\ufeffana", "𝐚𝐧𝐚"],
)
def test_a_name_is_meant_in_every_spelling(spelled: str) -> None:
    assert marked(quarantine("person", "ana")).barred(caller(spelled)) == "q_1"
    assert marked(quarantine("person", spelled)).barred(caller("ana")) == "q_1"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("é", "e\u0301"),
        ("K", "\u212a"),
        ("straße", "STRASSE"),
        ("ﬁles", "FILES"),
        ("é", "e\u200b\u0301"),
        ("x", "x\ufe0f\x00"),
    ],
)
def test_composition_and_compatibility_make_no_other_name(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_letters_fold_alike_whichever_way_they_are_read(text: str) -> None:
    assert folded(text) == folded(f"\u200b{text}")


def test_it_counts_from_its_beginning_to_its_end() -> None:
    ends = quarantine("person", "ana", expires=20.0)
    assert marked(ends, now=19.9).barred(caller()) == "q_1"
    assert marked(ends, now=20.0) == NONE
    assert marked(quarantine("person", "ana", lifted=5.0)) == NONE
    assert NONE.barred(caller()) == ""


def test_of_several_the_oldest_is_named_and_the_others_hold_when_it_is_lifted() -> None:
    old, new = quarantine("person", "ana", "q_old"), quarantine("agent", "ANA", "q_new", since=2.0)
    assert marked(new, old).barred(caller()) == "q_old"
    assert marked(new).barred(caller()) == "q_new"


@pytest.mark.parametrize(
    ("shut", "label", "ident"),
    [
        (quarantine("server", "files"), "files.read", "q_1"),
        (quarantine("server", "FILES"), "files.read", "q_1"),
        (quarantine("server", "file"), "files.read", ""),
        (quarantine("tool", "files.read"), "files.read", "q_1"),
        (quarantine("tool", "files.read"), "files.Read", "q_1"),
        (quarantine("tool", "files.re\u200bad"), "files.read", "q_1"),
        (quarantine("tool", "files.read"), "files.read_all", ""),
        (quarantine("tool", "crm.read"), "files.read", ""),
    ],
)
def test_what_is_shut_out_is_denied_to_everybody_by_name(shut: Quarantine, label: str, ident: str) -> None:
    found = marked(shut).rule(target(label))
    assert (found.name if found else "") == (f"quarantine:{ident}" if ident else "")
    assert marked(shut).cut("files", label) == ident


def test_nothing_of_the_gateway_s_own_can_be_shut_out() -> None:
    own = Target("", Kind.GATEWAY, "tools/list", "tools/list", "tools/list", allows=(EVERYONE,))
    assert marked(quarantine("tool", "tools/list"), quarantine("server", "")).rule(own) is None


@pytest.mark.parametrize("careful", [False, True])
def test_no_allow_rule_and_no_other_deny_rule_comes_before_it(careful: bool) -> None:
    other = Rule("nobody", (frozenset({"*"}),))
    it = target(denies=(denial("q_1"), other), careful=careful, rehearsed=((True, EVERYONE),))
    for ask in (None, Ask(arguments={}), Ask()):
        decision = decide(caller(), it, ask)
        assert decision == Deny(Reason.QUARANTINED, "quarantine:q_1")
        assert rehearsals(caller(), it, ask, decision) == [], "no allow rule would undo it"
    assert isinstance(decide(caller(), target(careful=careful), Ask()), Allow)


def test_every_kind_is_a_caller_or_a_thing() -> None:
    assert set(CALLERS) | set(THINGS) == set(KINDS)
    assert not set(CALLERS) & set(THINGS)


def test_somebody_without_a_name_or_an_agent_is_not_everybody() -> None:
    nobody = caller("", client="")
    assert marked(quarantine("person", "ana"), quarantine("client", "program")).barred(nobody) == ""

"""What a server is, is pinned fact by fact: what changed holds it, what changes of itself is noted."""

from __future__ import annotations

import pytest

from ostiary.core.model import Kind
from ostiary.integrity import facts
from ostiary.integrity.facts import Fact, Judged, explained, introduced, judged, merged, spoken, whole_pin
from ostiary.integrity.pins import Verdicts

PROGRAM = Fact(facts.PROGRAM, {"path": "/bin/it", "sha256": "aa"})
OTHER = Fact(facts.PROGRAM, {"path": "/bin/it", "sha256": "bb"})
NAMED = Fact(facts.NAME, {"name": "it"})
KEY, NEW_KEY = Fact(facts.KEY, {"sha256": "aa"}), Fact(facts.KEY, {"sha256": "bb"})
NONE = Verdicts()


def approved(*known: Fact) -> dict[str, Verdicts]:
    found: dict[str, Verdicts] = {}
    for each in known:
        found[each.name] = Verdicts(found.get(each.name, NONE).approved | {each.pin})
    return found


def missing(name: str) -> Fact:
    return Fact(name, {})


def test_what_is_first_known_is_to_be_pinned() -> None:
    assert judged([PROGRAM, NAMED, missing(facts.KEY)], {}, hold=True) == Judged(fresh=(PROGRAM, NAMED))


def test_what_was_approved_is_nothing_new() -> None:
    assert judged([PROGRAM, NAMED], approved(PROGRAM, OTHER, NAMED), hold=True) == Judged()


def test_another_program_holds_a_server_where_changes_hold_it() -> None:
    assert judged([OTHER], approved(PROGRAM), hold=True) == Judged(held=(OTHER,))
    assert judged([OTHER], approved(PROGRAM), hold=False) == Judged(noted=(OTHER,))


def test_what_changes_in_the_ordinary_course_of_things_is_noted() -> None:
    """Ours: certificates are renewed, systems are updated, servers get new versions."""
    assert judged([PROGRAM, NEW_KEY], approved(PROGRAM, KEY), hold=True) == Judged(noted=(NEW_KEY,))


def test_what_was_pinned_and_is_gone_has_changed() -> None:
    """The attack: what cannot be seen cannot be compared."""
    script = Fact(facts.SCRIPT, {"/srv/it.py": "aa"})
    assert judged([PROGRAM], approved(PROGRAM, script), hold=True) == Judged(held=(missing(facts.SCRIPT),))


def test_what_is_only_known_of_what_runs_is_not_missed_before() -> None:
    installed = Fact(facts.INSTALLED, {"name": "it", "version": "1"})
    before = approved(PROGRAM, installed, NAMED)
    assert judged([PROGRAM], before, hold=True) == Judged()
    assert judged(merged([], [PROGRAM, NAMED], whole=True), before, hold=True) == Judged(
        held=(missing(facts.INSTALLED),)
    )


def test_a_server_may_stop_saying_its_name_but_not_say_another() -> None:
    """2026-07-28: serverInfo is no required member of what a modern server says."""
    assert judged([missing(facts.NAME)], approved(NAMED), hold=True) == Judged(noted=(missing(facts.NAME),))
    both = approved(NAMED, missing(facts.NAME))
    other = Fact(facts.NAME, {"name": "other"})
    assert judged([other], both, hold=True) == Judged(held=(other,))


def test_what_was_approved_as_unknown_may_become_known() -> None:
    assert judged([PROGRAM], approved(missing(facts.PROGRAM)), hold=True) == Judged(fresh=(PROGRAM,))


def test_what_was_rejected_is_held_whatever_it_is() -> None:
    said = {facts.KEY: Verdicts(frozenset(), frozenset({KEY.pin}))}
    assert judged([KEY], said, hold=False) == Judged(held=(KEY,))


def test_a_look_before_the_start_keeps_what_was_known_of_what_ran() -> None:
    assert merged([PROGRAM, NAMED], [OTHER], whole=False) == (OTHER, NAMED)


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"name": "it", "version": "1", "title": "It"}, (NAMED, Fact(facts.VERSION, {"version": "1"}))),
        ({"name": 7, "version": ""}, ()),
        ({"name": "x" * 300}, (Fact(facts.NAME, {"name": "x" * 256}),)),
        ({}, ()),
    ],
)
def test_what_a_server_calls_itself_is_kept_as_far_as_it_is_text(info: dict[str, object], expected: object) -> None:
    assert introduced(info) == expected


def test_a_fact_says_what_it_is_and_is_pinned_as_a_whole() -> None:
    assert str(PROGRAM) == "program: path /bin/it, sha256 aa"
    assert str(missing(facts.KEY)) == "tls-key: not known"
    assert PROGRAM.sighting().digest == PROGRAM.pin != OTHER.pin
    assert whole_pin([PROGRAM, NAMED]) == whole_pin([NAMED, PROGRAM]) != whole_pin([OTHER, NAMED])


def test_instructions_are_pinned_by_their_text() -> None:
    said = spoken("Sums.")
    assert (said.kind, said.name, said.definition) == (Kind.GATEWAY, "instructions", {"instructions": "Sums."})
    assert said.digest != spoken("Sums").digest


def test_why_a_server_is_held_is_said_with_what_to_do() -> None:
    assert explained("it", ()) == ""
    said = explained("it", [OTHER, NAMED])
    assert "program, server-name" in said
    assert "ostiary tools approve it/identity" in said

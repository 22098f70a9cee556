"""What `ostiary check` holds a configuration against, where the corpus of broken ones does not show it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ostiary.config.checking import checked, names, tried
from ostiary.config.problems import Invalid
from ostiary.config.salvage import decoded
from tests.unit.config.corpus import BROKEN, CATALOGUES, GOOD, SEEN, findings

GATEWAY = "gateway: {url: https://mcp.example.com}\n"


def paths(text: str) -> list[str]:
    return [each.path for each in tried(text, "x")[1]]


def test_a_configuration_that_passes_is_returned() -> None:
    assert checked(GOOD[0].read_bytes(), "x").source == "x"


def test_a_configuration_that_does_not_pass_raises_everything() -> None:
    with pytest.raises(Invalid) as caught:
        checked(BROKEN[0].read_bytes(), "x")
    assert caught.value.problems


def test_a_file_that_is_no_text_is_told_of_a_few_times_only() -> None:
    text, problems = decoded(b"\xff" * 1000)
    assert len(text) == 1000
    assert len(problems) == 16


def test_what_is_wrong_elsewhere_does_not_hide_an_expectation_that_fails() -> None:
    rest = "servers: {a: {command: [x], idel: 5m}}\nexpect: [{who: {roles: [x]}, can: [a.b]}]\n"
    assert paths(GATEWAY + rest) == ["servers.a.idel", "expect[0].can[0]"]


def test_expectations_are_not_judged_by_rules_that_are_wrong() -> None:
    rest = "servers: {a: {command: [x]}}\nrules: [{name: a, alow: [a.b], roles: [x]}]\n"
    assert paths(f"{GATEWAY}{rest}expect: [{{who: {{roles: [x]}}, can: [a.c]}}]\n") == ["rules[0].alow"]


def test_a_condition_that_was_left_empty_is_refused() -> None:
    """Ours: `when:` with nothing after it would allow what it was meant to narrow."""
    rest = "servers: {a: {command: [x]}}\nrules:\n  - name: a\n    allow: [a.b]\n    roles: [x]\n    when:\n"
    assert paths(GATEWAY + rest) == ["rules[0].when"]


def test_null_is_a_value_of_json_where_values_of_json_stand() -> None:
    rest = "servers: {a: {command: [x]}}\nviews: {v: {include: [a.b], set: {a.b: {c: null, d: [null]}}}}\n"
    assert paths(GATEWAY + rest) == []


def test_a_section_that_an_alias_may_need_is_not_left_out() -> None:
    text = f"{GATEWAY}servers: {{a: &a {{command: [x]}}, b: *a}}\nrules: [\nlimits: []\n"
    assert len(paths(text)) == 1


def test_what_cannot_be_left_out_is_told_once() -> None:
    assert len(tried("gateway: [\n", "x")[1]) == 1
    assert len(tried("[\n", "x")[1]) == 1


def test_good_configurations_fit_what_was_seen_as_far_as_they_speak_of_it() -> None:
    assert {each.server for each in SEEN} == {server for server, _ in CATALOGUES}
    assert not findings(next(path for path in GOOD if path.stem == "smallest"))[1]


GUARDS = GATEWAY + "servers: {a: {command: [x]}}\nguards:\n"


def test_a_kind_that_names_no_rule_is_a_problem_with_its_place_and_what_was_meant() -> None:
    """Ours: a guard that looks for nothing would never be noticed."""
    document, (problem,) = tried(f"{GUARDS}  - {{name: p, use: personal, then: note, kinds: [card, ibann]}}\n", "x")
    assert document is not None
    assert (problem.line, problem.path, problem.suggestion) == (4, "guards[0].kinds[1]", 'did you mean "iban"?')
    with pytest.raises(Invalid, match="names no rule of personal"):
        checked(f"{GUARDS}  - {{name: p, use: personal, then: note, kinds: [ibann]}}\n", "x")


def test_kinds_are_ids_last_parts_and_patterns_of_both() -> None:
    assert (
        paths(f"{GUARDS}  - {{name: p, use: personal, then: note, kinds: [card, personal.iban, 'us-*', '*']}}\n") == []
    )
    assert [names(each, "personal.us-ssn") for each in ("us-ssn", "us-*", "personal.*", "ssn", "Us-ssn")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_what_guards_read_with_is_loaded_only_where_kinds_are_named() -> None:
    """Ours: thousands of patterns are compiled, and take memory for as long as the gateway runs."""
    said = "from ostiary.config.checking import tried; import sys; tried({!r}, 'x'); print('ostiary.guards.secrets' in sys.modules)"
    loaded = [
        subprocess.run(
            [sys.executable, "-c", said.format(f"{GUARDS}  - {{name: p, use: personal, then: note{more}}}\n")],
            check=True, capture_output=True, text=True, timeout=60,
        ).stdout.strip()
        for more in ("", ", kinds: [card]")
    ]  # fmt: skip
    assert loaded == ["False", "True"]

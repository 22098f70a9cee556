"""Broken configurations: everything wrong is told at once, each with its line and what to write instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.config.corpus import BROKEN, GOOD, UNFIT, findings, problems, told

EVERY = (*BROKEN, *UNFIT)
SECTIONS = (
    "gateway.url", "gateway.listen", "gateway.tls", "gateway.hosts", "gateway.origins", "gateway.timeouts",
    "gateway.bounds", "gateway.log", "gateway.metrics", "gateway.scopes", "gateway.trusted_proxy",
    "identity.*.issuer", "identity.*.client", "identity.*.assertions", "identity.*.certificates", "identity.*.roles",
    "identity.*.introspection", "authorization.clients", "authorization.services", "authorization.access",
    "servers.*.command", "servers.*.env", "servers.*.url", "servers.*.sse", "servers.*.allow_private",
    "servers.*.headers", "servers.*.credential", "servers.*.tls", "servers.*.approve", "servers.*.results",
    "servers.*.unknown_arguments", "servers.*.tools", "views.*.include", "views.*.rename", "views.*.describe",
    "views.*.set", "rules[*].name", "rules[*].allow", "rules[*].deny", "rules[*].roles", "rules[*].teams",
    "rules[*].subjects", "rules[*].clients", "rules[*].agents", "rules[*].issuers", "rules[*].views",
    "rules[*].read_only", "rules[*].destructive", "rules[*].during.days", "rules[*].during.hours",
    "rules[*].during.zone", "rules[*].when", "rules[*].checks", "rules[*].limit", "rules[*].shadow", "limits[*].per",
    "limits[*].on", "limits[*].calls", "limits[*].concurrent", "ledger.rotate", "expect[*].who", "expect[*].at",
    "expect[*].can", "expect[*].cannot", "guards[*].use", "guards[*].then",
)  # fmt: skip


def named(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def covered(section: str, found: set[str]) -> bool:
    pattern = "[^.]*".join(re.escape(part) for part in section.split("*"))
    return any(re.match(rf"{pattern}($|[.\[])", each) for each in found)


@pytest.mark.parametrize("path", EVERY, ids=named)
def test_a_broken_file_tells_everything_that_is_wrong(path: Path) -> None:
    """Ours: the golden text beside each file; `python tests/data/config/regenerate.py` writes it anew."""
    assert told(path) == path.with_suffix(".txt").read_text("utf-8")


@pytest.mark.parametrize("path", EVERY, ids=named)
def test_every_problem_has_its_line_and_says_what_to_do(path: Path) -> None:
    lines = path.read_bytes().count(b"\n") + 1
    for each in [*findings(path)[0], *findings(path)[1]]:
        assert 1 <= each.line <= lines
        assert each.column >= 1
        assert each.message
        assert each.suggestion, each.rendered(path.name)


@pytest.mark.parametrize("path", EVERY, ids=named)
def test_no_problem_repeats_a_secret(path: Path) -> None:
    assert "hunter2" not in path.with_suffix(".txt").read_text("utf-8")


@pytest.mark.parametrize("path", BROKEN, ids=named)
def test_what_is_wrong_by_itself_is_refused(path: Path) -> None:
    assert problems(path)


@pytest.mark.parametrize("path", GOOD, ids=named)
def test_a_good_file_has_no_problem(path: Path) -> None:
    assert not problems(path)


def test_there_are_enough_examples_and_no_two_are_the_same() -> None:
    """Issue 5: at least 60 broken configurations."""
    assert len(EVERY) >= 100
    assert len(GOOD) >= 6
    assert len({path.read_bytes() for path in EVERY}) == len(EVERY)


def test_no_golden_text_is_left_over() -> None:
    texts = {text for path in EVERY for text in path.parent.glob("*.txt")}
    assert texts == {path.with_suffix(".txt") for path in EVERY}


def test_many_files_have_many_problems_at_once() -> None:
    many = [path for path in EVERY if len(path.with_suffix(".txt").read_text("utf-8").splitlines()) >= 8]
    assert len(many) >= 20


@pytest.mark.parametrize("section", SECTIONS)
def test_every_part_of_the_surface_is_broken_somewhere(section: str) -> None:
    found = {each.path for path in EVERY for group in findings(path) for each in group}
    assert covered(section, found)

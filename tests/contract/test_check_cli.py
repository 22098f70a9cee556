"""`ostiary check` as people meet it: the whole corpus of broken configurations, and what was seen of servers."""

from __future__ import annotations

import pytest

from tests.contract.plugging import installed, seen
from tests.contract.test_cli import CONFIG, Shell, offered, shell, tool
from tests.unit.config.corpus import BROKEN, GOOD

__all__ = ["shell"]


def test_every_broken_configuration_is_refused_in_the_words_of_its_golden_text(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 5: every problem found at once, each with its line and a suggestion."""
    monkeypatch.chdir(BROKEN[0].parent)
    for path in BROKEN:
        done = shell("check", "-c", path.name)
        golden = path.with_suffix(".txt").read_text("utf-8")
        assert done.code == 1, path.name
        assert done.out.startswith(golden), path.name
        count = len(golden.splitlines())
        assert f"{count} problem{'s' if count > 1 else ''}." in done.err


def test_every_good_configuration_passes(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    seen(installed(shell.folder / "site"), monkeypatch)
    monkeypatch.chdir(GOOD[0].parent)
    for path in GOOD:
        assert shell("check", "-c", path.name).code == 0, path.name


def test_what_does_not_fit_and_what_was_expected_are_told_at_once(shell: Shell) -> None:
    """Ours: mending the one must not bring the other to light."""
    offered(shell, tool("read_x"), approved=(tool("read_x"),))
    rule = "  - {name: docs, allow: [files.read_x, files.raed_x], teams: [docs], when: args.pth == 'a'}\n"
    shell.file.write_text(CONFIG.replace("rules:\n", f"rules:\n{rule}").replace("can: [files.read_x]", "can: [crm.a]"))
    done = shell("check")
    assert done.code == 1
    assert [line.partition(" ")[2] for line in done.out.splitlines()[:3]] == [
        'rules[0].when: does not fit files.read_x: it has no argument args.pth; did you mean "path"?',
        "expect[0].can[0]: crm.a is denied: no rule allows it; write a rule that allows it, or move this to cannot",
        'note: rules[0].allow[1]: files.raed_x was not seen; did you mean "files.read_x"?',
    ]
    told = shell("check", "--json").data
    assert [each["line"] for each in told["problems"]] == [10, 15]
    assert [each["path"] for each in told["hints"]] == ["rules[0].allow[1]"]

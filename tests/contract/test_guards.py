"""Issue 6: one contract for all guards, ours and others'."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ostiary.guards.plugin import held
from ostiary.operate.contract import CHECKS, Case, hold
from tests.contract.guards import GUARDS, case
from tests.contract.plugging import installed, seen

EVERY = sorted(CHECKS)


@pytest.mark.parametrize("check", EVERY)
@pytest.mark.parametrize("name", GUARDS)
def test_every_guard_of_ours_holds_it(name: str, check: str) -> None:
    asyncio.run(hold(case(name), check))


@pytest.mark.parametrize("check", EVERY)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_example_of_others_holds_it(
    level: int, check: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen(installed(tmp_path / "site"), monkeypatch)
    import acme_words  # type: ignore[import-not-found]  # noqa: PLC0415  # it is installed by this test

    plugin = acme_words.make({"words": ["bluebird", "zebra"], "level": level})
    asyncio.run(hold(Case(held(plugin.look), [each.text for each in plugin.canaries()]), check))

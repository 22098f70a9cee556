"""`ostiary guards test` asks guards of other packages as well, and what they raise is said."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.adapters.plugins import Unloadable
from ostiary.core.screening import Note, Payload, Verdict
from ostiary.entry import plugins
from tests.contract import test_cli
from tests.contract.test_cli import Shell

shell = test_cli.shell
CONFIG = """\
gateway: {url: "http://127.0.0.1:8080"}
guards:
  - {name: house, use: plugin, load: acme, in: [answer]}
"""


class Kept:
    def __init__(self, guard: Any) -> None:
        self.guard = guard


@pytest.mark.parametrize("way", ["finds", "raises", "is missing"])
def test_a_plugin_is_asked_like_any_guard(shell: Shell, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    async def look(payload: Payload) -> Verdict:
        if way == "raises":
            raise RuntimeError("secret words")
        return Note(f"{len(payload.texts)} text")

    def made(_self: Any, _entry: Any) -> Any:
        if way == "is missing":
            raise Unloadable("no package registered acme; install it")
        return Kept(look)

    monkeypatch.setattr(plugins.Plugins, "__call__", made)
    shell.file.write_text(CONFIG)
    said = shell("guards", "test", "bluebird", "--config", "ostiary.yaml")
    expected = {"finds": "1 text", "raises": "RuntimeError", "is missing": "no package registered acme"}
    plain = " ".join((said.out + said.err).split())
    assert expected[way] in plain
    assert "secret words" not in plain

"""Servers and clients who misbehave in every way leave nothing behind, and others get their answers.

How long others wait meanwhile: `python scripts/hostile.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import uvloop

from tests.security.fuzzing import complaints
from tests.security.neighbours import KINDS, course, street

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(200)]

SECONDS, REST = 0.5, 14.0
"""What is free is given back every ten seconds."""


def test_whoever_misbehaves_leaves_nothing_behind_and_others_get_their_answers(tmp_path: Path) -> None:
    with street(tmp_path) as running:
        seen = uvloop.run(course(running, KINDS, 1, SECONDS, REST))
        print(*seen.lines(), sep="\n")
        assert seen.left() == []
        assert set(seen.rounds) == set(KINDS)
        assert complaints(running.gateway.log.read_text()) == []
        assert running.ledger_verifies()[0]

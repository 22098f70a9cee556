"""Both eras, every kind of server, drops, cancels and questions that nobody answers: right answers, and nothing is left.

Half an hour of it, with the memory looked at: `python scripts/soak.py mixed --minutes 30`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import uvloop

from tests.security.fuzzing import complaints
from tests.security.mixed_run import course, stage
from tests.security.vitals import Vitals

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(200)]

SEED = 20_260_728
SECONDS, WARM, REST, PACE, HICCUP = 8.0, 2.0, 10.0, 170.0, 4.0


@pytest.mark.requirement("MCP-26")
def test_whatever_clients_and_servers_do_to_each_other_answers_are_right_and_nothing_is_left(tmp_path: Path) -> None:
    with stage(tmp_path, hiccup=HICCUP) as on:
        vitals = Vitals(on.rig)
        went = uvloop.run(course(on, vitals, SECONDS, WARM, REST, PACE, SEED))
        print(*went.lines(), sep="\n")
        assert went.broken() == []
        assert complaints(on.rig.gateway.log.read_text()) == []
        assert on.rig.ledger_verifies()[0]
    assert vitals.left_behind() == []

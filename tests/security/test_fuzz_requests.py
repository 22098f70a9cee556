"""Mutated requests, and a server that answers anything: no 5xx, no hang, no traceback, no growth of memory.

100,000 requests: `python scripts/soak.py fuzz`. A seed and a number make a request again.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import uvloop

from tests.e2e.rig import rig, upstream
from tests.security import hostile_upstream, mutation, speech
from tests.security.fuzzing import Fuzz, complaints, healthy
from tests.security.hostility import TIMEOUT, Hostility
from tests.security.mutation import Speaker

SEED = 20_260_728
MOST_GROWTH_MB = 20.0


@pytest.mark.e2e
@pytest.mark.timeout(200)
def test_mutated_requests_are_refused_in_words_and_leave_the_gateway_whole(tmp_path: Path) -> None:
    print(f"seed {SEED}, failing requests in {tmp_path / 'failing'}")
    with (
        upstream("tests.security.echo_upstream") as behind,
        rig(tmp_path, {"echo": behind.settings(max_in_flight=512)}) as running,
    ):
        verdicts = uvloop.run(Fuzz(running, 3000, SEED, tmp_path / "failing").run())
        assert verdicts.wrong == []
        assert verdicts.statuses["200"] > 300, "too few requests were still valid to say anything"
        assert verdicts.grown_mb < MOST_GROWTH_MB
        assert uvloop.run(healthy(running))
        assert complaints(running.gateway.log.read_text()) == []
        assert running.ledger_verifies()[0]


@pytest.mark.e2e
@pytest.mark.timeout(200)
def test_whatever_a_server_answers_a_client_gets_one_well_formed_answer_in_time(tmp_path: Path) -> None:
    with (
        upstream("tests.security.hostile_upstream") as behind,
        rig(tmp_path, {"hostile": behind.settings(max_in_flight=512, timeout=TIMEOUT)}) as running,
    ):
        outcome = uvloop.run(Hostility(running, 2000, SEED).run())
        assert outcome.wrong == []
        for kind in ("result", "upstream_garbled", "upstream_lost", "upstream_refused"):
            assert outcome.kinds[kind], f"no call ended as {kind}"
        assert complaints(running.gateway.log.read_text()) == []
        assert running.ledger_verifies()[0]


def test_a_seed_and_a_number_make_the_same_request_again() -> None:
    versions = dict.fromkeys(speech.HANDSHAKES, "session")
    made = [
        [mutation.mutated(SEED, number, Speaker("h", "t", versions, "c", "e_0"))[0] for number in range(300)]
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert len(set(made[0])) > 250


def test_every_mutation_and_every_lie_is_made() -> None:
    versions = dict.fromkeys(speech.HANDSHAKES, "session")
    who = Speaker("h", "t", versions, "c", "e_0")
    done = {name for number in range(6000) for name in mutation.mutated(SEED, number, who)[1].done}
    assert {each.__name__ for each in (*mutation.MUTATIONS, mutation.bulk)} <= done
    message = {"id": 1, "params": {"arguments": {"secret": "s"}}}
    dice = random.Random(SEED)
    assert all(isinstance(way(dice, message), bytes) for way in hostile_upstream.WAYS for _ in range(200))

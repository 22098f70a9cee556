"""A provider whose operator says what it has to object to is proven by that, whatever is known of such providers."""

from __future__ import annotations

import asyncio

import pytest

from ostiary.config.guards import GuardEntry
from ostiary.core.screening import Block, Note, Pass, Payload, Verdict
from ostiary.operate.proving import Trial, prove


def entry(use: str, **more: str) -> GuardEntry:
    needs = {"url": "https://guard.example.com/v1", "key": "env:KEY", "profile": "prod"}
    return GuardEntry.model_validate({"name": "theirs", "use": use, "then": "block", **needs, **more})


@pytest.mark.parametrize("use", ["webhook", "lakera-guard", "nemo-guardrails"])
@pytest.mark.parametrize(
    ("canary", "reason"),
    [("project bluebird", ""), ("project goldfinch", "it does not find its canary in a request")],
)
def test_the_canary_of_its_configuration_proves_it(use: str, canary: str, reason: str) -> None:
    async def theirs(payload: Payload) -> Verdict:
        return Block("ours") if any("bluebird" in text.value for text in payload.texts) else Pass()

    it = entry(use, canary=canary)
    proof = asyncio.run(prove(Trial(it, theirs, lambda most: most // 2)))
    assert proof.reason == reason
    assert proof.silent is bool(reason)


def test_a_note_is_no_objection_where_it_should_stop() -> None:
    async def lenient(payload: Payload) -> Verdict:
        return Note("ours") if any("bluebird" in text.value for text in payload.texts) else Pass()

    for then, reason in (("block", "it does not find its canary in a request"), ("note", "")):
        it = entry("webhook", canary="bluebird", then=then)
        assert asyncio.run(prove(Trial(it, lenient, lambda most: most // 2))).reason == reason


@pytest.mark.parametrize(("written", "read"), [("0s", 0.0), ("500ms", 0.5), ("60s", 60.0)])
def test_answers_may_be_remembered_not_at_all(written: str, read: float) -> None:
    it = entry("webhook", cache=written)
    assert it.cache == read
    assert GuardEntry.model_validate(it.model_dump(mode="json")).cache == read

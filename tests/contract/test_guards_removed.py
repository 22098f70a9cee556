"""Issue 6, must show 6: where any guard's code is removed, its canary notices, and so does the contract.

Each guard's code is replaced by one that finds nothing, wherever a configuration gets it from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ostiary.adapters.http.pages import Ready, details, obstacles
from ostiary.config.schema import Config
from ostiary.core.screening import Block, Guard, Pass, Payload, Side, Text, Verdict
from ostiary.entry.guarding import guarding
from ostiary.entry.proving import Proving
from ostiary.guards import detecting
from ostiary.guards.canaries import FIRST
from ostiary.guards.found import Found
from ostiary.operate.contract import Broken, hold
from ostiary.operate.proving import Trial, prove
from ostiary.pipeline import fencing, following
from tests.contract.guards import GUARDS, TOKENS, case, config, trial

ASKED = {
    "prisma-airs": {"key": "env:K", "profile": "p"}, "lakera-guard": {"key": "env:K"},
    "azure-prompt-shields": {"key": "env:K", "url": "https://a.example"}, "model-armor": {"key": "env:K", "profile": "p"},
    "azure-content-safety": {"key": "env:K", "url": "https://a.example"}, "openai-moderation": {"key": "env:K"},
}  # fmt: skip
Patch = pytest.MonkeyPatch


async def passing(_payload: Payload) -> Verdict:
    return Pass()


async def blind(_self: object, payload: Payload) -> Verdict:
    return await passing(payload)


def removed(use: str, patch: Patch) -> None:
    """Replace the code of a guard by code that finds nothing."""
    match use:
        case "exact":
            patch.setattr(detecting, "listed", lambda *_: lambda *_: ())
        case "flow":
            patch.setattr(following.Follow, "__call__", blind)
        case "fence":
            patch.setattr(fencing.Fencing, "__call__", blind)
        case _:
            patch.setitem(dict_of(detecting.DETECTORS), use, lambda *_: ())


def dict_of(value: Any) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("name", GUARDS)
def test_its_canary_notices(name: str, monkeypatch: Patch) -> None:
    assert asyncio.run(prove(trial(**GUARDS[name]))).reason == ""
    removed(GUARDS[name]["use"], monkeypatch)
    proof = asyncio.run(prove(trial(**GUARDS[name])))
    assert proof.silent
    assert proof.reason


@pytest.mark.parametrize("name", GUARDS)
def test_the_contract_notices(name: str, monkeypatch: Patch) -> None:
    here = case(name)
    removed(GUARDS[name]["use"], monkeypatch)
    there = case(name)
    with pytest.raises(Broken, match="lets"):
        asyncio.run(hold(there, "finds_its_canaries"))
    assert here.canaries


@pytest.mark.parametrize("use", ASKED)
def test_a_provider_that_passes_everything_is_noticed(use: str) -> None:
    entry = config(use=use, then="block", **ASKED[use]).guards[0]
    proof = asyncio.run(prove(Trial(entry, passing, lambda size: size // 2)))
    assert (proof.silent, proof.reason) == (True, "it does not find what such providers object to in a request")


@pytest.mark.parametrize(("use", "rule"), sorted({(use, each.rule) for use, some in FIRST.items() for each in some}))
def test_a_rule_that_was_lost_is_named(use: str, rule: str, monkeypatch: Patch) -> None:
    whole = detecting.DETECTORS[use]

    def less(text: str, key: str, surface: str) -> tuple[Found, ...]:
        return tuple(each for each in whole(text, key, surface) if each.rule != rule)

    monkeypatch.setitem(dict_of(detecting.DETECTORS), use, less)
    proof = asyncio.run(prove(trial(use=use, then="block", kinds=[rule])))
    assert proof.reason == f"it does not find {rule} in a request"


def proving(make: Callable[[Config], Any], **guard: Any) -> tuple[Proving, Guard, list[tuple[str, str]]]:
    """Return what proves one guard, that guard as calls meet it, and what the ledger was told."""
    found, told = config(**guard), list[tuple[str, str]]()
    made = Proving(make, lambda: found, lambda kind, facts: told.append((kind, facts["guard"])))
    return made, made.made(found)["it"], told


async def look(guard: Guard) -> Verdict:
    async with asyncio.timeout(10):
        return await guard(Payload(Side.ANSWER, "crm", "crm.find", "tools/call", "run", (Text(("a",), "words"),)))


@pytest.mark.parametrize("name", GUARDS)
async def test_the_gateway_is_not_ready_and_calls_are_stopped(name: str, monkeypatch: Patch) -> None:
    removed(GUARDS[name]["use"], monkeypatch)
    made, guard, told = proving(guarding(TOKENS), **GUARDS[name])
    await made.round()
    [obstacle] = obstacles(Ready(ledger="", broken=made.failing()), None)[1:]
    assert obstacle["what"] == "guard_broken"
    assert obstacle["why"].startswith("it: it does not ")
    assert made.working() == {"it": False}
    assert await look(guard) == Block("the guard does not find what it should")
    assert told == [("guard_failed", "it")]


async def test_a_rehearsed_guard_is_told_and_stops_nothing(monkeypatch: Patch) -> None:
    removed("secrets", monkeypatch)
    made, _, told = proving(guarding(TOKENS), use="secrets", then="block", shadow=True)
    await made.round()
    seen = Ready(ledger="", broken=made.failing(), doubtful=made.doubtful())
    assert [each["what"] for each in obstacles(seen, None)] == ["no_snapshot"]
    assert details(seen, None, [])["degraded"][0]["why"].startswith("it: it does not find")
    assert told == [("guard_failed", "it")]


async def test_what_works_again_is_told_and_lets_calls_through() -> None:
    works = [False]

    async def guard(payload: Payload) -> Verdict:
        whole = guarding(TOKENS)(config(use="secrets", then="block"))["it"]
        return await whole(payload) if works[0] else Pass()

    made, gate, told = proving(lambda _: {"it": guard}, use="secrets", then="block")
    await made.round()
    assert isinstance(await look(gate), Block)
    works[0] = True
    await made.round()
    assert await look(gate) == Pass()
    assert made.failing() == {}
    assert made.working() == {"it": True}
    assert told == [("guard_failed", "it"), ("guard_recovered", "it")]


def test_every_use_of_ours_is_among_those_that_are_removed() -> None:
    """A guard that is added later needs an entry here: it runs in this process, and asks nobody."""
    from ostiary.config.uses import USES  # noqa: PLC0415 - only this test needs it

    local = {use for use, each in USES.items() if "allow_private" not in each.may} - {"plugin"}
    assert local == {each["use"] for each in GUARDS.values()}

"""Whom a token that was let in still speaks for: known without asking anybody, and not a moment too long."""

from __future__ import annotations

from ostiary.adapters.identity.issuers import Issuers
from ostiary.core.model import Inbound, Json
from tests.contract.identity.provider import Clock, Provider, inbound, issuers, setup


async def _held(_message: Inbound, _claims: Json) -> None:
    """Find every proof good."""


async def test_a_token_that_was_let_in_is_known_without_asking() -> None:
    provider, clock = Provider(), Clock()
    known, token = issuers(provider, clock), provider.token()
    assert known.acquainted(token) is None
    caller = await known(inbound(token))
    still = known.acquainted(token)
    assert still is not None
    assert still() is caller


async def test_it_is_not_known_for_longer_than_it_was_verified_for() -> None:
    provider, clock = Provider(), Clock()
    known, token = issuers(provider, clock), provider.token()
    await known(inbound(token))
    still = known.acquainted(token)
    assert still is not None
    clock.now += 61.0
    assert still() is None


async def test_it_is_not_known_after_anything_was_revoked_or_configured() -> None:
    provider, clock, counter = Provider(), Clock(), [0]
    known = Issuers([setup(provider)], clock, clock, clock.sleep, counter=lambda: counter[0])
    token = provider.token()
    await known(inbound(token))
    still = known.acquainted(token)
    assert still is not None
    counter[0] += 1
    assert still() is None
    await known(inbound(token))
    assert still() is not None
    known.clear()
    assert still() is None


async def test_a_token_that_is_bound_to_a_key_is_never_known_without_its_proof() -> None:
    provider, clock = Provider(), Clock()
    known = issuers(provider, clock, bind=_held)
    token = provider.token(cnf={"jkt": "x" * 43})
    await known(inbound(token))
    assert known.acquainted(token) is None

"""Tokens of issuers: verified once, remembered for a while, forgotten at once when that is said."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from ostiary.adapters.identity.issuers import Issuers
from ostiary.adapters.identity.turns import Turns
from ostiary.core.errors import Overloaded, Unauthenticated
from ostiary.core.model import Inbound, Json
from tests.contract.identity.provider import (
    NOW,
    URL,
    Clock,
    Provider,
    inbound,
    issuers,
    made,
    opaque,
    said,
    setup,
    until,
)


async def test_a_storm_of_one_token_is_verified_once() -> None:
    provider, clock = Provider(), Clock()
    provider.gate.clear()
    known = issuers(provider, clock)
    token = provider.token()
    calls = [asyncio.create_task(known(inbound(token))) for _ in range(500)]
    await until(lambda: bool(provider.asked))
    assert len(known._flights) == 1
    provider.gate.set()
    callers = await asyncio.gather(*calls)
    assert all(each is callers[0] for each in callers)
    assert (len(known._flights), provider.fetched()) == (0, 1)


async def test_a_verified_token_is_remembered_for_a_minute() -> None:
    provider, clock = Provider(), Clock()
    known = issuers(provider, clock)
    token = provider.token()
    first = await known(inbound(token))
    clock.now += 59.0
    assert await known(inbound(token)) is first
    clock.now += 2.0
    again = await known(inbound(token))
    assert again is not first
    assert again == first


async def test_nothing_is_remembered_beyond_its_expiry() -> None:
    provider, clock = Provider(), Clock()
    known = issuers(provider, clock)
    token = provider.token(exp=NOW + 20)
    await known(inbound(token))
    clock.now += 49.0  # Within the skew: good, but not remembered any more.
    await known(inbound(token))
    clock.now += 2.0
    with pytest.raises(Unauthenticated, match="jwt_expired"):
        await known(inbound(token))


async def test_clearing_forgets_everything_also_what_is_under_way() -> None:
    provider, clock = Provider(), Clock()
    known = issuers(provider, clock)
    token = provider.token()
    provider.gate.clear()
    call = asyncio.create_task(known(inbound(token)))
    await until(lambda: bool(provider.asked))
    known.clear()
    provider.gate.set()
    await call
    assert next(iter(known._known.values())).caller is await known(inbound(token))
    assert known._flights == {}
    known.clear()
    assert (len(known._known), known._size) == (0, 0)


async def test_what_was_asked_before_a_revocation_is_no_answer_after_it() -> None:
    """The issuer said yes, slowly; meanwhile somebody revoked the token."""
    provider, clock = Provider(), Clock()
    known = Issuers([opaque(provider)], clock, clock)
    provider.opaque["t"] = {"active": True, **said()}
    provider.gate.clear()
    early = asyncio.create_task(known(inbound("t")))
    await until(lambda: len(provider.asked) == 1)
    provider.opaque["t"] = {"active": False}
    known.clear()
    late = asyncio.create_task(known(inbound("t")))
    await until(lambda: len(provider.asked) == 2)
    provider.gate.set()
    for call in (early, late):
        with pytest.raises(Unauthenticated, match="introspection_inactive"):
            await call


async def test_an_issuer_that_is_configured_away_is_believed_no_more() -> None:
    provider, clock = Provider(), Clock()
    known = issuers(provider, clock)
    token = provider.token()
    caller = await known(inbound(token))
    assert known.stands(caller)
    known.configure([])
    with pytest.raises(Unauthenticated, match="jwt_wrong_issuer"):
        await known(inbound(token))
    assert not known.stands(caller)


async def test_an_issuer_that_did_not_change_keeps_its_keys() -> None:
    provider, clock = Provider(), Clock()
    known = issuers(provider, clock)
    await known(inbound(provider.token()))
    known.configure([setup(provider)])
    await known(inbound(provider.token()))
    assert provider.fetched() == 1
    known.configure([setup(provider, jwks=f"{provider.issuer}/keys")])
    await known(inbound(provider.token()))
    assert provider.fetched() == 2


async def test_each_issuer_answers_for_its_own_tokens_only() -> None:
    """The same key id at two issuers is two keys."""
    one, two, clock = Provider(), Provider("https://id.example.org"), Clock()
    two.keys = {"one": made(number=1)}
    known = Issuers([setup(one), setup(two, name="guests")], clock, clock)
    assert (await known(inbound(one.token()))).proof == "jwt:staff"
    assert (await known(inbound(two.token()))).proof == "jwt:guests"
    one.issuer = two.issuer
    with pytest.raises(Unauthenticated, match="jwt_signature"):
        await known(inbound(one.token()))


def test_two_entries_for_one_issuer_are_a_mistake() -> None:
    provider, clock = Provider(), Clock()
    with pytest.raises(ValueError, match="two identities"):
        Issuers([setup(provider), setup(provider, name="again")], clock, clock)


async def test_an_algorithm_or_a_type_that_is_not_this_issuers_is_refused() -> None:
    provider, clock = Provider(), Clock()
    base = setup(provider)
    only = replace(base, expected=replace(base.expected, algorithms=frozenset({"ES256"}), only_access=True))
    known = Issuers([only], clock, clock)
    with pytest.raises(Unauthenticated, match="jwt_alg_refused"):
        await known(inbound(provider.token()))
    provider.keys["one"] = made("ES256")
    with pytest.raises(Unauthenticated, match="jwt_typ"):
        await known(inbound(provider.token("ES256")))


async def test_a_token_that_lives_too_long_is_refused_where_that_is_configured() -> None:
    provider, clock = Provider(), Clock()
    base = setup(provider)
    known = Issuers([replace(base, expected=replace(base.expected, max_age=3600.0))], clock, clock)
    assert (await known(inbound(provider.token(exp=NOW + 3590)))).subject == "ana"
    for claims in ({"exp": NOW + 3591}, {"iat": None}):
        with pytest.raises(Unauthenticated, match="jwt_lifetime"):
            await known(inbound(provider.token(**claims)))


async def test_id_tokens_are_taken_where_that_is_configured() -> None:
    provider, clock = Provider(), Clock()
    base = setup(provider)
    known = Issuers([replace(base, expected=replace(base.expected, id_tokens=True))], clock, clock)
    assert (await known(inbound(provider.token(at_hash="x")))).subject == "ana"


async def test_a_bound_token_is_asked_for_its_key_on_every_request() -> None:
    asked: list[tuple[str, Any]] = []

    async def bind(message: Inbound, claims: Json) -> None:
        asked.append((message.peer, claims["cnf"]["jkt"]))
        if message.peer == "thief":
            raise Unauthenticated("dpop_missing: no proof", hint="x")

    provider, clock = Provider(), Clock()
    known = issuers(provider, clock, bind=bind)
    token = provider.token(cnf={"jkt": "k"})
    await known(inbound(token))
    await known(inbound(token))
    with pytest.raises(Unauthenticated, match="dpop_missing"):
        await known(inbound(token, peer="thief"))
    assert asked == [("192.0.2.7", "k")] * 2 + [("thief", "k")]


async def test_who_asks_without_a_credential_is_told_nothing_about_credentials() -> None:
    with pytest.raises(Unauthenticated) as caught:
        await issuers(Provider(), Clock())(inbound(None))
    assert caught.value.message == Unauthenticated.public


async def test_an_outage_before_the_first_key_is_not_the_clients_fault() -> None:
    provider, clock = Provider(), Clock()
    provider.down = True
    with pytest.raises(Overloaded) as caught:
        await issuers(provider, clock)(inbound(provider.token()))
    assert caught.value.status == 503
    assert "away" not in caught.value.message


async def test_one_who_hangs_up_spoils_nobody_elses_verification() -> None:
    provider, clock = Provider(), Clock()
    provider.gate.clear()
    known = issuers(provider, clock)
    token = provider.token()
    first, second = (asyncio.create_task(known(inbound(token))) for _ in range(2))
    await until(lambda: bool(provider.asked))
    first.cancel()
    provider.gate.set()
    assert (await second).subject == "ana"


async def test_memory_is_bounded_by_what_tokens_weigh() -> None:
    provider, clock = Provider(), Clock()
    size = len(provider.token(sub="user 10"))
    known = Issuers([setup(provider)], clock, clock, room=size * 4)
    tokens = [provider.token(sub=f"user {number}") for number in range(10, 20)]
    for token in tokens:
        await known(inbound(token))
    assert 3 <= len(known._known) <= 4
    assert known._size == sum(each.size for each in known._known.values()) <= size * 4


async def test_closing_ends_what_is_under_way() -> None:
    provider, clock = Provider(), Clock()
    provider.gate.clear()
    known = issuers(provider, clock)
    call = asyncio.create_task(known(inbound(provider.token())))
    await until(lambda: bool(provider.asked))
    known.close()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_one_verification_per_turn_of_the_loop() -> None:
    """A storm of distinct tokens delays others by one verification at a time."""
    turns = Turns()
    order: list[str] = []

    async def work(name: str) -> None:
        await turns.mine()
        order.append(name)

    async def other() -> None:
        for _ in range(3):
            order.append("other")
            await asyncio.sleep(0)

    await asyncio.gather(*(work(str(number)) for number in range(5)), other())
    assert order == ["0", "other", "other", "1", "other", "2", "3", "4"]


async def test_those_who_left_the_queue_keep_nobody_waiting() -> None:
    turns = Turns(2)
    await turns.mine()
    gone, stays = (asyncio.create_task(turns.mine()) for _ in range(2))
    gone.cancel()
    await asyncio.sleep(0)
    await stays
    assert gone.cancelled()


async def test_a_queue_that_is_full_says_come_back() -> None:
    turns = Turns(0)
    await turns.mine()
    with pytest.raises(Overloaded, match="verification_storm"):
        await turns.mine()


async def test_a_token_for_the_gateway_is_good_everywhere() -> None:
    provider, clock = Provider(), Clock()
    known = issuers(provider, clock)
    token = provider.token(aud=["https://other.example.com", URL])
    for endpoint in ("/mcp", "/servers/crm/mcp", "/api/v1/tools"):
        assert (await known(inbound(token, endpoint=endpoint))).subject == "ana"

"""Every kind of credential at one door, and what happens to those who only guess."""

from __future__ import annotations

import asyncio

import pytest

from ostiary.adapters.identity import tokens
from ostiary.adapters.identity.failures import Allowance, Failures
from ostiary.adapters.identity.identities import Identities
from ostiary.adapters.identity.issuers import Issuers
from ostiary.adapters.identity.tokens import Tokens
from ostiary.core.errors import Limited, Unauthenticated
from ostiary.core.model import Inbound, Json, Token
from tests.contract.identity.provider import NOW, Clock, Provider, inbound, opaque, said, setup

_, GOOD, DIGEST = tokens.made()
OURS = Token("tok_1", "bo", "", (), (), (), (), NOW, NOW + 3600)


class House:
    """All of identity with a fake clock, provider and table of tokens."""

    def __init__(self, *, static: bool = True, introspection: bool = False) -> None:
        self.clock, self.provider = Clock(), Provider()
        self.table = {DIGEST: OURS}
        self.looked_up: list[str] = []
        known = opaque(self.provider) if introspection else setup(self.provider)
        own = Tokens(self.lookup, lambda: 0, self.clock) if static else None
        self.issuers = Issuers([known], self.clock, self.clock)
        failures = Failures(self.clock, Allowance(3.0, 0.5), Allowance(1000.0, 1.0))
        self.identify = Identities(own, self.issuers, failures)

    def lookup(self, digest: str) -> Token | None:
        self.looked_up.append(digest)
        return self.table.get(digest)

    async def fail(self, credential: str, peer: str = "192.0.2.7") -> Unauthenticated:
        with pytest.raises(Unauthenticated) as caught:
            await self.identify(inbound(credential, peer))
        return caught.value


async def test_each_kind_of_credential_is_known_by_its_own() -> None:
    house = House(introspection=True)
    house.provider.opaque["opaque"] = {"active": True, **said(sub="cy")}
    found = [(await house.identify(inbound(each))).subject for each in (GOOD, house.provider.token(), "opaque")]
    assert found == ["bo", "ana", "cy"]


async def test_no_credential_is_no_attempt() -> None:
    house = House()
    for _ in range(10):
        with pytest.raises(Unauthenticated) as caught:
            await house.identify(inbound(None))
        assert caught.value.message == Unauthenticated.public
    assert (await house.identify(inbound(GOOD))).subject == "bo"


async def test_unknown_expired_revoked_and_forged_look_the_same() -> None:
    """The answer must not say how near a guess was."""
    house = House()
    answers = set()
    for peer, credential in enumerate([tokens.made()[1], "ost_x", "opaque", "a.b.c", "eyJ.e.x", house.provider.token(exp=NOW - 60), "é" * 50]):  # fmt: skip
        answers.add((await house.fail(credential, f"192.0.2.{peer}")).message)
    house.table[DIGEST] = Token("tok_1", "bo", "", (), (), (), (), NOW, NOW - 1)
    answers.add((await house.fail(GOOD, "198.51.100.1")).message)
    house.table[DIGEST] = Token("tok_1", "bo", "", (), (), (), (), NOW, NOW + 9, revoked=NOW)
    answers.add((await house.fail(GOOD, "198.51.100.2")).message)
    assert len(answers) == 1


async def test_static_tokens_can_be_forbidden_and_nothing_tells_so() -> None:
    off = House(static=False)
    refused = await off.fail(GOOD)
    assert refused.detail.startswith("token_off")
    assert refused.message == (await House().fail(tokens.made()[1])).message
    assert (await off.identify(inbound(off.provider.token()))).subject == "ana"


async def test_a_peer_that_guesses_is_not_heard_and_causes_no_work() -> None:
    house = House()
    for _ in range(3):
        await house.fail(tokens.made()[1])
    before = len(house.looked_up)
    for credential in (tokens.made()[1], "opaque", house.provider.token()):
        with pytest.raises(Limited) as caught:
            await house.identify(inbound(credential))
        assert (caught.value.status, caught.value.retry_after) == (429, 2.0)
        assert caught.value.detail.startswith("attempts_limited")
    assert (len(house.looked_up), house.provider.asked) == (before, [])
    house.clock.now += 2.0
    assert (await house.identify(inbound(house.provider.token()))).subject == "ana"


async def test_guesses_that_come_at_once_count_each() -> None:
    """As many connections as somebody likes must not turn one attempt into many."""
    house = House()
    for _ in range(3):
        await house.fail(tokens.made()[1])
    house.clock.now += 2.0
    before = len(house.looked_up)
    guesses = (house.identify(inbound(tokens.made()[1])) for _ in range(20))
    outcomes = [type(each) for each in await asyncio.gather(*guesses, return_exceptions=True)]
    assert (outcomes.count(Unauthenticated), outcomes.count(Limited)) == (1, 19)
    assert len(house.looked_up) == before + 1


async def test_an_attempt_that_was_good_is_given_back() -> None:
    house = House()
    await house.fail(tokens.made()[1])
    for number in range(10):
        assert (await house.identify(inbound(house.provider.token(jti=str(number))))).subject == "ana"


async def test_who_was_known_stays_known_while_others_guess_from_the_same_address() -> None:
    house = House()
    token = house.provider.token()
    for good in (GOOD, token):
        await house.identify(inbound(good))
    for _ in range(3):
        await house.fail("guess")
    for good in (GOOD, token):
        assert (await house.identify(inbound(good))).expires > NOW
    assert (await house.identify(inbound(GOOD, "198.51.100.9"))).subject == "bo"


async def test_what_was_good_and_is_no_more_counts_as_a_guess() -> None:
    house = House()
    token = house.provider.token(exp=NOW + 10)
    await house.identify(inbound(token))
    house.clock.now += 60.0
    for _ in range(3):
        await house.fail(token)
    with pytest.raises(Limited):
        await house.identify(inbound(token))


async def test_an_outage_of_the_provider_is_nobodys_failure() -> None:
    house = House()
    house.provider.down = True
    for _ in range(10):
        with pytest.raises(Exception, match="keys_unreachable"):
            await house.identify(inbound(house.provider.token()))
    assert (await house.identify(inbound(GOOD))).subject == "bo"


async def test_a_question_to_the_client_is_no_failure() -> None:
    """RFC 9449 section 9: every client is asked for a nonce now and then."""

    async def bind(_message: Inbound, _claims: Json) -> None:
        raise Unauthenticated("dpop_nonce: none came", hint="x", data={"nonce": "n"})

    house = House()
    house.issuers.configure([setup(house.provider, bind=bind)])
    for _ in range(20):
        await house.fail(house.provider.token())


async def test_only_so_many_good_credentials_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.adapters.identity.identities._KEPT", 3)
    house = House()
    for number in range(6):
        await house.identify(inbound(house.provider.token(sub=f"u{number}")))
    assert len(house.identify._proven) == 3

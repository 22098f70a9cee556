"""Proofs of possession (RFC 9449): good ones once, for what they were made, while they are fresh."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ostiary.adapters.identity.dpop import ALGORITHMS, Nonces, Uses, normal, thumbprinted
from ostiary.adapters.identity.failures import EACH, TOTAL, Failures
from ostiary.adapters.identity.identities import Identities
from ostiary.adapters.identity.issuers import Issuers
from ostiary.core.errors import Limited, Overloaded, Unauthenticated
from ostiary.core.model import Caller, Inbound
from ostiary.protocol.answers import refused
from ostiary.protocol.challenge import NONCE
from tests.contract.identity.provider import NOW, URL, Clock, Provider, inbound, made, setup
from tests.contract.identity.proving import ELLIPTIC, asked, bind, proof, proofs, shown, thumbprint

JKT = thumbprint(ELLIPTIC)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_good_proof_is_believed_with_each_algorithm(algorithm: str) -> None:
    key = made(algorithm)
    await proofs()(asked(proof(key=key, algorithm=algorithm)), thumbprint(key))


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "EdDSA", "RS256"])
def test_thumbprints_are_those_of_others(algorithm: str) -> None:
    key = made(algorithm)
    assert thumbprinted(shown(key)) == thumbprint(key)


def test_the_thumbprint_of_the_standard() -> None:
    """RFC 7638 section 3.1."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs"
        "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n"
        "91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    assert thumbprinted({"kty": "RSA", "n": n, "e": "AQAB"}) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


async def test_a_proof_is_good_once() -> None:
    known, sent = proofs(), proof()
    await known(asked(sent), JKT)
    with pytest.raises(Unauthenticated, match="dpop_replayed"):
        await known(asked(sent), JKT)
    await known(asked(proof()), JKT)


async def test_of_two_that_come_together_one_is_the_first() -> None:
    known, sent = proofs(), proof()
    ends = await asyncio.gather(*(known(asked(sent), JKT) for _ in range(20)), return_exceptions=True)
    assert sum(end is None for end in ends) == 1


async def test_another_key_may_use_the_same_jti() -> None:
    known, other = proofs(), made("ES256", 1)
    await known(asked(proof(jti="same")), JKT)
    await known(asked(proof(jti="same", key=other)), thumbprint(other))


async def test_a_jti_comes_back_only_after_its_first_proof_is_stale() -> None:
    clock = Clock()
    known, first = proofs(clock), proof(jti="same")
    await known(asked(first), JKT)
    clock.now += 60.0
    with pytest.raises(Unauthenticated, match="dpop_replayed"):
        await known(asked(proof(jti="same", iat=clock.now)), JKT)
    clock.now += 40.0
    with pytest.raises(Unauthenticated, match="dpop_stale"):
        await known(asked(first), JKT)
    await known(asked(proof(jti="same", iat=clock.now)), JKT)


async def test_what_cannot_be_remembered_is_not_believed() -> None:
    clock = Clock()
    known = proofs(clock, most=3, share=2)
    others = [made("ES256", number) for number in (1, 2)]
    await known(asked(proof()), JKT)
    await known(asked(proof()), JKT)
    with pytest.raises(Limited, match="dpop_share"):
        await known(asked(proof()), JKT)
    await known(asked(proof(key=others[0])), thumbprint(others[0]))
    with pytest.raises(Overloaded, match="dpop_full"):
        await known(asked(proof(key=others[1])), thumbprint(others[1]))
    clock.now += 100.0
    await known(asked(proof(iat=clock.now)), JKT)


def test_uses_are_forgotten_when_they_no_longer_matter() -> None:
    uses = Uses(10_000, 10_000)
    for number in range(5_000):
        assert uses.use("key", str(number), NOW + 90.0, NOW)
    assert len(uses) == 5_000
    assert not uses.use("key", "7", NOW + 90.0, NOW + 90.0)
    assert uses.use("key", "new", NOW + 200.0, NOW + 98.0)
    assert (len(uses), len(uses._slots), uses._each) == (1, 1, {"key": 1})


@pytest.mark.parametrize(("age", "good"), [(-31, False), (-30, True), (0, True), (90, True), (91, False)])
async def test_a_proof_is_fresh_for_a_minute_give_or_take_the_clocks(age: int, good: bool) -> None:
    sent = asked(proof(iat=int(NOW) - age))
    if good:
        await proofs()(sent, JKT)
        return
    with pytest.raises(Unauthenticated, match="dpop_stale"):
        await proofs()(sent, JKT)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://mcp.example.com/mcp", "HTTPS://MCP.example.com:443/mcp"),
        ("https://mcp.example.com/mcp", "https://mcp.example.com:0443/%6dcp"),
        ("https://mcp.example.com/mcp", "https://mcp.example.com/a/.././mcp"),
        ("https://mcp.example.com/mcp", "https://mcp.example.com/../mcp"),
        ("https://mcp.example.com/a%2fb", "https://mcp.example.com/a%2Fb"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
        ("http://[::1]/mcp", "http://[::1]:80/mcp"),
        ("https://h/a/b/..", "https://h/a/"),
    ],
)
def test_two_spellings_of_one_address(one: str, other: str) -> None:
    """RFC 9449 section 4.3 with RFC 3986 section 6.2."""
    assert normal(one) == normal(other) != ""


@pytest.mark.parametrize(
    "said",
    [
        "https://mcp.example.com/mcp?a=b", "https://mcp.example.com/mcp#x", "https://mcp.example.com/mcp?", "/mcp", "",
        "https://user@mcp.example.com/mcp", "https://mcp.example.com:x/mcp", "ftp://mcp.example.com/mcp", "https://",
        "https://mcp.example.com\\mcp", "https://mcp.example.com/mcp\n", "https://mcp.example.com/" + "a" * 2048,
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_request(said: str) -> None:
    assert normal(said) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [("https://h/mcp", "http://h/mcp"), ("https://h/mcp", "https://h/MCP"), ("https://h/mcp", "https://h/mcp/"),
     ("https://h/a/b", "https://h/a%2Fb"), ("https://h/mcp", "https://h:8443/mcp")],
)  # fmt: skip
def test_two_addresses(one: str, other: str) -> None:
    assert normal(one) != normal(other)


async def test_a_spelling_of_the_same_address_is_believed() -> None:
    await proofs()(asked(proof(htu="https://MCP.example.com:443/%6Dcp")), JKT)


async def test_the_address_of_the_oldest_transport_is_the_one_that_its_clients_know() -> None:
    sent = proof(htu=f"{URL}/sse")
    await proofs()(asked(sent, channel="x"), JKT)
    with pytest.raises(Unauthenticated, match="dpop_url"):
        await proofs()(asked(sent), JKT)


async def test_where_a_nonce_is_needed_a_client_is_given_one_and_comes_back() -> None:
    """RFC 9449 section 9."""
    clock = Clock()
    known = proofs(clock, Nonces(b"s" * 32, clock))
    with pytest.raises(Unauthenticated, match="dpop_nonce") as caught:
        await known(asked(proof()), JKT)
    said = refused(caught.value, None, "", 'Bearer realm="x"').headers
    assert said["www-authenticate"] == 'DPoP error="use_dpop_nonce"'
    await known(asked(proof(nonce=said["dpop-nonce"])), JKT)
    clock.now += 301.0
    with pytest.raises(Unauthenticated, match="dpop_nonce"):
        await known(asked(proof(nonce=said["dpop-nonce"], iat=clock.now)), JKT)


@pytest.mark.parametrize("spoil", [lambda it: it[:-1], lambda it: "B" + it[1:], lambda it: it[:-1] + "é", lambda _: 7,
                                   lambda it: it[:-2] + "**", lambda _: Nonces(b"t" * 32, Clock()).made()])  # fmt: skip
def test_only_our_own_nonces_count(spoil: Any) -> None:
    ours = Nonces(b"s" * 32, Clock())
    assert ours.good(ours.made())
    assert Nonces(b"s" * 32, Clock()).good(ours.made()), "another worker knows it"
    assert not ours.good(spoil(ours.made()))


async def test_a_question_for_a_nonce_comes_only_to_who_has_the_key_and_a_refused_proof_is_not_used_up() -> None:
    clock = Clock()
    known = proofs(clock, Nonces(b"s" * 32, clock))
    with pytest.raises(Unauthenticated) as caught:
        await known(asked(proof(key=made("ES256", 1))), JKT)
    assert caught.value.data is None
    with pytest.raises(Unauthenticated) as caught:
        await known(asked(proof(jti="same")), JKT)
    assert caught.value.data is not None
    await known(asked(proof(jti="same", nonce=caught.value.data[NONCE])), JKT)


async def test_a_key_is_proven_without_a_token_where_tokens_are_made() -> None:
    """RFC 9449 section 5: a proof for there has no `ath`, and what is good there is good nowhere else."""
    known, place = proofs(), f"{URL}/token"
    found = await known.held("POST", place, [proof(htu="https://MCP.example.com:443/%74oken", ath=None)])
    assert (found.thumbprint, found.nonce) == (JKT, "")
    for sent, reason in (((), "missing"), ((proof(),), "url"), ((proof(htu=place, htm="GET"),), "method")):
        with pytest.raises(Unauthenticated, match=f"dpop_{reason}"):
            await known.held("POST", place, sent)
    with pytest.raises(Unauthenticated, match="dpop_url"):
        await known(asked(proof(htu=place)), JKT)


async def test_proofs_without_a_token_have_a_part_of_the_memory_and_not_more() -> None:
    known, place = proofs(opened=1), f"{URL}/token"
    await known.held("POST", place, [proof(htu=place)])
    with pytest.raises(Limited, match="dpop_opened"):
        await known.held("POST", place, [proof(htu=place, key=made("ES256", 1))])
    await known(asked(proof()), JKT)


def test_a_nonce_has_a_successor_when_half_of_its_life_is_over() -> None:
    """RFC 9449 section 8.2."""
    clock = Clock()
    nonces = Nonces(b"s" * 32, clock, 300.0)
    first = nonces.made()
    clock.now += 150
    assert nonces.following(first) == ""
    clock.now += 1
    assert nonces.good(nonces.following(first))


def house(mode: Any = "none") -> tuple[Provider, Identities]:
    provider, clock = Provider(), Clock()
    issuers = Issuers([setup(provider, bind=bind(mode, clock))], clock, clock, clock.sleep)
    return provider, Identities(tokens, issuers, Failures(clock, EACH, TOTAL))


async def tokens(message: Inbound) -> Caller:
    return Caller("ana", "ostiary", message.credential or "", "token", NOW + 60)


async def test_a_bound_token_needs_a_proof_of_its_own_on_every_request() -> None:
    provider, known = house()
    token = provider.token(cnf={"jkt": JKT})
    sent = proof(token)
    assert (await known(asked(sent, token))).subject == "ana"
    with pytest.raises(Unauthenticated, match="dpop_replayed"):
        await known(asked(sent, token))
    assert (await known(asked(proof(token), token))).subject == "ana"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_a_bound_token_is_not_taken_for_one_that_is_not(scheme: str) -> None:
    """RFC 9449 section 7.1: a downgrade."""
    provider, known = house()
    token = provider.token(cnf={"jkt": JKT})
    with pytest.raises(Unauthenticated, match="dpop_scheme"):
        await known(asked(proof(token), token, scheme))


async def test_what_is_bound_to_nothing_comes_as_a_bearer_token() -> None:
    provider, known = house()
    for token in (provider.token(), "ost_abc"):
        assert (await known(asked(None, token, "Bearer"))).subject == "ana"
        with pytest.raises(Unauthenticated, match="dpop_unbound"):
            await known(asked(proof(token), token))


@pytest.mark.parametrize("mode", ["dpop", "either"])
async def test_where_proofs_are_demanded_a_token_alone_is_not_enough(mode: str) -> None:
    provider, known = house(mode)
    with pytest.raises(Unauthenticated, match="binding_missing"):
        await known(asked(None, provider.token(), "Bearer"))
    token = provider.token(cnf={"jkt": JKT})
    assert (await known(asked(proof(token), token, "dpop"))).subject == "ana"


async def test_nothing_is_verified_for_who_has_no_good_token() -> None:
    _, known = house("dpop")
    with pytest.raises(Unauthenticated, match="credential_unknown"):
        await known(asked("x" * 9000, "nonsense"))
    with pytest.raises(Unauthenticated, match="no_credential"):
        await known(inbound(None))

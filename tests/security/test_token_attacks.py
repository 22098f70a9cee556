"""Forged, stolen, stale and misdirected tokens: each is refused, all look the same outside, and the ledger says why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.adapters.identity.failures import Failures
from ostiary.adapters.identity.identities import Identities
from ostiary.adapters.identity.issuers import Issuers
from ostiary.adapters.identity.jwt import ALGORITHMS, INVALID, read
from ostiary.core.errors import Unauthenticated
from ostiary.core.model import Caller, Inbound
from tests.contract.identity.provider import NOW, URL, Clock, Provider, inbound, setup
from tests.contract.identity.proving import asked, bind, proof
from tests.security.entrance import Entrance, Identify, Seen
from tests.security.forgeries import ATTACKS, BOUND, GOOD, JKT, OURS, PROOFS, b64, house, unsigned

REFUSED = 'error="invalid_token"'
"""What every bad credential hears, and nothing that tells one from another."""


@pytest.fixture(scope="module")
def entrance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Entrance]:
    """One gateway for all attacks, as an attacker finds it."""
    found = Entrance(tmp_path_factory.mktemp("entrance"))
    yield found
    found.close()


def everybody() -> Identities:
    """Return everybody that this gateway knows."""
    return Identities(None, house()[1], Failures(Clock()))


def heard(seen: Seen) -> tuple[str, str, str]:
    """Return all that a client could tell two refusals by."""
    assert (seen.status, seen.outcome) == (401, "unauthenticated")
    error = seen.body["error"]
    return seen.challenge, error["message"], json.dumps({**error, "data": sorted(error.get("data", {}))})


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_is_refused_and_the_ledger_says_why(entrance: Entrance, name: str) -> None:
    forge, reason = ATTACKS[name]
    seen = await entrance.knock(everybody(), inbound(forge()))
    assert seen.reason == reason
    assert heard(seen) == heard(await entrance.knock(everybody(), inbound("noise")))
    assert REFUSED in seen.challenge
    assert INVALID in seen.body["error"]["message"]


@pytest.mark.parametrize(("algorithm", "kid"), OURS)
async def test_a_good_token_is_let_in(algorithm: str, kid: str) -> None:
    """The control of all the others."""
    provider, known = house()
    caller = await known(inbound(provider.token(algorithm, kid, groups=["eng"])))
    assert (caller.subject, caller.issuer, caller.proof) == ("ana", provider.issuer, "jwt:staff")
    assert (caller.expires, caller.roles) == (NOW + 300, {"eng"})


async def test_the_ledger_repeats_nothing_that_a_token_said_and_stays_whole(entrance: Entrance) -> None:
    """An attacker's text in the ledger is an attack on whoever reads the ledger."""
    tokens = [forge() for forge, _ in ATTACKS.values()]
    for token in tokens:
        await entrance.knock(everybody(), inbound(token))
    written = entrance.written().decode()
    assert not [each for each in (*tokens, "evil", "UNION", "/dev/null", "environ", "level=info") if each in written]
    assert entrance.sound()


ELSEWHERE: list[tuple[str, dict[str, str]]] = [
    (f"access_token={GOOD}", {}),
    (f"authorization=Bearer%20{GOOD}", {}),
    ("", {"cookie": f"access_token={GOOD}"}),
    ("", {"proxy-authorization": f"Bearer {GOOD}"}),
    ("", {"x-access-token": GOOD}),
    ("", {"dpop": GOOD}),
]


@pytest.mark.parametrize(("query", "headers"), ELSEWHERE)
async def test_a_token_anywhere_but_in_its_header_is_none(
    entrance: Entrance, query: str, headers: dict[str, str]
) -> None:
    """RFC 6750 section 2.3, forbidden by 2026-07-28: and since none came, the client is not told that it was bad."""
    seen = await entrance.knock(everybody(), inbound(None), query, **headers)
    assert (seen.status, seen.reason, REFUSED in seen.challenge) == (401, "no_credential", False)
    assert GOOD not in entrance.written().decode()


async def test_another_scheme_is_no_way_in(entrance: Entrance) -> None:
    for scheme in ("Basic", "Token", "Bearer,", "Négociate"):
        seen = await entrance.knock(everybody(), inbound(None), authorization=f"{scheme} {GOOD}")
        assert (seen.status, seen.reason) == (401, "credential_unknown")


async def test_a_peer_that_tries_too_often_is_not_heard_and_the_ledger_says_so(entrance: Entrance) -> None:
    known = everybody()
    for _ in range(60):
        await entrance.knock(known, inbound("noise"))
    seen = await entrance.knock(known, inbound("noise"))
    assert (seen.status, seen.outcome, seen.reason) == (429, "limited", "attempts_limited")


async def test_a_token_for_one_endpoint_opens_no_other_even_when_it_is_known(entrance: Entrance) -> None:
    """RFC 8707: remembered for the first, asked about for the second."""
    provider, known = house()
    token = provider.token(aud=f"{URL}/servers/crm/mcp")
    assert (await known(inbound(token, endpoint="/servers/crm/mcp"))).subject == "ana"
    assert (await entrance.knock(known, inbound(token))).reason == "jwt_wrong_resource"
    with pytest.raises(Unauthenticated, match="jwt_wrong_resource"):
        await known(inbound(token, endpoint="/servers/crm/mcp/"))


def test_there_is_no_reader_of_tokens_in_a_query() -> None:
    """RFC 6750 section 2.3, forbidden by 2026-07-28: what an identity is asked about has no query to read."""
    assert not {name for name in Inbound.__struct_fields__ if "query" in name or "url" in name}


def test_nothing_symmetric_and_nothing_unsigned_can_be_configured() -> None:
    assert not [name for name in ALGORITHMS if name.startswith("HS") or name.lower() == "none"]


@pytest.mark.parametrize(("algorithm", "kid"), OURS)
async def test_any_letter_changed_spoils_a_token(algorithm: str, kid: str) -> None:
    provider, known = house()
    token = provider.token(algorithm, kid)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(token) - 1), st.characters(codec="utf-8", exclude_categories=["Cs"]))
    def tokens(place: int, letter: str) -> None:
        spoiled.append(token[:place] + letter + token[place + 1 :])

    spoiled: list[str] = []
    tokens()
    # The last letters are where a lenient reader loses bits.
    spoiled += [token[:-1] + letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="]
    for each in spoiled:
        if each != token:
            with pytest.raises(Unauthenticated):
                await known(inbound(each))
    assert (await known(inbound(token))).subject == "ana"


@pytest.mark.parametrize("way", ["cut", "doubled", "inserted", "swapped"])
async def test_any_piece_moved_spoils_a_token(way: str) -> None:
    provider, known = house()
    token = provider.token()
    pieces: list[str] = []

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, len(token) - 1), st.integers(1, 40), st.text("ab.=_ ", min_size=1, max_size=4))
    def tokens(place: int, length: int, text: str) -> None:
        piece = token[place : place + length]
        pieces.append(
            {
                "cut": token[:place] + token[place + length :],
                "doubled": token[:place] + piece + token[place:],
                "inserted": token[:place] + text + token[place:],
                "swapped": token[place:] + token[:place],
            }[way]
        )

    tokens()
    for each in pieces:
        if each != token:
            with pytest.raises(Unauthenticated):
                await known(inbound(each))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda data: f"{b64(data)}.{b64(data)}.")))
def test_no_text_makes_the_reader_fail_otherwise(text: str) -> None:
    with pytest.raises(Unauthenticated):
        read(text)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "cty", "crit", "jwk", "x"]), st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=4)))  # fmt: skip
def test_no_header_makes_the_reader_fail_otherwise(header: dict[str, Any]) -> None:
    try:
        found = read(unsigned(header))
    except Unauthenticated:
        return
    assert found.algorithm in ALGORITHMS


def holding(mode: Any, cnf: Any) -> Identify:
    """Return what knows one token, which is bound to this."""
    check = bind(mode)

    async def identify(message: Inbound) -> Caller:
        await check(message, {"cnf": cnf})
        raise AssertionError("an attacker was let in")

    return identify


@pytest.mark.parametrize("name", PROOFS)
async def test_a_bad_proof_is_refused_and_the_ledger_says_why(entrance: Entrance, name: str) -> None:
    """RFC 9449 sections 4.3 and 11; a nonce is for nobody who could be an attacker."""
    sent, reason = PROOFS[name]
    sent, jkt = sent if isinstance(sent, tuple) else (sent, JKT)
    seen = await entrance.knock(holding("none", {"jkt": jkt}), asked(sent))
    assert (seen.reason, "dpop-nonce" in seen.headers) == (reason, False)
    assert heard(seen) == heard(await entrance.knock(everybody(), inbound("noise")))


@pytest.mark.parametrize("name", BOUND)
async def test_a_token_is_worth_nothing_without_what_it_is_bound_to(entrance: Entrance, name: str) -> None:
    mode, cnf, message, reason = BOUND[name]
    seen = await entrance.knock(holding(mode, cnf), message)
    assert seen.reason == reason
    assert heard(seen) == heard(await entrance.knock(everybody(), inbound("noise")))


async def test_a_proof_that_was_seen_before_opens_nothing(entrance: Entrance) -> None:
    provider, clock = Provider(), Clock()
    known = Issuers([setup(provider, bind=bind())], clock, clock, clock.sleep)
    token = provider.token(cnf={"jkt": JKT})
    stolen = asked(proof(token), token)
    assert (await known(stolen)).subject == "ana"
    seen = await entrance.knock(known, stolen)
    assert (seen.reason, seen.status) == ("dpop_replayed", 401)


DEMANDED = {
    "alg none under a true signature": "jwt_alg_none",
    "HMAC with the public key in PEM": "jwt_alg_refused",
    "an RSA token called an elliptic one": "jwt_key_mismatch",
    "the wrong audience": "jwt_wrong_audience",
    "the wrong issuer": "jwt_wrong_issuer",
    "expired": "jwt_expired",
    "issued in the future": "jwt_not_yet",
    "a kid that climbs": "jwt_kid_traversal",
    "a kid that queries": "jwt_kid_injection",
    "the place of its own keys": "jwt_header_key",
    "oversized": "jwt_oversized",
    "a doubled claim": "jwt_duplicate",
    "unknown crit": "jwt_crit",
    "nested, as it says": "jwt_nested",
    "a proof of possession": "jwt_typ",
    "a stolen token without its proof": "dpop_scheme",
    "the wrong certificate": "mtls_wrong_certificate",
}
"""Attacks that everybody asks about. Replays, queries and other resources have tests of their own."""


def test_the_attacks_that_everybody_asks_about_are_told_apart() -> None:
    reasons = {name: row[-1] for name, row in (ATTACKS | BOUND).items()}
    found = {name: reasons[name] for name in DEMANDED}
    assert found == DEMANDED
    assert len(set(found.values())) == len(found)

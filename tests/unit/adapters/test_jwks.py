"""Which published keys verify signatures, and for how long."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from joserfc import jwk

from ostiary.adapters.identity.jwks import MOST_KEYS, Pace, key_set, lifetime
from ostiary.core.errors import Garbled
from tests.contract.identity.provider import made, public

RSA = public(made())
P256 = public(made("ES256"))
ED = public(made("EdDSA"))
PSS_ONLY = {**RSA, "alg": "PS512"}


def weak() -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return public(jwk.generate_key("RSA", 1024))


USABLE = {
    "RSA": (RSA, {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "RSA for one algorithm": (PSS_ONLY, {"PS512"}),
    "P-256": (P256, {"ES256"}),
    "P-384": (public(made("ES384")), {"ES384"}),
    "P-521": (public(made("ES512")), {"ES512"}),
    "Ed25519": (ED, {"EdDSA", "Ed25519"}),
    "Ed25519 by its old name": ({**ED, "alg": "EdDSA"}, {"EdDSA", "Ed25519"}),
    "Ed25519 by its new name": ({**ED, "alg": "Ed25519"}, {"EdDSA", "Ed25519"}),
    "for signatures": ({**RSA, "use": "sig", "key_ops": ["verify"], "alg": "RS256"}, {"RS256"}),
    "with a certificate that nobody reads": ({**RSA, "x5c": [7], "x5u": "file:///etc/passwd"}, {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
}  # fmt: skip


@pytest.mark.parametrize("name", USABLE)
def test_a_key_may_verify_what_its_type_allows_and_its_owner_declared(name: str) -> None:
    said, algorithms = USABLE[name]
    [key] = key_set({"keys": [said]}).keys
    assert (key.kid, key.algorithms) == ("one", algorithms)


UNUSABLE: dict[str, Any] = {
    "symmetric": {"kty": "oct", "k": "c2VjcmV0", "kid": "one"},
    "symmetric in disguise": {**RSA, "k": "c2VjcmV0"},
    "private": made().as_dict(private=True),
    "for encryption": {**RSA, "use": "enc"},
    "for other deeds": {**RSA, "key_ops": ["encrypt"]},
    "for an algorithm of encryption": {**RSA, "alg": "RSA-OAEP"},
    "for an algorithm of another type": {**RSA, "alg": "ES256"},
    "for HMAC": {**RSA, "alg": "HS256"},
    "for nothing": {**RSA, "alg": "none"},
    "of an odd algorithm": {**RSA, "alg": ["RS256"]},
    "RSA of 1,024 bits": weak(),
    "RSA of too many bits": {**RSA, "n": "_" * 1376},
    "RSA of endless bits": {**RSA, "n": "A" * 4096},
    "RSA without a modulus": {"kty": "RSA", "e": "AQAB"},
    "RSA of zero": {**RSA, "n": ""},
    "RSA with an even exponent": {**RSA, "e": "Ag"},
    "RSA with letters of base64": {**RSA, "n": RSA["n"][:-1] + "+"},
    "a point beside its curve": {**P256, "y": P256["x"]},
    "a curve nobody asked for": {**P256, "crv": "secp256k1"},
    "a curve that is a list": {**P256, "crv": ["P-256"]},
    "Ed448": {"kty": "OKP", "crv": "Ed448", "x": "AA", "kid": "one"},
    "a key for agreement": {"kty": "OKP", "crv": "X25519", "x": ED["x"], "kid": "one"},
    "Ed25519 too short": {**ED, "x": "AAAA"},
    "a kid that is a number": {**RSA, "kid": 1},
    "a kid that is endless": {**RSA, "kid": "a" * 3000},
    "of no type": {"kid": "one"},
    "a type of the future": {"kty": "AKP", "alg": "ML-DSA-65", "kid": "one"},
    "a text": "RSA",
}  # fmt: skip


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_key_that_is_not_for_signatures_is_passed_over_and_the_others_count(name: str) -> None:
    """RFC 7517 section 5."""
    found = key_set({"keys": [UNUSABLE[name], {**P256, "kid": "good"}]})
    assert [key.kid for key in found.keys] == ["good"]
    assert len(found.refused) == 1
    assert found.refused[0].startswith("key 0: ")


@pytest.mark.parametrize("found", [{}, {"keys": {}}, {"keys": []}, {"keys": [UNUSABLE["symmetric"]]}, {"keys": [P256] * (MOST_KEYS + 1)}])  # fmt: skip
def test_a_set_without_a_usable_key_or_with_too_many_is_none(found: Any) -> None:
    with pytest.raises(Garbled):
        key_set(found)


def test_a_token_without_a_kid_means_the_only_key_that_fits() -> None:
    found = key_set({"keys": [RSA, P256, {**P256, "kid": "two"}]})
    assert [key.kid for key in found.fitting(None, "RS256")] == ["one"]
    assert found.fitting(None, "ES256") == ()
    assert found.has(None)


def test_keys_of_one_name_are_told_apart_by_their_algorithm() -> None:
    found = key_set({"keys": [RSA, P256]})
    assert len(found.fitting("one", "RS256")) == len(found.fitting("one", "ES256")) == 1
    assert found.fitting("one", "ES384") == found.fitting("other", "ES256") == ()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 3600), ("public", 3600), ("max-age=1200", 1200), ("public, Max-Age=1200", 1200), ("max-age=1", 300),
        ("max-age=99999999", 86_400), ("max-age=999999999999", 86_400), ("no-store", 300), ("no-cache, max-age=7200", 300),
        ("s-maxage=1200", 3600), ('max-age="1200"', 1200), ("max-age=-1", 3600),
    ],
)  # fmt: skip
def test_a_set_is_fresh_for_as_long_as_its_owner_says_within_bounds(header: str, seconds: float) -> None:
    assert lifetime(header, Pace()) == seconds

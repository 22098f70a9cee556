"""Signed statements that clients bring: proofs of who they are (RFC 7523), and of whom they act for (ID-JAG). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from ostiary.adapters.oauth.addresses import TOKEN
from ostiary.adapters.oauth.failures import Denied, client_unknown
from ostiary.adapters.oauth.metadata import ASSERTED
from ostiary.adapters.oauth.reasons import Because, because
from ostiary.core.errors import GatewayError
from ostiary.core.model import Json
from ostiary.protocol.jsonrpc import read

MOST: Final = 16 * 1024
_DEPTH: Final = 8
_SKEW: Final = 30.0
_AHEAD: Final = 600.0
"""Seconds that an assertion may be good for: how long its id must be remembered."""
_JTI: Final = 256
_TRIES: Final = 4
_ACTORS: Final = 4
_ACTOR: Final = ("sub", "iss", "client_id")
_TYPES: Final = frozenset({"", "jwt", "client-authentication+jwt"})
ID_JAG: Final = "oauth-id-jag+jwt"
# Which keys are for which algorithm: a public key must never be taken for the secret of a symmetric one.
_KINDS: Final[Mapping[str, str]] = {
    "RS256": "RSA", "PS256": "RSA", "ES256": "EC", "ES384": "EC", "EdDSA": "OKP", "Ed25519": "OKP",
}  # fmt: skip
_CURVES: Final[Mapping[str, str]] = {"ES256": "P-256", "ES384": "P-384", "EdDSA": "Ed25519", "Ed25519": "Ed25519"}
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_RSA: Final = 2048


def subject_of(token: str) -> str:
    """Return who an assertion claims to be; that it is so is proven by `client_assertion`."""
    claims = _parts(token)[1]
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject or claims.get("iss") != subject:
        raise _unproven("assertion_subject")
    return subject


def _parts(token: str) -> tuple[Json, Json]:
    """Return header and claims, unverified."""
    if len(token) > MOST or _SHAPE.fullmatch(token) is None:
        raise _unproven("assertion_malformed")
    try:
        found = jws.extract_compact(token.encode())
        claims = read(found.payload, _DEPTH)
    except (JoseError, GatewayError, ValueError) as error:
        raise _unproven("assertion_malformed") from error
    if not isinstance(claims, dict):
        raise _unproven("assertion_malformed")
    return found.headers(), claims


def client_assertion(token: str, keys: Json, client: str, issuer: str, now: float) -> tuple[float, str]:
    """Return until when the assertion is good, and its id; raise `Denied` where it does not prove the client."""
    header, claims = _parts(token)
    _signed(token, header, keys)
    if claims.get("iss") != client or claims.get("sub") != client:
        raise _unproven("assertion_subject")
    # The issuer is the one audience that no other server shares; the address of the endpoint is what RFC 7523 had.
    if not for_us(claims, {issuer, f"{issuer}{TOKEN}"}):
        raise _unproven("assertion_audience")
    try:
        return timely(claims, now)
    except Denied as denied:
        raise client_unknown() from denied


def for_us(claims: Json, ours: Iterable[str]) -> bool:
    """Say whether a statement is for us, and for nobody else."""
    said = claims.get("aud")
    only = said[0] if isinstance(said, list) and len(said) == 1 else said
    return isinstance(only, str) and only in set(ours)


def timely(claims: Json, now: float, ahead: float = _AHEAD) -> tuple[float, str]:
    """Return until when a statement is good, and its id; raise `Denied` if it is not now, for too long, or has none."""
    expires, begins, jti = claims.get("exp"), claims.get("nbf", 0), claims.get("jti")
    issued = claims.get("iat", 0)
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in (expires, begins, issued)):
        raise because(Denied("invalid_grant", "the assertion has no usable times"), "assertion_number")
    assert isinstance(expires, int | float)  # noqa: S101 - said above, in a way that mypy does not follow
    if not now - _SKEW < expires <= now + ahead or max(begins, issued) > now + _SKEW:
        why = f"the assertion is not good now, or for longer than {ahead:g} seconds"
        raise because(Denied("invalid_grant", why), "assertion_time")
    if not isinstance(jti, str) or not 0 < len(jti) <= _JTI:
        raise because(Denied("invalid_grant", "the assertion has no short jti"), "assertion_jti")
    return float(expires) + _SKEW, jti


def _signed(token: str, header: Json, keys: Json) -> None:
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "")
    if algorithm not in ASSERTED:
        raise _unproven("assertion_alg")
    if "crit" in header or "b64" in header:
        raise _unproven("assertion_crit")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in _TYPES:
        # RFC 8725 section 3.11: an access token or an ID-JAG, signed by the same key, proves no client.
        raise _unproven("assertion_typ")
    if not any(_verifies(token, algorithm, each) for each in fitting(keys, algorithm, kid)[:_TRIES]):
        raise _unproven("assertion_signature")


def _unproven(reason: str) -> Because:
    return because(client_unknown(), reason)


def actors(said: object, most: int = _ACTORS) -> Json:
    """Return who acts for the subject of an assertion, and who let them: the outermost acts now (RFC 8693 section 4.1).

    Raise `ValueError` for what names nobody: an agent that is not recognised would pass for the person.
    """
    if not isinstance(said, dict) or not most:
        raise ValueError("act is no object, or too deep")
    named = {name: said[name] for name in _ACTOR if name in said}
    if "sub" not in named or not all(isinstance(each, str) and 0 < len(each) <= _JTI for each in named.values()):
        raise ValueError("act names nobody")
    # What else is in it says nothing about who they are (same section), and so nothing that we should sign.
    return {**named, "act": actors(said["act"], most - 1)} if "act" in said else named


def fitting(keys: Json, algorithm: str, kid: object) -> list[dict[str, Any]]:
    """Return the public keys of a set that an assertion can mean."""
    said = keys.get("keys")
    return [
        each
        for each in (said if isinstance(said, list) else [])
        if isinstance(each, dict)
        and each.get("kty") == _KINDS[algorithm]
        and each.get("crv") == _CURVES.get(algorithm)
        and each.get("use", "sig") == "sig"
        and each.get("alg", algorithm) == algorithm
        and (kid is None or each.get("kid", kid) == kid)
    ]


def _verifies(token: str, algorithm: str, key: dict[str, Any]) -> bool:
    try:
        found = import_key(key)
        if key["kty"] == "RSA" and _bits(key) < _RSA:
            return False
        jws.deserialize_compact(token, found, algorithms=[algorithm])
    except (JoseError, ValueError, TypeError, KeyError):
        return False
    return True


def _bits(key: Mapping[str, Any]) -> int:
    """Return about how long an RSA modulus is, in bits."""
    return len(str(key.get("n", "")).rstrip("=")) * 6

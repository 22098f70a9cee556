"""JSON Web Tokens as access tokens (RFC 7515, RFC 7519, RFC 8725, RFC 9068): read strictly, then verified.

Every refusal looks the same to the client; its `detail` begins with a code of its own for the ledger, and holds
nothing that the token said.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final, Literal

from msgspec import Struct

from ostiary.adapters.identity.algorithms import ALGORITHMS as ALGORITHMS
from ostiary.adapters.identity.jwks import Key, KeySet
from ostiary.core.errors import GatewayError, Malformed, Unauthenticated
from ostiary.core.model import Json
from ostiary.protocol.jsonrpc import read as read_json

INVALID: Final = "the token is malformed, unknown, expired or revoked"
"""What every caller with a bad credential hears."""
MOST: Final = 16 * 1024
USUAL: Final = frozenset({"RS256", "PS256", "ES256", "ES384", "EdDSA"})
_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
ACCESS: Final = frozenset({"", "jwt"}) | _TYPES
"""What access tokens may say that they are: many providers say nothing, or no more than that it is a JWT."""
ID_TOKEN: Final = frozenset({"", "jwt"})
"""What ID tokens may: there is no type of their own, so what tells them apart are their claims."""
LOGOUT: Final = frozenset({"", "jwt", "logout+jwt", "application/logout+jwt"})
"""What logout tokens may: what there was before they had a type is still taken (Back-Channel Logout section 2.4)."""
ASSERTION: Final = frozenset({"oauth-id-jag+jwt", "application/oauth-id-jag+jwt"})
"""What identity assertions must: they are as young as their type."""
_BRINGS_KEYS: Final = ("jwk", "jku", "x5u")
_DEPTH: Final = 16
_KID: Final = 256
_LAST: Final = 253_402_300_799
"""The last second of the year 9999."""
_MOST_AUDIENCES: Final = 64
_TRIES: Final = 4
"""Keys with one and the same id that are tried."""
Form = Literal["jwt", "introspection"]


class Expected(Struct, frozen=True):
    """What a token must say to be good here."""

    issuer: str
    """Exactly, as a text."""
    audiences: frozenset[str]
    """One of these makes a token good at every endpoint: the gateway's own URL, and what the configuration names."""
    url: str = ""
    """The gateway's own, without a slash at the end: `url` + endpoint is an audience for that endpoint alone."""
    algorithms: frozenset[str] = USUAL
    skew: float = 30.0
    max_age: float = 0.0
    """Seconds that a token may live at most, from `iat` to `exp`; 0.0: whatever the issuer thinks right."""
    only_access: bool = False
    """Whether `typ` must say that it is an access token (RFC 9068)."""
    id_tokens: bool = False
    """Whether ID tokens are taken, too."""


class Unverified(Struct, frozen=True):
    """A token that is well-formed, and not more."""

    algorithm: str
    kid: str | None
    type: str
    """Lower-case; empty where it has none."""
    claims: Json
    parts: tuple[bytes, bytes, bytes]


def refused(code: str, why: str) -> Unauthenticated:
    """Return the one answer to every bad credential, with its reason for the ledger."""
    return Unauthenticated(f"{code}: {why}", hint=INVALID)


def read(token: str, types: frozenset[str] = ACCESS) -> Unverified:
    """Return the parts of a token of one of these types; raise where its form or its header alone is reason not to."""
    if len(token) > MOST:
        raise refused("jwt_oversized", f"more than {MOST} characters")
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():  # noqa: PLR2004 - RFC 7515 section 3.1
        raise refused("jwt_malformed", "not three parts")
    header = opened(decoded(parts[0]))
    algorithm, kid, kind = _algorithm(header), _kid(header), _type(header, types)
    payload = decoded(parts[1])
    if payload.startswith(b"ey") and payload.count(b".") > 1:
        raise refused("jwt_nested", "the content is a token itself")
    first, second, third = (part.encode() for part in parts)
    return Unverified(algorithm, kid, kind, opened(payload), (first, second, third))


def decoded(segment: str) -> bytes:
    """Return what one part of a token holds."""
    try:
        found = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError) as error:
        raise refused("jwt_malformed", "not base64url") from error
    # The way back is the proof: no foreign letters, no padding, no bits that nobody reads (RFC 7515 section 2).
    if base64.urlsafe_b64encode(found).rstrip(b"=") != segment.encode():
        raise refused("jwt_malformed", "not canonical base64url")
    return found


def opened(text: bytes) -> dict[str, Any]:
    """Return the object that a header, or the claims, are: one that no two readers read differently."""
    if not text.lstrip().startswith(b"{"):
        raise refused("jwt_malformed", "not a JSON object")
    try:
        found = read_json(text, _DEPTH)
    except Malformed as error:
        raise refused("jwt_duplicate", "a member is there twice") from error
    except GatewayError as error:
        raise refused("jwt_malformed", "not JSON, or too deep") from error
    if not isinstance(found, dict):
        raise refused("jwt_malformed", "not a JSON object")
    return found


def _algorithm(header: dict[str, Any]) -> str:
    said = header.get("alg")
    if not isinstance(said, str):
        raise refused("jwt_alg_refused", "no algorithm")
    if said.strip().lower() in {"none", ""}:
        raise refused("jwt_alg_none", "it asks to be believed without a signature")
    if said not in ALGORITHMS:
        raise refused("jwt_alg_refused", "not an algorithm with public keys that is spoken here")
    if "crit" in header or "b64" in header:
        # RFC 7515 section 4.1.11: not understood, so refused; and RFC 7797 section 7: a JWT has no raw payload.
        raise refused("jwt_crit", "the header has extensions that must be understood")
    return said


def _kid(header: dict[str, Any]) -> str | None:
    if any(name in header for name in _BRINGS_KEYS):
        raise refused("jwt_header_key", "it brings the key to be verified with")
    kid = header.get("kid")
    if kid is None and "kid" not in header:
        return None
    if not isinstance(kid, str) or not 0 < len(kid) <= _KID or not kid.isprintable():
        raise refused("jwt_kid_malformed", "its kid is no short text")
    return kid


def _type(header: dict[str, Any], types: frozenset[str]) -> str:
    content, kind = header.get("cty", ""), header.get("typ", "")
    if not isinstance(content, str) or content.lower().removeprefix("application/") == "jwt":
        raise refused("jwt_nested", "the content is a token itself")
    if not isinstance(kind, str) or kind.lower() not in types:
        # RFC 8725 section 3.11: other tokens are signed by the same key, and each is good for one thing only.
        raise refused("jwt_typ", "a token of another kind")
    return kind.lower()


def permitted(token: Unverified, expected: Expected) -> None:
    """Refuse an algorithm or a type that this issuer's tokens must not have."""
    if token.algorithm not in expected.algorithms or token.algorithm not in ALGORITHMS:
        raise refused("jwt_alg_refused", "not an algorithm that this issuer may use")
    if expected.only_access and token.type not in _TYPES:
        raise refused("jwt_typ", "not declared as an access token")


def keyed(token: Unverified, keys: KeySet) -> None:
    """Refuse a token that names no key of its issuer, or one that is not for its algorithm (RFC 8725 section 3.1)."""
    if not keys.has(token.kid):
        raise refused(_stranger(token.kid or ""), "the issuer has no key of this name")
    if not keys.fitting(token.kid, token.algorithm):
        raise refused("jwt_key_mismatch", "the key it names, or the only one it can mean, is not for its algorithm")


_PATH: Final = re.compile(r"\.\.|://|\\|^/\w+/|^file:", re.IGNORECASE)
_CODE: Final = re.compile(r"[\s'\"`;|&$<>(){}]")


def _stranger(kid: str) -> str:
    """Return what to call a key that is not there.

    A name opens nothing here, whatever it is. But who reads the ledger should see where somebody hoped that it would
    open a file, or be run, and where only a key was rotated away.
    """
    if _PATH.search(kid):
        return "jwt_kid_traversal"
    return "jwt_kid_injection" if _CODE.search(kid) else "jwt_kid_unknown"


def proven(token: Unverified, keys: KeySet) -> None:
    """Refuse a token that none of the keys it can mean has signed."""
    if not any(signed(token, key) for key in keys.fitting(token.kid, token.algorithm)[:_TRIES]):
        raise refused("jwt_signature", "the signature does not verify")


def signed(token: Unverified, key: Key) -> bool:
    """Say whether this key signed a token, by the algorithm that the token names."""
    # Most gateways know no issuer, and need not hold what checks signatures in memory.
    from ostiary.adapters.identity.verifying import verified  # noqa: PLC0415

    return verified(token.algorithm, token.parts, key.public)


def judge(claims: Json, expected: Expected, now: float, form: Form = "jwt") -> float:
    """Return when what these claims say ends to be true; refuse what is not for us, not yet or not any more."""
    if claims.get("iss") != expected.issuer:
        raise refused(f"{form}_wrong_issuer", "not of this issuer")
    if "events" in claims or (not expected.id_tokens and any(name in claims for name in _ID_TOKEN)):
        raise refused(f"{form}_typ", "an ID token or a security event")
    if not for_us(claims, expected):
        raise refused(f"{form}_wrong_audience", "for somebody else")
    expires = _time(claims, "exp", form)
    if expires is None:
        raise refused(f"{form}_no_expiry", "it never expires")
    if expires + expected.skew <= now:
        raise refused(f"{form}_expired", "it has expired")
    issued, begins = _time(claims, "iat", form), _time(claims, "nbf", form)
    if max(issued or 0.0, begins or 0.0) - expected.skew > now:
        raise refused(f"{form}_not_yet", "not valid yet")
    if expected.max_age and (issued is None or expires - issued > expected.max_age):
        raise refused(f"{form}_lifetime", "it lives longer than is allowed here")
    return expires


_ID_TOKEN: Final = ("at_hash", "c_hash", "s_hash")
"""OpenID Connect Core sections 3.1.3.6 and 3.3.2.11: claims that only ID tokens have."""


def audiences(claims: Json) -> frozenset[str]:
    """Return whom the token is for; nobody, where that is not said as RFC 7519 section 4.1.3 has it."""
    said = claims.get("aud")
    named = [said] if isinstance(said, str) else said
    if not isinstance(named, list) or len(named) > _MOST_AUDIENCES or not all(isinstance(each, str) for each in named):
        return frozenset()
    return frozenset(named)


def for_us(claims: Json, expected: Expected) -> bool:
    """Say whether the token is for the gateway, or for any one endpoint of it."""
    inside = f"{expected.url}/"
    return any(each in expected.audiences or (expected.url and each.startswith(inside)) for each in audiences(claims))


def _time(claims: Json, name: str, form: Form) -> float | None:
    said = claims.get(name)
    if said is None and name not in claims:
        return None
    # Not a number fails the comparison like everything that is no time.
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said <= _LAST:
        raise refused(f"{form}_number", f"its {name} is no time")
    return float(said)

"""Public keys, and whether one of them signed something: what identity needs of joserfc, imported when it is needed."""

from __future__ import annotations

from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import CompactSignature, JWSRegistry, validate_compact

from ostiary.adapters.identity.algorithms import ALGORITHMS, CURVES, EDWARDS, RSA

# Below, NIST SP 800-131A forbids signatures; above, one verification costs what a hundred should.
_RSA_BITS: Final = (2048, 8192)
_RSA_LETTERS: Final = 342
"""Of the shortest modulus in base64url."""
_LONGEST: Final = 2048
"""Characters of a number in a key: 8,192 bits are 1,366."""
Public = RSAKey | ECKey | OKPKey

_REGISTRY: Final = JWSRegistry(algorithms=sorted(ALGORITHMS))
# Only what is spoken here exists in it: neither a mistake in a list nor a default can bring `none` or HMAC back.
_REGISTRY.algorithms = {name: JWSRegistry.algorithms["Ed25519" if name in EDWARDS else name] for name in ALGORITHMS}


def verified(algorithm: str, parts: tuple[bytes, bytes, bytes], key: Public) -> bool:
    """Say whether this key signed a token of these parts."""
    # Only the algorithm is handed on; what else the header says was judged before and means nothing for a signature.
    found = CompactSignature({"alg": algorithm}, b"")
    found.segments["header"], found.segments["payload"], found.segments["signature"] = parts
    try:
        return validate_compact(found, key, registry=_REGISTRY)
    except (JoseError, ValueError):
        return False


def public_key(said: dict[str, Any]) -> tuple[Public, frozenset[str]]:
    """Return a key and what it may verify; raise ValueError with a reason, KeyError or TypeError where it is none."""
    try:
        return _read(said)
    except (JoseError, UnsupportedAlgorithm) as error:
        raise TypeError("not a well-formed key") from error


def _read(said: dict[str, Any]) -> tuple[Public, frozenset[str]]:
    # Only the numbers go on: what else is in the object (certificates, URLs) has no say in what the key is.
    match said.get("kty"):
        case "RSA":
            numbers = _numbers(said, "n", "e")
            if len(numbers["n"]) < _RSA_LETTERS:
                raise ValueError("an RSA key of less than 2,048 bits")
            rsa = RSAKey.import_key({"kty": "RSA", **numbers})
            if not _RSA_BITS[0] <= rsa.raw_value.key_size <= _RSA_BITS[1]:
                raise ValueError("an RSA key of less than 2,048 or more than 8,192 bits")
            return rsa, RSA
        case "EC" if said.get("crv") in CURVES:
            curve = str(said["crv"])
            return ECKey.import_key({"kty": "EC", "crv": curve, **_numbers(said, "x", "y")}), CURVES[curve]
        case "OKP" if said.get("crv") == "Ed25519":
            return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", **_numbers(said, "x")}), EDWARDS
    raise ValueError("of a type or curve that is not supported")


def _numbers(said: dict[str, Any], *names: str) -> dict[str, str | list[str]]:
    found: dict[str, str | list[str]] = {}
    for name in names:
        number = said[name]
        if not isinstance(number, str) or len(number) > _LONGEST:
            raise ValueError(f"its {name} is no number of a reasonable size")
        found[name] = number
    return found

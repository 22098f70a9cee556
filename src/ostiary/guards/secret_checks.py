"""What a candidate for a secret must pass: checksums, decoded structure, randomness, and no placeholder. Pure.

A check takes the candidate and says how much of the kind's score is left of it: 0 refuses it.
"""

# ruff: noqa: E501, PLR2004, SIM905
# The thresholds were set by tests/unit/guards/sensitive_report.py; patterns and lists of words are one string each.

from __future__ import annotations

import base64
import binascii
import json
import math
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Final

import re2

from ostiary.guards.checksums import bech32, crc62

# A few letters that mean "put yours here" occur by chance in no short value; in a kilobyte of base64 they do.
_HEAD: Final = 64
_PLACEHOLDER: Final = re2.compile(
    r"(?i)example|sample|placeholder|chang(?:e|ed|ing)[-_ ]?(?:me|this|it)|your[-_ ]|[-_ ]here\b|x{4}|\*{3}|\.{3}|…|•|dummy"
    r"|redacted|masked|replace[-_ ]?(?:me|with|this)|insert[-_ ]|not[-_ ]?a[-_ ]?(?:real|secret)|fake|<[^>]*>|\$\{|\{\{|\$\("
    r"|%\(|#\{|ost-tok-|lorem|foobar|deadbeef|to[-_ ]?do\b|^%\w+%$|^\$\w+$|^@\w+@$|^__\w+__$|^\[.*\]$"
)
_MEANT: Final = re2.compile(
    r"(?i)example|sample|placeholder|change|your|x{4}|\*{3}|\.{3}|…|dummy|redacted|replace|insert"
)
# Secrets that manuals print, by digest, because scanners of this repository would report the secrets themselves.
_PRINTED: Final = frozenset(
    (
        "9a5968ce9abe",
        "7d6a6af60bb5",
        "c16405eb4322",
        "6df8a4a2d33c",
        "9441a0a02c6e",
        "63bf0e0d737e",
        "f369306afa57",
        "f8b4312159fb",
        "f425674ad8af",
        "4fec3c1fb668",
    )
)
_HALF, _VARIED, _WORDS = 0.5, 5, 2


def placeholder(value: str) -> bool:
    """Say whether a value stands where a secret would: a template, a mask, a run of the alphabet, a printed example."""
    head = value[:_HEAD]
    if _PLACEHOLDER.search(head) or len(set(head)) < min(_VARIED, len(head) // 2):
        return True
    return running(head) or value_digest(value) in _PRINTED


def noise(value: str) -> bool:
    """Say whether a value is long and of all sorts of characters: frameworks draw theirs from brackets and signs, too."""
    return len(value) >= 40 and sum(map(str.isdigit, value)) >= 3 and entropy(value) >= 4.3 and not _MEANT.search(value)


def running(value: str) -> bool:
    """Say whether most characters are the one before, or its neighbour, as in `12345678` and `aaaa1111`."""
    steps = sum(-1 <= ord(after) - ord(before) <= 1 for before, after in pairwise(value))
    return steps * 2 > len(value)


def value_digest(value: str) -> str:
    """Return the digest by which a printed example is known."""
    return blake2b(value.encode("utf-8", "replace"), digest_size=6).hexdigest()


def entropy(value: str) -> float:
    """Return Shannon's entropy of a value's characters, in bits for each."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values())


def classes(value: str) -> int:
    """Return how many of the four classes of characters a value has: small, large, digits, others."""
    small = any(each.islower() for each in value)
    large = any(each.isupper() for each in value)
    digit = any(each.isdigit() for each in value)
    return small + large + digit + (not value.isalnum())


def unpadded(text: str) -> bytes:
    """Return what base64 of either alphabet, padded or not, stands for; nothing where it is none."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _any(value: str) -> float:
    return float(not placeholder(value))


def _random(value: str) -> float:
    mixed = classes(value[:200].replace("-", "").replace("_", "")) >= _WORDS
    return float(mixed and not placeholder(value) and entropy(value[:200]) >= min(3.0, math.log2(len(value)) * 0.7))


def _mixed(value: str) -> float:
    """Accept what has small letters, large ones and digits in disorder: a digest in hex, a path or a word has not."""
    body = value[:200]
    three = any(map(str.islower, body)) and any(map(str.isupper, body)) and any(map(str.isdigit, body))
    return float(three and not placeholder(value) and entropy(body) >= min(4.0, math.log2(len(body)) * 0.8))


def _crc62(value: str) -> float:
    # One wrong digit is still a secret that somebody mistyped or shortened; only the certainty goes.
    body = value.rpartition("_")[2]
    if crc62(body[:-6]) == body[-6:]:
        return 1.0
    return 0.8 * _random(value)


def _ostiary(value: str) -> float:
    """Check the CRC-32 that our own tokens end in."""
    body, _, check = value[4:].rpartition("_")
    return 1.0 if f"{zlib.crc32(body.encode()):08x}" == check else 0.8 * _random(value)


def _jwt(value: str) -> float:
    header = _parsed(value.partition(".")[0])
    if not isinstance(header, dict) or not header.keys() & {"alg", "enc", "typ", "kid", "cty"}:
        return 0.0
    claims = _parsed(value.split(".", 2)[1])
    printed = isinstance(claims, dict) and claims.get("sub") == "1234567890" and claims.get("iat") == 1516239022
    return float(not printed)


def _parsed(part: str) -> Any:
    try:
        return json.loads(unpadded(part))
    except (ValueError, RecursionError):
        return None


def _macaroon(value: str) -> float:
    return 1.0 if b"pypi.org" in unpadded(value.partition("-")[2][:200])[:80] else 0.9 * _random(value)


def _discord(value: str) -> float:
    return float(unpadded(value.partition(".")[0]).isdigit() or _mixed(value) > 0)


def _basic(value: str) -> float:
    if placeholder(value):
        return 0.0
    raw = unpadded(value)
    user, colon, password = raw.partition(b":")
    shown = raw.isascii() and raw.decode("ascii", "replace").isprintable()
    return float(bool(user and colon and password) and shown and not placeholder(password.decode("ascii", "replace")))


def _bech32(value: str) -> float:
    return 1.0 if bech32(value) else 0.8 * _random(value)


_NO_PASSWORDS: Final = frozenset(
    "password passwd pass pwd secret token user username none null true false pw x xx xxx *** string text admin_password"
    " db_password dbpassword postgres_password mypassword my_password userpassword".split()
)


def password(value: str) -> float:
    """Judge what stands where only a password can: anything but a placeholder, a variable or the word itself."""
    known = value.lower() in _NO_PASSWORDS or value.startswith(("$", "{", "<", "["))
    return float(not known and not _PLACEHOLDER.search(value[:_HEAD]))


def _opaque(value: str) -> float:
    """Accept what a header or cookie carries when it looks drawn at random rather than written."""
    if _jwt(value):
        return 1.0
    digits = any(map(str.isdigit, value[:200]))
    return float(digits and not placeholder(value) and entropy(value[:200]) >= 3.0)


CHECKS: Final[Mapping[str, Callable[[str], float]]] = {
    "any": _any,
    "random": _random,
    "mixed": _mixed,
    "crc62": _crc62,
    "ostiary": _ostiary,
    "jwt": _jwt,
    "macaroon": _macaroon,
    "discord": _discord,
    "basic": _basic,
    "bech32": _bech32,
    "password": password,
    "noise": lambda value: float(noise(value.removeprefix("django-insecure-"))),
    "opaque": _opaque,
}

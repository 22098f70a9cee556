"""Check digits and checksums by their published rules. Pure."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from typing import Final

BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
# BIP 173 and BIP 350: the final constants of the two checksums, and the generator of their code.
_BECH32_ENDS: Final = frozenset({1, 0x2BC830A3})
_BECH32_STEPS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_VERHOEFF_TABLE: Final = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_VERHOEFF_TURNS: Final = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def luhn(digits: str) -> bool:
    """Say whether the last digit is right by ISO/IEC 7812-1, annex B."""
    numbers = [ord(each) - 48 for each in reversed(digits)]
    return (sum(numbers[::2]) + sum(_DOUBLED[each] for each in numbers[1::2])) % 10 == 0


def weighed(digits: str, weights: Sequence[int]) -> int:
    """Return the sum of the digits, each times its weight; what has no weight does not count."""
    return sum((ord(each) - 48) * weight for each, weight in zip(digits, weights, strict=False))


def mod97(text: str) -> bool:
    """Say whether letters and digits leave a rest of 1 by ISO/IEC 7064, MOD 97-10."""
    return int("".join(str(int(each, 36)) for each in text)) % 97 == 1


def mod11_10(digits: str) -> bool:
    """Say whether the last digit is right by ISO/IEC 7064, MOD 11,10."""
    rest = 10
    for each in digits[:-1]:
        rest = (rest + ord(each) - 48) % 10 or 10
        rest = rest * 2 % 11
    return (rest + ord(digits[-1]) - 48) % 10 == 1


def mod11_2(text: str) -> bool:
    """Say whether the last character is right by ISO/IEC 7064, MOD 11-2."""
    rest = 0
    for each in text[:-1]:
        rest = (rest + ord(each) - 48) * 2 % 11
    return "0123456789X"[(12 - rest) % 11] == text[-1].upper()


def verhoeff(digits: str) -> bool:
    """Say whether the last digit is right by Verhoeff's dihedral scheme."""
    state = 0
    for place, each in enumerate(reversed(digits)):
        state = int(_VERHOEFF_TABLE[state][int(_VERHOEFF_TURNS[place % 8][int(each)])])
    return state == 0


def crc62(body: str) -> str:
    """Return the six characters of base 62 that GitHub and npm put behind a token's random part."""
    rest, made = zlib.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        made = BASE62[digit] + made
    return made


def base58check(text: str) -> int:
    """Return the version byte of a 25 byte payload whose four checksum bytes hold; -1 where they do not."""
    number = 0
    for each in text:
        number = number * 58 + BASE58.index(each)
    if number >= 1 << 200:
        return -1
    raw = number.to_bytes(25, "big")
    # Each leading "1" stands for one zero byte, so another count of them is another text for the same number.
    if len(text) - len(text.lstrip("1")) != len(raw) - len(raw.lstrip(b"\0")):
        return -1
    seen = hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4]
    return raw[0] if seen == raw[21:] else -1


def bech32(text: str) -> bool:
    """Say whether a text of one case holds by BIP 173 or BIP 350."""
    prefix, _, data = text.lower().rpartition("1")
    values = [ord(each) >> 5 for each in prefix] + [0] + [ord(each) & 31 for each in prefix]
    values += [BECH32.index(each) for each in data]
    state = 1
    for value in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for place, step in enumerate(_BECH32_STEPS):
            state ^= step if top >> place & 1 else 0
    return state in _BECH32_ENDS

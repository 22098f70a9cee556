"""Sets of hashed values as files: what an operator lists once, and a gateway finds without ever holding it. Pure.

Two lines of text (what it is, then salt, sizes and sorts as JSON), and the digests as 64-bit numbers, most significant
byte first, sorted. Whoever has the file can test guesses against it: values that are few or short can be found out.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary.guards.exact import CANARY, MOST, Hashed, hashed

HEAD: Final = b"ostiary set 1\n"
_WIDTH: Final = 8
_LINE: Final = 65_536


class Unfit(ValueError):
    """A file that is not a set of hashed values; its text says what is wrong."""


class _About(Struct, forbid_unknown_fields=True):
    salt: str
    shapes: list[tuple[int, int]]
    values: int
    sha256: str


def packed(values: Iterable[str], salt: bytes) -> bytes:
    """Return the file of a set; raise `ValueError` where a value cannot be found by its letters and digits."""
    listed, canary = hashed("value", values, salt), hashed("value", (CANARY,), salt)
    digests = array("Q", sorted({*listed.digests, *canary.digests}))
    body = _turned(digests).tobytes()
    about = _About(salt.hex(), sorted(listed.shapes | canary.shapes), len(digests), sha256(body).hexdigest())
    return HEAD + msgspec.json.encode(about) + b"\n" + body


def unpacked(data: bytes) -> Hashed:
    """Return the set of a file; raise `Unfit` where it is none, or not whole."""
    if not data.startswith(HEAD):
        raise Unfit("is not a set of hashed values: make one with `ostiary guards hash`")
    end = data.find(b"\n", len(HEAD), len(HEAD) + _LINE)
    about, body = _about(data[len(HEAD) : end]), data[end + 1 :]
    if len(body) != about.values * _WIDTH or about.values > MOST + 1 or sha256(body).hexdigest() != about.sha256:
        raise Unfit("is not whole: make it again with `ostiary guards hash`")
    digests = _turned(array("Q", body))
    longest, sorts = max(size for size, _ in about.shapes), frozenset(sort for _, sort in about.shapes)
    shapes: Any = frozenset(about.shapes)
    return Hashed("value", bytes.fromhex(about.salt), digests, shapes, longest, sorts)


def _turned(digests: array[int]) -> array[int]:
    """Return numbers with their bytes in the order of files, or back in that of this machine."""
    if sys.byteorder == "little":
        digests.byteswap()
    return digests


def _about(line: bytes) -> _About:
    try:
        about = msgspec.json.decode(line, type=_About)
        bytes.fromhex(about.salt)
    except ValueError:
        raise Unfit("has a head that cannot be read: make it again with `ostiary guards hash`") from None
    if not about.shapes:
        raise Unfit("is empty: make it again with `ostiary guards hash`")
    return about

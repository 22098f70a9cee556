"""Pagination cursors: what the sealed token holds. Pure."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from ostiary.core.errors import BadParams

PAGE: Final = 250
"""Entries a page. Real catalogues fit in one; one that does not stays under 500 KB a page."""


class Cursor(Struct, frozen=True, array_like=True):
    """Where a listing goes on, and whose it is."""

    method: str
    subject: str
    issuer: str
    endpoint: str
    offer: str
    after: str
    """The last name of the page before. A name, not a number: entries may come and go between two pages."""
    issued: float


_decoder: Final = msgspec.json.Decoder(Cursor)
LIFETIME: Final = 3600.0


def pack(cursor: Cursor) -> bytes:
    """Return the bytes to seal."""
    return msgspec.json.encode(cursor)


def after(content: bytes, expected: Cursor, now: float) -> str:
    """Return where to go on; `BadParams` where the cursor is another's, another listing's, or old."""
    try:
        cursor = _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadParams(hint="unknown cursor") from None
    mine = (expected.method, expected.subject, expected.issuer, expected.endpoint, expected.offer)
    if (cursor.method, cursor.subject, cursor.issuer, cursor.endpoint, cursor.offer) != mine:
        raise BadParams(hint="unknown cursor")
    if now > cursor.issued + LIFETIME:
        raise BadParams(hint="the cursor expired; list again from the start")
    return cursor.after

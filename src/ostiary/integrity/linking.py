"""How a record is linked to the one before it. Pure."""

from __future__ import annotations

from binascii import hexlify
from hashlib import sha256


def linked(body: bytes, n: int, prev: bytes) -> tuple[bytes, bytes]:
    """Return the finished line for the JSON object `body`, whose first member is `type`, and the line's hash."""
    head = b'{"n":%d,"prev":"%b",%b' % (n, prev, body[1:-1])
    digest = hexlify(sha256(head).digest())
    return b'%b,"hash":"%b"}\n' % (head, digest), digest

"""The gateway's own keys, and the tokens that only they can make: AES-256-GCM (NIST SP 800-38D), base64url."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SEAL: Final = "seal.key"
_KEY: Final = 32
_NONCE: Final = 12
_LONGEST: Final = 96 * 1024


def key(data: Path, name: str) -> bytes:
    """Return the key of this name, made on first use; only its owner may read the file."""
    folder = data / "keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        found = path.read_bytes()
        if len(found) != _KEY:
            raise ValueError(f"{path} is not a key of {_KEY} bytes; restore it from a backup, or remove it") from None
        return found
    made = secrets.token_bytes(_KEY)
    with os.fdopen(handle, "wb") as file:
        file.write(made)
        file.flush()
        os.fsync(file.fileno())
    return made


class Sealer:
    """Makes and opens tokens; the purpose is bound in, so that a cursor is no session."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(secret)

    def close(self, purpose: str, content: bytes) -> str:
        """Return the token that holds `content`."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, content, purpose.encode())
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")

    def open(self, purpose: str, token: str) -> bytes:
        """Return what a token holds; ValueError where it is not one of ours, for this purpose."""
        if len(token) > _LONGEST or not token.isascii():
            raise ValueError("not a token of this gateway")
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode())
        except (binascii.Error, InvalidTag, ValueError):
            raise ValueError("not a token of this gateway") from None

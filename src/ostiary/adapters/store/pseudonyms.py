"""Tokens that stand for values within one agent run: AES-SIV (RFC 5297), base64url, in brackets.

Nothing is remembered: the value is inside, sealed with a key of the gateway's, so that any process with that key can
turn a token back, and a restart loses none. The same value has the same token within a run, so that a model can see
that two are the same; in another run, or for another caller, the token is another one and opens nothing.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY: Final = "pseudonyms.key"
_PURPOSE: Final = b"ostiary pseudonym 1"
_TOKEN: Final = re.compile(r"\[(?P<kind>[a-z0-9-]{1,40})~(?P<sealed>[A-Za-z0-9_-]{22,6000})\]")


class Pseudonyms:
    """Makes tokens and turns them back."""

    def __init__(self, key: bytes) -> None:
        """Derive what seals them from a key of 32 bytes."""
        # RFC 5297 section 2.2: two keys, one to authenticate and one to encrypt.
        self._cipher = AESSIV(HKDF(SHA256(), 64, None, _PURPOSE).derive(key))

    def token(self, run: str, kind: str, value: str) -> str:
        """Return what stands for a value in a run."""
        sealed = self._cipher.encrypt(value.encode("utf-8", "surrogatepass"), _bound(run, kind))
        return f"[{kind}~{base64.urlsafe_b64encode(sealed).rstrip(b'=').decode('ascii')}]"

    def reveal(self, run: str, text: str) -> str:
        """Return a text in which the tokens of this run are turned back; others stay as they are."""
        return _TOKEN.sub(self._opening(run), text)

    def _opening(self, run: str) -> Callable[[re.Match[str]], str]:
        def opened(found: re.Match[str]) -> str:
            sealed = found["sealed"]
            try:
                raw = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
                return self._cipher.decrypt(raw, _bound(run, found["kind"])).decode("utf-8", "surrogatepass")
            except (binascii.Error, InvalidTag, ValueError):
                return found[0]

        return opened


def _bound(run: str, kind: str) -> list[bytes]:
    # Each part is authenticated by itself, so that no run and kind together read like another run and kind.
    return [run.encode("utf-8", "surrogatepass"), kind.encode()]

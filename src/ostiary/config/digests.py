"""Digests as people write them into a configuration. Pure."""

from __future__ import annotations

import re
from typing import Final

from ostiary.config.problems import Unfit

_KEY: Final = re.compile(r"sha256:[0-9a-f]{64}")


def key(value: str) -> str:
    """Return the digest of a server's public key: `sha256:` and 64 hexadecimal digits."""
    folded = value.strip().lower()
    if _KEY.fullmatch(value):
        return value
    if _KEY.fullmatch(folded):
        raise Unfit("is not the digest of a key as it is written here", f"write {folded}")
    raise Unfit(
        "is not the digest of a key",
        "write sha256: and 64 hexadecimal digits, as `ostiary tools sbom` and `ostiary scan --sbom` show them",
    )

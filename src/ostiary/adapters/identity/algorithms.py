"""The algorithms of signatures that are spoken here; what is not among them cannot be configured. Pure."""

from __future__ import annotations

from typing import Final

RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
EDWARDS: Final = frozenset({"EdDSA", "Ed25519"})
"""Two names of one algorithm (RFC 8037; RFC 9864)."""
CURVES: Final = {"P-256": frozenset({"ES256"}), "P-384": frozenset({"ES384"}), "P-521": frozenset({"ES512"})}
ALGORITHMS: Final = RSA | EDWARDS | frozenset().union(*CURVES.values())
"""No `none`, nothing symmetric."""

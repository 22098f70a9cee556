"""Where the authorization server answers, and why each of these addresses is open. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

METADATA: Final = "/.well-known/oauth-authorization-server"
OPENID: Final = "/.well-known/openid-configuration"
JWKS: Final = "/.well-known/jwks.json"
AUTHORIZE: Final = "/authorize"
DECISION: Final = "/authorize/decision"
TOKEN: Final = "/token"  # noqa: S105 - an address
REGISTER: Final = "/register"
REVOKE: Final = "/revoke"

_PUBLIC: Final = "a public document: clients read it before they have any credential"
_PERSON: Final = "a page for a browser: the person is known by the login's cookie, and nothing is done without one"

OPEN: Final[Mapping[tuple[str, str], str]] = {
    **{(verb, path): _PUBLIC for path in (METADATA, OPENID, JWKS) for verb in ("GET", "HEAD")},
    ("GET", AUTHORIZE): _PERSON,
    ("POST", DECISION): _PERSON,
    ("POST", TOKEN): "credentials are made here: clients authenticate as RFC 6749 section 2.3 says, not with a bearer",
    ("POST", REGISTER): "RFC 7591: clients come without credentials; limited per peer, in total and in number",
    ("POST", REVOKE): "RFC 7009: clients authenticate as at the token endpoint; a token is given up, nothing is told",
}
"""What answers without a bearer credential, and the reason for each."""

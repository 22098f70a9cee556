"""Access tokens (RFC 9068): signed by us, for one resource, for ten minutes; and refresh tokens, which say nothing."""

from __future__ import annotations

import secrets
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.responses import Response

from ostiary.adapters.oauth.failures import Denied, said
from ostiary.adapters.oauth.reasons import Because, because
from ostiary.adapters.oauth.setting import Setting
from ostiary.adapters.oauth.storing import Grant, Subject
from ostiary.core.model import Json

TYPE: Final = "at+jwt"
_PURPOSE: Final = "oauth.refresh"
GRANT_CLAIM: Final = "gid"
PROVIDER_CLAIM: Final = "idp"


class Access(Struct, frozen=True):
    """What an access token is to say."""

    subject: Subject
    client: str
    resource: str
    scopes: tuple[str, ...]
    grant: str = ""
    key: str = ""
    """Thumbprint of the key that it is bound to (RFC 9449 section 6.1)."""
    act: Json = {}
    """Who acts for the subject (RFC 8693 section 4.1); empty: they do themselves."""


class Refresh(Struct, frozen=True):
    """What a refresh token holds, sealed: so that one which was replaced is told from one that never was."""

    grant: str
    key: str
    """Thumbprint of the key that a public client's refresh tokens are bound to (RFC 9449 section 5)."""
    salt: str


def access_token(setting: Setting, access: Access) -> str:
    """Return a new access token."""
    now = int(setting.time())
    claims: dict[str, Any] = {
        "iss": setting.issuer, "sub": access.subject.subject, "aud": access.resource, "client_id": access.client,
        "scope": " ".join(access.scopes), "iat": now, "exp": now + int(setting.lifetimes.access),
        "jti": secrets.token_urlsafe(18), "roles": list(access.subject.roles), "teams": list(access.subject.teams),
        # Two providers may call two people the same; whoever reads `sub` must know whose name it is.
        PROVIDER_CLAIM: access.subject.issuer,
    }  # fmt: skip
    if access.grant:
        claims[GRANT_CLAIM] = access.grant
    if access.key:
        claims["cnf"] = {"jkt": access.key}
    if access.act:
        claims["act"] = access.act
    return setting.keys.sign(TYPE, claims)


def answer(setting: Setting, access: Access, refresh: str = "") -> Response:
    """Return a token response (RFC 6749 section 5.1)."""
    content: dict[str, Any] = {
        "access_token": access_token(setting, access),
        "token_type": "DPoP" if access.key else "Bearer",
        "expires_in": int(setting.lifetimes.access),
        "scope": " ".join(access.scopes),
    }
    if refresh:
        content["refresh_token"] = refresh
    return said(content)


def refresh_token(setting: Setting, grant: str, key: str) -> str:
    """Return a new refresh token of a grant."""
    content = msgspec.json.encode(Refresh(grant, key, secrets.token_urlsafe(32)))
    return setting.seal.close(_PURPOSE, content)


def opened(setting: Setting, token: str) -> Refresh:
    """Return what a refresh token of ours holds, whether or not it may still be used; raise `Denied` otherwise."""
    try:
        return msgspec.json.decode(setting.seal.open(_PURPOSE, token), type=Refresh)
    except ValueError as error:
        raise bad_grant("refresh_unknown") from error


def known(setting: Setting, token: str) -> bool:
    """Say whether we have made a token, refresh or access, whether or not it may still be used."""
    try:
        opened(setting, token)
    except Denied:
        return setting.keys.read(token) is not None
    return True


def bad_grant(reason: str = "", grant: Grant | None = None) -> Because:
    """Return the one answer to every code, token and assertion that is not good; the ledger hears why, and whose.

    Without a reason it is that of its cause.
    """
    denied = Denied("invalid_grant", "what was brought is unknown, expired, revoked, used before, or for somebody else")
    if grant is None:
        return because(denied, reason)
    whose = {"client": grant.client, "subject": grant.subject.subject, "issuer": grant.subject.issuer}
    return because(denied, reason, whose)

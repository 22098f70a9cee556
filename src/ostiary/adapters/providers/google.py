"""Access tokens of Google's service accounts, kept until shortly before their end.

An assertion that the account's key signs is exchanged for a token (RFC 7523 section 2.1; Google Identity, "Using OAuth
2.0 for Server to Server Applications").
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from msgspec import Struct

from ostiary.adapters.providers.formats import Answer, Outgoing, Send, Unreadable, member, told

_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_LIFE: Final = 3600
"""Seconds that an assertion is good for: the most that Google takes."""
_FRESH, _USABLE = 300.0, 60.0
"""Seconds before its end when a token is renewed by one call, and when no call goes out with it any more."""
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_STATUSES: Final = {
    400: "its token endpoint does not accept the service account's key; check that it is enabled, and this clock",
    401: "its token endpoint does not accept the service account's key; check that it is enabled, and this clock",
}


class Account(Struct, frozen=True):
    """A service account's key, as its JSON file has it."""

    type: str
    client_email: str
    private_key: str
    private_key_id: str
    token_uri: str

    def __repr__(self) -> str:
        """Show whose it is and no key."""
        return f"Account({self.client_email!r})"


class Token(Struct, frozen=True):
    """An access token and its end, in seconds since the epoch."""

    value: str
    until: float

    def __repr__(self) -> str:
        """Show when it ends, and no token."""
        return f"Token(until={self.until})"


class Tokens:
    """The access token of one service account."""

    def __init__(self, account: Account, key: RSAKey) -> None:
        """Begin without one."""
        self._account, self._key = account, key
        self._token = Token("", 0.0)
        self._renewing = False

    def bearer(self, now: float) -> str:
        """Return the token, or raise `Unreadable` where there is none that is good now."""
        if self._token.until <= now:
            raise Unreadable("there is no access token for it")
        return self._token.value

    def forget(self) -> None:
        """Drop the token: it was not accepted."""
        self._token = Token("", 0.0)

    async def renew(self, send: Send, now: float, deadline: float) -> None:
        """Obtain a token, unless there is one that is good for a while."""
        left = self._token.until - now
        # Whoever comes while one call renews a token goes on with the old one: they do not all ask at once.
        if left > _FRESH or (left > _USABLE and self._renewing):
            return
        self._renewing = True
        try:
            self._token = _granted(await send(self._wanted(now), deadline), now)
        finally:
            self._renewing = False

    def _wanted(self, now: float) -> Outgoing:
        account = self._account
        claims = {"iss": account.client_email, "scope": _SCOPE, "aud": account.token_uri}
        times = {"iat": int(now), "exp": int(now) + _LIFE}
        header = {"alg": "RS256", "typ": "JWT", "kid": account.private_key_id}
        assertion = jwt.encode(header, {**claims, **times}, self._key, algorithms=["RS256"])
        form = urlencode({"grant_type": _GRANT, "assertion": assertion}).encode()
        return Outgoing(account.token_uri, {"content-type": "application/x-www-form-urlencoded"}, form)


def tokens(text: str) -> Tokens:
    """Make the tokens of a service account from its JSON key, or raise `ValueError`; no text has a part of the key."""
    try:
        account = msgspec.json.decode(text, type=Account)
    except msgspec.MsgspecError:
        raise ValueError("`key` begins like JSON, but is not the key of a service account") from None
    if account.type != "service_account":
        raise ValueError("`key` is JSON of another kind than service_account: only those can be used here")
    place = urlsplit(account.token_uri)
    if place.scheme != "https" and place.hostname not in _LOOPBACK:
        raise ValueError("`key` names a token endpoint without https: it would send what the key signs in the clear")
    try:
        key = RSAKey.import_key(account.private_key)
    except (JoseError, ValueError, TypeError):
        raise ValueError("`key` has a private_key that is no RSA key in PEM") from None
    return Tokens(account, key)


def _granted(got: Answer, now: float) -> Token:
    try:
        answer = told(got, _STATUSES)
    except Unreadable as error:
        # It was refused for the key and not for the words: other words would not fare better.
        raise Unreadable(f"no access token: {error.reason}", retry_after=error.retry_after) from error
    value, kind = member(answer, "access_token", str), member(answer, "token_type", str)
    if kind.lower() != "bearer" or not value.isascii() or not value.isprintable() or not value:
        raise Unreadable("the token endpoint gives no bearer token")
    return Token(value, now + member(answer, "expires_in", float))

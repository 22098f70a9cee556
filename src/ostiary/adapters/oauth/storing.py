"""What the authorization server remembers, and the port through which it does."""

from __future__ import annotations

import hashlib
from typing import Protocol

from msgspec import Struct

from ostiary.core.model import Json


class Client(Struct, frozen=True):
    """A program that may ask people for access, or that has access of its own."""

    id: str
    kind: str
    """`configured`, `registered` (RFC 7591), `document` (client ID metadata document) or `service`."""
    name: str
    redirects: tuple[str, ...] = ()
    method: str = "none"
    """How it authenticates at the token endpoint."""
    digest: str = ""
    """Of its secret."""
    grants: tuple[str, ...] = ("authorization_code", "refresh_token")
    jwks: Json | None = None
    """Its public keys, where it authenticates with one."""
    jwks_uri: str = ""
    application: str = ""
    scopes: tuple[str, ...] = ()
    """For services: all it may ask for."""
    roles: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Show who it is, and nothing it proves that with."""
        return f"Client(id={self.id!r}, kind={self.kind!r}, method={self.method!r})"


class Subject(Struct, frozen=True):
    """A person, as the identity provider described them when they were last heard of."""

    subject: str
    issuer: str
    roles: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()


class Grant(Struct, frozen=True):
    """What a person let a client do."""

    id: str
    """Every token that comes of it names it, so that all of them end together."""
    client: str
    subject: Subject
    resource: str
    scopes: tuple[str, ...]
    until: float
    """When it ends, however often it was refreshed."""


class Code(Struct, frozen=True):
    """An authorization code that was handed out."""

    grant: Grant
    redirect: str
    challenge: str
    key: str = ""
    """Thumbprint of the key that it is bound to (RFC 9449 section 10)."""


class Storage(Protocol):
    """Keeps it, for all processes. Every method blocks, and none returns before what it changes is on disk."""

    def client(self, ident: str, /) -> Json | None:
        """Return a registered client."""

    def add_client(self, ident: str, content: Json, now: float, most: int, /) -> bool:
        """Keep a registered client; forget those that never were used if there are `most`; False: no room."""

    def use_client(self, ident: str, now: float, /) -> None:
        """Remember that a client was used."""

    def consent(self, key: str, now: float, /) -> list[str]:
        """Return the scopes that a person granted under this key and still does."""

    def keep_consent(self, key: str, person: tuple[str, str], scopes: list[str], until: float, /) -> None:
        """Keep that a person (issuer and subject) granted these scopes."""

    def add_code(self, digest: str, content: Json, until: float, /) -> None:
        """Keep a code."""

    def code(self, digest: str, /) -> Json | None:
        """Return what a code stands for, whether or not it was used or has expired, as long as it is known."""

    def redeem(self, digest: str, refresh: str, now: float, idle: float, /) -> bool:
        """Use a code and begin its grant, with this refresh token (empty: none), good until `idle`.

        False, and nothing done, where the code was used before or has expired.
        """

    def spoil(self, digest: str, now: float, /) -> None:
        """Let a code be used no more."""

    def grant(self, ident: str, now: float, /) -> Json | None:
        """Return a grant that stands."""

    def rotate(self, ident: str, old: str, new: str, now: float, idle: float, /) -> bool:
        """Put a grant's new refresh token in place of the old one; False where that is not its present one."""

    def expired(self, ident: str, digest: str, now: float, /) -> bool:
        """Say whether this is the grant's present refresh token, and too old."""

    def revoke(self, ident: str, now: float, until: float, /) -> bool:
        """End a grant; access tokens of it are refused until `until`. False where there was none that stood."""

    def withdraw(self, mark: str, until: float, /) -> None:
        """Refuse access tokens with this `jti` or grant until then."""

    def first(self, digest: str, until: float, now: float, /) -> bool:
        """Remember something that may come once; False where it came before."""


def digest(*parts: str) -> str:
    """Return what is kept instead of a secret, or of a name that somebody else chose."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()

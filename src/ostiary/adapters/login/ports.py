"""What people's login needs from the outside: requests to the provider, verified tokens, a place for sessions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from msgspec import Struct

from ostiary.core.model import Json
from ostiary.policy.claims import Reading


class Fetched(Protocol):
    """A whole answer."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def body(self) -> bytes:
        """All of it, bounded by whoever fetched it."""


class Fetch(Protocol):
    """Sends single requests to a provider, under the egress rules."""

    async def __call__(
        self,
        method: str,
        url: str,
        /,
        *,
        deadline: float,
        headers: Mapping[str, str] = ...,
        form: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
    ) -> Fetched:
        """Return the answer, whatever its status; raise `UpstreamFailure` or `Busy` if there is none."""


Verify = Callable[[str], Awaitable[Json]]
"""A token's claims, once they are proven; raises `Unauthenticated` where they are not, `Busy` while nobody can know."""


class Logins(Protocol):
    """Keeps sessions by the digest of their secret. Every method blocks."""

    def add(self, row: Json) -> None:
        """Keep a session, and forget those that are over."""

    def find(self, digest: str) -> Json | None:
        """Return the session, whether or not it is still good."""

    def touch(self, digest: str, seen: float) -> None:
        """Remember when the session was last used."""

    def end(self, digest: str) -> bool:
        """End a session; False where there was none."""

    def end_all(self, issuer: str, sid: str, subject: str) -> int:
        """End the sessions of an issuer that have this `sid` and this subject, and return how many; empty: any."""

    def spend(self, digest: str, until: float, now: float) -> bool:
        """Note that a thing for one use was used; False where it was used before."""

    def offer(self, digest: str, until: float) -> None:
        """Keep a bootstrap link in place of every earlier one."""

    def take(self, digest: str, now: float) -> bool:
        """Use a bootstrap link up; False where it is unknown, used or too old."""


class Seal(Protocol):
    """Makes and opens tokens that only this gateway can make."""

    def close(self, purpose: str, content: bytes, /) -> str:
        """Return the token that holds `content`."""

    def open(self, purpose: str, token: str, /) -> bytes:
        """Return what a token holds; ValueError where it is not one of ours, for this purpose."""


class Client(Struct, frozen=True):
    """What the gateway is at a provider."""

    id: str
    secret: str = ""
    """Empty: a public client."""

    def __repr__(self) -> str:
        return f"Client(id={self.id!r})"


class Provider(Struct, frozen=True):
    """One identity provider at which people sign in."""

    name: str
    """Its entry under `identity:`."""
    issuer: str
    """Exactly the configured one."""
    client: Client
    reading: Reading
    metadata: Callable[[], Awaitable[Json]]
    """The issuer's discovered document, kept by whoever gives it; raises `UpstreamFailure` or `Busy`."""
    fetch: Fetch
    verify: Verify
    """For ID tokens: signature, algorithm, issuer, audience (the client's id) and times."""
    signed: Verify
    """For logout tokens: signature and algorithm, with a key of this issuer. Nothing that they say is judged."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    title: str = ""
    """What people call it; empty: its name."""

"""What the authorization server needs from the rest of the gateway: ports, limits and what the configuration says."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, Protocol

from msgspec import Struct
from starlette.requests import Request

from ostiary.adapters.oauth.keys import Keyring, Seal
from ostiary.adapters.oauth.rates import Rates
from ostiary.adapters.oauth.storing import Client, Storage, Subject
from ostiary.core.model import Json

_MINUTE: Final = 60.0
_DAY: Final = 86_400.0
MOST_CLIENTS: Final = 10_000


class Person(Protocol):
    """Who is signed in at this browser, and may do something here."""

    @property
    def subject(self) -> str:
        """Their name at the identity provider."""

    @property
    def issuer(self) -> str:
        """The identity provider."""

    @property
    def roles(self) -> Collection[str]:
        """What they are."""

    @property
    def teams(self) -> Collection[str]:
        """Whom they belong to."""


class Fetched(Protocol):
    """A whole answer."""

    @property
    def status(self) -> int:
        """The status of it."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers by lower-case name."""

    @property
    def body(self) -> bytes:
        """All of it."""


class Fetch(Protocol):
    """Sends one request to the outside, under the egress rules; follows no redirect."""

    async def __call__(self, method: str, url: str, /, *, deadline: float, headers: Mapping[str, str] = ...) -> Fetched:
        """Return the answer, whatever its status; raise a `GatewayError` if there is none."""


class Attempts(Protocol):
    """Counts failed attempts to authenticate."""

    def wait(self, peer: str, /) -> float:
        """Return the seconds until this peer may try again; 0.0: now."""

    def add(self, peer: str, /) -> None:
        """Count a failure."""


class Assertion(Struct, frozen=True):
    """An identity assertion whose signature, issuer and expiry were found good."""

    header: Json
    claims: Json
    subject: Subject
    """Whom it is about, by the issuer's own mapping of roles and teams."""


class Possession(Protocol):
    """A key that a client proved to have."""

    @property
    def thumbprint(self) -> str:
        """Its thumbprint (RFC 7638)."""

    @property
    def nonce(self) -> str:
        """The nonce for the client's next proof; empty: the one it used will do."""


class Proof(Protocol):
    """Verifies the DPoP proof of a request that brings no token (RFC 9449 section 5)."""

    async def __call__(self, verb: str, url: str, sent: Sequence[str], /) -> Possession:
        """Return whose key it is; `sent` is each DPoP header that came, and there is one at least.

        Raise `Unauthenticated` for a bad one, with a nonce (`challenge.NONCE`) in its `data` where that is missing.
        """


def _nothing(_: str, __: Json) -> None:
    """Keep no notes."""


class Lifetimes(Struct, frozen=True):
    """How long things are good for, in seconds."""

    access: float = 10 * _MINUTE
    code: float = _MINUTE
    idle: float = 14 * _DAY
    """A refresh token that nobody uses."""
    grant: float = 90 * _DAY
    """A grant, however often it is refreshed."""
    consent: float = 90 * _DAY
    form: float = 10 * _MINUTE
    """The question of a consent page."""


class Setting(Struct, frozen=True):
    """An authorization server, as it is to be."""

    issuer: str
    """Exactly gateway.url, without a slash at its end."""
    resources: Callable[[], frozenset[str]]
    """Every audience that tokens may be made for."""
    scopes: Callable[[], Mapping[str, str]]
    """Every scope that clients may ask for, and what it means in words a person understands."""
    storage: Storage
    keys: Keyring
    seal: Seal
    fetch: Fetch
    signed_in: Callable[[Request], Awaitable[Person | None]]
    login_url: Callable[[str], str]
    """Where a person signs in, to come back to this path of ours."""
    attempts: Attempts
    time: Callable[[], float]
    clock: Callable[[], float]
    """Never steps back."""
    known: Callable[[], Mapping[str, Client]] = dict
    """Clients and services of the configuration, by id."""
    registration: Callable[[], bool] = lambda: True
    """Whether programs may register themselves (RFC 7591)."""
    documents: Callable[[str], bool] = lambda _: True
    """Whether metadata documents of this host are believed."""
    private_schemes: tuple[str, ...] = ()
    """Private-use redirect schemes that are taken (RFC 8252 section 7.1); `*`: any with a dot."""
    minimum: Callable[[], tuple[str, ...]] = lambda: ()
    """The scopes that a client gets which asks for none."""
    default_resource: str = ""
    """What a client of 2025-03-26, which knows no `resource`, gets a token for; empty: it gets none."""
    assertion: Callable[[str], Awaitable[Assertion]] | None = None
    """Verifies an ID-JAG; None: no issuer of such is configured. Raises `GatewayError` for what is not one."""
    proof: Proof | None = None
    """None: nobody could check a proof, so no token is bound to a key."""
    note: Callable[[str, Json], None] = _nothing
    """Told of what belongs into the ledger: an event's name, and fields without a secret."""
    standing: Callable[[Subject], Awaitable[Subject | None]] | None = None
    """Asked at each refresh what a person is now; None in answer: nobody any more, and the grant ends."""
    revoked: Callable[[], None] = lambda: None
    """Told after tokens were revoked, so that every worker forgets what it had verified."""
    lifetimes: Lifetimes = Lifetimes()
    most_clients: int = MOST_CLIENTS
    registering: tuple[tuple[float, float], tuple[float, float]] = ((10.0, 10 / 3600), (60.0, 1 / 6))
    """Registrations per peer and in total: (burst, rate per second) each."""
    fetching: tuple[tuple[float, float], tuple[float, float]] = ((10.0, 1 / 6), (60.0, 1.0))
    """Fetches of metadata documents and key sets, likewise."""

    @property
    def secure(self) -> bool:
        """Whether browsers reach us by https; else only on this machine."""
        return self.issuer.startswith("https://")

    def rates(self, of: tuple[tuple[float, float], tuple[float, float]]) -> Rates:
        """Return fresh rates."""
        return Rates(self.clock, *of)


def configured(
    ident: str, redirects: tuple[str, ...], name: str = "", secret: str = "", method: str = "", jwks: Json | None = None
) -> Client:
    """Return a client of the configuration; with a secret it must prove that it knows it."""
    usual = "private_key_jwt" if jwks else "client_secret_basic" if secret else "none"
    return Client(ident, "configured", name or ident, redirects, method or usual, hashed(secret), jwks=jwks)


def service(
    ident: str,
    scopes: tuple[str, ...],
    roles: tuple[str, ...] = (),
    teams: tuple[str, ...] = (),
    *,
    secret: str = "",
    jwks: Json | None = None,
    jwks_uri: str = "",
) -> Client:
    """Return a service account, which has access of its own by a secret or, better, by a key (RFC 7523)."""
    if not (secret or jwks or jwks_uri):
        raise ValueError(f"the service account {ident} has neither a secret nor keys; give it one of them")
    method = "client_secret_basic" if secret else "private_key_jwt"
    return Client(
        ident, "service", ident, (), method, hashed(secret), ("client_credentials",), jwks, jwks_uri, "",
        scopes, roles, teams,
    )  # fmt: skip


def hashed(secret: str) -> str:
    """Return what is kept of a client's secret; nothing of none."""
    return hashlib.sha256(secret.encode()).hexdigest() if secret else ""

"""Callers by what an issuer says of them: which issuer, is it true, whom does it mean; and a memory for the answer."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, Protocol

from msgspec import Struct
from msgspec.structs import replace

from ostiary.adapters.identity import jwt
from ostiary.adapters.identity.introspection import Introspection, introspected
from ostiary.adapters.identity.jwks import Keys, Pace, Sleep
from ostiary.adapters.identity.jwt import Expected, Form, refused
from ostiary.adapters.identity.outbound import Fetch
from ostiary.adapters.identity.turns import Turns
from ostiary.core.errors import GatewayError, Overloaded, Unauthenticated
from ostiary.core.model import Caller, Inbound, Json
from ostiary.policy.claims import Reading, caller

_FRESH: Final = 60.0
"""Seconds that a verified token is trusted without looking again; never beyond its expiry."""
_KEPT: Final = 50_000
_ROOM: Final = 32 * 1024 * 1024
"""Characters of tokens that are remembered: what a token says is kept, and the long ones say much."""
_FLIGHTS: Final = 2048
_DENIED: Final = 10_000
_DENIED_FOR: Final = 5.0
_SETS: Final = 4096


class Bind(Protocol):
    """Checks that a request holds the key that its token is bound to (RFC 9449, RFC 8705)."""

    async def __call__(self, message: Inbound, claims: Json, /) -> None:
        """Return if it does, or raise `Unauthenticated`. Asked on every request, also about tokens known already."""


class Withdrawn(Protocol):
    """Knows which tokens of an issuer were taken back before their end."""

    def __call__(self, claims: Json, /) -> bool:
        """Say whether a token with these claims was."""

    def reload(self) -> bool:
        """Read what any worker took back; say whether that is something new."""


class Setup(Struct, frozen=True):
    """One issuer, as configured."""

    name: str
    expected: Expected
    reading: Reading
    fetch: Fetch
    """With this issuer's own egress permits."""
    jwks: str = ""
    """Where its keys are; empty: where its metadata says."""
    introspection: Introspection | None = None
    bind: Bind | None = None
    """None: tokens that are bound to a key are refused, for nothing here could check that."""
    withdrawn: Withdrawn | None = None
    """None: what this issuer takes back is not known here; its tokens are short-lived instead."""
    closed: bool = False
    """Whether its tokens are no credential here: its keys only prove what people sign in with."""
    pace: Pace = Pace()


class Issuer(NamedTuple):
    """A set-up at work."""

    setup: Setup
    keys: Keys


class Known(Struct, frozen=True, gc=False):
    """A verified token."""

    caller: Caller
    until: float
    bind: Bind | None
    only: frozenset[str]
    """The URLs of the endpoints it is good for; empty: all."""
    url: str
    size: int


class Issuers:
    """Turns the tokens of configured issuers into callers."""

    def __init__(
        self,
        setups: Iterable[Setup],
        time: Callable[[], float],
        clock: Callable[[], float],
        sleep: Sleep = asyncio.sleep,
        room: int = _ROOM,
        counter: Callable[[], int] = lambda: 0,
    ) -> None:
        """`time` is that of the world, `clock` never steps back; `counter` moves when anything was revoked anywhere."""
        self._time, self._clock, self._sleep, self._room = time, clock, sleep, room
        self._counter, self._counted = counter, counter()
        self._issuers: dict[str, Issuer] = {}
        self._opaque: Issuer | None = None
        self._known: dict[bytes, Known] = {}
        self._size = 0
        self._sets: dict[frozenset[str], frozenset[str]] = {}
        """Roles, teams and scopes, of which many callers have the same."""
        self._denied: dict[bytes, tuple[float, str]] = {}
        self._flights: dict[tuple[int, bytes], asyncio.Task[Known | GatewayError]] = {}
        """Verifications under way: none that began before something was revoked is joined after."""
        self._generation = 0
        self._turns = Turns()
        self.configure(setups)

    def configure(self, setups: Iterable[Setup]) -> None:
        """Serve these issuers from now on. Those that did not change keep their keys; the verified are forgotten."""
        found: dict[str, Issuer] = {}
        for setup in setups:
            name = setup.expected.issuer
            if name in found:
                raise ValueError(f"two identities have the issuer {name}; give each issuer one entry")
            old = self._issuers.get(name)
            found[name] = old if old is not None and old.setup == setup else self._issuer(setup)
        opaque = [each for each in found.values() if each.setup.introspection is not None]
        if len(opaque) > 1:
            raise ValueError("two identities have an introspection; an opaque token does not say whose it is")
        for issuer in self._issuers.values():
            if issuer not in found.values():
                issuer.keys.close()
        self._issuers, self._opaque = found, opaque[0] if opaque else None
        self.clear()

    def _issuer(self, setup: Setup) -> Issuer:
        expected = setup.expected
        return Issuer(setup, Keys(expected.issuer, setup.jwks, setup.fetch, setup.pace, self._clock, self._sleep))

    def clear(self) -> None:
        """Forget every verified token: something was revoked, or is configured otherwise now."""
        self._generation += 1
        self._known.clear()
        self._denied.clear()
        self._size = 0

    def _recount(self) -> None:
        """Forget the verified tokens that were taken back, and let nothing be joined that began before."""
        counted = self._counter()
        asked = [each.setup.withdrawn for each in self._issuers.values() if each.setup.withdrawn is not None]
        news = [each.reload() for each in asked]
        # Only now: where it cannot be read, the next request must try again, and not go on as if nothing were.
        self._counted = counted
        if not any(news):
            return
        self._generation += 1
        gone = [key for key, known in self._known.items() if any(each(known.caller.claims) for each in asked)]
        for key in gone:
            self._size -= self._known.pop(key).size

    def keys(self, issuer: str) -> Keys:
        """Return the keys of a configured issuer; KeyError where it is none (any more)."""
        return self._issuers[issuer].keys

    def close(self) -> None:
        """Stop asking anybody."""
        for issuer in self._issuers.values():
            issuer.keys.close()
        for flight in self._flights.values():
            flight.cancel()

    def stands(self, found: Caller) -> bool:
        """Say whether a caller of an issuer would still be one, as far as can be known without the token."""
        if self._counter() != self._counted:
            self._recount()
        issuer = self._issuers.get(str(found.claims.get("iss")))
        if issuer is None or found.expires <= self._time():
            return False
        withdrawn = issuer.setup.withdrawn
        return withdrawn is None or not withdrawn(found.claims)

    async def __call__(self, message: Inbound) -> Caller:
        """Return whom the token speaks for, or raise `Unauthenticated`; `Overloaded` while nobody can know."""
        credential = message.credential
        if credential is None:
            raise Unauthenticated("no_credential: none came")
        if self._counter() != self._counted:
            self._recount()
        key = hashlib.sha256(credential.encode()).digest()
        known = self._known.get(key)
        if known is None or known.until <= self._time():
            known = await self._once(key, credential)
        if known.only and f"{known.url}{message.endpoint}" not in known.only:
            raise refused("jwt_wrong_resource", "for another endpoint of this gateway")
        if known.bind is not None:
            await known.bind(message, known.caller.claims)
        return known.caller

    def acquainted(self, credential: str) -> Callable[[], Caller | None] | None:
        """Return what says, each time that it is asked, whom a token that was let in still speaks for.

        It says None where somebody has to be asked, and there is none for tokens that are bound to a key: each of
        their requests has to prove anew that it holds it. Good for requests like the one that was let in.
        """
        key = hashlib.sha256(credential.encode()).digest()
        first = self._known.get(key)
        if first is None or "cnf" in first.caller.claims:
            return None

        def still() -> Caller | None:
            known = self._known.get(key)
            fresh = known is not None and known.until > self._time() and self._counter() == self._counted
            return known.caller if known is not None and fresh else None

        return still

    async def _once(self, key: bytes, credential: str) -> Known:
        """Verify a token once, however many requests bring it, and even if the one that brought it first goes away."""
        denied = self._denied.get(key)
        if denied is not None and denied[0] > self._time():
            raise Unauthenticated(denied[1], hint=jwt.INVALID)
        generation = -1
        while generation != self._generation:
            # What was revoked or configured meanwhile may have made another answer of it.
            generation = self._generation
            outcome = await asyncio.shield(self._flight((generation, key), credential))
        if isinstance(outcome, GatewayError):
            # Each request has its own: an exception that is raised in two tasks belongs to neither.
            raise type(outcome)(outcome.detail, hint=outcome.hint, retry_after=outcome.retry_after)
        return outcome

    def _flight(self, key: tuple[int, bytes], credential: str) -> asyncio.Task[Known | GatewayError]:
        flight = self._flights.get(key)
        if flight is None:
            if len(self._flights) >= _FLIGHTS:
                raise Overloaded("verification_storm: too many tokens are being verified", retry_after=1.0)
            flight = self._flights[key] = asyncio.get_running_loop().create_task(self._flown(*key, credential))
        return flight

    async def _flown(self, generation: int, key: bytes, credential: str) -> Known | GatewayError:
        try:
            known = await self._verified(credential)
        except GatewayError as error:
            if generation == self._generation and error.detail.startswith("introspection_inactive"):
                _room_for_one(self._denied, _DENIED)
                self._denied[key] = (self._time() + _DENIED_FOR, error.detail)
            return error
        finally:
            self._flights.pop((generation, key), None)
        if generation == self._generation and known.until > self._time():
            self._keep(key, known)
        return known

    def _keep(self, key: bytes, known: Known) -> None:
        old = self._known.pop(key, None)
        self._size += known.size - (old.size if old else 0)
        self._known[key] = known
        while len(self._known) > _KEPT or self._size > self._room:
            self._size -= self._known.pop(next(iter(self._known))).size

    async def _verified(self, credential: str) -> Known:
        await self._turns.mine()
        if is_jwt(credential):
            return await self._signed(credential)
        if self._opaque is None:
            raise refused("credential_unknown", "no token of ours, and no JSON Web Token")
        return await self._told(credential, self._opaque)

    async def _signed(self, credential: str) -> Known:
        """Verify a JSON Web Token. What costs nothing to see comes first: an old token needs no key to be refused."""
        token = jwt.read(credential)
        said = token.claims.get("iss")
        issuer = self._issuers.get(said) if isinstance(said, str) else None
        if issuer is None or issuer.setup.closed:
            raise refused("jwt_wrong_issuer", "of no issuer whose access tokens are taken")
        expected = issuer.setup.expected
        jwt.permitted(token, expected)
        expires = jwt.judge(token.claims, expected, self._time())
        keys = issuer.keys.ready(token.kid)
        if keys is None:
            keys = await issuer.keys.find(token.kid)
            # Everybody who waited goes on in one and the same turn of the loop.
            await self._turns.mine()
        jwt.keyed(token, keys)
        jwt.proven(token, keys)
        return self._accepted(issuer, token.claims, expires, credential, "jwt")

    async def _told(self, credential: str, issuer: Issuer) -> Known:
        setup = issuer.setup
        if setup.introspection is None or len(credential) > jwt.MOST:
            raise refused("credential_oversized", "longer than any token")
        claims = await introspected(credential, setup.introspection, setup.expected.issuer, setup.fetch)
        expires = jwt.judge(claims, setup.expected, self._time(), "introspection")
        return self._accepted(issuer, claims, expires, credential, "introspection")

    def _accepted(self, issuer: Issuer, claims: Json, expires: float, credential: str, form: Form) -> Known:
        setup = issuer.setup
        expected = setup.expected
        if "cnf" in claims and setup.bind is None:
            # RFC 7800: whoever holds it is not enough, and nothing here can tell whose key it is bound to.
            raise refused(f"{form}_bound", "bound to a key, which is not checked for this issuer")
        if setup.withdrawn is not None and setup.withdrawn(claims):
            raise refused(f"{form}_revoked", "it was taken back")
        try:
            found = caller(claims, setup.reading, f"{form}:{setup.name}", expires)
        except Unauthenticated as error:
            raise refused(f"{form}_nobody", error.detail) from error
        named = jwt.audiences(claims)
        only = frozenset() if named & expected.audiences else named
        until = min(expires, self._time() + _FRESH)
        return Known(self._kept(found), until, setup.bind, self._same(only), expected.url, len(credential))

    def _kept(self, found: Caller) -> Caller:
        """Return an equal caller that shares what it can: nobody is served while the collector looks at all sets."""
        roles, teams, scopes, reach = map(self._same, (found.roles, found.teams, found.scopes, found.reach))
        return replace(found, roles=roles, teams=teams, scopes=scopes, reach=reach)

    def _same(self, found: frozenset[str]) -> frozenset[str]:
        known = self._sets.get(found)
        if known is None:
            _room_for_one(self._sets, _SETS)
            known = self._sets[found] = found
        return known


def is_jwt(credential: str) -> bool:
    """Say whether a credential looks like a JSON Web Token: three parts, the first of which begins an object."""
    return credential.startswith("ey") and credential.count(".") == 2  # noqa: PLR2004 - RFC 7515 section 3.1


def _room_for_one(table: dict[Any, Any], most: int) -> None:
    if len(table) >= most:
        del table[next(iter(table))]

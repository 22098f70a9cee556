"""An issuer's public keys (RFC 7517): which of them may verify a token, and how they are kept fresh.

Nothing that a caller sends leads to more than one request per interval, and nothing that the provider does wrong
takes away keys that were good: they serve until an outage lasts too long.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import structlog
from msgspec import Struct

from ostiary.adapters.identity.algorithms import EDWARDS
from ostiary.adapters.identity.discovery import discovered
from ostiary.adapters.identity.outbound import WITHIN, Fetch, document, usable
from ostiary.core.errors import Garbled, GatewayError, Overloaded

if TYPE_CHECKING:
    from ostiary.adapters.identity.verifying import Public

log: Final = structlog.get_logger(__name__)

MOST_KEYS: Final = 64
_LONGEST: Final = 2048
"""Characters of a key's id."""
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age=\"?([0-9]{1,9})", re.IGNORECASE)
_UNCACHED: Final = re.compile(r"(?:^|[,\s])no-(?:store|cache)(?:$|[,\s])", re.IGNORECASE)


class Key(Struct, frozen=True):
    """A public key, and the algorithms it may verify: those of its type and curve, or the one that it declares."""

    kid: str | None
    algorithms: frozenset[str]
    public: Public


class KeySet(Struct, frozen=True):
    """The keys of an issuer that verify signatures, and why the others do not."""

    keys: tuple[Key, ...]
    refused: tuple[str, ...] = ()

    def has(self, kid: str | None) -> bool:
        """Say whether a key has this id; a token that names none is content with any."""
        return kid is None or any(key.kid == kid for key in self.keys)

    def fitting(self, kid: str | None, algorithm: str) -> tuple[Key, ...]:
        """Return the keys for a token. Without an id there must be exactly one that it can mean."""
        found = tuple(key for key in self.keys if algorithm in key.algorithms and kid in {None, key.kid})
        return () if kid is None and len(found) > 1 else found


def key_set(found: dict[str, Any]) -> KeySet:
    """Return the usable keys of a JWK set; raise `Garbled` where it is none, is too long, or has no usable key."""
    listed = found.get("keys")
    if not isinstance(listed, list):
        raise Garbled("the key set has no list of keys")
    if len(listed) > MOST_KEYS:
        raise Garbled(f"the key set has more than {MOST_KEYS} keys")
    keys: list[Key] = []
    refused: list[str] = []
    for place, each in enumerate(listed):
        try:
            keys.append(_key(each))
        except (ValueError, TypeError, KeyError) as error:
            # RFC 7517 section 5: a key that is not understood is passed over, the others count.
            refused.append(f"key {place}: {error if type(error) is ValueError else 'not a well-formed key'}")
    if not keys:
        raise Garbled(f"the key set has no key that verifies signatures ({'; '.join(refused[:4]) or 'it is empty'})")
    return KeySet(tuple(keys), tuple(refused))


def _key(said: Any) -> Key:
    if not isinstance(said, dict):
        raise TypeError
    kid = said.get("kid")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= _LONGEST):
        raise ValueError("its kid is no text")
    if said.get("use", "sig") != "sig" or "verify" not in said.get("key_ops", ("verify",)):
        raise ValueError("not for signatures")
    if "d" in said or "k" in said:
        # Whoever reads a published private key signs with it; and a symmetric key makes each verifier a signer.
        raise ValueError("private or symmetric")
    # Most gateways know no issuer, and need not hold what reads keys in memory.
    from ostiary.adapters.identity.verifying import public_key  # noqa: PLC0415

    public, algorithms = public_key(said)
    declared = said.get("alg")
    if declared is None:
        return Key(kid, algorithms, public)
    if declared not in algorithms:
        raise ValueError("declared for an algorithm that its type does not fit or that is not supported")
    return Key(kid, EDWARDS if declared in EDWARDS else frozenset({declared}), public)


class Pace(Struct, frozen=True):
    """How often a provider is asked for its keys, and how long they serve. Seconds."""

    usual: float = 3600.0
    """How long keys are fresh where the provider does not say."""
    least: float = 300.0
    most: float = 86_400.0
    """Between these two, a provider's max-age counts."""
    again: float = 10.0
    """Between two requests, whatever asks for them."""
    first: float = 2.0
    """The same, while there are no keys at all."""
    outage: float = 86_400.0
    """How long keys serve after the provider was last heard."""
    waiting: int = 32
    """Calls that may wait for the next request because of a key nobody knows yet."""


def lifetime(cache_control: str, pace: Pace) -> float:
    """Return for how long a key set is fresh (RFC 9111 section 5.2.2), within the bounds."""
    if _UNCACHED.search(cache_control):
        return pace.least
    said = _MAX_AGE.search(cache_control)
    return min(pace.most, max(pace.least, float(said[1]))) if said else pace.usual


_SOON: Final = 0.8
"""The part of the lifetime after which fresh keys are fetched beside the calls."""
_MOST_ABSENT: Final = 256
Sleep = Callable[[float], Awaitable[None]]


class Keys:
    """The keys of one issuer, kept fresh by those who ask for them."""

    def __init__(
        self,
        issuer: str,
        jwks: str,
        fetch: Fetch,
        pace: Pace,
        clock: Callable[[], float],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Fetch from `jwks`, or from where the issuer's metadata says if that is empty. `clock` never steps back."""
        self._issuer, self._jwks, self._fetch, self._pace = issuer, jwks, fetch, pace
        self._clock, self._sleep = clock, sleep
        self._set: KeySet | None = None
        self._heard = self._soon = self._until = 0.0
        """When the provider answered last; when its keys are fetched beside calls; when they stop being fresh."""
        self._due = -1.0
        """Before this nobody asks again."""
        self._failure = ""
        """Why the last request failed."""
        self._task: asyncio.Task[None] | None = None
        self._waiting = 0
        self._absent: set[str] = set()
        """Ids that the last answer did not have."""

    def ready(self, kid: str | None) -> KeySet | None:
        """Return the keys where nobody has to be asked, which is nearly always; None: `find` will tell."""
        held = self._set
        return held if held is not None and self._clock() < self._soon and held.has(kid) else None

    async def find(self, kid: str | None) -> KeySet:
        """Return the keys, with this one if the issuer has it; raise `Overloaded` while nobody can know."""
        held = await self._current()
        return held if kid is None or held.has(kid) else await self._news(kid, held)

    def close(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()

    async def _current(self) -> KeySet:
        now = self._clock()
        if self._set is None or now >= self._heard + self._pace.outage:
            await self._asked()
            if self._set is None or self._failure:
                raise self._unknown()
        elif now >= self._until and not self._failure:
            # A key that the provider took back must not live on here while the provider can be asked.
            await self._asked()
        elif now >= self._soon:
            self._begin()
        return self._set

    async def _news(self, kid: str, held: KeySet) -> KeySet:
        """Return the keys after the provider was asked once more for one that is not among them."""
        if self._task is not None:
            await asyncio.wait({self._task})  # Begun before this call came: it may have been too early.
            if self._set is not None and self._set.has(kid):
                return self._set
        if self._clock() < self._due:
            if self._failure:
                raise self._unknown()
            if kid in self._absent or self._waiting >= self._pace.waiting:
                return self._set or held
            await self._turn()
        await self._asked()
        if self._failure:
            raise self._unknown()
        found = self._set or held
        if not found.has(kid) and len(self._absent) < _MOST_ABSENT:
            self._absent.add(kid)
        return found

    async def _turn(self) -> None:
        """Wait until the provider may be asked again: it may have changed its keys right after it was asked."""
        self._waiting += 1
        due = self._due
        try:
            # Loops count in milliseconds, and wake a little early: then it would not be anybody's turn yet.
            while (left := due - self._clock()) > 0.0:
                await self._sleep(left)
        finally:
            self._waiting -= 1

    async def _asked(self) -> None:
        """Wait for the request that is under way, or for a new one if it is time; cancelling does not stop it."""
        task = self._begin()
        if task is not None:
            await asyncio.wait({task})

    def _begin(self) -> asyncio.Task[None] | None:
        if self._task is None and self._clock() >= self._due:
            self._due = self._clock() + (self._pace.again if self._set is not None else self._pace.first)
            self._task = asyncio.get_running_loop().create_task(self._refresh())
        return self._task

    async def _refresh(self) -> None:
        try:
            await self._fetched()
        except GatewayError as error:
            self._failure = error.detail or error.code
            log.warning("the keys of an issuer could not be fetched", issuer=self._issuer, reason=self._failure)
        finally:
            self._task = None

    async def _fetched(self) -> None:
        place = self._jwks or (await discovered(self._issuer, self._fetch)).jwks_uri
        if not usable(place):
            raise Garbled("the place of the keys is no https URL; correct the configuration")
        answer = await self._fetch("GET", place, deadline=asyncio.get_running_loop().time() + WITHIN)
        found = key_set(document(answer, place))
        if found.refused and (self._set is None or found.refused != self._set.refused):
            log.info("some keys of an issuer are not used", issuer=self._issuer, reasons=list(found.refused[:8]))
        now = self._clock()
        if self._failure and self._set is not None:
            log.info("the keys of an issuer can be fetched again", issuer=self._issuer)
        fresh = lifetime(answer.headers.get("cache-control", ""), self._pace)
        self._set, self._failure = found, ""
        self._heard, self._soon, self._until = now, now + fresh * _SOON, now + fresh
        self._due = now + self._pace.again
        self._absent.clear()

    def _unknown(self) -> Overloaded:
        return Overloaded(
            f"keys_unreachable: {self._failure or 'the provider was asked a moment ago'}",
            hint="the identity provider cannot be asked at the moment",
            retry_after=max(1.0, self._due - self._clock()),
        )

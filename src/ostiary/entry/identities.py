"""Configured identities → what the identity adapters need: secrets resolved, fetchers made, claims mapped."""

from __future__ import annotations

import importlib
import secrets
import time
from collections.abc import Callable

from msgspec.structs import replace

from ostiary.adapters.identity.dpop import ALGORITHMS, Nonces, Proofs
from ostiary.adapters.identity.failures import Failures
from ostiary.adapters.identity.identities import Identities
from ostiary.adapters.identity.introspection import Introspection
from ostiary.adapters.identity.issuers import Issuers, Setup
from ostiary.adapters.identity.jwks import Keys
from ostiary.adapters.identity.jwt import Expected
from ostiary.adapters.identity.mutual import Holders, Named, binding
from ostiary.adapters.identity.outbound import Fetched
from ostiary.adapters.identity.standing import Standing
from ostiary.adapters.identity.tokens import ISSUER, Tokens
from ostiary.adapters.upstream.fetching import Fetching
from ostiary.config import identity, scopes
from ostiary.config.identity import Identity
from ostiary.config.schema import Config
from ostiary.config.values import Network, Secret
from ostiary.core.model import Caller
from ostiary.entry.grants import Grants
from ostiary.policy.claims import Reading, Source
from ostiary.policy.scopes import widened
from ostiary.protocol.challenge import Protection, challenge

Resolve = Callable[[Secret], str]


def _issuer(name: str, each: Identity, url: str, tools: Tools) -> Setup:
    issuer = str(each.issuer)
    expected = Expected(
        issuer,
        frozenset({url, f"{url}/", *each.audience}),
        url,
        frozenset(each.algorithms),
        each.skew,
        only_access=each.access_tokens_only,
    )
    asked = each.introspection
    return Setup(
        name,
        expected,
        Reading(issuer, each.subject, source(each.roles), source(each.teams), each.scopes),
        tools.fetching(tuple(each.allow_private)),
        each.jwks or "",
        Introspection(asked.url, asked.id, tools.resolve(asked.secret)) if asked is not None else None,
        binding(each.bound, tools.proofs, time.time),
        closed=each.access_tokens == "off",
    )


class Tools:
    """What the set-ups of issuers share."""

    def __init__(self, url: str, resolve: Resolve) -> None:
        self.resolve, self.proofs = resolve, Proofs(url, time.time, Nonces(secrets.token_bytes(32), time.time))
        self._fetchings: dict[tuple[Network, ...], Fetching[Fetched]] = {}

    def fetching(self, permitted: tuple[Network, ...]) -> Fetching[Fetched]:
        """Return one and the same for equal permits, so that an issuer that did not change keeps its keys."""
        return self._fetchings.setdefault(permitted, Fetching(Fetched, permitted))

    async def close(self) -> None:
        """Close every connection."""
        for each in self._fetchings.values():
            await each.close()


def source(claim: identity.Claim | None) -> Source | None:
    """Return where roles or teams are found, as the policy reads it."""
    return None if claim is None else Source(claim.claim, claim.map)


def holders(config: Config) -> list[Named]:
    """Return whose certificates are enough."""
    brings = scopes.brings(config)
    return [
        Named(name, each.names, frozenset(each.roles), frozenset(each.teams), widened(each.scopes, brings))
        for name, each in ((name, found.certificates) for name, found in config.identity.items())
        if each is not None
    ]


def protection(config: Config) -> Protection:
    """Return what clients are told that come without a token."""
    issuers_ = tuple(each.issuer for each in config.identity.values() if each.issuer and each.access_tokens == "on")
    if config.authorization is not None:
        # Whoever can use a provider itself can use us; most clients take the first that they are told.
        issuers_ = (config.gateway.url,)
    return Protection(
        config.gateway.url, issuers_, scopes.told(config), dpop=tuple(sorted(ALGORITHMS)) if issuers_ else ()
    )


class Speakers:
    """Everybody who may speak to this gateway, and how they are known."""

    def __init__(
        self, config: Config, resolve: Resolve, own: tuple[Tokens, Standing], grants: Grants, counter: Callable[[], int]
    ) -> None:
        """`own` knows the callers of tokens that an operator made, `grants` those of our authorization server."""
        self._tools, self._grants, self.resolve = Tools(config.gateway.url, resolve), grants, resolve
        self._tokens, self._standing = own
        self._tokens.configure(scopes.brings(config))
        self.failures = Failures(time.monotonic)
        self._issuers = Issuers(self.setups(config), time.time, time.monotonic, counter=counter)
        self._holders = Holders(holders(config), time.time)
        self.protection = protection(config)
        self.identify = Identities(self._own(config), self._issuers, self.failures, self._holders)

    def setups(self, config: Config) -> list[Setup]:
        """Return the issuers' set-ups; raises where a secret is missing."""
        found = ((name, each) for name, each in config.identity.items() if each.issuer is not None)
        setups = [_issuer(name, each, config.gateway.url, self._tools) for name, each in found]
        if config.authorization is not None:
            setups.append(self._grants.setup(self._tools.proofs))
        if setups:
            # The first token that comes must not wait for this; a gateway without issuers never needs it.
            importlib.import_module("ostiary.adapters.identity.verifying")
        brings = scopes.brings(config)
        return [replace(each, reading=replace(each.reading, brings=brings)) for each in setups]

    @property
    def proofs(self) -> Proofs:
        """What checks proofs of possession, and remembers which were used."""
        return self._tools.proofs

    def keys(self, issuer: str) -> Keys:
        """Return the keys of a configured issuer."""
        return self._issuers.keys(issuer)

    def fetching(self, permitted: tuple[Network, ...]) -> Fetching[Fetched]:
        """Return what sends single requests to the outside, under these permits."""
        return self._tools.fetching(permitted)

    def configure(self, config: Config, setups: list[Setup]) -> None:
        """Know these from now on; whoever was verified before is verified anew."""
        self._issuers.configure(setups)
        self._holders.configure(holders(config))
        self._tokens.configure(scopes.brings(config))
        self.protection, self.identify.tokens = protection(config), self._own(config)

    def _own(self, config: Config) -> Tokens | None:
        return self._tokens if config.gateway.static_tokens == "on" else None

    async def stands(self, caller: Caller) -> bool:
        """Say whether a caller who was let in a while ago still would be (port `Standing`)."""
        if caller.issuer == ISSUER:
            return self.identify.tokens is not None and await self._standing(caller)
        return self._issuers.stands(caller) or self._holders.stands(caller)

    def challenge(self, endpoint: str = "") -> str:
        """Return what a caller of an endpoint is told who could not be identified."""
        return challenge(self.protection, endpoint)

    async def close(self) -> None:
        """Stop asking anybody."""
        self._issuers.close()
        await self._tools.close()

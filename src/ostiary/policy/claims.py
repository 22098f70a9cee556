"""What verified claims say about a caller: claims → `Caller`, by the mapping of the configuration. Pure.

Only what the configuration names is read. A claim that is missing, or of another type than its use needs, gives
nothing; none can give more than the mapping lets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from ostiary.core.errors import Unauthenticated
from ostiary.core.model import Caller, Json
from ostiary.policy.scopes import Brings, widened

_MOST: Final = 512
"""Values of one claim. Directories put people into hundreds of groups; more than this is no list of roles."""
_LONGEST: Final = 256


class Source(Struct, frozen=True):
    """Where roles, teams or scopes are found, and what they are called here."""

    claim: str
    names: Mapping[str, str] | None = None
    """The claim's value → our name. Values that are not in it give nothing. None: the values are the names."""


class Reading(Struct, frozen=True):
    """How one issuer's claims are read."""

    issuer: str
    subject: str = "sub"
    roles: Source | None = None
    teams: Source | None = None
    scopes: str = "scope"
    voucher: str = ""
    """The claim that names who vouches for the subject, where the issuer speaks for others; empty: it does itself."""
    brings: Brings = {}
    """The scopes that a granted one brings with it."""


def caller(claims: Json, reading: Reading, proof: str, expires: float) -> Caller:
    """Return whom the claims speak of; `Unauthenticated` where they name nobody."""
    subject = found(claims, reading.subject)
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST or not subject.isprintable():
        raise Unauthenticated(f"the claim {reading.subject} of {reading.issuer} names nobody", hint="invalid token")
    roles, teams = _named(claims, reading.roles), _named(claims, reading.teams)
    client, agent = _client(claims), _agent(claims)
    tags = {"*", f"subject:{subject}", *(f"role:{role}" for role in roles), *(f"team:{team}" for team in teams)}
    tags |= {f"client:{client}"} if client else set()
    tags |= {f"agent:{agent}"} if agent else set()
    voucher = _voucher(claims, reading)
    # Two issuers may call two people the same: a rule that names somebody can say whose word it takes for it.
    tags.add(f"issuer:{voucher}")
    return Caller(
        subject,
        voucher,
        client,
        proof,
        expires,
        roles,
        teams,
        widened(_words(claims.get(reading.scopes)), reading.brings),
        tags=frozenset(tags),
        agent=agent,
        claims=claims,
    )


def _voucher(claims: Json, reading: Reading) -> str:
    if not reading.voucher:
        return reading.issuer
    said = claims.get(reading.voucher)
    if not isinstance(said, str) or not said:
        raise Unauthenticated(f"{reading.issuer} does not say whose subject this is", hint="invalid token")
    return said


def found(claims: Json, name: str) -> Any:
    """Return a claim by its name, or by a path of names with dots between them (`realm_access.roles`)."""
    if name in claims:
        # First the whole name: names that are URLs have dots in them (RFC 7519 section 4.2).
        return claims[name]
    here: Any = claims
    for step in name.split("."):
        if not isinstance(here, Mapping) or step not in here:
            return None
        here = here[step]
    return here


def _named(claims: Json, source: Source | None) -> frozenset[str]:
    if source is None:
        return frozenset()
    values = _values(found(claims, source.claim))
    if source.names is None:
        return frozenset(values)
    return frozenset(source.names[value] for value in values if value in source.names)


def _values(said: Any) -> Iterable[str]:
    values = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    return [value for value in values[:_MOST] if isinstance(value, str) and 0 < len(value) <= _LONGEST]


def _words(said: Any) -> Iterable[str]:
    """Return scopes: one text with blanks (RFC 8693 section 4.2), or a list as some providers write it."""
    return said.split()[:_MOST] if isinstance(said, str) else _values(said)


def _client(claims: Json) -> str:
    """Return the client the token was issued to (RFC 9068 section 2.2; `azp` where a provider has only that)."""
    return next(
        (said for name in ("client_id", "azp", "appid", "cid") if isinstance(said := claims.get(name), str)), ""
    )


def _agent(claims: Json) -> str:
    """Return who acts for the subject now: the outermost `act` (RFC 8693 section 4.1); nobody, if it is the subject."""
    act = claims.get("act")
    actor = act.get("sub") if isinstance(act, Mapping) else None
    return actor if isinstance(actor, str) and 0 < len(actor) <= _LONGEST and actor.isprintable() else ""

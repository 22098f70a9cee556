"""Certificates of clients: tokens that are bound to one (RFC 8705), and callers that have nothing else."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

import re2
from msgspec import Struct

from ostiary.adapters.identity.dpop import Proofs, by_proof
from ostiary.adapters.identity.issuers import Bind
from ostiary.adapters.identity.jwt import refused
from ostiary.core.errors import Unauthenticated
from ostiary.core.model import Caller, Inbound, Json

Mode = Literal["none", "dpop", "mtls", "either"]
_KEY, _CERTIFICATE = "jkt", "x5t#S256"
_NEEDED: Final[Mapping[str, frozenset[str]]] = {
    "none": frozenset(),
    "dpop": frozenset({_KEY}),
    "mtls": frozenset({_CERTIFICATE}),
    "either": frozenset({_KEY, _CERTIFICATE}),
}
_KEPT: Final = 10_000
_LONGEST: Final = 512


def binding(mode: Mode, proofs: Proofs, time: Callable[[], float]) -> Bind:
    """Return the check of what an issuer's tokens are bound to.

    `mode` is what they must be bound to; what they are bound to is checked in every mode, also in `none`.
    """
    needed = _NEEDED[mode]

    async def bind(message: Inbound, claims: Json) -> None:
        if "cnf" not in claims:
            _unbound(message, needed)
            return
        bound = _confirmed(claims["cnf"])
        if needed and needed.isdisjoint(bound):
            raise refused("binding_missing", "not bound to what this issuer's tokens must be bound to")
        if (_KEY in bound) != by_proof(message):
            # RFC 9449 section 7.1: whoever can leave the proof out can use a token that was stolen.
            raise refused("dpop_scheme", "the scheme is not the one of what the token is bound to")
        if _CERTIFICATE in bound:
            _held(message, bound[_CERTIFICATE], time())
        if _KEY in bound:
            await proofs(message, bound[_KEY])

    return bind


def _unbound(message: Inbound, needed: frozenset[str]) -> None:
    if needed:
        raise refused("binding_missing", "not bound to anything, and this issuer's tokens must be")
    if by_proof(message):
        raise refused("dpop_unbound", "sent with the scheme of bound tokens, and bound to nothing")


def _confirmed(said: Any) -> Mapping[str, Any]:
    # RFC 7800 section 3.1 has more members than these: what cannot be checked must not count as checked.
    if not isinstance(said, Mapping) or not said or not said.keys() <= {_KEY, _CERTIFICATE}:
        raise refused("binding_unknown", "bound to something that cannot be checked here")
    return said


def _held(message: Inbound, thumbprint: object, now: float) -> None:
    certificate = message.certificate
    if certificate is None:
        raise refused("mtls_missing", "bound to a certificate, and none came")
    if not isinstance(thumbprint, str) or not hmac.compare_digest(thumbprint.encode(), certificate.thumbprint.encode()):
        raise refused("mtls_wrong_certificate", "bound to another certificate")
    if certificate.expires <= now:
        raise refused("mtls_expired", "the certificate has expired since the connection began")


class Named(Struct, frozen=True):
    """Certificates that say who calls, as configured."""

    name: str
    names: tuple[str, ...]
    """Patterns of subject alternative names."""
    roles: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()


class Holders:
    """Turns the certificate of a connection into a caller, where nothing else came (port `Identify`)."""

    def __init__(self, known: Iterable[Named], time: Callable[[], float]) -> None:
        self._time = time
        self.configure(known)

    def configure(self, known: Iterable[Named]) -> None:
        """Know these from now on."""
        self._known = tuple((each, tuple(map(fitting, each.names))) for each in known)
        self._found: dict[str, Caller] = {}

    async def __call__(self, message: Inbound) -> Caller:
        """Return whom the certificate names, or raise `Unauthenticated`, without a hint: no credential came."""
        certificate = message.certificate
        if certificate is None or "authorization" in message.headers:
            raise Unauthenticated("no_credential: none came")
        if message.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            # A browser shows the certificate for any page that makes it ask; the person behind it did not.
            raise Unauthenticated("mtls_cross_site: another site's page made a browser show the certificate")
        if certificate.expires <= self._time():
            raise Unauthenticated("mtls_expired: the certificate has expired since the connection began")
        found = self._found.get(certificate.thumbprint)
        if found is None:
            found = self._named(certificate.names, certificate.thumbprint, certificate.expires)
            if len(self._found) >= _KEPT:
                del self._found[next(iter(self._found))]
            self._found[certificate.thumbprint] = found
        return found

    def stands(self, found: Caller) -> bool:
        """Say whether a caller of a certificate would still be one, as far as can be known without it."""
        if found.expires <= self._time():
            return False
        try:
            return self._named((found.subject,), found.client, found.expires) == found
        except Unauthenticated:
            return False

    def _named(self, names: tuple[str, ...], thumbprint: str, expires: float) -> Caller:
        for known, patterns in self._known:
            for fits in patterns:
                for name in names:
                    if fits(name):
                        return _caller(known, name, thumbprint, expires)
        raise Unauthenticated("mtls_nobody: the certificate has none of the names that are known here")


def _caller(known: Named, subject: str, thumbprint: str, expires: float) -> Caller:
    tags = {"*", f"subject:{subject}", f"client:{thumbprint}"}
    tags |= {f"role:{role}" for role in known.roles} | {f"team:{team}" for team in known.teams}
    proof = f"mtls:{known.name}"
    tags.add(f"issuer:{proof}")
    return Caller(
        subject, proof, thumbprint, proof, expires, known.roles, known.teams, known.scopes, tags=frozenset(tags)
    )


def fitting(pattern: str) -> Callable[[str], bool]:
    """Return the test whether a name fits a pattern; ValueError where it is none.

    `*` stands for a part of one step, as `/` divides URIs, `.` DNS names and `@` mail addresses; `**` for any steps.
    A pattern is for names of its own kind: one without `:` fits no URI.
    """
    if not pattern or len(pattern) > _LONGEST or not pattern.isascii() or not pattern.isprintable() or " " in pattern:
        raise ValueError("a pattern of names is a URI, a DNS name or a mail address, with * for a part of it")
    divider, others = ("/", "") if ":" in pattern else ("@", ":/") if "@" in pattern else (".", ":/@")
    step = f"[^{re2.escape(divider + others)}]+"
    far = f"[^{re2.escape(others)}]+" if others else ".+"
    text = pattern if ":" in pattern or "@" in pattern else pattern.lower()
    parts = [step.join(map(re2.escape, each.split("*"))) for each in text.split("**")]
    known = re2.compile(far.join(parts))
    return lambda name: known.fullmatch(name) is not None

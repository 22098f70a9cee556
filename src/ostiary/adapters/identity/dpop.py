"""Proofs of possession (RFC 9449): a request comes from whoever holds the key that its token is bound to.

At the door asked only about tokens that are verified: what a proof costs, nobody without one can make us pay. Where
tokens are made there is none yet: such proofs have a small part of the memory to themselves. A refusal looks like any
other, but for one: a client that must use a nonce is told so, and given one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

from ostiary.adapters.identity import jwt
from ostiary.adapters.identity.jwks import Key, key_set
from ostiary.adapters.identity.jwt import refused
from ostiary.adapters.identity.turns import Turns
from ostiary.core.errors import GatewayError, Limited, Overloaded, Unauthenticated
from ostiary.core.model import Inbound, Json
from ostiary.protocol.challenge import NONCE

ALGORITHMS: Final = ("ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "RS256")
"""What proofs may be signed with, the best first: what clients are told."""
MOST: Final = 8 * 1024
_TYPES: Final = frozenset({"dpop+jwt", "application/dpop+jwt"})
_MEMBERS: Final = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
"""RFC 7638 section 3.2, RFC 8037 section 2: what makes a key that key, in the order of a thumbprint."""
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_LETTERS: Final = re.compile(r"[A-Za-z0-9_-]+")
# A key comes with the proof, so its cost is its sender's choice: 4,096 bits, and an exponent of 32.
_LONGEST_N: Final = 683
_LONGEST_E: Final = 6
_LONGEST_JTI: Final = 256
_KEPT_KEYS: Final = 4096
_SLOT: Final = 8
"""Seconds: uses of proofs are forgotten so many at a time."""
_TAG: Final = 16


class Rules(Struct, frozen=True):
    """What a proof must be like. Times in seconds."""

    algorithms: frozenset[str] = frozenset(ALGORITHMS)
    window: float = 60.0
    """How old a proof may be."""
    skew: float = 30.0
    most: int = 200_000
    """Proofs that are remembered because they could be sent again."""
    share: int = 50_000
    """Of these, one key's: nobody who is let in can keep others out."""
    opened: int = 20_000
    """Of these, those that came without a token: whoever asks for one keeps nobody out who has one."""


def by_proof(message: Inbound) -> bool:
    """Say whether a request claims to hold the key of its token: the scheme of its Authorization header decides."""
    return message.headers.get("authorization", "")[:5].lower() == "dpop "


class Nonces:
    """Makes and knows nonces without remembering any: each is a time, and our mark on it (RFC 9449 section 8).

    With a secret that is new at each start, no proof outlives a restart, which forgets what was used.
    """

    def __init__(self, secret: bytes, time: Callable[[], float], lives: float = 300.0) -> None:
        self._secret, self._time, self._lives = secret, time, lives

    def made(self) -> str:
        """Return a nonce."""
        when = int(self._time()).to_bytes(8, "big")
        return base64.urlsafe_b64encode(when + self._mark(when)).decode()

    def good(self, nonce: object) -> bool:
        """Say whether this is a nonce of ours that still counts."""
        if not isinstance(nonce, str) or len(nonce) != 4 * (8 + _TAG) // 3 or not nonce.isascii():
            return False
        try:
            found = base64.b64decode(nonce, altchars=b"-_", validate=True)
        except ValueError:
            return False
        when, age = found[:8], self._time() - int.from_bytes(found[:8], "big")
        return hmac.compare_digest(found[8:], self._mark(when)) and -1.0 <= age <= self._lives

    def following(self, nonce: object) -> str:
        """Return the nonce to use after this good one; empty, while it is young (RFC 9449 section 8.2)."""
        text = str(nonce)
        age = self._time() - int.from_bytes(base64.urlsafe_b64decode(text)[:8], "big")
        return self.made() if age > self._lives / 2 else ""

    def _mark(self, when: bytes) -> bytes:
        return hmac.digest(self._secret, b"ostiary dpop nonce\0" + when, "sha256")[:_TAG]


class Uses:
    """Remembers which proofs were used, for as long as they could be used again; never forgets one to make room."""

    def __init__(self, most: int, share: int, opened: int = 0) -> None:
        """Remember `most`: of these `share` of any one key, and `opened` that came without a token."""
        self._most, self._share, self._opened = most, share, opened
        self._seen: set[bytes] = set()
        self._slots: dict[int, list[tuple[str, bytes]]] = {}
        self._each: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def use(self, key: str, jti: str, until: float, now: float, *, opened: bool = False) -> bool:
        """Say whether this is the first use of a proof; raise where it could not be remembered."""
        # Keys cost nothing, so without a token there is no share of a key, but one for all of them.
        account, share = ("", self._opened) if opened else (key, self._share)
        self._forget(now)
        mark = hashlib.sha256(f"{key}.{jti}".encode()).digest()[:_TAG]
        if mark in self._seen:
            return False
        if len(self._seen) >= self._most:
            raise Overloaded("dpop_full: no more proofs can be remembered", retry_after=float(_SLOT))
        if self._each.get(account, 0) >= share:
            whose = (
                "dpop_opened: no more proofs without a token" if opened else "dpop_share: no more proofs of this key"
            )
            raise Limited(f"{whose} can be remembered", retry_after=float(_SLOT))
        self._seen.add(mark)
        self._each[account] = self._each.get(account, 0) + 1
        self._slots.setdefault(int(until) // _SLOT, []).append((account, mark))
        return True

    def _forget(self, now: float) -> None:
        for slot in [slot for slot in self._slots if (slot + 1) * _SLOT <= now]:
            for key, mark in self._slots.pop(slot):
                self._seen.discard(mark)
                self._each[key] -= 1
                if not self._each[key]:
                    del self._each[key]


class Proof(Struct, frozen=True):
    """A well-formed proof, not verified yet."""

    token: jwt.Unverified
    key: dict[str, str]
    thumbprint: str


class Possession(Struct, frozen=True):
    """What was proven by a proof that came without a token."""

    thumbprint: str
    """Of the key."""
    nonce: str = ""
    """For the client's next proof; empty: the one it used will do."""


class Proofs:
    """Checks proofs: whose key it is, for which request, and that it was not used before."""

    def __init__(
        self, url: str, time: Callable[[], float], nonces: Nonces | None = None, rules: Rules | None = None
    ) -> None:
        """`url` is the gateway's own, without a path. Without `nonces`, none is asked for."""
        self._url, self._time, self._nonces = url, time, nonces
        self._rules = rules or Rules()
        self._uses = Uses(self._rules.most, self._rules.share, self._rules.opened)
        self._keys: dict[str, Key] = {}
        self._turns = Turns()

    async def __call__(self, message: Inbound, thumbprint: object) -> None:
        """Return if the request proves that it has the key with this thumbprint; raise `Unauthenticated` if not."""
        proof = read(sent(message), self._rules.algorithms)
        if not isinstance(thumbprint, str) or proof.thumbprint != thumbprint:
            raise refused("dpop_wrong_key", "proven with another key than the token is bound to")
        claims = proof.token.claims
        if not self._here(claims.get("htu"), message):
            raise refused("dpop_url", "for another address")
        if claims.get("ath") != digest(message.credential or ""):
            raise refused("dpop_token", "for another token")
        self._fits(claims, message.verb)
        await self._turns.mine()
        self._used(proof, opened=False)

    async def held(self, verb: str, url: str, sent: Sequence[str]) -> Possession:
        """Return the key that a request to `url` proves to have, which brings no token (RFC 9449 section 5).

        `sent` is each DPoP header that came. Raise `Unauthenticated` if it does not.
        """
        proof = read(single(sent), self._rules.algorithms)
        claims = proof.token.claims
        if not _same(claims.get("htu"), url, url):
            raise refused("dpop_url", "for another address")
        self._fits(claims, verb)
        await self._turns.mine()
        self._used(proof, opened=True)
        return Possession(proof.thumbprint, self._nonces.following(claims["nonce"]) if self._nonces else "")

    def _used(self, proof: Proof, *, opened: bool) -> None:
        """Refuse a proof that is not its key's, has no good nonce, or was used before. From now on it was.

        Nothing is waited for: of two that come together only one can be the first.
        """
        claims, rules = proof.token.claims, self._rules
        if not jwt.signed(proof.token, self._key(proof)):
            raise refused("dpop_signature", "the proof's signature does not verify")
        if self._nonces is not None and not self._nonces.good(claims.get("nonce")):
            raise Unauthenticated(
                "dpop_nonce: without a nonce that counts", hint=jwt.INVALID, data={NONCE: self._nonces.made()}
            )
        until = claims["iat"] + rules.window + rules.skew
        if not self._uses.use(proof.thumbprint, claims["jti"], until, self._time(), opened=opened):
            raise refused("dpop_replayed", "this proof was used before")

    def _fits(self, claims: Json, verb: str) -> None:
        """Refuse a proof for another method or another time, or that has no name (RFC 9449 section 4.3)."""
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI or not jti.isprintable():
            raise refused("dpop_jti", "its jti is no short text")
        if claims.get("htm") != verb:
            raise refused("dpop_method", "for another method")
        self._timely(claims)

    def _timely(self, claims: Json) -> None:
        now, rules = self._time(), self._rules
        said = {name: claims[name] for name in ("iat", "exp", "nbf") if name in claims}
        if any(isinstance(each, bool) or not isinstance(each, int | float) for each in said.values()):
            raise refused("dpop_time", "its times are no times")
        issued = said.get("iat", 0)
        if not now - rules.window - rules.skew <= issued <= now + rules.skew:
            raise refused("dpop_stale", "made too long ago, or in the future; or it does not say when")
        if said.get("exp", now) + rules.skew < now or said.get("nbf", now) - rules.skew > now:
            raise refused("dpop_stale", "it says itself that it does not count now")

    def _here(self, said: object, message: Inbound) -> bool:
        path = message.endpoint
        if message.channel is not None:
            # The address that this transport has beside every endpoint is the one that the client knows.
            path = f"{path.removesuffix('/mcp')}/sse"
        place = f"{self._url}{path}"
        return said == place or _same(said, place, f"{self._url}{quote(path, _PATH)}")

    def _key(self, proof: Proof) -> Key:
        found = self._keys.get(proof.thumbprint)
        if found is None or proof.token.algorithm not in found.algorithms:
            found = _imported(proof)
            if len(self._keys) >= _KEPT_KEYS:
                del self._keys[next(iter(self._keys))]
            self._keys[proof.thumbprint] = found
        return found


def sent(message: Inbound) -> str:
    """Return the one proof of a request."""
    text = message.headers.get("dpop")
    return single(() if text is None else (text, text) if "dpop" in message.doubled else (text,))


def single(texts: Sequence[str]) -> str:
    """Return the one proof that came, of a length that can be read."""
    if not texts:
        raise refused("dpop_missing", "no proof came")
    if len(texts) > 1:
        raise refused("dpop_doubled", "more than one proof came")
    if len(texts[0]) > MOST:
        raise refused("dpop_oversized", f"more than {MOST} characters")
    return texts[0]


def read(text: str, algorithms: Iterable[str] = ALGORITHMS) -> Proof:
    """Return the parts of a proof; raise where its form or its header alone is reason to refuse it."""
    parts = text.split(".")
    if len(parts) != 3 or not text.isascii():  # noqa: PLR2004 - RFC 7515 section 3.1
        raise refused("dpop_malformed", "not three parts")
    try:
        header, claims = jwt.opened(jwt.decoded(parts[0])), jwt.opened(jwt.decoded(parts[1]))
    except Unauthenticated as error:
        raise refused("dpop_malformed", error.detail) from error
    kind, algorithm, key = header.get("typ"), header.get("alg"), header.get("jwk")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise refused("dpop_typ", "not declared as a proof of possession")
    if not isinstance(algorithm, str) or algorithm not in algorithms or algorithm not in ALGORITHMS:
        raise refused("dpop_alg_refused", "not an algorithm that proofs may have")
    if "crit" in header or "b64" in header:
        raise refused("dpop_crit", "the header has extensions that must be understood")
    members = public(key)
    first, second, third = (part.encode() for part in parts)
    token = jwt.Unverified(algorithm, None, kind, claims, (first, second, third))
    return Proof(token, members, thumbprinted(members))


def public(key: Any) -> dict[str, str]:
    """Return what makes a public JWK that key; refuse one that says more than it should."""
    if not isinstance(key, dict) or not isinstance(key.get("kty"), str) or key["kty"] not in _MEMBERS:
        raise refused("dpop_key", "it brings no public key")
    if not _PRIVATE.isdisjoint(key):
        raise refused("dpop_private", "it brings a private key, which now is none any more")
    members = {name: key.get(name) for name in _MEMBERS[key["kty"]]}
    if key["kty"] == "RSA" and (len(str(members["n"])) > _LONGEST_N or len(str(members["e"])) > _LONGEST_E):
        raise refused("dpop_key", "its key costs more than one that is as good")
    if not all(isinstance(each, str) and (_LETTERS.fullmatch(each)) for each in members.values()):
        raise refused("dpop_key", "its key is not well-formed")
    return {name: str(each) for name, each in members.items()}


def thumbprinted(members: dict[str, str]) -> str:
    """Return the thumbprint of a key (RFC 7638)."""
    return digest(json.dumps(members, sort_keys=True, separators=(",", ":")))


def digest(text: str) -> str:
    """Return the SHA-256 of a text, as base64url without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _imported(proof: Proof) -> Key:
    try:
        found = key_set({"keys": [proof.key]}).keys[0]
    except GatewayError as error:
        raise refused("dpop_key", "its key is not one that proofs may have") from error
    if proof.token.algorithm not in found.algorithms:
        raise refused("dpop_key", "its key is not for its algorithm")
    return found


_URL: Final = re.compile(r"(https?)://([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?(/[!-~]*)?", re.IGNORECASE)
_ESCAPED: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_PATH: Final = "/:@!$&'()*+,;=~"
"""RFC 3986 section 3.3: what a path is made of."""
_OWN: Final = {"http": "80", "https": "443"}
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_LONGEST_URL: Final = 2048


def _same(said: object, place: str, spelled: str) -> bool:
    """Say whether a proof is for this address, whose path may be written in another way."""
    return said == place or (isinstance(said, str) and normal(said) == normal(spelled) != "")


def normal(url: str) -> str:
    """Return a URL in its one spelling (RFC 3986 sections 6.2.2 and 6.2.3); nothing for one with a query, or none."""
    found = _URL.fullmatch(url) if len(url) <= _LONGEST_URL else None
    if found is None or "?" in url or "#" in url:
        return ""
    scheme, host, port = found[1].lower(), found[2].lower(), (found[3] or "").lstrip("0")
    path = "/".join(_without_dots(_ESCAPED.sub(_spelled, found[4] or "/")))
    return f"{scheme}://{host}{f':{port}' if port not in {'', _OWN[scheme]} else ''}{path}"


def _spelled(escaped: re.Match[str]) -> str:
    letter = chr(int(escaped[1], 16))
    return letter if letter in _UNRESERVED else f"%{escaped[1].upper()}"


def _without_dots(path: str) -> list[str]:
    kept: list[str] = []
    steps = path.split("/")
    for step in steps:
        if step == "..":
            kept = kept[:-1] if len(kept) > 1 else kept
        elif step != ".":
            kept.append(step)
    if steps[-1] in {".", ".."}:
        kept.append("")
    return kept

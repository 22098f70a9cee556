"""The keys that access tokens are signed with: made by the calendar, sealed on disk, shown before and after their use.

Time is cut into periods. Each has one key, whose file is named after it, so that any number of processes agree on it
without talking: whoever needs a key first makes it, and the others find it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from msgspec import Struct

ALGORITHM: Final = "ES256"
_PURPOSE: Final = "oauth.signing-key"
_PREFIX: Final = "oauth-"
_SUFFIX: Final = ".key"
_DAY: Final = 86_400.0


class Seal(Protocol):
    """Makes tokens that only this gateway can read, and opens them; the purpose is bound in."""

    def close(self, purpose: str, content: bytes, /) -> str:
        """Return the token that holds `content`."""

    def open(self, purpose: str, token: str, /) -> bytes:
        """Return what a token holds; ValueError where it is not one of ours, for this purpose."""


class Rotation(Struct, frozen=True):
    """How long a key lives."""

    period: float = 30 * _DAY
    """Seconds that one key signs."""
    before: float = _DAY
    """Seconds that it is shown before it signs, so that whoever keeps our keys knows it in time."""
    after: float = 3600.0
    """Seconds that it is shown after it signed; longer than any token lives."""


class Key(Struct, frozen=True):
    """A signing key."""

    period: int
    kid: str
    mark: tuple[int, int]
    """Which file it was read from: another process may have put another one in its place."""
    pair: Any

    def __repr__(self) -> str:
        """Show everything but the key."""
        return f"Key(period={self.period}, kid={self.kid!r}, pair=…)"


class Keyring:
    """All signing keys that are in use, and the one that signs now."""

    def __init__(self, data: Path, seal: Seal, time: Callable[[], float], rotation: Rotation | None = None) -> None:
        """Keep them in `data`, the folder of gateway.data."""
        self._folder = data / "keys"
        self._seal, self._time, self.rotation = seal, time, rotation or Rotation()
        self._keys: dict[int, Key] = {}

    def sign(self, kind: str, claims: Mapping[str, Any]) -> str:
        """Return a JWT of this `typ`, signed with the key of the present period."""
        key = self._key(self._period(self._time()))
        header = {"alg": ALGORITHM, "typ": kind, "kid": key.kid}
        return jwt.encode(header, dict(claims), key.pair, algorithms=[ALGORITHM])

    def read(self, token: str) -> Mapping[str, Any] | None:
        """Return what a token of ours says, even one that has expired; None where it is none of ours."""
        self._shown()
        for key in self._keys.values():
            try:
                return jwt.decode(token, key.pair, algorithms=[ALGORITHM]).claims
            except (JoseError, ValueError):
                continue
        return None

    def public(self) -> dict[str, Any]:
        """Return the key set (RFC 7517): every key whose tokens may be good, or soon will be."""
        shown = [self._keys[period] for period in self._shown()]
        return {"keys": [{**_public(key.pair), "kid": key.kid, "use": "sig", "alg": ALGORITHM} for key in shown]}

    def discard(self, kid: str) -> bool:
        """Destroy a key, and with it every token it signed; the next use makes another. False: there is none."""
        self._shown()
        for period in [period for period, key in self._keys.items() if key.kid == kid]:
            self._path(period).unlink(missing_ok=True)
            del self._keys[period]
            return True
        return False

    def _period(self, now: float) -> int:
        return int(now // self.rotation.period)

    def _shown(self) -> list[int]:
        """Bring memory and disk up to date and return the periods whose keys are shown, the present one first."""
        now = self._time()
        present, following = self._period(now), self._period(now + self.rotation.before)
        for period in {present, following}:
            self._key(period)
        former = self._period(now - self.rotation.after)
        if former != present and self._path(former).exists():
            self._key(former)
        self._forget(former)
        # A clock that was set back leaves keys of the future behind; what they signed is not valid yet.
        return [present, *sorted(period for period in self._keys if period != present and former <= period)]

    def _forget(self, before: int) -> None:
        for path in self._folder.glob(f"{_PREFIX}*{_SUFFIX}"):
            number = path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)
            if number.isdigit() and int(number) < before:
                path.unlink(missing_ok=True)
        for period in [period for period in self._keys if period < before]:
            del self._keys[period]

    def _path(self, period: int) -> Path:
        return self._folder / f"{_PREFIX}{period}{_SUFFIX}"

    def _key(self, period: int) -> Key:
        """Return the key of a period, made on first use."""
        path, known = self._path(period), self._keys.get(period)
        mark = _mark(path)
        if mark is None:
            self._make(path)
        if known is None or mark != known.mark:
            self._keys[period] = self._read(path, period)
        return self._keys[period]

    def _make(self, path: Path) -> None:
        pem = ECKey.generate_key("P-256", private=True).as_pem(private=True)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._folder / f".{path.name}.{secrets.token_hex(8)}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(self._seal.close(_PURPOSE, pem).encode())
                file.flush()
                os.fsync(file.fileno())
            # A link is whole or not there, and there once: of two processes that make a key, one finds the other's.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)

    def _read(self, path: Path, period: int) -> Key:
        try:
            pair = ECKey.import_key(self._seal.open(_PURPOSE, path.read_text()))
        except ValueError as error:
            raise ValueError(
                f"{path} was not sealed by this gateway; restore it from a backup, or remove it"
            ) from error
        return Key(period, str(pair.thumbprint()), _mark(path) or (0, 0), pair)


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _public(pair: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(pair.as_dict(private=False))
    return {name: found[name] for name in ("kty", "crv", "x", "y")}

"""What the ledger says of payloads, held against those that there are; and one of them, opened for an auditor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec import Struct

from ostiary.adapters.store.captures import SUITE
from ostiary.adapters.store.captures_gone import EVENTS, noted
from ostiary.adapters.store.captures_places import captures_folder, gone_folder, key_file, payload_file
from ostiary.adapters.store.ledger_read import ledger_directory, lines, segments
from ostiary.core.capturing import Half
from ostiary.integrity.sealing import (
    Head,
    Sealed,
    Unopenable,
    digest,
    fingerprint,
    head,
    is_class,
    is_ident,
    is_reference,
    opened,
)

_MARKS: Final = (b'"capture":[', b'"kind":"payloads_')
_KINDS: Final = {event: kind for kind, event in EVENTS.items()}
_MOST: Final = 100
_GONE: Final = {"erased": "it was erased, with its person's keys", "expired": "it was kept as long as its class says"}


class Payloads(Struct):
    """What became of the payloads that the ledger names."""

    whole: int = 0
    erased: int = 0
    expired: int = 0
    problems: list[str] = []
    """The first of them."""
    more: int = 0

    @property
    def ok(self) -> bool:
        """Everything is there that should be, as it was."""
        return not self.problems

    def wrong(self, text: str) -> None:
        """Take note of a problem, or that there is one more."""
        if len(self.problems) < _MOST:
            self.problems.append(text)
        else:
            self.more += 1


class Opened(Struct, frozen=True):
    """A payload in clear, and what was said of it."""

    head: Head
    key: Sealed
    text: bytes


class _Kept(Struct, rename={"name": "class"}):
    name: str
    key: str
    half: Half
    sha256: str


def any_payloads(data: Path) -> bool:
    """Say whether anything was ever kept in a data folder."""
    return captures_folder(data).is_dir()


def payloads(data: Path) -> Payloads:
    """Hold every payload that the ledger names against what is there; what was destroyed is no problem."""
    found, why = Payloads(), _noted(data)
    missing: dict[str, list[str]] = {}
    keys: dict[str, str | None] = {}
    for reference, kept, gone in _said(data):
        why |= gone
        for each in kept:
            wrong = _wrong(data, reference, each, keys)
            if wrong is None:
                found.whole += 1
            else:
                missing.setdefault(each.key, []).append(f"the {each.half} of {reference}: {wrong}")
    for key, texts in missing.items():
        kind = why.get(key)
        if kind is None:
            for text in texts:
                found.wrong(text)
        else:
            setattr(found, kind, getattr(found, kind) + len(texts))
    return found


def _wrong(data: Path, reference: str, kept: _Kept, keys: dict[str, str | None]) -> str | None:
    if not (is_reference(reference) and is_ident(kept.key) and is_class(kept.name)):
        return "the ledger names it in a way that no gateway does"
    try:
        payload = payload_file(data, kept.name, kept.key, reference, kept.half).read_bytes()
    except FileNotFoundError:
        return "it is missing, and the ledger does not say that it was destroyed"
    if digest(payload) != kept.sha256:
        return "it is not the one that the ledger vouches for"
    if kept.key not in keys:
        path = key_file(data, kept.name, kept.key)
        keys[kept.key] = digest(path.read_bytes()) if path.is_file() else None
    if keys[kept.key] is None:
        return "its key is missing, and the ledger does not say that it was destroyed"
    try:
        return None if head(payload).sealed == keys[kept.key] else "its key was changed, and opens nothing any more"
    except Unopenable as error:
        return str(error)


def _noted(data: Path) -> dict[str, str]:
    """Return why keys are gone of which the ledger does not tell yet."""
    if not gone_folder(data).is_dir():
        return {}
    return {key: gone.kind for gone in noted(data) for _, key in gone.keys}


def _said(data: Path) -> Iterator[tuple[str, list[_Kept], dict[str, str]]]:
    """Yield what records say: a reference with what was kept of the call, or the keys that are gone."""
    for number, path in segments(ledger_directory(data)):
        for line in lines(number, path):
            if not any(mark in line.raw for mark in _MARKS):
                continue
            try:
                record = msgspec.json.decode(line.raw)
            except msgspec.MsgspecError:
                # The chain's own proof says so.
                continue
            yield _read(record)


def _read(record: Mapping[str, Any]) -> tuple[str, list[_Kept], dict[str, str]]:
    if record.get("type") == "event":
        kind = _KINDS.get(str(record.get("kind")))
        return "", [], dict.fromkeys(record.get("keys", ()), kind) if kind is not None else {}
    try:
        return str(record.get("reference")), msgspec.convert(record.get("capture", []), list[_Kept]), {}
    except msgspec.ValidationError:
        return "", [], {}


def open_payload(data: Path, private: X25519PrivateKey, reference: str, half: Half) -> Opened:
    """Return what was kept of a call, in clear; raise `Unopenable`, which says why it cannot be."""
    wanted, why = None, _noted(data)
    for told, kept, gone in _said(data):
        why |= gone
        if told == reference:
            wanted = next((each for each in kept if each.half is half), wanted)
    if wanted is None:
        raise Unopenable(f"the ledger knows of no {half} that were kept of {reference}")
    wrong = _wrong(data, reference, wanted, {})
    if wrong is not None:
        raise Unopenable(_GONE.get(why.get(wanted.key, ""), wrong))
    payload = payload_file(data, wanted.name, wanted.key, reference, half).read_bytes()
    said = head(payload)
    if (said.reference, said.half, said.name, said.key) != (reference, half, wanted.name, wanted.key):
        raise Unopenable("it is another call's")
    sealed = msgspec.json.decode(key_file(data, wanted.name, wanted.key).read_bytes(), type=Sealed)
    return Opened(said, sealed, opened(_unsealed(sealed, private), payload))


def _unsealed(sealed: Sealed, private: X25519PrivateKey) -> bytes:
    own = fingerprint(private.public_key().public_bytes_raw())
    if own != sealed.to:
        raise Unopenable(f"it was sealed for the key {sealed.to}, and this is {own}")
    try:
        return SUITE.decrypt(sealed.sealed, private, info=sealed.info())
    except (InvalidTag, ValueError):
        raise Unopenable("its key was changed, and opens nothing any more") from None

"""Payloads of calls, kept sealed on the disk beside the event loop. Implements `Capturing`.

Each person has a key of their own for each class and day. It is in memory while it is used, and on the disk only as
it was sealed for the auditors: this process can write, and read nothing of what it wrote before it began.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from msgspec import Struct

from ostiary.adapters.durable import synced
from ostiary.adapters.store.captures_places import (
    captures_folder,
    key_file,
    payload_file,
    payload_folder,
    written,
)
from ostiary.core.capturing import Capture, Captured, Half
from ostiary.core.errors import NotCaptured
from ostiary.core.model import Caller, Json
from ostiary.integrity.sealing import KEY, NONCE, Head, Sealed, closed, digest, fingerprint, ident, until

SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_BATCH: Final = 64
_WAITING: Final = 1024
_OCTETS: Final = 64 * 1024 * 1024
"""How much may wait for the disk: payloads, and their bytes."""
_KEYS: Final = 4096
"""Keys in memory; whoever was not heard of for the longest time gets a new one."""
_PATIENCE: Final = 10.0
"""Seconds that a call waits for the disk."""

Room = Callable[[Path], int]
"""Folder → the bytes that are free there."""


class Terms(Struct, frozen=True):
    """What holds for a class."""

    keep: float
    size: int


class _Person(NamedTuple):
    name: str
    issuer: str
    subject: str


class _Job(NamedTuple):
    person: _Person
    half: Half
    reference: str
    text: bytes
    size: int


def free(folder: Path) -> int:
    """Return how many bytes are free for us where a folder is."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _text(said: Json) -> bytes:
    try:
        return msgspec.json.encode(said)
    except UnicodeEncodeError:
        # Half a surrogate pair cannot be UTF-8, and must not be a way to call without being kept.
        return json.dumps(said, separators=(",", ":")).encode()


class Captures:
    """Keeps payloads. Calls wait for one thread, which brings what came in the meantime to the disk together."""

    def __init__(
        self, data: Path, to: bytes, terms: Mapping[str, Terms], *, spare: int, time: Callable[[], float],
        room: Room = free, chance: Callable[[int], bytes] = os.urandom,
    ) -> None:  # fmt: skip
        """Seal for the public key `to`; what stays free on the disk is `spare`."""
        self._data, self._to, self._terms = data, X25519PublicKey.from_public_bytes(to), terms
        self._spare, self._time, self._room, self._chance = spare, time, room, chance
        self._name = fingerprint(to)
        captures_folder(data).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._worker = ThreadPoolExecutor(1, "captures")
        self._keys: OrderedDict[_Person, tuple[str, bytes, str]] = OrderedDict()
        """Id, key and the digest of its file; touched by the worker only."""
        self._queue: list[tuple[_Job, asyncio.Future[Captured]]] = []
        self._octets, self._busy = 0, False
        self.failing = ""
        """Why the newest payload could not be kept; empty: it was."""

    async def __call__(self, capture: Capture, half: Half, caller: Caller, reference: str, said: Json, /) -> Captured:
        """Keep one half of a call; raise `NotCaptured` where that cannot be done."""
        terms = self._terms.get(capture.name)
        if terms is None:
            raise NotCaptured(f"no class {capture.name}", hint=f"the {half} cannot be kept")
        text = _text(said)
        if len(self._queue) >= _WAITING or self._octets > _OCTETS:
            raise NotCaptured("too many payloads wait for the disk", hint=f"the {half} cannot be kept now")
        person = _Person(capture.name, caller.issuer, caller.subject)
        kept: asyncio.Future[Captured] = asyncio.get_running_loop().create_future()
        self._queue.append((_Job(person, half, reference, text[: terms.size], len(text)), kept))
        self._octets += min(len(text), terms.size)
        self._begin()
        try:
            async with asyncio.timeout(_PATIENCE):
                return await kept
        except TimeoutError:
            self.failing = f"the disk took longer than {_PATIENCE:g} s"
        except OSError as error:
            self.failing = error.strerror or type(error).__name__
        raise NotCaptured(f"a payload could not be kept: {self.failing}", hint=f"the {half} cannot be kept now")

    async def forget(self, issuer: str, subject: str) -> None:
        """Use none of a person's keys from now on."""
        await asyncio.get_running_loop().run_in_executor(self._worker, self._forgotten, issuer, subject)

    async def close(self) -> None:
        """Let what waits reach the disk, and let go of every key."""
        await asyncio.to_thread(self._worker.shutdown)
        self._keys.clear()

    # On the event loop.

    def _begin(self) -> None:
        if self._busy or not self._queue:
            return
        batch, self._queue = self._queue[:_BATCH], self._queue[_BATCH:]
        self._octets -= sum(len(job.text) for job, _ in batch)
        self._busy = True
        writing = asyncio.get_running_loop().run_in_executor(self._worker, self._written, [job for job, _ in batch])
        writing.add_done_callback(lambda done: self._end(batch, done))

    def _end(
        self, batch: list[tuple[_Job, asyncio.Future[Captured]]], done: asyncio.Future[list[Captured | OSError]]
    ) -> None:
        self._busy = False
        broken = done.exception()
        found = [OSError(errno.EIO, str(broken))] * len(batch) if broken is not None else done.result()
        for (_, kept), each in zip(batch, found, strict=True):
            if kept.done():
                # Whoever waited for it is gone; the payload belongs to no record, and ends with its key.
                continue
            if isinstance(each, OSError):
                kept.set_exception(each)
            else:
                kept.set_result(each)
                self.failing = ""
        self._begin()

    # In the worker.

    def _written(self, jobs: list[_Job]) -> list[Captured | OSError]:
        left = self._room(self._data)
        if left < self._spare:
            full = OSError(errno.ENOSPC, f"only {left:,} bytes are free, and {self._spare:,} have to stay free")
            return [full] * len(jobs)
        folders: set[Path] = set()
        found = [self._tried(job, folders) for job in jobs]
        try:
            for folder in folders:
                with suppress(FileNotFoundError):
                    # What was destroyed in this moment needs no name any more.
                    synced(folder)
        except OSError as error:
            return [error] * len(jobs)
        return found

    def _tried(self, job: _Job, folders: set[Path]) -> Captured | OSError:
        try:
            try:
                return self._kept(job, folders)
            except FileNotFoundError:
                # Its key was destroyed in this moment, with the folder of all that it sealed.
                self._keys.pop(job.person, None)
                return self._kept(job, folders)
        except OSError as error:
            return error

    def _kept(self, job: _Job, folders: set[Path]) -> Captured:
        key_id, key, sealed = self._key(job.person)
        cut = len(job.text) < job.size
        head = Head(job.reference, job.half, job.person.name, key_id, sealed, job.size, cut)
        payload = closed(key, self._chance(NONCE), head, job.text)
        path = payload_file(self._data, job.person.name, key_id, job.reference, job.half)
        written(path, payload)
        folders.add(path.parent)
        return Captured(job.person.name, key_id, job.half, digest(payload), job.size, cut)

    def _key(self, person: _Person) -> tuple[str, bytes, str]:
        """Return the key of a person and class, made where there is none that is still good."""
        now, found = self._time(), self._keys.get(person)
        if found is not None and now < until(found[0]):
            self._keys.move_to_end(person)
            return found
        name, key = ident(now, self._terms[person.name].keep, self._chance(8)), self._chance(KEY)
        made = self._keys[person] = (name, key, self._keep_key(name, key, person))
        while len(self._keys) > _KEYS:
            self._keys.popitem(last=False)
        return made

    def _keep_key(self, name: str, key: bytes, person: _Person) -> str:
        """Write a key down as only auditors can read it, before anything is sealed with it; return its digest."""
        sealed = Sealed(name, person.name, person.issuer, person.subject, self._name)
        sealed = msgspec.structs.replace(sealed, sealed=SUITE.encrypt(key, self._to, info=sealed.info()))
        content = msgspec.json.encode(sealed)
        folder = payload_folder(self._data, person.name, name)
        folder.mkdir(mode=0o700, parents=True)
        path = key_file(self._data, person.name, name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            written(path, content)
            synced(path.parent)
            synced(folder.parent)
        except OSError:
            with suppress(OSError):
                folder.rmdir()
            raise
        return digest(content)

    def _forgotten(self, issuer: str, subject: str) -> None:
        for each in [each for each in self._keys if (each.issuer, each.subject) == (issuer, subject)]:
            del self._keys[each]

"""A second place for checkpoints in an object store: what is new is an object of its own, and none is written twice."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from ostiary.adapters.store.checkpoint_files import ended, since, tail
from ostiary.adapters.store.object_store import ObjectStore
from ostiary.adapters.store.second_place import Astray, reached
from ostiary.integrity.chain import chain_id

_NAME: Final = re.compile(r"(\d{12})\.jsonl")
_PAGE: Final = 1000
_PAGES: Final = 10_000
_AT_ONCE: Final = 16


class _Numbered(Struct):
    n: int


class ObjectPlace:
    """Objects `PREFIX CHAIN/000000000042.jsonl`, each named by the first checkpoint in it."""

    def __init__(self, store: ObjectStore, where: str, prefix: str, key: Ed25519PublicKey) -> None:
        """`where` is what people call the bucket; `key` is the ledger's public key."""
        self._store, self._key, self._folder = store, key, f"{prefix}{chain_id(key)}/"
        self.name = f"{where}/{self._folder}"
        self._offset: int | None = None
        """How much of the source was delivered; None: not known."""

    def agreed(self, source: Path) -> None:
        """Raise `Astray` if the place knows checkpoints that `source` does not; one that is away says nothing."""
        try:
            self._reached(source)
        except OSError:
            return

    def deliver(self, source: Path, end: int) -> None:
        """Bring it every checkpoint of `source` before `end` that it does not have, or raise OSError or `Astray`."""
        offset = self._reached(source) if self._offset is None else self._offset
        self._offset = None
        for piece in since(source, offset, end):
            name = self._named(msgspec.json.decode(piece[: piece.index(b"\n")], type=_Numbered).n)
            if not self._store.put(name, piece):
                # An attempt whose answer was lost, or somebody else: looked at before the next one.
                raise OSError(errno.EEXIST, f"there is an object {name} already")
            offset += len(piece)
        self._offset = offset

    def gathered(self, folder: Path) -> int:
        """Copy every object that is not there yet into a folder, and return how many there are."""
        names = list(self._names(0))
        fresh = [name for name in names if not (folder / name.rpartition("/")[2]).exists()]

        def copied(name: str) -> None:
            target = folder / name.rpartition("/")[2]
            draft = target.with_suffix(".part")
            draft.write_bytes(self._store.fetch(name))
            draft.replace(target)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(copied, fresh):
                pass
        return len(names)

    def _named(self, n: int) -> str:
        return f"{self._folder}{n:012d}.jsonl"

    def _number(self, name: str) -> int:
        found = _NAME.fullmatch(name, len(self._folder))
        if found is None:
            raise Astray(f"there is {name} among the checkpoints, which no gateway writes; move it away")
        return int(found[1])

    def _reached(self, source: Path) -> int:
        newest = self._newest(tail(source, self._key).n)
        if not newest:
            return 0
        found = ended(self._store.fetch(newest), self._key)
        if found.last is None and found.wrong is None:
            raise Astray(f"the object {newest} has no whole checkpoint in it; move it away, and keep it")
        if found.wrong is not None and found.wrong.kind not in ("foreign", "version"):
            raise Astray(f"the object {newest} is not as it was written: {found.wrong.text}; move it away, and keep it")
        return reached(self.name, found, source)

    def _newest(self, known: int) -> str:
        """Return the name of the newest object, or nothing; it is looked for around where it should be."""
        low = max(0, known - _PAGE)
        found = ""
        for found in self._names(low):
            self._number(found)
        return found or self._earlier(low)

    def _earlier(self, high: int) -> str:
        """Return the newest object of those up to a number, of which there may be a million, or nothing."""
        low, newest = 0, ""
        while low < high:
            middle = (low + high) // 2 if newest else 0
            found = self._store.names(self._folder, self._named(middle), 1)
            if found:
                newest, low = found[0], self._number(found[0])
            else:
                high = middle
        return newest

    def _names(self, n: int) -> Iterator[str]:
        after = self._named(n)
        for _ in range(_PAGES):
            found = self._store.names(self._folder, after, _PAGE)
            if not found:
                return
            yield from found
            after = found[-1]
        raise OSError(f"{self.name} has more objects than there can be")

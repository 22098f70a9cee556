"""Everything that a run of the tests made the gateway write, searched for what was planted.

`RUN` is off unless the fixtures of `tests/e2e/searching.py` turn it on; then gateways, upstream doubles and clients of
the tests report what they know: secrets with `plant`, places with `Written` and `heard`.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ostiary.adapters.store.keys import Sealer
from tests.e2e.planted import Found, Secret, Sieve, secret

ALLOWED: Final = {
    ("server credential", "upstream"): "the server demands it of the gateway",
    ("gateway key", "keys"): "this file keeps it; that nobody else may read it is checked here",
    (
        "bootstrap link",
        "bootstrap",
    ): "it waits in this file for the machine's owner, if there is no terminal to tell it to",
    ("session", "answer"): "it is the client's, who gets it in Mcp-Session-Id",
}
"""Which kinds of secrets may be where, and why. Nothing else may be anywhere."""
_OVERLAP: Final = 64 * 1024
"""What was read before is read again so far back: a secret may have been half written."""
_KEPT: Final = 2 * 2**20
_REPORTED: Final = 20
_RAW_KEY: Final = 32


@dataclass
class _Read:
    """How far something was searched, and for how many secrets."""

    through: int = 0
    known: int = 0
    stamp: tuple[int, int] = (0, 0)


@dataclass
class Heap:
    """What came over the wire, one after the other; bounded."""

    kind: str
    data: bytearray = field(default_factory=bytearray)
    marks: list[tuple[int, str]] = field(default_factory=list)
    read: _Read = field(default_factory=_Read)

    def place(self, offset: int) -> str:
        """Return what an offset lies in."""
        start, label = max((mark for mark in self.marks if mark[0] <= offset), default=(0, "?"))
        return f"{self.kind} {label} at byte {offset - start}"


@dataclass(eq=False)
class Written:
    """Where one gateway writes."""

    data: Path | None
    log: Path | None
    ports: frozenset[int] = frozenset()
    record: Path | None = None
    """What a server behind it was sent."""
    reads: dict[Path, _Read] = field(default_factory=dict)

    def files(self) -> Iterator[tuple[str, Path]]:
        """Yield every file, and what kind of place it is."""
        for kind, path in (("log", self.log), ("upstream", self.record)):
            if path is not None and path.is_file():
                yield kind, path
        for path in sorted(self.data.rglob("*")) if self.data is not None else ():
            if path.is_file():
                yield _kind(path), path


def _kind(path: Path) -> str:
    if path.parent.name in {"keys", "ledger"}:
        return path.parent.name
    if path.name == "bootstrap-link":
        return "bootstrap"
    return "database" if ".sqlite" in path.name else "data"


class Run:
    """What was planted and what was found, until everything that was open is closed."""

    def __init__(self) -> None:
        self.on = False
        self.places: list[Written] = []
        self.searched = self.total = 0
        """Bytes that were searched, and secrets that were searched for."""
        self.seconds = 0.0
        self._lock = threading.RLock()
        self._tellers: list[Callable[[], None]] = []
        self._forget()

    def _forget(self) -> None:
        self._secrets: dict[bytes, Secret] = {}
        self._all, self._newer = Sieve(), dict[int, Sieve]()
        self._heaps = {kind: Heap(kind) for kind in ("answer", "printed", "upstream", "collector")}
        self._found: dict[tuple[str, str], str] = {}
        self._told = set[tuple[str, str]]()

    def plant(self, kind: str, name: str, value: str | bytes) -> None:
        """Search for this from now on, in what was written before, too."""
        found = secret(kind, name, value) if self.on else None
        if found is None:
            return
        with self._lock:
            if found.core not in self._secrets:
                self._secrets[found.core] = found
                self._all.add(found)
                self._newer.clear()
                self.total += 1

    def planted(self) -> list[Secret]:
        """Return what is searched for."""
        return list(self._secrets.values())

    def heard(self, kind: str, label: str, data: bytes) -> None:
        """Keep what came over a wire: an `answer`, what a command `printed`, what an `upstream` or a `collector` got."""
        if not self.on:
            return
        with self._lock:
            heap = self._heaps[kind]
            heap.marks.append((len(heap.data), label))
            heap.data += data + b"\n"
            if len(heap.data) > _KEPT:
                # What is planted later is not searched for in this any more.
                self._search_heap(heap)
                self._heaps[kind] = Heap(kind)

    def ours(self, port: int) -> bool:
        """Say whether a gateway listens there."""
        return any(port in place.ports for place in self.places)

    def opened(self, place: Written) -> Written:
        """Search a place whenever there is a search, until it is closed."""
        if self.on and place not in self.places:
            self.places.append(place)
        return place

    def closed(self, place: Written) -> None:
        """Search a place for the last time."""
        if place in self.places:
            self.search()
            self.places.remove(place)

    @contextmanager
    def told_by(self, teller: Callable[[], None]) -> Iterator[None]:
        """Ask for what else was handed out before each search."""
        self._tellers.append(teller)
        try:
            yield
        finally:
            if self.on:
                self.search()
            self._tellers.remove(teller)

    def search(self) -> None:
        """Search what was written since the last time, and everything for what was planted since."""
        began = time.perf_counter()
        with self._lock:
            for teller in self._tellers:
                teller()
            for place in self.places:
                self._search_files(place)
            for heap in self._heaps.values():
                self._search_heap(heap)
        self.seconds += time.perf_counter() - began

    def findings(self) -> list[str]:
        """Return what was found since this was last asked; forget everything where nothing is open any more."""
        self.search()
        with self._lock:
            told, self._found = sorted(self._found.values()), {}
            # What was read before is read again in part, and is not to be told of each test that follows.
            if not self.places:
                self._forget()
        return told

    def _search_files(self, place: Written) -> None:
        # A key that was made meanwhile is searched for everywhere, so that they are read first.
        for kind, path in place.files():
            # SQLite removes its journals, and the gateway its drafts and its link, when they like.
            with suppress(FileNotFoundError):
                self._plant_file(kind, path)
        for kind, path in place.files():
            with suppress(FileNotFoundError):
                self._search_file(place, kind, path)

    def _plant_file(self, kind: str, path: Path) -> None:
        if kind == "bootstrap":
            self.plant("bootstrap link", path.name, path.read_text().strip().rpartition("/")[2])
        elif kind == "keys" and path.suffix in {".key", ".pem"}:
            for name, value in kept_in(path):
                self.plant("gateway key", name, value)
        else:
            return
        if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            self._found["mode", path.name] = f"{path.name}: a key that others may read"

    def _search_file(self, place: Written, kind: str, path: Path) -> None:
        read, status = place.reads.setdefault(path, _Read()), path.stat()
        stamp = (status.st_size, status.st_mtime_ns)
        if stamp == read.stamp and read.known == len(self._secrets):
            return
        # Logs and segments only grow; everything else is written anywhere.
        grows = kind in {"log", "ledger", "upstream"}
        through = read.through if grows and status.st_size >= read.through else 0
        data = path.read_bytes()
        self._note(kind, f"{path.parent.name}/{path.name}", data, _Read(through, read.known))
        place.reads[path] = _Read(len(data), len(self._secrets), stamp)

    def _search_heap(self, heap: Heap) -> None:
        if heap.read.through == len(heap.data) and heap.read.known == len(self._secrets):
            return
        for found in self._fresh(bytes(heap.data), heap.read):
            self._tell(heap.kind, heap.place(found.offset), found)
        heap.read = _Read(len(heap.data), len(self._secrets))

    def _note(self, kind: str, name: str, data: bytes, read: _Read) -> None:
        for found in self._fresh(data, read):
            self._tell(kind, f"{kind} {name} at byte {found.offset}", found)

    def _fresh(self, data: bytes, read: _Read) -> Iterable[Found]:
        """Search what is new for everything, and what is old for what is new."""
        start = max(0, read.through - _OVERLAP)
        self.searched += len(data) - read.through
        for found in self._all.found(data[start:]):
            yield Found(found.secret, found.spelling, found.offset + start, found.length)
        if start and read.known < len(self._secrets):
            yield from self._since(read.known).found(data[: read.through])

    def _since(self, known: int) -> Sieve:
        if known not in self._newer:
            self._newer[known] = Sieve(list(self._secrets.values())[known:])
        return self._newer[known]

    def _tell(self, kind: str, where: str, found: Found) -> None:
        if (found.secret.kind, kind) in ALLOWED or len(self._found) >= _REPORTED:
            return
        what = f"{found.secret.kind}: {found.secret.name}"
        said = f"{what}; {found.length} characters, {found.spelling}; in {where}"
        key = (what, where.partition(" at byte ")[0])
        if key not in self._told:
            self._told.add(key)
            self._found[key] = said


def kept_in(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what a file in the folder of keys keeps: its content, or the private part of a key in it."""
    content = path.read_bytes()
    if path.name.startswith("oauth-"):
        yield f"{path.name}, sealed", content
        seal = Sealer((path.parent / "seal.key").read_bytes())
        content = seal.open("oauth.signing-key", content.decode())
    if b"PRIVATE KEY" not in content:
        yield path.name, content
        return
    key = load_pem_private_key(content, None)
    if isinstance(key, Ed25519PrivateKey):
        yield path.name, key.private_bytes_raw()
    elif isinstance(key, EllipticCurvePrivateKey):
        yield path.name, key.private_numbers().private_value.to_bytes(key.key_size // 8, "big")


RUN: Final = Run()


def configured(config: object, path: str = "", environment: Iterable[tuple[str, str]] | None = None) -> None:
    """Plant what the secret references of a configuration lead to, named by their keys."""
    if isinstance(config, dict):
        for key, value in config.items():
            configured(value, f"{path}.{key}".lstrip("."), environment)
    elif isinstance(config, list | tuple):
        for value in config:
            configured(value, path, environment)
    elif isinstance(config, str) and not path.endswith(("certificate", "ca", "tls.key")):
        scheme, _, where = config.partition(":")
        found = _resolved(scheme, where)
        if found:
            RUN.plant("server credential" if path.startswith("servers.") else "configured secret", path, found)


def _resolved(scheme: str, where: str) -> str:
    if scheme == "env":
        return os.environ.get(where, "")
    if scheme == "file" and Path(where).is_file():
        return Path(where).read_text(errors="replace").strip()
    return ""

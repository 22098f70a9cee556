"""A file system that loses power: what was not brought to the disk is there, gone, or half there, page by page.

It stands below everything that the ledger does to files, by the functions of `os`, and keeps a second idea of each
file: what is certainly on the disk. That grows with fsync(2) of the file, and names with fsync(2) of the directory, as
POSIX has it and not as one file system happens to do it. After a cut, each page that was written since is old, new, or
new up to some byte; the length of a file is any between; each name is bound as before or as now.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_PAGE: Final = 4096
_PATCHED: Final = ("open", "write", "fsync", "fdatasync", "ftruncate", "replace", "unlink")


class PowerCut(BaseException):
    """The lights went out: nothing of the program goes on."""


class File:
    """One file, whatever it is called."""

    def __init__(self, durable: bytes = b"") -> None:
        self.durable = durable


class Disk:
    """The files under some folders, as they are and as they are certain to be."""

    def __init__(self, *folders: Path) -> None:
        """Everything that lies there is on the disk."""
        self.folders = [str(folder) for folder in folders]
        self.now: dict[str, File] = {}
        """By path, as programs see it; contents are in the real files."""
        for folder in folders:
            self.now |= {str(path): File(path.read_bytes()) for path in folder.rglob("*") if path.is_file()}
        self.durable = dict(self.now)
        self.left: int | None = None
        """Operations until the cut."""
        self.operations = 0

    # What programs do

    @contextmanager
    def mounted(self) -> Iterator[None]:
        """Stand between the program and the kernel."""
        real = {name: getattr(os, name) for name in _PATCHED}
        for name in _PATCHED:
            setattr(os, name, getattr(self, f"_{name}")(real[name]))
        try:
            yield
        finally:
            for name in _PATCHED:
                setattr(os, name, real[name])

    def _step(self) -> None:
        self.operations += 1
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise PowerCut

    def _mine(self, path: Any) -> str:
        text = os.fspath(path)
        return text if isinstance(text, str) and any(text.startswith(each) for each in self.folders) else ""

    def _open(self, real: Callable[..., int]) -> Callable[..., int]:
        def opened(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
            name = self._mine(path)
            if name and flags & (os.O_WRONLY | os.O_RDWR):
                self._step()
            descriptor = real(path, flags, mode, **more)
            if name and not os.path.isdir(name):  # noqa: PTH112 - beneath pathlib here
                self.now.setdefault(name, File())
            return descriptor

        return opened

    def _write(self, real: Callable[..., int]) -> Callable[..., int]:
        def written(descriptor: int, content: bytes) -> int:
            if self._path(descriptor):
                self._step()
            return real(descriptor, content)

        return written

    def _fsync(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def synced(descriptor: int) -> None:
            path = self._path(descriptor)
            if not path:
                real(descriptor)
                return
            self._step()
            if os.path.isdir(path):  # noqa: PTH112 - beneath pathlib here
                self._named(path)
            elif path in self.now:
                self.now[path].durable = Path(path).read_bytes()

        return synced

    _fdatasync = _fsync

    def _ftruncate(self, real: Callable[..., None]) -> Callable[..., None]:
        def truncated(descriptor: int, size: int) -> None:
            if self._path(descriptor):
                self._step()
            real(descriptor, size)

        return truncated

    def _replace(self, real: Callable[..., None]) -> Callable[..., None]:
        def replaced(source: Any, target: Any, **more: Any) -> None:
            if self._mine(source):
                self._step()
            real(source, target, **more)
            if self._mine(source):
                self.now[self._mine(target)] = self.now.pop(self._mine(source))

        return replaced

    def _unlink(self, real: Callable[..., None]) -> Callable[..., None]:
        def unlinked(path: Any, **more: Any) -> None:
            if self._mine(path):
                self._step()
            real(path, **more)
            self.now.pop(self._mine(path), None)

        return unlinked

    def _path(self, descriptor: int) -> str:
        # It may be a copy made by dup(2), and its file may have been renamed since.
        return self._mine(str(Path(f"/proc/self/fd/{descriptor}").readlink()).removesuffix(" (deleted)"))

    def _named(self, directory: str) -> None:
        inside = {path for path in {*self.now, *self.durable} if os.path.dirname(path) == directory}  # noqa: PTH120
        for path in inside:
            if path in self.now:
                self.durable[path] = self.now[path]
            else:
                self.durable.pop(path, None)

    # What a cut leaves

    def cut(self, dice: random.Random) -> dict[str, bytes]:
        """Return one state that the disk may be in when the power is back."""
        present = {id(file): Path(path).read_bytes() for path, file in self.now.items()}
        found = {}
        for path in sorted({*self.now, *self.durable}):
            bound = [binding[path] for binding in (self.now, self.durable) if path in binding]
            if path not in self.now or path not in self.durable:
                bound = bound[: dice.randint(0, 1)]
            if bound:
                file = dice.choice(bound)
                found[path] = torn(file.durable, present.get(id(file), file.durable), dice)
        return found


def torn(old: bytes, new: bytes, dice: random.Random) -> bytes:
    """Return what may be left of a file that was `old` on the disk and `new` in memory."""
    if old == new:
        return new
    fate = dice.random()
    size = dice.choice((len(old), len(new), dice.randint(min(len(old), len(new)), max(len(old), len(new)))))
    made = bytearray(max(len(old), len(new), size))
    made[: len(old)] = old
    for start in range(0, max(len(old), len(new)), _PAGE):
        page = new[start : start + _PAGE]
        # A page may have been written out when it was half as long: appending only adds to it.
        keep = dice.choice((0, len(page), dice.randint(0, len(page)))) if fate < 0.7 else len(page)
        if old[start : start + _PAGE] != page:
            made[start : start + keep] = page[:keep]
    return bytes(made[:size])

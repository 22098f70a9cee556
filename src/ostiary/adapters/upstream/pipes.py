"""The two ends of a child's pipes that are ours, on any event loop.

Not the loop's own subprocess support: uvloop leaves inheritable descriptors, and copies of the pipes, open in the
child, and a grandchild that holds such a copy hides that the child is gone. Here nothing awaits, so nothing can be
cancelled half-way.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from io import FileIO
from typing import Final

CHUNK: Final = 256 * 1024
# Writers wait above the first and go on below the second; the same as the standard library's transports.
HIGH_WATER: Final = 64 * 1024
LOW_WATER: Final = 16 * 1024


class Source:
    """Hands over what can be read, as it comes; `lost` is called once, at the end of the stream."""

    def __init__(self, file: FileIO, received: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self._file, self._received, self._lost = file, received, lost
        self._loop = asyncio.get_running_loop()
        os.set_blocking(file.fileno(), False)
        self._loop.add_reader(file.fileno(), self._readable)

    @property
    def closed(self) -> bool:
        """Say whether nothing more can come."""
        return self._file.closed

    def close(self) -> None:
        """Stop listening and let go of the pipe."""
        if not self.closed:
            self._loop.remove_reader(self._file.fileno())
            self._file.close()

    def _readable(self) -> None:
        try:
            data = os.read(self._file.fileno(), CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._received(data)
            return
        self.close()
        self._lost()


class Sink:
    """Writes in order without blocking; `lost` is called once, when the other end is gone."""

    def __init__(self, file: FileIO, lost: Callable[[], None]) -> None:
        self._file, self._lost = file, lost
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._closing = False
        self._writable = asyncio.Event()
        self._writable.set()
        os.set_blocking(file.fileno(), False)

    @property
    def closed(self) -> bool:
        """Say whether it takes nothing any more."""
        return self._closing or self._file.closed

    @property
    def pending(self) -> int:
        """Count the bytes that the pipe has not taken."""
        return len(self._buffer)

    @property
    def full(self) -> bool:
        """Say whether writers should wait."""
        return not self._writable.is_set()

    async def drained(self) -> None:
        """Wait until few bytes are pending, or none will ever be taken."""
        await self._writable.wait()

    def write(self, data: bytes) -> None:
        """Write what the pipe takes and keep the rest for later."""
        waits = bool(self._buffer)
        self._buffer += data
        if not waits:
            self._flush()
        if self._buffer and not waits:
            self._loop.add_writer(self._file.fileno(), self._ready)
        if len(self._buffer) > HIGH_WATER:
            self._writable.clear()

    def close(self) -> None:
        """Close the pipe once all is written."""
        self._closing = True
        if not self._buffer:
            self.abort()

    def abort(self) -> None:
        """Close the pipe now."""
        if not self._file.closed:
            self._loop.remove_writer(self._file.fileno())
            self._file.close()
        self._buffer.clear()
        self._writable.set()

    def _ready(self) -> None:
        self._flush()
        if len(self._buffer) <= LOW_WATER:
            self._writable.set()
        if self._buffer or self._file.closed:
            return
        self._loop.remove_writer(self._file.fileno())
        if self._closing:
            self.abort()

    def _flush(self) -> None:
        try:
            del self._buffer[: os.write(self._file.fileno(), self._buffer)]
        except BlockingIOError:
            return
        except OSError:
            self.abort()
            self._lost()

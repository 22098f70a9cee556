"""Server-sent events: bytes to events and back (WHATWG HTML, section 9.2 "Server-sent events"). Pure."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

MAX_EVENT: Final = 4 * 1024 * 1024
BOM: Final = b"\xef\xbb\xbf"
LINE_ENDS: Final = (b"\n", b"\r")
LF: Final = 0x0A
# Ten digits of milliseconds are 115 days; Python also refuses to convert endless digits, with an error of its own.
MAX_RETRY_DIGITS: Final = 10


class EventTooLarge(ValueError):
    """A line or an event is over the bound; the stream cannot be read any further."""


class Event(Struct, frozen=True):
    """One dispatched event."""

    data: str
    id: str | None = None
    """The stream's last event id at this point: it stays until the stream sets another."""
    event: str | None = None
    retry: int | None = None
    """Milliseconds, where this event's block set the reconnection time."""


class Parser:
    """Turn the bytes of one stream into events, however they are cut."""

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        """Refuse lines and events of more than `max_event` bytes."""
        self.last_id: str | None = None
        """What to send as `Last-Event-ID` when resuming."""
        self.retry: int | None = None
        """The reconnection time the stream asked for, in milliseconds."""
        self._max = max_event
        self._tail: list[bytes] = []
        self._tail_size = 0
        self._after_cr = False
        self._started = False
        self._data: list[bytes] = []
        self._size = 0
        self._id: str | None = None
        self._event: str | None = None
        self._block_retry: int | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that are complete with this chunk; raise `EventTooLarge` over the bound."""
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk[0] == LF:
                chunk = chunk[1:]
        if b"\n" not in chunk and b"\r" not in chunk:
            self._keep(chunk)
            return []
        lines = self._lines(chunk)
        events: list[Event] = []
        for line in lines:
            if line:
                self._take(line)
            else:
                self._dispatch(events)
        return events

    def _lines(self, chunk: bytes) -> list[bytes]:
        text = b"".join([*self._tail, chunk]) if self._tail else chunk
        self._tail, self._tail_size = [], 0
        self._after_cr = text.endswith(b"\r")
        # On bytes, `splitlines` splits at LF, CR and CRLF, and at nothing else: exactly the three of the standard.
        lines = text.splitlines()
        if not text.endswith(LINE_ENDS):
            self._keep(lines.pop())
        if not self._started:
            self._started = True
            lines[0] = lines[0].removeprefix(BOM)
        return lines

    def _keep(self, part: bytes) -> None:
        """Hold an unfinished line in parts, so that a trickled line costs its length and not its square."""
        self._tail_size += len(part)
        if self._tail_size > self._max:
            raise EventTooLarge(f"a line of more than {self._max} bytes")
        if part:
            self._tail.append(part)

    def _take(self, line: bytes) -> None:
        if len(line) > self._max:
            raise EventTooLarge(f"a line of more than {self._max} bytes")
        name, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            # Names count too: a million empty data lines are a small text but a large list.
            self._size += len(line) + 1
            if self._size > self._max:
                raise EventTooLarge(f"an event of more than {self._max} bytes")
            self._data.append(value)
        elif name:
            self._field(name, value)

    def _field(self, name: bytes, value: bytes) -> None:
        match name:
            case b"event":
                self._event = value.decode("utf-8", "replace") or None
            case b"id" if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
            case b"retry" if value.isdigit() and len(value) <= MAX_RETRY_DIGITS:
                self.retry = self._block_retry = int(value)
            case _:
                pass

    def _dispatch(self, events: list[Event]) -> None:
        self.last_id = self._id
        if self._data:
            # Lines end in ASCII, so decoding whole lines replaces the same broken sequences as decoding the stream.
            data = b"\n".join(self._data).decode("utf-8", "replace")
            events.append(Event(data, self._id, self._event, self._block_retry))
            self._data, self._size = [], 0
        self._event = self._block_retry = None


def encode(data: bytes, *, id: str | None = None) -> bytes:  # noqa: A002 - the field's name in the standard
    """Return one message as an event; `data` is a single line of UTF-8."""
    if b"\n" in data or b"\r" in data:
        raise ValueError("an event's data must be a single line: a line end in it would start another field")
    if id is None:
        return b"data: %b\n\n" % data
    if "\n" in id or "\r" in id or "\0" in id:
        raise ValueError("an event's id must be a single line without NUL")
    return b"id: %b\ndata: %b\n\n" % (id.encode(), data)

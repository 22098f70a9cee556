"""What a guard sees of a message, and what it may say of it. Pure.

A guard reads the strings of one payload. It may replace them or stop the call; it never reshapes what it read. One that
raises, or takes longer than it has, stops the call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct

Path = tuple[str | int, ...]


class Side(StrEnum):
    """Where words are on their way to."""

    REQUEST = "request"
    ANSWER = "answer"
    CATALOGUE = "catalogue"


class Flow(StrEnum):
    """What a tool does to what a run knows, and with it: the labels that people confirm."""

    PRIVATE = "private"
    """It reads what is not for everybody."""
    UNTRUSTED = "untrusted"
    """It reads what anybody may have written."""
    OUTSIDE = "outside"
    """It sends to where others can read it."""
    CHANGES = "changes"
    """It changes something that stays."""


EVERY_FLOW = frozenset(Flow)
"""What something is taken for that nobody labelled: absence never means less care."""


class Text(Struct, frozen=True):
    """One string of a payload and the path that leads to it."""

    path: Path
    value: str
    rigid: bool = False
    """It cannot be replaced without changing what is asked or the shape of the payload: a member's name, a number, a
    URI that is read."""


class Payload(Struct, frozen=True):
    """The words of one message, and whose they are."""

    side: Side
    server: str
    label: str
    """The tool, prompt or resource, as rules say it."""
    method: str
    run: str
    """The agent run that it belongs to, bound to its caller: what is tokenised in one is opaque in every other."""
    texts: tuple[Text, ...]
    unread: tuple[str, ...] = ()
    """What is there and cannot be read as text, such as `image/png`."""
    flows: frozenset[Flow] = EVERY_FLOW
    """What the tool, prompt or resource does to a run."""


class Pass(Struct, frozen=True):
    """A guard found nothing to object to."""


class Note(Struct, frozen=True):
    """A guard found something that the ledger should know, and lets it through."""

    finding: str


class Redact(Struct, frozen=True):
    """A guard wants these strings replaced before the payload goes on."""

    finding: str
    replace: Mapping[Path, str]


class Fence(Struct, frozen=True):
    """A guard wants words marked as data: these strings replaced, and clients told how in `_meta`."""

    finding: str
    replace: Mapping[Path, str]
    meta: Mapping[str, Any]


class Hold(Struct, frozen=True):
    """A guard wants a person to decide whether the call goes on."""

    finding: str


class Block(Struct, frozen=True):
    """A guard stops the call."""

    finding: str


Verdict = Pass | Note | Redact | Fence | Hold | Block
Guard = Callable[[Payload], Awaitable[Verdict]]


class Screen(Struct, frozen=True):
    """A guard where it was put: what it is called there, and how long it may take."""

    name: str
    look: Guard
    timeout: float = 2.0
    """Seconds."""
    shadow: bool = False
    """It says what it would have done, and does nothing."""


class Record(Protocol):
    """Where it is written down that guards looked, and what they found."""

    findings: list[str]
    looked: list[Looked]


class Looks(Struct):
    """A record of its own, for what belongs to no call."""

    findings: list[str] = []
    looked: list[Looked] = []


class Looked(Struct, frozen=True):
    """That a guard looked at a payload, what it said, and how long that took."""

    guard: str
    side: Side
    verdict: str
    """`pass`, `note`, `redact`, `fence`, `hold`, `block` or `failed`; with `would-` before it in a rehearsal."""
    seconds: float

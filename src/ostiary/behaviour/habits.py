"""What somebody usually does: when, from where, by which programs, with which tools, how much of it. Pure.

The memory for one principal is bounded, whatever they do; one who was not seen for longest is forgotten first.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field

from ostiary.behaviour.measures import Lately, Share

_NAMES: Final = 256
_TURNS: Final = 1_024
HOUR: Final = 3_600
DAY: Final = 86_400
_WEEK: Final = 7
_SATURDAY: Final = 5
_THURSDAY: Final = 3
"""The day of the week on which the epoch began, Monday being 0."""


class Seen(Struct, frozen=True):
    """Calls that are alike: the same caller, tool and end, in the same second."""

    at: float
    """Seconds since the epoch."""
    subject: str
    tool: str
    client: str = ""
    """The credential."""
    program: str = ""
    address: str = ""
    """The network that they came from."""
    denied: bool = False
    failed: bool = False
    sent: int = 0
    """Bytes of the requests."""
    got: int = 0
    """Bytes of the answers."""
    count: int = 1


class Hour(Struct):
    """What somebody did in one hour."""

    at: int = 0
    """Hours since the epoch."""
    calls: int = 0
    denied: int = 0
    failed: int = 0
    sent: int = 0
    got: int = 0
    refused: set[str] = field(default_factory=set)
    """What they were refused, as far as it is counted."""
    signs: dict[str, tuple[float, str]] = field(default_factory=dict)
    """What was out of the ordinary in it: kind → how much so, and why."""
    told: float = 0.0
    """The score that was told of it."""


class Habit(Struct):
    """What is known of one principal."""

    since: float
    days: int = 0
    """Days on which they called something."""
    day: int = -1
    hour: Hour = field(default_factory=Hour)
    calls: Lately = field(default_factory=Lately)
    sent: Lately = field(default_factory=Lately)
    got: Lately = field(default_factory=Lately)
    denials: Share = field(default_factory=Share)
    failures: Share = field(default_factory=Share)
    slots: dict[int, int] = field(default_factory=dict)
    """Hour of the day, and 24 more at weekends → days on which they were there then."""
    today: set[int] = field(default_factory=set)
    """Those of today, which count from tomorrow on."""
    tools: dict[str, int] = field(default_factory=dict)
    """Tool → the last day on which it was called."""
    clients: dict[str, int] = field(default_factory=dict)
    programs: dict[str, int] = field(default_factory=dict)
    addresses: dict[str, int] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)
    """Which tool came after which."""
    latest: str = ""

    @property
    def grown(self) -> bool:
        """Whether so much is known that what is new means something."""
        return self.days >= 5  # noqa: PLR2004 - a working week


def slot(at: float) -> int:
    """Return which hour of a day it is in UTC, and whether of a weekend: 0 to 47."""
    day = int(at // DAY)
    weekend = (day + _THURSDAY) % _WEEK >= _SATURDAY
    return int(at % DAY // HOUR) + 24 * weekend


def new(known: dict[str, int], name: str, day: int, most: int = _NAMES) -> bool:
    """Remember a name, and say whether it was not known; of too many, the one that was longest unused is forgotten."""
    fresh = name not in known
    known[name] = day
    if len(known) > most:
        del known[min(known, key=known.__getitem__)]
    return fresh


def turned(habit: Habit, tool: str, day: int) -> bool:
    """Remember which tool came after which, and say whether that was new between two tools that are not."""
    before, habit.latest = habit.latest, tool
    return bool(before) and before != tool and new(habit.turns, f"{before}\n{tool}", day, _TURNS)


def settled(habit: Habit) -> None:
    """Take an hour that is over into what is usual, unless it was out of the ordinary: nobody teaches by attacking."""
    hour = habit.hour
    if not hour.calls:
        return
    if hour.told < 1.0:
        habit.calls.add(hour.calls)
        habit.sent.add(hour.sent)
        habit.got.add(hour.got)
        habit.denials.add(hour.denied / hour.calls)
        habit.failures.add(hour.failed / hour.calls)

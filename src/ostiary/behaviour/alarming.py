"""Decide when an alert is told: once when it begins, once when it is over, and never more than is bearable. Pure.

Time comes in as an argument. What is kept is bounded, whatever callers do: things that alerts tell apart, their names
and the words about them.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal

from msgspec import Struct

from ostiary.behaviour.happenings import Happening

FIRING: Final = "firing"
OVER: Final = "over"
TEST: Final = "test"
MOST: Final = 1_000
"""Things that are told apart, of all alerts; what comes then is taken together."""
_SLOTS: Final = 20
_LATEST: Final = 3
_OPEN: Final = 100

Fits = Callable[[Happening], bool]
State = Literal["firing", "over", "test"]


class Alert(Struct, frozen=True):
    """When to tell whom."""

    name: str
    kinds: frozenset[str]
    to: tuple[str, ...]
    above: int = 0
    """More than so many, within the time below."""
    share: float = 0.0
    """And at least this part of all calls in that time."""
    within: float = 300.0
    per: str = ""
    """What is told apart: `server`, `tool`, `caller`, or nothing."""
    pause: float = 300.0
    """Seconds between two times that the same begins, at least."""
    ends: bool = True
    """Tell that it is over, too."""
    fits: Fits = lambda _: True


class Notice(Struct, frozen=True):
    """What is told a receiver."""

    alert: str
    state: State
    group: str
    """What it is about, of what the alert tells apart."""
    to: str
    at: float
    since: float
    per: str = ""
    within: float = 0.0
    kinds: tuple[tuple[str, int], ...] = ()
    """What happened, and how often, since it began."""
    things: tuple[str, ...] = ()
    """What lasts."""
    latest: tuple[Happening, ...] = ()
    missed: int = 0
    """Alerts that this receiver was not told, because they were too many."""


class Most(Struct, frozen=True):
    """How many alerts a receiver is told in a time."""

    count: int = 30
    seconds: float = 3600.0


class _Window:
    """A count over the last seconds, in a fixed number of slots."""

    __slots__ = ("_slots", "_width")

    def __init__(self, within: float) -> None:
        self._width = within / _SLOTS
        self._slots: deque[list[int]] = deque(maxlen=_SLOTS + 1)

    def add(self, at: float, hits: int, total: int) -> None:
        slot = math.floor(at / self._width)
        if not self._slots or self._slots[-1][0] < slot:
            self._slots.append([slot, 0, 0])
        self._slots[-1][1] += hits
        self._slots[-1][2] += total

    def sums(self, now: float) -> tuple[int, int]:
        oldest = math.floor(now / self._width) - _SLOTS
        while self._slots and self._slots[0][0] < oldest:
            self._slots.popleft()
        return sum(each[1] for each in self._slots), sum(each[2] for each in self._slots)


class _Course:
    """How one thing that an alert is about goes."""

    __slots__ = ("began", "kinds", "latest", "open", "since", "told", "window")

    def __init__(self, within: float) -> None:
        self.window = _Window(within)
        self.open: dict[str, None] = {}
        self.since = 0.0
        self.kinds: Counter[str] = Counter()
        self.latest: deque[Happening] = deque(maxlen=_LATEST)
        self.told: dict[str, float] = {}
        """Receiver → when it was told that this began; emptied when it is over."""
        self.began: dict[str, float] = {}
        """Receiver → when it was last told that this began."""


class Alarms:
    """All alerts of one gateway, and what is going on of each."""

    def __init__(self, alerts: Sequence[Alert], most: dict[str, Most]) -> None:
        """`most` is what each receiver bears."""
        self._alerts, self._most = tuple(alerts), most
        self._courses: OrderedDict[tuple[int, str], _Course] = OrderedDict()
        self._sent: dict[str, deque[float]] = {name: deque() for name in most}
        self._missed: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many things are told apart at the moment."""
        return len(self._courses)

    def hear(self, happening: Happening) -> None:
        """Take in what happened."""
        for index, alert in enumerate(self._alerts):
            hit = happening.kind in alert.kinds
            if (hit or (happening.call and alert.share)) and alert.fits(happening):
                self._take(index, alert, happening, hit=hit)

    def due(self, now: float) -> list[Notice]:
        """Return what has to be told now. What is too much for a receiver is told later, if it lasts."""
        found: list[Notice] = []
        for (index, group), course in list(self._courses.items()):
            alert = self._alerts[index]
            hits, total = course.window.sums(now)
            if course.open or (hits > alert.above and hits >= alert.share * total):
                course.since = course.since or now
                found += self._begun(alert, group, course, now)
                continue
            if course.since:
                found += self._ended(alert, group, course, now)
            if not hits and not total and not _recent(course, alert.pause, now):
                del self._courses[index, group]
        return found

    # How it goes

    def _take(self, index: int, alert: Alert, happening: Happening, *, hit: bool) -> None:
        course = self._course(index, alert, getattr(happening, alert.per) if alert.per else "")
        if happening.over:
            course.open.pop(happening.thing, None)
            return
        if hit and happening.thing and not alert.above:
            if len(course.open) < _OPEN:
                course.open[happening.thing] = None
        else:
            course.window.add(happening.at, happening.count if hit else 0, happening.count if happening.call else 0)
        if hit:
            course.kinds[happening.kind] += happening.count
            course.latest.append(happening)

    def _course(self, index: int, alert: Alert, group: str) -> _Course:
        key = (index, group)
        if key not in self._courses and len(self._courses) >= MOST and not self._forget():
            # Whoever makes up names must neither fill the memory nor push out what is going on.
            key = (index, "")
        if key not in self._courses:
            self._courses[key] = _Course(alert.within)
        return self._courses[key]

    def _forget(self) -> bool:
        """Make room by the oldest thing that nobody was told of."""
        quiet = next((key for key, each in self._courses.items() if not each.since and not each.began), None)
        if quiet is not None:
            del self._courses[quiet]
        return quiet is not None

    def _begun(self, alert: Alert, group: str, course: _Course, now: float) -> Iterator[Notice]:
        for receiver in alert.to:
            rested = now - course.began.get(receiver, -math.inf) >= alert.pause
            if receiver not in course.told and rested and self._bears(receiver, now):
                course.told[receiver] = course.began[receiver] = now
                yield self._notice(alert, FIRING, group, receiver, course, now)

    def _ended(self, alert: Alert, group: str, course: _Course, now: float) -> Iterator[Notice]:
        for receiver in alert.to:
            if receiver not in course.told:
                self._missed[receiver] += 1
            elif alert.ends:
                # It is no more than what was told to have begun, and whoever waits for it must hear of it.
                yield self._notice(alert, OVER, group, receiver, course, now)
        course.since = 0.0
        course.told.clear()
        course.kinds.clear()
        course.latest.clear()

    def _bears(self, receiver: str, now: float) -> bool:
        most, sent = self._most[receiver], self._sent[receiver]
        while sent and sent[0] <= now - most.seconds:
            sent.popleft()
        if len(sent) >= most.count:
            return False
        sent.append(now)
        return True

    def _notice(self, alert: Alert, state: State, group: str, to: str, course: _Course, now: float) -> Notice:
        kinds = tuple(sorted(course.kinds.items()))
        return Notice(
            alert.name, state, group, to, now, course.since, alert.per, alert.within, kinds, tuple(course.open),
            tuple(course.latest), self._missed.pop(to, 0),
        )  # fmt: skip


def _recent(course: _Course, pause: float, now: float) -> bool:
    """Say whether somebody was told of it so lately that it must not be told as new."""
    return any(now - at < pause for at in course.began.values())

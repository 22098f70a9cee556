"""Runs that go in circles: the same call again and again, a few in turn, too many at once, ever growing. Pure.

A run is remembered by its last calls only, as numbers that stand for a tool with its arguments. Whether the newest
one goes on with a circle of one, two, three or four calls is one comparison for each length, however long it has gone.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from msgspec import Struct

Kind = Literal["repeats", "cycles", "calls", "growth"]
PERIODS: Final = (2, 3, 4)
"""How many different calls a circle may have to be seen as one."""
_GROWN: Final = 4
"""Arguments that have grown by less than this factor are not ever-growing, however often they did."""
_NEVER: Final = (0,) * (PERIODS[-1] + 1)
_SIZES: Final = 32
"""Tools whose arguments' sizes are remembered for one run."""


class Watch(Struct, frozen=True):
    """What one line of the configuration watches for."""

    name: str
    kind: Kind
    most: int
    """The same call so often in a row; a circle so often; so many calls; growth so often in a row. At least two."""
    within: float
    """Seconds: a pause as long as this ends what was going on."""


class Course(Struct):
    """What is remembered of one run."""

    latest: deque[int]
    """The newest calls, each a number that stands for tool and arguments."""
    again: list[int]
    """For each period from 1 on, how many calls in a row were the same as the one that many before them."""
    times: deque[float]
    """When the calls were that count as a storm, no more of them than the limit."""
    sizes: OrderedDict[str, tuple[int, int, int]]
    """By tool: the first size of a growing row, the newest one, and how often it grew."""
    rest: float
    """A pause as long as this ends everything that was going on."""
    growth: int
    """How often arguments may not grow, by the strictest watch; 0: nobody watches for that."""
    storms: tuple[Watch, ...]
    last: float = 0.0


class Astray(Struct, frozen=True):
    """A run that does what is watched for."""

    watch: Watch
    times: int
    """How often by now."""
    wait: float
    """Seconds after which it is over if nothing more is called."""

    @property
    def said(self) -> str:
        """What is told to whoever goes on with it."""
        return _SAID[self.watch.kind].format(times=self.times, within=self.watch.within)


_SAID: Final[Mapping[Kind, str]] = {
    "repeats": "the same call with the same arguments was made {times} times in a row",
    "cycles": "the same few calls were made in turn {times} times",
    "calls": "{times} calls were made within {within:g} seconds",
    "growth": "the arguments of this tool have grown {times} times in a row",
}


def began(watches: Iterable[Watch]) -> Course:
    """Return the course of a run that has called nothing yet."""
    watches = tuple(watches)
    storms = tuple(watch for watch in watches if watch.kind == "calls")
    growth = min((watch.most for watch in watches if watch.kind == "growth"), default=0)
    return Course(
        deque(maxlen=PERIODS[-1]), [*_NEVER], deque(maxlen=max((each.most for each in storms), default=0)),
        OrderedDict(), max(watch.within for watch in watches), growth, storms,
    )  # fmt: skip


def step(course: Course, watches: tuple[Watch, ...], tool: str, key: int, size: int, now: float) -> Astray | None:
    """Take the next call of a run into account, and return what it does wrong by it, the first watch first.

    `key` stands for the tool and its arguments, `size` is that of the arguments in bytes, `now` in seconds.
    """
    if now - course.last >= course.rest:
        course.latest.clear()
        course.sizes.clear()
    course.last = now
    latest, again = course.latest, course.again
    new = key not in latest
    if new:
        again[:] = _NEVER
    else:
        known = len(latest)
        for period in range(1, PERIODS[-1] + 1):
            again[period] = again[period] + 1 if known >= period and latest[-period] == key else 0
    latest.append(key)
    course.times.append(now)
    grown = _grown(course.sizes, tool, size) if course.growth else 0
    if new and (not grown or grown < course.growth) and not _stormy(course, now):
        # Nearly every call is like this, and is neither a repetition nor in a circle.
        return None
    found: Astray | None = None
    for watch in watches:
        times = _times(course, watch, grown, now)
        if times >= watch.most and found is None:
            found = Astray(watch, times, watch.within)
    return found


def _stormy(course: Course, now: float) -> bool:
    for watch in course.storms:  # noqa: SIM110 - it is asked before each call, and a generator costs more than this
        if _full(course, watch, now):
            return True
    return False


def _times(course: Course, watch: Watch, grown: int, now: float) -> int:
    match watch.kind:
        case "repeats":
            return course.again[1] + 1
        case "cycles":
            # A circle of one is a repetition, and told as that; a circle of two is one of four as well.
            if course.again[1]:
                return 0
            return max(course.again[period] // period + 1 for period in PERIODS)
        case "calls":
            return sum(1 for at in course.times if at > now - watch.within) if _full(course, watch, now) else 0
        case _:
            return grown


def _full(course: Course, watch: Watch, now: float) -> bool:
    """Say whether as many calls as the limit lie within its time: then only they are worth counting."""
    times = course.times
    return len(times) >= watch.most and times[-watch.most] > now - watch.within


def _grown(sizes: OrderedDict[str, tuple[int, int, int]], tool: str, size: int) -> int:
    """Remember the size of a call's arguments, and return how often in a row they have grown by now, and by much."""
    first, latest, often = sizes.get(tool, (size, size, 0))
    if size > latest:
        often += 1
    elif size < latest:
        first, often = size, 0
    sizes[tool] = first, size, often
    sizes.move_to_end(tool)
    if len(sizes) > _SIZES:
        sizes.popitem(last=False)
    return often if size >= first * _GROWN else 0


class Courses:
    """The courses of all runs, as many as there is room for: the one that was silent for longest is let go first."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._courses: OrderedDict[tuple[str, ...], Course] = OrderedDict()

    def __len__(self) -> int:
        """Return how many runs are remembered."""
        return len(self._courses)

    def step(
        self, whose: tuple[str, ...], watches: tuple[Watch, ...], tool: str, call: tuple[int, int], now: float
    ) -> Astray | None:
        """Take a call into account: `call` is its key and its arguments' size in bytes."""
        course = self._courses.get(whose)
        if course is None:
            course = self._courses[whose] = began(watches)
            if len(self._courses) > self._most:
                self._courses.popitem(last=False)
        else:
            self._courses.move_to_end(whose)
        return step(course, watches, tool, call[0], call[1], now)


def suggested(runs: Mapping[str, Iterable[int]], share: float = 1.5) -> dict[str, int]:
    """Return, for each kind, the most that honest runs of the past did, and half as much again on top of it."""
    return {kind: max(2, round(max(found, default=1) * share)) for kind, found in runs.items()}

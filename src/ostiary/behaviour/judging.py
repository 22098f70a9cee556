"""Whether somebody is not themselves: every sign with its reason, and an alarm where signs add up. Pure.

One new thing is no alarm: people get new laptops. A new address by night, with a tool never used before, is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct, field

from ostiary.behaviour.habits import DAY, HOUR, Habit, Hour, Seen, new, settled, slot, turned

ALARM: Final = 1.0
"""The score from which an hour is told."""
_AGAIN: Final = 1.5
"""How much worse it has to get within the hour to be told again."""
_REFUSED: Final = 64
_TURNS: Final = 3
_KNOWN: Final = 3
"""Hours that somebody was there before, on other days: a single night teaches nothing."""
_MANY: Final = 12
"""Calls in an hour in which somebody was never there: more than somebody who only looked."""


class Bounds(Struct, frozen=True):
    """What is out of the ordinary."""

    deviations: float = 8.0
    """Deviations above the median of an hour's calls or bytes."""
    factor: float = 2.5
    """How many times the largest hour of the past weeks."""
    calls: int = 120
    """Fewer calls in an hour are never too many."""
    volume: int = 262_144
    """Fewer bytes in an hour are never too many."""
    denied: int = 10
    """Fewer denials in an hour mean nothing."""
    tried: int = 6
    """So many different things that somebody may not use are a search for some that they may."""
    hours: int = 24
    """Hours with calls before what is usual is known."""


class Anomaly(Struct, frozen=True):
    """Somebody is not themselves."""

    at: float
    """Seconds since the epoch."""
    subject: str
    score: float
    """1.0 and more."""
    kinds: tuple[str, ...]
    reasons: tuple[str, ...]
    """Why, in words, the weightiest first."""


class Watcher(Struct):
    """The habits of all principals, and what is made of them."""

    habits: dict[str, Habit] = field(default_factory=dict)
    """By subject; who was not seen for longest is first."""
    most: int = 20_000
    bounds: Bounds = Bounds()

    def observe(self, seen: Seen) -> Anomaly | None:
        """Take calls into account, and return what they say of whoever made them, if that was not told before."""
        habit = self._habit(seen)
        _turn_of_the_hour(habit, seen)
        hour = habit.hour
        _count(hour, seen)
        for sign in _SIGNS:
            for kind, score, reason in sign(habit, seen, self.bounds):
                if score > hour.signs.get(kind, (0.0, ""))[0]:
                    hour.signs[kind] = score, reason
        return _told(hour, seen)

    def _habit(self, seen: Seen) -> Habit:
        habit = self.habits.pop(seen.subject, None) or Habit(seen.at)
        self.habits[seen.subject] = habit
        if len(self.habits) > self.most:
            del self.habits[next(iter(self.habits))]
        return habit


def _turn_of_the_hour(habit: Habit, seen: Seen) -> None:
    at, day = int(seen.at // HOUR), int(seen.at // DAY)
    if day > habit.day:
        # What is new today is new all day: somebody who comes by night for the first time is seen for all of it.
        for each in habit.today:
            habit.slots[each] = habit.slots.get(each, 0) + 1
        habit.today.clear()
        habit.day = day
        habit.days += 1
    if at > habit.hour.at:
        settled(habit)
        habit.hour = Hour(at)
        habit.today.add(slot(seen.at))


def _count(hour: Hour, seen: Seen) -> None:
    hour.calls += seen.count
    hour.sent += seen.sent
    hour.got += seen.got
    if seen.failed:
        hour.failed += seen.count
    if seen.denied:
        hour.denied += seen.count
        if len(hour.refused) < _REFUSED:
            hour.refused.add(seen.tool)


def _told(hour: Hour, seen: Seen) -> Anomaly | None:
    score = sum(each for each, _ in hour.signs.values())
    if score < ALARM or (hour.told and score < hour.told + _AGAIN):
        return None
    hour.told = score
    found = sorted(hour.signs.items(), key=lambda sign: -sign[1][0])
    kinds, reasons = tuple(kind for kind, _ in found), tuple(reason for _, (_, reason) in found)
    return Anomaly(seen.at, seen.subject, round(score, 2), kinds, reasons)


# Signs: what is out of the ordinary, how much so, and why

Signs = Iterator[tuple[str, float, str]]


def _rate(habit: Habit, _seen: Seen, bounds: Bounds) -> Signs:
    calls, usual = habit.hour.calls, habit.calls
    if calls < bounds.calls or len(usual.values) < bounds.hours:
        return
    if calls > usual.bound(bounds.deviations, bounds.factor):
        yield (
            "rate",
            1.0,
            f"{calls} calls within the hour; usually {usual.middle:.0f}, and never more than {max(usual.values):.0f}",
        )


def _volume(habit: Habit, _seen: Seen, bounds: Bounds) -> Signs:
    for kind, amount, usual in (("read", habit.hour.got, habit.got), ("sent", habit.hour.sent, habit.sent)):
        if amount < bounds.volume or len(usual.values) < bounds.hours:
            continue
        if amount > usual.bound(bounds.deviations, bounds.factor):
            yield f"volume_{kind}", 1.0, f"{amount:,} bytes {kind} within the hour; usually {usual.middle:,.0f}"


def _denials(habit: Habit, seen: Seen, bounds: Bounds) -> Signs:
    hour = habit.hour
    if not seen.denied or hour.denied < bounds.denied:
        return
    share, usual = hour.denied / hour.calls, habit.denials.value
    if share > 3 * usual + 0.2:
        yield "denials", 0.8, f"{hour.denied} of {hour.calls} calls refused within the hour; usually {usual:.0%}"
    if len(hour.refused) >= bounds.tried:
        yield "scanning", 1.0, f"tried {len(hour.refused)} different things that they may not use"


def _failures(habit: Habit, seen: Seen, bounds: Bounds) -> Signs:
    hour = habit.hour
    if seen.failed and hour.failed >= 2 * bounds.denied and len(habit.calls.values) >= bounds.hours:
        share, usual = hour.failed / hour.calls, habit.failures.value
        if share > 3 * usual + 0.3:
            yield "failures", 0.5, f"{hour.failed} of {hour.calls} calls failed within the hour; usually {usual:.0%}"


def _place(habit: Habit, seen: Seen, _bounds: Bounds) -> Signs:
    for kind, name, known, weight in (
        ("address", seen.address, habit.addresses, 0.5),
        ("client", seen.client, habit.clients, 0.3),
        ("program", seen.program, habit.programs, 0.5),
    ):
        if name and new(known, name, habit.day) and habit.grown:
            yield f"new_{kind}", weight, f"{_SAID[kind]} {name[:80]!r} was never seen with them"


_SAID: Final = {"address": "the address", "client": "the credential", "program": "the program"}


def _tools(habit: Habit, seen: Seen, _bounds: Bounds) -> Signs:
    if seen.denied:
        return
    before = len(habit.tools)
    if new(habit.tools, seen.tool, habit.day) and habit.grown and before:
        many = habit.hour.signs.get("new_tool", (0.0, ""))[0]
        yield "new_tool", min(many + 0.2, 0.6), f"they never used {seen.tool[:80]} before"
    elif turned(habit, seen.tool, habit.day) and habit.grown:
        many = habit.hour.signs.get("sequence", (0.0, ""))[0]
        yield "sequence", min(many + 0.3 / _TURNS, 0.3), f"{seen.tool[:80]} after what it never followed"


def _hours(habit: Habit, seen: Seen, _bounds: Bounds) -> Signs:
    here = slot(seen.at)
    if habit.days < 10 or habit.hour.calls < 5:  # noqa: PLR2004 - two working weeks; a call or two by night are none
        return
    around = ((here + step) % 24 + here // 24 * 24 for step in (-1, 0, 1))
    if sum(habit.slots.get(each, 0) for each in around) < _KNOWN:
        when = "at a weekend" if here >= 24 else "on a working day"  # noqa: PLR2004 - hours of a day
        score = 1.0 if habit.hour.calls >= _MANY else 0.6
        yield "hours", score, f"they were hardly ever there around {here % 24:02d}:00 UTC {when}"


_SIGNS: Final[tuple[Callable[[Habit, Seen, Bounds], Signs], ...]] = (
    _rate, _volume, _denials, _failures, _place, _tools, _hours,
)  # fmt: skip

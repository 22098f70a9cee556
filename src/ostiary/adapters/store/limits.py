"""Limits kept in this process: token buckets and calls in flight."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from ostiary.core.errors import Limited
from ostiary.core.model import Caller, Charge
from ostiary.core.ports import Release
from ostiary.policy.limits import Bucket, filled, taken, wait

_MOST: Final = 200_000
"""Buckets remembered. A full bucket says nothing that a forgotten one would not, so full ones are forgotten first."""
_RETRY: Final = 1.0
"""What a caller over its calls in flight is told to wait: when one of them ends is not ours to know."""

Key = tuple[str, str, str]
"""The limit, and whose it is: issuer and subject, or a team."""


class MemoryLimits:
    """Pays every charge of a call, or none."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[Key, Bucket] = {}
        self._busy: dict[Key, int] = {}

    async def __call__(self, charges: tuple[Charge, ...], caller: Caller) -> Release:
        """Pay, or raise `Limited` with the limit's name and the seconds to wait."""
        return self.owing(charges, caller)()

    def owing(self, charges: tuple[Charge, ...], caller: Caller) -> Callable[[], Release]:
        """Return what pays these charges for this caller each time that it is called; it has to wait for nothing."""
        owed = tuple(_owed(charges, caller))
        if len(owed) == 1:
            return self._paying(*owed[0])
        return partial(self._pay, owed) if owed else _free

    def _paying(self, charge: Charge, key: Key) -> Callable[[], Release]:
        """Return what `_pay` does for the one charge that most calls have."""
        rate, burst, most = charge.rate, charge.burst, charge.concurrent
        buckets, busy, clock = self._buckets, self._busy, self._clock

        def release() -> None:
            left = busy[key] - 1
            if left:
                busy[key] = left
            else:
                del busy[key]

        def pay() -> Release:
            bucket, held = buckets.get(key), busy.get(key, 0)
            if bucket is not None and (held < most or not most):
                bucket = filled(bucket, rate, burst, clock())
                if bucket.level >= 1.0:
                    buckets[key] = taken(bucket, 1.0)
                    if not most:
                        return _nothing
                    busy[key] = held + 1
                    return release
            # What is new, has no rate, or will be refused, is weighed where many charges are.
            return self._pay(((charge, key),))

        return pay

    def _pay(self, owed: tuple[tuple[Charge, Key], ...]) -> Release:
        paid: list[tuple[Key, Bucket]] = []
        held: list[Key] = []
        now, buckets = self._clock(), self._buckets
        for charge, key in owed:
            if charge.rate:
                bucket = buckets.get(key)
                bucket = Bucket(charge.burst, now) if bucket is None else filled(bucket, charge.rate, charge.burst, now)
                if bucket.level < 1.0:
                    seconds = wait(bucket, charge.rate, 1.0)
                    raise Limited(charge.bucket, hint=_said(charge, seconds), retry_after=seconds)
                paid.append((key, taken(bucket, 1.0)))
            if charge.concurrent:
                if self._busy.get(key, 0) >= charge.concurrent:
                    raise Limited(charge.bucket, hint=_full(charge), retry_after=_RETRY)
                held.append(key)
        # Nothing was written until here: a call that one limit refuses costs nothing of another.
        buckets.update(paid)
        if len(buckets) > _MOST:
            self._forget()
        return self._hold(held) if held else _nothing

    def _hold(self, keys: list[Key]) -> Release:
        busy = self._busy
        for key in keys:
            busy[key] = busy.get(key, 0) + 1

        def release() -> None:
            for key in keys:
                left = busy[key] - 1
                if left:
                    busy[key] = left
                else:
                    del busy[key]

        return release

    def _forget(self) -> None:
        for key in list(self._buckets)[: _MOST // 2]:
            del self._buckets[key]


def _owed(charges: tuple[Charge, ...], caller: Caller) -> Iterator[tuple[Charge, Key]]:
    """Yield each charge with the key of whom it is charged to."""
    for charge in charges:
        if charge.per == "caller":
            yield charge, (charge.bucket, caller.issuer, caller.subject)
        elif charge.per == "team":
            for team in caller.teams:
                yield charge, (charge.bucket, team, "")
        else:
            yield charge, (charge.bucket, "", "")


def _free() -> Release:
    """Pay nothing."""
    return _nothing


def _nothing() -> None:
    """Release what was never taken."""


def _said(charge: Charge, seconds: float) -> str:
    every = charge.burst / charge.rate
    return f"{charge.bucket} allows {charge.burst:g} calls per {every:g} s; try again in {seconds:.1f} s"


def _full(charge: Charge) -> str:
    return f"{charge.bucket} allows {charge.concurrent} calls at the same time; try again when one has ended"

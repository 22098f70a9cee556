"""How often may somebody who showed no credential make us do something? Per peer, and in total."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ostiary.policy.limits import Bucket, filled, peer_network, taken, wait

_PEERS: Final = 10_000


class Rates:
    """So many at once and so many per second, for each peer and for all of them together."""

    def __init__(self, clock: Callable[[], float], each: tuple[float, float], total: tuple[float, float]) -> None:
        """`each` and `total` are (burst, rate); `clock` never steps back."""
        self._clock, self._each, self._total = clock, each, total
        self._all = Bucket(total[0], clock())
        self._peers: dict[str, Bucket] = {}

    def take(self, peer: str) -> float:
        """Take one and return 0.0; or take nothing and return the seconds to wait."""
        now, name = self._clock(), peer_network(peer)
        (burst, rate), (most, pace) = self._each, self._total
        mine = filled(self._peers.get(name) or Bucket(burst, now), rate, burst, now)
        ours = filled(self._all, pace, most, now)
        seconds = max(wait(mine, rate, 1.0), wait(ours, pace, 1.0))
        if seconds > 0.0:
            return seconds
        self._peers.pop(name, None)
        if len(self._peers) >= _PEERS:
            del self._peers[next(iter(self._peers))]
        self._peers[name], self._all = taken(mine, 1.0), taken(ours, 1.0)
        return 0.0

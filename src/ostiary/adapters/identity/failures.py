"""Who failed to say who they are too often lately: a bound on guessing, and on what guessing may cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from ostiary.policy.limits import Bucket, filled, peer_network, taken, wait

_PEERS: Final = 10_000


class Allowance(Struct, frozen=True):
    """So many failures at once, and so many more per second."""

    burst: float
    rate: float


EACH: Final = Allowance(60.0, 1.0)
TOTAL: Final = Allowance(600.0, 10.0)


class Failures:
    """Counts failed attempts, per peer and in total.

    While the total is exhausted nobody is shut out for what others did: a peer that has not failed is heard, and one
    that has, even once, waits until its own allowance is whole again.
    """

    def __init__(self, clock: Callable[[], float], each: Allowance = EACH, total: Allowance = TOTAL) -> None:
        """`clock` never steps back."""
        self._clock, self._each, self._total = clock, each, total
        self._all = Bucket(total.burst, clock())
        self._peers: dict[str, Bucket] = {}

    def wait(self, peer: str) -> float:
        """Return the seconds until this peer may try again; 0.0: now."""
        found = self._peers.get(peer_network(peer))
        if found is None:
            return 0.0
        now = self._clock()
        storm = wait(filled(self._all, self._total.rate, self._total.burst, now), self._total.rate, 1.0) > 0.0
        return wait(
            filled(found, self._each.rate, self._each.burst, now), self._each.rate, self._each.burst if storm else 1.0
        )

    def hold(self, peer: str) -> bool:
        """Count an attempt of a peer that has failed before as a failure until it is known; say whether it was."""
        if peer_network(peer) not in self._peers:
            return False
        self.add(peer)
        return True

    def back(self, peer: str) -> None:
        """Take back what was held: the attempt was no failure."""
        found = self._peers.get(name := peer_network(peer))
        if found is not None:
            self._peers[name] = Bucket(min(self._each.burst, found.level + 1.0), found.at)
        self._all = Bucket(min(self._total.burst, self._all.level + 1.0), self._all.at)

    def add(self, peer: str) -> None:
        """Count a failure."""
        now, name = self._clock(), peer_network(peer)
        found = self._peers.pop(name, None) or Bucket(self._each.burst, now)
        if len(self._peers) >= _PEERS:
            del self._peers[next(iter(self._peers))]
        self._peers[name] = _less(filled(found, self._each.rate, self._each.burst, now))
        self._all = _less(filled(self._all, self._total.rate, self._total.burst, now))


def _less(bucket: Bucket) -> Bucket:
    # Never below nothing: many attempts at once must not lock a peer out for longer than a burst of them.
    return taken(bucket, min(1.0, max(0.0, bucket.level)))

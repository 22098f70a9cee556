"""Token-bucket arithmetic. Pure: the caller supplies the time."""

from __future__ import annotations

from msgspec import Struct


class Bucket(Struct, frozen=True):
    """A bucket as it was at `at`."""

    level: float
    at: float


def filled(bucket: Bucket, rate: float, burst: float, now: float) -> Bucket:
    """Return the bucket as it is at `now`; a clock that steps back never drains it."""
    if now <= bucket.at:
        return bucket
    level = bucket.level + (now - bucket.at) * rate
    return Bucket(min(burst, level), now)


def wait(bucket: Bucket, rate: float, amount: float) -> float:
    """Return the seconds until `amount` can be taken; 0.0: now."""
    return max(0.0, (amount - bucket.level) / rate) if bucket.level < amount else 0.0


def taken(bucket: Bucket, amount: float) -> Bucket:
    """Return the bucket after `amount` was taken from it."""
    return Bucket(bucket.level - amount, bucket.at)

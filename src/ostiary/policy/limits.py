"""Token-bucket arithmetic, and whose bucket a peer pays into. Pure: the caller supplies the time."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Final

from ostiary.policy.bucket import Bucket as Bucket

_NETWORK: Final = 64


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


def drawn(bucket: Bucket | None, terms: tuple[float, float], now: float, amount: float) -> tuple[Bucket, float]:
    """Return the bucket after `amount` was taken from it, and 0.0; or as it is, and the seconds until that can be.

    `terms` are its rate and its burst. A state, a time and an amount go in, a state and a verdict come out, and a
    bucket that is missing is a full one: a store can do the same in a script of its own (Lua in Valkey: GET, these
    lines, SET with the seconds to fullness as its time to live), and a call that pays into several buckets writes
    the new states only if each of them said 0.0.
    """
    rate, burst = terms
    found = Bucket(burst, now) if bucket is None else filled(bucket, rate, burst, now)
    seconds = wait(found, rate, amount)
    return (found, seconds) if seconds else (taken(found, amount), 0.0)


def poured(bucket: Bucket, rate: float, burst: float, now: float) -> Bucket | None:
    """Return what `drawn` returns after one was taken from a bucket that is there; None: it is not to be had."""
    level, at = bucket.level, bucket.at
    if now > at:
        level, at = min(burst, level + (now - at) * rate), now
    return Bucket(level - 1.0, at) if level >= 1.0 else None


def corrected(bucket: Bucket | None, terms: tuple[float, float], now: float, more: float) -> Bucket:
    """Return the bucket after a call took `more` than was taken for it; less than nothing gives back.

    It may owe afterwards, and then nothing is taken from it until that is paid off.
    """
    rate, burst = terms
    found = Bucket(burst, now) if bucket is None else filled(bucket, rate, burst, now)
    return Bucket(min(burst, found.level - more), found.at)


def full(bucket: Bucket, terms: tuple[float, float], now: float) -> bool:
    """Say whether a bucket says nothing that a missing one would not."""
    rate, burst = terms
    return filled(bucket, rate, burst, now).level >= burst


def peer_network(peer: str) -> str:
    """Return what counts as one peer: an IPv4 address, or an IPv6 network, which is one subscriber's (RFC 6177)."""
    try:
        address = ip_address(peer)
    except ValueError:
        return peer
    if not isinstance(address, IPv6Address):
        return peer
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else f"{int(address) >> _NETWORK:x}/{_NETWORK}"

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

"""Everything impure that the data plane needs, in one place."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from ostiary.core.model import Snapshot
from ostiary.core.ports import Audit, Changes, Identify, Seal, Send, Spend, Surfaces
from ostiary.core.trail import Trail
from ostiary.pipeline.sessions import Sessions
from ostiary.pipeline.suspend import Suspensions


class World(Struct, frozen=True):
    """The ports, filled."""

    current: Callable[[], Snapshot]
    identify: Identify
    spend: Spend
    send: Send
    audit: Audit
    surfaces: Surfaces
    sessions: Sessions
    suspensions: Suspensions
    changes: Changes
    seal: Seal
    clock: Callable[[], float]
    """Monotonic seconds."""
    time: Callable[[], float]
    """Seconds since the epoch."""
    reference: Callable[[], str]
    meter: Callable[[Trail], None]
    challenge: str = "Bearer"
    """The WWW-Authenticate value for callers that could not be identified."""

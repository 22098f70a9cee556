"""Everything impure that the data plane needs, in one place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct, field

from ostiary.core.capturing import Capture, Captured, Half
from ostiary.core.errors import Held, NotCaptured
from ostiary.core.model import Caller, Inbound, Json, Snapshot
from ostiary.core.ports import (
    Approving,
    Audit,
    Capturing,
    Changes,
    Identify,
    Reply,
    Seal,
    Send,
    Spend,
    Standing,
    Surfaces,
    Watch,
    Wish,
)
from ostiary.core.trail import Trail
from ostiary.pipeline.links import Links
from ostiary.pipeline.pacing import Pacing
from ostiary.pipeline.runs import Runs
from ostiary.pipeline.sessions import Sessions
from ostiary.pipeline.suspend import Suspensions


async def nobody(wish: Wish) -> str:
    """Hold every call: there is nobody to approve it."""
    raise Held(wish.reason, hint=wish.reason)


async def nowhere(_capture: Capture, half: Half, _caller: Caller, _reference: str, _said: Json) -> Captured:
    """Stop every call that would have to be kept: there is no place for it."""
    raise NotCaptured("this gateway keeps no payloads", hint=f"the {half} cannot be kept")


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
    links: Links
    changes: Changes
    watch: Watch
    standing: Standing
    seal: Seal
    clock: Callable[[], float]
    """Monotonic seconds."""
    time: Callable[[], float]
    """Seconds since the epoch."""
    reference: Callable[[], str]
    meter: Callable[[Trail], None]
    serve: Callable[[Inbound, Reply, World], Awaitable[object]]
    """Carries a message within a message: `pipeline.serve.serve`, which nothing that it calls can import."""
    challenge: Callable[[str], str]
    """The WWW-Authenticate value for callers of an endpoint who could not be identified."""
    runs: Runs = field(default_factory=Runs)
    approve: Approving = nobody
    capture: Capturing = nowhere
    pacing: Pacing = field(default_factory=Pacing)
    """What watches for runs that go in circles."""

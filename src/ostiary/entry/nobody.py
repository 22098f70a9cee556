"""A gateway where nobody signs in: what it answers where `People` would, and what both know around them."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct
from starlette.routing import Route

from ostiary.config.schema import Config
from ostiary.core.model import Caller, Json, Snapshot
from ostiary.entry.grants import Grants
from ostiary.entry.identities import Speakers
from ostiary.policy.quarantine import Quarantine


class Around(Struct, frozen=True):
    """What people and their programs meet here, besides themselves."""

    speakers: Speakers
    grants: Grants
    config: Callable[[], Config]
    current: Callable[[], Snapshot]
    revoked: Callable[[], None]
    note: Callable[[str, Json], None]
    barred: Callable[[Caller], bool]
    """Whether a caller is quarantined."""
    standing: Callable[[], tuple[Quarantine, ...]] = tuple
    """What is quarantined now."""


class Nobody:
    """Nobody signs in here, and no program gets tokens. `People` is everybody else."""

    def __init__(self, around: Around) -> None:
        """Serve this configuration; whether anybody signs in takes a restart to change."""
        self._around = around

    def ready(self, config: Config) -> Callable[[], None]:  # noqa: ARG002 - it says nothing of people, or is refused
        """Return what makes another configuration count; raise where a secret is missing."""
        return _nothing

    def changed(self, config: Config) -> list[str]:
        """Return the keys that a running gateway cannot take on."""
        if config.authorization is not None:
            return ["authorization"]
        return ["the first or last identity.*.client"] if signing_in(config) else []

    def routes(self) -> list[Route]:
        """Return every address that there is for people and their programs."""
        return []

    def opened(self, verb: str, path: str) -> bool:  # noqa: ARG002 - there is none
        """Say whether an address answers without a bearer token: it looks for a cookie or a secret of its own."""
        return False

    async def invitation(self) -> str:
        """Return a link that makes whoever opens it first an administrator; empty where nobody needs one."""
        return ""

    def sweep(self) -> None:
        """Forget what has no meaning any more. Blocks."""
        self._around.grants.storage.sweep(time.time())


def signing_in(config: Config) -> bool:
    """Say whether a configuration lets people sign in."""
    return config.authorization is not None or any(each.client is not None for each in config.identity.values())


def _nothing() -> None:
    """Change nothing."""

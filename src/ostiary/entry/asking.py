"""Make the guards that ask providers, and keep them: what is known of a provider outlives a new snapshot."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ostiary.adapters.providers.asking import Asking, Bounds, World
from ostiary.adapters.providers.formats import Answer, Outgoing, Provider, Send, Setting
from ostiary.adapters.providers.providers import PROVIDERS as PROVIDERS
from ostiary.adapters.providers.providers import made
from ostiary.adapters.providers.saying import Deed, Then
from ostiary.adapters.upstream.fetching import Fetching
from ostiary.adapters.upstream.pool import Limits
from ostiary.config.guards import GuardEntry
from ostiary.config.values import Secret
from ostiary.core.screening import Fence, Guard, Payload, Redact, Text
from ostiary.pipeline.revealing import Pseudonyms
from ostiary.policy.breakers import Pace, State

_LIMITS: Final = Limits(connections=32, waiting=512, head=32 * 1024, body=4 * 1024 * 1024)
_HIDDEN: Final = ("secrets", "personal")
_AT: Final = 0.5
_LABEL: Final = "label"
Resolve = Callable[[Secret], str]


class Kept(Struct, frozen=True):
    """A guard and what it sends with."""

    guard: Asking
    fetching: Fetching[Answer]


class Providers:
    """The guards of a gateway that ask somebody else, by their entries. Close it at the end."""

    def __init__(
        self,
        resolve: Resolve,
        pseudonyms: Pseudonyms,
        fence: Callable[[Payload, str], Fence] | None = None,
        pace: Pace | None = None,
    ) -> None:
        """`resolve` reads a secret where it is kept; `fence` marks the words of a payload as data."""
        self._resolve, self._pseudonyms, self._fence = resolve, pseudonyms, fence
        self._pace = pace or Pace()
        self._kept: dict[str, tuple[GuardEntry, Kept]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._salt = secrets.token_bytes(32)

    def guard(self, entry: GuardEntry) -> Guard:
        """Return the guard of an entry, the same as before for the same entry; raise where it lacks something."""
        held = self._kept.get(entry.name)
        if held is not None and held[0] == entry:
            return held[1].guard
        kept = self._made(entry)
        self._kept[entry.name] = (entry, kept)
        if held is not None:
            self._end(held[1])
        return kept.guard

    def states(self) -> dict[str, State]:
        """Return by guard whether its provider is asked at this moment."""
        return {name: kept.guard.state for name, (_, kept) in self._kept.items()}

    async def close(self) -> None:
        """End what is under way, and drop every connection."""
        kept, self._kept = [each for _, each in self._kept.values()], {}
        for each in kept:
            await _closed(each)
        await asyncio.gather(*self._ending)

    def _made(self, entry: GuardEntry) -> Kept:
        permitted = tuple(entry.allow_private)
        fetching = Fetching(Answer, permitted, limits=_LIMITS, plain=True)
        world = World(
            send=_sending(fetching),
            time=time.time,
            clock=time.monotonic,
            salt=self._salt,
            hide=_hiding(self._pseudonyms) if entry.mask_first else None,
            pace=self._pace,
        )
        deed = Deed(Then(entry.then or Then.BLOCK), entry.at, self._fence)
        return Kept(Asking(partial(self._provider, entry), _bounds(entry), deed, world), fetching)

    def _provider(self, entry: GuardEntry) -> Provider:
        key = self._resolve(entry.key) if entry.key is not None else ""
        try:
            return made(
                entry.use,
                Setting(
                    url=entry.url or "",
                    key=key,
                    profile=entry.profile or "",
                    region=entry.region or "",
                    version=entry.version or "",
                    at=entry.at,
                ),
            )
        except ValueError as error:
            raise ValueError(f"guard {entry.name}: {error}") from error

    def _end(self, kept: Kept) -> None:
        """Close what a new configuration has no use for, once the calls that are still in it are over."""
        try:
            task = asyncio.get_running_loop().create_task(_ended(kept))
        except RuntimeError:
            return  # No loop runs, so nothing was ever sent.
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


def _bounds(entry: GuardEntry) -> Bounds:
    whose = (entry.use, entry.url or "", entry.profile or "", entry.region or "", entry.version or "", f"{entry.at:g}")
    return Bounds(entry.name, entry.timeout, whose, entry.cache, entry.unsafe_open, frozenset(entry.skip))


async def _ended(kept: Kept) -> None:
    await kept.guard.idle()
    await kept.fetching.close()


async def _closed(kept: Kept) -> None:
    await kept.guard.close()
    await kept.fetching.close()


def _sending(fetching: Fetching[Answer]) -> Send:
    async def send(sent: Outgoing, deadline: float, /) -> Answer:
        return await fetching.send(sent.method, sent.url, sent.headers, sent.body, deadline)

    return send


def _hiding(pseudonyms: Pseudonyms) -> Callable[[Payload], Awaitable[Payload]]:
    """Return what masks secrets and personal data in what is shown to somebody else."""
    from ostiary.guards.acting import Then as Act  # noqa: PLC0415 - thousands of patterns are compiled by it
    from ostiary.guards.detecting import DETECTORS  # noqa: PLC0415
    from ostiary.pipeline.looking import Local, Wanted  # noqa: PLC0415

    wanted = Wanted(lambda _kind: True, _AT)
    looks = tuple(Local(DETECTORS[use], Act.REDACT, wanted, pseudonyms) for use in _HIDDEN)

    async def hidden(payload: Payload) -> Payload:
        # A resource is called by its URI, and a URI may hold a key.
        label = Text((_LABEL,), payload.label, rigid=True)
        left = replace(payload, texts=(*payload.texts, label))
        for look in looks:
            said = await look(left)
            if isinstance(said, Redact):
                texts = (replace(each, value=said.replace.get(each.path, each.value)) for each in left.texts)
                left = replace(left, texts=tuple(texts))
        *texts_left, named = left.texts
        return replace(left, label=named.value, texts=tuple(texts_left))

    return hidden

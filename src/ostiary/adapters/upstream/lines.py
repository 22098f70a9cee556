"""How a server is asked, and says, that resources changed: by a listen (2026-07-28), or in a session (before)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol

from msgspec import Struct

from ostiary.adapters.upstream import modern
from ostiary.adapters.upstream.handshake import Link
from ostiary.adapters.upstream.process import Child
from ostiary.adapters.upstream.wire import Hear, Heard, HTTPWire, PipeWire, SessionGone, Wire, deaf
from ostiary.core.errors import GatewayError, TimedOut, Unreachable
from ostiary.core.model import Json
from ostiary.protocol.jsonrpc import mapping, request
from ostiary.protocol.modern import SUBSCRIPTION

PATIENCE: Final = 8.0
"""Seconds that a server has to acknowledge."""
BEAT: Final = 0.5
"""Seconds between two looks whether a session's process or connection is still the one that was subscribed in. Well
under the time for which a process that was asked for counts as busy, so that it is not stopped for being idle."""
_AT_ONCE: Final = 8
_OPENING: Final = 2.0
"""Seconds for the head of a session's stream: some servers hold it back until there is something to say."""
_PARTING: Final = 5.0
LISTEN: Final = "subscriptions/listen"
_LISTS: Final = ("toolsListChanged", "promptsListChanged", "resourcesListChanged")
_CANCELLED: Final = "notifications/cancelled"
_WAITING: Final = 4096
"""Messages of a process that wait to be heard; beyond, the oldest is lost."""
_UNSUPPORTED: Final[Json] = {"code": -32601, "message": "This server does not tell when its resources change"}
_UNHONOURED: Final[Json] = {"code": -32602, "message": "The server does not tell when this resource changes"}


class Ears(Struct, frozen=True):
    """Who listens to a line."""

    hear: Callable[[str], None]
    """Takes the URI of a resource that changed. It neither waits nor raises."""
    stir: Callable[[], None]
    """Is told when the line is over."""


class Line(Protocol):
    """One way to hear from a server which of some resources changed."""

    @property
    def over(self) -> bool:
        """Say whether it will never tell anything again."""

    async def keep(self, wanted: frozenset[str], /) -> Mapping[str, Json]:
        """Have the server tell of these and no others; return its error for each that it refused.

        Where it raises, it goes on to tell of what it told of before, unless it is over.
        """

    async def close(self) -> None:
        """Have the server tell of nothing any more."""


class Strays:
    """What a process says outside any answer, by the listen that it names: on a pipe there is nothing else to go by."""

    def __init__(self) -> None:
        self._listens: dict[tuple[int, str], Callable[[dict[str, Any]], None]] = {}

    def expect(self, child: Child, ident: int, hear: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Give `hear` what belongs to a listen, until what is returned is called."""
        self._listens[id(child), str(ident)] = hear
        return lambda: self._listens.pop((id(child), str(ident)), None) and None

    def take(self, child: Child, message: dict[str, Any]) -> bool:
        """Hand a message to the listen it belongs to; False where there is none."""
        params = mapping(message.get("params"))
        ident = mapping(params.get("_meta")).get(SUBSCRIPTION)
        if message.get("method") == _CANCELLED:
            ident = params.get("requestId")
        hear = self._listens.get((id(child), str(ident)))
        if hear is None or "id" in message:
            return False
        hear(message)
        return True


class ListeningPipe(PipeWire):
    """A process's pipes, for a listen: what names the listen is heard like what comes before an answer elsewhere."""

    def __init__(self, child: Child, strays: Strays) -> None:
        super().__init__(child)
        self._strays = strays

    async def request(self, message: Json, fields: bytes, deadline: float, hear: Hear) -> Heard:
        """Send a listen, and return how it ended."""
        asking = asyncio.ensure_future(super().request(message, fields, deadline, deaf))
        waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_WAITING)
        forget = self._strays.expect(self.child, message["id"], partial(_put, waiting))
        hearing = asyncio.get_running_loop().create_task(_heard(waiting, hear))
        try:
            # So a server ends a listen on a pipe: by a word, or by the answer (2026-07-28, "Cancellation").
            await asyncio.wait({asking, hearing}, return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else Heard({"result": {}})
        finally:
            forget()
            asking.cancel()
            hearing.cancel()


def _put(waiting: asyncio.Queue[dict[str, Any]], message: dict[str, Any]) -> None:
    if waiting.full():
        waiting.get_nowait()
    waiting.put_nowait(message)


async def _heard(waiting: asyncio.Queue[dict[str, Any]], hear: Hear) -> None:
    while (message := await waiting.get()).get("method") != _CANCELLED:
        await hear(message)


class ListenLine:
    """One listen with the union of what is wanted; another set is another listen, begun before the old one ends."""

    def __init__(self, wire: Wire, offer: str, ears: Ears) -> None:
        self._wire, self._offer, self._ears = wire, offer, ears
        self._listen: _Listen | None = None

    @property
    def over(self) -> bool:
        """Say whether the server ended the listen."""
        return self._listen is not None and self._listen.ended

    async def keep(self, wanted: frozenset[str]) -> Mapping[str, Json]:
        """Listen for these from now on."""
        fresh = _Listen(self._wire, self._offer, wanted, self._ears)
        try:
            agreed = await fresh.begun()
        except BaseException:
            fresh.close()
            raise
        if not isinstance(agreed, frozenset):
            fresh.close()
            return dict.fromkeys(wanted - (self._listen.wanted if self._listen else frozenset()), agreed)
        # What changed while both were open was told twice, which is better than not at all.
        old, self._listen = self._listen, fresh
        if old is not None:
            old.close()
        return dict.fromkeys(wanted - agreed, _UNHONOURED)

    async def close(self) -> None:
        """End the listen."""
        if self._listen is not None:
            self._listen.close()


class _Listen:
    """One `subscriptions/listen`, from its beginning to its end."""

    def __init__(self, wire: Wire, offer: str, wanted: frozenset[str], ears: Ears) -> None:
        self.wanted, self._ears = wanted, ears
        self._agreed: asyncio.Future[frozenset[str] | Json] = asyncio.get_running_loop().create_future()
        self._task = asyncio.get_running_loop().create_task(self._run(wire, offer))
        self._task.add_done_callback(self._over)

    @property
    def ended(self) -> bool:
        """Say whether nothing more will come."""
        return self._task.done()

    def close(self) -> None:
        """Hang up."""
        self._task.cancel()

    async def begun(self) -> frozenset[str] | Json:
        """Wait for the acknowledgement, and return what it honours; or the error that came instead."""
        done, _ = await asyncio.wait({self._agreed}, timeout=PATIENCE)
        if not done:
            raise TimedOut("a listen was not acknowledged in time")
        return self._agreed.result()

    async def _run(self, wire: Wire, offer: str) -> None:
        wanted = {"resourceSubscriptions": sorted(self.wanted)}
        message = request(wire.mint(), LISTEN, {"notifications": wanted, "_meta": dict(modern.envelope(offer))})
        try:
            heard = await wire.request(message, modern.fields(LISTEN, ""), float("inf"), self._heard)
            self._agree(mapping(heard.message.get("error")) or _UNSUPPORTED)
        except (GatewayError, SessionGone) as error:
            if not self._agreed.done():
                failure = error if isinstance(error, GatewayError) else Unreachable("the server knows no such session")
                self._agreed.set_exception(failure)

    def _agree(self, outcome: frozenset[str] | Json) -> None:
        if not self._agreed.done():
            self._agreed.set_result(outcome)

    def _over(self, _task: asyncio.Task[None]) -> None:
        if self._agreed.done() and not self._agreed.cancelled():
            # Looked at, for who began it may have given up by now.
            self._agreed.exception()
        self._ears.stir()

    async def _heard(self, message: dict[str, Any]) -> None:
        params = mapping(message.get("params"))
        if message.get("method") == "notifications/subscriptions/acknowledged":
            honoured = mapping(params.get("notifications")).get("resourceSubscriptions")
            listed = honoured if isinstance(honoured, list) else []
            self._agree(self.wanted & {uri for uri in listed if isinstance(uri, str)})
        elif message.get("method") == "notifications/resources/updated" and isinstance(params.get("uri"), str):
            self._ears.hear(params["uri"])


class SessionLine:
    """Subscriptions in one session: kept by the server, told on the session's stream or on the process's pipe."""

    def __init__(
        self, link: Link, again: Callable[[], Awaitable[object]], streams: HTTPWire | None, ears: Ears
    ) -> None:
        """`again` asks for the session anew: another one than `link` means that this one is lost."""
        self._link, self._again, self._streams, self._ears = link, again, streams, ears
        self._have: set[str] = set()
        self._beating: asyncio.Task[None] | None = None
        self._lost = False
        link.updated = ears.hear

    @property
    def over(self) -> bool:
        """Say whether the session, or its stream, has ended."""
        return self._lost

    async def keep(self, wanted: frozenset[str]) -> Mapping[str, Json]:
        """Subscribe and unsubscribe as far as the two sets differ."""
        if not mapping(self._link.capabilities.get("resources")).get("subscribe"):
            return dict.fromkeys(wanted, _UNSUPPORTED)
        deadline = asyncio.get_running_loop().time() + PATIENCE
        if self._beating is None:
            # Before anything is subscribed to: what changes right after must find the stream open.
            await self._link.listening(asyncio.get_running_loop().time() + _OPENING, self._streams)
            self._beating = asyncio.get_running_loop().create_task(self._beat())
        await self._asked("resources/unsubscribe", self._have - wanted, deadline)
        self._have &= wanted
        return await self._asked("resources/subscribe", wanted - self._have, deadline)

    async def _asked(self, method: str, resources: set[str] | frozenset[str], deadline: float) -> dict[str, Json]:
        """Ask this of each resource, some at a time, and return the errors; what succeeds is noted at once."""
        refused: dict[str, Json] = {}
        places = asyncio.Semaphore(_AT_ONCE)

        async def ask(uri: str) -> None:
            async with places:
                error = (await self._link.ask(method, {"uri": uri}, deadline)).get("error")
            if error is not None:
                refused[uri] = mapping(error) or _UNHONOURED
            elif method == "resources/subscribe":
                self._have.add(uri)

        try:
            async with asyncio.TaskGroup() as asking:
                for uri in sorted(resources):
                    asking.create_task(ask(uri))
        except* (SessionGone, GatewayError) as errors:
            raise self._failure(_first(errors)) from None
        return refused

    def _failure(self, error: Exception) -> GatewayError:
        if isinstance(error, GatewayError):
            return error
        self._link.broken = self._lost = True
        return Unreachable("the server forgot the session")

    async def _beat(self) -> None:
        """Look again and again whether the session is still the one, and its stream still open."""
        link, streaming = self._link, self._link.streaming
        while link.alive:
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    await (link.listened() if streaming else asyncio.Event().wait())
            if streaming and not link.streaming:
                break
            try:
                if await self._again() is not link:
                    break
            except GatewayError:
                break
        self._lost = True
        self._ears.stir()

    async def close(self) -> None:
        """Unsubscribe from everything, where there is still somebody to say it to."""
        if self._beating is not None:
            self._beating.cancel()
        self._link.updated = None
        self._link.deafen()
        if self._lost or not self._link.alive:
            return
        with suppress(GatewayError):
            await self._asked("resources/unsubscribe", self._have, asyncio.get_running_loop().time() + _PARTING)


def _first(errors: BaseExceptionGroup[Exception]) -> Exception:
    found = errors.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


# Lists


def all_lists(ident: int) -> Json:
    """Return the request for everything that a server says of its lists."""
    params = {"notifications": dict.fromkeys(_LISTS, True), "_meta": dict(modern.envelope(""))}
    return request(ident, LISTEN, params)


async def overheard(wire: PipeWire, deadline: float) -> None:
    """Have a fresh process of the modern era say when its lists change, if it announces that it does.

    This is no request in flight, for that would keep the process from being idle: nobody waits for the answer, and
    what it says is heard like what processes of the other era say without being asked.
    """
    message = request(wire.mint(), "server/discover", {"_meta": dict(modern.envelope(""))})
    heard = await wire.request(message, b"", deadline, deaf)
    announced = mapping(mapping(heard.message.get("result")).get("capabilities")).values()
    if any(mapping(each).get("listChanged") for each in announced):
        await wire.tell(all_lists(wire.mint()), b"", deadline)

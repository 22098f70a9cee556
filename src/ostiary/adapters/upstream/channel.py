"""HTTP+SSE, the transport of 2024-11-05: one GET stream that everything arrives on, and a POST for each message out."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urljoin

import structlog

from ostiary.adapters.upstream.arriving import Arriving, Message, claimed
from ostiary.adapters.upstream.pool import Pool, Response
from ostiary.adapters.upstream.steady import Talk
from ostiary.adapters.upstream.wire import Hear, Heard, SessionGone, cancellation, soon
from ostiary.core.errors import Garbled, GatewayError, Lost, NotJson, TimedOut, TooLarge, Unreachable, UpstreamRefused
from ostiary.core.model import Json
from ostiary.policy.egress import Origin, parse_url
from ostiary.protocol.jsonrpc import encode, heard, request
from ostiary.protocol.sse import Event

log: Final = structlog.get_logger(__name__)

_LISTENING: Final = b"accept: text/event-stream\r\ncache-control: no-store\r\n"
_SENDING: Final = b"accept: application/json, text/event-stream\r\ncontent-type: application/json\r\n"
_OK: Final = 200
_ACCEPTED: Final = range(200, 300)
_GONE: Final = (404, 410)
_LONGEST_ENDPOINT: Final = 8192
# A progress notification is a number and a short text; what is longer is no progress.
_PROGRESS_BYTES: Final = 64 * 1024
# What belongs to no call waits in memory until it is handled; only answers may be as long as an answer may be.
_STRAY_BYTES: Final = 4 * 1024 * 1024
_PATIENCE: Final = 10.0
"""Seconds of silence after which a stream that owes an answer is asked whether it lives, and to wait for its word."""


class Channel:
    """One session's stream and the place where its messages are posted. Not usable again once the stream has ended."""

    def __init__(self, pool: Pool, origin: Origin, fields: bytes, *, patience: float = _PATIENCE) -> None:
        """Send `fields` (the upstream's own credential and headers) with every request, to this origin alone."""
        self._pool, self._origin, self._fields, self._patience = pool, origin, fields, patience
        self._place = b""
        self._stray: Callable[[Message], None]
        self._response: Response | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: dict[int, Arriving] = {}
        self._count = self._noise = 0
        self._heard = 0.0
        """When a message arrived last."""
        self._over = asyncio.Event()

    @property
    def alive(self) -> bool:
        """Say whether a request can still be sent: the stream is open."""
        return self._reading is not None and not self._over.is_set()

    def mint(self) -> int:
        """Return a request id."""
        self._count += 1
        return self._count

    async def open(self, deadline: float, stray: Callable[[Message], None]) -> None:
        """Open the stream and learn where messages go; give `stray` what belongs to no request.

        Where this fails, close it.
        """
        self._stray = stray
        try:
            async with asyncio.timeout_at(deadline):
                self._response = response = await self._answered()
                self._place = await self._told(response)
        except TimeoutError:
            raise TimedOut("it did not say in time where messages go (no `endpoint` event)") from None
        except Lost as error:
            # Nothing was asked of the server yet, so nothing can have taken effect.
            raise Unreachable(error.detail) from None
        self._reading = asyncio.get_running_loop().create_task(self._read(response))

    async def _answered(self) -> Response:
        path = self._origin.target.encode("ascii")
        response = await self._pool.exchange(b"GET", path, _LISTENING + self._fields, b"", math.inf)
        if response.status == _OK and response.streaming:
            return response
        response.close()
        if response.status == _OK:
            raise Garbled("GET was answered with something else than an event stream; for Streamable HTTP write url:")
        raise UpstreamRefused(
            f"GET was answered {response.status}; check the address and the credential, and write url: instead of sse: "
            "if the server speaks Streamable HTTP"
        )

    async def _told(self, response: Response) -> bytes:
        """Return the path that the first event names."""
        while (event := await response.next()) is not None:
            if event.event == "endpoint":
                return endpoint(self._origin, event.data).encode("ascii")
            self._unusable("it came before the endpoint event")
        raise Unreachable("the event stream ended before it said where messages go (no `endpoint` event)")

    async def request(self, message: Json, fields: bytes, deadline: float, hear: Hear) -> Heard:
        """Send a request and return its answer; cancelling, or giving up, tells the server."""
        if not self.alive:
            raise SessionGone("the event stream has ended")
        loop = asyncio.get_running_loop()
        begun, working = loop.time(), True
        arriving, talk = Arriving(message["id"], deadline, self._forget), Talk(self._pool.pace)
        self._waiting[arriving.number] = arriving
        # Some servers answer on the stream before they accept the POST, and some accept it only when all is done.
        sending = loop.create_task(self._post(message, fields, deadline))
        sending.add_done_callback(lambda task: _failed(task, arriving))
        try:
            while "method" in (heard := await arriving.next()):
                await talk.turn(deadline)
                await hear(heard)
            working = False
            return Heard(heard)
        except (UpstreamRefused, Unreachable):
            working = False
            raise
        except Lost:
            if isinstance(_went_wrong(sending), SessionGone):
                raise SessionGone from None
            raise
        finally:
            arriving.close()
            loop.call_later(0.0 if working else self._patience, sending.cancel)
            if working and self.alive and message["method"] != "initialize":
                soon(self._given_up(message["id"], fields, begun))

    async def _given_up(self, ident: Any, fields: bytes, begun: float) -> None:
        """Tell the server that nobody waits any more, and find out whether it still hears us at all."""
        now = asyncio.get_running_loop().time()
        until = now + self._patience
        await self.tell(cancellation(ident), fields, until)
        if self._heard >= begun or now - begun < self._patience or not self.alive:
            return
        # A stream can die without a word, in a proxy or a cable; POSTs would go on being accepted for ever.
        ping = Arriving(self.mint(), until, self._forget)
        self._waiting[ping.number] = ping
        try:
            await self._post(request(ping.number, "ping", {}), fields, until)
            await ping.next()
        except TimedOut:
            self._end(Lost("the event stream fell silent: it does not even answer a ping"))
        finally:
            ping.close()

    async def tell(self, message: Json, fields: bytes, deadline: float) -> None:
        """Send a notification or an answer."""
        if not self.alive:
            raise SessionGone("the event stream has ended")
        await self._post(message, fields, deadline)

    async def _post(self, message: Json, fields: bytes, deadline: float) -> None:
        lines = _SENDING + self._fields + fields
        response = await self._pool.exchange(b"POST", self._place, lines, encode(message), deadline)
        response.close()
        if response.status in _GONE:
            self._end(Lost("the server forgot this session"))
            raise SessionGone(f"POST was answered {response.status}")
        if response.status not in _ACCEPTED:
            raise UpstreamRefused(f"POST was answered {response.status}")

    async def ended(self) -> None:
        """Wait until the stream ends."""
        await self._over.wait()

    def close(self) -> None:
        """End the session by closing its stream; this era knows no other way to say so."""
        self._end(Lost("the gateway closed the session"))

    def _end(self, failure: GatewayError) -> None:
        if self._over.is_set():
            return
        self._over.set()
        if self._response is not None:
            self._response.close()
        for arriving in tuple(self._waiting.values()):
            # One for each: what becomes of a call is written into its error.
            arriving.fail(type(failure)(failure.detail, hint=failure.hint))
        self._waiting.clear()

    # Reading

    async def _read(self, response: Response) -> None:
        """Hand over what arrives, until the stream ends."""
        failure: GatewayError = Lost("the server closed the event stream", hint="the next call opens a new session")
        try:
            while (event := await response.next()) is not None:
                self._take(event)
                # Many events may be there at once, and those who wait for them must not wait for all.
                await asyncio.sleep(0)
        except Garbled as error:
            failure = error
        except GatewayError as error:
            failure = Lost(error.detail, hint="the next call opens a new session")
        finally:
            self._end(failure)

    def _take(self, event: Event) -> None:
        if event.event not in (None, "message"):
            return
        self._heard = asyncio.get_running_loop().time()
        data = event.data.encode()
        try:
            message = heard(data)
        except NotJson as error:
            self._unusable(error.detail)
            return
        except TooLarge as error:
            self._overlong(data, error.hint)
            return
        # 2025-03-26 obliges a receiver to take batches.
        for each in message if isinstance(message, list) else (message,):
            if not isinstance(each, dict) or not self._routed(each, len(data)):
                self._unusable("it is no message that anybody waits for")

    def _overlong(self, data: bytes, reason: str) -> None:
        """Tell who waits for an answer that is more than anybody may be given, at once and not at the deadline."""
        arriving = claimed(data, self._waiting)
        if arriving is None:
            self._unusable(reason)
            return
        arriving.fail(Garbled(reason, hint=reason))
        self._forget(arriving.number)

    def _routed(self, message: Message, size: int) -> bool:
        """Hand the message to its owner; say False when it is of no use to anyone."""
        method = message.get("method")
        if method is None:
            return self._answered_by(message)
        if method == "notifications/progress" and "id" not in message:
            return self._progressed(message, size)
        if not isinstance(method, str) or size > _STRAY_BYTES:
            return False
        self._stray(message)
        return True

    def _answered_by(self, message: Message) -> bool:
        arriving = self._owner(message.get("id"))
        if arriving is None:
            return self._late(message.get("id"))
        if ("result" in message) == ("error" in message):
            arriving.fail(Garbled(f"the answer to request {arriving.number} has neither result nor error, or both"))
        else:
            arriving.answer(message)
        self._forget(arriving.number)
        return True

    def _progressed(self, message: Message, size: int) -> bool:
        params = message.get("params")
        token = params.get("progressToken") if isinstance(params, dict) else None
        arriving = self._owner(token)
        if arriving is None or size > _PROGRESS_BYTES:
            return arriving is None and self._late(token)
        arriving.progress(message)
        return True

    def _owner(self, number: object) -> Arriving | None:
        # `True == 1` would let `true` name the first request.
        return self._waiting.get(number) if type(number) is int else None

    def _late(self, number: object) -> bool:
        """Say whether it is about a request of ours that is over: servers do not always hear in time that it is."""
        return type(number) is int and 0 < number <= self._count

    def _forget(self, number: int) -> None:
        self._waiting.pop(number, None)

    def _unusable(self, reason: str) -> None:
        self._noise += 1
        if self._noise == 1:
            log.warning("the event stream carries what is no message of ours", host=self._origin.host, reason=reason)


def _went_wrong(sending: asyncio.Task[None]) -> BaseException | None:
    """Return why a message could not be sent, if that is known by now."""
    return sending.exception() if sending.done() and not sending.cancelled() else None


def _failed(sending: asyncio.Task[None], arriving: Arriving) -> None:
    """End a request that could not be sent."""
    error = _went_wrong(sending)
    if error is not None:
        arriving.fail(error if isinstance(error, GatewayError) else Lost(f"the message was not sent: {error!r}"))


def endpoint(stream: Origin, said: str) -> str:
    """Return the path that messages of a stream are posted to; refuse one that is not at the stream's own origin.

    Whoever can write the first event could otherwise have us send our credential, and what callers say, anywhere.
    """
    if len(said) > _LONGEST_ENDPOINT or not said.isascii() or not said.isprintable() or "\\" in said:
        raise Garbled("the endpoint event holds no URI")
    base = f"{stream.scheme}://{stream.authority}"
    try:
        found = parse_url(urljoin(base + stream.target, said))
    except ValueError as error:
        raise Garbled(f"the endpoint event holds no usable URI: {error}") from None
    if (found.scheme, found.host, found.port) != (stream.scheme, stream.host, stream.port):
        raise Garbled(
            f"the endpoint event leads to another origin ({found.scheme}://{found.authority}), and nothing was sent "
            f"there; if the server is meant to be at that address, configure it as sse: instead of {base}"
        )
    return found.target

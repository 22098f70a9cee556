"""One HTTP/1.1 connection from a client: uvicorn's protocol over httptools, made strict and bounded.

What llhttp already refuses stays its business: bare LF, folded lines, both lengths at once, NUL, bad chunks. Added
here: bounds on the head while it arrives, time for heads and bodies (slowloris), one Host, no trailers, no upgrades,
and no answer that a client could take for the answer to another request. What is waited for is looked at by one sweep
a second over all connections instead of a timer for each request: it costs nothing on the way of a call.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ostiary.adapters.http.bounds import Limits, Nowhere, Refused, State, again, excess, odd, same_host
from ostiary.adapters.http.certificates import Stale, peer, secured
from ostiary.adapters.http.cycle import Cycle, addressed
from ostiary.adapters.http.lane import PIECE, USUAL, Lane, Passage

__all__ = ["Connection", "Limits", "State"]

_WATCHED: Final = frozenset({b"expect", b"transfer-encoding"})
# A byte of body may be surrounded by seven others: a chunk of one byte has six. (CVE-2023-39326: endless extensions.)
_FRAMING: Final = 8


class Connection(HttpToolsProtocol):
    """Reads requests and starts the application for each."""

    cycle: Cycle | Passage | None  # type: ignore[assignment]  # ours instead of uvicorn's
    pipeline: deque[Cycle]  # type: ignore[assignment]  # without the application, which is always the same

    def __init__(
        self,
        config: Config,
        server_state: State,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.access_log = False
        self.shared = server_state
        lane: Lane | None = getattr(self.app, "lane", None)
        self._lane, self._piece = lane, b""
        """The way of requests that are like an earlier one; all that came at once, while it is parsed."""
        self.marks = lane.marks if lane is not None else USUAL
        limits = self._limits = server_state.limits
        self._most_fed, self._most_fields, self._longest = limits.head_bytes, limits.head_fields, limits.target_bytes
        self._fed = 0
        """Bytes since the last request was complete; 0 while a pipelined one is parsed from the same piece."""
        self._hosts = self._unread = self._framing = 0
        self._mid_body = self._chunked = self._upgrade = False
        self._deaf = self._lingers = self._amid = self._bears = False
        self._refusal: Refused | None = None
        self._responded = self.on_response_complete
        self._phase: tuple[str, object] = ("", None)
        self._since = self._paused = server_state.now

    # What the transport says.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base does
        """Take a new connection, unless there are too many."""
        super().connection_made(transport)
        if self.scheme == "https":
            self._secured(transport)
        if len(self.connections) > self._limits.connections:
            self.shared.shed["connections"] += 1
            self._answer(Refused(503, "too many connections; come back later"))

    def _secured(self, transport: asyncio.Transport) -> None:
        """Tell the application, with each request, whose connection it is."""
        try:
            certificate = peer(transport.get_extra_info("ssl_object"), self)
            if certificate is not None:
                # The way of requests that are like an earlier one knows tokens only.
                self._lane = None
            self.app = secured(self.app, certificate)
        except Stale:
            self._deaf = True
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why makes no difference
        """Forget a connection that ended, and tell the application."""
        self.connections.discard(self)
        cycle = self.cycle
        if cycle is not None:
            cycle.disconnected = cycle.disconnected or not cycle.response_complete
            cycle.wake()
        while self.pipeline:
            self.pipeline.pop().forget()
        self.flow.resume_writing()
        self.transport.close()
        self.shared.bodies.ended(self)
        # They refer to this object: without this, memory would wait for the collector of reference cycles.
        self.parser = self._responded = self.cycle = None  # type: ignore[assignment]
        self._phase = ("", None)
        if not self.connections:
            self.shared.emptied.set()

    def data_received(self, data: bytes) -> None:
        """Parse what came, and refuse what cannot be read safely."""
        if self._deaf:
            return
        if self._lane is not None and not self._amid and not self.flow.write_paused:
            cycle = self.cycle
            if cycle is None or cycle.response_complete:
                if self._lane.take(self, data):
                    return
                self._piece = data
        self._fed += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(self._refusal or Refused(400, "the request is not well-formed HTTP"))
            return
        except httptools.HttpParserUpgrade as upgrade:
            self._without_upgrade(data[upgrade.args[0] :])
            return
        if self._chunked:
            self._framed(len(data))
        elif self._fed > self._most_fed and not self._mid_body:
            self._refuse(Refused(431, f"the request's head has more than {self._most_fed} bytes"))
        if self._mid_body and not self._deaf:
            self._unfinished(len(data))

    def pause_writing(self) -> None:
        """Remember since when the client reads nothing."""
        self._paused = self.shared.now
        super().pause_writing()

    def shutdown(self) -> None:
        """Let the request in flight finish, and begin no other."""
        self.pipeline.clear()
        super().shutdown()

    # What the parser says. These run for every request: each line here is on the way of every call.

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._amid = True
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one field of the head, or of what follows a chunked body."""
        self.headers.append((name.lower(), value))

    def _watch(self, name: bytes, value: bytes) -> None:
        if name == b"host":
            self._hosts += 1
        if name not in _WATCHED:
            return
        said = value.strip(b" \t").lower()
        if name == b"expect":
            if said != b"100-continue":
                self._raise(417, "the only expectation that can be met is 100-continue")
            self.expect_100_continue = True
            return
        if said != b"chunked":
            self._raise(400, "the only transfer coding that is understood is chunked")
        self._chunked = True
        self._framing = -self._fed  # the head came with these bytes, and is bounded by itself

    def on_headers_complete(self) -> None:
        """Start the application, if the head is one that nobody can read in two ways."""
        parser, url = self.parser, self.url
        if parser.should_upgrade():
            self._upgrading()
            return
        if len(self.headers) > self._most_fields or len(url) > self._longest or not 0 < self._fed <= self._most_fed:
            self._unless(excess(self._limits, url, self.headers, len(self.pipeline)))
        self._looked_through()
        version = parser.get_http_version()
        if version != "1.1" or self._hosts != 1:
            self._unless(odd(version, self._hosts, chunked=self._chunked))
        if url[0] != _SLASH and not same_host(url, self.headers):
            self._raise(400, "the request's target is a path, or a URL with a path and the host of the Host header")
        scope = {
            **addressed(url),
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "headers": self.headers,
            "method": parser.get_method().decode("ascii"),
            "extensions": {},
        }
        self._mid_body = True
        # Trailers go nowhere: in the request's own list they would become headers of a request that was admitted
        # without them (RFC 9110 section 6.5.1: merge only what is known to be safe; we know none).
        self.headers = _NOWHERE
        self._begin(scope, version)

    def _begin(self, scope: dict[str, Any], version: str) -> None:
        before = self.cycle
        if self._piece and version == "1.1" and self.parser.should_keep_alive() and not self.expect_100_continue:
            scope["extensions"][PIECE] = (self, self._piece)
            self._piece = b""
        self.cycle = cycle = Cycle(
            scope,
            self.transport,
            self.flow,
            self.shared,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            expect_100_continue=self.expect_100_continue,
        )
        if before is None or before.response_complete:
            cycle.start(self.app, self.loop, self._responded)
            return
        self.flow.pause_reading()
        self.pipeline.appendleft(cycle)

    def _looked_through(self) -> None:
        """Look for what decides how the request is read, in all fields at once: most requests have nothing of it."""
        fields = dict(self.headers)
        text = b"\n".join(fields.values()) + b"\n"
        if len(fields) == len(self.headers) and fields.keys().isdisjoint(_WATCHED) and b"host" in fields:
            self._hosts = 1
        else:
            for name, value in self.headers:
                self._watch(name, value)
        if b" \n" in text or b"\t\n" in text:
            # RFC 9110 section 5.5; llhttp strips only what comes before a value.
            self.headers[:] = [(name, value.rstrip(b" \t")) for name, value in self.headers]

    def on_body(self, body: bytes) -> None:
        """Keep what came for the application; swallow what it did not want, within a bound."""
        cycle = self.cycle
        if self._chunked:
            self._framing -= _FRAMING * len(body)
        if cycle is None or cycle.response_complete:
            self._swallow(len(body))
            return
        cycle.feed(body)
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()

    def on_message_complete(self) -> None:
        """End a request's body."""
        if self._upgrade:
            return
        self._mid_body = self._chunked = self._amid = False
        self._fed = self._hosts = 0
        if self._bears:
            self._relieved()
        cycle = self.cycle
        if cycle is not None:
            cycle.more_body = False
            cycle.wake()

    def on_response_complete(self) -> None:
        """Go on with the next request."""
        if self.transport.is_closing():
            return
        if self._mid_body:
            self._unread = 0
            self._relieved()
            if self.expect_100_continue:
                # Answered instead of asked to continue, a client may or may not send its body (RFC 9110 section
                # 10.1.1): what comes next could be a body, or a request.
                self.transport.close()
                return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self.pipeline.pop().start(self.app, self.loop, self._responded)

    # What is odd, and what is refused.

    def _framed(self, fed: int) -> None:
        """Bound what surrounds the chunks of a body: their sizes, their extensions, and the trailers."""
        self._framing += fed
        if self._framing > self._most_fed:
            self._refuse(Refused(413, "the body's chunks are tiny, or their extensions or trailers are too large"))

    def _unfinished(self, amount: int) -> None:
        """Bound what bodies that are not complete take together."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._bears = True
            self.shared.bodies.grew(self, amount)

    def _relieved(self) -> None:
        self._bears = False
        self.shared.bodies.ended(self)

    def overborne(self) -> None:
        """Give up a body that is not complete, for others."""
        self.shared.shed["bodies"] += 1
        self._refuse(Refused(503, "too much of unfinished bodies is held; send this one again, and faster"))

    def _swallow(self, amount: int) -> None:
        self._unread += amount
        if self._unread > self._limits.unread_bytes:
            self._deaf = True
            self.transport.close()

    def _upgrading(self) -> None:
        if self.parser.get_method() == b"CONNECT":
            self._raise(400, "this is no forward proxy")
        self._piece = b""
        # llhttp takes what follows for another protocol's; it is parsed again without the upgrade.
        self._upgrade = True

    def _without_upgrade(self, rest: bytes) -> None:
        """Read the request again as if it had not asked for another protocol (RFC 9110 section 7.8: it may be ignored).

        The HTTP client of Java asks for h2c on its first request; llhttp would lose that request's body.
        """
        head = again(self.parser, self.url, self.headers)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._upgrade = self._chunked = False
        self._fed = self._hosts = 0
        self.data_received(head + rest)

    def _unless(self, wrong: tuple[int, str] | None) -> None:
        if wrong is not None:
            self._raise(*wrong)

    def _raise(self, status: int, why: str) -> None:
        # Two of them: one that was raised refers to the frames it went through, and so to itself if it were kept.
        self._refusal = Refused(status, why)
        raise Refused(status, why)

    def _refuse(self, refused: Refused) -> None:
        """Answer what cannot be read, where the answer can only be taken for the answer to it."""
        self._deaf = True
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self._answer(refused)
        elif self.pipeline or (self._mid_body and cycle.response_started):
            self.transport.close()
        elif self._mid_body:
            cycle.disconnected = True
            # Asked for its body only now, the application would have 100 written after the last word.
            cycle.waiting_for_100_continue = False
            cycle.wake()
            self._answer(refused)
        else:
            cycle.keep_alive = False

    def _answer(self, refused: Refused) -> None:
        self.transport.write(refused.said(self.shared.strict))
        self._deaf = True
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self._lingers = True

    # What is waited for.

    def swept(self, now: float) -> None:
        """End the connection if what it waits for took too long."""
        phase = self._waits()
        if (phase, self.cycle) != self._phase:
            self._phase, self._since = (phase, self.cycle), now
        late, waited = now - self._since, self._limits
        if self.flow.write_paused and now - self._paused > waited.write_seconds:
            self.transport.abort()
            return
        match phase:
            case "lingers" if late > waited.linger_seconds:
                self.transport.abort()
            case "body" if late > waited.body_seconds:
                self._refuse(Refused(408, "the request's body took too long"))
            case "head" if late > waited.head_seconds:
                self._refuse(Refused(408, "the request's head took too long"))
            case "new" | "idle" if late > (waited.head_seconds if phase == "new" else waited.idle_seconds):
                self.transport.close()

    def _waits(self) -> str:
        """Return what the connection waits for; the sweep remembers since when."""
        cycle = self.cycle
        if self._lingers:
            return "lingers"
        if self.pipeline:
            return "busy"
        if self._mid_body:
            return "body"
        if cycle is not None and not cycle.response_complete:
            return "busy"
        if self._fed:
            return "head"
        return "new" if cycle is None else "idle"


_NOWHERE: Final = Nowhere()
_SLASH: Final = ord("/")

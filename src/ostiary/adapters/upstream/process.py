"""One child process that speaks newline-delimited JSON: started, read, written, and ended with all it started."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from io import FileIO
from itertools import count
from typing import Any, Final, cast

import msgspec
import structlog

from ostiary.adapters.upstream.arriving import Arriving, Message, claimed
from ostiary.adapters.upstream.pipes import Sink, Source
from ostiary.adapters.upstream.program import Lines, Program, neutral
from ostiary.adapters.upstream.steady import Pace
from ostiary.core.errors import Fault, Garbled, GatewayError, Lost, NotJson, Overloaded, TimedOut, TooLarge, Unreachable
from ostiary.protocol.jsonrpc import heard

log = structlog.get_logger(__name__)


# A progress notification is a number and a short text; what is longer is no progress.
PROGRESS_BYTES: Final = 64 * 1024
STDERR_LINES: Final = 50
STDERR_WIDTH: Final = 500
NOISE_SHOWN: Final = 20
TELL_PATIENCE: Final = 10.0
# How long pipes may outlive the process, or the process its pipes, before we stop waiting for the other half.
LINGER: Final = 2.0
# A process that SIGKILL does not end within this sits in the kernel, where nobody can reach it.
KILL_PATIENCE: Final = 5.0


class Child:
    """One running process and the requests it has not answered yet.

    Lines are read and handed over by the event loop's own callbacks, so that one costs no task switch. `stray` is
    called with every message that belongs to no open request: it must neither block nor raise.
    """

    def __init__(
        self,
        program: Program,
        env: Mapping[str, str],
        stray: Callable[[Child, Message], None],
        *,
        clock: Callable[[], float],
        ended: Callable[[Child], None] = lambda _: None,
    ) -> None:
        self.program, self._env, self._stray, self._clock, self._on_end = program, env, stray, clock, ended
        self.pid: int | None = None
        self.touched = clock()
        """When a request last began or ended."""
        self.pace = Pace()
        """How fast its messages are handled."""
        self.noise = 0
        """Lines and messages from stdout that nobody could use."""
        self._process: subprocess.Popen[bytes] | None = None
        self._stdin: Sink
        self._outputs: tuple[Source, ...] = ()
        self._numbers = count(1)
        self._open: dict[int, Arriving] = {}
        self._lines = Lines(program.max_line)
        self._complaints: deque[str] = deque(maxlen=STDERR_LINES)
        self._complaint = b""
        self._usable = self._stopping = self._exited = self._oversized = False
        self._quiet, self._over = asyncio.Event(), asyncio.Event()
        self._quiet.set()

    def __repr__(self) -> str:
        return f"Child({self.program.name!r}, pid={self.pid}, {self.exit})"

    @property
    def alive(self) -> bool:
        """Say whether a request can still be sent to it."""
        return self._usable and not self._stopping

    @property
    def in_flight(self) -> int:
        """Count the requests without an answer."""
        return len(self._open)

    @property
    def exit(self) -> str:
        """Say how the process ended."""
        code = self._process.returncode if self._process else None
        if code is None:
            return "not started" if self._process is None else "running"
        return f"exit status {code}" if code >= 0 else f"killed by signal {-code}"

    @property
    def stderr(self) -> tuple[str, ...]:
        """Return the last lines it complained with. They may hold secrets: never part of an answer."""
        unfinished = (neutral(self._complaint, STDERR_WIDTH),) if self._complaint else ()
        return (*self._complaints, *unfinished)

    def mint(self) -> int:
        """Return a request id that this process has not seen."""
        return next(self._numbers)

    def start(self) -> None:
        """Start the process, without a shell, in a session of its own, with three pipes and no other descriptor."""
        try:
            process = subprocess.Popen(  # noqa: S603  # no shell, and the command is the operator's own
                self.program.command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                close_fds=True,
                cwd=self.program.cwd,
                env=self._env,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise Unreachable(f"{self.program.command[0]} could not be executed: {error}") from error
        self._process, self.pid, self._usable = process, process.pid, True
        self._stdin = Sink(cast("FileIO", process.stdin), self._cut_off)
        self._outputs = (
            Source(cast("FileIO", process.stdout), self._said, self._cut_off),
            Source(cast("FileIO", process.stderr), self._complained, self._read_out),
        )
        watch = partial(_watch, process, asyncio.get_running_loop(), self._exits)
        threading.Thread(target=watch, name=f"waits for {process.pid}", daemon=True).start()

    async def open(self, message: Mapping[str, Any], deadline: float) -> Arriving:
        """Send a request and return the place where its answer will arrive. `deadline` is on the loop's clock."""
        number = message["id"]
        if len(self._open) >= self.program.max_in_flight:
            busy = f"{self.in_flight} calls to this server are in flight, which is the limit"
            raise Overloaded(hint=busy, retry_after=1.0)
        if type(number) is not int or number in self._open:
            raise Fault("a request id is not an unused integer")
        arriving = Arriving(number, deadline, self._forget)
        self._open[number] = arriving
        self._quiet.clear()
        self.touched = self._clock()
        try:
            await self._write(message, deadline)
        except BaseException:
            arriving.close()
            raise
        return arriving

    async def tell(self, message: Mapping[str, Any]) -> None:
        """Send a notification or an answer, after everything that was sent before it."""
        await self._write(message, asyncio.get_running_loop().time() + TELL_PATIENCE)

    async def quiet(self) -> None:
        """Wait until no request is open."""
        await self._quiet.wait()

    async def stop(self, grace: float = 5.0) -> None:
        """End the process and all it started: its input closes, then SIGTERM, then SIGKILL, `grace` seconds apart."""
        self._stopping = True
        if self._process is None or self._over.is_set():
            return
        try:
            self._stdin.close()
            if not await self._ends_within(grace):
                self._signal(signal.SIGTERM)
                await self._ends_within(grace)
        finally:
            self.kill()
        if not await self._ends_within(KILL_PATIENCE):
            log.error("a process outlives SIGKILL", server=self.program.name, pid=self.pid)
            self._end()

    def kill(self) -> None:
        """End the process and its group at once, without waiting for it."""
        self._stopping = True
        self._signal(signal.SIGKILL)

    # Writing.

    async def _write(self, message: Mapping[str, Any], deadline: float) -> None:
        if not self.alive:
            raise self._refusal()
        if deadline <= asyncio.get_running_loop().time():
            raise TimedOut("the deadline passed before the message was sent")
        if self._stdin.pending > self.program.max_line:
            raise Overloaded(hint="the server does not read what it is sent", retry_after=1.0)
        self._stdin.write(msgspec.json.encode(message) + b"\n")
        if not self.alive:
            raise self._refusal()
        if self._stdin.full:
            await self._drained(deadline)

    async def _drained(self, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await self._stdin.drained()
        except TimeoutError as error:
            raise TimedOut("the process does not read its input") from error
        if self._over.is_set():
            raise self._failure()

    def _refusal(self) -> Unreachable:
        return Unreachable(f"the process takes no more input ({self.exit})", hint="call again to start it anew")

    # Reading.

    def _said(self, data: bytes) -> None:
        if self._oversized:
            return
        try:
            lines = self._lines.feed(data)
        except ValueError:
            self._overflow()
            return
        for line in lines:
            self._received(line)

    def _complained(self, data: bytes) -> None:
        # A flood costs no more than its last lines; the specification forbids reading errors out of any of them.
        *lines, rest = (self._complaint + data).split(b"\n")
        self._complaint = rest[-STDERR_WIDTH:]
        for line in lines[-STDERR_LINES:]:
            text = neutral(line.rstrip(), STDERR_WIDTH)
            self._complaints.append(text)
            log.debug("stderr", server=self.program.name, pid=self.pid, line=text)

    def _overflow(self) -> None:
        # Whose answer it is would stand in the part we refuse to read: no open request can trust this pipe again.
        log.error("a line is over the limit", server=self.program.name, pid=self.pid, limit=self.program.max_line)
        self._oversized, self._usable = True, False
        self._fail_all()
        self.kill()

    def _received(self, line: bytes) -> None:
        try:
            message = heard(line)
        except NotJson:
            message = None
        except TooLarge as error:
            self._overlong(line, error.hint)
            return
        # 2025-03-26 obliges a receiver to take batches.
        for each in message if isinstance(message, list) else (message,):
            if not isinstance(each, dict) or not self._routed(each, len(line)):
                self._unusable(line)

    def _overlong(self, line: bytes, reason: str) -> None:
        """Tell who waits for an answer that is more than anybody may be given, at once and not at the deadline."""
        arriving = claimed(line, self._open)
        if arriving is None:
            self._unusable(line)
            return
        arriving.fail(Garbled(reason, hint=reason))
        self._forget(arriving.number)

    def _routed(self, message: Message, size: int) -> bool:
        """Hand the message to its owner; say False when it is of no use to anyone."""
        method = message.get("method")
        if method is None:
            return self._answered(message)
        if method == "notifications/progress" and "id" not in message:
            return self._progressed(message, size)
        if isinstance(method, str):
            self._stray(self, message)
        return isinstance(method, str)

    def _answered(self, message: Message) -> bool:
        arriving = self._owner(message.get("id"))
        if arriving is None:
            return False
        if ("result" in message) == ("error" in message):
            arriving.fail(Garbled(f"the answer to request {arriving.number} has neither result nor error, or both"))
        else:
            arriving.answer(message)
        self._forget(arriving.number)
        return True

    def _progressed(self, message: Message, size: int) -> bool:
        params = message.get("params")
        arriving = self._owner(params.get("progressToken")) if isinstance(params, dict) else None
        if arriving is None or size > PROGRESS_BYTES:
            return False
        arriving.progress(message)
        return True

    def _owner(self, number: object) -> Arriving | None:
        # `True == 1` would let `true` name the first request.
        return self._open.get(number) if type(number) is int else None

    def _unusable(self, line: bytes) -> None:
        if not line.strip():
            return
        self.noise += 1
        if self.noise == 1:
            log.warning("stdout carries what is no message of ours", server=self.program.name, pid=self.pid)
        if self.noise <= NOISE_SHOWN:
            log.debug("dropped", server=self.program.name, pid=self.pid, line=neutral(line, STDERR_WIDTH))

    def _forget(self, number: int) -> None:
        self._open.pop(number, None)
        self.touched = self._clock()
        if not self._open:
            self._quiet.set()

    # Ending.

    def _cut_off(self) -> None:
        """Give up a process that closed its input or output, when it does not end by itself."""
        self._usable = False
        if not self._exited and not self._stopping:
            asyncio.get_running_loop().call_later(LINGER, self._end_deaf)
        self._read_out()

    def _end_deaf(self) -> None:
        if not self._exited:
            self.kill()

    def _exits(self) -> None:
        """Note that the process ended; its last words may still be in the pipes."""
        self._exited, self._usable = True, False
        if self._over.is_set() and self._process is not None:
            # It outlived SIGKILL and our patience, and nobody else will reap it.
            self._process.poll()
            return
        if not self._stopping:
            self._signal(signal.SIGKILL)
        # What left the group may hold the pipes open for ever.
        asyncio.get_running_loop().call_later(LINGER, self._end)
        self._read_out()

    def _read_out(self) -> None:
        if self._exited and all(output.closed for output in self._outputs):
            self._end()

    def _end(self) -> None:
        if self._over.is_set() or self._process is None:
            return
        # Also after a clean end: what it left in its group may have let go of our pipes and still run. The process
        # is reaped after this, not before: until then nobody else can get its number.
        self._signal(signal.SIGKILL)
        self._process.poll()
        self._usable = False
        self._over.set()
        self._fail_all()
        self._stdin.abort()
        for output in self._outputs:
            output.close()
        self._on_end(self)

    def _fail_all(self) -> None:
        for arriving in self._open.values():
            arriving.fail(self._failure())
        self._open.clear()
        self._quiet.set()

    def _failure(self) -> GatewayError:
        if self._oversized:
            most = f"a line of more than {self.program.max_line} bytes"
            return Garbled(f"{most}; the process was ended", hint=f"{most}; it is started anew for the next call")
        return Lost(f"the process ended during the call: {self.exit}", hint="it is started anew for the next call")

    def _signal(self, number: signal.Signals) -> None:
        # macOS answers EPERM for a group of zombies.
        if self.pid is not None and not self._over.is_set():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def _ends_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()
        return self._over.is_set()


def _watch(process: subprocess.Popen[bytes], loop: asyncio.AbstractEventLoop, exits: Callable[[], None]) -> None:
    """Wait, in a thread, for the process to end, and say so in the loop. It is not reaped here where that can be."""
    if hasattr(os, "waitid"):
        with suppress(ChildProcessError):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    else:
        process.wait()
    # A loop that is closed has nobody left who waits.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(exits)

"""stdio upstreams, against real processes, on both event loops: what is promised to the code that sends calls."""

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvloop

from ostiary.adapters.upstream.process import Child
from ostiary.adapters.upstream.program import Lines, Program, environment, neutral
from ostiary.adapters.upstream.stdio import Key, Limits, Reopen, Supervisor, backoff
from ostiary.core.errors import Closing, Fault, Garbled, Lost, Overloaded, TimedOut, Unreachable

pytestmark = pytest.mark.filterwarnings("ignore:Overriding the .event_loop_policy.:DeprecationWarning")

PROGRAMS = Path(__file__).parent.parent / "data" / "stdio"
PATIENCE = 20.0
KEY = ("files", "ann", "")
HASTY = Limits(drain=0.1, grace=0.2)


@pytest.fixture(params=[asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy], ids=["asyncio", "uvloop"])
def event_loop_policy(request: pytest.FixtureRequest) -> Any:
    return request.param()


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait, bounded, for what another process brings about."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.to_thread(os.sched_yield)


def marked(mark: str) -> list[psutil.Process]:
    """Every living process that was started with the mark in its environment, wherever it hangs in the tree now."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("MARK") == mark:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.fixture
def mark() -> Iterator[str]:
    mark = uuid.uuid4().hex
    yield mark
    left = marked(mark)
    for process in left:
        process.kill()
    assert left == []
    zombies = [child for child in psutil.Process().children() if child.status() == psutil.STATUS_ZOMBIE]
    assert zombies == []


Make = Callable[..., Program]


@pytest.fixture
def program(mark: str, tmp_path: Path) -> Make:
    def make(file: str = "server.py", **changes: Any) -> Program:
        env = {"MARK": mark, "STARTS": str(tmp_path / "starts"), **changes.pop("env", {})}
        return Program("files", (sys.executable, str(PROGRAMS / file)), env, **changes)

    return make


@pytest.fixture
def starts(tmp_path: Path) -> Callable[[], int]:
    """How often a program was started, by its own account."""
    file = tmp_path / "starts"
    return lambda: len(file.read_text().splitlines()) if file.exists() else 0


class World:
    """A child, and what came from it that nobody had asked for."""

    def __init__(self, program: Program) -> None:
        self.strays: list[dict[str, Any]] = []
        self.strayed = asyncio.Event()
        self.child = Child(program, environment(os.environ, program), self._stray, clock=soon)

    def _stray(self, _: Child, message: dict[str, Any]) -> None:
        self.strays.append(message)
        self.strayed.set()


def soon(seconds: float = PATIENCE) -> float:
    return asyncio.get_running_loop().time() + seconds


@pytest.fixture
async def spawn(program: Make) -> AsyncIterator[Callable[..., Awaitable[World]]]:
    worlds: list[World] = []

    async def start(file: str = "server.py", **changes: Any) -> World:
        world = World(program(file, **changes))
        worlds.append(world)
        world.child.start()
        return world

    yield start
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(world.child.stop(0.2) for world in worlds))


def request(child: Child, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": child.mint(), "method": method, "params": params}


async def ask(child: Child, method: str, **params: Any) -> dict[str, Any]:
    arriving = await child.open(request(child, method, **params), soon())
    return await arriving.next()


Spawn = Callable[..., Awaitable[World]]


# One request.


async def test_an_answer_comes_back_to_its_request(spawn: Spawn) -> None:
    child = (await spawn()).child
    assert await ask(child, "echo", text="über\nall") == {"jsonrpc": "2.0", "id": 1, "result": {"text": "über\nall"}}
    assert child.in_flight == 0


async def test_answers_out_of_order_reach_their_own_requests(spawn: Spawn) -> None:
    child = (await spawn()).child
    waiting = [await child.open(request(child, "hold"), soon()) for _ in range(5)]
    await ask(child, "release")
    assert [(await each.next())["result"]["held"] for each in waiting] == [1, 2, 3, 4, 5]


async def test_fifty_calls_at_once_are_all_answered_each_its_own(spawn: Spawn) -> None:
    child = (await spawn()).child
    answers = await asyncio.gather(*(ask(child, "echo", number=number) for number in range(50)))
    assert [each["result"]["number"] for each in answers] == list(range(50))


async def test_progress_comes_before_the_answer_and_only_to_its_request(spawn: Spawn) -> None:
    child = (await spawn()).child
    bystander = await child.open(request(child, "hold"), soon())
    arriving = await child.open(request(child, "count", to=3), soon())
    heard = [await arriving.next() for _ in range(4)]
    assert [each["params"]["progress"] for each in heard[:3]] == [0, 1, 2]
    assert heard[3]["result"] == {}
    await ask(child, "release")
    assert "result" in await bystander.next()


async def test_progress_that_nobody_reads_gives_way_to_newer_progress(spawn: Spawn) -> None:
    """Ours: a flood of notifications must not fill the memory."""
    child = (await spawn()).child
    arriving = await child.open(request(child, "count", to=1000), soon())
    await child.quiet()
    assert (await arriving.next())["params"]["progress"] == 1000 - 32


async def test_an_answer_in_a_batch_is_understood(spawn: Spawn) -> None:
    """Specification 2025-03-26: receivers must accept batches."""
    assert (await ask((await spawn()).child, "batch"))["result"] == "in a batch"


async def test_an_answer_without_result_or_error_is_garbled(spawn: Spawn) -> None:
    with pytest.raises(Garbled):
        await ask((await spawn()).child, "empty")


async def test_a_silent_server_times_out_and_is_forgotten(spawn: Spawn) -> None:
    child = (await spawn()).child
    arriving = await child.open(request(child, "silent"), soon(0.05))
    with pytest.raises(TimedOut):
        await arriving.next()
    assert child.in_flight == 0
    assert "result" in await ask(child, "echo")


async def test_an_answer_to_a_forgotten_request_is_dropped(spawn: Spawn) -> None:
    world = await spawn()
    arriving = await world.child.open(request(world.child, "hold"), soon())
    arriving.close()
    await ask(world.child, "release")
    assert (world.child.noise, world.strays) == (1, [])
    with pytest.raises(Fault):
        await arriving.next()


async def test_an_id_in_use_is_refused(spawn: Spawn) -> None:
    child = (await spawn()).child
    message = request(child, "hold")
    await child.open(message, soon())
    with pytest.raises(Fault):
        await child.open(message, soon())
    assert child.in_flight == 1


async def test_calls_beyond_the_bound_are_turned_away(spawn: Spawn) -> None:
    child = (await spawn(max_in_flight=2)).child
    for _ in range(2):
        await child.open(request(child, "hold"), soon())
    with pytest.raises(Overloaded):
        await child.open(request(child, "echo"), soon())


# What belongs to no request.


async def test_a_servers_own_request_and_its_answer_go_through(spawn: Spawn) -> None:
    world = await spawn()
    arriving = await world.child.open(request(world.child, "ask"), soon())
    async with asyncio.timeout(PATIENCE):
        await world.strayed.wait()
    assert world.strays == [{"jsonrpc": "2.0", "id": "theirs", "method": "roots/list"}]
    await world.child.tell({"jsonrpc": "2.0", "id": "theirs", "result": {"roots": []}})
    assert (await arriving.next())["result"] == {"roots": []}


async def test_a_notification_reaches_the_stray(spawn: Spawn) -> None:
    world = await spawn()
    await world.child.open(request(world.child, "notify"), soon())
    async with asyncio.timeout(PATIENCE):
        await world.strayed.wait()
    assert world.strays[0]["method"] == "notifications/tools/list_changed"


async def test_what_is_told_keeps_its_order(spawn: Spawn) -> None:
    child = (await spawn()).child
    arriving = await child.open(request(child, "hold"), soon())
    tell = [
        child.tell({"jsonrpc": "2.0", "method": "notifications/x", "params": {"about": arriving.number, "number": n}})
        for n in range(30)
    ]
    await asyncio.gather(*tell)
    assert [(await arriving.next())["params"]["progress"] for _ in range(30)] == list(range(30))


async def test_lines_that_are_no_messages_are_counted_and_skipped(spawn: Spawn) -> None:
    """Real servers print banners; and `true` equals 1, but is not the id 1."""
    world = await spawn()
    answer = await ask(world.child, "babble")
    assert answer["result"] == {}
    assert world.child.noise == 10
    assert world.strays == []


async def test_a_flood_on_stderr_blocks_nothing_and_keeps_only_the_last_lines(spawn: Spawn) -> None:
    child = (await spawn()).child
    assert "result" in await ask(child, "flood stderr")
    await eventually(lambda: child.stderr[-1].startswith("complaint 19999 "))
    assert len(child.stderr) == 50


# Limits on bytes.


async def test_a_long_line_within_the_limit_passes(spawn: Spawn) -> None:
    answer = await ask((await spawn()).child, "long line", bytes=3_000_000)
    assert len(answer["result"]) == 3_000_000


@pytest.mark.requirement("MCP-35")
@pytest.mark.parametrize(("method", "params"), [("long line", {"bytes": 200_000}), ("endless line", {})])
async def test_a_line_over_the_limit_garbles_every_call_in_flight(spawn: Spawn, method: str, params: Any) -> None:
    """Ours: nobody knows whose answer it was."""
    child = (await spawn(max_line=100_000)).child
    bystander = await child.open(request(child, "hold"), soon())
    with pytest.raises(Garbled):
        await ask(child, method, **params)
    with pytest.raises(Garbled):
        await bystander.next()
    assert not child.alive


async def test_a_server_that_does_not_read_makes_writers_wait_and_then_refuses_them(spawn: Spawn) -> None:
    child = (await spawn(max_line=1_000_000)).child
    await ask(child, "deafen")
    with pytest.raises(TimedOut):
        await child.open(request(child, "echo", text="x" * 2_000_000), soon(0.05))
    with pytest.raises(Overloaded):
        await child.open(request(child, "echo"), soon())
    assert child.in_flight == 0


# Ends.


@pytest.mark.requirement("MCP-35")
async def test_a_crash_during_a_call_loses_the_call_and_quotes_nothing(spawn: Spawn) -> None:
    child = (await spawn()).child
    bystander = await child.open(request(child, "hold"), soon())
    with pytest.raises(Lost) as lost:
        await ask(child, "crash")
    with pytest.raises(Lost):
        await bystander.next()
    assert (child.exit, child.alive, child.in_flight) == ("exit status 3", False, 0)
    assert child.stderr == ("the password is hunter2",)
    assert "hunter2" not in lost.value.message


async def test_a_kill_from_outside_loses_the_call(spawn: Spawn) -> None:
    child = (await spawn()).child
    arriving = await child.open(request(child, "hold"), soon())
    assert child.pid
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(Lost):
        await arriving.next()
    with pytest.raises(Unreachable):
        await child.open(request(child, "echo"), soon())
    with pytest.raises(Unreachable):
        await child.tell({"jsonrpc": "2.0", "method": "notifications/x"})


async def test_a_server_that_closes_its_output_is_ended(spawn: Spawn) -> None:
    """No answer can come any more, so waiting for the deadline would be idle."""
    child = (await spawn()).child
    with pytest.raises(Lost):
        await ask(child, "shut stdout")
    assert child.exit == "killed by signal 9"


async def test_a_stop_closes_the_input_and_that_is_enough_for_most(spawn: Spawn) -> None:
    child = (await spawn()).child
    await ask(child, "echo")
    async with asyncio.timeout(PATIENCE):
        await child.stop(PATIENCE)
    assert child.exit == "exit status 0"


async def test_a_server_that_ignores_the_end_of_input_and_sigterm_is_killed(spawn: Spawn) -> None:
    child = (await spawn("stubborn.py")).child
    await ask(child, "anything")
    await child.stop(0.1)
    assert child.exit == "killed by signal 9"


async def test_a_stop_loses_the_calls_in_flight(spawn: Spawn) -> None:
    child = (await spawn()).child
    arriving = await child.open(request(child, "hold"), soon())
    await child.stop(1.0)
    with pytest.raises(Lost):
        await arriving.next()


@pytest.mark.requirement("MCP-35")
@pytest.mark.parametrize("detached", [True, False])
async def test_a_stop_ends_grandchildren_too(spawn: Spawn, mark: str, detached: bool) -> None:
    child = (await spawn()).child
    await ask(child, "spawn", detached=detached)
    await child.stop(0.2)
    await eventually(lambda: marked(mark) == [])


@pytest.mark.requirement("MCP-35")
@pytest.mark.parametrize("detached", [True, False])
async def test_a_kill_from_outside_ends_grandchildren_too(spawn: Spawn, mark: str, detached: bool) -> None:
    child = (await spawn()).child
    await ask(child, "spawn", detached=detached)
    arriving = await child.open(request(child, "hold"), soon())
    assert child.pid
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(Lost):
        await arriving.next()
    await eventually(lambda: marked(mark) == [])


async def test_a_descendant_that_left_the_group_cannot_hold_up_the_end(spawn: Spawn, mark: str) -> None:
    """It keeps our pipes open, so that their end never comes. (That it lives on is for a container to prevent.)"""
    child = (await spawn()).child
    escaped = (await ask(child, "spawn", detached=False, escapes=True))["result"]["pid"]
    arriving = await child.open(request(child, "crash"), soon())
    with pytest.raises(Lost):
        await arriving.next()
    os.kill(escaped, signal.SIGKILL)
    await eventually(lambda: marked(mark) == [])


async def test_a_request_whose_deadline_passed_is_not_sent(spawn: Spawn) -> None:
    child = (await spawn()).child
    with pytest.raises(TimedOut):
        await child.open(request(child, "crash"), soon(0.0))
    assert "result" in await ask(child, "echo")


async def test_a_program_that_cannot_be_executed_is_unreachable(program: Make) -> None:
    missing = Program("files", ("/nonexistent/server",))
    world = World(missing)
    with pytest.raises(Unreachable):
        world.child.start()
    await world.child.stop()
    assert not world.child.alive


# What a child may see.


async def test_a_child_sees_a_few_harmless_names_and_its_own(program: Make) -> None:
    mine = program(env={"TOKEN": "t"})
    base = {**os.environ, "OSTIARY_KEY": "secret", "LD_PRELOAD": "", "LANG": "() { :; }; run", "HOME": "/home/x"}
    child = Child(mine, environment(base, mine), lambda *_: None, clock=soon)
    child.start()
    seen = (await ask(child, "environment"))["result"]
    await child.stop(1.0)
    assert seen["TOKEN"] == "t"
    assert seen["HOME"] == "/home/x"
    assert seen["HOST"] == "127.0.0.1"
    assert not {"OSTIARY_KEY", "LD_PRELOAD", "LANG"} & seen.keys()


async def test_a_child_inherits_no_descriptor(spawn: Spawn) -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    seen = (await ask((await spawn()).child, "descriptors"))["result"]
    os.close(reader)
    os.close(writer)
    # The fourth is the listing's own.
    assert len(seen) == 4


def test_a_program_may_choose_its_own_host() -> None:
    assert environment({}, Program("x", ("x",), {"HOST": "::1"})) == {"HOST": "::1"}


def test_a_program_shows_neither_its_environment_nor_its_arguments() -> None:
    shown = repr(Program("x", ("run", "--token=hunter2"), {"TOKEN": "hunter2"}))
    assert "hunter2" not in shown


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_lines_are_the_same_however_the_bytes_are_cut(size: int) -> None:
    data = b"one\n\ntwo\r\nthree\nrest"
    lines = Lines(10)
    cut = [line for start in range(0, len(data), size) for line in lines.feed(data[start : start + size])]
    assert cut == [b"one", b"", b"two\r", b"three"]


@pytest.mark.parametrize("data", [b"x" * 11, b"x" * 11 + b"\n", b"ok\n" + b"x" * 11, b"ok\n" + b"x" * 11 + b"\nok\n"])
def test_a_line_over_the_limit_is_an_error_wherever_it_stands(data: bytes) -> None:
    with pytest.raises(ValueError, match="longer than 10 bytes"):
        Lines(10).feed(data)


def test_quoted_output_cannot_steer_a_terminal() -> None:
    assert neutral("a\x1b[2J\u202eb\r".encode() + b"\xff" + b"x" * 99, 12) == "a\ufffd[2J\ufffdb\ufffd\ufffdx"


# The supervisor.


async def ready(child: Child) -> None:
    await ask(child, "echo")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class House:
    """A supervisor with a clock of its own, and what strayed into it."""

    def __init__(self, limits: Limits = HASTY) -> None:
        self.clock = Clock()
        self.strays: list[tuple[Key, dict[str, Any]]] = []
        self.supervisor = Supervisor(os.environ, self._stray, limits=limits, clock=self.clock, rng=lambda: 1.0)

    def _stray(self, key: Key, _: Child, message: dict[str, Any]) -> None:
        self.strays.append((key, message))

    async def child(self, program: Program, key: Key = KEY, prepare: Any = ready, within: float = PATIENCE) -> Child:
        return await self.supervisor.child(key, program, soon(within), prepare)

    def line(self) -> tuple[str, int, int, str]:
        (status,) = self.supervisor.status()
        return status.state, status.restarts, status.in_flight, status.last_exit


async def test_concurrent_callers_share_one_start(program: Make, starts: Callable[[], int]) -> None:
    house, mine = House(), program()
    async with house.supervisor:
        children = await asyncio.gather(*(house.child(mine) for _ in range(20)))
        assert len(set(map(id, children))) == 1
        assert await house.child(mine) is children[0]
        assert house.line() == ("ready", 0, 0, "")
    assert starts() == 1
    assert children[0].exit == "exit status 0"


async def test_each_principal_has_a_process_of_its_own(program: Make) -> None:
    house, mine = House(), program()
    async with house.supervisor:
        ann, bob = await house.child(mine, ("files", "ann", "")), await house.child(mine, ("files", "bob", ""))
        assert ann.pid != bob.pid


async def test_a_caller_who_leaves_does_not_end_the_start_of_the_others(program: Make, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    house, mine = House(), program("slow.py", env={"GATE": str(gate)})
    async with house.supervisor:
        with pytest.raises(TimedOut, match="starting"):
            await house.child(mine, within=0.05)
        assert house.line()[0] == "starting"
        leaver, stayer = asyncio.create_task(house.child(mine)), asyncio.create_task(house.child(mine))
        await asyncio.sleep(0)
        leaver.cancel()
        await asyncio.to_thread(gate.write_text, "go")
        assert (await stayer).alive


async def test_a_start_that_takes_too_long_fails(program: Make, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    house = House()
    async with house.supervisor:
        with pytest.raises(Unreachable) as refused:
            await house.child(program("slow.py", env={"GATE": str(gate)}, start_timeout=0.05))
        assert "not ready within 0.05 s" in refused.value.detail


async def test_a_failed_start_is_not_tried_again_before_its_time(program: Make, starts: Callable[[], int]) -> None:
    house, mine = House(), program("broken.py")
    async with house.supervisor:
        with pytest.raises(Unreachable) as first:
            await house.child(mine)
        with pytest.raises(Unreachable) as second:
            await house.child(mine)
        assert (starts(), house.line()[0]) == (1, "failed")
        house.clock.now += 1.0
        with pytest.raises(Unreachable) as third:
            await house.child(mine)
        assert starts() == 2
    assert [each.value.retry_after for each in (first, second, third)] == [1.0, 1.0, 2.0]
    for each in (first, second, third):
        assert "again in" in each.value.message
        assert "hunter2" not in each.value.message
        assert "hunter2" in each.value.detail


async def test_a_start_may_succeed_after_failures(program: Make) -> None:
    house = House()
    async with house.supervisor:
        with pytest.raises(Unreachable):
            await house.child(program("broken.py"))
        house.clock.now += 1.0
        assert (await house.child(program())).alive


async def test_a_bug_in_one_handshake_leaves_the_other_servers_alone(program: Make) -> None:
    async def buggy(_: Child) -> None:
        raise KeyError("capabilities")

    house = House()
    async with house.supervisor:
        other = await house.child(program(), ("other", "", ""))
        with pytest.raises(Unreachable):
            await house.child(program(), prepare=buggy)
        assert "result" in await ask(other, "echo")


async def test_a_handshake_may_ask_for_one_fresh_process(program: Make, starts: Callable[[], int]) -> None:
    """Some servers are confused for good by a first message they do not know."""
    seen: list[Child] = []

    async def probe(child: Child) -> None:
        seen.append(child)
        await ready(child)
        if len(seen) == 1:
            raise Reopen

    house = House()
    async with house.supervisor:
        assert await house.child(program(), prepare=probe) is seen[1]
        assert seen[0].pid != seen[1].pid
    assert starts() == 2


@pytest.mark.requirement("MCP-35")
async def test_after_a_crash_the_next_call_gets_a_new_process_and_no_call_runs_twice(
    program: Make, starts: Callable[[], int]
) -> None:
    house, mine = House(), program()
    async with house.supervisor:
        first = await house.child(mine)
        with pytest.raises(Lost):
            await ask(first, "crash")
        second = await house.child(mine)
        assert second is not first
        assert house.line() == ("ready", 1, 0, "exit status 3")
        assert "result" in await ask(second, "echo")
    assert starts() == 2


async def test_what_is_known_of_a_crash_outlives_a_sweep_but_not_for_ever(program: Make) -> None:
    house, mine = House(), program()
    async with house.supervisor:
        with pytest.raises(Lost):
            await ask(await house.child(mine), "crash")
        house.supervisor.sweep()
        assert house.line() == ("stopped", 0, 0, "exit status 3")
        house.clock.now += 300.0
        house.supervisor.sweep()
        assert house.supervisor.status() == ()


async def test_a_process_that_keeps_crashing_is_given_time(program: Make) -> None:
    house, mine = House(), program()
    async with house.supervisor:
        for _ in range(4):
            with pytest.raises(Lost):
                await ask(await house.child(mine), "crash")
        with pytest.raises(Unreachable, match="exit status 3"):
            await house.child(mine)


async def test_an_idle_process_is_stopped_and_a_busy_one_is_not(program: Make) -> None:
    house, mine = House(), program(idle=60.0)
    async with house.supervisor:
        busy, idle = await house.child(mine, ("files", "ann", "")), await house.child(mine, ("files", "bob", ""))
        await busy.open(request(busy, "hold"), soon())
        house.clock.now += 60.0
        house.supervisor.sweep()
        await eventually(lambda: idle.exit == "exit status 0")
        assert busy.alive
        assert [status.principal for status in house.supervisor.status()] == ["ann"]


@pytest.mark.parametrize("limits", [Limits(per_server=2, grace=1.0), Limits(total=2, grace=1.0)])
async def test_a_full_house_stops_the_process_that_was_idle_longest(program: Make, limits: Limits) -> None:
    house, mine = House(limits), program()
    async with house.supervisor:
        ann = await house.child(mine, ("files", "ann", ""))
        house.clock.now += 5.0
        bob = await house.child(mine, ("files", "bob", ""))
        house.clock.now += 5.0
        await ask(ann, "echo")
        house.clock.now += 5.0
        await house.child(mine, ("files", "eve", ""))
        assert (ann.alive, bob.exit) == (True, "exit status 0")


async def test_a_full_house_of_busy_processes_turns_new_ones_away(program: Make) -> None:
    house, mine = House(Limits(per_server=1, drain=0.05, grace=0.2)), program()
    async with house.supervisor:
        child = await house.child(mine)
        await child.open(request(child, "hold"), soon())
        with pytest.raises(Overloaded):
            await house.child(mine, ("files", "bob", ""))
        assert (await house.child(mine, ("other", "bob", ""))).alive


async def test_a_process_is_not_evicted_between_being_handed_out_and_its_first_call(program: Make) -> None:
    house, mine = House(Limits(per_server=1, grace=0.2)), program()
    async with house.supervisor:
        await house.child(mine)
        house.clock.now += 100.0
        child = await house.child(mine)
        with pytest.raises(Overloaded):
            await house.child(mine, ("files", "bob", ""))
        assert "result" in await ask(child, "echo")


async def test_a_changed_program_replaces_the_process_after_its_calls_ended(program: Make) -> None:
    house = House(Limits(drain=PATIENCE, grace=1.0))
    async with house.supervisor:
        old = await house.child(program())
        arriving = await old.open(request(old, "hold"), soon())
        starting = asyncio.create_task(house.child(program(env={"TOKEN": "new"})))
        await asyncio.sleep(0)
        await ask(old, "release")
        assert "result" in await arriving.next()
        assert (await ask(await starting, "environment"))["result"]["TOKEN"] == "new"
        assert old.exit == "exit status 0"


async def test_forgetting_a_server_stops_it_and_clears_its_failures(program: Make) -> None:
    house = House()
    async with house.supervisor:
        child = await house.child(program())
        with pytest.raises(Unreachable):
            await house.child(program("broken.py"), ("files", "bob", ""))
        other = await house.child(program(), ("other", "", ""))
        await house.supervisor.forget("files")
        assert (child.exit, other.alive) == ("exit status 0", True)
        assert (await house.child(program(), ("files", "bob", ""))).alive


async def test_forgetting_a_server_that_is_starting_ends_its_start(program: Make, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    house = House()
    async with house.supervisor:
        caller = asyncio.create_task(house.child(program("slow.py", env={"GATE": str(gate)})))
        await eventually(lambda: len(house.supervisor.status()) == 1)
        await house.supervisor.forget("files")
        with pytest.raises(Unreachable):
            await caller


async def test_closing_lets_calls_finish_and_starts_nothing(program: Make) -> None:
    house = House(Limits(drain=PATIENCE, grace=1.0))
    async with house.supervisor:
        child = await house.child(program())
        arriving = await child.open(request(child, "hold"), soon())
        closing = asyncio.create_task(house.supervisor.close())
        await asyncio.sleep(0)
        with pytest.raises(Closing):
            await house.child(program())
        await ask(child, "release")
        assert "result" in await arriving.next()
        await closing
        assert child.exit == "exit status 0"


async def test_closing_cuts_off_what_does_not_finish(program: Make, mark: str) -> None:
    house = House()
    async with house.supervisor:
        children = [
            await house.child(program("stubborn.py"), ("s", str(number), ""), partial(ask, method="x"))
            for number in range(3)
        ]
        stuck = await children[0].open(request(children[0], "x"), soon())
    with pytest.raises(Lost):
        await stuck.next()
    assert marked(mark) == []


async def test_cancelling_the_house_leaves_nothing_behind(program: Make, mark: str) -> None:
    house = House(Limits(drain=PATIENCE, grace=PATIENCE))

    async def live() -> None:
        async with house.supervisor:
            await house.child(program("stubborn.py"), prepare=partial(ask, method="x"))
            await asyncio.Event().wait()

    task = asyncio.create_task(live())
    await eventually(lambda: any(status.state == "ready" for status in house.supervisor.status()))
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: marked(mark) == [] and psutil.Process().children() == [])


async def test_strays_say_whose_they_are(program: Make) -> None:
    house = House()
    async with house.supervisor:
        child = await house.child(program())
        await child.open(request(child, "notify"), soon())
        await eventually(lambda: house.strays != [])
    assert house.strays[0][0] == KEY


def test_waits_grow_and_are_bounded() -> None:
    assert [backoff(failures, 1.0) for failures in (1, 2, 3, 7, 99)] == [1.0, 2.0, 4.0, 60.0, 60.0]
    assert backoff(2, 0.0) == 1.0

"""The ledger on a real disk: what it promises when the disk is full, the process dies, or someone edits a file."""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import stat
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import structs

from ostiary.adapters.store.ledger import Ledger, Sizes
from ostiary.adapters.store.ledger_index import LedgerIndex
from ostiary.adapters.store.ledger_read import (
    Wanted,
    export,
    follow,
    known_seal,
    ledger_directory,
    public_key,
    records,
    search,
    segment_path,
    segments,
    verify,
)
from ostiary.adapters.store.ledger_start import LedgerUnusable, ledger_keys
from ostiary.core.errors import Forbidden, LedgerStopped
from ostiary.core.model import Allow, Call, Caller, Client, Deny, Era, Inbound, Kind, Reason, Target
from ostiary.core.ports import Audit
from ostiary.core.trail import Trail

CALLER = Caller("alice", "token", "tok_1", "token", 9e9)
CLIENT = Client(Era.MODERN, "2026-07-28", {}, "{}", {"name": "test"})
SECRET = "correct horse battery staple"


async def no_body() -> bytes:
    return b""


def trail(reference: str, **changes: Any) -> Trail:
    arguments = changes.pop("arguments", {"path": SECRET, "limit": 3})
    label = changes.pop("label", "files.read")
    server, _, name = label.partition(".")
    made = Trail(
        Inbound("POST", "/mcp", {}, frozenset(), "credential", "127.0.0.1:5", no_body),
        reference,
        7,
        100.0,
        1_700_000_000.25,
    )
    made.caller, made.decision = CALLER, Allow("readers")
    made.call = Call(1, "tools/call", f"{server}_{name}", {"name": f"{server}_{name}", "arguments": arguments}, CLIENT)
    made.target = Target(server, Kind.TOOL, name, label, f"{server}_{name}")
    made.sent, made.answered, made.ended = 100.001, 100.003, 100.0045
    made.request_bytes, made.answer_bytes, made.outcome = 300, 1200, "answered"
    for field, value in changes.items():
        setattr(made, field, value)
    return made


class Time:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Disk:
    """The real write(2), until told otherwise."""

    def __init__(self) -> None:
        self.room: int | None = None
        self.broken = False
        self.writes = 0

    def __call__(self, descriptor: int, line: bytes) -> int:
        self.writes += 1
        if self.room is None:
            return os.write(descriptor, line)
        if self.room == 0:
            raise OSError(28, "No space left on device")
        written = os.write(descriptor, line[: self.room])
        self.room -= written
        return written

    def sync(self, descriptor: int) -> None:
        if self.broken:
            raise OSError(5, "Input/output error")
        os.fdatasync(descriptor)


class World:
    """A data directory, its clock and its disk."""

    def __init__(self, data: Path) -> None:
        self.data, self.time, self.disk = data, Time(), Disk()
        self.directory = ledger_directory(data)
        self.opened: list[Ledger] = []

    def open(self, **sizes: Any) -> Ledger:
        ledger = Ledger(
            self.data,
            clock=lambda: 1_700_000_000.0 + self.time(),
            monotonic=self.time,
            write=self.disk,
            sync=self.disk.sync,
            sizes=Sizes(**sizes),
        )
        self.opened.append(ledger)
        return ledger

    def die(self, ledger: Ledger) -> None:
        """End as kill -9 does: nothing is sealed, the kernel closes the files."""
        os.close(ledger._fd)
        os.close(ledger._lock)
        ledger._fd = -1

    def told(self, *kinds: str) -> list[dict[str, Any]]:
        return [dict(placed.record) for placed in records(self.directory) if placed.record["type"] in kinds]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.disk.room = None
    for ledger in made.opened:
        ledger.close()


def call(ledger: Audit, made: Trail) -> None:
    ledger.begin(made)
    ledger.end(made)


# What a record says.


def test_an_intent_says_who_what_by_which_rule_and_not_what_with(world: World) -> None:
    world.open().begin(trail("r1", findings=["secrets: 1"]))
    (intent,) = world.told("intent")
    digest = intent["arguments"].pop("digest")
    assert len(digest) == 32
    assert {key: value for key, value in intent.items() if key not in {"n", "prev", "hash"}} == {
        "type": "intent", "time": "2023-11-14T22:13:20.250Z", "reference": "r1", "endpoint": "/mcp", "peer": "127.0.0.1:5",
        "revision": 7, "principal": {"subject": "alice", "issuer": "token", "client": "tok_1", "proof": "token"},
        "era": "modern", "version": "2026-07-28", "program": "test", "offer": "{}", "method": "tools/call",
        "server": "files", "tool": "files.read", "name": "files_read",
        "decision": {"effect": "allow", "rule": "readers"},
        "arguments": {"masked": {"path": "string(28)", "limit": "number"}}, "findings": ["secrets: 1"],
    }  # fmt: skip
    assert SECRET not in segment_path(world.directory, 1).read_text()


def test_where_only_a_digest_may_be_kept_not_even_the_shape_of_arguments_is(world: World) -> None:
    world.open(shapes=False).begin(trail("r1"))
    (intent,) = world.told("intent")
    assert intent["arguments"]["masked"] is None
    assert len(intent["arguments"]["digest"]) == 32


def test_an_outcome_says_how_it_ended_and_whose_time_it_was(world: World) -> None:
    ledger, made = world.open(), trail("r1", findings=["before"])
    ledger.begin(made)
    made.findings.append("after")
    ledger.end(made)
    (outcome,) = world.told("outcome")
    assert outcome["bytes"] == {"in": 300, "out": 1200}
    assert outcome["ms"] == pytest.approx({"total": 4.5, "upstream": 2.0, "gateway": 2.5}, abs=0.002)
    assert (outcome["reference"], outcome["outcome"], outcome["findings"]) == ("r1", "answered", ["after"])
    assert outcome["time"] == "2023-11-14T22:13:20.254Z"
    assert "principal" not in outcome


def test_a_call_that_never_left_has_one_record_with_everything(world: World) -> None:
    made = trail("r1", decision=Deny(Reason.DENY_RULE, "no drops"), sent=0.0, answered=0.0)
    made.refuse(Forbidden("because"))
    world.open().end(made)
    (told,) = world.told("intent", "outcome")
    assert told["type"] == "outcome"
    assert told["decision"] == {"effect": "deny", "rule": "no drops", "reason": "deny_rule"}
    assert (told["outcome"], told["detail"], told["principal"]["subject"]) == ("forbidden", "because", "alice")
    assert told["ms"]["upstream"] == 0


def test_a_call_without_a_caller_or_a_message_is_recorded_too(world: World) -> None:
    world.open().end(trail("r1", caller=None, call=None, target=None, decision=None, outcome="unauthenticated"))
    (told,) = world.told("outcome")
    assert told["outcome"] == "unauthenticated"
    assert "principal" not in told


def test_what_clients_say_cannot_act_on_a_terminal_or_end_a_line(world: World) -> None:
    nasty = "a\n{}\x1b[2J\x7f\x9b1m\u202e\u2028é"
    made = trail("r1", detail=nasty)
    made.call = Call(1, "tools/call", nasty, {"arguments": {nasty: 1}}, CLIENT)
    call(world.open(), made)
    text = segment_path(world.directory, 1).read_text()
    assert not set(text) & set("\x1b\x7f\x9b\u202e\u2028\r")
    assert world.told("intent")[0]["name"] == nasty
    assert verify(world.data).ok


def test_half_a_character_does_not_keep_a_call_out_of_the_ledger(world: World) -> None:
    made = trail("r1", arguments={"a": "\ud800", "\udfff": 2**90}, detail="\ud800")
    call(world.open(), made)
    assert [told["reference"] for told in world.told("intent", "outcome")] == ["r1", "r1"]
    assert [entry.reference for entry in search(world.directory, Wanted())] == ["r1"]


def test_no_client_can_make_a_record_large(world: World) -> None:
    made = trail("r1", detail="d" * 10_000, findings=["f" * 10_000] * 1000, arguments={"k" * 9999: [[1] * 99] * 99})
    made.call = Call(1, "m" * 9999, "n" * 999_999, {"x": "y" * 999_999}, CLIENT)
    call(world.open(), made)
    assert all(placed.end - placed.offset < 32_000 for placed in records(world.directory))
    assert len(world.told("outcome")[0]["detail"]) == 500


def test_other_methods_record_their_parameters_without_the_envelope(world: World) -> None:
    made = trail("r1")
    made.call = Call(1, "resources/read", "file:///x", {"uri": "file:///x", "_meta": {"token": "t"}}, CLIENT)
    call(world.open(), made)
    assert world.told("intent")[0]["arguments"]["masked"] == {"uri": "string(9)"}


# Segments, seals and keys.


def test_files_and_keys_are_for_their_owner_only(world: World) -> None:
    call(world.open(), trail("r1"))
    keys = world.data / "keys"
    for path in (segment_path(world.directory, 1), keys / "ledger.pem", keys / "digest.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(world.directory.stat().st_mode) == 0o700


def test_keys_do_not_show_themselves(world: World) -> None:
    assert "Keys(…)" in repr([ledger_keys(world.data)])


def test_closing_seals_everything_and_notes_the_seal_elsewhere(world: World) -> None:
    ledger = world.open()
    call(ledger, trail("r1"))
    ledger.close()
    report = verify(world.data)
    assert report.ok
    assert report.sealed == report.last == 5
    seal = known_seal(world.data, public_key(world.data))
    assert seal is not None
    assert (seal.n, seal.hash) == (report.last, report.head)


def test_seals_come_with_time_and_with_number_and_only_when_there_is_something_to_seal(world: World) -> None:
    ledger = world.open(seal_every=60.0, seal_records=10)
    world.time.now += 120
    ledger.tick(world.time.now)
    assert len(world.told("seal")) == 1
    ledger.event("start")
    ledger.tick(world.time.now)
    assert len(world.told("seal")) == 2
    for at in range(5):
        call(ledger, trail(f"r{at}"))
    ledger.tick(world.time.now)
    assert len(world.told("seal")) == 3


def test_rotation_goes_on_with_the_chain_and_loses_no_call_in_flight(world: World) -> None:
    ledger, long = world.open(segment_bytes=4000), trail("long")
    ledger.begin(long)
    for at in range(30):
        call(ledger, trail(f"r{at}"))
        world.time.now += 1
        ledger.tick(world.time.now)
    assert len(segments(world.directory)) > 3
    assert verify(world.data).ok
    world.die(ledger)
    world.open()
    (event,) = world.told("event")
    assert (event["kind"], event["references"]) == ("interrupted", ["long"])


def test_segments_end_with_age(world: World) -> None:
    ledger = world.open(segment_age=100.0)
    ledger.event("start")
    world.time.now += 100
    ledger.tick(world.time.now)
    assert [number for number, _ in segments(world.directory)] == [1, 2]


def test_a_second_process_is_refused(world: World) -> None:
    world.open()
    with pytest.raises(LedgerUnusable, match="another process"):
        Ledger(world.data)


def test_a_key_is_never_made_anew_for_records_that_exist(world: World) -> None:
    world.open().close()
    (world.data / "keys" / "ledger.pem").unlink()
    with pytest.raises(LedgerUnusable, match="signing key"):
        Ledger(world.data)


def test_a_key_that_others_can_read_is_refused(world: World) -> None:
    world.open().close()
    (world.data / "keys" / "ledger.pem").chmod(0o644)
    with pytest.raises(LedgerUnusable, match="chmod 600"):
        Ledger(world.data)


# Starting after something went wrong.


def test_calls_without_an_outcome_are_named_at_the_next_start_and_only_once(world: World) -> None:
    ledger = world.open()
    for reference in ("a", "b", "c"):
        ledger.begin(trail(reference))
    ledger.end(trail("b"))
    world.die(ledger)
    world.open().close()
    world.open().close()
    (event,) = world.told("event")
    assert (event["kind"], event["references"]) == ("interrupted", ["a", "c"])
    assert verify(world.data).ok


def test_an_unfinished_record_is_moved_aside_and_the_ledger_says_so(world: World) -> None:
    ledger = world.open()
    call(ledger, trail("r1"))
    world.die(ledger)
    with segment_path(world.directory, 1).open("ab") as file:
        file.write(b'{"n":5,"prev":"12')
    assert verify(world.data).torn is not None
    assert verify(world.data).ok
    world.open()
    (event,) = world.told("event")
    assert (event["kind"], event["segment"], event["bytes"]) == ("torn", 1, 17)
    assert (world.directory / "00000001.torn").read_bytes() == b'{"n":5,"prev":"12'
    assert verify(world.data).ok
    assert verify(world.data).torn is None


@pytest.mark.parametrize("left", [b"", b'{"n":', b"\0" * 4096])
def test_a_segment_that_was_never_begun_is_used_again(world: World, left: bytes) -> None:
    world.die(world.open())
    segment_path(world.directory, 2).write_bytes(left)
    call(world.open(), trail("r1"))
    assert [number for number, _ in segments(world.directory)] == [1, 2]
    assert verify(world.data).ok


@pytest.mark.parametrize("tamper", ["changed", "cut", "removed"])
def test_the_gateway_does_not_go_on_with_a_ledger_that_was_tampered_with(world: World, tamper: str) -> None:
    ledger = world.open()
    for at in range(5):
        call(ledger, trail(f"r{at}"))
    ledger.close()
    path = segment_path(world.directory, 1)
    lines = path.read_bytes().splitlines(keepends=True)
    if tamper == "changed":
        path.write_bytes(b"".join(lines).replace(b"alice", b"mallo", 1))
    if tamper == "cut":
        path.write_bytes(b"".join(lines[:6]))
    if tamper == "removed":
        path.unlink()
    before = path.read_bytes() if path.exists() else b""
    with pytest.raises(LedgerUnusable, match="ledger"):
        Ledger(world.data)
    assert (path.read_bytes() if path.exists() else b"") == before
    assert not verify(world.data).ok


# The disk refuses.


@pytest.mark.parametrize("room", [0, 1, 100, 600])
def test_when_the_disk_is_full_no_call_may_leave_and_the_chain_stays_whole(world: World, room: int) -> None:
    ledger = world.open()
    call(ledger, trail("before"))
    world.disk.room = room
    late = trail("late")
    with pytest.raises(LedgerStopped) as stopped:
        ledger.begin(late)
    assert not late.intended
    assert "disk" in str(stopped.value) or "space" in str(stopped.value)
    assert stopped.value.public == "The gateway cannot record calls at the moment"
    assert ledger.stopped is not None
    report = verify(world.data)
    assert report.ok
    assert report.torn is None


def test_it_goes_on_without_a_restart_and_nothing_is_lost(world: World) -> None:
    ledger, one, two = world.open(), trail("one"), trail("two")
    ledger.begin(one)
    ledger.begin(two)
    world.disk.room = 0
    ledger.end(one)
    ledger.event("config", {"revision": 8})
    refused = trail("refused")
    with pytest.raises(LedgerStopped) as stopped:
        ledger.begin(refused)
    refused.refuse(stopped.value)
    ledger.end(refused)
    ledger.end(two)
    world.disk.room = None
    world.time.now += 1
    call(ledger, trail("after"))
    assert ledger.stopped is None
    told = [
        (told["type"], told.get("reference") or told.get("kind")) for told in world.told("intent", "outcome", "event")
    ]
    assert told == [
        ("intent", "one"), ("intent", "two"), ("outcome", "one"), ("event", "config"), ("outcome", "refused"),
        ("outcome", "two"), ("event", "ledger_resumed"), ("intent", "after"), ("outcome", "after"),
    ]  # fmt: skip
    assert verify(world.data).ok


def test_a_full_disk_is_tried_again_only_every_so_often(world: World) -> None:
    ledger = world.open(retry_every=0.2)
    world.disk.room = 0
    before = world.disk.writes
    for _ in range(100):
        with pytest.raises(LedgerStopped):
            ledger.begin(trail("r"))
        world.time.now += 0.01
    assert 4 <= world.disk.writes - before <= 7


def test_a_tick_is_enough_to_go_on(world: World) -> None:
    ledger, made = world.open(), trail("r1")
    ledger.begin(made)
    world.disk.room = 0
    ledger.end(made)
    world.disk.room = None
    world.time.now += 1
    ledger.tick(world.time.now)
    assert ledger.stopped is None
    assert [told["reference"] for told in world.told("outcome")] == ["r1"]


def test_a_flood_of_refusals_on_a_full_disk_does_not_fill_the_memory_and_is_counted(world: World) -> None:
    ledger, left = world.open(queued_refusals=10), trail("left")
    ledger.begin(left)
    world.disk.room = 0
    for at in range(50):
        ledger.end(trail(f"refused{at}", outcome="unauthenticated"))
    ledger.end(left)
    assert ledger.queued == 11
    world.disk.room = None
    world.time.now += 1
    ledger.tick(world.time.now)
    (event,) = world.told("event")
    assert event["refusals_not_recorded"] == 40
    assert "left" in [told["reference"] for told in world.told("outcome")]


def test_a_disk_that_fills_while_a_segment_ends_leaves_the_old_one_in_use(world: World) -> None:
    ledger = world.open(segment_bytes=1)
    call(ledger, trail("r1"))
    world.disk.room = 400
    ledger.tick(world.time.now)
    world.disk.room = None
    world.time.now += 1
    call(ledger, trail("r2"))
    assert verify(world.data).ok
    assert [number for number, _ in segments(world.directory)] == [1]


def test_removing_the_segment_under_a_running_gateway_stops_calls(world: World) -> None:
    ledger = world.open()
    segment_path(world.directory, 1).unlink()
    ledger.tick(world.time.now)
    with pytest.raises(LedgerStopped, match="removed"):
        ledger.begin(trail("r1"))


def tick(world: World, ledger: Ledger) -> None:
    """Tick, let the disk finish, and tick again to hear of it."""
    for _ in range(2):
        world.time.now += 1
        ledger.tick(world.time.now)
        futures.wait(ledger._syncs, 30)


def test_a_disk_that_cannot_keep_what_was_written_stops_calls_until_it_can(world: World) -> None:
    """Ours: after a failed fsync the kernel may have dropped the pages, so success must be seen again first."""
    ledger = world.open()
    world.disk.broken = True
    call(ledger, trail("r1"))
    tick(world, ledger)
    with pytest.raises(LedgerStopped, match="to the disk failed"):
        ledger.begin(trail("r2"))
    world.disk.broken = False
    tick(world, ledger)
    tick(world, ledger)
    call(ledger, trail("r3"))
    assert verify(world.data).ok
    assert [told["reference"] for told in world.told("intent")] == ["r1", "r3"]


def test_a_seal_is_noted_only_when_what_it_covers_is_on_the_disk(world: World) -> None:
    ledger, key = world.open(), public_key(world.data)
    world.disk.broken = True
    tick(world, ledger)
    assert known_seal(world.data, key) is None
    world.disk.broken = False
    tick(world, ledger)
    tick(world, ledger)
    world.time.now += 60
    tick(world, ledger)
    seal = known_seal(world.data, key)
    assert seal is not None
    assert seal.n <= ledger.head.n


REAL_LIMIT = """
import resource, signal, sys
from pathlib import Path
from tests.contract.test_ledger import World, call, trail
from ostiary.core.errors import LedgerStopped

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
world = World(Path(sys.argv[1]))
ledger = world.open()
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
left, stopped, at = [], 0, 0
while stopped < 3:
    made = trail(f"r{at}")
    at += 1
    try:
        ledger.begin(made)
        left.append(made)
    except LedgerStopped:
        stopped += 1
        world.time.now += 1
for made in left:
    ledger.end(made)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
world.time.now += 1
call(ledger, trail("after"))
ledger.close()
print(len(left))
"""


def test_a_real_limit_on_file_size_loses_nothing(tmp_path: Path) -> None:
    """The kernel refuses here, not a fake: a short write first, then EFBIG."""
    left = int(script(REAL_LIMIT, tmp_path))
    assert left > 10
    told = [placed.record for placed in records(ledger_directory(tmp_path)) if placed.record["type"] != "seal"]
    ended = [record["reference"] for record in told if record["type"] == "outcome"]
    assert ended == [f"r{at}" for at in range(left)] + ["after"]
    assert "ledger_resumed" in [record.get("kind") for record in told]
    assert verify(tmp_path).ok


# The process dies.

VICTIM = """
import os, sys
from pathlib import Path
from ostiary.adapters.store.ledger import Ledger, Sizes
from tests.contract.test_ledger import trail
import time

ledger = Ledger(Path(sys.argv[1]), sizes=Sizes(segment_bytes=30_000, seal_records=50))
prefix, at = sys.argv[2], 0
while True:
    made = trail(f"{prefix}-{at}")
    ledger.begin(made)
    os.write(1, f"{made.reference}\\n".encode())
    if at % 3:
        ledger.end(made)
    if at % 20 == 0:
        ledger.tick(time.monotonic())
    at += 1
"""


def script(source: str, *arguments: object) -> str:
    return subprocess.run(
        [sys.executable, "-c", source, *map(str, arguments)], check=True, capture_output=True, text=True, timeout=60,
        env=environment(),
    ).stdout  # fmt: skip


def environment() -> dict[str, str]:
    root = Path(__file__).parents[2]
    return {**os.environ, "PYTHONPATH": f"{root / 'src'}:{root}"}


def killed(data: Path, prefix: str, after: int) -> list[str]:
    """Run the victim until it has acknowledged some calls, kill it, and return all it acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(data), prefix], stdout=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    descriptor, heard = process.stdout.fileno(), b""
    try:
        while heard.count(b"\n") < after:
            ready, _, _ = select.select([descriptor], [], [], 30)
            assert ready, "the writer said nothing for 30 s"
            piece = os.read(descriptor, 65536)
            assert piece, "the writer ended by itself"
            heard += piece
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    with process.stdout as rest:
        heard += rest.read()
    return heard.decode().split("\n")[:-1]


@pytest.mark.slow
def test_killing_the_writer_twenty_times_loses_no_acknowledged_intent(tmp_path: Path) -> None:
    dice, acknowledged = random.Random(5), []
    for at in range(20):
        acknowledged += killed(tmp_path, f"run{at}", dice.randint(1, 400))
        report = verify(tmp_path)
        assert report.ok, report.problems
    Ledger(tmp_path).close()
    told = [placed.record for placed in records(ledger_directory(tmp_path))]
    intents = {record["reference"] for record in told if record["type"] == "intent"}
    ended = {record["reference"] for record in told if record["type"] == "outcome"}
    interrupted = [name for record in told if record.get("kind") == "interrupted" for name in record["references"]]
    assert set(acknowledged) <= intents
    assert sorted(interrupted) == sorted(intents - ended)
    assert verify(tmp_path).ok


# Reading.


@pytest.fixture
def history(world: World) -> World:
    """Calls of several callers, refused ones, events and a crash, over several segments."""
    ledger, dice = world.open(segment_bytes=5000), random.Random(3)
    ledger.event("start")
    for at in range(120):
        made = trail(f"r{at:03d}", label=dice.choice(["files.read", "files.read_all", "crm.find", "crm.[x]"]))
        made.time += at
        made.caller = Caller(dice.choice(["alice", "bob", "Zoë"]), "token", f"tok_{at}", "token", 9e9)
        if at % 5 == 0:
            made.decision = Deny(Reason.NO_RULE)
            made.refuse(Forbidden(f"no rule for {at}"))
            ledger.end(made)
            continue
        ledger.begin(made)
        if at % 7:
            ledger.end(made)
        if at % 31 == 0:
            ledger.event("token_revoked", {"id": f"tok_{at}"})
        ledger.tick(world.time.now)
    world.die(ledger)
    world.open()
    return world


WANTED = [
    Wanted(), Wanted(subject="bob"), Wanted(subject="Zoë", server="crm"), Wanted(tool="files.*"), Wanted(tool="files.read?all"),
    Wanted(tool="crm.[x]"), Wanted(tool="*.FIND"), Wanted(outcome="forbidden"), Wanted(outcome="interrupted"),
    Wanted(decision="deny"), Wanted(since="2023-11-14T22:14:00.000Z", until="2023-11-14T22:14:10.000Z"),
    Wanted(reference="r042"), Wanted(text="NO RULE FOR 1"), Wanted(text="tok_3"), Wanted(outcome="token_revoked"), Wanted(text="ZOË"),
    Wanted(subject="nobody"), Wanted(text="100%_"), Wanted(tool="crm.find", decision="allow", outcome="answered"),
]  # fmt: skip


@pytest.mark.parametrize("wanted", WANTED, ids=str)
def test_the_index_answers_as_a_scan_does(history: World, wanted: Wanted) -> None:
    index = LedgerIndex(history.data)
    index.update()
    scanned = [structs.replace(each, words="") for each in search(history.directory, wanted, limit=1000)]
    assert index.search(wanted, limit=1000) == scanned
    assert index.count(wanted) == len(scanned)
    page = index.page(wanted, limit=7)
    paged = list(page.entries)
    while page.next:
        page = index.page(wanted, limit=7, token=page.next)
        paged += page.entries
    assert paged == scanned
    index.close()


def test_every_filter_of_the_table_above_means_something(history: World) -> None:
    counts = [len(search(history.directory, wanted, limit=1000)) for wanted in WANTED]
    assert [bool(count) for count in counts] == [wanted not in (WANTED[6], WANTED[16], WANTED[17]) for wanted in WANTED]


def test_a_call_is_one_row_whose_outcome_may_come_later(world: World) -> None:
    ledger, index, made = world.open(), LedgerIndex(world.data), trail("r1")
    ledger.begin(made)
    index.update()
    assert [(entry.reference, entry.outcome) for entry in index.search(Wanted())] == [("r1", "")]
    ledger.end(made)
    assert index.update() == 1
    assert [(entry.reference, entry.outcome, entry.tool) for entry in index.search(Wanted())] == [
        ("r1", "answered", "files.read")
    ]
    assert index.update() == 0
    index.close()


def test_indexing_in_steps_gives_what_rebuilding_gives(history: World) -> None:
    index = LedgerIndex(history.data)
    steps = 0
    while index.update(17):
        steps += 1
    stepwise = index.search(Wanted(), limit=1000)
    index.rebuild()
    assert steps > 5
    assert index.search(Wanted(), limit=1000) == stepwise
    index.close()


def test_an_index_of_another_ledger_begins_anew(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    ledger = world.open()
    call(ledger, trail("old"))
    index = LedgerIndex(world.data)
    index.update()
    ledger.close()
    world.directory.rename(world.data / "aside")
    (world.data / "keys").rename(world.data / "aside-keys")
    call(world.open(), trail("new"))
    index.update()
    assert [entry.reference for entry in index.search(Wanted())] == ["new"]
    assert stat.S_IMODE((world.data / "ledger-index.sqlite").stat().st_mode) == 0o600
    index.close()


def test_following_sees_what_comes_across_rotations(world: World) -> None:
    ledger = world.open(segment_bytes=2000)
    todo = iter(range(12))

    def wait() -> bool:
        at = next(todo, None)
        if at is None:
            return False
        call(ledger, trail(f"r{at}"))
        ledger.tick(world.time.now)
        return True

    seen = [placed.record["n"] for placed in follow(world.directory, wait)]
    assert seen == list(range(1, ledger.head.n + 1))
    assert len(segments(world.directory)) > 3


def test_an_export_as_json_lines_is_every_record(history: World) -> None:
    exported = [json.loads(line) for line in export(records(history.directory), "jsonl")]
    assert exported == [placed.record for placed in records(history.directory)]


def test_an_export_as_csv_has_a_row_per_call_and_runs_no_formula(world: World) -> None:
    made = trail("r1", detail="plain, with comma")
    made.caller = Caller("=HYPERLINK(1)", "token", "tok", "token", 9e9)
    call(world.open(), made)
    header, row = export(records(world.directory), "csv")
    assert header.startswith("n,time,reference,type")
    assert ",'=HYPERLINK(1)," in row
    assert '"plain, with comma"' in row


# Verifying on a real disk.


def edited(change: Callable[[list[bytes]], object]) -> Callable[[World], None]:
    def tamper(world: World) -> None:
        path = segment_path(world.directory, 2)
        lines = path.read_bytes().splitlines(keepends=True)
        change(lines)
        path.write_bytes(b"".join(lines))

    return tamper


def swap_files(world: World) -> None:
    one, two = segment_path(world.directory, 1), segment_path(world.directory, 2)
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)


def swap_lines(lines: list[bytes]) -> None:
    lines[3], lines[4] = lines[4], lines[3]


def change_line(lines: list[bytes]) -> None:
    lines[3] = lines[3].replace(b"2023", b"2024", 1)


def cut_newest(world: World) -> None:
    path = segments(world.directory)[-1][1]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


@pytest.mark.parametrize(
    ("tamper", "kind"),
    [
        (edited(change_line), "changed"),
        (edited(lambda lines: lines.insert(3, b"{}\n")), "inserted"),
        (edited(lambda lines: lines.pop(3)), "missing"),
        (edited(swap_lines), "reordered"),
        (edited(lambda lines: lines.insert(3, lines[3])), "duplicated"),
        (edited(lambda lines: lines.append(lines.pop()[:20])), "truncated"),
        (lambda world: segment_path(world.directory, 2).unlink(), "missing"),
        (swap_files, "reordered"),
        (cut_newest, "truncated"),
        (lambda world: segments(world.directory)[-1][1].unlink(), "truncated"),
    ],
)
def test_verify_names_what_was_done_to_the_files(world: World, tamper: Callable[[World], None], kind: str) -> None:
    ledger = world.open(segment_bytes=4000)
    for at in range(20):
        call(ledger, trail(f"r{at}"))
        ledger.tick(world.time.now)
    ledger.close()
    assert verify(world.data).ok
    tamper(world)
    report = verify(world.data)
    assert kind in {problem.kind for problem in report.problems}, report.problems
    assert "jsonl:" in str(report.problems[0])


def test_a_ledger_can_be_verified_while_it_is_written(world: World) -> None:
    ledger = world.open()
    call(ledger, trail("r1"))
    assert verify(world.data).ok
    ledger.begin(trail("r2"))
    assert verify(world.data).last == ledger.head.n


def test_a_note_of_the_head_kept_elsewhere_proves_the_unsealed_tail(world: World) -> None:
    ledger = world.open()
    call(ledger, trail("r1"))
    noted = ledger.head
    world.die(ledger)
    cut_newest(world)
    assert verify(world.data).ok
    assert [problem.kind for problem in verify(world.data, anchor=noted).problems] == ["truncated"]


def test_another_key_verifies_nothing(world: World) -> None:
    world.open().close()
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32).public_key()
    assert "foreign" in {problem.kind for problem in verify(world.data, other).problems}


def recipe(data: Path) -> str:
    """Run the commands that docs/ledger.md gives, and return what they say."""
    page = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text()
    commands = page.split("```sh\n")[1].split("```")[0]
    ran = subprocess.run(
        ["bash", "-c", commands],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "DATA": str(data)},
    )
    return ran.stdout + ran.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the recipe is for a machine with openssl")
def test_the_recipe_with_tools_of_others_works(world: World) -> None:
    ledger = world.open(segment_bytes=3000)
    for at in range(8):
        call(ledger, trail(f"r{at}", detail='says "hash": and ,"hash":"x"'))
        ledger.tick(world.time.now)
    ledger.close()
    said = recipe(world.data)
    assert "the chain holds" in said
    assert "Signature Verified Successfully" in said
    edited(change_line)(world)
    assert "broken: " in recipe(world.data)


def test_a_seal_needs_nothing_of_ours(world: World) -> None:
    world.open().close()
    raw = segment_path(world.directory, 1).read_bytes().splitlines(keepends=True)[1]
    seal, opening = json.loads(raw), world.told("open")[0]
    message = f"ostiary ledger seal 1\n{opening['chain']}\n{seal['n']}\n{seal['prev']}\n{seal['time']}\n".encode()
    public_key(world.data).verify(b64decode(seal["signature"]), message)

"""Exports on real sockets, files and ledgers: what counts as arrived, what is sent again, and what stops one."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from ostiary.adapters.export.appending import Appending
from ostiary.adapters.export.cursor import Cursor, CursorFile
from ostiary.adapters.export.posting import Posting, of_lines, of_otlp
from ostiary.adapters.export.pump import Pace, Pump
from ostiary.adapters.export.receivers import Item, Receiver, Trust, Undelivered
from ostiary.adapters.export.streaming import Streaming
from ostiary.adapters.store.ledger import Ledger, Sizes
from ostiary.adapters.store.ledger_read import ledger_directory, segment_path
from ostiary.adapters.store.ledger_source import LedgerQueue
from ostiary.config.exports import Export
from ostiary.config.values import Secret
from ostiary.entry import exporting
from ostiary.protocol import syslog
from ostiary.protocol.happening import happening
from tests.contract.receiving import until
from tests.contract.test_ledger import trail


def item(n: int, text: str = "") -> Item:
    told = happening({"n": n, "type": "event", "kind": "start", "hash": f"{n:064x}"}, "chain")
    return Item(told, text or f"line {n}", Cursor(1, 0, n * 10, n, f"{n:064x}"))


def unresolved(reference: Secret) -> str:
    return {"KEY": "s3cret"}[reference.where]


# HTTP


class Endpoint:
    """Answers as it is told to, and remembers what came."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.seen: list[tuple[dict[str, str], bytes]] = []
        ours = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                ours.seen.append((dict(self.headers), body))
                status, headers, said = ours.answers.pop(0) if ours.answers else (200, {}, b"{}")
                if not status:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(said))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/in?key=hidden"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.server.shutdown()
    made.server.server_close()


def posting(endpoint: Endpoint, *, otlp: bool = False) -> Posting:
    body = of_otlp("1", "h") if otlp else of_lines
    return Posting(endpoint.url, body, "application/x-ndjson", lambda: {"X-Key": "s3cret"}, None, otlp=otlp)


def test_a_batch_that_was_answered_has_arrived_with_a_name_of_its_own(endpoint: Endpoint) -> None:
    made = posting(endpoint)
    assert made.deliver([item(1), item(2)], Cursor()).n == 2
    headers, body = endpoint.seen[0]
    assert body == b"line 1\nline 2\n"
    assert (headers["X-Key"], headers["Idempotency-Key"]) == (
        "s3cret", f'"{item(1).told.uid}..{item(2).told.uid}"',
    )  # fmt: skip
    assert "hidden" not in made.place
    made.close()


def test_a_connection_that_was_closed_meanwhile_is_not_used(endpoint: Endpoint) -> None:
    made = posting(endpoint)
    endpoint.answers = [(200, {"Connection": "close"}, b"")]
    assert made.deliver([item(1)], Cursor()).n == 1
    assert made.deliver([item(2)], Cursor()).n == 2
    made.close()


@pytest.mark.parametrize(
    ("answer", "wait", "smaller"),
    [((503, {"Retry-After": "7"}, b""), 7.0, False), ((413, {}, b""), 0.0, True), ((401, {}, b"x" * 70_000), 0.0, False),
     ((0, {}, b""), 0.0, False), ((302, {"Location": "http://127.0.0.1:1/"}, b""), 0.0, False)],
)  # fmt: skip
def test_what_was_not_taken_is_not_taken_for_arrived(
    answer: tuple[int, dict[str, str], bytes], wait: float, smaller: bool, endpoint: Endpoint
) -> None:
    endpoint.answers = [answer]
    made = posting(endpoint)
    with pytest.raises(Undelivered) as found:
        made.deliver([item(1), item(2)], Cursor())
    assert (found.value.wait, found.value.smaller) == (wait, smaller)
    assert made.deliver([item(1)], Cursor()).n == 1
    made.close()


def test_what_a_collector_rejects_for_good_is_counted_and_not_sent_again(endpoint: Endpoint) -> None:
    endpoint.answers = [(200, {}, b'{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"odd"}}')]
    made = posting(endpoint, otlp=True)
    assert made.deliver([item(1), item(2)], Cursor()).n == 2
    assert made.rejected == 1
    made.close()


# Syslog


class Listener:
    """A syslog receiver that ends its connections as it is told to."""

    def __init__(self, end: str, context: ssl.SSLContext | None) -> None:
        self.messages: list[bytes] = []
        self._socket, self._end, self._context = socket.create_server(("127.0.0.1", 0)), end, context
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            try:
                self._take(plain)
            except OSError:
                plain.close()

    def _take(self, plain: socket.socket) -> None:
        if self._context is None:
            stream = plain
        else:
            stream = self._context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False)
        received = b""
        while self._end != "reset" and (some := stream.recv(65536)):
            received += some
        self.messages += syslog.unframed(received)[0]
        if self._end == "reset":
            stream.recv(1)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        if self._end == "answer" and isinstance(stream, ssl.SSLSocket):
            stream.unwrap()
        stream.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


@pytest.fixture
def authority(tmp_path: Path) -> tuple[ssl.SSLContext, Trust]:
    made = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1").configure_cert(context)
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    return context, Trust(tmp_path / "ca.pem")


def test_a_receiver_that_answers_the_end_of_a_connection_has_read_it(authority: tuple[ssl.SSLContext, Trust]) -> None:
    listener = Listener("answer", authority[0])
    made = Streaming("127.0.0.1", listener.port, authority[1].context(), ours="h", process="1")
    assert made.deliver([item(1), item(2)], Cursor()).n == 2
    listener.close()
    assert [message.rsplit(b"\xef\xbb\xbf", 1)[1] for message in listener.messages] == [b"line 1", b"line 2"]


def test_a_receiver_that_dies_has_not_read_it(authority: tuple[ssl.SSLContext, Trust]) -> None:
    listener = Listener("reset", authority[0])
    made = Streaming("127.0.0.1", listener.port, authority[1].context(), ours="h", process="1")
    for _ in range(5):
        with pytest.raises(Undelivered):
            made.deliver([item(at, "x" * 1000) for at in range(200)], Cursor())
    listener.close()
    with pytest.raises(Undelivered):
        made.deliver([item(1)], Cursor())


def test_a_receiver_that_never_answers_is_believed_after_three_times(authority: tuple[ssl.SSLContext, Trust]) -> None:
    listener = Listener("close", authority[0])
    made = Streaming("127.0.0.1", listener.port, authority[1].context(), ours="h", process="1")
    for _ in range(2):
        with pytest.raises(Undelivered, match="without answering"):
            made.deliver([item(1)], Cursor())
    assert made.deliver([item(1)], Cursor()).n == 1
    assert made.deliver([item(2)], Cursor()).n == 2
    listener.close()


def test_a_receiver_with_another_name_or_authority_gets_nothing(
    authority: tuple[ssl.SSLContext, Trust], tmp_path: Path
) -> None:
    listener = Listener("answer", authority[0])
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    for trust, host in ((Trust(other), "127.0.0.1"), (authority[1], "localhost")):
        with pytest.raises(Undelivered, match=r"ertificate|CERTIFICATE"):
            Streaming(host, listener.port, trust.context(), ours="h", process="1").deliver([item(1)], Cursor())
    listener.close()
    assert listener.messages == []


def test_a_receiver_without_encryption_has_read_what_came_before_its_end() -> None:
    listener = Listener("close", None)
    assert Streaming("127.0.0.1", listener.port, None, ours="h", process="1").deliver([item(1)], Cursor()).n == 1
    listener.close()
    assert len(listener.messages) == 1


# A file


def test_a_file_gets_each_line_once_also_after_a_crash_in_the_middle(tmp_path: Path) -> None:
    path, made = tmp_path / "out.log", Appending(tmp_path / "out.log")
    first = made.deliver([item(1)], Cursor())
    assert first.size == len(b"line 1\n")
    with path.open("ab") as file:
        # We died here: half of the next batch is there, and the cursor does not know it.
        file.write(b"line 2\nli")
    second = made.deliver([item(2), item(3)], first)
    assert path.read_bytes() == b"line 1\nline 2\nline 3\n"
    path.unlink()
    third = made.deliver([item(4)], second)
    assert path.read_bytes() == b"line 4\n"
    assert made.deliver([item(5)], third).n == 5
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_that_cannot_be_written_has_nothing(tmp_path: Path) -> None:
    with pytest.raises(Undelivered):
        Appending(tmp_path / "missing" / "out.log").deliver([item(1)], Cursor())


# The pump and the ledger


class Scripted:
    """A receiver that takes what it is told to."""

    place = "here"

    def __init__(self, *troubles: Undelivered) -> None:
        self.troubles, self.taken, self.sizes = list(troubles), [], []  # type: ignore[var-annotated]

    def deliver(self, items: Sequence[Item], cursor: Cursor) -> Cursor:
        self.sizes.append(len(items))
        if self.troubles:
            raise self.troubles.pop(0)
        self.taken += [each.told.n for each in items]
        return items[-1].after

    def close(self) -> None:
        pass


def ledger(data: Path, calls: int, start: int = 0) -> None:
    made = Ledger(data, sizes=Sizes(segment_bytes=4000))
    for at in range(start, start + calls):
        each = trail(f"r{at}")
        made.begin(each)
        made.end(each)
        made.tick(1.0)
    made.close()


def piped(data: Path, receiver: Receiver, batch: int = 4) -> Pump:
    export = Export.model_validate({"name": "there", "to": "file", "file": "unused"})
    source = exporting._Source(LedgerQueue(ledger_directory(data), every=False), export)
    return Pump("there", source, receiver, CursorFile(data / "exports", "there"), Pace(batch, 0.01), dice=lambda: 0.0)


def ran(pump: Pump, done: Callable[[], bool]) -> None:
    thread = threading.Thread(target=pump.run)
    thread.start()
    try:
        until(done)
    finally:
        pump.stop()
        thread.join(30)


def test_a_receiver_that_wants_less_gets_less_and_everything(tmp_path: Path) -> None:
    ledger(tmp_path, 10)
    receiver = Scripted(Undelivered("413", smaller=True), Undelivered("413", smaller=True), Undelivered("away"))
    pump = piped(tmp_path, receiver)
    ran(pump, lambda: len(receiver.taken) == 10)
    assert receiver.sizes[:4] == [4, 2, 1, 1]
    assert receiver.taken == sorted(receiver.taken)
    assert (pump.failed, pump.sent) == ("", 10)


def test_an_export_goes_on_where_it_was_and_knows_the_calls_in_flight(tmp_path: Path) -> None:
    ledger(tmp_path, 5)
    first = Scripted()
    ran(piped(tmp_path, first), lambda: len(first.taken) == 5)
    ledger(tmp_path, 3, start=5)
    second = Scripted()
    ran(piped(tmp_path, second), lambda: len(second.taken) == 3)
    assert min(second.taken) > max(first.taken)


def test_another_ledger_is_not_exported_as_if_it_were_the_same(tmp_path: Path) -> None:
    ledger(tmp_path, 5)
    first = Scripted()
    ran(piped(tmp_path, first), lambda: len(first.taken) == 5)
    kept = CursorFile(tmp_path / "exports", "there")
    kept.write(Cursor(1, 0, 50, 3, "ff" * 32))
    pump = piped(tmp_path, Scripted())
    ran(pump, lambda: "does not hold the record" in pump.failed)
    kept.write(Cursor(99, 0, 50, 3, "ff" * 32))
    pump = piped(tmp_path, Scripted())
    ran(pump, lambda: "does not hold the record" in pump.failed)
    kept.path.write_text("nonsense")
    pump = piped(tmp_path, Scripted())
    ran(pump, lambda: "does not say how far" in pump.failed)


def test_a_segment_that_is_missing_stops_an_export_until_it_is_back(tmp_path: Path) -> None:
    ledger(tmp_path, 20)
    receiver = Scripted()
    path = segment_path(ledger_directory(tmp_path), 3)
    aside = tmp_path / "aside"
    path.rename(aside)
    pump = piped(tmp_path, receiver)
    ran(pump, lambda: "missing" in pump.failed)
    aside.rename(path)
    pump = piped(tmp_path, receiver)
    ran(pump, lambda: len(receiver.taken) == 20)
    assert len(set(receiver.taken)) == 20


# As a gateway has it


async def test_a_gateway_tells_what_does_not_arrive(tmp_path: Path) -> None:
    ledger(tmp_path, 4)
    exports = (
        Export.model_validate({"name": "kept", "to": "file", "file": "out.jsonl", "every": "1ms"}),
        Export.model_validate(
            {"name": "lost", "to": "file", "file": "no/folder/out.cef", "format": "cef", "every": "1ms"}
        ),
    )
    events: list[str] = []
    made = exporting.begin(
        exports, tmp_path, tmp_path / "ostiary.yaml", unresolved, lambda: 100, lambda kind, _: events.append(kind)
    )
    annex = made.annex()
    await made.run()
    until(lambda: (tmp_path / "out.jsonl").exists() and (tmp_path / "out.jsonl").read_text().count("\n") == 4)
    until(lambda: bool(made._pumps[1].failed))
    made._pumps[1].since -= 60
    await made.watch()
    assert events == ["export_failed"]
    assert [each.look() for each in annex.numbers] == [made.behind(), {"kept": True, "lost": False}]
    assert any("lost" in note and "records wait" in note for note in annex.notes())
    (tmp_path / "no" / "folder").mkdir(parents=True)
    until(lambda: not made._pumps[1].failed)
    await made.watch()
    await made.close()
    assert events == ["export_failed", "export_recovered"]
    assert made.behind()["kept"] < 100
    first = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
    assert (first["tool"], first["outcome"], first["principal"]["subject"]) == ("files.read", "answered", "alice")
    assert (tmp_path / "no/folder/out.cef").read_text().startswith("CEF:0|Ostiary|")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_an_export_that_ended_by_a_fault_does_not_look_quiet(tmp_path: Path) -> None:
    ledger(tmp_path, 2)

    class Faulty(Scripted):
        def deliver(self, items: Sequence[Item], cursor: Cursor) -> Cursor:
            raise RuntimeError("a fault")

    made = exporting.Exporting([piped(tmp_path, Faulty())], lambda: 9, lambda _kind, _facts: None)
    await made.run()
    until(lambda: bool(made.failing()))
    assert "fault of its own" in made.notes()[0]


def test_receivers_are_made_as_the_configuration_says(tmp_path: Path) -> None:
    said = {"authorization": "env:KEY", "headers": {"X-Plain": "text"}}
    made = exporting.receiver(
        Export.model_validate({"name": "a", "to": "http", "url": "http://127.0.0.1:1/x", **said}),
        tmp_path, unresolved,
    )  # fmt: skip
    assert isinstance(made, Posting)
    assert made._headers() == {"Authorization": "s3cret", "X-Plain": "text"}
    over = Export.model_validate({"name": "a", "to": "otlp", "url": "https://127.0.0.1:1/v1/logs"})
    assert exporting.receiver(over, tmp_path, unresolved).place == "https://127.0.0.1:1/v1/logs"

"""Checkpoints behind a syslog receiver: RFC 5424 over TLS, each at least once, and what was received can be verified."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from ostiary.adapters.store.ledger_proof import Pinned, prove
from ostiary.adapters.store.ledger_start import LedgerUnusable, ledger_keys
from ostiary.adapters.store.syslog_place import SyslogPlace
from ostiary.config.ledger import Ledger as LedgerSection
from ostiary.entry.anchoring import opened
from ostiary.protocol.syslog import unframed
from tests.contract.tampered import Anchored

_HEAD = re.compile(rb"<109>1 [0-9T:-]+Z \S+ ostiary \d+ chain \[ostiary@32473 [^]]+\] \xef\xbb\xbf(\{.*\})")
Answer = Callable[[Any], None]


class Receiver:
    """What a receiver heard, connection by connection, and how it ends them."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.heard: list[bytes] = []
        self.context = context
        self.end: Answer = lambda _: None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self.server.accept()
            except OSError:
                return
            with suppress(OSError), plain:
                plain.settimeout(10)
                self._hear(plain if self.context is None else self.context.wrap_socket(plain, server_side=True))

    def _hear(self, connection: socket.socket) -> None:
        said = b""
        with connection:
            while more := connection.recv(65536):
                said += more
            self.end(connection)
            self.heard.append(said)

    def texts(self) -> list[bytes]:
        """Return the text of every message."""
        found = []
        for said in self.heard:
            messages, rest = unframed(said)
            assert rest == b""
            for each in messages:
                head = _HEAD.fullmatch(each)
                assert head is not None, each
                found.append(head[1] + b"\n")
        return found


@contextmanager
def receiving(context: ssl.SSLContext | None) -> Iterator[Receiver]:
    receiver = Receiver(context)
    try:
        yield receiver
    finally:
        receiver.server.shutdown(socket.SHUT_RDWR)
        receiver.server.close()
        receiver.thread.join(5)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trust(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(params=["tls", "plain"])
def receiver(request: pytest.FixtureRequest, authority: trustme.CA) -> Iterator[Receiver]:
    context = None
    if request.param == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
    with receiving(context) as made:
        yield made


@pytest.fixture
def house(tmp_path: Path, receiver: Receiver, trust: ssl.SSLContext) -> Anchored:
    made = Anchored(tmp_path)
    made.place = place(made, receiver, trust)
    return made


def place(house: Anchored, receiver: Receiver, trust: ssl.SSLContext) -> SyslogPlace:
    key = ledger_keys(house.data).public
    return SyslogPlace("127.0.0.1", receiver.port, None if receiver.context is None else trust, key)


def lines(house: Anchored) -> list[bytes]:
    return house.checkpoints.read_bytes().splitlines(keepends=True)


def test_every_checkpoint_is_a_message_and_what_was_received_verifies(
    house: Anchored, receiver: Receiver, tmp_path: Path
) -> None:
    house.run()
    assert receiver.texts() == lines(house)
    path = tmp_path / "received"
    path.write_bytes(b"".join(b"2026-11-23T10:00:00Z host ostiary: " + each for each in receiver.texts()))
    proof = prove(house.data, Pinned(checkpoints=path))
    assert proof.ok, proof.problems
    assert proof.elsewhere == len(lines(house))


def test_a_gateway_that_starts_again_goes_on_where_it_was(
    house: Anchored, receiver: Receiver, trust: ssl.SSLContext
) -> None:
    house.run()
    house.place = place(house, receiver, trust)
    house.run()
    assert receiver.texts() == lines(house)


def test_a_receiver_that_is_new_begins_with_the_newest(
    house: Anchored, receiver: Receiver, tmp_path: Path, trust: ssl.SSLContext
) -> None:
    real, house.place = house.place, None
    house.run()
    house.place = real
    house.run()
    texts = receiver.texts()
    assert texts == lines(house)[-len(texts) :]
    assert len(texts) < len(lines(house))


def reset(connection: Any) -> None:
    """End a connection as a receiver that dies does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    plain = socket.socket(fileno=connection.detach()) if hasattr(connection, "detach") else connection
    plain.close()


def test_what_a_receiver_did_not_read_to_its_end_is_sent_again(house: Anchored, receiver: Receiver) -> None:
    ledger, checkpoints = house.start()
    receiver.end = reset
    house.write(ledger, checkpoints, 8)
    assert checkpoints.failing()
    receiver.end = lambda _: None
    house.write(ledger, checkpoints, 8)
    house.stop(ledger, checkpoints)
    assert checkpoints.failing() == {}
    assert set(receiver.texts()) == set(lines(house))
    numbers = [json.loads(each)["n"] for each in receiver.texts()]
    assert sorted(set(numbers)) == list(range(1, len(lines(house)) + 1))


def test_a_receiver_that_is_away_is_told_and_gets_everything_later(tmp_path: Path, trust: ssl.SSLContext) -> None:
    house = Anchored(tmp_path)
    with receiving(None) as gone:
        house.place = place(house, gone, trust)
    ledger, checkpoints = house.start()
    house.write(ledger, checkpoints, 8)
    assert "refused" in next(iter(checkpoints.failing().values()))
    house.stop(ledger, checkpoints)


def test_a_receiver_of_another_authority_hears_nothing(house: Anchored, receiver: Receiver) -> None:
    if receiver.context is None:
        pytest.skip("nobody proves anything without TLS")
    house.place = SyslogPlace("127.0.0.1", receiver.port, ssl.create_default_context(), ledger_keys(house.data).public)
    ledger, checkpoints = house.start()
    assert "CERTIFICATE_VERIFY_FAILED" in next(iter(checkpoints.failing().values()))
    house.stop(ledger, checkpoints)
    assert receiver.heard == []


def test_a_receiver_that_talks_without_an_end_is_left(tmp_path: Path, trust: ssl.SSLContext) -> None:
    house = Anchored(tmp_path)
    with receiving(None) as talking:
        talking.end = lambda connection: connection.sendall(b"x" * 200_000)
        house.place = place(house, talking, trust)
        ledger, checkpoints = house.start()
        assert "nothing to say" in next(iter(checkpoints.failing().values()))
        house.stop(ledger, checkpoints)


def configured(tmp_path: Path, **section: Any) -> Any:
    document = LedgerSection.model_validate({"checkpoints": {"syslog": section}})
    return opened(document, tmp_path / "data", tmp_path / "ostiary.yaml")


def test_it_is_configured_with_authorities_and_a_certificate(tmp_path: Path, authority: trustme.CA) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    ours = authority.issue_cert("gateway.example")
    ours.private_key_and_cert_chain_pem.write_to_path(tmp_path / "ours.pem")
    with receiving(context) as receiver:
        ledger, anchor = configured(
            tmp_path, address=f"127.0.0.1:{receiver.port}", ca=f"file:{tmp_path}/ca.pem",
            certificate=f"file:{tmp_path}/ours.pem", key=f"file:{tmp_path}/ours.pem",
        )  # fmt: skip
        ledger.close()
        anchor.checkpoints.close()
        assert anchor.checkpoints.failing() == {}
        assert len(receiver.texts()) == 1


@pytest.mark.parametrize("keys", [("ca",), ("certificate", "key")])
def test_a_file_that_cannot_be_used_is_told_at_the_start(tmp_path: Path, keys: tuple[str, ...]) -> None:
    (tmp_path / "junk.pem").write_text("junk")
    with pytest.raises(LedgerUnusable, match=r"junk\.pem"):
        configured(tmp_path, address="127.0.0.1:6514", **dict.fromkeys(keys, f"file:{tmp_path}/junk.pem"))

"""TLS at the door over real sockets: certificates that are renewed, clients that have one, proxies in front."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import hashlib
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from ostiary.adapters.http.certificates import TLS, CannotServe, Certificates, tls_context
from ostiary.adapters.http.door import bearer
from ostiary.adapters.http.pages import inbound
from ostiary.adapters.http.proxies import address, origin, proxied
from ostiary.adapters.http.subjects import read
from ostiary.config.values import network
from tests.contract.test_server import Running, answer, everything, running, status, until

AUTHORITY = trustme.CA()
CLIENTS, OTHERS = trustme.CA(), trustme.CA()
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
HSTS = b"strict-transport-security: max-age=31536000\r\n"


async def mirror(scope: Any, _: Any, send: Any) -> None:
    """Answer who is on the connection, as far as the server knows."""
    found = scope["extensions"].get(TLS, "plain")
    said = {"tls": found, "client": scope["client"][0], "scheme": scope["scheme"]}
    await answer(send, 200, msgspec.json.encode(said))


class Files:
    """A certificate, its key and the clients' authorities in a folder."""

    def __init__(self, folder: Path) -> None:
        self.certificate, self.key, self.ca = (str(folder / name) for name in ("chain.pem", "key.pem", "ca.pem"))
        self.write()
        self.trust(CLIENTS)

    def write(self, key: bool = True) -> bytes:
        """Put another certificate there, and its key; return its DER form."""
        leaf = AUTHORITY.issue_cert("127.0.0.1")
        Path(self.certificate).write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        if key:
            leaf.private_key_pem.write_to_path(self.key)
        return ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())

    def trust(self, *authorities: trustme.CA) -> None:
        Path(self.ca).write_bytes(b"".join(each.cert_pem.bytes() for each in authorities))

    def loaded(self, clients: bool = False, **more: Any) -> Certificates:
        return Certificates(self.certificate, self.key, self.ca if clients else None, **more)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def context(authority: trustme.CA | None = None, name: str = "agent.example.org", tls13: bool = True) -> ssl.SSLContext:
    found = ssl.create_default_context()
    AUTHORITY.configure_trust(found)
    if authority is not None:
        authority.issue_cert(name).configure_cert(found)
    if not tls13:
        found.maximum_version = ssl.TLSVersion.TLSv1_2
    return found


@contextlib.contextmanager
def connected(server: Running, tls: ssl.SSLContext, **more: Any) -> Iterator[ssl.SSLSocket]:
    with server.connect() as plain, tls.wrap_socket(plain, server_hostname="127.0.0.1", **more) as client:
        yield client


def asked(client: ssl.SSLSocket, text: bytes = LAST) -> Any:
    client.sendall(text)
    return msgspec.json.decode((everything(client) if text == LAST else until(client, b"}")).partition(b"\r\n\r\n")[2])


def turned_away(server: Running, tls: ssl.SSLContext, **more: Any) -> bool:
    """Say whether a client hears nothing: with TLS 1.3 it learns it from its first read."""
    got = b""
    with contextlib.suppress(ssl.SSLError, ConnectionError), connected(server, tls, **more) as client:
        client.sendall(LAST)
        got = client.recv(1)
    return got == b""


def test_every_answer_over_tls_says_that_it_stays_so(files: Files) -> None:
    """RFC 6797 section 7.1: once in each."""
    with running(mirror, tls=files.loaded().context) as server:
        for text, expected in ((LAST, 200), (b"nonsense\r\n\r\n", 400)):
            with connected(server, context()) as client:
                client.sendall(text)
                said = everything(client)
                assert (status(said), said.lower().count(HSTS)) == (expected, 1)
    with running(mirror) as server:
        assert b"strict-transport" not in server.said(LAST)
        assert b"strict-transport" not in server.said(b"nonsense\r\n\r\n")


def test_a_renewed_certificate_is_shown_without_a_restart(files: Files) -> None:
    known = files.loaded()
    with running(mirror, tls=known.context) as server, connected(server, context()) as early:
        before = early.getpeercert(binary_form=True)
        renewed = files.write()
        assert known.renew()
        with connected(server, context()) as late:
            assert late.getpeercert(binary_form=True) == renewed != before
            assert late.version() == "TLSv1.3"
            assert asked(late)["tls"] is None
        assert asked(early)["scheme"] == "https", "a connection that was there goes on"


@pytest.mark.parametrize("spoil", ["no key", "half a key", "no file", "no authority"])
def test_a_pair_that_cannot_be_used_leaves_the_one_before(files: Files, spoil: str) -> None:
    known = files.loaded(clients=True)
    with running(mirror, tls=known.context) as server:
        before = ssl.PEM_cert_to_DER_cert(Path(files.certificate).read_text("ascii").partition("-----END")[0] + "-----END CERTIFICATE-----\n")  # fmt: skip
        if spoil == "no key":
            files.write(key=False)
        elif spoil == "half a key":
            Path(files.key).write_bytes(Path(files.key).read_bytes()[:60])
        elif spoil == "no file":
            Path(files.certificate).unlink()
        else:
            Path(files.ca).write_text("", "ascii")
        assert not known.renew()
        with connected(server, context(CLIENTS)) as client:
            assert client.getpeercert(binary_form=True) == before
            assert asked(client)["tls"]["names"] == ["agent.example.org"]


async def test_files_that_change_are_read_again_and_a_key_may_come_late(files: Files) -> None:
    known = files.loaded()
    seen: list[bool] = []
    renew = known.renew

    def renewed() -> bool:
        seen.append(renew())
        return seen[-1]

    known.renew = renewed  # type: ignore[method-assign]  # to see it happen
    watching = asyncio.create_task(known.watch(0.005))
    leaf = AUTHORITY.issue_cert("127.0.0.1")
    Path(files.certificate).write_bytes(leaf.cert_chain_pems[0].bytes())
    await _until(lambda: seen and not seen[-1])
    leaf.private_key_pem.write_to_path(files.key)
    await _until(lambda: seen[-1])
    watching.cancel()


async def _until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


def test_the_certificate_of_a_client_is_told_with_every_request(files: Files) -> None:
    with running(mirror, tls=files.loaded(clients=True).context) as server:
        tls = ssl.create_default_context()
        AUTHORITY.configure_trust(tls)
        leaf = CLIENTS.issue_cert("Agent.Example.org", "ana@example.org", "127.0.0.9")
        leaf.configure_cert(tls)
        der = ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
        with connected(server, tls) as client:
            for text in (GET, GET, LAST):
                said = asked(client, text)["tls"]
                # RFC 8705 section 3.1, computed by nobody's code but ours here.
                assert said["thumbprint"] == base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")
                assert said["names"] == ["agent.example.org", "ana@example.org"]
                assert said["expires"] > 0.0
        assert turned_away(server, context())
        assert turned_away(server, context(OTHERS))


@pytest.mark.parametrize("tls13", [True, False])
def test_an_authority_that_is_taken_away_lets_nobody_in_any_more(files: Files, tls13: bool) -> None:
    """Neither on a connection that is open, nor by a session that is resumed."""
    known = files.loaded(clients=True)
    with running(mirror, tls=known.context) as server:
        tls = context(CLIENTS, tls13=tls13)
        with connected(server, tls) as client:
            assert asked(client, GET)["tls"]["names"] == ["agent.example.org"]
            session = client.session
            files.trust(OTHERS)
            assert known.renew()
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                client.sendall(LAST)
                assert everything(client) == b""
        assert turned_away(server, tls, session=session)
        assert turned_away(server, tls)
        with connected(server, context(OTHERS, "new.example.org", tls13)) as client:
            assert asked(client)["tls"]["names"] == ["new.example.org"]


def test_a_passphrase_is_never_asked_for(files: Files, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (tmp_path / "sealed.pem").write_bytes(sealed)
    with pytest.raises(CannotServe, match="without a passphrase"):
        tls_context(files.certificate, str(tmp_path / "sealed.pem"))


def made(*names: x509.GeneralName) -> bytes:
    key, day = ec.generate_private_key(ec.SECP256R1()), dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    builder = (
        x509.CertificateBuilder(x509.Name([]), x509.Name([]), key.public_key(), 7)
        .not_valid_before(day)
        .not_valid_after(day + dt.timedelta(days=1))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_names_of_one_kind_are_never_taken_for_another() -> None:
    """An authority that gives out any DNS name must not give out SPIFFE ids with it."""
    found = read(
        made(
            x509.DNSName("spiffe://example.org/admin"), x509.DNSName("ana@example.org"), x509.DNSName("A.example.org."),
            x509.RFC822Name("ana@example.org"), x509.UniformResourceIdentifier("spiffe://example.org/crm"),
            x509.UniformResourceIdentifier("no-uri"), x509.DNSName("a" * 257), x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
        )
    )  # fmt: skip
    assert found.names == ("spiffe://example.org/crm", "a.example.org", "ana@example.org")
    assert found.expires == dt.datetime(2027, 1, 2, tzinfo=dt.UTC).timestamp()
    assert read(made()).names == ()


def test_what_is_no_certificate_names_nobody_and_has_expired() -> None:
    assert (read(b"nonsense").names, read(b"nonsense").expires) == ((), 0.0)


TRUSTED = tuple(map(network, ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"]))


@pytest.mark.parametrize(
    ("hops", "peer", "expected"),
    [
        ("", "10.0.0.1", "10.0.0.1"),
        ("192.0.2.1", "10.0.0.1", "192.0.2.1"),
        ("198.51.100.9, 192.0.2.1", "10.0.0.1", "192.0.2.1"),
        ("198.51.100.9, 192.0.2.1,10.0.0.2", "10.0.0.1", "192.0.2.1"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.1", "10.0.0.3"),
        ("192.0.2.1, nonsense, 10.0.0.2", "10.0.0.1", "10.0.0.2"),
        ("192.0.2.1, unknown", "10.0.0.1", "10.0.0.1"),
        ("192.0.2.1:4711", "10.0.0.1", "192.0.2.1"),
        ("[2001:db8::1]:4711", "fd00::1", "2001:db8::1"),
        ("2001:db8::1", "fd00::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "10.0.0.1", "192.0.2.1"),
        (",".join(["192.0.2.1"] + ["10.0.0.2"] * 32), "10.0.0.1", "10.0.0.2"),
    ],
)  # fmt: skip
def test_the_client_is_the_rightmost_hop_that_is_no_proxy_of_ours(hops: str, peer: str, expected: str) -> None:
    start = address(peer)
    assert start is not None
    assert str(origin(hops, start, TRUSTED)) == expected


FORWARDED = b"X-Forwarded-For: 198.51.100.9\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"


@pytest.mark.parametrize(
    ("networks", "proto", "client", "scheme"),
    [
        ("127.0.0.1/32", b"", "192.0.2.1", "https"),
        ("10.0.0.0/8", b"", "127.0.0.1", "http"),
        ("127.0.0.1/32", b"X-Forwarded-Proto: http\r\n", "192.0.2.1", "http"),
    ],
)
def test_only_a_declared_proxy_is_believed(networks: str, proto: bytes, client: str, scheme: str) -> None:
    with running(proxied(mirror, [network(networks)])) as server:
        text = LAST.replace(b"Connection", FORWARDED + proto + b"Connection")
        said = msgspec.json.decode(server.said(text).partition(b"\r\n\r\n")[2])
        assert (said["client"], said["scheme"], said["tls"]) == (client, scheme, "plain")


def test_the_certificate_of_a_proxy_is_nobodys_whom_it_speaks_for(files: Files) -> None:
    tls = files.loaded(clients=True).context
    with running(proxied(mirror, TRUSTED), tls=tls) as server, connected(server, context(CLIENTS)) as client:
        assert asked(client)["tls"] is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [(None, None), ("Bearer a", "a"), ("DPoP a", "a"), ("dpop  a ", "a"), ("Bearer ", None), ("DPoPa", ""), ("Basic a", "")],
)  # fmt: skip
def test_the_schemes_that_bring_a_token(said: str | None, expected: str | None) -> None:
    assert bearer(said) == expected


def test_pages_learn_of_the_certificate_too() -> None:
    found = read(made())
    scope = {"method": "GET", "path": "/x", "headers": [], "extensions": {TLS: found}}
    assert inbound(scope).certificate is found
    assert inbound(scope | {"extensions": {}}).certificate is None


@pytest.mark.e2e
def test_a_running_gateway_takes_a_renewed_certificate_at_a_signal(files: Files, tmp_path: Path) -> None:
    file = tmp_path / "ostiary.yaml"
    file.write_text(
        f"gateway: {{url: https://127.0.0.1, listen: 127.0.0.1:0, data: {tmp_path}/data, "
        f"tls: {{certificate: 'file:{files.certificate}', key: 'file:{files.key}'}}}}\n",
        "utf-8",
    )
    command = [sys.executable, "-m", "ostiary", "serve", "-c", str(file)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            heard = iter(process.stderr.readline, "")
            port = next(int(found[1]) for line in heard if (found := re.search(r'"port": ?([0-9]+)', line)))
            renewed = files.write()
            os.kill(process.pid, signal.SIGHUP)
            next(line for line in heard if "the certificate was read again" in line)
            plain = socket.create_connection(("127.0.0.1", port), timeout=10)
            with plain, context().wrap_socket(plain, server_hostname="127.0.0.1") as client:
                assert client.getpeercert(binary_form=True) == renewed
                client.sendall(
                    b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
                said = everything(client)
            assert (status(said), said.lower().count(HSTS)) == (401, 1)
        finally:
            process.terminate()

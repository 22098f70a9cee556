"""Callers of every kind in front of servers of every kind, on a wire that keeps every byte: who they are, all of it.

The gateway demands client certificates, trusts a certified provider, and knows its own tokens. In front of each server
stands a tap; the one over pipes keeps its lines and its environment itself.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jwk

from tests.e2e.gateway import Gateway, free_port, gateway
from tests.e2e.idp.running import Provider, provider
from tests.e2e.planted import Secret, secret
from tests.e2e.rig import process, upstream
from tests.e2e.test_issuers import LOOPBACK, SECRETS, proof
from tests.security.tap import Tap, tap

Json = dict[str, Any]

FIXTURE = "tests.bridge.fixture.server"
FORMS = {"modern": ("modern", "http"), "old": ("handshake", "http"), "sse": ("handshake", "sse")}
SERVERS = (*FORMS, "pipes")
CALLERS = ("static", "jwt", "dpop", "certificate")
ROBOT = "robot-seven-of-a-client.clients.example"
OWN = "the-gateways-own-credential-for-all-servers"


@dataclass(frozen=True, slots=True)
class Crossing:
    """The gateway, the provider, the taps, and what a client needs to speak."""

    gateway: Gateway
    provider: Provider
    taps: dict[str, Tap]
    record: Path
    trust: ssl.SSLContext
    certificate: bytes = field(repr=False)
    """What the client shows, in DER."""

    @property
    def url(self) -> str:
        """Return the address of everything."""
        return f"{self.gateway.url}/mcp"

    def received(self, server: str) -> bytes:
        """Return every byte that a server was sent."""
        return self.taps[server].received() if server in self.taps else self.record.read_bytes()

    def credentials(self, caller: str) -> Callable[[], dict[str, str]]:
        """Return what makes the headers of one request: each needs a fresh proof."""
        if caller == "static":
            token = self.gateway.token("ana")
            return lambda: {"authorization": f"Bearer {token}"}
        if caller == "jwt":
            token = self._issued("service")
            return lambda: {"authorization": f"Bearer {token}"}
        if caller == "dpop":
            key = jwk.generate_key("EC", "P-256")
            bound = self._issued("service-dpop", DPoP=proof(key, "POST", f"{self.provider.issuer}/token"))
            nonce = self._nonce(bound, proof(key, "POST", self.url, bound))
            return lambda: {"authorization": f"DPoP {bound}", "dpop": proof(key, "POST", self.url, bound, nonce)}
        return dict

    def _nonce(self, token: str, first: str) -> str:
        """Return what a proof must hold so that it was not made beforehand (RFC 9449 section 9)."""
        with httpx2.Client(verify=self.trust, trust_env=False) as http:
            answer = http.post(self.url, headers={"authorization": f"DPoP {token}", "dpop": first})
        return str(answer.headers["dpop-nonce"])

    def _issued(self, client: str, **headers: str) -> str:
        basic = base64.b64encode(f"{client}:{SECRETS[client]}".encode()).decode()
        form = {"grant_type": "client_credentials", "resource": self.url}
        fields = {"authorization": f"Basic {basic}", **headers}
        with httpx2.Client(trust_env=False) as http:
            answer = http.post(f"{self.provider.issuer}/token", data=form, headers=fields)
        return str(answer.raise_for_status().json()["access_token"])

    def names(self) -> list[Secret]:
        """Return what a certificate says of its holder, in the forms in which programs pass it on."""
        found = x509.load_der_x509_certificate(self.certificate)
        thumbprint = hashlib.sha256(self.certificate).digest()
        told: dict[str, str | bytes] = {
            "name": ROBOT,
            "thumbprint": thumbprint,
            "serial number": str(found.serial_number),
            "DER": self.certificate,
        }
        return [kept for name, value in told.items() if (kept := secret("certificate", name, value)) is not None]


@contextlib.contextmanager
def crossing(folder: Path) -> Iterator[Crossing]:
    """Run all of it."""
    authority, port = trustme.CA(), free_port()
    url, robot = f"https://localhost:{port}", authority.issue_cert(ROBOT)
    leaf = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
    leaf.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    robot.configure_cert(trust)
    der = x509.load_pem_x509_certificate(robot.cert_chain_pems[0].bytes()).public_bytes(Encoding.DER)
    with contextlib.ExitStack() as stack:
        found = stack.enter_context(provider(url))
        taps = {name: stack.enter_context(tap(_server(stack, folder, name))) for name in FORMS}
        stack.enter_context(_trusted(trust))
        config = _config(folder, url, found.issuer, taps)
        running = stack.enter_context(gateway(folder, config))
        yield Crossing(running, found, taps, folder / "record.pipes", trust, der)


def _server(stack: contextlib.ExitStack, folder: Path, name: str) -> int:
    era, transport = FORMS[name]
    words = ("--state", str(folder / name), "--era", era, "--transport", transport)
    return stack.enter_context(upstream(FIXTURE, *words)).port


@contextlib.contextmanager
def _trusted(trust: ssl.SSLContext) -> Iterator[None]:
    """Let whoever waits for the gateway show a certificate, too."""
    urllib.request.install_opener(urllib.request.build_opener(urllib.request.HTTPSHandler(context=trust)))
    try:
        yield
    finally:
        urllib.request.install_opener(urllib.request.build_opener())


def _config(folder: Path, url: str, issuer: str, taps: dict[str, Tap]) -> Json:
    (folder / "own").touch(mode=0o600)
    (folder / "own").write_text(OWN)
    common = {
        "allow_private": LOOPBACK,
        "approve": "always",
        "credential": {"kind": "bearer", "token": f"file:{folder / 'own'}"},
    }
    servers: Json = {
        name: {"sse" if name == "sse" else "url": f"http://127.0.0.1:{found.port}/{_path(name)}", **common}
        for name, found in taps.items()
    }
    pipes = process("tests.security.stdio_echo", "handshake", str(folder / "record.pipes"), approve="always")
    files = {"certificate": "cert.pem", "key": "key.pem", "client_ca": "ca.pem"}
    tls = {name: f"file:{folder / file}" for name, file in files.items()}
    (folder / "key.pem").chmod(0o600)
    return {
        "gateway": {"url": url, "listen": f"127.0.0.1:{url.rpartition(':')[2]}", "tls": tls},
        "identity": {
            "staff": {"issuer": issuer, "allow_private": LOOPBACK},
            "robots": {"certificates": {"names": ["*.clients.example"]}},
        },
        "servers": {**servers, "pipes": pipes},
        "rules": [{"name": "everyone", "allow": ["*"], "subjects": ["*"]}],
    }


def _path(name: str) -> str:
    return "sse" if name == "sse" else "mcp"


def call(server: str, mark: str) -> Json:
    """Return the parameters of a call that is recognised in what a server was sent."""
    if server == "pipes":
        return {"name": "pipes__echo", "arguments": {"secret": mark}}
    return {"name": f"{server}__plain", "arguments": {"key": mark}}


def answer(response: httpx2.Response) -> Json:
    """Return the last message of an answer, be it JSON or a stream of events."""
    if "text/event-stream" not in response.headers.get("content-type", ""):
        return dict(response.json())
    data = [line[5:] for line in response.text.splitlines() if line.startswith("data:") and len(line) > 6]
    return dict(json.loads(data[-1]))

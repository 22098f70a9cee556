"""A gateway that is an authorization server in front of a certified provider; programs and people who use it."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import IO, Any, Final

import pytest
import trustme
from playwright.sync_api import Page

from tests.e2e.gateway import Gateway, free_port, gateway
from tests.e2e.idp.running import SECRET, Provider, provider
from tests.e2e.rig import upstream

LOOPBACK: Final = ["127.0.0.0/8", "::1/128"]
RULES: Final = [
    {"name": "developers", "allow": ["echo.*"], "roles": ["developer"]},
    {"name": "machines", "allow": ["echo.echo"], "roles": ["machine"]},
]
BACK: Final = ("http://127.0.0.1/callback", "http://localhost/oauth/callback")
"""Where a program with a document may have people sent back to; any port."""
REMOTE: Final = "node_modules/mcp-remote/dist/proxy.js"
HELLO: Final = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "desk", "version": "1"}},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class House:
    """A provider, a gateway in front of it, and an address where a program's document lies."""

    provider: Provider
    gateway: Gateway
    document: str

    @property
    def url(self) -> str:
        """Return the gateway's own address."""
        return self.gateway.url


@dataclass(frozen=True, slots=True)
class Served:
    """Where documents lie, and a service's keys beside them, as `keys.json`."""

    port: int = 0
    keys: Mapping[str, Any] | None = None


class Documents(ThreadingHTTPServer):
    """Serves a program's metadata document, under its own address, and the public keys of a service."""

    keys: Mapping[str, Any] = MappingProxyType({"keys": ()})


class Reading(BaseHTTPRequestHandler):
    """Answers whoever reads one of these documents."""

    def do_GET(self) -> None:
        """Answer."""
        assert isinstance(self.server, Documents)
        own = {
            "client_id": f"https://{self.headers['host']}/program.json", "client_name": "A program with a document",
            "token_endpoint_auth_method": "none", "redirect_uris": BACK,
        }  # fmt: skip
        body = json.dumps(dict(self.server.keys) if self.path == "/keys.json" else own).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def documents(folder: Path, served: Served) -> Iterator[str]:
    """Serve the document over TLS, and yield its address; `ca.pem` in the folder is whom to trust for it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = Documents(("127.0.0.1", served.port), Reading)
    server.keys = served.keys or server.keys
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://localhost:{server.server_address[1]}/program.json"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def granting(folder: Path, served: Served | None = None, **authorization: Any) -> Iterator[House]:
    """Run it all; `authorization` is what the configuration says there besides the usual."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (
        pytest.MonkeyPatch.context() as patch,
        documents(folder, served or Served()) as document,
        provider(url) as idp,
        upstream("tests.security.echo_upstream") as echo,
    ):
        patch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
        patch.setenv("GATEWAY_SECRET", SECRET)
        staff = {
            "issuer": idp.issuer,
            "roles": {"claim": "groups", "map": {"eng": "developer", "sec": "auditor"}},
            "teams": {"claim": "team"},
            "client": {"id": "gateway", "secret": "env:GATEWAY_SECRET", "scopes": ["openid", "profile", "groups"]},
            "allow_private": LOOPBACK,
        }
        config = {
            "gateway": {"url": url, "listen": f"127.0.0.1:{port}"},
            "identity": {"staff": staff},
            "authorization": {"allow_private": LOOPBACK, **authorization},
            "servers": {"echo": echo.settings()},
            "rules": RULES,
        }
        with gateway(folder, config) as running:
            yield House(idp, running, document)


@dataclass(frozen=True, slots=True)
class Program:
    """A program that runs, whatever it says, and whatever it is told."""

    said: IO[str]
    told: IO[str]

    def until(self, prefix: str) -> str:
        """Return the rest of the next line that begins so; fail when the program ends before it."""
        heard = []
        for line in self.said:
            heard.append(line)
            if line.startswith(prefix):
                return line.removeprefix(prefix).strip()
        raise AssertionError(f"the program ended without {prefix!r}:\n{''.join(heard[-40:])}")

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send one message in a line of its own."""
        self.told.write(json.dumps(message) + "\n")
        self.told.flush()


@contextmanager
def program(command: list[str], **more: str) -> Iterator[Program]:
    """Run a program that logs in, with this besides in its environment; end it with the body."""
    process = subprocess.Popen(
        command, env={**os.environ, **more}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Program(process.stdout, process.stdin)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()


def signed_in(page: Page, house: House, login: str = "ana") -> None:
    """Fill in the provider's form, to which the browser was sent."""
    assert page.url.startswith(house.provider.issuer), page.url
    page.fill("[name=login]", login)
    page.fill("[name=password]", f"{login}-password")
    page.click("button")


def allowed(page: Page, house: House, url: str, login: str = "ana") -> None:
    """Do what a person does: sign in at their provider, read what is asked, allow it, and be sent back."""
    page.goto(url)
    if page.locator("button[value=allow]").count() == 0:
        page.click("text=Sign in to go on")
        signed_in(page, house, login)
    page.click("button[value=allow]")
    page.wait_for_url(lambda now: "code=" in now and not now.startswith((house.url, house.provider.issuer)))


def listed(running: Program) -> list[str]:
    """Speak to a program that carries its pipes to the gateway; return the names of the tools there."""
    running.tell(HELLO)
    assert '"protocolVersion":"2025-11-25"' in running.until("{")
    running.tell({"jsonrpc": "2.0", "method": "notifications/initialized"})
    running.tell({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}})
    answer = json.loads("{" + running.until("{"))
    return [each["name"] for each in answer["result"]["tools"]]

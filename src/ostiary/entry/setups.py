"""Configured servers → what the upstream adapters need: secrets resolved, TLS contexts made, addresses parsed."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

import msgspec

from ostiary.adapters.upstream.dial import Dialer
from ostiary.adapters.upstream.program import Program
from ostiary.adapters.upstream.server import Setup
from ostiary.config.schema import BasicCredential, BearerCredential, Config, Credential, HeaderCredential, Server
from ostiary.config.values import Secret
from ostiary.policy.egress import parse_url

Resolve = Callable[[Secret], str]


def setups(config: Config, resolve: Resolve) -> list[Setup]:
    """Return the set-up of every enabled server; raises what `resolve` raises where a secret is missing."""
    return [setup(name, server, config, resolve) for name, server in config.servers.items() if not server.disabled]


def setup(name: str, server: Server, config: Config, resolve: Resolve) -> Setup:
    """Return the set-up of one server."""
    base = Setup(
        name,
        shared=server.shared,
        era=server.era,
        max_in_flight=server.max_in_flight,
        answer=config.gateway.bounds.answer,
        start_timeout=server.start_timeout,
    )
    if server.command is not None:
        env = {key: _value(value, resolve) for key, value in server.env.items()}
        command = tuple(_value(word, resolve) for word in server.command)
        program = Program(
            name, command, env, server.cwd, server.start_timeout, server.idle,
            max_line=config.gateway.bounds.answer, max_in_flight=server.max_in_flight,
        )  # fmt: skip
        return msgspec.structs.replace(base, program=program)
    origin = parse_url(str(server.url))
    tls = _context(server, resolve) if origin.scheme == "https" else None
    return msgspec.structs.replace(
        base, origin=origin, fields=_fields(server, resolve), tls=tls, dial=Dialer(tuple(server.allow_private))
    )


def _value(value: str | Secret, resolve: Resolve) -> str:
    return resolve(value) if isinstance(value, Secret) else value


def _fields(server: Server, resolve: Resolve) -> bytes:
    """Return the headers that go with every request to a server: its own credential, never the caller's."""
    found = {name: _value(value, resolve) for name, value in server.headers.items()}
    if server.credential is not None:
        name, value = _credential(server.credential, resolve)
        found[name] = value
    return b"".join(_line(name, value) for name, value in found.items())


def _credential(credential: Credential, resolve: Resolve) -> tuple[str, str]:
    match credential:
        case BearerCredential():
            return "authorization", f"Bearer {resolve(credential.token)}"
        case HeaderCredential():
            return credential.name, resolve(credential.value)
        case BasicCredential():
            pair = f"{credential.user}:{resolve(credential.password)}".encode()
            return "authorization", f"Basic {base64.b64encode(pair).decode('ascii')}"
    assert_never(credential)


def _line(name: str, value: str) -> bytes:
    # A secret with a line break in it would become a second header.
    if any(letter in "\r\n\0" for letter in value) or not value.isascii():
        raise ValueError(f"the value of header {name} holds line breaks or is not ASCII; mend its source")
    return f"{name}: {value.strip()}\r\n".encode("ascii")


def _context(server: Server, resolve: Resolve) -> ssl.SSLContext:
    """Return the TLS context of one server, made once: making one costs more than a thousand calls."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    tls = server.tls
    if tls is not None and tls.ca is not None:
        context = ssl.create_default_context(cadata=resolve(tls.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls is not None and tls.certificate is not None:
        context.load_cert_chain(Path(tls.certificate.where), Path(tls.key.where) if tls.key else None)
    return context

"""Configured servers → what the upstream adapters need: secrets resolved, TLS contexts made, addresses parsed."""

from __future__ import annotations

import base64
import hashlib
import ssl
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import assert_never

import msgspec

from ostiary.adapters.upstream.dial import Dialer
from ostiary.adapters.upstream.program import Program
from ostiary.adapters.upstream.server import Setup
from ostiary.config.schema import BasicCredential, BearerCredential, Config, Credential, HeaderCredential, Server
from ostiary.config.values import Secret
from ostiary.policy.egress import Network, parse_url

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
        max_waiting=server.max_waiting,
        failures=server.breaker.failures,
        rest=server.breaker.open,
        answer=_most(server, config),
        start_timeout=server.start_timeout,
    )
    if server.command is not None:
        env = {key: _value(value, resolve) for key, value in server.env.items()}
        command = tuple(_value(word, resolve) for word in server.command)
        program = Program(
            name, command, env, server.cwd, server.start_timeout, server.idle,
            max_line=_most(server, config), max_in_flight=server.max_in_flight, words=shown(server),
        )  # fmt: skip
        return msgspec.structs.replace(base, program=program)
    if server.sse is not None:
        # That transport is older than the modern era, and everything that is sent on it needs its session.
        base = msgspec.structs.replace(base, sse=True, era="handshake")
    origin = parse_url(str(server.url or server.sse))
    tls = _context(server, resolve) if origin.scheme == "https" else None
    dial = _dialer(tuple(server.allow_private), keys(server))
    return msgspec.structs.replace(
        base,
        origin=origin,
        fields=_fields(server, resolve),
        tls=tls,
        dial=dial,
        outliers=dial.outliers,
    )


def _most(server: Server, config: Config) -> int:
    return config.gateway.bounds.answer if server.answers.size is None else server.answers.size


@lru_cache(maxsize=4096)
def _dialer(permitted: tuple[Network, ...], keys: frozenset[str]) -> Dialer:
    # One and the same for equal settings, so that the set-up of a server that did not change equals the one before.
    return Dialer(permitted, keys=keys)


def shown(server: Server) -> tuple[str, ...]:
    """Return a server's command with nothing in the place of what comes from the place of a secret."""
    return tuple(word if isinstance(word, str) else "" for word in server.command or ())


def keys(server: Server) -> frozenset[str]:
    """Return the keys of which a server has to prove itself with one, in hex; none: any key will do."""
    return frozenset(each.removeprefix("sha256:") for each in server.tls_keys)


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
    tls = server.tls
    if tls is None:
        return _made(None, ())
    files = [Path(each.where) for each in (tls.certificate, tls.key) if each is not None]
    # By content, so that a renewed certificate is taken at the next reload, and nothing else changes anything.
    chain = tuple((path, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files)
    return _made(resolve(tls.ca) if tls.ca is not None else None, chain)


@lru_cache(maxsize=1024)
def _made(ca: str | None, chain: tuple[tuple[Path, str], ...]) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if chain:
        certificate, key = chain[0][0], chain[1][0] if len(chain) > 1 else None
        context.load_cert_chain(certificate, key)
    return context

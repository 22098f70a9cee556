"""TLS at the door: our own certificate, replaced while it serves, and what a client's certificate says."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, Final, Protocol
from weakref import WeakSet

import structlog

from ostiary.core.model import Certificate

log: Final = structlog.get_logger(__name__)

App = Callable[..., Awaitable[Any]]

TLS: Final = "io.ostiary/tls"
"""An extension of ASGI: there on connections that we encrypt; its value is the client's `Certificate`, or None."""
# RFC 6797. One year, this host only: its neighbours are not ours to promise for.
STRICT: Final = b"strict-transport-security: max-age=31536000\r\n"
# RFC 9325 section 4.2: forward secrecy and authenticated encryption only. TLS 1.3 has nothing else.
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
_PAUSE: Final = 5.0


class CannotServe(Exception):
    """The gateway cannot begin to listen; the text says why and what to do."""


class Held(Protocol):
    """A connection that was let in because of its certificate."""

    def shutdown(self) -> None:
        """Let the request in flight finish, and begin no other."""


class Context(ssl.SSLContext):
    """A server's TLS settings, and who was let in by them."""

    trusted: float = 0.0
    """Since when these authorities are the ones that count; seconds since the epoch."""
    holders: WeakSet[Held]


def tls_context(certificate: str, key: str, client_ca: str | None = None) -> Context:
    """Return a server's TLS settings: at least 1.2; with `client_ca`, only for clients with a certificate of it."""
    context = Context(ssl.PROTOCOL_TLS_SERVER)
    context.holders = WeakSet()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without a password to give, OpenSSL would ask whoever sits at the terminal for one.
        context.load_cert_chain(certificate, key, password="")
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
            # A ticket would carry a verified certificate past its own end, and past its authority's.
            context.options |= ssl.OP_NO_TICKET
            context.num_tickets = 0
    except OSError as error:  # ssl.SSLError is one
        why = error.strerror or type(error).__name__
        raise CannotServe(
            f"the certificate cannot be used: {why}; gateway.tls names PEM files: a certificate chain, its private key "
            "without a passphrase, and for client_ca the authorities"
        ) from error
    return context


class Certificates:
    """The gateway's own certificate and its clients' authorities, as their files are now."""

    def __init__(
        self, certificate: str, key: str, client_ca: str | None = None, now: Callable[[], float] = time.time
    ) -> None:
        """Read the files; raise `CannotServe` where they cannot be used."""
        self._files, self._now = (certificate, key, client_ca), now
        self._stamps = tuple(self._stamped())
        self.context = tls_context(*self._files)
        """For the server. Each handshake is carried out with what is current: an SSLContext can be given new files, but
        a pair that does not fit leaves it with half of each, and it forgets no authority."""
        self._current = tls_context(*self._files)
        self.context.sni_callback = self._choose  # Asked for clients that name no server, too.

    def _choose(self, tls: Any, _name: str | None, _context: ssl.SSLContext) -> None:
        tls.context = self._current

    def renew(self) -> bool:
        """Take the files as they are now, or keep what is in use where they cannot be used; say which."""
        self._stamps = tuple(self._stamped())
        try:
            fresh = tls_context(*self._files)
        except CannotServe as error:
            log.warning("the new certificate is not used; the one before serves on", reason=str(error))
            return False
        old, self._current = self._current, fresh
        if _authorities(old) == _authorities(fresh):
            fresh.trusted, fresh.holders = old.trusted, old.holders
        else:
            fresh.trusted = self._now()
            # Who was let in by an authority that may not count any more comes back and shows a certificate again.
            for connection in tuple(old.holders):
                connection.shutdown()
        log.info("the certificate was read again")
        return True

    async def watch(self, pause: float = _PAUSE) -> None:
        """Renew whenever a file is another one than before.

        Looked at and not waited for: the folders of keys cannot always be watched, nor those on a network.
        """
        while True:
            await asyncio.sleep(pause)
            if tuple(self._stamped()) != self._stamps:
                self.renew()

    def _stamped(self) -> Iterator[tuple[int, int, int] | None]:
        for file in self._files:
            try:
                found = Path(file).stat() if file is not None else None
            except OSError:
                found = None
            yield found and (found.st_ino, found.st_mtime_ns, found.st_size)


def _authorities(context: ssl.SSLContext) -> frozenset[bytes]:
    return frozenset(context.get_ca_certs(binary_form=True))


class Stale(Exception):
    """A session was resumed that began before the present authorities counted."""


def peer(tls: Any, connection: Held) -> Certificate | None:
    """Return the client's certificate, which TLS has verified; None where none was asked for.

    Raise `Stale` where it was verified against authorities that have been replaced.
    """
    der = tls.getpeercert(binary_form=True)
    if not der:
        return None
    context = tls.context
    if isinstance(context, Context):
        # A session knows its second only: in the second of the change, nothing that is resumed can be trusted.
        if tls.session_reused and tls.session.time <= context.trusted:
            raise Stale
        context.holders.add(connection)
    from ostiary.adapters.http.subjects import read  # noqa: PLC0415 - few gateways see a certificate

    return read(der)


def secured(app: App, certificate: Certificate | None) -> App:
    """Return the application as a connection of ours with TLS runs it."""

    def told(scope: MutableMapping[str, Any], receive: Any, send: Any) -> Awaitable[Any]:
        scope["extensions"][TLS] = certificate
        return app(scope, receive, send)

    return told

"""Connect to an upstream: resolve its name once, judge every address, dial exactly an address that was judged.

Between judging and dialling nothing is resolved again, so a name that answers differently the second time (DNS
rebinding) gains nothing. The certificate is still checked against the name.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Final, TypeVar

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ostiary.core.errors import Unreachable
from ostiary.policy.egress import Address, Kind, Network, Origin, allowed, classify, faces
from ostiary.policy.outliers import Outliers

log: Final = structlog.get_logger(__name__)

CONNECT_TIMEOUT: Final = 10.0
# A name with more addresses than this is a load balancer's; trying them all would take the caller's whole deadline.
MAX_ADDRESSES: Final = 8
_SEEN: Final = 4_096
_UNPINNED: Final = (
    "which is none of its tls_keys, so nothing was sent; if its operator says that this key is theirs, add it there"
)

P = TypeVar("P", bound=asyncio.Protocol)
Resolve = Callable[[str, int], Awaitable[list[str]]]
"""host, port → addresses as text, in the order to try them."""


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Dialer:
    """Open connections to whatever may be reached: public places, and what this server's `allow_private` permits."""

    def __init__(
        self,
        permitted: tuple[Network, ...] = (),
        *,
        timeout: float = CONNECT_TIMEOUT,
        resolve: Resolve = resolve,
        keys: frozenset[str] = frozenset(),
    ) -> None:
        """Spend at most `timeout` seconds on resolving, and as much again on connecting with TLS.

        With `keys`, only a server that proves itself with one of these keys is spoken to (SHA-256 of its SPKI in hex).
        """
        self._permitted, self._timeout, self._resolve, self._keys = permitted, timeout, resolve, keys
        self._seen: dict[tuple[str, int], str] = {}
        self.outliers = Outliers()
        """Which addresses are tried last, because they failed again and again."""

    async def __call__(self, origin: Origin, factory: Callable[[], P], tls: ssl.SSLContext | None) -> P:
        """Return the connected protocol; raise `Unreachable` with the reason and what to do."""
        if (origin.scheme == "https") is not (tls is not None):
            raise Unreachable(f"{origin.scheme} to {origin.host} was asked for {'with' if tls else 'without'} TLS")
        addresses = await self._judged(origin)
        failures: list[str] = []
        for address in addresses:
            try:
                # Each has its share, so that a first one that swallows packets leaves time for the second.
                async with asyncio.timeout(self._timeout / len(addresses)):
                    return await self._connected(address, origin, factory, tls)
            except (OSError, ValueError) as error:  # the built-in TimeoutError is an OSError
                failures.append(f"{address}: {_reason(error, origin)}")
                if self.outliers.refused((address, origin.port), asyncio.get_running_loop().time()):
                    log.warning("address is tried last for a while", host=origin.host, address=str(address))
        raise Unreachable(f"{origin.host} port {origin.port} does not accept a connection: {'; '.join(failures)}")

    def key(self, origin: Origin) -> str:
        """Return the key of the last connection to an origin that spoke TLS; empty where there was none."""
        return self._seen.get((origin.host, origin.port), "")

    async def _connected(
        self, address: Address, origin: Origin, factory: Callable[[], P], tls: ssl.SSLContext | None
    ) -> P:
        transport, protocol = await _connect(address, origin, factory, tls)
        if tls is None:
            return protocol
        key = public_key(transport.get_extra_info("ssl_object"))
        if self._keys and key not in self._keys:
            # Nothing was written on it yet, and nothing will be: not even the first byte of a request gets out.
            transport.abort()
            shown = f"the key sha256:{key}" if key else "a key that cannot be read"
            raise Unreachable(f"{origin.host} proved itself with {shown}, {_UNPINNED}")
        if len(self._seen) >= _SEEN:
            self._seen.clear()
        self._seen[origin.host, origin.port] = key
        return protocol

    async def _judged(self, origin: Origin) -> list[Address]:
        found = await self._addresses(origin)
        good = [address for address in found if allowed(address, self._permitted)]
        if not good:
            raise Unreachable("; ".join(_advice(address, origin) for address in found[:MAX_ADDRESSES]))
        now = asyncio.get_running_loop().time()
        places = self.outliers.ordered([(address, origin.port) for address in good], now)
        return [address for address, _ in places[:MAX_ADDRESSES]]

    async def _addresses(self, origin: Origin) -> list[Address]:
        if (literal := origin.address) is not None:
            return [literal]
        try:
            async with asyncio.timeout(self._timeout):
                texts = await self._resolve(origin.host, origin.port)
        except TimeoutError as error:
            raise Unreachable(f"resolving {origin.host} took over {self._timeout:g} s; check the resolver") from error
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"{origin.host} does not resolve ({error}); check the name and the resolver") from error
        if not texts:
            raise Unreachable(f"{origin.host} has no address; check the name and the resolver")
        return [ip_address(text) for text in dict.fromkeys(texts)]


async def _connect(
    address: Address, origin: Origin, factory: Callable[[], P], tls: ssl.SSLContext | None
) -> tuple[asyncio.Transport, P]:
    loop = asyncio.get_running_loop()
    name = origin.host if tls else None
    return await loop.create_connection(factory, str(address), origin.port, ssl=tls, server_hostname=name)


def public_key(connection: ssl.SSLObject | ssl.SSLSocket) -> str:
    """Return the SHA-256 of the public key (SPKI, RFC 7469 section 2.4) that the other side proved itself with.

    Empty where it cannot be read: TLS may speak of keys that this library does not know, and no pin is empty.
    """
    from cryptography import x509  # noqa: PLC0415 - two megabytes, for servers whose key is pinned

    try:
        key = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"").public_key()
    except (ValueError, UnsupportedAlgorithm):
        return ""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _advice(address: Address, origin: Origin) -> str:
    kind = classify(address)
    host = "" if str(address) == origin.host else f"{origin.host} is at "
    permits = ", ".join(f"{face}/{face.max_prefixlen}" for face in faces(address) if not allowed(face))
    warning = " only if it really shall reach the machine's own credentials" if kind is Kind.METADATA else ""
    return f"{host}{address}, which is {kind}; add allow_private: [{permits}] to this server{warning}"


def _reason(error: Exception, origin: Origin) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"the certificate is not valid for {origin.host} ({error.verify_message.rstrip('.')}); "
                "check the URL's name, or add the authority that issued it"
            )
        case ssl.SSLError():
            return f"TLS failed ({error.reason or error}); check that this port speaks TLS"
        case TimeoutError():
            return "no answer in time; check the address and the firewalls between"
        case ConnectionRefusedError():
            return "refused; check that the server runs and listens on this port"
        case _:
            return f"{error or type(error).__name__}"

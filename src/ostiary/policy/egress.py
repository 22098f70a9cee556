"""Where may we connect to? Addresses are classified by the IANA special-purpose registries (RFC 6890). Pure.

The tables are written out: the standard library's own answers differ between Python releases, and none of them
looks inside an address that carries another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from msgspec import Struct

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Kind(StrEnum):
    """What sort of place an address is."""

    PUBLIC = "public"
    LOOPBACK = "loopback"
    PRIVATE = "private"
    LINK_LOCAL = "link-local"
    UNIQUE_LOCAL = "unique-local"
    SHARED = "carrier-grade NAT"
    MULTICAST = "multicast"
    METADATA = "cloud metadata"
    RESERVED = "reserved"


METADATA: Final = frozenset(
    map(
        ip_address,
        (
            *("169.254.169.254", "fd00:ec2::254", "fe80::a9fe:a9fe"),  # nearly every cloud
            *("169.254.169.253", "fd00:ec2::253", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"),  # AWS
            *("fd20:ce::254", "168.63.129.16", "192.0.0.192"),  # Google, Azure (a public address), Oracle
            *("100.100.100.200", "169.254.0.23", "169.254.42.42", "fd00:42::42"),  # Alibaba, Tencent, Scaleway
        ),
    )
)
"""Whoever reaches one of these may read the machine's own credentials."""

V4: Final[tuple[tuple[IPv4Network, Kind], ...]] = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("127.0.0.0/8", Kind.LOOPBACK),
        ("10.0.0.0/8", Kind.PRIVATE),
        ("172.16.0.0/12", Kind.PRIVATE),
        ("192.168.0.0/16", Kind.PRIVATE),
        ("169.254.0.0/16", Kind.LINK_LOCAL),
        ("100.64.0.0/10", Kind.SHARED),
        ("224.0.0.0/4", Kind.MULTICAST),
        ("0.0.0.0/8", Kind.RESERVED),
        ("192.0.0.0/24", Kind.RESERVED),
        ("192.0.2.0/24", Kind.RESERVED),
        ("192.88.99.0/24", Kind.RESERVED),
        ("198.18.0.0/15", Kind.RESERVED),
        ("198.51.100.0/24", Kind.RESERVED),
        ("203.0.113.0/24", Kind.RESERVED),
        ("240.0.0.0/4", Kind.RESERVED),
    )
)

V6: Final[tuple[tuple[IPv6Network, Kind], ...]] = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("::1/128", Kind.LOOPBACK),
        ("fe80::/10", Kind.LINK_LOCAL),
        ("fc00::/7", Kind.UNIQUE_LOCAL),
        ("fec0::/10", Kind.PRIVATE),
        ("ff00::/8", Kind.MULTICAST),
        # Tunnels: which relay carries a packet is the network's choice, not ours (RFC 7526 retires them).
        ("2001::/23", Kind.RESERVED),
        ("2002::/16", Kind.RESERVED),
        ("2001:db8::/32", Kind.RESERVED),
        ("3fff::/20", Kind.RESERVED),
        ("2000::/3", Kind.PUBLIC),
        ("::/0", Kind.RESERVED),
    )
)
"""The first match counts. What is outside the global unicast space 2000::/3 is nowhere we know."""

NOTATIONS: Final = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""IPv4-mapped, and the well-known NAT64 prefix (RFC 6052): the packet goes to the IPv4 address, and only there."""
CARRIERS: Final = (IPv6Network("::/96"), IPv6Network("::ffff:0:0:0/96"))
"""IPv4-compatible and IPv4-translated: the last 32 bits, in an address that is not public itself."""
SIX_TO_FOUR: Final = IPv6Network("2002::/16")
TEREDO: Final = IPv6Network("2001::/32")
LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")


def faces(address: Address) -> tuple[Address, ...]:
    """Return every address that a packet to this one may be meant for, the innermost first."""
    if isinstance(address, IPv4Address):
        return (address,)
    number = int(address)
    bare, low = IPv6Address(number), IPv4Address(number & 0xFFFFFFFF)  # without a zone, which would hide matches
    if any(bare in network for network in NOTATIONS):
        return (low,)
    if bare in SIX_TO_FOUR:
        return (IPv4Address(number >> 80 & 0xFFFFFFFF), bare)
    if bare in TEREDO:
        return (IPv4Address(~number & 0xFFFFFFFF), IPv4Address(number >> 64 & 0xFFFFFFFF), bare)
    if bare in LOCAL_NAT64:
        # An operator cuts prefixes of 48 to 96 bits from it; RFC 6052 section 2.2 places the address in a /48 so.
        high = IPv4Address((number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF)
        return (*(face for face in (low, high) if int(face)), bare)
    if number > 1 and any(bare in network for network in CARRIERS):
        return (low, bare)
    return (bare,)


def classify(address: Address) -> Kind:
    """Return what sort of place the address is; one that carries others is as bad as the worst of them."""
    kinds = [_kind(face) for face in faces(address)]
    if Kind.METADATA in kinds:
        return Kind.METADATA
    return next((kind for kind in kinds if kind is not Kind.PUBLIC), Kind.PUBLIC)


def allowed(address: Address, permitted: tuple[Network, ...] = ()) -> bool:
    """Say whether we may connect: only to public places, unless a network that was permitted contains the address.

    Metadata addresses need a permit of their own, a /32 or /128: permitting a wide range does not mean them.
    """
    return all(_open(face, permitted) for face in faces(address))


def _kind(face: Address) -> Kind:
    if face in METADATA:
        return Kind.METADATA
    if isinstance(face, IPv4Address):
        return next((kind for network, kind in V4 if face in network), Kind.PUBLIC)
    return next(kind for network, kind in V6 if face in network)


def _open(face: Address, permitted: Iterable[Network]) -> bool:
    kind = _kind(face)
    if kind is Kind.PUBLIC:
        return True
    if kind is Kind.METADATA:
        return ip_network(face) in permitted
    return any(face in network for network in permitted)


class Origin(Struct, frozen=True):
    """Where a server is, and what to ask it for."""

    scheme: str
    host: str
    """A lower-case name, or an address in its canonical spelling (IPv6 without brackets)."""
    port: int
    target: str
    """Path and query, never empty."""

    @property
    def address(self) -> Address | None:
        """The host as an address, or None for a name."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def authority(self) -> str:
        """The value of the Host header: no port where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


PORTS: Final = {"http": 80, "https": 443}
MAX_URL: Final = 8192
MAX_PORT: Final = 65535
MAX_NAME: Final = 253  # RFC 1035 section 2.3.4, without the length octets at both ends
URL: Final = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?]*)(?P<path>/[^?]*)?(?P<query>\?.*)?", re.IGNORECASE)
AUTHORITY: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::(?P<port>[1-9][0-9]{0,4}))?")
# Underscores are no host names (RFC 952), but container networks are full of them.
LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# WHATWG URL, "ends in a number checker": browsers and libc read such a host as an IPv4 address in some spelling.
NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
TARGET: Final = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*")  # RFC 3986 section 3.3 and 3.4
DOTS: Final = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)


def parse_url(url: str) -> Origin:
    """Return the parts of an absolute http or https URL; raise `ValueError` for every spelling that is not plain."""
    if len(url) > MAX_URL:
        raise ValueError(f"the URL is longer than {MAX_URL} characters")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("the URL has spaces, control or non-ASCII characters; write names as xn--… and paths as %…")
    if "#" in url or "\\" in url:
        raise ValueError("the URL has a fragment or a backslash; write it without")
    match = URL.fullmatch(url)
    if match is None:
        raise ValueError("the URL does not start with http:// or https://; only those two are spoken")
    scheme = match["scheme"].lower()
    host, port = _authority(match["authority"])
    target = (match["path"] or "/") + (match["query"] or "")
    return Origin(scheme, host, port or PORTS[scheme], _target(target))


def _authority(text: str) -> tuple[str, int | None]:
    if "@" in text:
        raise ValueError("the URL has a user name or password before the host; configure a credential instead")
    match = AUTHORITY.fullmatch(text)
    if match is None or (match["port"] and int(match["port"]) > MAX_PORT):
        raise ValueError("the URL's host or port is malformed; write host, host:port or [IPv6]:port")
    return _host(match["host"].lower()), int(match["port"]) if match["port"] else None


def _host(text: str) -> str:
    if text.startswith("["):
        try:
            return str(IPv6Address(text[1:-1]))
        except ValueError:
            raise ValueError("the URL's host is not an IPv6 address") from None
    labels = text.split(".")
    if NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(text))
        except ValueError:
            raise ValueError("the URL's host is a number but not four decimal ones; write it as 192.0.2.1") from None
    if len(text) > MAX_NAME or not all(map(LABEL.fullmatch, labels)):
        raise ValueError("the URL's host is not a name of letters, digits and hyphens, without a dot at its end")
    return text


def _target(text: str) -> str:
    if not TARGET.fullmatch(text):
        raise ValueError("the URL's path or query has a character that must be percent-encoded")
    if DOTS.search(text.partition("?")[0]):
        raise ValueError("the URL's path has a . or .. segment; write the path that is meant")
    return text

"""Is a URL one that a server may be sent to? Pure.

Literal addresses are judged in every notation, and names as they stand. No name is resolved here: where a name leads
is known only when it is dialled, and by whoever dials it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address
from typing import Final

from ostiary.policy.egress import PORTS, Kind, Origin, classify, parse_url

# What follows the first slash cannot change the host any more, whoever reads it.
_FRAGMENT: Final = re.compile(r"(?P<before>https?://[^/?#\\@]+/[^#\\]*)#[!-~]*", re.IGNORECASE)
# RFC 6761, RFC 6762, RFC 8375, RFC 9476 and ICANN's choice for private use; the others are what routers give out.
_NEARBY: Final = frozenset({
    "localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "localdomain", "arpa", "test",
    "invalid", "example", "onion", "alt", "svc", "cluster", "consul", "docker", "kube",
})  # fmt: skip
# Names that anybody may use, and that lead to whatever address the name spells, to the reader's own, or to two in turn.
_LEADING_ANYWHERE: Final = frozenset({
    "localtest.me", "lvh.me", "vcap.me", "lacolhost.com", "nip.io", "sslip.io", "xip.io", "traefik.me", "1u.ms",
    "rbndr.us",
})  # fmt: skip
_NUMBERS: Final = re.compile(r"(?<![0-9])([0-9]{1,3})[.-]([0-9]{1,3})[.-]([0-9]{1,3})[.-]([0-9]{1,3})(?![0-9])")
_ENTRY: Final = re.compile(r"(?P<host>\*?[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[1-9][0-9]{0,4}))?")
_WRITE: Final = "write an http or https URL of a public place"


class Unreadable(ValueError):
    """A text is no URL that is read in one way only."""


def read(text: str) -> Origin:
    """Return the parts of a URL; a fragment, which is never sent, may follow its path."""
    match = _FRAGMENT.fullmatch(text)
    try:
        return parse_url(match["before"] if match else text)
    except ValueError as error:
        raise Unreadable(str(error)) from None


def public(text: str, *, schemes: tuple[str, ...] = ("http", "https")) -> str | None:
    """Return why a URL does not lead to a public place, as far as its text tells; None where it does."""
    try:
        origin = read(text)
    except Unreadable as error:
        return f"is not a plain URL: {error}"
    if origin.scheme not in schemes:
        return "is not encrypted; write https://"
    return _nearby(origin)


def encrypted(text: str) -> str | None:
    """Return why a URL does not lead to a public place over TLS; None where it does."""
    return public(text, schemes=("https",))


def _nearby(origin: Origin) -> str | None:
    address = origin.address
    if address is not None:
        kind = classify(address)
        return None if kind is Kind.PUBLIC else f"leads to an address that is not public ({kind}); {_WRITE}"
    labels = origin.host.split(".")
    if len(labels) == 1 or labels[-1] in _NEARBY or ".".join(labels[-2:]) in _LEADING_ANYWHERE:
        return f"leads to a name that only the server's own network knows; {_WRITE}"
    if any(classify(each) is not Kind.PUBLIC for each in _spelled(origin.host)):
        return f"has a name that spells an address that is not public; {_WRITE}"
    return None


def _spelled(host: str) -> list[IPv4Address]:
    """Return the addresses that a name spells, as in `ip-10-0-0-1.example.com`: many a resolver leads to just those."""
    found = [[int(part) for part in match.groups()] for match in _NUMBERS.finditer(host)]
    return [IPv4Address(bytes(parts)) for parts in found if max(parts) < 256]  # noqa: PLR2004 - an octet


def hosts(text: str) -> Callable[[str], str | None]:
    """Return what says why a URL is of none of these hosts (`a.example.com,*.b.example:8443`); ValueError: none."""
    entries = tuple(_entry(each.strip()) for each in text.split(","))
    shown = " or ".join(each.strip() for each in text.split(","))

    def refused(value: str) -> str | None:
        try:
            origin = read(value)
        except Unreadable as error:
            return f"is not a plain URL: {error}"
        if any(_of(origin, host, port) for host, port in entries):
            return None
        return f"is not a URL of {shown}; write one of these hosts, and no other port"

    return refused


def _entry(text: str) -> tuple[str, int | None]:
    """Return a host and a port that a rule names; no port: the scheme's own."""
    match = _ENTRY.fullmatch(text)
    if match is None or ("*" in text and not text.startswith("*.")):
        raise ValueError(
            "is no host; write lower-case names such as a.example.com, *.example.com or a.example.com:8443"
        )
    host = match["host"]
    origin = read(f"http://{host.removeprefix('*.')}{':' + match['port'] if match['port'] else ''}/")
    if origin.address is not None and ("*" in host or classify(origin.address) is Kind.METADATA):
        raise ValueError("is an address where machines keep credentials, or a pattern of addresses; write a name")
    return f"*.{origin.host}" if "*" in host else origin.host, origin.port if match["port"] else None


def _of(origin: Origin, host: str, port: int | None) -> bool:
    if origin.port != (port or PORTS[origin.scheme]):
        return False
    if host.startswith("*."):
        return origin.host.endswith(host[1:]) and origin.host != host[1:]
    try:
        return ip_address(host) == origin.address
    except ValueError:
        return origin.host == host

"""What a server's URL says before anything is resolved: usable, secret in parts, private. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from ostiary.config.foreign.secrecy import suspicious
from ostiary.config.values import is_loopback, server_url

_LOOPBACK: Final = ("127.0.0.1/32", "::1/128")
_INSIDE: Final = (".local", ".internal", ".lan", ".home", ".corp", ".intranet", ".home.arpa")


@dataclass(frozen=True, slots=True)
class Address:
    """A URL without its user information. `secret` says why the rest must not be copied either."""

    url: str = field(repr=False)
    userinfo: tuple[str, str] | None = field(repr=False)
    secret: str | None
    allow_private: tuple[str, ...]
    remark: str


def address(url: str) -> Address | None:
    """Return what there is to know, or None when the gateway could not open this URL."""
    try:
        parts = urlsplit(url.strip())
        bare = server_url(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="")))
    except ValueError:
        # `Unfit` is one as well: what the configuration would refuse is not worth writing.
        return None
    host = (parts.hostname or "").lower()
    nets, remark = _private(host)
    return Address(bare, _userinfo(parts), _telling(bare, parts), nets, remark or _cleartext(parts.scheme, host))


def _userinfo(parts: SplitResult) -> tuple[str, str] | None:
    if "@" not in parts.netloc:
        return None
    return unquote(parts.username or ""), unquote(parts.password or "")


def _telling(bare: str, parts: SplitResult) -> str | None:
    # The host alone may look random (a tenant's id in a public name); a credential stands behind it.
    return suspicious(None, bare.replace(parts.netloc.rpartition("@")[2], "host", 1))


def _private(host: str) -> tuple[tuple[str, ...], str]:
    if host == "localhost" or host.endswith(".localhost"):
        return _LOOPBACK, ""
    try:
        ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return (), _inside(host)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_link_local or ip.is_unspecified or ip.is_multicast:
        # 169.254.169.254 hands out a cloud machine's credentials; 0.0.0.0 reaches whatever listens here.
        return (
            (),
            "its address is link-local, unspecified or multicast and was not allowed: use the server's real address",
        )
    if ip.is_global:
        return (), ""
    return (f"{ip}/{ip.max_prefixlen}",), ""


def _inside(host: str) -> str:
    if "." in host and not host.endswith(_INSIDE) and not host.replace(".", "").isdigit():
        return ""
    return "its name looks internal: if it resolves to a private address, add `allow_private:` with that network"


def _cleartext(scheme: str, host: str) -> str:
    if scheme.lower() == "https" or is_loopback(host):
        return ""
    return (
        "it is plain http beyond this machine, which Ostiary refuses: use https, or set unsafe_plain_http: true for it"
    )

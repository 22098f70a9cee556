"""Which addresses may an authorization code be sent to? (RFC 6749 section 3.1.2, RFC 8252 section 7.) Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from ostiary.policy.egress import parse_url

LONGEST: Final = 2048
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_PRIVATE: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+):/{1,3}[A-Za-z0-9\-._~/]*(?:\?[A-Za-z0-9\-._~%&=]*)?"
)
"""RFC 8252 section 7.1: a domain name turned around, so it has a dot; `javascript:` and its kind have none."""


class Redirect(Struct, frozen=True):
    """A redirect URI that is well-formed."""

    text: str
    kind: str
    """`https`, `loopback` or `private`."""
    host: str
    """What a person is shown, and what consent is remembered for: a host, or a private scheme."""
    source: str
    """The origin or scheme, as a Content-Security-Policy names it."""


def parsed(text: str, schemes: Iterable[str] = ()) -> Redirect:
    """Return the parts of a redirect URI; raise `ValueError` for one that is not taken here.

    `schemes` are the private-use schemes that are; `*` stands for all of them.
    """
    if len(text) > LONGEST:
        raise ValueError(f"a redirect URI is longer than {LONGEST} characters")
    private = _PRIVATE.fullmatch(text)
    if private is not None:
        return _private(text, private["scheme"], frozenset(schemes))
    origin = parse_url(text)
    if origin.scheme == "https":
        return Redirect(text, "https", origin.authority, f"https://{origin.authority}")
    if origin.host not in LOOPBACK:
        raise ValueError("a redirect URI with http:// is only taken for 127.0.0.1, [::1] or localhost; use https")
    # Content-Security-Policy Level 3 section 2.3.1 has no way to write an IPv6 address.
    source = "http:" if ":" in origin.host else f"http://{origin.authority}"
    return Redirect(text, "loopback", origin.host, source)


def _private(text: str, scheme: str, schemes: frozenset[str]) -> Redirect:
    if scheme not in schemes and "*" not in schemes:
        raise ValueError("a redirect URI has a scheme that is not taken here; use https, or http on the loopback")
    return Redirect(text, "private", f"{scheme}:", f"{scheme}:")


def permitted(asked: str, registered: Iterable[str], schemes: Iterable[str] = ()) -> Redirect:
    """Return the redirect that was asked for if it is one of those registered, else raise `ValueError`.

    Texts are compared as they are; only the port of a loopback address is free (RFC 8252 section 7.3).
    """
    found = parsed(asked, schemes)
    if asked in (known := frozenset(registered)):
        return found
    if found.kind == "loopback" and any(_portless(asked) == _portless(each) for each in known):
        return found
    raise ValueError("the redirect URI is none of those that the client has registered")


_PORT: Final = re.compile(r"(http://(?:\[[0-9a-f:]+\]|[a-z0-9.]+))(?::[0-9]{1,5})?((?:[/?].*)?)")


def _portless(text: str) -> tuple[str, str]:
    """Return what is left without the port; what is no loopback address is equal to nothing but itself."""
    match = _PORT.fullmatch(text)
    if match is None or match[1].removeprefix("http://").strip("[]") not in LOOPBACK:
        return text, ""
    return match[1], match[2]

"""What the pages of people's login are given, and who is signed in behind a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

from msgspec import Struct
from starlette.requests import Request

from ostiary.adapters.login.ports import Provider, Seal
from ostiary.adapters.login.sessions import Person, Sessions
from ostiary.core.model import Json
from ostiary.policy.egress import parse_url

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_LONGEST: Final = 2048
_KEY: Final = 32


class Jar(Struct, frozen=True):
    """The names of our cookies, and what is said about them."""

    session: str
    login: str
    attributes: str


# RFC 6265bis section 4.1.3.2: with this prefix a browser takes a cookie only from this very host, over TLS, for all
# paths, so that no neighbour (sibling.example.com, or the network) can plant one.
_SECURE: Final = Jar("__Host-ostiary", "__Host-ostiary-login", "; Path=/; Secure; HttpOnly; SameSite=Lax")
# http on loopback, for trying things out on one machine. Not every browser takes `Secure` cookies there, and none keeps
# the cookies of two ports apart: whatever else serves pages on this machine's loopback can see and plant them. A
# planted one opens nothing that its planter could not open; the names differ from the secure ones, so that a cookie
# from here is never taken for one of a gateway behind TLS. Beyond loopback, `Setting` refuses http.
_LOCAL: Final = Jar("ostiary-local", "ostiary-local-login", "; Path=/; HttpOnly; SameSite=Lax")


def _nothing(_: str, __: Json) -> None:
    """Keep no notes."""


class Setting(Struct, frozen=True):
    """Everything that the pages need."""

    url: str
    """The gateway's own, without a slash at the end."""
    providers: Mapping[str, Provider]
    sessions: Sessions
    seal: Seal
    key: bytes
    """32 random bytes that only this gateway's workers know: what forms are proven with."""
    time: Callable[[], float]
    home: str = "/console/"
    """Where people go who wanted nothing in particular."""
    barred: Callable[[Person], bool] = lambda _: False
    """Whether somebody is shut out for now, although their session stands."""
    note: Callable[[str, Json], None] = _nothing
    """Told of what belongs into the ledger: an event's name, and fields without a secret."""

    def __post_init__(self) -> None:
        """Refuse to send a session over a network in plain text."""
        origin = parse_url(self.url)
        if origin.scheme != "https" and origin.host not in _LOOPBACK:
            raise ValueError("people can sign in over https only: make gateway.url an https address")
        if len(self.key) != _KEY:
            raise ValueError(f"the key of forms has {_KEY} bytes")

    def __repr__(self) -> str:
        return f"Setting(url={self.url!r})"

    @property
    def origin(self) -> str:
        """The origin, as browsers write it (RFC 6454 section 6.1)."""
        origin = parse_url(self.url)
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        usual = {"https": 443, "http": 80}[origin.scheme]
        return f"{origin.scheme}://{host}" + ("" if origin.port == usual else f":{origin.port}")

    @property
    def jar(self) -> Jar:
        """The cookies that fit the gateway's own address."""
        return _SECURE if self.url.startswith("https://") else _LOCAL

    @property
    def callback(self) -> str:
        """Where providers send people back to: what is registered there."""
        return f"{self.url}/login/callback"

    @property
    def farewell(self) -> str:
        """Where providers send people who signed out: what is registered there."""
        return f"{self.url}/logout/done"


def cookie(request: Request, name: str) -> str:
    """Return a cookie; nothing where it came twice, for then one of the two was planted."""
    found = []
    for header in request.headers.getlist("cookie"):
        for pair in header.split(";"):
            key, _, value = pair.strip().partition("=")
            if key == name:
                found.append(value)
    return found[0] if len(found) == 1 else ""


async def signed_in(request: Request, setting: Setting) -> Person | None:
    """Return who is signed in in this browser; None where nobody is (any more)."""
    ident = cookie(request, setting.jar.session)
    found = await setting.sessions.find(ident) if ident else None
    return None if found is None or setting.barred(found) else found


def own_path(text: str | None, otherwise: str) -> str:
    """Return a path of our own to go to, or the other one: nobody is sent from here to somewhere else."""
    if not text or len(text) > _LONGEST or not text.isascii() or not text.isprintable():
        return otherwise
    # Browsers read `//host`, and `/\\host` too, as another host; a blank or a backslash is nothing that we wrote.
    if not text.startswith("/") or text.startswith("//") or "\\" in text or " " in text:
        return otherwise
    first = text.split("?", 1)[0].split("#", 1)[0]
    return otherwise if first.startswith(("/login", "/logout", "/bootstrap")) else text


def login_url(return_to: str) -> str:
    """Return where to send somebody who must sign in first, and who then comes back to this path of ours."""
    target = own_path(return_to, "")
    return f"/login?return_to={quote(target, safe='')}" if target else "/login"

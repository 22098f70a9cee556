"""Client ID metadata documents: a client's id is an https address, and what lies there says what the client is.

(draft-ietf-oauth-client-id-metadata-document.) The address comes from anybody, so it is fetched under the egress
rules, seldom, small, without following anything, and only for people who are signed in or clients that hold a code.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

from msgspec import Struct

from ostiary.adapters.oauth.failures import Denied
from ostiary.adapters.oauth.registration import granted, named, redirected
from ostiary.adapters.oauth.setting import Fetched, Setting
from ostiary.adapters.oauth.storing import Client
from ostiary.core.errors import GatewayError
from ostiary.core.model import Json
from ostiary.policy.egress import parse_url
from ostiary.protocol.jsonrpc import read

MOST: Final = 64 * 1024
_WITHIN: Final = 5.0
_DEPTH: Final = 8
_KEPT: Final = 256
_SHORTEST, _USUAL, _LONGEST = 60.0, 300.0, 86_400.0
"""Seconds that a document is believed, whatever its headers say."""
_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?([0-9]{1,10})")
_NEVER: Final = re.compile(r"(?:^|[\s,])no-(?:store|cache)(?:$|[\s,=])")
_ID: Final = 512
_SHARED: Final = ("client_secret_post", "client_secret_basic", "client_secret_jwt")
_SPOKEN: Final = ("none", "private_key_jwt")


class Kept(Struct, frozen=True):
    """A document that was fetched."""

    body: bytes
    """As it came: what is read from it may take many times the room."""
    until: float
    """When it is to be fetched again."""
    stale: float
    """Until when it may stand in while its host cannot be reached."""


def is_address(ident: str) -> bool:
    """Say whether a client id claims to be the address of a document."""
    return ident.startswith(("https:", "http:"))


def host(ident: str) -> str:
    """Return the host of a document's address; raise `Denied` where it is no address that a client may have."""
    if len(ident) > _ID:
        raise Denied("invalid_client", f"the client id is longer than {_ID} characters")
    try:
        origin = parse_url(ident)
    except ValueError as error:
        raise Denied("invalid_client", str(error)) from error
    if not ident.startswith("https://") or origin.target == "/" or origin.address is not None:
        raise Denied("invalid_client", "a client id that is an address must be https, with a name and a path")
    return origin.authority


class Documents:
    """Fetches JSON documents that clients name, keeps them as long as their headers say, and within our own bounds."""

    def __init__(self, setting: Setting) -> None:
        self._setting, self._rates = setting, setting.rates(setting.fetching)
        self._kept: dict[str, Kept] = {}
        self._flights: dict[str, asyncio.Task[Kept]] = {}

    async def client(self, ident: str, peer: str) -> Client:
        """Return the client whose id is an address, or raise `Denied`."""
        name = host(ident)
        if not self._setting.documents(name):
            raise Denied("invalid_client", "clients of this host are not let in here; ask whoever runs this gateway")
        return described(await self.content(ident, peer), ident, self._setting.private_schemes)

    async def content(self, url: str, peer: str) -> Json:
        """Return what lies at an address, fetched once however many ask at the same time."""
        now, kept = self._setting.clock(), self._kept.get(url)
        if kept is not None and kept.until > now:
            return _object(kept.body)
        flight = self._flights.get(url)
        if flight is None:
            seconds = self._rates.take(peer)
            if seconds > 0.0:
                headers = {"retry-after": str(int(seconds) + 1)}
                raise Denied("temporarily_unavailable", "too many client documents are asked for", 429, headers)
            flight = asyncio.create_task(self._fetched(url, kept))
            self._flights[url] = flight
            flight.add_done_callback(lambda done: self._landed(url, done))
        # A client that hangs up must not take the document from the others who wait for it.
        return _object((await asyncio.shield(flight)).body)

    def _landed(self, url: str, done: asyncio.Task[Kept]) -> None:
        self._flights.pop(url, None)
        if done.cancelled() or done.exception() is not None:
            return
        self._kept.pop(url, None)
        if len(self._kept) >= _KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[url] = done.result()

    async def _fetched(self, url: str, kept: Kept | None) -> Kept:
        deadline = asyncio.get_running_loop().time() + _WITHIN
        try:
            answer = await self._setting.fetch("GET", url, deadline=deadline, headers={"accept": "application/json"})
        except GatewayError as error:
            now = self._setting.clock()
            if kept is not None and kept.stale > now:
                return Kept(kept.body, now + _SHORTEST, kept.stale)
            # What exactly was there is not told: an address inside would be explored by it.
            raise Denied("invalid_client", "the client's document could not be fetched") from error
        now = self._setting.clock()
        return Kept(_judged(answer), now + lifetime(answer.headers.get("cache-control", "")), now + _LONGEST)


def lifetime(control: str) -> float:
    """Return how long a document is believed, by its Cache-Control and within our bounds (RFC 9111 section 5.2)."""
    said = control.lower()
    if _NEVER.search(said):
        return _SHORTEST
    age = _MAX_AGE.search(said)
    return min(max(float(age[1]), _SHORTEST), _LONGEST) if age else _USUAL


def _judged(answer: Fetched) -> bytes:
    media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.status != 200 or len(answer.body) > MOST:  # noqa: PLR2004 - only OK is; a redirect is an error here
        raise Denied("invalid_client", f"the client's document is not there, or has more than {MOST} bytes")
    if media != "application/json" and not media.endswith("+json"):
        raise Denied("invalid_client", "the client's document is not declared as JSON")
    _object(answer.body)
    return answer.body


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = read(body, _DEPTH)
    except GatewayError as error:
        raise Denied("invalid_client", "the client's document is not JSON") from error
    if not isinstance(found, dict):
        raise Denied("invalid_client", "the client's document is not a JSON object")
    return found


def described(content: Json, ident: str, schemes: tuple[str, ...]) -> Client:
    """Return the client that a document describes; raise `Denied` where it is not of this id."""
    if content.get("client_id") != ident:
        raise Denied("invalid_client", "the client's document is for another client id; they must be identical")
    if "client_secret" in content or content.get("token_endpoint_auth_method") in _SHARED:
        raise Denied("invalid_client", "the client's document speaks of a secret, and everybody can read it")
    method = content.get("token_endpoint_auth_method", "none")
    if method not in _SPOKEN:
        raise Denied("invalid_client", "the client's document names an authentication that is not spoken here")
    jwks, where = content.get("jwks"), content.get("jwks_uri", "")
    if method == "private_key_jwt" and not isinstance(jwks, dict) and not (isinstance(where, str) and where):
        raise Denied("invalid_client", "the client's document has neither jwks nor jwks_uri")
    if isinstance(where, str) and where:
        host(where)
    redirects = redirected(content.get("redirect_uris"), schemes)
    return Client(
        ident, "document", named(content.get("client_name"), ident), tuple(each.text for each in redirects), method,
        "", granted({"grant_types": ["authorization_code", "refresh_token"], **content}),
        jwks if isinstance(jwks, dict) else None, where if isinstance(where, str) else "",
    )  # fmt: skip

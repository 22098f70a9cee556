"""The authorization endpoint: who asks, for what, where the answer goes, and whether the person agreed.

Nobody is redirected anywhere before they agreed, on a page, that this client may have what it asks for: neither with
an error (RFC 9700 section 4.11.2: an authorization server is a fine open redirector) nor to a login.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from ostiary.adapters.oauth import addresses, asking, page
from ostiary.adapters.oauth.clients import Clients
from ostiary.adapters.oauth.documents import host, is_address
from ostiary.adapters.oauth.failures import Denied
from ostiary.adapters.oauth.metadata import Endpoint
from ostiary.adapters.oauth.reasons import because, noted
from ostiary.adapters.oauth.setting import Person, Setting
from ostiary.adapters.oauth.storing import Client, Code, Grant, Subject, digest
from ostiary.policy.redirects import Redirect, permitted

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_STATE: Final = 2048
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{43}|")


AGREED: Final = " "
"""Stands beside the scopes of every agreement: where no scopes exist, an agreement to none is still one."""


class Asked(Struct, frozen=True):
    """An authorization request that may be granted."""

    client: str
    redirect: str
    challenge: str
    resource: str
    scopes: tuple[str, ...]
    state: str = ""
    key: str = ""


class Refused(Exception):
    """A request of a client and for a redirect that are both known, and that must not be granted as it is."""

    def __init__(self, denied: Denied, client: Client, redirect: Redirect, state: str) -> None:
        """Keep what a person needs to tell the client."""
        super().__init__(str(denied))
        self.denied, self.client, self.redirect, self.state = denied, client, redirect, state


Ask = Callable[[Request, Client, Redirect, Asked, Person], Response]


def authorize(setting: Setting, clients: Clients, ask: Ask) -> Endpoint:
    """Return the endpoint where clients send people; `ask` makes the page that asks them."""

    async def answer(request: Request) -> Response:
        try:
            return await _answered(setting, clients, ask, request)
        except Denied as denied:
            setting.note("authorization_refused", noted(denied, "authorize"))
            return page.refused(denied.error, denied.why, denied.status)
        except Refused as refused:
            why = refused.denied
            setting.note("authorization_refused", noted(why, "authorize"))
            back = answered(setting, refused.redirect.text, {"error": why.error, "state": refused.state})
            return page.refused(why.error, why.why, why.status, back, refused.redirect.host)

    return answer


async def _answered(setting: Setting, clients: Clients, ask: Ask, request: Request) -> Response:
    given = asking.query(request)
    ident = given.get("client_id", "")
    peer = request.client.host if request.client else ""
    person = await setting.signed_in(request)
    if person is None:
        # An address from anybody is not fetched for somebody who is nobody yet; what it is called must do.
        name = f"The program of {host(ident)}" if is_address(ident) else (await clients(ident, peer)).name
        return page.sign_in(name, setting.login_url(f"{addresses.AUTHORIZE}?{urlencode(given)}"))
    client = await clients(ident, peer)
    redirect = redirected(setting, client, given.get("redirect_uri", ""))
    try:
        asked = judged(setting, client, redirect, given)
    except Denied as denied:
        raise Refused(denied, client, redirect, given.get("state", "")[:_STATE]) from denied
    if given.get("prompt") != "consent" and await _agreed(setting, client, redirect, asked, person):
        return await coded(setting, asked, person)
    return ask(request, client, redirect, asked, person)


def redirected(setting: Setting, client: Client, asked: str) -> Redirect:
    """Return where the answer goes, or raise `Denied`."""
    if "authorization_code" not in client.grants or not client.redirects:
        raise Denied("unauthorized_client", "this client acts for itself and cannot ask people")
    if not asked:
        raise because(Denied("invalid_request", "redirect_uri is missing"), "redirect_missing")
    try:
        return permitted(asked, client.redirects, setting.private_schemes)
    except ValueError as error:
        raise because(Denied("invalid_request", str(error)), "redirect_refused") from error


def judged(setting: Setting, client: Client, redirect: Redirect, given: dict[str, str]) -> Asked:
    """Return what is asked for, or raise `Denied` where it must not be granted to anybody."""
    if given.get("response_type") != "code":
        raise Denied("unsupported_response_type", "response_type must be code")
    if given.get("response_mode", "query") != "query":
        raise because(Denied("invalid_request", "response_mode must be query"), "response_mode")
    if "request" in given or "request_uri" in given:
        raise Denied("request_not_supported", "request objects are not read here; send plain parameters")
    challenge = given.get("code_challenge", "")
    # RFC 7636 section 4.3 makes `plain` the default, so what is left out is as bad as what is said.
    if given.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        why = "PKCE is needed: a code_challenge, and code_challenge_method=S256"
        raise because(Denied("invalid_request", why), "pkce_missing")
    state, key = given.get("state", ""), given.get("dpop_jkt", "")
    if len(state) > _STATE or not _KEY.fullmatch(key):
        raise Denied("invalid_request", f"state is longer than {_STATE} characters, or dpop_jkt is no thumbprint")
    resource = targeted(setting, given.get("resource", "") or setting.default_resource)
    scopes = scoped(given.get("scope", ""), tuple(setting.scopes()), setting.minimum())
    return Asked(client.id, redirect.text, challenge, resource, scopes, state, key)


def targeted(setting: Setting, resource: str) -> str:
    """Return the resource if it is one of ours, exactly, else raise `Denied` (RFC 8707 section 2)."""
    if resource not in setting.resources():
        raise Denied("invalid_target", "resource must be the address of an MCP endpoint of this gateway")
    return resource


def scoped(asked: str, known: tuple[str, ...], usual: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scopes to be granted: those that were asked for and exist; none were asked for: the usual ones.

    Raise `Denied` where some were asked for and none of them exists.
    """
    # Scopes that belong to other servers' conventions, which clients send wherever they go.
    wanted = [each for each in dict.fromkeys(asked.split(" ")) if each and each not in _CONVENTIONS]
    if not wanted:
        return tuple(sorted(usual))
    found = tuple(sorted(each for each in wanted if each in known))
    if not found:
        raise Denied("invalid_scope", "none of these scopes exists here; scopes_supported names those that do")
    return found


_CONVENTIONS: Final = frozenset({"offline_access", "openid", "profile", "email"})


async def _agreed(setting: Setting, client: Client, redirect: Redirect, asked: Asked, person: Person) -> bool:
    if not _recognizable(client, redirect):
        return False
    key = consent_key(person, client, redirect, asked.resource)
    granted = await asyncio.to_thread(setting.storage.consent, key, setting.time())
    return AGREED in granted and set(asked.scopes) <= set(granted)


def _recognizable(client: Client, redirect: Redirect) -> bool:
    """Say whether an answer can only reach the client that was agreed to.

    RFC 8252 section 8.6: any program of this computer can use a public id and a loopback address. A program that
    registered itself has an id that only it knows; one with a secret or a key must show that.
    """
    return redirect.kind == "https" or client.kind == "registered" or client.method != "none"


def consent_key(person: Person, client: Client, redirect: Redirect, resource: str) -> str:
    """Return what an agreement is remembered by."""
    return digest(person.issuer, person.subject, client.id, redirect.kind, redirect.host, resource)


async def coded(setting: Setting, asked: Asked, person: Person) -> Response:
    """Make a code and send the person back with it."""
    now, times = setting.time(), setting.lifetimes
    subject = Subject(person.subject, person.issuer, tuple(sorted(person.roles)), tuple(sorted(person.teams)))
    grant = Grant(
        f"grant_{secrets.token_urlsafe(18)}", asked.client, subject, asked.resource, asked.scopes, now + times.grant
    )
    code = secrets.token_urlsafe(32)
    kept = msgspec.to_builtins(Code(grant, asked.redirect, asked.challenge, asked.key))
    await asyncio.to_thread(setting.storage.add_code, digest(code), kept, now + times.code)
    return returned(setting, asked, {"code": code})


def returned(setting: Setting, asked: Asked, parameters: dict[str, str]) -> Response:
    """Send the person back to the client with an answer."""
    headers = {**page.HEADERS, "location": answered(setting, asked.redirect, {**parameters, "state": asked.state})}
    # RFC 9700 section 4.12: 303 never repeats a form to the client, as 307 would.
    return Response(b"", 303, {**headers, "referrer-policy": "no-referrer"})


def answered(setting: Setting, redirect: str, parameters: dict[str, str]) -> str:
    """Return the address of an answer; it says whose answer it is (RFC 9207)."""
    fields = {name: value for name, value in parameters.items() if value}
    joint = "&" if "?" in redirect else "?"
    return f"{redirect}{joint}{urlencode({**fields, 'iss': setting.issuer})}"

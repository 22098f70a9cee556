"""The consent of a person: the page that asks, and what happens with the answer.

The question is sealed into the form: it names the person and a cookie of their browser, holds for ten minutes and
counts once. So a page elsewhere can neither write such a form nor send one that it got for itself.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
from typing import Final

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from ostiary.adapters.oauth import addresses, asking, page
from ostiary.adapters.oauth.authorize import AGREED, Ask, Asked, coded, consent_key, redirected, returned
from ostiary.adapters.oauth.clients import Clients
from ostiary.adapters.oauth.documents import host
from ostiary.adapters.oauth.failures import Denied
from ostiary.adapters.oauth.metadata import Endpoint
from ostiary.adapters.oauth.reasons import because, noted
from ostiary.adapters.oauth.setting import Person, Setting
from ostiary.adapters.oauth.storing import Client, digest
from ostiary.policy.redirects import Redirect, parsed

_PURPOSE: Final = "oauth.consent"
_COOKIE: Final = "ostiary-consent"
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class Ticket(Struct, frozen=True):
    """What a consent form carries, sealed."""

    id: str
    asked: Asked
    issuer: str
    subject: str
    browser: str
    """Digest of the cookie."""
    until: float


def asks(setting: Setting) -> Ask:
    """Return what makes the page that asks a person."""

    def ask(request: Request, client: Client, redirect: Redirect, asked: Asked, person: Person) -> Response:
        nonce = _nonce(setting, request) or secrets.token_urlsafe(32)
        until = setting.time() + setting.lifetimes.form
        ticket = Ticket(secrets.token_hex(16), asked, person.issuer, person.subject, digest(nonce), until)
        sealed = setting.seal.close(_PURPOSE, msgspec.json.encode(ticket))
        meanings = setting.scopes()
        question = page.Question(
            client.name, _origin(client), redirect.host, asked.resource,
            {name: meanings.get(name, "") for name in asked.scopes}, person.subject, _warning(setting, client),
        )  # fmt: skip
        response = page.consent(question, addresses.DECISION, sealed, redirect.source)
        response.set_cookie(
            cookie(setting), nonce, int(setting.lifetimes.form), path="/", secure=setting.secure, httponly=True,
            samesite="lax",
        )  # fmt: skip
        return response

    return ask


def cookie(setting: Setting) -> str:
    """Return the name of the cookie: one that only this host can have set, wherever there is https."""
    return f"__Host-{_COOKIE}" if setting.secure else _COOKIE


def _nonce(setting: Setting, request: Request) -> str:
    """Return the browser's own secret; it stays the same, so that two pages side by side both work."""
    found = request.cookies.get(cookie(setting), "")
    return found if _NONCE.fullmatch(found) else ""


def _origin(client: Client) -> str:
    if client.kind == "configured":
        return "Whoever runs this gateway knows this program."
    if client.kind == "document":
        return f"The name comes from {host(client.id)}, and nobody else has confirmed it."
    return "The program gave itself this name, and nobody has confirmed it."


def _warning(setting: Setting, client: Client) -> str:
    kinds = {parsed(each, setting.private_schemes).kind for each in client.redirects}
    if "https" in kinds:
        return ""
    return (
        "The answer stays on this computer, where any program could pretend to be this one. Allow only if you have "
        "just started it yourself."
    )


def decision(setting: Setting, clients: Clients) -> Endpoint:
    """Return the endpoint that consent forms are sent to."""

    async def answer(request: Request) -> Response:
        try:
            return await _decided(setting, clients, request)
        except Denied as denied:
            setting.note("authorization_refused", noted(denied, "consent"))
            return page.refused(denied.error, denied.why, denied.status)

    return answer


async def _decided(setting: Setting, clients: Clients, request: Request) -> Response:
    _from_our_page(setting, request)
    given = await asking.form(request)
    person = await setting.signed_in(request)
    if person is None:
        raise Denied("login_required", "you are not signed in any more; go back to the program and start again", 403)
    ticket = _opened(setting, request, given.get("ticket", ""), person)
    peer = request.client.host if request.client else ""
    client = await clients(ticket.asked.client, peer)
    # Between question and answer the client may have lost this address, or the gateway this endpoint.
    redirect = redirected(setting, client, ticket.asked.redirect)
    if ticket.asked.resource not in setting.resources():
        raise _stale()
    if not await asyncio.to_thread(setting.storage.first, digest(_PURPOSE, ticket.id), ticket.until, setting.time()):
        raise _stale()
    if given.get("decision") != "allow":
        return returned(setting, ticket.asked, {"error": "access_denied"})
    await _remember(setting, client, redirect, ticket.asked, person)
    return await coded(setting, ticket.asked, person)


def _from_our_page(setting: Setting, request: Request) -> None:
    """Refuse a form that a browser says it sends for a page that is not ours."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if (origin is not None and origin != setting.issuer) or site not in {None, "same-origin"}:
        why = "this form was not sent from a page of this gateway"
        raise because(Denied("access_denied", why, 403), "consent_origin")


def _opened(setting: Setting, request: Request, sealed: str, person: Person) -> Ticket:
    try:
        ticket = msgspec.json.decode(setting.seal.open(_PURPOSE, sealed), type=Ticket)
    except ValueError as error:
        raise _stale() from error
    nonce = _nonce(setting, request)
    if not nonce or not hmac.compare_digest(digest(nonce), ticket.browser):
        why = "this form was made for another browser, or cookies are switched off"
        raise because(Denied("access_denied", why, 403), "consent_browser")
    if (ticket.issuer, ticket.subject) != (person.issuer, person.subject):
        why = "this form was made for somebody else; start again"
        raise because(Denied("access_denied", why, 403), "consent_person")
    if ticket.until <= setting.time():
        raise _stale()
    return ticket


def _stale() -> Denied:
    why = "this form is too old, or was sent before; go back to the program and start again"
    return because(Denied("access_denied", why, 403), "consent_stale")


async def _remember(setting: Setting, client: Client, redirect: Redirect, asked: Asked, person: Person) -> None:
    now, key = setting.time(), consent_key(person, client, redirect, asked.resource)
    storage = setting.storage
    before = await asyncio.to_thread(storage.consent, key, now)
    scopes = sorted({AGREED, *before, *asked.scopes})
    who, until = (person.issuer, person.subject), now + setting.lifetimes.consent
    await asyncio.to_thread(storage.keep_consent, key, who, scopes, until)

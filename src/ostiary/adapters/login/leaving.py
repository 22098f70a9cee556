"""Signing out: here, at the provider too (RP-Initiated Logout 1.0), or told by it (Back-Channel Logout 1.0)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ostiary.adapters.login import looks, relying
from ostiary.adapters.login.forgery import FIELD, form, proof, unforged
from ostiary.adapters.login.logouts import claimed_issuer, farewell
from ostiary.adapters.login.ports import Provider
from ostiary.adapters.login.sessions import Person
from ostiary.adapters.login.setting import Setting, signed_in
from ostiary.core.errors import Busy, GatewayError, Refusal, Unauthenticated, UpstreamFailure

log: Final = structlog.get_logger(__name__)
Page = Callable[[Request], Awaitable[Response]]
_NO_STORE: Final = {"cache-control": "no-store"}


def asked(setting: Setting) -> Page:
    """Return the page that asks: a GET changes nothing, for any page of anybody's can make a browser send one."""

    async def asked(request: Request) -> Response:
        person = await signed_in(request, setting)
        if person is None:
            return _gone()
        buttons = [looks.button("Sign out")]
        provider = setting.providers.get(person.provider)
        if provider is not None:
            title = provider.title or provider.name
            buttons.append(looks.button(f"Sign out of {title} too", "everywhere", "yes", quiet=True))
        who = looks.said(f"You are signed in as {person.subject}.")
        return looks.page("Sign out?", who, looks.form("/logout", {FIELD: proof(setting, person)}, *buttons))

    return asked


def left(setting: Setting) -> Page:
    """Return the end of a session, and the way to the provider where that was asked for."""

    async def left(request: Request) -> Response:
        person = await signed_in(request, setting)
        if person is None:
            return _gone()
        fields = await unforged(request, person, setting)
        onward = await _onward(setting, person) if fields.get("everywhere") else ""
        await setting.sessions.end(person)
        setting.note("logout", {"subject": person.subject, "issuer": person.issuer})
        response = _gone(onward)
        jar = setting.jar
        response.headers.append("set-cookie", f"{jar.session}={jar.attributes}; Max-Age=0")
        return response

    return left


async def _onward(setting: Setting, person: Person) -> str:
    """Return where the provider's session ends; nowhere, where that cannot be known: ours ends all the same."""
    provider = setting.providers.get(person.provider)
    if provider is None:
        return ""
    try:
        to = relying.endpoints(await provider.metadata())
        hint = setting.seal.open("hint", await setting.sessions.hint(person)).decode()
    except (UpstreamFailure, Busy, ValueError):
        return ""
    return relying.goodbye(to, provider, hint, setting.farewell)


def _gone(onward: str = "") -> Response:
    if not onward:
        return looks.page("You are signed out", looks.link("Sign in", "/login"))
    # Not a redirect: `form-action 'self'` holds for where a form's answer leads to, too (CSP level 3 section 6.4.1).
    parts = (looks.said("One step more, at your identity provider."), looks.link("Go on", onward))
    return looks.page("You are signed out here", *parts, headers={"refresh": f"0; url={onward}"})


async def done(_: Request) -> Response:
    """Return the page that a provider sends people back to."""
    return _gone()


def backchannel(setting: Setting) -> Page:
    """Return the address at which providers say that a session of theirs is over."""

    async def backchannel(request: Request) -> Response:
        try:
            ended = await _told(setting, (await form(request)).get("logout_token", ""))
        except Refusal as error:
            log.warning("a back-channel logout was refused", code=error.code, reason=error.detail.partition(":")[0])
            # Section 2.8. What exactly is wrong with a token is for the log, not for its maker.
            return JSONResponse({"error": "invalid_request"}, 400, _NO_STORE)
        except GatewayError as error:
            log.warning("a back-channel logout could not be verified", code=error.code)
            return JSONResponse({"error": "temporarily_unavailable"}, 503, _NO_STORE | {"retry-after": "5"})
        setting.note("logout_backchannel", {"sessions": ended})
        return Response(b"", 200, _NO_STORE)

    return backchannel


async def _told(setting: Setting, token: str) -> int:
    provider = _of(setting, claimed_issuer(token))
    ending = farewell(await provider.signed(token), provider, setting.time())
    if not await setting.sessions.once(f"logout {provider.issuer}", ending.jti, ending.until):
        raise Unauthenticated("logout_token_replayed: it was used before")
    return await setting.sessions.end_all(provider.issuer, ending.sid, ending.subject)


def _of(setting: Setting, issuer: str) -> Provider:
    for provider in setting.providers.values():
        if provider.issuer == issuer:
            return provider
    raise Unauthenticated("logout_token_issuer: of no provider at which people sign in")

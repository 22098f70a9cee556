"""The pages of people's login: `/login`, the way back from the provider, and what goes wrong there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ostiary.adapters.login import bootstrap, leaving, looks, relying
from ostiary.adapters.login.ports import Provider
from ostiary.adapters.login.relying import AGAIN, Attempt, Proven, failed
from ostiary.adapters.login.sessions import fresh
from ostiary.adapters.login.setting import Jar, Setting, cookie, own_path, signed_in
from ostiary.core.errors import Busy, GatewayError, Unauthenticated, UpstreamFailure
from ostiary.core.model import Caller
from ostiary.policy.claims import caller

Page = Callable[[Request], Awaitable[Response]]
_PURPOSE: Final = "login"

OPEN: Final = frozenset(
    {
        ("GET", "/login"), ("GET", "/login/callback"), ("GET", looks.STYLE), ("GET", "/logout"), ("POST", "/logout"),
        ("GET", "/logout/done"), ("POST", "/logout/backchannel"),
    }
)  # fmt: skip
"""What answers without a bearer token: these look for a cookie, a sealed attempt or a signed token themselves."""
OPEN_UNDER: Final = bootstrap.PLACE
"""And whatever begins with this, by GET and by POST."""


def routes(setting: Setting) -> list[Route]:
    """Return the addresses of people's login."""
    pages: list[tuple[str, str, Page]] = [
        ("GET", "/login", _login(setting)),
        ("GET", "/login/callback", _callback(setting)),
        ("GET", looks.STYLE, _style),
        ("GET", "/logout", leaving.asked(setting)),
        ("POST", "/logout", leaving.left(setting)),
        ("GET", "/logout/done", leaving.done),
        ("POST", "/logout/backchannel", leaving.backchannel(setting)),
        ("GET", bootstrap.PLACE + "{token}", bootstrap.asked),
        ("POST", bootstrap.PLACE + "{token}", bootstrap.taken(setting, entered)),
    ]
    return [Route(path, _told(page, setting), methods=[verb]) for verb, path, page in pages]


def _told(page: Page, setting: Setting) -> Page:
    """Answer a failure with a page: these are read by people."""

    @wraps(page)
    async def told(request: Request) -> Response:
        try:
            return await page(request)
        except GatewayError as error:
            code = error.detail.partition(":")[0]
            setting.note("login_refused", {"code": error.code, "reason": code if code.isidentifier() else ""})
            return sorry(error)

    return told


def sorry(error: GatewayError) -> Response:
    """Return the page about a failure. Nothing on it was written by anybody else."""
    again = looks.link("Sign in", "/login")
    match error:
        case Unauthenticated():
            # Not 401: that wants a challenge, and this is a page.
            return looks.page("Signing in did not work", looks.said(_sentence(error.hint)), again, status=403)
        case UpstreamFailure():
            why = "The identity provider did not answer as it must. Try again, or ask whoever runs this gateway."
            return looks.page("The identity provider is not usable", looks.said(why), again, status=502)
        case Busy():
            wait = {"retry-after": str(max(1, round(error.retry_after or 1.0)))}
            return looks.page("Busy", looks.said("Try again in a moment."), again, status=503, headers=wait)
        case _:
            return looks.page(error.public, looks.said(_sentence(error.hint)), again, status=error.status)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else "Ask whoever runs this gateway; its log says more."


async def _style(_: Request) -> Response:
    return looks.sheet()


def _login(setting: Setting) -> Page:
    async def login(request: Request) -> Response:
        back = own_path(request.query_params.get("return_to"), setting.home)
        if await signed_in(request, setting) is not None:
            return looks.onward(back)
        name = request.query_params.get("with", "")
        providers = setting.providers
        provider = next(iter(providers.values())) if len(providers) == 1 else providers.get(name)
        return await _away(setting, provider, back) if provider else _choice(setting, back)

    return login


def _choice(setting: Setting, back: str) -> Response:
    if not setting.providers:
        why = "No identity provider is set up for people. Give one under identity: a client, and start again."
        return looks.page("Nobody can sign in yet", looks.said(why), status=404)
    links = [
        looks.link(each.title or each.name, relying.with_query("/login", {"with": each.name, "return_to": back}))
        for each in setting.providers.values()
    ]
    return looks.page("Sign in", looks.said("Choose where you have an account."), *links)


async def _away(setting: Setting, provider: Provider, back: str) -> Response:
    to = relying.endpoints(await provider.metadata())
    until = setting.time() + relying.LIFETIME
    attempt = Attempt(provider.name, fresh(), fresh(), fresh(), back, until)
    response = looks.onward(relying.away(provider, attempt, to, setting.callback))
    sealed = setting.seal.close(_PURPOSE, msgspec.json.encode(attempt))
    _set(response, setting.jar.login, sealed, setting.jar, f"; Max-Age={relying.LIFETIME:.0f}")
    return response


def _callback(setting: Setting) -> Page:
    async def callback(request: Request) -> Response:
        arrived = relying.single(request.query_params.multi_items())
        attempt = _attempt(request, setting)
        relying.recognised(arrived, attempt, setting.time())
        if not await setting.sessions.once("state", attempt.state, attempt.until):
            raise failed("login_replayed", f"this sign-in was finished before; {AGAIN}")
        provider = setting.providers.get(attempt.provider)
        if provider is None:
            raise failed("login_provider_gone", f"the identity provider is no longer configured; {AGAIN}")
        proven = await relying.finished(provider, arrived, attempt, setting.callback)
        who = _who(proven, provider, setting.time())
        hint = setting.seal.close("hint", proven.token.encode())
        response = await entered(request, setting, who, attempt.back, (provider.name, proven.sid, hint))
        _clear(response, setting.jar.login, setting.jar)
        return response

    return callback


def _who(proven: Proven, provider: Provider, now: float) -> Caller:
    try:
        return caller(proven.claims, provider.reading, f"login:{provider.name}", now)
    except Unauthenticated as error:
        raise failed("login_nobody", "the identity provider's token does not say who you are") from error


def _attempt(request: Request, setting: Setting) -> Attempt:
    try:
        opened = setting.seal.open(_PURPOSE, cookie(request, setting.jar.login))
        return msgspec.json.decode(opened, type=Attempt)
    except (ValueError, msgspec.MsgspecError) as error:
        raise failed("login_no_attempt", f"no sign-in was begun in this browser; {AGAIN}") from error


async def entered(
    request: Request, setting: Setting, who: Caller, back: str, by: tuple[str, str, str] = ("", "", "")
) -> Response:
    """Return the way into a new session; the one before it in this browser, whoever's it was, is over."""
    old = await signed_in(request, setting)
    if old is not None:
        await setting.sessions.end(old)
    ident = await setting.sessions.open(who, *by)
    response = looks.onward(back)
    _set(response, setting.jar.session, ident, setting.jar)
    setting.note("login", {"subject": who.subject, "issuer": who.issuer, "identity": by[0], "proof": who.proof})
    return response


def _set(response: Response, name: str, value: str, jar: Jar, more: str = "") -> None:
    response.headers.append("set-cookie", f"{name}={value}{jar.attributes}{more}")


def _clear(response: Response, name: str, jar: Jar) -> None:
    _set(response, name, "", jar, "; Max-Age=0")

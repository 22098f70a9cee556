"""The first administrator: a link that is printed where only the machine's owner looks, good once, for half an hour."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from ostiary.adapters.login import looks
from ostiary.adapters.login.forgery import from_our_pages
from ostiary.adapters.login.relying import failed
from ostiary.adapters.login.sessions import fresh
from ostiary.adapters.login.setting import Setting
from ostiary.core.model import Caller

PLACE: Final = "/bootstrap/"
LIFETIME: Final = 30 * 60.0
ISSUER: Final = "ostiary-bootstrap"
"""Not that of tokens made by an operator, who could give one of them this subject."""
SUBJECT: Final = "bootstrap"
ADMIN: Final = "admin"


class Enter(Protocol):
    """Opens a session."""

    async def __call__(self, request: Request, setting: Setting, who: Caller, back: str, /) -> Response:
        """Return the way into it."""


async def link(setting: Setting) -> str:
    """Make a new bootstrap link, and every earlier one worthless. It is shown on the terminal, and nowhere else."""
    token = fresh()
    await setting.sessions.offer(token, setting.time() + LIFETIME)
    return f"{setting.url}{PLACE}{token}"


async def asked(request: Request) -> Response:
    """Return the page behind the link. It uses nothing up: what previews links, or loads them ahead, ends here."""
    who = looks.said("This link makes you this gateway's administrator until you sign out. It works once.")
    return looks.page(
        "Become administrator?",
        who,
        looks.form(PLACE + quote(request.path_params["token"], safe=""), {}, looks.button("Go on")),
    )


def taken(setting: Setting, enter: Enter) -> Callable[[Request], Awaitable[Response]]:
    """Return the use of the link."""

    async def taken(request: Request) -> Response:
        from_our_pages(request, setting)
        if not await setting.sessions.take(request.path_params["token"]):
            why = "this link is unknown, used or too old; the gateway prints a new one when it starts without an admin"
            raise failed("bootstrap_link", why)
        now = setting.time()
        tags = frozenset({"*", f"subject:{SUBJECT}", f"role:{ADMIN}"})
        who = Caller(SUBJECT, ISSUER, "", "bootstrap", now, frozenset({ADMIN}), tags=tags)
        return await enter(request, setting, who, setting.home)

    return taken

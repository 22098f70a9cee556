"""`/console/`: who one is here, what one may do, and which programs one let act in one's name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ostiary.adapters.login import looks
from ostiary.adapters.login.forgery import FIELD, proof, unforged
from ostiary.adapters.login.sessions import Person
from ostiary.adapters.login.setting import Setting, login_url, signed_in
from ostiary.adapters.oauth.storing import Client, Grant
from ostiary.adapters.store.oauth import OAuth
from ostiary.core.errors import Forbidden, GatewayError, Unauthenticated
from ostiary.core.model import Json
from ostiary.policy.permissions import permission, permitted
from ostiary.policy.quarantine import Quarantine

HOME: Final = "/console/"
REVOKE: Final = "/console/revoke"
OPEN: Final = frozenset({("GET", HOME), ("POST", REVOKE)})
"""What answers without a bearer token: the login's cookie says who it is."""

End = Callable[[str], Awaitable[None]]
Known = Callable[[], Mapping[str, Client]]
Standing = Callable[[], tuple[Quarantine, ...]]
QUARANTINE: Final = permission("gateway:people:quarantine")
Page = Callable[[Request], Awaitable[Response]]


def routes(setting: Setting, storage: OAuth, known: Known, end: End, standing: Standing = tuple) -> list[Route]:
    """Return the console's addresses; `end` ends a grant and every token, `known` is who needed not register.

    `standing` is what is quarantined: it is shown to those who may quarantine people.
    """
    return [
        Route(HOME, _home(setting, storage, known, standing), methods=["GET"]),
        Route(REVOKE, _revoke(setting, storage, end), methods=["POST"]),
    ]


def _home(setting: Setting, storage: OAuth, known: Known, standing: Standing) -> Page:
    async def home(request: Request) -> Response:
        person = await signed_in(request, setting)
        if person is None:
            return looks.onward(login_url(HOME))
        held = await asyncio.to_thread(storage.grants, person.issuer, person.subject, setting.time())
        named = [(each, await asyncio.to_thread(_name, storage, known(), str(each["client"]))) for each in held]
        mark = proof(setting, person)
        return looks.page(
            person.subject,
            *_who(person),
            *_shut(person, standing()),
            looks.said("Programs that act in your name:" if named else "No program acts in your name."),
            *(_program(grant, name, mark) for grant, name in named),
            looks.link("Sign out", "/logout", quiet=True),
        )

    return home


def _who(person: Person) -> list[str]:
    came = f"Signed in by {person.provider}" if person.provider else "Signed in by the link on the terminal"
    said = {"Roles": person.roles, "Teams": person.teams}
    return [
        looks.said(f"{came}, until {_when(person.ends)} at the latest."),
        *(looks.said(f"{name}: {', '.join(sorted(values)) or 'none'}.") for name, values in said.items()),
    ]


def _shut(person: Person, standing: tuple[Quarantine, ...]) -> list[str]:
    """Return what is quarantined, for those who may do that: it names people."""
    if not permitted(person.roles, QUARANTINE):
        return []
    said = (
        f"Quarantined: {each.kind} {each.what}, since {_when(each.since)}"
        f"{f', until {_when(each.expires)}' if each.expires is not None else ''}: {each.reason}."
        for each in standing
    )
    return [looks.said(each) for each in said] or [looks.said("Nothing is quarantined.")]


def _program(kept: Json, name: str, mark: str) -> str:
    grant = msgspec.convert({key: value for key, value in kept.items() if key != "created"}, Grant)
    scopes = ", ".join(grant.scopes) or "no scopes"
    text = f"{name}: {grant.resource} ({scopes}), since {_when(float(kept['created']))}, until {_when(grant.until)}."
    button = looks.button("Revoke", "grant", grant.id, quiet=True)
    return looks.said(text) + looks.form(REVOKE, {FIELD: mark}, button)


def _name(storage: OAuth, known: Mapping[str, Client], ident: str) -> str:
    """Return what a program calls itself, and its id, which is what it is known by."""
    found = known.get(ident) or storage.client(ident)
    name = msgspec.convert(found, Client).name if found is not None else ""
    return f"{name} ({ident})" if name and name != ident else ident


def _when(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _revoke(setting: Setting, storage: OAuth, end: End) -> Page:
    async def revoke(request: Request) -> Response:
        try:
            await _revoked(request, setting, storage, end)
        except GatewayError as error:
            again = looks.link("Back", HOME)
            return looks.page(
                error.public, looks.said(error.hint or "Nothing was changed."), again, status=error.status
            )
        return looks.onward(HOME)

    return revoke


async def _revoked(request: Request, setting: Setting, storage: OAuth, end: End) -> None:
    person = await signed_in(request, setting)
    if person is None:
        raise Unauthenticated("no_session: nobody is signed in", hint="you are not signed in any more")
    grant = (await unforged(request, person, setting)).get("grant", "")
    held = await asyncio.to_thread(storage.grants, person.issuer, person.subject, setting.time())
    if grant not in {each["id"] for each in held}:
        raise Forbidden("grant_of_another: not this person's", hint="this is no program of yours, or it has ended")
    await end(grant)
    setting.note("grant_revoked", {"grant": grant, "subject": person.subject, "issuer": person.issuer})

"""A server behind a URL: its address, its headers, and the credential that either of them carried. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from ostiary.config.foreign import references
from ostiary.config.foreign.addresses import Address, address
from ostiary.config.foreign.clerk import Clerk, Place
from ostiary.config.foreign.drafts import Draft
from ostiary.config.foreign.model import Server
from ostiary.config.problems import Unfit
from ostiary.config.values import header_name

_BEARER: Final = re.compile(r"\s*bearer\s+(\S.*?)\s*", re.IGNORECASE | re.DOTALL)
_PLAIN_USER: Final = re.compile(r"[A-Za-z][A-Za-z._@-]{0,63}")


def remote(clerk: Clerk, one: Draft, start: Server) -> Server | None:
    """Return the server behind the draft's URL, or None, with a note, if the gateway could not open it."""
    if one.sse:
        clerk.note(
            start.name,
            "changed",
            "it speaks the transport of 2024-11-05 (`sse:`): prefer its Streamable HTTP address as `url:`",
        )
    made = replace(start, headers=_headers(clerk, one, start.name), credential=_authorization(clerk, one, start.name))
    place = Place(start.name, "url", None, references.variable_name(f"{start.name}_url"))
    if references.embedded(one.url):
        return _addressed(made, one, clerk.written(place, one.url))
    found = address(one.url)
    if found is None:
        clerk.note(start.name, "dropped", f"left out: its URL is not an http or https address ({one.at})")
        return None
    if found.userinfo:
        made = replace(made, credential=_basic(clerk, made, one.url, found.userinfo))
    return _private(clerk, _addressed(made, one, _url(clerk, place, found)), found)


def _addressed(made: Server, one: Draft, url: str) -> Server:
    return replace(made, sse=url) if one.sse else replace(made, url=url)


def _url(clerk: Clerk, place: Place, found: Address) -> str:
    if found.secret or clerk.betrays(found.url):
        return clerk.secret(place, found.url, found.secret or "it holds a secret found elsewhere")
    return found.url


def _private(clerk: Clerk, made: Server, found: Address) -> Server:
    if found.remark:
        clerk.note(made.name, "changed", found.remark)
    if found.allow_private:
        nets = ", ".join(found.allow_private)
        clerk.note(
            made.name,
            "added",
            f"its address is private: `allow_private: [{nets}]` was added; remove it if that is a surprise",
        )
    return replace(made, allow_private=found.allow_private)


def _basic(clerk: Clerk, made: Server, url: str, userinfo: tuple[str, str]) -> dict[str, str]:
    """User information in a URL is Basic authentication (RFC 7617) by another name."""
    user, password = userinfo
    if made.credential:
        clerk.note(
            made.name, "dropped", "the credentials inside its URL were left out: it has an Authorization header as well"
        )
        return dict(made.credential)
    if password and _PLAIN_USER.fullmatch(user) and not clerk.why(None, user):
        place = Place(
            made.name, "the password in its url", "password", references.variable_name(f"{made.name}_password")
        )
        return {"kind": "basic", "user": user, "password": clerk.reference(place, password)}
    place = Place(
        made.name, "the part of its url before the @", None, references.variable_name(f"{made.name}_authorization")
    )
    value = clerk.secret(place, url, "it holds credentials inside a URL")
    clerk.note(
        made.name, "changed", f"{value[4:]} is a whole header: the word 'Basic', a space, and base64 of user:password"
    )
    return {"kind": "header", "name": "Authorization", "value": value}


def _authorization(clerk: Clerk, one: Draft, server: str) -> dict[str, str]:
    value = next((value for name, value in one.headers.items() if name.lower() == "authorization"), "").strip()
    if not value:
        return {}
    if bearer := _BEARER.fullmatch(value):
        place = Place(
            server, "the token in headers.Authorization", "token", references.variable_name(f"{server}_token")
        )
        return {"kind": "bearer", "token": clerk.reference(place, bearer[1])}
    place = Place(server, "headers.Authorization", "authorization", references.variable_name(f"{server}_authorization"))
    return {"kind": "header", "name": "Authorization", "value": clerk.reference(place, value)}


def _headers(clerk: Clerk, one: Draft, server: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in one.headers.items():
        if name.lower() == "authorization":
            continue
        if clerk.betrays(name):
            clerk.note(server, "dropped", "a header whose name holds a secret was left out")
        elif refused := _refused(name):
            clerk.note(server, "dropped", f"headers.{name} was left out: {refused}")
        else:
            place = Place(server, f"headers.{name}", name, references.variable_name(f"{server}_{name}"))
            found[name] = clerk.written(place, value)
    return found


def _refused(name: str) -> str:
    try:
        header_name(name)
    except Unfit as error:
        return error.message
    return ""

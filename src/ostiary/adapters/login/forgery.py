"""Forms and other unsafe requests: from our own pages, by the person who is signed in, or not at all.

Three things must hold, each of which would be enough against most attacks: the browser says that the request comes
from our own pages, the cookie is `SameSite`, and the request brings a proof that only this session's pages were given.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from ostiary.adapters.login.sessions import Person
from ostiary.adapters.login.setting import Setting
from ostiary.core.errors import Forbidden, Malformed, TooLarge, WrongMedia, WrongOrigin

FIELD: Final = "csrf"
HEADER: Final = "x-csrf-token"
MOST: Final = 64 * 1024
_FIELDS: Final = 64
_FORM: Final = "application/x-www-form-urlencoded"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def proof(setting: Setting, person: Person) -> str:
    """Return what this session's pages bring back.

    It follows from the session and from a key of ours: a planted cookie makes no proof, unlike a doubled one.
    """
    return hmac.digest(setting.key, f"csrf\0{person.session}".encode(), hashlib.sha256).hex()


def from_our_pages(request: Request, setting: Setting) -> None:
    """Refuse an unsafe request that does not come from a page of ours, or of which nobody can tell."""
    origins, sites = (request.headers.getlist(name) for name in ("origin", "sec-fetch-site"))
    # Every browser since 2020 sends Origin with a POST. What sends none is no browser, or hides where it comes from.
    if origins != [setting.origin] or sites not in ([], ["same-origin"]):
        raise WrongOrigin("csrf_origin: not from a page of ours", hint="this must be sent from a page of this gateway")


async def unforged(request: Request, person: Person, setting: Setting) -> dict[str, str]:
    """Return the fields of an unsafe request's form (none of another body), or raise where it may be forged."""
    from_our_pages(request, setting)
    sent = request.headers.get(HEADER)
    found = await form(request) if sent is None else {}
    if not hmac.compare_digest((sent or found.pop(FIELD, "")).encode(), proof(setting, person).encode()):
        raise Forbidden("csrf_token: wrong or missing", hint="the page is out of date; load it again")
    return found


async def form(request: Request) -> dict[str, str]:
    """Return the fields of a form, which is bounded and has each name once."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise WrongMedia(hint=f"send {_FORM}")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST:
            raise TooLarge(hint=f"a form has at most {MOST} bytes")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_FIELDS, errors="strict")
    except ValueError as error:
        raise Malformed("form: not readable", hint="the form is malformed") from error
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("form: a field is there twice", hint="the form is malformed")
    return found

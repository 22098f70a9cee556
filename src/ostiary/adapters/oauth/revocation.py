"""Tokens that are given up (RFC 7009), and what the resource server must know about those that were."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ostiary.adapters.oauth import asking, grants
from ostiary.adapters.oauth.authentication import authenticated
from ostiary.adapters.oauth.clients import Clients
from ostiary.adapters.oauth.failures import NO_STORE, Denied, told
from ostiary.adapters.oauth.issuing import GRANT_CLAIM, opened
from ostiary.adapters.oauth.metadata import Endpoint
from ostiary.adapters.oauth.reasons import noted
from ostiary.adapters.oauth.setting import Setting
from ostiary.adapters.oauth.storing import Client, Grant
from ostiary.adapters.oauth.token import unavailable
from ostiary.core.errors import GatewayError
from ostiary.core.model import Json

_MARGIN: Final = 60.0


def revoke(setting: Setting, clients: Clients) -> Endpoint:
    """Return the endpoint where clients give tokens up."""

    async def answer(request: Request) -> Response:
        try:
            given = await asking.form(request)
            client = await authenticated(setting, clients, request, given)
            await _revoked(setting, client, given.get("token", ""))
        except Denied as denied:
            setting.note("revocation_refused", noted(denied, "revoke"))
            return told(denied)
        except GatewayError as error:
            return told(unavailable(error))
        # RFC 7009 section 2.2: the same for a token that was none, for that is what the client wanted.
        return Response(b"", 200, NO_STORE)

    return answer


async def _revoked(setting: Setting, client: Client, token: str) -> None:
    if not token:
        raise Denied("invalid_request", "token is missing")
    try:
        held = opened(setting, token)
    except Denied:
        await _access_revoked(setting, client, token)
        return
    found = await asyncio.to_thread(setting.storage.grant, held.grant, setting.time())
    if found is not None and msgspec.convert(found, Grant).client == client.id:
        await grants.revoke(setting, held.grant)


async def _access_revoked(setting: Setting, client: Client, token: str) -> None:
    claims = setting.keys.read(token)
    if claims is None or claims.get("client_id") != client.id:
        return
    mark, expires = str(claims["jti"]), float(claims["exp"])
    if expires > setting.time() - _MARGIN:
        await asyncio.to_thread(setting.storage.withdraw, mark, expires + _MARGIN)
        setting.revoked()


class Withdrawn:
    """The access tokens that are refused before they expire: asked in memory, read again when something changed."""

    def __init__(self, read: Callable[[], frozenset[str]]) -> None:
        """`read` returns all marks from disk. It blocks."""
        self._read = read
        self._marks = read()

    def reload(self) -> bool:
        """Read what any worker revoked; say whether that is something new."""
        before, self._marks = self._marks, self._read()
        return not self._marks <= before

    def __call__(self, claims: Json) -> bool:
        """Say whether a token of ours with these claims is refused."""
        return claims.get("jti") in self._marks or claims.get(GRANT_CLAIM) in self._marks

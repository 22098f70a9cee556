"""What each grant type takes, and what it gives. Whatever is wrong with what was brought, the answer is the same."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
from typing import Final

import msgspec
from starlette.responses import Response

from ostiary.adapters.oauth.assertions import ID_JAG, for_us, timely
from ostiary.adapters.oauth.authorize import scoped, targeted
from ostiary.adapters.oauth.failures import Denied
from ostiary.adapters.oauth.issuing import Access, Refresh, answer, bad_grant, opened, refresh_token
from ostiary.adapters.oauth.setting import Assertion, Setting
from ostiary.adapters.oauth.storing import Client, Code, Grant, Subject, digest
from ostiary.core.errors import Refusal
from ostiary.core.model import Json

_VERIFIER: Final = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_MARGIN: Final = 60.0
_ASSERTED: Final = 3600.0
"""Seconds that an ID-JAG may be good for."""


async def by_code(setting: Setting, client: Client, given: dict[str, str], key: str) -> Response:
    """Give tokens for an authorization code, once; a second time ends what the first one began."""
    mark, now = digest(given.get("code", "")), setting.time()
    found = await asyncio.to_thread(setting.storage.code, mark)
    if found is None:
        raise bad_grant()
    code = msgspec.convert(found, Code)
    if not _theirs(code, client, given, key):
        # Whoever holds a code and cannot redeem it has found it somewhere; so may somebody who can.
        await asyncio.to_thread(setting.storage.spoil, mark, now)
        raise bad_grant()
    _same_resource(given, code.grant.resource)
    grant = code.grant
    refresh = refresh_token(setting, grant.id, _bound(client, key)) if "refresh_token" in client.grants else ""
    kept, idle = digest(refresh) if refresh else "", now + setting.lifetimes.idle
    if not await asyncio.to_thread(setting.storage.redeem, mark, kept, now, idle):
        await revoke(setting, grant.id)
        raise bad_grant()
    return answer(setting, Access(grant.subject, client.id, grant.resource, grant.scopes, grant.id, key), refresh)


def _theirs(code: Code, client: Client, given: dict[str, str], key: str) -> bool:
    verifier = given.get("code_verifier", "")
    return (
        code.grant.client == client.id
        and given.get("redirect_uri", "") == code.redirect
        and _VERIFIER.fullmatch(verifier) is not None
        and hmac.compare_digest(challenge(verifier), code.challenge)
        and code.key in {"", key}
    )


def challenge(verifier: str) -> str:
    """Return the challenge of a verifier (RFC 7636 section 4.2, S256)."""
    hashed = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()


def _same_resource(given: dict[str, str], resource: str) -> None:
    if given.get("resource", resource) != resource:
        raise Denied("invalid_target", "resource is not the one that the person allowed")


def _bound(client: Client, key: str) -> str:
    # RFC 9449 section 5: a client that authenticates binds its refresh tokens by that already.
    return key if client.method == "none" else ""


async def by_refresh(setting: Setting, client: Client, given: dict[str, str], key: str) -> Response:
    """Give new tokens for a refresh token, once; a second time ends the grant, for one of two holders has stolen it."""
    token = given.get("refresh_token", "")
    held, now = opened(setting, token), setting.time()
    grant = await _standing(setting, client, held, key)
    _same_resource(given, grant.resource)
    scopes = _narrowed(given.get("scope", ""), grant.scopes)
    targeted(setting, grant.resource)
    # Asked before anything is replaced: a provider that is away must not cost the client its token.
    subject = await _present(setting, grant)
    fresh, idle = refresh_token(setting, grant.id, held.key), now + setting.lifetimes.idle
    old = digest(token)
    if not await asyncio.to_thread(setting.storage.rotate, grant.id, old, digest(fresh), now, idle):
        if not await asyncio.to_thread(setting.storage.expired, grant.id, old, now):
            await revoke(setting, grant.id)
        raise bad_grant()
    return answer(setting, Access(subject, client.id, grant.resource, scopes, grant.id, key), fresh)


async def _standing(setting: Setting, client: Client, held: Refresh, key: str) -> Grant:
    found = await asyncio.to_thread(setting.storage.grant, held.grant, setting.time())
    if found is None:
        raise bad_grant()
    grant = msgspec.convert(found, Grant)
    if grant.client != client.id or (held.key and held.key != key):
        raise bad_grant()
    return grant


async def _present(setting: Setting, grant: Grant) -> Subject:
    if setting.standing is None:
        return grant.subject
    found = await setting.standing(grant.subject)
    if found is None:
        await revoke(setting, grant.id)
        raise bad_grant()
    return found


def _narrowed(asked: str, granted: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scopes of a refreshed token: as granted, or fewer (RFC 6749 section 6)."""
    if not asked:
        return granted
    return scoped(asked, granted, granted)


async def by_credentials(setting: Setting, client: Client, given: dict[str, str], key: str) -> Response:
    """Give an access token to a service account; there is no refresh token, for it can always come back."""
    resource = targeted(setting, given.get("resource", "") or setting.default_resource)
    scopes = scoped(given.get("scope", ""), client.scopes, client.scopes)
    subject = Subject(client.id, setting.issuer, client.roles, client.teams)
    return answer(setting, Access(subject, client.id, resource, scopes, "", key))


async def by_assertion(setting: Setting, client: Client, given: dict[str, str], key: str) -> Response:
    """Give an access token for an identity assertion of the company's provider (ID-JAG)."""
    found = await _asserted(setting, client, given.get("assertion", ""))
    resource = targeted(setting, _intended(found.claims, given.get("resource", "")) or setting.default_resource)
    said = found.claims.get("scope")
    most = tuple(each for each in setting.scopes() if not isinstance(said, str) or each in said.split(" "))
    scopes = scoped(given.get("scope", ""), most, most if isinstance(said, str) else setting.minimum())
    # Last of all, so that a mistake in the request does not use the assertion up.
    until, jti = timely(found.claims, setting.time(), _ASSERTED)
    once = digest("id-jag", str(found.claims.get("iss")), jti)
    if not await asyncio.to_thread(setting.storage.first, once, until, setting.time()):
        raise bad_grant()
    return answer(setting, Access(found.subject, client.id, resource, scopes, "", key))


async def _asserted(setting: Setting, client: Client, assertion: str) -> Assertion:
    if setting.assertion is None or not assertion:
        raise bad_grant()
    try:
        found = await setting.assertion(assertion)
    except Refusal as error:
        raise bad_grant() from error
    kind = str(found.header.get("typ", "")).lower().removeprefix("application/")
    # Its audience is us by our one name; for whom it was made is the client that brings it.
    if kind != ID_JAG or not for_us(found.claims, {setting.issuer}) or found.claims.get("client_id") != client.id:
        raise bad_grant()
    return found


def _intended(claims: Json, asked: str) -> str:
    """Return the resource that an assertion is for; raise `Denied` where another one is asked for."""
    said = claims.get("resource")
    if said is None:
        return asked
    named = [said] if isinstance(said, str) else said
    if not isinstance(named, list) or (asked and asked not in named) or (not asked and len(named) != 1):
        raise Denied("invalid_target", "the assertion is for another resource")
    return asked or str(named[0])


async def revoke(setting: Setting, grant: str) -> None:
    """End a grant and every token that came of it."""
    now = setting.time()
    until = now + setting.lifetimes.access + _MARGIN
    if await asyncio.to_thread(setting.storage.revoke, grant, now, until):
        setting.revoked()

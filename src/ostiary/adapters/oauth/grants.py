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

from ostiary.adapters.oauth.assertions import ID_JAG, actors, for_us, timely
from ostiary.adapters.oauth.authorize import scoped, targeted
from ostiary.adapters.oauth.failures import Denied
from ostiary.adapters.oauth.issuing import Access, Refresh, answer, bad_grant, opened, refresh_token
from ostiary.adapters.oauth.reasons import because
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
        raise bad_grant("code_unknown")
    code = msgspec.convert(found, Code)
    amiss = _amiss(code, client, given, key)
    if amiss:
        # Whoever holds a code and cannot redeem it has found it somewhere; so may somebody who can.
        await asyncio.to_thread(setting.storage.spoil, mark, now)
        raise bad_grant(amiss, code.grant)
    _same_resource(given, code.grant.resource)
    grant = code.grant
    refresh = refresh_token(setting, grant.id, _bound(client, key)) if "refresh_token" in client.grants else ""
    kept, idle = digest(refresh) if refresh else "", now + setting.lifetimes.idle
    if not await asyncio.to_thread(setting.storage.redeem, mark, kept, now, idle):
        # Of a code that was only too old, nothing had begun.
        raise bad_grant("code_reused" if await revoke(setting, grant.id) else "code_over", grant)
    return answer(setting, Access(grant.subject, client.id, grant.resource, grant.scopes, grant.id, key), refresh)


def _amiss(code: Code, client: Client, given: dict[str, str], key: str) -> str:
    """Return the reason why a code is not redeemed by this request; nothing, where it fits."""
    verifier = given.get("code_verifier", "")
    if code.grant.client != client.id:
        return "code_wrong_client"
    if given.get("redirect_uri", "") != code.redirect:
        return "code_wrong_redirect"
    if not _VERIFIER.fullmatch(verifier) or not hmac.compare_digest(challenge(verifier), code.challenge):
        return "code_wrong_verifier"
    return "" if code.key in {"", key} else "code_wrong_key"


def challenge(verifier: str) -> str:
    """Return the challenge of a verifier (RFC 7636 section 4.2, S256)."""
    hashed = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()


def _same_resource(given: dict[str, str], resource: str) -> None:
    if given.get("resource", resource) != resource:
        raise because(Denied("invalid_target", "resource is not the one that the person allowed"), "resource_changed")


def _bound(client: Client, key: str) -> str:
    # RFC 9449 section 5: a client that authenticates binds its refresh tokens by that already. One that does not is
    # bound from its first proof on, whether that comes with a code or with a refresh token.
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
    fresh, idle = refresh_token(setting, grant.id, held.key or _bound(client, key)), now + setting.lifetimes.idle
    old = digest(token)
    if not await asyncio.to_thread(setting.storage.rotate, grant.id, old, digest(fresh), now, idle):
        if await asyncio.to_thread(setting.storage.expired, grant.id, old, now):
            raise bad_grant("refresh_expired", grant)
        await revoke(setting, grant.id)
        raise bad_grant("refresh_reused", grant)
    return answer(setting, Access(subject, client.id, grant.resource, scopes, grant.id, key), fresh)


async def _standing(setting: Setting, client: Client, held: Refresh, key: str) -> Grant:
    found = await asyncio.to_thread(setting.storage.grant, held.grant, setting.time())
    if found is None:
        raise bad_grant("refresh_ended")
    grant = msgspec.convert(found, Grant)
    if grant.client != client.id:
        raise bad_grant("refresh_wrong_client", grant)
    if held.key and held.key != key:
        raise bad_grant("refresh_wrong_key", grant)
    return grant


async def _present(setting: Setting, grant: Grant) -> Subject:
    if setting.standing is None:
        return grant.subject
    found = await setting.standing(grant.subject)
    if found is None:
        await revoke(setting, grant.id)
        raise bad_grant("refresh_nobody", grant)
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
    act = _acting(found.claims, key)
    resource = targeted(setting, _intended(found.claims, given.get("resource", "")) or setting.default_resource)
    said = found.claims.get("scope")
    most = tuple(each for each in setting.scopes() if not isinstance(said, str) or each in said.split(" "))
    scopes = scoped(given.get("scope", ""), most, most if isinstance(said, str) else setting.minimum())
    # Last of all, so that a mistake in the request does not use the assertion up.
    until, jti = timely(found.claims, setting.time(), _ASSERTED)
    once = digest("id-jag", str(found.claims.get("iss")), jti)
    if not await asyncio.to_thread(setting.storage.first, once, until, setting.time()):
        raise bad_grant("id_jag_replayed")
    return answer(setting, Access(found.subject, client.id, resource, scopes, "", key, act))


def _acting(claims: Json, key: str) -> Json:
    """Return who acts for the subject of an assertion; raise `Denied` where that is not clear, or not proven."""
    if "cnf" in claims and (not key or claims["cnf"] != {"jkt": key}):
        # RFC 7800: it is for whoever has that key, and for nobody who only has the assertion.
        raise bad_grant("id_jag_wrong_key")
    try:
        return actors(claims["act"]) if "act" in claims else {}
    except ValueError as error:
        raise bad_grant("id_jag_actor") from error


async def _asserted(setting: Setting, client: Client, assertion: str) -> Assertion:
    if setting.assertion is None or not assertion:
        raise bad_grant("id_jag_missing")
    try:
        found = await setting.assertion(assertion)
    except Refusal as error:
        raise bad_grant() from error
    kind = str(found.header.get("typ", "")).lower().removeprefix("application/")
    if kind != ID_JAG:
        raise bad_grant("id_jag_typ")
    # Its audience is us by our one name; for whom it was made is the client that brings it.
    if not for_us(found.claims, {setting.issuer}):
        raise bad_grant("id_jag_audience")
    if found.claims.get("client_id") != client.id:
        raise bad_grant("id_jag_wrong_client")
    return found


def _intended(claims: Json, asked: str) -> str:
    """Return the resource that an assertion is for; raise `Denied` where another one is asked for."""
    said = claims.get("resource")
    if said is None:
        return asked
    named = [said] if isinstance(said, str) else said
    if not isinstance(named, list) or (asked and asked not in named) or (not asked and len(named) != 1):
        raise because(Denied("invalid_target", "the assertion is for another resource"), "id_jag_wrong_resource")
    return asked or str(named[0])


async def revoke(setting: Setting, grant: str) -> bool:
    """End a grant and every token that came of it; say whether it stood until now."""
    now = setting.time()
    until = now + setting.lifetimes.access + _MARGIN
    stood = await asyncio.to_thread(setting.storage.revoke, grant, now, until)
    if stood:
        setting.revoked()
    return stood

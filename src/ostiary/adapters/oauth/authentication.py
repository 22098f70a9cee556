"""Who speaks at the token endpoint: clients, and how they prove it (RFC 6749 section 2.3, RFC 7523 section 3)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from typing import Final
from urllib.parse import unquote_plus

from msgspec import Struct
from starlette.requests import Request

from ostiary.adapters.oauth.assertions import client_assertion, subject_of
from ostiary.adapters.oauth.clients import Clients
from ostiary.adapters.oauth.documents import is_address
from ostiary.adapters.oauth.failures import Denied, client_unknown
from ostiary.adapters.oauth.issuing import bad_grant, known
from ostiary.adapters.oauth.reasons import because
from ostiary.adapters.oauth.setting import Setting, hashed
from ostiary.adapters.oauth.storing import Client, digest
from ostiary.core.errors import Refusal

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NOBODY: Final = hashed("nobody")


class Shown(Struct, frozen=True):
    """What a request brought to say who its client is."""

    ident: str
    method: str
    proof: str = ""

    def __repr__(self) -> str:
        """Show everything but the proof."""
        return f"Shown(ident={self.ident!r}, method={self.method!r}, proof=…)"


def shown(authorization: str, given: dict[str, str]) -> Shown:
    """Return how a client authenticates; raise `Denied` where it does so in two ways, or in none."""
    ident, secret = given.get("client_id", ""), given.get("client_secret", "")
    asserted = given.get("client_assertion", "")
    if bool(authorization) + bool(secret) + bool(asserted) > 1:
        why = "the client authenticates in more than one way; use one"
        raise because(Denied("invalid_request", why), "client_two_ways")
    if authorization:
        found = _basic(authorization)
        if ident and ident != found.ident:
            why = "client_id is not that of the Authorization header"
            raise because(Denied("invalid_request", why), "client_two_names")
        return found
    if asserted:
        if given.get("client_assertion_type") != ASSERTION_TYPE:
            raise Denied("invalid_request", f"client_assertion_type must be {ASSERTION_TYPE}")
        subject = subject_of(asserted)
        if ident and ident != subject:
            raise because(Denied("invalid_request", "client_id is not that of the assertion"), "client_two_names")
        return Shown(subject, "private_key_jwt", asserted)
    if not ident:
        raise because(client_unknown(), "client_unnamed")
    return Shown(ident, "client_secret_post" if secret else "none", secret)


def _basic(authorization: str) -> Shown:
    kind, _, encoded = authorization.partition(" ")
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise because(client_unknown(basic=True), "client_header") from error
    ident, colon, secret = pair.partition(":")
    if kind.lower() != "basic" or not colon or not secret:
        raise because(client_unknown(basic=True), "client_header")
    # RFC 6749 section 2.3.1: both are form-encoded before they are joined.
    return Shown(unquote_plus(ident), "client_secret_basic", unquote_plus(secret))


async def authenticated(setting: Setting, clients: Clients, request: Request, given: dict[str, str]) -> Client:
    """Return the client that speaks, or raise `Denied`; a peer that failed too often is not heard."""
    peer = request.client.host if request.client else ""
    seconds = setting.attempts.wait(peer)
    if seconds > 0.0:
        headers = {"retry-after": str(int(seconds) + 1)}
        why = "too many failed attempts came from this address"
        raise because(Denied("temporarily_unavailable", why, 429, headers), "attempts_limited")
    try:
        found = shown(request.headers.get("authorization", ""), given)
        return await _proven(setting, clients, found, given, peer)
    except Denied as denied:
        if denied.error == "invalid_client":
            setting.attempts.add(peer)
        raise


async def holds(setting: Setting, given: dict[str, str]) -> bool:
    """Say whether a request brought something that we, or a provider we believe, have made."""
    code, token = given.get("code", ""), given.get("refresh_token") or given.get("token") or ""
    if code:
        return await asyncio.to_thread(setting.storage.code, digest(code)) is not None
    if token:
        return known(setting, token)
    if setting.assertion is None or "assertion" not in given:
        return False
    try:
        await setting.assertion(given["assertion"])
    except Refusal:
        return False
    return True


async def _proven(setting: Setting, clients: Clients, found: Shown, given: dict[str, str], peer: str) -> Client:
    basic = found.method == "client_secret_basic"
    if is_address(found.ident) and not await holds(setting, given):
        # Else anybody could make us fetch any address, as often as the rates allow.
        raise bad_grant("client_brings_nothing")
    try:
        client = await clients(found.ident, peer)
    except Denied as denied:
        if denied.error != "invalid_client":
            raise
        # As long as for a client that exists: how long an answer takes tells nobody which ids there are.
        hmac.compare_digest(hashed(found.proof or "-"), _NOBODY)
        raise because(client_unknown(basic), "client_unknown") from denied
    if not _as_registered(client.method, found.method):
        raise because(client_unknown(basic), "client_method")
    if found.method == "private_key_jwt":
        await _asserted(setting, clients, client, found.proof, peer)
    elif found.method != "none" and not hmac.compare_digest(hashed(found.proof), client.digest):
        raise because(client_unknown(basic), "client_secret")
    return client


def _as_registered(registered: str, used: str) -> bool:
    # Header or body is a matter of the client's library; whether it has a secret at all is not.
    secret = {"client_secret_post", "client_secret_basic"}
    return used == registered or {used, registered} <= secret


async def _asserted(setting: Setting, clients: Clients, client: Client, token: str, peer: str) -> None:
    keys = await clients.keys(client, peer)
    until, jti = client_assertion(token, keys, client.id, setting.issuer, setting.time())
    once = digest("client-assertion", client.id, jti)
    if not await asyncio.to_thread(setting.storage.first, once, until, setting.time()):
        raise because(client_unknown(), "assertion_replayed")

"""Who approves: known by a credential that the gateway would take, by the same code, without a running gateway."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Final

from ostiary.adapters.identity import tokens
from ostiary.adapters.identity.standing import Standing
from ostiary.adapters.identity.tokens import Tokens
from ostiary.adapters.secrets import resolve
from ostiary.adapters.store import database, keys
from ostiary.adapters.store.votes import Voter
from ostiary.config.values import Secret, server_of
from ostiary.core.errors import Quarantined, Unauthenticated
from ostiary.core.model import Caller, Inbound
from ostiary.core.ports import Identify
from ostiary.entry.grants import Grants
from ostiary.entry.identities import Speakers
from ostiary.entry.offline import Offline
from ostiary.policy.quarantine import RULE

_ENDPOINT: Final = "/mcp"


def voter(opened: Offline, reference: Secret, label: str) -> Voter:
    """Return who a credential speaks for, to decide about a call of this label; raise where it speaks for nobody."""
    caller = asyncio.run(_identified(opened, resolve(reference).strip()))
    barred = opened.revisions.marks.barred(caller)
    if barred:
        raise Quarantined(f"{RULE}{barred}", hint=f"{caller.subject} is shut out: ostiary quarantine list")
    if caller.reach and (server_of(label) not in caller.reach or (caller.within and not caller.within(label))):
        raise Unauthenticated("narrowed", hint=f"the credential is narrowed to something else than {label}")
    return Voter(caller.subject, caller.issuer, caller.roles, caller.agent)


async def _identified(opened: Offline, credential: str) -> Caller:
    message = Inbound(
        "POST", _ENDPOINT, {"authorization": f"Bearer {credential}"}, frozenset(), credential, "terminal", _nothing
    )
    own = Tokens(partial(database.token_by_digest, opened.engine), opened.generation, time.time)
    if tokens.well_formed(credential) and opened.config.gateway.static_tokens == "on":
        return await own(message)
    speakers = _speakers(opened, own)
    try:
        identify: Identify = speakers.identify
        return await identify(message)
    finally:
        await speakers.close()


def _speakers(opened: Offline, own: Tokens) -> Speakers:
    standing = Standing(partial(database.token_by_id, opened.engine), opened.generation, time.time)
    sealer = keys.Sealer(keys.key(opened.data, keys.SEAL))
    grants = Grants(opened.config.gateway.url, opened.data, opened.engine, sealer)
    return Speakers(opened.config, resolve, (own, standing), grants, opened.generation)


async def _nothing() -> bytes:
    return b""

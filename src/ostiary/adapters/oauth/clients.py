"""Which client is it? Those of the configuration first, then registered ones, then those whose id is an address."""

from __future__ import annotations

import asyncio
import re
from typing import Final

import msgspec

from ostiary.adapters.oauth.documents import Documents, is_address
from ostiary.adapters.oauth.failures import client_unknown
from ostiary.adapters.oauth.setting import Setting
from ostiary.adapters.oauth.storing import Client
from ostiary.core.model import Json

_REGISTERED: Final = re.compile(r"dcr_[A-Za-z0-9_-]{24}")


class Clients:
    """Finds clients by their id."""

    def __init__(self, setting: Setting) -> None:
        self._setting, self._documents = setting, Documents(setting)

    async def __call__(self, ident: str, peer: str) -> Client:
        """Return a client, or raise `Denied`."""
        known = self._setting.known().get(ident)
        if known is not None:
            return known
        if is_address(ident):
            return await self._documents.client(ident, peer)
        if _REGISTERED.fullmatch(ident) is None or not self._setting.registration():
            # Switched off means off: those that came before are let in no longer.
            raise client_unknown()
        found = await asyncio.to_thread(self._setting.storage.client, ident)
        if found is None:
            raise client_unknown()
        return msgspec.convert(found, Client)

    async def keys(self, client: Client, peer: str) -> Json:
        """Return the public keys of a client, as a key set."""
        if client.jwks is not None or not client.jwks_uri:
            return client.jwks or {}
        return await self._documents.content(client.jwks_uri, peer)

    async def used(self, client: Client) -> None:
        """Remember that a client got as far as a token, so that it is not forgotten."""
        if client.kind == "registered":
            await asyncio.to_thread(self._setting.storage.use_client, client.id, self._setting.time())

"""What our own authorization server keeps, and how its tokens are known again at the door.

Its parts are imported where they are wanted: most gateways have no such server.
"""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from ostiary.adapters.identity.dpop import Proofs
from ostiary.adapters.identity.issuers import Setup
from ostiary.adapters.identity.jwt import Expected
from ostiary.adapters.identity.mutual import binding
from ostiary.adapters.identity.own import OwnKeys
from ostiary.adapters.oauth.addresses import JWKS
from ostiary.adapters.store.keys import Sealer
from ostiary.adapters.store.oauth import OAuth
from ostiary.policy.claims import Reading, Source

if TYPE_CHECKING:
    from ostiary.adapters.oauth.keys import Keyring
    from ostiary.adapters.oauth.revocation import Withdrawn

NAME: Final = "authorization"
"""Whose tokens these are, in the ledger: the section of the configuration."""


class Grants:
    """The keys that sign, the rows that remember, and the marks of what was taken back."""

    def __init__(self, url: str, data: Path, engine: sa.Engine, seal: Sealer) -> None:
        """Keep them in `data`; `url` is gateway.url, which is our name as an issuer."""
        self.url, self.seal = url, seal
        self.storage = OAuth(engine)
        self._data = data

    @cached_property
    def keys(self) -> Keyring:
        """The keys that sign."""
        from ostiary.adapters.oauth.keys import Keyring  # noqa: PLC0415

        return Keyring(self._data, self.seal, time.time)

    @cached_property
    def _withdrawn(self) -> Withdrawn:
        from ostiary.adapters.oauth.revocation import Withdrawn  # noqa: PLC0415

        return Withdrawn(lambda: self.storage.withdrawn(time.time()))

    @cached_property
    def _own(self) -> OwnKeys:
        return OwnKeys(f"{self.url}{JWKS}", self.keys.public)

    def setup(self, proofs: Proofs) -> Setup:
        """Return ourselves as an issuer like others, whose tokens say at which provider a person signed in."""
        from ostiary.adapters.oauth.issuing import PROVIDER_CLAIM  # noqa: PLC0415
        from ostiary.adapters.oauth.keys import ALGORITHM  # noqa: PLC0415

        expected = Expected(
            self.url, frozenset({self.url, f"{self.url}/"}), self.url, frozenset({ALGORITHM}), only_access=True
        )
        reading = Reading(self.url, roles=Source("roles"), teams=Source("teams"), voucher=PROVIDER_CLAIM)
        bound = binding("none", proofs, time.time)
        return Setup(NAME, expected, reading, self._own, self._own.place, None, bound, self._withdrawn)

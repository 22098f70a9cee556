"""What our own authorization server keeps, and how its tokens are known again at the door."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from ostiary.adapters.identity.dpop import Proofs
from ostiary.adapters.identity.issuers import Setup
from ostiary.adapters.identity.jwt import Expected
from ostiary.adapters.identity.mutual import binding
from ostiary.adapters.identity.own import OwnKeys
from ostiary.adapters.oauth.addresses import JWKS
from ostiary.adapters.oauth.issuing import PROVIDER_CLAIM
from ostiary.adapters.oauth.keys import ALGORITHM, Keyring
from ostiary.adapters.oauth.revocation import Withdrawn
from ostiary.adapters.store.keys import Sealer
from ostiary.adapters.store.oauth import OAuth
from ostiary.policy.claims import Reading, Source

NAME: Final = "authorization"
"""Whose tokens these are, in the ledger: the section of the configuration."""


class Grants:
    """The keys that sign, the rows that remember, and the marks of what was taken back."""

    def __init__(self, url: str, data: Path, engine: sa.Engine, seal: Sealer) -> None:
        """Open them; `url` is gateway.url, which is our name as an issuer."""
        self.url, self.seal = url, seal
        self.storage = OAuth(engine)
        self.keys = Keyring(data, seal, time.time)
        self._withdrawn = Withdrawn(lambda: self.storage.withdrawn(time.time()))
        self._own = OwnKeys(f"{url}{JWKS}", self.keys.public)

    def setup(self, proofs: Proofs) -> Setup:
        """Return ourselves as an issuer like others, whose tokens say at which provider a person signed in."""
        expected = Expected(
            self.url, frozenset({self.url, f"{self.url}/"}), self.url, frozenset({ALGORITHM}), only_access=True
        )
        reading = Reading(self.url, roles=Source("roles"), teams=Source("teams"), voucher=PROVIDER_CLAIM)
        bound = binding("none", proofs, time.time)
        return Setup(NAME, expected, reading, self._own, self._own.place, None, bound, self._withdrawn)

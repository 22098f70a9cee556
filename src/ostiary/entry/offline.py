"""What a command knows without a running gateway: the configuration, and what the database remembers."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from ostiary.adapters.store import database, identities, quarantines
from ostiary.adapters.store.generation import Generation
from ostiary.config import checking
from ostiary.config.parse import Document
from ostiary.config.schema import Config
from ostiary.core.model import Snapshot
from ostiary.entry.cataloguing import recalled
from ostiary.operate.revise import Revisions, Row
from ostiary.policy.quarantine import marks


class Offline(Struct):
    """A configuration with its data folder, opened."""

    document: Document
    engine: sa.Engine
    generation: Generation
    data: Path
    revisions: Revisions

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.document.config

    @property
    def snapshot(self) -> Snapshot:
        """What a gateway that starts now would serve, before it asked any server."""
        return self.revisions()

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be included in the snapshot, and why."""
        return self.revisions.notes

    def sightings(self) -> list[Row]:
        """Return every definition that a configured server offered when last asked, and where it stands."""
        return list(self.revisions.rows())


def checked(path: Path) -> Document:
    """Return a configuration whose every check passed, its own expectations included, or raise `Invalid`."""
    return checking.checked(path.read_bytes(), str(path))


def digest(config: Config) -> str:
    """Return what the ledger calls a configuration; secrets are references in it, so none is in the digest."""
    plain = config.model_dump(mode="json")
    return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()[:16]


def data_folder(config: Config, path: Path) -> Path:
    """Return the data folder; a relative one lies beside the configuration, wherever a command was started."""
    return (path.parent / config.gateway.data).resolve()


def restored(revisions: Revisions, engine: sa.Engine) -> None:
    """Begin with what the database remembers of servers."""
    for server, found in recalled(engine).items():
        revisions.suspicions.objected(server, found)
    revisions.restore(
        database.offerings(engine), database.verdicts(engine), database.pinned(engine),
        identities.known(engine), identities.texts(engine),
    )  # fmt: skip


def offline(path: Path, data: Path | None = None, document: Document | None = None) -> Offline:
    """Open a configuration and its data folder, or another's `data`; raise `Invalid` where the configuration is.

    A `document` is the configuration, already read.
    """
    document = document or checked(path)
    data = data or data_folder(document.config, path)
    engine = database.opened(data)
    revisions = Revisions(document.config, digest(document.config))
    restored(revisions, engine)
    at = time.time()
    revisions.quarantined(marks(quarantines.standing(engine, at), at))
    return Offline(document, engine, Generation(data), data, revisions)

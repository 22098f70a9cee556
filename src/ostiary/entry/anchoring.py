"""The ledger as a gateway keeps it: opened as its section says, with checkpoints, and an alarm where these fail."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import structlog

from ostiary.adapters.store.anchoring import Checkpoints, Origin
from ostiary.adapters.store.checkpoint_files import checkpoint_file
from ostiary.adapters.store.ledger import Ledger, Sizes
from ostiary.adapters.store.ledger_durable import Holding
from ostiary.adapters.store.ledger_read import ledger_directory
from ostiary.adapters.store.ledger_start import LedgerUnusable, ledger_keys
from ostiary.adapters.store.second_place import Astray
from ostiary.config.ledger import Ledger as Section
from ostiary.entry.annexes import Annex, Number
from ostiary.entry.places import places

log: Final = structlog.get_logger(__name__)


class Anchor:
    """Keeps a ledger's checkpoints as time goes by, and tells once where they do not arrive, and once when they do."""

    def __init__(self, checkpoints: Checkpoints, event: Callable[[str, Mapping[str, Any]], None]) -> None:
        """`event` writes into the ledger."""
        self.checkpoints, self._event = checkpoints, event
        self._alarmed: set[str] = set()

    def annex(self) -> Annex:
        """Return what the gateway has to do for it; it is closed after the ledger, and so not here."""
        told = "How long a place has lacked what there is: records, or checkpoints of them."
        numbers = (Number("ostiary_checkpoints_behind_seconds", told, self.checkpoints.behind, ("place",)),)
        return Annex("checkpoints", chores=(self.anchor,), notes=self.checkpoints.notes, numbers=numbers)

    async def anchor(self) -> None:
        """Do what is due: a chore, which waits for no disk."""
        self.checkpoints.tick()
        failing = self.checkpoints.failing()
        for place in failing.keys() - self._alarmed:
            log.error("checkpoints of the ledger do not arrive", place=place, reason=failing[place])
            self._event("checkpoints_failed", {"place": place, "reason": failing[place]})
        for place in self._alarmed - failing.keys():
            log.info("checkpoints of the ledger arrive again", place=place)
            self._event("checkpoints_recovered", {"place": place})
        self._alarmed = set(failing)


def opened(section: Section, data: Path, config: Path) -> tuple[Ledger, Anchor]:
    """Open the ledger of a data folder and what anchors it; raise `LedgerUnusable` where it is not what it was."""
    directory = ledger_directory(data)
    try:
        elsewhere = places(section.checkpoints, config, ledger_keys(data).public)
        for place in elsewhere:
            place.agreed(checkpoint_file(directory))
    except Astray as error:
        raise LedgerUnusable(str(error)) from error
    holding = Holding(directory, power=section.durability == "power")
    required = section.checkpoints is not None and section.checkpoints.required
    plain = section.durability == "process" and not required
    sizes = Sizes(segment_bytes=section.rotate, seal_every=section.seal_every, shapes=section.arguments == "masked")
    ledger = Ledger(data, sizes=sizes, write=os.write if plain else holding, sync=holding.sync)
    origin = Origin(os.getpid(), secrets.token_hex(4))
    checkpoints = Checkpoints(data, lambda: ledger.head, origin, places=elsewhere, required=required)
    holding.obstacle = checkpoints.obstacle
    return ledger, Anchor(checkpoints, ledger.event)

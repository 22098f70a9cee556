"""What is kept of calls, how hard it is held on to, and where else it is vouched for. Pure."""

from __future__ import annotations

from typing import Literal

from ostiary.config.fields import Folder, Octets, Seconds, Section, may, must


class Checkpoints(Section):
    """A second place for the ledger's signed checkpoints, so that an older copy of the data folder is noticed."""

    file: Folder = must("A file on another disk, or another machine's mount, which each checkpoint is appended to.")
    required: bool = may(False, "Calls stop while checkpoints do not arrive there for two minutes.")


class Ledger(Section):
    """The audit ledger."""

    rotate: Octets = may("64MiB", "The size at which a segment is sealed and a new one begun.")
    seal_every: Seconds = may("60s", "How often what was written is signed in between.")
    arguments: Literal["masked", "digest"] = may(
        "masked", "What is kept of a call's arguments: their shape with values masked, or a digest."
    )
    durability: Literal["process", "power"] = may(
        "process",
        "What records of calls that left survive: the end of the process, or the loss of power too. Each turn of the "
        "event loop then waits for the disk once.",
    )
    checkpoints: Checkpoints | None = may(None, "A second place for what the newest record was, once a minute.")

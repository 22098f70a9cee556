"""`ostiary audit checkpoints`: bring what an object store keeps of the ledger's checkpoints here, for verifying."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ostiary.adapters.store.ledger_read import public_key
from ostiary.adapters.store.second_place import Astray
from ostiary.config.ledger import CheckpointBucket, Checkpoints
from ostiary.entry.cli.terminal import CONFIG, ConfigFile, Refused, plural, say
from ostiary.entry.offline import checked, data_folder
from ostiary.entry.places import file_place, object_place


def checkpoints(
    config: ConfigFile = CONFIG,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where to put them.")],
) -> None:
    """Copy the checkpoints that the object store of `ledger.checkpoints.s3` keeps into a folder, for --checkpoints.

    What is there already is not copied again. The tools of the store (`aws s3 sync`, `rclone`, `mc`) do the same.

    Example: ostiary audit checkpoints -o /mnt/evidence && ostiary audit verify --checkpoints /mnt/evidence
    """
    document = checked(config).config
    section = document.ledger.checkpoints
    if section is None or section.s3 is None:
        raise Refused("There is no ledger.checkpoints.s3 in the configuration.", "A file can be used as it is.")
    try:
        key = public_key(data_folder(document, config))
    except (OSError, ValueError) as error:
        raise Refused(f"The ledger's key cannot be read: {error}.", "It is in keys/ledger.pub.") from None
    output.mkdir(mode=0o700, parents=True, exist_ok=True)
    count = gathered(section.s3, key, output)
    say(f"{output}: {plural(count, 'object')}.", "green")


@contextmanager
def elsewhere(section: Checkpoints | None, config: Path, data: Path) -> Iterator[Path | None]:
    """Give what the second place of a configuration has: its file, or what its object store keeps."""
    path = file_place(section, config)
    if path is not None or section is None or section.s3 is None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="ostiary-checkpoints-") as folder:
        kept = Path(folder) / section.s3.bucket
        kept.mkdir()
        gathered(section.s3, public_key(data), kept)
        yield kept


def gathered(bucket: CheckpointBucket, key: Ed25519PublicKey, folder: Path) -> int:
    """Copy what an object store keeps into a folder, or say why that is not possible."""
    try:
        return object_place(bucket, key).gathered(folder)
    except (OSError, Astray) as error:
        raise Refused(
            f"The second place cannot be read: {error}.", "Name a copy of what it keeps: --checkpoints FOLDER."
        ) from None

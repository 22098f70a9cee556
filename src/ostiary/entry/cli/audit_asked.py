"""What commands over the ledger have in common: whose ledger, and times as people write them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ostiary.adapters.store.ledger_read import ledger_directory, segments
from ostiary.config.problems import Unfit
from ostiary.config.units import seconds
from ostiary.entry.cli.terminal import Refused, now, usage
from ostiary.entry.offline import checked, data_folder

Since = Annotated[str, typer.Option("--since", metavar="TIME", help="From: 2026-11-22, 2026-11-22T10:00:00Z, 7d ago.")]
Until = Annotated[str, typer.Option("--until", metavar="TIME", help="Until, not included.")]


def ledger_folder(config: Path) -> Path:
    """Return the data folder of a configuration; one without a ledger is refused in words."""
    data_path = data_folder(checked(config).config, config)
    if not segments(ledger_directory(data_path)):
        raise Refused(f"There is no ledger in {data_path}.", "It begins when `ostiary serve` runs for the first time.")
    return data_path


def instant(option: str, text: str) -> str:
    """Return a time as the ledger writes it; a duration means so long ago."""
    if not text:
        return ""
    try:
        when = now() - seconds(text.removesuffix(" ago"))
        return _stamp(datetime.fromtimestamp(when, UTC))
    except Unfit:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise usage(option, "write 2026-11-22, 2026-11-22T10:00:00Z, or how long ago: 90m, 24h, 7d") from None
    # The ledger's times are UTC, and so is a time that does not say otherwise.
    return _stamp(found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC))


def _stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"

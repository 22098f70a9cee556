"""Whether people sign in here. What they meet then is imported only then: it would be a burden to all others."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from ostiary.config.schema import Config
from ostiary.entry.nobody import Around as Around
from ostiary.entry.nobody import Nobody, signing_in


def peopled(config: Config, around: Around, data: Path, engine: sa.Engine) -> Nobody:
    """Return who signs in at a gateway of this configuration."""
    if not signing_in(config):
        return Nobody(around)
    from ostiary.entry.people import People  # noqa: PLC0415

    return People(config, around, data, engine)

"""How many examples a property gets: few at every commit, many where somebody asks for them.

OSTIARY_PROPERTIES=20000 pytest tests/properties
"""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, Phase, settings

ASKED: Final = int(os.environ.get("OSTIARY_PROPERTIES", "0"))
"""How many configurations lists and calls are tried with, and changes together; 0: as `make check` has time for."""


def examples(few: int, share: int = 1) -> settings:
    """Return the settings of a property that is tried with `few` gateways, or with its share of what was asked for."""
    return settings(
        max_examples=max(few, ASKED // share),
        deadline=None,
        print_blob=True,
        # Without Phase.explain, which traces every line of a gateway to say which ones mattered.
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )

"""What a running gateway cannot take on from a new file: those keys take a restart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ostiary.config.schema import Config

_GATEWAY: Final = ("listen", "data", "tls", "url", "log", "metrics", "trusted_proxy")
_TIMEOUTS: Final = ("session", "shutdown")
_SECTIONS: Final = ("ledger", "capture", "anomalies", "exports", "telemetry", "alerts", "notify")


def refuse_moves(now: Config, then: Config, more: Iterable[str]) -> None:
    """Raise `ValueError` with every key that would take a restart, and `more` of them: half of a file is worse."""
    keys = [f"gateway.{key}" for key in _GATEWAY if getattr(now.gateway, key) != getattr(then.gateway, key)]
    times = now.gateway.timeouts, then.gateway.timeouts
    keys += [f"gateway.timeouts.{key}" for key in _TIMEOUTS if len({getattr(each, key) for each in times}) > 1]
    keys += [key for key in _SECTIONS if getattr(now, key) != getattr(then, key)]
    keys += more
    if keys:
        raise ValueError(f"{', '.join(keys)} changes with a restart only; restart the gateway to use the new file")

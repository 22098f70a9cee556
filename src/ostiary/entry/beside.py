"""All that stands beside the way of a call, as far as a configuration asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from ostiary.adapters.secrets import resolve
from ostiary.adapters.store import keys
from ostiary.adapters.store.generation import Generation
from ostiary.adapters.store.holds import Holds
from ostiary.adapters.store.ledger import Ledger
from ostiary.adapters.store.pseudonyms import KEY
from ostiary.config.schema import Config
from ostiary.entry import holding
from ostiary.entry.anchoring import Anchor
from ostiary.entry.annexes import Annex, Annexes
from ostiary.entry.telling import Telling

if TYPE_CHECKING:
    from ostiary.entry.alerting import Server


def annexes(
    config: Config,
    path: Path,
    data: Path,
    stores: tuple[Engine, Generation, Ledger, Anchor],
    telling: Telling,
    holds: Holds,
    servers: Callable[[], Mapping[str, Server]],
) -> Annexes:
    """Return what is beside calls; what nobody asks for is not even imported."""
    engine, generation, ledger, anchor = stores
    moved, stopped = (lambda: (generation(), holds.asked)), (lambda: ledger.stopped is not None)
    told = holding.telling(engine, moved, ledger.event, stopped)
    found = [telling.annex(), anchor.annex(), Annex("holds", chores=(told,))]
    if config.anomalies is not None:
        from ostiary.entry.behaving import Observing  # noqa: PLC0415 - most gateways need none of it

        found.append(Observing(config.anomalies, data, engine, ledger.event, generation.move).annex())
    if config.exports:
        from ostiary.entry.exporting import begin  # noqa: PLC0415 - most gateways need none of it

        found.append(begin(config.exports, data, path, resolve, lambda: ledger.head.n, ledger.event).annex())
    if config.alerts:
        from ostiary.entry.alerting import Alerting, Around  # noqa: PLC0415 - most gateways need none of it
        from ostiary.entry.notifying import Way  # noqa: PLC0415 - most gateways need none of it

        around = Around(servers, lambda: ledger.stopped, ledger.event, keys.key(data, KEY), kept=data / "alerts")
        ways = {name: Way(each, resolve) for name, each in config.notify.items()}
        alerting = Alerting(config, ways, around)
        ledger.tell(alerting.told)
        found.append(alerting.annex())
    if config.capture is None:
        return Annexes(*found)
    from ostiary.entry.capturing import Keeping  # noqa: PLC0415 - most gateways need none of it

    keeping = Keeping(config.capture, data, ledger.event, stopped)
    return Annexes(*found, keeping.annex(), capture=keeping.captures)

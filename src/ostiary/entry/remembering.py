"""What a gateway that starts again knows of agent runs: what the ledger says they have met."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ostiary.adapters.store.ledger_runs import met
from ostiary.core.rules import Run, Tracking
from ostiary.pipeline.runs import Runs, whose


def remembered(data: Path, tracking: Tracking | None, clock: Callable[[], float], time: Callable[[], float]) -> Runs:
    """Return what runs have met within the window; nothing where no rule asks.

    Whoever can make a gateway start again must not be able to make it forget what an agent has read.
    """
    runs = Runs()
    if tracking is None:
        return runs
    now, here = time(), clock()
    for each in met(data, now - tracking.window):
        left = each.time + tracking.window - now
        run = Run(whose(each.issuer, each.subject, each.client), each.ident, min(left, tracking.window))
        runs.meet(run, each.taints & tracking.taints, here)
    return runs

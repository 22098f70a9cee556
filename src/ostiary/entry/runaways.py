"""What the configuration watches for in agent runs, ready to be asked about a call."""

from __future__ import annotations

from itertools import groupby

from ostiary.behaviour.loops import Watch
from ostiary.config.behaviour import Runaway
from ostiary.config.patterns import Index
from ostiary.config.schema import Config
from ostiary.pipeline.pacing import Group


def watching(config: Config) -> tuple[Group, ...]:
    """Return what is watched for in runs, by lines that look at the same calls of the same runs."""
    ordered = sorted(config.runaways, key=_alike)
    return tuple(_group(list(lines)) for _, lines in groupby(ordered, key=_alike))


def _alike(line: Runaway) -> tuple[str, tuple[str, ...]]:
    return line.per, line.on


def _group(lines: list[Runaway]) -> Group:
    # The first watch that a run falls under counts, and that has to be the harshest.
    lines.sort(key=lambda line: ("stop", "slow", "warn").index(line.then))
    index = Index([lines[0].on])
    watches = tuple(Watch(each.name, each.watch, each.most, each.within) for each in lines)
    return Group(
        lines[0].per, lambda label: bool(index.covering(label)), watches, tuple(each.then for each in lines)
    )  # fmt: skip

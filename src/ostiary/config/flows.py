"""What tools do to the runs that call them: labels of people, and what rules ask of runs. Pure.

What nobody labelled is taken for the worst: it reads private and untrusted data, sends outside and changes things. A
rule that allows by a label does not speak of what has none, and one that denies by it does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol

from ostiary.config.patterns import overlaps
from ostiary.config.schema import Config, Server
from ostiary.config.values import covers
from ostiary.core.model import Kind, Target
from ostiary.core.rules import Tracking
from ostiary.core.screening import Flow
from ostiary.policy.flows import GUARD, LABELS

KEYS: Final = ("reads", "sends", "changes")
_SENDS: Final = {"outside": frozenset({Flow.OUTSIDE}), "nothing": frozenset[Flow]()}
_CHANGES: Final = {True: frozenset({Flow.CHANGES}), False: frozenset[Flow]()}
_READS: Final = frozenset({Flow.PRIVATE, Flow.UNTRUSTED})


class Labelled(Protocol):
    """A section with labels: of a server, of a tool, or what a rule narrows itself to."""

    @property
    def reads(self) -> tuple[str, ...] | None:
        """What it reads; empty: nothing."""

    @property
    def sends(self) -> str | None:
        """Where it sends to."""

    @property
    def changes(self) -> bool | None:
        """Whether it changes something."""


class Said(NamedTuple):
    """What is known of one thing."""

    reads: frozenset[Flow] | None
    """None: nobody said it, as in the others."""
    sends: frozenset[Flow] | None
    changes: frozenset[Flow] | None

    @property
    def flows(self) -> frozenset[Flow]:
        """What it is taken for."""
        return (
            (_READS if self.reads is None else self.reads)
            | (_SENDS["outside"] if self.sends is None else self.sends)
            | (_CHANGES[True] if self.changes is None else self.changes)
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """The keys that nobody said."""
        return tuple(key for key, value in zip(KEYS, self, strict=True) if value is None)


UNSAID: Final = Said(None, None, None)


def read(section: Labelled) -> Said:
    """Return what a section says."""
    return Said(
        None if section.reads is None else frozenset(Flow(each) for each in section.reads),
        None if section.sends is None else _SENDS[section.sends],
        None if section.changes is None else _CHANGES[section.changes],
    )


def of(server: Server | None, kind: Kind, name: str) -> Said:
    """Return what is known of one thing of a server: what is said of a tool wins over what is said of its server."""
    if server is None:
        return UNSAID
    general, tool = read(server), server.tools.get(name) if kind is Kind.TOOL else None
    if tool is None:
        return general
    own = read(tool)
    return Said(*(mine if mine is not None else theirs for mine, theirs in zip(own, general, strict=True)))


def narrows(section: Labelled) -> bool:
    """Say whether a rule narrows itself to labels."""
    return any(each is not None for each in read(section))


def said(section: Labelled) -> list[str]:
    """Return what a rule narrows itself to, as people write it."""
    found = [] if section.reads is None else [f"reads is {' and '.join(section.reads) or 'nothing'}"]
    found += [] if section.sends is None else [f"sends is {section.sends}"]
    return found + ([] if section.changes is None else [f"changes is {str(section.changes).lower()}"])


def covered(section: Labelled, known: Said, *, allows: bool) -> bool:
    """Say whether a rule that narrows itself to labels speaks of something of which this is known."""
    wanted = read(section)
    return (
        _reading(wanted.reads, known.reads, allows=allows)
        and _same(wanted.sends, known.sends, allows=allows)
        and _same(wanted.changes, known.changes, allows=allows)
    )


def _reading(wanted: frozenset[Flow] | None, known: frozenset[Flow] | None, *, allows: bool) -> bool:
    if wanted is None or known is None:
        return wanted is None or not allows
    return wanted <= known if wanted else not known


def _same(wanted: frozenset[Flow] | None, known: frozenset[Flow] | None, *, allows: bool) -> bool:
    if wanted is None or known is None:
        return wanted is None or not allows
    return wanted == known


# What rules ask of runs


def asked(config: Config) -> frozenset[str]:
    """Return everything that some rule wants to have been met, rehearsed ones as well."""
    return frozenset(each for rule in config.rules for each in rule.after or ())


def tracking(config: Config) -> Tracking | None:
    """Return what is to be remembered of runs; None where no rule asks."""
    wanted = asked(config)
    runs = config.gateway.runs
    return Tracking(runs.by, runs.window, wanted | LABELS) if wanted else None


def taints(wanted: frozenset[str], target: Target, does: Iterable[Flow]) -> frozenset[str]:
    """Return what a run has met that called a target which does this, where rules ask for that."""
    if not wanted:
        return frozenset()
    called = (each for each in wanted - LABELS if not each.startswith(GUARD) and _called(each, target))
    return frozenset((*(each.value for each in does), *called))


def _called(pattern: str, target: Target) -> bool:
    """Say whether calling a target may be what a pattern means: of a template's URIs, whichever is read."""
    if target.kind is Kind.TEMPLATE or (target.kind is Kind.RESOURCE and not target.name):
        return overlaps((pattern,), target.server, target.name.partition("{")[0])
    return covers(pattern, target.label)

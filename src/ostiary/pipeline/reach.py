"""Which target a resource's URI means: an exact one, or one that a template makes of it."""

from __future__ import annotations

from ostiary.core.model import Caller, Kind, Surface, Target
from ostiary.core.rules import Ask
from ostiary.pipeline import links
from ostiary.pipeline.links import Links
from ostiary.policy.decide import at_once, decide


def templated(uri: str, surface: Surface) -> Target | None:
    """Return the target of a URI that fits a template, with the rules for this very URI; of one server's only."""
    return links.single(links.fitting(uri, surface))


def resource(uri: str, surface: Surface) -> Target | None:
    """Return the target that a URI means at this endpoint."""
    if (Kind.RESOURCE, uri) in surface.clashes:
        return None
    return surface.targets.get((Kind.RESOURCE, uri)) or templated(uri, surface)


def readable(
    uri: str, surface: Surface, caller: Caller, handed: Links | None = None, ask: Ask | None = None
) -> Target | None:
    """Return the target that a URI means, if this caller may read it; also one that a server handed to them.

    What somebody has to approve first is not readable yet: who only listens could not be asked about.
    """
    target = links.resource(uri, surface, caller, handed, ask)
    return target if target is not None and at_once(decide(caller, target, ask)) else None

"""What a URI means to a caller: listed, of an approved tool's interface, of a template, or handed over by a server.

A tool's result may link to what no list has. The link itself is remembered then, for the principal it was given to,
and opens nothing: an allow rule must fit the URI like any other. What is remembered is soft. It lies in this process,
is bounded, and ends with it: a client whose link was forgotten calls the tool again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct, field

from ostiary.core.errors import NotFound
from ostiary.core.model import Allow, Caller, Json, Kind, Order, Surface, Target
from ostiary.core.rules import Ask
from ostiary.policy.decide import at_once, decide
from ostiary.protocol import links

EACH: Final = 256 * 1024
"""Characters remembered of one server for one principal, so that no server can crowd out another's links."""
ALL: Final = 16 * 1024 * 1024
"""Characters remembered in all."""
_ENTRY: Final = 100
"""What an entry costs beside its characters."""

Key = tuple[str, str, str]
"""Subject, issuer, server."""


class _Handed(Struct):
    """What one server handed to one principal, the oldest first."""

    uris: dict[str, None] = field(default_factory=dict)
    weight: int = 0


class Links:
    """Remembers which URIs were handed to whom, and by which server; the least recently used are forgotten first."""

    def __init__(self, each: int = EACH, most: int = ALL) -> None:
        self._each, self._most, self._weight = each, most, 0
        self._kept: dict[Key, _Handed] = {}

    def remember(self, order: Order, raw: Json) -> None:
        """Remember the URIs in a server's checked answer, as the caller will see it; cheap where it has none."""
        result = raw.get("result")
        if not isinstance(result, dict):
            return
        if order.call.method == "tasks/get" and isinstance(result.get("result"), dict):
            # The result of the tool lies within the state of the task that its call became.
            result = result["result"]
        found = links.handed(result)
        if found:
            self._keep((order.caller.subject, order.caller.issuer, order.target.server), found)

    def servers(self, uri: str, caller: Caller, servers: Iterable[str]) -> list[str]:
        """Return those of the servers that handed this URI to this principal."""
        found = []
        for server in servers:
            key = (caller.subject, caller.issuer, server)
            kept = self._kept.get(key)
            if kept is not None and uri in kept.uris:
                kept.uris[uri] = kept.uris.pop(uri)
                self._kept[key] = self._kept.pop(key)
                found.append(server)
        return found

    @property
    def weight(self) -> int:
        """What is remembered in all, in characters."""
        return self._weight

    def _keep(self, key: Key, found: list[str]) -> None:
        kept = self._kept.pop(key, None) or _Handed()
        self._kept[key] = kept
        for uri in found:
            if uri not in kept.uris:
                self._weigh(kept, len(uri) + _ENTRY)
            kept.uris.pop(uri, None)
            kept.uris[uri] = None
        while kept.weight > self._each:
            self._forget(kept)
        while self._weight > self._most:
            oldest = next(iter(self._kept))
            self._weight -= self._kept.pop(oldest).weight

    def _forget(self, kept: _Handed) -> None:
        uri = next(iter(kept.uris))
        del kept.uris[uri]
        self._weigh(kept, -len(uri) - _ENTRY)

    def _weigh(self, kept: _Handed, more: int) -> None:
        kept.weight += more
        self._weight += more


def resource(uri: str, surface: Surface, caller: Caller, handed: Links | None, ask: Ask | None = None) -> Target | None:
    """Return the one resource that a URI means to this caller here; None where it means none, or may mean several.

    It is not decided yet whether the caller may read it.
    """
    return single(meant(uri, surface, caller, handed, ask))


def meant(
    uri: str, surface: Surface, caller: Caller, handed: Links | None, ask: Ask | None = None
) -> tuple[Target, ...]:
    """Return every resource that a URI may mean to this caller here, from the surest way to know it to the least."""
    clashing = surface.clashes.get((Kind.RESOURCE, uri))
    if clashing is not None:
        return clashing
    ways = surface.apps.get(uri)
    if ways is not None:
        decisions = [(way, decide(caller, way, ask)) for way in ways]
        allowed = [way for way, decision in decisions if isinstance(decision, Allow)]
        return (next((way for way, decision in decisions if at_once(decision)), [*allowed, *ways][0]),)
    listed = surface.targets.get((Kind.RESOURCE, uri))
    if listed is not None:
        return (listed,)
    return fitting(uri, surface) or (() if handed is None else _linked(uri, surface, caller, handed))


def fitting(uri: str, surface: Surface) -> tuple[Target, ...]:
    """Return what a URI means by the templates that it fits."""
    return tuple(template.at(uri) for template in surface.templates if template.fits(uri))


def _linked(uri: str, surface: Surface, caller: Caller, handed: Links) -> tuple[Target, ...]:
    known = (
        surface.links[server] for server in handed.servers(uri, caller, surface.servers) if server in surface.links
    )
    return tuple(link.at(uri) for link in known if link.fits(uri))


def single(meant: tuple[Target, ...]) -> Target | None:
    """Return what is meant where it is at one server; where it is at several, guessing would be worse than refusing."""
    return meant[0] if len({each.server for each in meant}) == 1 else None


def unclear(meant: tuple[Target, ...], caller: Caller, missing: NotFound, ask: Ask | None = None) -> NotFound:
    """Return the refusal of a name that may mean several things: it says where each can be had.

    Who may use none of them is told what everyone is told of what does not exist, which is `missing`.
    """
    doors = sorted({f"/servers/{each.server}/mcp" for each in meant if isinstance(decide(caller, each, ask), Allow)})
    if not doors:
        return missing
    # The other side of a clash may be none of the caller's business, so only what they may use is counted.
    why = "several servers offer it here" if len(doors) > 1 else "not reachable at this endpoint"
    return NotFound("the name is ambiguous here", hint=f"{why}; use {' or '.join(doors)}", data=missing.data)

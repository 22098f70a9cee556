"""What belongs together at one endpoint, and what cannot be told apart there. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from ostiary.core.model import Catalogue, Charge, Kind, Target, Template
from ostiary.core.rules import Ruling
from ostiary.protocol import links, uris

Rules = Callable[[str], Ruling]
"""label → what covers it."""
Charges = Callable[[str], tuple[Charge, ...]]
"""label → the limits that count it."""
_LONGEST_INSTRUCTIONS: Final = 4096


class Behind(NamedTuple):
    """One server, as endpoints see it."""

    catalogue: Catalogue
    targets: list[Target]
    """Under its own names."""
    link: Template
    """Any of its resources, for callers to whom it handed the URI."""


class Apart(NamedTuple):
    """What can be told apart at an endpoint, and what cannot."""

    targets: list[Target]
    templates: tuple[Template, ...]
    apps: dict[str, tuple[Target, ...]]
    clashes: dict[tuple[Kind, str], tuple[Target, ...]]
    notes: tuple[str, ...]


def opened(catalogue: Catalogue, fits: Callable[[str], bool]) -> Callable[[str], bool]:
    """Return the test of a template or of links, without the resources of the server that somebody rejected."""
    rejected = catalogue.rejected
    return (lambda uri: uri not in rejected and fits(uri)) if rejected else fits


def link(catalogue: Catalogue, timeout: float, rules: Rules, charges: Charges) -> Template:
    """Return what any URI of a server stands for, once the server handed it to a caller."""
    whatever = Target(catalogue.server, Kind.RESOURCE, "", f"{catalogue.server}:", "", timeout=timeout)
    return Template(whatever, opened(catalogue, uris.normal), rules, charges)


def apart(endpoint: str, named: Iterable[Target], behind: Iterable[Behind]) -> Apart:
    """Take apart what shares a name: guessing which one is meant would be worse than refusing all of them."""
    by_name: dict[tuple[Kind, str], list[Target]] = {}
    for target in named:
        by_name.setdefault((target.kind, target.exposed), []).append(target)
    of = {each.catalogue.server: each for each in behind}
    clashes = {name: tuple(sharing) for name, sharing in by_name.items() if len(sharing) > 1}
    apps: dict[str, tuple[Target, ...]] = {}
    for uri, ways in _interfaces(by_name, of).items():
        if len({way.server for way in ways}) > 1:
            clashes[Kind.RESOURCE, uri] = ways
        else:
            apps[uri] = ways
    targets = [sharing[0] for name, sharing in by_name.items() if name not in clashes]
    templates = tuple(
        _templated(each, of[each.server])
        for (kind, _), sharing in by_name.items()
        if kind is Kind.TEMPLATE
        for each in sharing
    )
    return Apart(targets, templates, apps, clashes, tuple(_told(endpoint, *each) for each in clashes.items()))


def _interfaces(
    by_name: Mapping[tuple[Kind, str], list[Target]], of: Mapping[str, Behind]
) -> dict[str, tuple[Target, ...]]:
    """Return, by the URI of each interface that a reachable tool names, the ways in which it may be read."""
    naming: dict[str, list[Target]] = {}
    for (kind, _), sharing in by_name.items():
        uri = links.interface(sharing[0].definition) if kind is Kind.TOOL and len(sharing) == 1 else None
        if uri is not None and uri not in of[sharing[0].server].catalogue.rejected:
            naming.setdefault(uri, []).append(sharing[0])
    found = {}
    for uri, tools in naming.items():
        owners = dict.fromkeys(tool.server for tool in tools)
        ruled = by_name.get((Kind.RESOURCE, uri)) or [of[name].link.at(uri) for name in owners]
        found[uri] = (*ruled, *(_with(tool, of[tool.server].link.at(uri)) for tool in tools))
    return found


def _with(tool: Target, interface: Target) -> Target:
    """Return the interface of a tool as something that whoever may call the tool may read.

    It is a part of the tool: a host shows it around what the tool answers, so that a rule for it alone would be one
    more to forget. The tool's definition was approved with the URI in it, and that has to begin with `ui://`, so that
    a tool cannot name anything else. A deny rule for the tool, or for the resource, still wins.
    """
    denies, rehearsed = (*tool.denies, *interface.denies), (*tool.rehearsed, *interface.rehearsed)
    careful = tool.careful or interface.careful
    return msgspec.structs.replace(interface, allows=tool.allows, denies=denies, rehearsed=rehearsed, careful=careful)


def _templated(template: Target, behind: Behind) -> Template:
    fits = opened(behind.catalogue, uris.fits(template.name))
    return Template(template, fits, _denying(template, behind.link.rules), behind.link.charges)


def _denying(template: Target, rules: Rules) -> Rules:
    """Return the rules of a template's URIs, with those that deny the template as it is written.

    Its label is what operators see and copy: a deny of `files:file:///{path}` must not hide it and leave it open.
    """
    if not template.denies:
        return rules

    def ruled(label: str) -> Ruling:
        ruling = rules(label)
        known = {rule.name for rule in ruling.denies}
        denies = (*(rule for rule in template.denies if rule.name not in known), *ruling.denies)
        return ruling._replace(denies=denies, careful=ruling.careful or template.careful)

    return ruled


def _told(endpoint: str, name: tuple[Kind, str], sharing: tuple[Target, ...]) -> str:
    labels = ", ".join(dict.fromkeys(target.label for target in sharing))
    return f"{endpoint}: {name[0]} {name[1]!r} is offered by {labels}; none of them is reachable here"


def ttl(present: Iterable[Catalogue]) -> int:
    """Return how many milliseconds clients may keep what an endpoint lists: the least that its servers say."""
    known = [0 if each.stale else each.ttl_ms for each in present]
    return max(0, min(known, default=0))


def instructions(present: Sequence[Catalogue]) -> str:
    """Return what servers say about themselves; of several, with whose words they are: they are third-party prompts."""
    said = [(each.server, each.instructions.strip()[:_LONGEST_INSTRUCTIONS]) for each in present if each.instructions]
    if len(present) == 1:
        return said[0][1] if said else ""
    return "\n\n".join(f"[{server}] {text}" for server, text in said)[: 4 * _LONGEST_INSTRUCTIONS]

"""Put what is quarantined out of reach in a compiled snapshot, without compiling it anew. Pure."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from ostiary.core.model import Kind, Snapshot, Surface, Target, Template
from ostiary.core.rules import Ruling
from ostiary.policy.quarantine import Marks, denial
from ostiary.protocol import links


def cut(snapshot: Snapshot, marks: Marks) -> Snapshot:
    """Return the snapshot in which nobody reaches what is marked: hidden, as if no rule allowed it."""
    if not (marks.servers or marks.tools):
        return snapshot
    return replace(snapshot, surfaces={key: _surface(each, marks) for key, each in snapshot.surfaces.items()})


def _surface(surface: Surface, marks: Marks) -> Surface:
    faces = _interfaces(surface, marks)

    def shut(target: Target) -> Target:
        face = faces.get((target.server, target.name), "") if target.kind is Kind.RESOURCE else ""
        return denied(target, marks, face)

    return replace(
        surface,
        servers=tuple(name for name in surface.servers if not marks.cut(name, "")),
        targets={name: shut(each) for name, each in surface.targets.items()},
        templates=tuple(_template(each, marks, shut) for each in surface.templates),
        apps={uri: tuple(map(shut, each)) for uri, each in surface.apps.items()},
        links={name: _template(each, marks, shut) for name, each in surface.links.items()},
        clashes={name: tuple(map(shut, each)) for name, each in surface.clashes.items()},
    )


def _interfaces(surface: Surface, marks: Marks) -> dict[tuple[str, str], str]:
    """Return what shuts out the interfaces of tools, by server and URI: they are parts of them."""
    found = {}
    for target in surface.targets.values():
        ident = marks.cut(target.server, target.label) if target.kind is Kind.TOOL else ""
        uri = links.interface(target.definition) if ident else None
        if uri is not None:
            found[target.server, uri] = ident
    return found


def denied(target: Target, marks: Marks, face: str = "") -> Target:
    """Return the target, out of reach if it is marked; `face` is the quarantine of the tool whose interface it is."""
    rule = marks.rule(target) or (denial(face) if face else None)
    # First, so that it is the one that is named where other rules deny it as well.
    return target if rule is None else replace(target, denies=(rule, *target.denies))


def _template(template: Template, marks: Marks, shut: Callable[[Target], Target]) -> Template:
    """Return a template none of whose URIs is a way to what is cut off."""
    whole = shut(template.target)
    added = whole.denies[: len(whole.denies) - len(template.target.denies)]
    server, rules = template.target.server, template.rules

    def ruled(label: str) -> Ruling:
        ruling, found = rules(label), marks.cut(server, label)
        mine = (denial(found),) if found else added
        return ruling._replace(denies=(*mine, *ruling.denies)) if mine else ruling

    return replace(template, target=whole, rules=ruled)

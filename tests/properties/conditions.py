"""Conditions as they are written, each with what it means said a second time, in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

Truth = bool | None
"""None: it cannot be told, which is an error."""


class Scene(Struct, frozen=True):
    """What a condition may look at, by its own names for it."""

    args: Mapping[str, Any]
    caller: Mapping[str, Any]
    tool: Mapping[str, Any]
    call: Mapping[str, str]
    now: float


class Leaf(Struct, frozen=True):
    text: str
    says: Callable[[Scene], Truth]
    argument: str = ""
    """The one that it reads; empty: none."""
    type: str = ""
    guarded: bool = False
    """It may be missing."""


class Both(Struct, frozen=True):
    word: str
    left: Tree
    right: Tree


class Not(Struct, frozen=True):
    part: Tree


Tree = Leaf | Both | Not


def written(tree: Tree) -> str:
    """Return a condition in CEL."""
    match tree:
        case Leaf(text=text):
            return text
        case Not(part=part):
            return f"!({written(part)})"
        case Both(word=word, left=left, right=right):
            return f"({written(left)}) {word} ({written(right)})"


def truth(tree: Tree, scene: Scene) -> Truth:
    """Return what a condition comes to: what decides an `&&` or `||` does so whatever the other side is."""
    match tree:
        case Leaf(says=says):
            return says(scene)
        case Not(part=part):
            found = truth(part, scene)
            return None if found is None else not found
        case Both(word=word, left=left, right=right):
            sides = (truth(left, scene), truth(right, scene))
            decisive = word == "||"
            if decisive in sides:
                return decisive
            return None if None in sides else not decisive


def leaves(tree: Tree) -> Iterator[Leaf]:
    match tree:
        case Leaf():
            yield tree
        case Not(part=part):
            yield from leaves(part)
        case Both(left=left, right=right):
            yield from leaves(left)
            yield from leaves(right)


def usable(tree: Tree) -> bool:
    """Say whether no part of it shows to be there what another part needs: how far that goes has its own tests."""
    found = [leaf for leaf in leaves(tree) if leaf.argument]
    return all(one.guarded == other.guarded for one in found for other in found if one.argument == other.argument)


def reading(tree: Tree | None) -> list[Leaf]:
    """Return the parts of a condition that read arguments."""
    return [] if tree is None else [leaf for leaf in leaves(tree) if leaf.argument]


# What there is to say


_MISSING: Final = object()


def _argument(test: Callable[[Any], bool], name: str) -> Callable[[Scene], Truth]:
    def says(scene: Scene) -> Truth:
        value = scene.args.get(name, _MISSING)
        return None if value is _MISSING else test(value)

    return says


def _given(test: Callable[[Any], bool], name: str) -> Callable[[Scene], Truth]:
    return lambda scene: name in scene.args and test(scene.args[name])


def _of(text: str, name: str, kind: str, test: Callable[[Any], bool]) -> tuple[Leaf, Leaf]:
    """Return a test of an argument that is there, and the same for one that may be missing."""
    return (
        Leaf(text, _argument(test, name), name, kind),
        Leaf(f"has(args.{name}) && {text}", _given(test, name), name, kind, guarded=True),
    )


def _region(test: Callable[[Any], bool]) -> Callable[[Scene], Truth]:
    def says(scene: Scene) -> Truth:
        value = scene.caller["claims"].get("region", _MISSING)
        return None if value is _MISSING else test(value)

    return says


def _hour(scene: Scene) -> int:
    return datetime.fromtimestamp(scene.now, UTC).hour


OF_ARGUMENTS: Final = (
    *_of("args.path == '/a'", "path", "string", lambda it: it == "/a"),
    *_of("args.path in ['/a', '/srv/docs/x']", "path", "string", lambda it: it in ("/a", "/srv/docs/x")),
    *_of("args.path.startsWith('/srv/')", "path", "string", lambda it: it.startswith("/srv/")),
    *_of("args.amount <= 100", "amount", "integer", lambda it: it <= 100),
    *_of("args.force", "force", "boolean", lambda it: it is True),
)
OF_CALLERS: Final = (
    Leaf("caller.subject == 'ann'", lambda it: it.caller["subject"] == "ann"),
    Leaf("'dev' in caller.roles", lambda it: "dev" in it.caller["roles"]),
    Leaf("'a' in caller.teams", lambda it: "a" in it.caller["teams"]),
    Leaf("'read' in caller.scopes", lambda it: "read" in it.caller["scopes"]),
    Leaf("caller.client == 'ide'", lambda it: it.caller["client"] == "ide"),
    Leaf("caller.agent == ''", lambda it: it.caller["agent"] == ""),
    Leaf("caller.issuer == 'ostiary'", lambda it: it.caller["issuer"] == "ostiary"),
    Leaf("caller.claims.region == 'eu'", _region(lambda it: it == "eu")),
    Leaf("has(caller.claims.region)", lambda it: "region" in it.caller["claims"]),
)
OF_TOOLS: Final = (
    Leaf("tool.destructive", lambda it: it.tool["destructive"]),
    Leaf("tool.read_only", lambda it: it.tool["read_only"]),
    Leaf("tool.server == 'alpha'", lambda it: it.tool["server"] == "alpha"),
)
OF_ONE_THING: Final = (
    Leaf("tool.kind == 'tool'", lambda it: it.tool["kind"] == "tool"),
    Leaf("tool.kind == 'resource'", lambda it: it.tool["kind"] == "resource"),
    Leaf("tool.name in ['file:///b', 'note://9']", lambda it: it.tool["name"] in ("file:///b", "note://9")),
    Leaf("tool.name == 'read'", lambda it: it.tool["name"] == "read"),
    Leaf("tool.label == 'alpha.read'", lambda it: it.tool["label"] == "alpha.read"),
)
"""What differs between a template and the URIs that fit it."""
OF_CALLS: Final = (
    Leaf("call.address == '10.0.0.1'", lambda it: it.call["address"] == "10.0.0.1"),
    Leaf("call.era == 'modern'", lambda it: it.call["era"] == "modern"),
    Leaf("call.version >= '2025-06-18'", lambda it: it.call["version"] >= "2025-06-18"),
    Leaf("call.endpoint == '/mcp'", lambda it: it.call["endpoint"] == "/mcp"),
    Leaf("call.client == 'probe'", lambda it: it.call["client"] == "probe"),
    Leaf("now.getHours() < 12", lambda it: _hour(it) < 12),
)
OF_METHODS: Final = (
    Leaf("call.method == 'tools/call'", lambda it: it.call["method"] == "tools/call"),
    Leaf("call.method != 'prompts/get'", lambda it: it.call["method"] != "prompts/get"),
)
PLAIN: Final = (*OF_CALLERS, *OF_TOOLS, *OF_CALLS, *OF_METHODS)
"""What can be said of everything."""

"""Packages of others that are installed beside us: which names they registered, and what stands behind one.

To see what is registered reads the metadata of installed packages and runs nothing of theirs; only `loaded` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from typing import Any, cast

from msgspec import Struct

from ostiary.guards.plugin import GROUP, Factory, Plugin

_LONGEST = 64


class Unloadable(ValueError):
    """A plugin cannot be had. The text says which, why and what to do, and nothing that its code said."""


class Registered(Struct, frozen=True):
    """A name that a package registered a guard under."""

    name: str
    package: str
    version: str
    place: str
    """The module and the factory in it."""


def registered() -> dict[str, tuple[Registered, ...]]:
    """Return by name what is registered under it; more than one: nobody can say which is meant."""
    found: dict[str, dict[Registered, None]] = {}
    for each in metadata.entry_points(group=GROUP):
        package = each.dist.name if each.dist is not None else ""
        version = each.dist.version if each.dist is not None else ""
        # A folder that is on the path twice, or an editable install, registers the same again.
        found.setdefault(each.name, {})[Registered(each.name, package, version, each.value)] = None
    return {name: tuple(some) for name, some in found.items()}


def named(name: str, known: Mapping[str, tuple[Registered, ...]]) -> Registered:
    """Return what a name means, or raise `Unloadable` where it means nothing, or more than one thing."""
    some = known.get(name, ())
    if not some:
        listed = f"installed are: {', '.join(sorted(known))}" if known else "no package that is installed brings guards"
        raise Unloadable(f"no package registered a guard as {name!r}; {listed}")
    if len(some) > 1:
        who = " and ".join(sorted(f"{each.package} {each.version}" for each in some))
        raise Unloadable(f"{who} both registered a guard as {name!r}; uninstall all but one of them")
    return some[0]


def loaded(what: Registered, settings: Mapping[str, Any]) -> Plugin:
    """Return a plugin, made with these settings: its code is imported and run, which may raise `Unloadable`."""
    entry = metadata.EntryPoint(what.name, what.place, GROUP)
    whose = f"the guard {what.name!r} of {what.package} {what.version}"
    try:
        factory = cast("Factory", entry.load())
    except (Exception, SystemExit) as error:  # noqa: BLE001 - anybody's code, which must not end ours
        raise Unloadable(f"{whose} cannot be imported: {_type(error)}; ask its makers, or uninstall it") from None
    try:
        made = factory(settings)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the same
        raise Unloadable(f"{whose} does not take these settings: {_type(error)}; read what it needs") from None
    if not callable(getattr(made, "look", None)) or not callable(getattr(made, "canaries", None)):
        raise Unloadable(f"{whose} is no guard: it has no `look` or no `canaries`; ask its makers")
    return made


def _type(error: BaseException) -> str:
    """Return what sort of error it is, and nothing of what it says: that may be anything, also a secret."""
    return type(error).__name__[:_LONGEST]

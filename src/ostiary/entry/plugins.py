"""Make the guards of others, and keep them: what a plugin learnt outlives a new snapshot."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from ostiary.adapters.plugins import Registered, Unloadable, loaded, named, registered
from ostiary.config.guards import GuardEntry
from ostiary.config.parse import Document
from ostiary.config.problems import Problem
from ostiary.core.model import Json
from ostiary.core.screening import Guard
from ostiary.guards.plugin import Plugin, held

USE: Final = "plugin"
_MOST: Final = 64
"""Plugins that are kept; one that was forgotten is made again."""


class Kept(Struct, frozen=True):
    """A plugin, who made it, and the guard that it is here."""

    entry: GuardEntry
    what: Registered
    plugin: Plugin
    guard: Guard

    def told(self) -> Json:
        """Return for the ledger whose code looks at calls."""
        what = self.what
        return {"guard": self.entry.name, "load": what.name, "package": what.package, "version": what.version}


class Plugins:
    """The guards of others that a gateway runs, by their entries."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}

    def __call__(self, entry: GuardEntry) -> Kept:
        """Return the plugin of an entry, the same one for the same entry; raise `Unloadable` where there is none."""
        kept = self._kept.pop(entry.name, None)
        if kept is None or kept.entry != entry:
            kept = _made(entry)
        self._kept[entry.name] = kept
        if len(self._kept) > _MOST:
            del self._kept[next(iter(self._kept))]
        return kept


def _made(entry: GuardEntry) -> Kept:
    try:
        what, plugin = _loaded(entry)
    except Unloadable as error:
        raise Unloadable(f"guard {entry.name}: {error}") from None
    return Kept(entry, what, plugin, held(plugin.look, frozenset(entry.skip)))


def _loaded(entry: GuardEntry) -> tuple[Registered, Plugin]:
    what = named(entry.load or "", registered())
    # A copy: what the plugin does to its settings, it does to its own.
    return what, loaded(what, copy.deepcopy(dict(entry.settings)))


def package(entry: GuardEntry) -> str:
    """Return the package and version that a guard comes from, without running any of it; empty: from none, or many."""
    try:
        found = named(entry.load or "", registered())
    except Unloadable:
        return ""
    return f"{found.package} {found.version}"


def missing(document: Document) -> Iterator[Problem]:
    """Yield the guards of a configuration whose packages are not installed, or not to be told apart; nothing is run."""
    known = registered() if any(each.use == USE for each in document.config.guards) else {}
    yield from _objections(document, lambda each: named(each.load or "", known))


def broken(document: Document) -> Iterator[Problem]:
    """Yield the guards of a configuration that cannot be made; those that can be are: their packages' code is run."""
    yield from _objections(document, _loaded)


def _objections(document: Document, tried: Callable[[GuardEntry], object]) -> Iterator[Problem]:
    for at, each in enumerate(document.config.guards):
        if each.use == USE:
            try:
                tried(each)
            except Unloadable as error:
                said, _, remedy = str(error).partition("; ")
                yield document.problem(("guards", at, "load"), said, remedy)

"""Which patterns cover a label: thousands of labels are asked about, so patterns are kept by server. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from ostiary.config.values import globbed, parts


class Index:
    """Which of many lists of patterns cover a label."""

    def __init__(self, listed: list[tuple[str, ...]]) -> None:
        self._exact: dict[str, set[int]] = {}
        self._wild: list[tuple[str, str, str, int]] = []
        self._always: set[int] = set()
        # Labels may name servers that do not exist, so only so many are kept.
        self._of = lru_cache(maxsize=4096)(self._found)
        for index, patterns in enumerate(listed):
            for pattern in patterns:
                self._add(pattern, index)

    def _add(self, pattern: str, index: int) -> None:
        if pattern == "*":
            self._always.add(index)
        elif "*" not in pattern:
            self._exact.setdefault(pattern, set()).add(index)
        else:
            self._wild.append((*(parts(pattern) or _NOTHING), index))

    def covering(self, label: str) -> list[int]:
        """Return the places of the lists that cover a label, in their order."""
        found = self._always | self._exact.get(label, set())
        split = parts(label)
        if split is not None:
            server, kind, name = split
            found.update(
                index
                for head, pattern, index in self._of(server, kind)
                if name.startswith(head) and globbed(pattern, name)
            )
        return sorted(found)

    def _found(self, server: str, kind: str) -> list[tuple[str, str, int]]:
        """Return the patterns of one kind that fit a server, and the texts that they begin with."""
        return [
            (name.partition("*")[0] if "*" in name else name, name, index)
            for where, form, name, index in self._wild
            if form == kind and globbed(where, server)
        ]


_NOTHING: Final = ("", "", "")


def overlaps(patterns: Iterable[str], server: str, fixed: str) -> bool:
    """Say whether a pattern may cover some URI of this server that begins with `fixed`."""
    for pattern in patterns:
        if pattern == "*":
            return True
        name, colon, rest = pattern.partition(":")
        start = rest.partition("*")[0]
        if colon and globbed(name, server) and (start.startswith(fixed) or fixed.startswith(start)):
            return True
    return False

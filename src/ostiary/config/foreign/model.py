"""What reading another client's configuration yields: values that hold no secret. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Tree: TypeAlias = "dict[str, Tree] | list[Tree] | str | bool | None"
"""A parsed document; numbers stay the text they were, so that `1.10` and `0x1F` arrive as written."""

Kind: TypeAlias = Literal["secret", "reference", "renamed", "dropped", "changed", "added"]


@dataclass(frozen=True, slots=True)
class Server:
    """One server, in Ostiary's words; every secret in it is already a reference."""

    name: str
    provenance: str
    command: tuple[str, ...] = ()
    url: str = ""
    sse: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    credential: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""
    allow_private: tuple[str, ...] = ()
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Something an operator should know about one imported server (`server` is empty for a whole file)."""

    server: str
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A literal secret was found: where, why we think so, and the variable that must now hold it."""

    server: str
    where: str
    why: str
    variable: str


@dataclass(frozen=True, slots=True)
class Imported:
    """All that could be read; `formats` says for each file what it was taken for."""

    servers: tuple[Server, ...]
    notes: tuple[Note, ...]
    secrets: tuple[Secret, ...]
    formats: tuple[str, ...] = ()


class Unreadable(ValueError):
    """The text cannot be read as any client's configuration; says where and what to do, never what it holds."""

    def __init__(self, reason: str, *, suggestion: str, filename: str = "", line: int | None = None) -> None:
        """Keep the parts apart, so that a caller can print them as data."""
        self.reason, self.suggestion, self.filename, self.line = reason, suggestion, filename, line
        place = f"{filename or 'input'}:{line}" if line else filename or "input"
        super().__init__(f"{place}: {reason}. {suggestion}")

    def inside(self, filename: str) -> Unreadable:
        """Return the same failure, placed in a file."""
        return Unreadable(self.reason, suggestion=self.suggestion, filename=filename, line=self.line)

"""What is wrong with a configuration, where, and what to write instead. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

Path = tuple[str | int, ...]
_LONGEST: Final = 256


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend, at one place of the file."""

    path: str
    """As people write it: `servers.files.timeout`, `rules[0].allow[1]`; empty for the file as a whole."""
    line: int
    column: int
    message: str
    suggestion: str = ""

    def rendered(self, source: str, kind: str = "") -> str:
        """Return the line that editors and people can follow: `ostiary.yaml:12:5: path: what; suggestion`."""
        said = f"{kind}: " if kind else ""
        subject = f"{self.path}: " if self.path else ""
        hint = f"; {self.suggestion}" if self.suggestion else ""
        return f"{source}:{self.line}:{self.column}: {said}{subject}{self.message}{hint}"


class Unfit(ValueError):
    """One value cannot be used. The message never repeats the value where it could be a secret."""

    def __init__(self, message: str, suggestion: str = "", more: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.message, self.suggestion = message, suggestion
        self.all = ((message, suggestion), *more)
        """Everything that is wrong with the value: a condition may have several mistakes."""


class Invalid(ValueError):
    """A configuration cannot be used, for all of these reasons."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source, self.problems = source, ordered(problems)
        super().__init__("\n".join(problem.rendered(source) for problem in self.problems))


def ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems in the order of the file, each once."""
    return tuple(sorted(set(problems), key=lambda it: (it.line, it.column, it.path, it.message)))


def rendered_path(path: Path) -> str:
    """Return a path as people write it; a key that is not a plain word is quoted: it may play with a terminal."""
    words = [f"[{step}]" if isinstance(step, int) else f".{_word(step)}" for step in path]
    return "".join(words).removeprefix(".")


def _word(key: str) -> str:
    shown = key if len(key) <= 64 else f"{key[:61]}..."  # noqa: PLR2004  # a key longer than a tool name is a mistake
    return shown if shown.isprintable() and " " not in shown else ascii(shown)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean "…"?` for the closest known word, or nothing when none is close."""
    close = nearest(word, known)
    return f'did you mean "{close}"?' if close else ""


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the closest known word, or nothing when none is close."""
    by_folded = {name.casefold(): name for name in known}
    # Comparing takes the product of the lengths, and a key may be a megabyte; no word of ours is nearly so long.
    close = difflib.get_close_matches(word[:_LONGEST].casefold(), by_folded, n=1, cutoff=cutoff)
    return by_folded[close[0]] if close else ""

"""What is wrong with a configuration, where, and what to write instead. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend, at one place of the file."""

    path: str
    """As people write it: `servers.files.timeout`, `rules[0].allow[1]`; empty for the file as a whole."""
    line: int
    column: int
    message: str
    suggestion: str = ""

    def rendered(self, source: str) -> str:
        """Return the line that editors and people can follow: `ostiary.yaml:12:5: path: what; suggestion`."""
        subject = f"{self.path}: " if self.path else ""
        hint = f"; {self.suggestion}" if self.suggestion else ""
        return f"{source}:{self.line}:{self.column}: {subject}{self.message}{hint}"


class Unfit(ValueError):
    """One value cannot be used. The message never repeats the value where it could be a secret."""

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.message, self.suggestion = message, suggestion


class Invalid(ValueError):
    """A configuration cannot be used, for all of these reasons."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        ordered = sorted(set(problems), key=lambda it: (it.line, it.column, it.path, it.message))
        self.source, self.problems = source, tuple(ordered)
        super().__init__("\n".join(problem.rendered(source) for problem in self.problems))


def rendered_path(path: Path) -> str:
    """Return a path as people write it; a key that is not a plain word is quoted: it may play with a terminal."""
    words = [f"[{step}]" if isinstance(step, int) else f".{_word(step)}" for step in path]
    return "".join(words).removeprefix(".")


def _word(key: str) -> str:
    shown = key if len(key) <= 64 else f"{key[:61]}..."  # noqa: PLR2004  # a key longer than a tool name is a mistake
    return shown if shown.isprintable() and " " not in shown else ascii(shown)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean "…"?` for the closest known word, or nothing when none is close."""
    by_folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return f'did you mean "{by_folded[close[0]]}"?' if close else ""

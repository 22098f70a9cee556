"""What a command starts: a program, an interpreter with a script, or a package; as far as its words say. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ostiary.integrity.identity import Package, package

_PYTHON: Final = re.compile(r"(?:python|pypy)[0-9.]*t?w?")
_ASSIGNED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_CODE: Final = frozenset({"-c", "-e", "-p", "-pe", "-r", "--eval", "--print", "--command"})
# By interpreter: options that take the next word, options after which the words are code, and words before the script.
_LOADS: Final = frozenset({
    "-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions", "--env-file",
})  # fmt: skip
_UV: Final = frozenset({
    "--with", "--python", "-p", "--index-url", "--index", "--default-index", "--with-requirements", "-i",
    "--extra-index-url", "--directory", "--project", "--env-file", "--with-editable", "--extra", "--group",
})  # fmt: skip


class _Way(Struct, frozen=True):
    takes: frozenset[str] = frozenset()
    code: frozenset[str] = _CODE
    verbs: frozenset[str] = frozenset()
    modules: bool = False


_PYTHONS: Final = _Way(frozenset({"-W", "-X", "--check-hash-based-pycs"}), frozenset({"-c"}), modules=True)
_NODE: Final = _Way(_LOADS, frozenset({"-e", "-p", "-pe", "--eval", "--print"}))
_PLAIN: Final = _Way()
_WAYS: Final = {
    "node": _NODE, "nodejs": _NODE, "tsx": _NODE, "ts-node": _NODE,
    "bun": _Way(frozenset({"-r", "--preload", "--cwd", "--config", "-c"}), frozenset({"-e", "-p"}), frozenset({"run"})),
    "deno": _Way(frozenset({"-c", "--config", "--import-map", "--lock", "--cert"}), frozenset({"eval"}),
                 frozenset({"run", "serve"})),
    "java": _Way(frozenset({"-cp", "-classpath", "--class-path", "-p", "--module-path", "--add-modules"}), frozenset(),
                 frozenset({"-jar"})),
    "uv": _Way(_UV, frozenset(), frozenset({"run"}), modules=True),
    "sh": _PLAIN, "bash": _PLAIN, "zsh": _PLAIN, "dash": _PLAIN, "ruby": _PLAIN, "perl": _PLAIN, "php": _PLAIN,
    "lua": _PLAIN, "Rscript": _PLAIN, "dotnet": _PLAIN, "pwsh": _PLAIN,
}  # fmt: skip


class Run(Struct, frozen=True):
    """What a command starts."""

    program: int
    """The word that names the program."""
    runner: bool = False
    """It only runs something else: an interpreter, or what fetches packages."""
    script: int = 0
    """The word that names what an interpreter runs; 0: there is none."""
    module: str = ""
    """What `python -m` runs."""
    package: Package | None = None
    """What a runner fetches."""


def started(words: Sequence[str]) -> Run:
    """Return what a command starts; a word that must not be shown is an empty one."""
    at = _program(words)
    own = words[at:]
    found = package(own)
    if found.kind != "file":
        return Run(at, runner=True, package=found)
    name = basename(own[0])
    way = _PYTHONS if _PYTHON.fullmatch(name) else _WAYS.get(name)
    if way is None:
        return Run(at)
    script, module = _script(own, way)
    return Run(at, runner=bool(script or module), script=at + script if script else 0, module=module)


def basename(word: str) -> str:
    """Return what a program is called, without its folder."""
    return re.split(r"[\\/]", word)[-1].removesuffix(".exe").removesuffix(".cmd")


def _program(words: Sequence[str]) -> int:
    """Return which word names the program: `env A=b node x` runs node."""
    if basename(words[0]) != "env":
        return 0
    for at, word in enumerate(words[1:], 1):
        if word.startswith("-") and word not in {"-i", "-", "--ignore-environment"}:
            return 0
        if not word.startswith("-") and not _ASSIGNED.fullmatch(word):
            return at
    return 0


def _script(words: Sequence[str], way: _Way) -> tuple[int, str]:
    """Return which word names the script, and which module is run instead."""
    skip, verbs = False, way.verbs
    for at, word in enumerate(words[1:], 1):
        if skip:
            skip = False
        elif word in verbs:
            verbs = frozenset()
        elif word in way.code:
            return 0, ""
        elif word == "-m" and way.modules:
            return 0, words[at + 1] if at + 1 < len(words) else ""
        elif word.startswith("-"):
            skip = word in way.takes
        else:
            return (at if word else 0), ""
    return 0, ""


def mentioned(words: Sequence[str], run: Run) -> tuple[str, ...]:
    """Return the words that may name files which an interpreter loads: its script, and what its options name before."""
    before = words[run.program + 1 : run.script + 1] if run.script else ()
    return tuple(found for word in before if (found := word.partition("=")[2] if word.startswith("-") else word))

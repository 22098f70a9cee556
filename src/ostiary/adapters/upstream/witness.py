"""See what a server is: the files that its command starts, the package on disk, the key that it proved itself with."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from ostiary.adapters.upstream.dial import Dialer
from ostiary.adapters.upstream.digests import Digests
from ostiary.adapters.upstream.packages import Installed, Packages
from ostiary.adapters.upstream.pool import Dial
from ostiary.adapters.upstream.program import Program, environment
from ostiary.integrity import facts
from ostiary.integrity.commands import Run, mentioned, started
from ostiary.integrity.facts import Fact
from ostiary.integrity.identity import specified
from ostiary.policy.egress import Origin


class Witness:
    """Looks at programs; what was hashed once is remembered."""

    def __init__(self, base: Mapping[str, str]) -> None:
        """Look with the environment that processes get of `base`: their PATH, their HOME."""
        self._base, self._digests = base, Digests()
        self._packages = Packages(self._digests)

    async def program(self, program: Program) -> tuple[Fact, ...]:
        """Return what a program is, as far as can be seen on disk; other work goes on meanwhile."""
        return await asyncio.to_thread(lambda: tuple(self._seen(program)))

    def _seen(self, program: Program) -> Iterator[Fact]:
        env = environment(self._base, program)
        # A word that comes from a secret's place is no name of anything: nothing of it is looked at.
        words = program.words or (program.command[0],)
        run = started(words)
        cwd = Path(program.cwd or Path.cwd())
        path = _found(program.command[run.program], env, cwd)
        shown = str(path) if path is not None and words[run.program] else ""
        files = {word: digest for word in mentioned(words, run) if (digest := self._digests.of(cwd / word))}
        digest = self._digests.of(path) if path is not None else ""
        if run.package is None and not files and not run.module:
            yield Fact(facts.PROGRAM, {"path": shown, "sha256": digest} if path is not None else {})
        else:
            yield Fact(facts.RUNNER, {"path": shown} if path is not None else {})
            yield Fact(facts.RUNNER_FILE, {"sha256": digest} if digest else {})
        if files:
            yield Fact(facts.SCRIPT, {str(cwd / word): digest for word, digest in files.items()})
        yield from self._package(words[run.program :], run, path, env, cwd)

    def _package(
        self, words: tuple[str, ...], run: Run, path: Path | None, env: Mapping[str, str], cwd: Path
    ) -> Iterator[Fact]:
        found: Installed | None = None
        if run.package is not None:
            named = {"kind": run.package.kind, "name": run.package.name, "version": run.package.version}
            yield Fact(facts.PACKAGE, named)
            found = self._packages.of_runner(run.package, specified(words), env, cwd)
        elif run.module:
            yield Fact(facts.PACKAGE, {"kind": "module", "name": run.module, "version": ""})
            found = self._packages.of_module(path, run.module) if path is not None else None
        elif run.script:
            found = self._packages.of_file(cwd / words[run.script - run.program])
        elif path is not None:
            found = self._packages.of_file(path)
        if found is not None:
            yield Fact(facts.INSTALLED, msgspec.structs.asdict(found))


def key(dial: Dial | None, origin: Origin | None) -> tuple[Fact, ...]:
    """Return the key that a server proved itself with when it was last connected to, where it speaks TLS."""
    found = dial.key(origin) if isinstance(dial, Dialer) and origin is not None else ""
    return (Fact(facts.KEY, {"sha256": found}),) if found else ()


def _found(word: str, env: Mapping[str, str], cwd: Path) -> Path | None:
    """Return the file that starting this program would execute: it is looked for as the system looks for it."""
    folders = [""] if "/" in word else os.get_exec_path(env)
    for folder in folders:
        path = cwd / folder / word
        if path.is_file() and os.access(path, os.X_OK):
            return path
    return None

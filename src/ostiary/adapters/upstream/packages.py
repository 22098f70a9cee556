"""Find the package behind a program, a script or a runner where it lies on disk; nothing is fetched, little is read.

Its hash is the one that installers leave behind: of RECORD (PyPA, "Recording installed projects"), of the tarball as
npm's lock file has it, and where there is none of package.json. What was written over the files afterwards is not seen.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from ostiary.adapters.upstream.digests import Digests
from ostiary.integrity.identity import Package

_LARGEST: Final = 32 * 1024 * 1024
_RECORD: Final = 8 * 1024 * 1024
_PROJECTS: Final = 4_096
_LEVELS: Final = 32
_UNLIKE: Final = re.compile(r"[-_.]+")
_SITES: Final = ("lib/python3*/site-packages", "lib/python3/dist-packages", "lib64/python3*/site-packages")
_SHEBANG: Final = 256
_SCRIPTS: Final = frozenset({".js", ".mjs", ".cjs", ".ts", ".mts"})


class Installed(Struct, frozen=True):
    """A package as it lies on disk."""

    name: str
    version: str
    hash: str
    source: str
    """Where the hash is from: `RECORD`, `lock` or `package.json`."""


class Packages:
    """Looks for packages; what was found in a folder is remembered until the folder changes."""

    def __init__(self, digests: Digests) -> None:
        """Hash files with `digests`, which remembers them."""
        self._digests = digests
        self._found: dict[tuple[str, str], tuple[int, Path | None]] = {}

    def of_file(self, path: Path) -> Installed | None:
        """Return the package that a program or script belongs to."""
        real = path.resolve()
        runs = _shebang(path)
        for each in (path, real) if b"python" in runs else ():
            if found := self._of_python(each.parent.parent, f"../../../bin/{each.name},"):
                return found
        return self._of_node(real.parent) if b"node" in runs or real.suffix in _SCRIPTS else None

    def of_module(self, interpreter: Path, module: str) -> Installed | None:
        """Return the package that `python -m` runs, in the environment that the interpreter is of."""
        top = module.partition(".")[0]
        for line in (f"{top}/__init__.py,", f"{top}.py,"):
            for prefix in dict.fromkeys((interpreter.parent.parent, interpreter.resolve().parent.parent)):
                if found := self._of_python(prefix, line):
                    return found
        return None

    def of_runner(self, package: Package, spec: str, env: Mapping[str, str], cwd: Path) -> Installed | None:
        """Return what a runner has fetched of a package; None where that cannot be told."""
        home = Path(env.get("HOME") or "/nonexistent")
        if package.kind == "npm" and re.fullmatch(r"(@[\w.~-]+/)?[\w.~-]+", package.name):
            # libnpmexec calls the folder by a hash of what it was asked for.
            key = hashlib.sha512(spec.encode()).hexdigest()[:16]
            cache = Path(env.get("npm_config_cache") or home / ".npm")
            for root in (cwd, cache / "_npx" / key):
                if found := self._of_node(root / "node_modules" / package.name, levels=1):
                    return found
        if package.kind == "pypi" and re.fullmatch(r"[\w.-]+", package.name):
            return self._of_tool(package, env, home)
        return None

    # PyPI

    def _of_tool(self, package: Package, env: Mapping[str, str], home: Path) -> Installed | None:
        name = _UNLIKE.sub("-", package.name).lower()
        share = Path(env.get("XDG_DATA_HOME") or home / ".local" / "share")
        tools = Path(env.get("UV_TOOL_DIR") or share / "uv" / "tools")
        for prefix in (tools / name, share / "pipx" / "venvs" / name, home / ".local" / "pipx" / "venvs" / name):
            for site in _sites(prefix):
                for project in _projects(site):
                    if _named(project)[0] == name and package.version in {"", "latest", _named(project)[1]}:
                        return self._recorded(project)
        if not package.pinned:
            return None
        cache = Path(env.get("UV_CACHE_DIR") or Path(env.get("XDG_CACHE_HOME") or home / ".cache") / "uv")
        wheels = sorted(cache.glob(f"wheels-v*/pypi/{name}/{package.version}-*/*.dist-info"))
        return next((found for each in wheels if (found := self._recorded(each))), None)

    def _of_python(self, prefix: Path, line: str) -> Installed | None:
        """Return the project whose RECORD has a line that begins so."""
        for site in _sites(prefix):
            stamp = site.stat().st_mtime_ns
            known = self._found.get((str(site), line))
            if known is None or known[0] != stamp:
                if len(self._found) >= _PROJECTS:
                    self._found.clear()
                found = next((each for each in _projects(site) if _lists(each / "RECORD", line)), None)
                known = self._found[str(site), line] = stamp, found
            if known[1] is not None and (recorded := self._recorded(known[1])):
                return recorded
        return None

    def _recorded(self, project: Path) -> Installed | None:
        digest = self._digests.of(project / "RECORD")
        return Installed(*_named(project), f"sha256:{digest}", "RECORD") if digest else None

    # npm

    def _of_node(self, folder: Path, levels: int = _LEVELS) -> Installed | None:
        """Return the package whose folder this is, or is in."""
        for each in islice((folder, *folder.parents), levels):
            said = _json(each / "package.json")
            name, version = said.get("name"), said.get("version")
            # What somebody works on, and nobody installed, is no package yet: its script says what it is.
            if isinstance(name, str) and isinstance(version, str) and each.match(f"node_modules/{name}"):
                locked = _locked(each, name)
                if locked:
                    return Installed(name[:214], version[:64], locked, "lock")
                return Installed(name[:214], version[:64], f"sha256:{self._digests.of(each / 'package.json')}",
                                 "package.json")  # fmt: skip
        return None


def _shebang(path: Path) -> bytes:
    with suppress(OSError), path.open("rb") as file:
        first = file.read(_SHEBANG).partition(b"\n")[0]
        return first if first.startswith(b"#!") else b""
    return b""


def _sites(prefix: Path) -> Iterator[Path]:
    with suppress(OSError):
        for pattern in _SITES:
            yield from islice(sorted(prefix.glob(pattern)), 8)


def _projects(site: Path) -> Iterable[Path]:
    return islice(sorted(site.glob("*.dist-info")), _PROJECTS)


def _named(project: Path) -> tuple[str, str]:
    """Return the name and version of a project from its folder's: `mcp_server_git-1.2.dist-info`."""
    name, _, version = project.name.removesuffix(".dist-info").rpartition("-")
    return _UNLIKE.sub("-", name).lower(), version


def _lists(record: Path, line: str) -> bool:
    try:
        with record.open("rb") as file:
            raw = file.read(_RECORD)
    except OSError:
        return False
    wanted = line.encode()
    return raw.startswith(wanted) or b"\n" + wanted in raw


def _locked(folder: Path, name: str) -> str:
    """Return the hash of a package's tarball from npm's hidden lock file, or nothing."""
    packages = _json(folder.parents[name.count("/")] / ".package-lock.json").get("packages")
    entry = packages.get(f"node_modules/{name}") if isinstance(packages, dict) else None
    said = entry.get("integrity") if isinstance(entry, dict) else None
    return said[:512] if isinstance(said, str) else ""


def _json(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

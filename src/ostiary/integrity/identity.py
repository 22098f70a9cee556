"""What a stdio server is, as far as its command says: which package, which version, and whether it is pinned. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from ostiary.integrity.findings import Finding, Rule, Severity, finding

UNPINNED: Final = Rule(
    "unpinned-package", Severity.MEDIUM,
    "The runner fetches whatever is newest at each start: what was looked at is not what will run.",
    "Name one exact version: npx -y NAME@1.2.3, uvx NAME==1.2.3, docker run IMAGE@sha256:…",
)  # fmt: skip
RULES: Final = (UNPINNED,)

_EXACT: Final = re.compile(r"v?\d+(?:\.\d+){1,3}(?:[-+.]?[0-9A-Za-z][0-9A-Za-z.+-]*)?")
_COMMIT: Final = re.compile(r"git\+.*@[0-9a-f]{40}(?:#.*)?")
_IMAGE: Final = re.compile(r".+@sha256:[0-9a-f]{64}")
_NPM: Final = re.compile(r"(@?[^@\s]+)(?:@(.*))?")
_USER: Final = re.compile(r"//[^/@]*@")
_QUERY: Final = re.compile(r"\?[^#]*")
_PYPI: Final = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?(?:(?:==|@)(.*)|.*)")
# Options of the runners that take the next word; of all others it is known that they do not, or that they end in `=`.
_TAKES: Final = {
    "npm": frozenset({"-c", "--call", "-w", "--workspace", "--prefix", "--registry", "--cache", "--node-options"}),
    "pypi": frozenset({
        "--with", "--python", "-p", "--index-url", "--index", "--default-index", "--with-requirements", "-i",
        "--extra-index-url", "--directory", "--project", "--env-file", "--with-editable", "--pip-args",
    }),
    "oci": frozenset({
        "-e", "--env", "--env-file", "-v", "--volume", "--mount", "-p", "--publish", "--network", "--net", "--name",
        "-w", "--workdir", "-u", "--user", "--entrypoint", "--add-host", "-l", "--label", "--memory", "-m", "--cpus",
        "--cap-add", "--cap-drop", "--security-opt", "--platform", "--tmpfs", "--pull", "--restart", "--runtime",
    }),
}  # fmt: skip
_NAMES: Final = {"npm": ("-p", "--package"), "pypi": ("--from", "--spec"), "oci": ()}
_RUNNERS: Final = {
    ("npx",): "npm", ("bunx",): "npm", ("npm", "exec"): "npm", ("pnpm", "dlx"): "npm", ("yarn", "dlx"): "npm",
    ("pnpx",): "npm", ("bun", "x"): "npm", ("uvx",): "pypi", ("uv", "tool", "run"): "pypi", ("pipx", "run"): "pypi",
    ("docker", "run"): "oci", ("podman", "run"): "oci",
}  # fmt: skip


class Package(Struct, frozen=True):
    """What a command runs; a program that is no package has its path as its name."""

    kind: str
    """`npm`, `pypi`, `oci`, or `file`."""
    name: str
    version: str
    pinned: bool

    @property
    def purl(self) -> str:
        """The package's URL (purl specification); empty for a program."""
        if self.kind == "file":
            return ""
        version = f"@{quote(self.version, safe='.:')}" if self.version else ""
        return f"pkg:{self.kind}/{quote(self.name, safe='/')}{version}"


def package(command: Sequence[str]) -> Package:
    """Return what a command runs."""
    words = (re.split(r"[\\/]", command[0])[-1].removesuffix(".exe").removesuffix(".cmd"), *command[1:])
    for runner, kind in _RUNNERS.items():
        if tuple(words[: len(runner)]) == runner:
            spec = _spec(kind, words[len(runner) :])
            return _READ[kind](_bare(spec)) if spec else Package(kind, "", "", pinned=False)
    # The file itself is what is pinned: by its digest.
    return Package("file", command[0], "", pinned=True)


def unpinned(command: Sequence[str]) -> tuple[Finding, ...]:
    """Return the finding about a command that does not say exactly what it runs."""
    found = package(command)
    if found.pinned:
        return ()
    return (finding(UNPINNED, "/command", f"{found.name or 'a package'} {found.version}".strip()),)


def _spec(kind: str, words: Sequence[str]) -> str:
    """Return the word that says what to run."""
    skip = False
    for at, word in enumerate(words):
        if skip:
            skip = False
        elif word in _NAMES[kind] and at + 1 < len(words):
            return words[at + 1]
        elif any(word.startswith(f"{name}=") for name in _NAMES[kind]):
            return word.partition("=")[2]
        elif not word.startswith("-"):
            return word
        else:
            skip = word in _TAKES[kind]
    return ""


def specified(command: Sequence[str]) -> str:
    """Return the word by which a runner is told what to run, as it stands; empty where there is none."""
    words = (re.split(r"[\\/]", command[0])[-1].removesuffix(".exe").removesuffix(".cmd"), *command[1:])
    found = ((kind, len(runner)) for runner, kind in _RUNNERS.items() if tuple(words[: len(runner)]) == runner)
    return next((_spec(kind, words[length:]) for kind, length in found), "")


def _bare(spec: str) -> str:
    """Return what a package is called without the credentials that its address may carry."""
    return _QUERY.sub("", _USER.sub("//", spec))


def _npm(spec: str) -> Package:
    if spec.startswith(("git", "http", "github:", "file:", ".", "/")):
        return Package("npm", spec, "", pinned=bool(_COMMIT.fullmatch(spec)))
    found = _NPM.fullmatch(spec)
    name, version = (found[1], found[2] or "") if found else (spec, "")
    return Package("npm", name, version, pinned=bool(_EXACT.fullmatch(version)))


def _pypi(spec: str) -> Package:
    found = _PYPI.fullmatch(spec)
    if spec.startswith(("git+", "http", ".", "/")) or found is None:
        return Package("pypi", spec, "", pinned=bool(_COMMIT.fullmatch(spec)))
    return Package("pypi", found[1], found[2] or "", pinned=bool(_EXACT.fullmatch(found[2] or "")))


def _oci(spec: str) -> Package:
    name, _, digest = spec.partition("@")
    head, _, tag = name.rpartition(":")
    if not head or "/" in tag:
        head, tag = name, ""
    return Package("oci", head, digest or tag, pinned=bool(_IMAGE.fullmatch(spec)))


_READ: Final = {"npm": _npm, "pypi": _pypi, "oci": _oci}

"""`ostiary doctor`: what on this machine or in this setup will bite, and what to do about each."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import resource
import shutil
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from msgspec import Struct

from ostiary.adapters.secrets import Unresolved, base_environment, exposure, resolve
from ostiary.adapters.store import database
from ostiary.adapters.store.ledger_read import ledger_directory, records, segments
from ostiary.adapters.upstream.server import Setup
from ostiary.config.fields import Section
from ostiary.config.problems import Invalid
from ostiary.config.schema import Config, Server, weakened
from ostiary.config.values import Secret, is_loopback
from ostiary.core.model import Token
from ostiary.entry.cli.probe import asked
from ostiary.entry.cli.terminal import (
    CONFIG,
    AsJson,
    ConfigFile,
    data,
    days,
    line,
    moment,
    now,
    plural,
    quiet,
    say,
)
from ostiary.entry.cli.tokens import expiring, state
from ostiary.entry.offline import Offline, offline
from ostiary.entry.setups import setup
from ostiary.integrity.pins import State

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_WRITABLE: Final = stat.S_IWGRP | stat.S_IWOTH
_PYTHON: Final = (3, 11)
_LEAST_SPACE: Final = 1 << 30
_SKEW: Final = 60.0
_PATIENCE: Final = 60.0
_REMOTE: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs"})


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    topic: str
    level: str
    """`ok`, `warning` or `problem`."""
    text: str
    todo: str = ""


Look = Callable[[Offline, Path], Iterator[Finding]]


def doctor(
    config: ConfigFile = CONFIG,
    *,
    online: Annotated[
        bool, typer.Option("--online", help="Ask every server as well; starts those that are commands.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look for what on this machine or in this setup will bite, and say what to do about each; exit 1 for problems.

    Example: ostiary doctor --online
    """
    quiet()
    found = list(_examined(config, online=online))
    if as_json:
        data([msgspec.structs.asdict(each) for each in found])
    else:
        _tell(found)
    if any(each.level == "problem" for each in found):
        raise typer.Exit(1)


def _examined(path: Path, *, online: bool) -> Iterator[Finding]:
    yield _python()
    try:
        opened = offline(path)
    except Invalid as error:
        for problem in error.problems:
            yield Finding("configuration", "problem", problem.rendered(str(path)), problem.suggestion)
        return
    yield Finding("configuration", "ok", f"{path} is good")
    for look in _LOOKS:
        yield from look(opened, path)
    if online:
        yield from _reached(opened)


def _tell(found: list[Finding]) -> None:
    colours = {"ok": "green", "warning": "yellow", "problem": "bold red"}
    for each in found:
        line(f"{each.level:8} {each.topic}: {each.text}", colours[each.level])
        if each.todo:
            line(f"{'':8} -> {each.todo}")
    problems, warnings = (sum(each.level == level for each in found) for level in ("problem", "warning"))
    if not problems and not warnings:
        say("Nothing to worry about.", "green")
        return
    say(f"{plural(problems, 'problem')}, {plural(warnings, 'warning')}.", "bold red" if problems else "yellow")


def _python() -> Finding:
    said = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < _PYTHON:
        return Finding("python", "problem", f"Python {said} is too old", "install Python 3.11 or later")
    return Finding("python", "ok", said)


# This machine


def _files(opened: Offline, path: Path) -> Iterator[Finding]:
    """Look at who else may read or write what decides, proves or is nobody else's business."""
    exposed = list(_open_to_others(opened.data))
    for each in exposed:
        yield Finding("files", "problem", f"{each} is open to other users", f"chmod go= {each}")
    if _mode(path.resolve()) & _WRITABLE:
        said = f"{path} decides who may do what, and others may write it"
        yield Finding("files", "problem", said, f"chmod go-w {path}")
    if not exposed:
        yield Finding("files", "ok", f"nobody else can read {opened.data}")


def _open_to_others(data_path: Path) -> Iterator[Path]:
    if not _mode(data_path) & _OTHERS:
        return  # What lies in a closed folder is closed.
    inside = [
        *data_path.glob("*"),
        *(data_path / "keys").glob("*"),
        *(each for _, each in segments(data_path / "ledger")),
    ]
    for each in (data_path, *sorted(inside)):
        if each.suffix != ".pub" and _mode(each) & _OTHERS:
            yield each


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _disk(opened: Offline, _path: Path) -> Iterator[Finding]:
    free, least = shutil.disk_usage(opened.data).free, max(_LEAST_SPACE, 4 * opened.config.ledger.rotate)
    said = f"{free / (1 << 30):.1f} GiB free for the ledger"
    if free < 2 * opened.config.ledger.rotate:
        yield Finding("disk", "problem", said, "make room: when the ledger cannot be written, calls stop")
    elif free < least:
        yield Finding("disk", "warning", said, "make room soon: when the ledger cannot be written, calls stop")
    else:
        yield Finding("disk", "ok", said)
    if (kind := _filesystem(opened.data)) in _REMOTE:
        yield Finding(
            "disk",
            "problem",
            f"{opened.data} lies on {kind}",
            "move gateway.data to a local disk: locks fail over networks",
        )


def _filesystem(path: Path) -> str:
    """Return the kind of filesystem a path lies on, where the system tells."""
    try:
        mounts = [each.split()[1:3] for each in Path("/proc/mounts").read_text("utf-8").splitlines()]
    except OSError:
        return ""
    above = {str(path), *(str(each) for each in path.parents)}
    return max(((len(at), kind) for at, kind in mounts if at in above), default=(0, ""))[1]


def _clock(opened: Offline, _path: Path) -> Iterator[Finding]:
    """Look whether time went backwards: tokens expire by this clock, and the ledger is dated by it."""
    directory = ledger_directory(opened.data)
    newest = [number for number, _ in segments(directory)][-1:]
    times = (str(each.record.get("time", "")) for number in newest for each in records(directory, segment=number))
    ahead = max(times, default="")
    if ahead > moment(now() + _SKEW):
        yield Finding(
            "clock", "problem", f"it says {moment(now())}, but the ledger's newest record is of {ahead}",
            "set the clock, and keep it with NTP",
        )  # fmt: skip
        return
    synchronised = Path("/run/systemd/timesync/synchronized").exists() or not Path("/run/systemd/timesync").exists()
    if not synchronised:
        yield Finding(
            "clock", "warning", "it was never synchronised since the start", "see: timedatectl timesync-status"
        )
        return
    yield Finding("clock", "ok", moment(now()))


def _limits(opened: Offline, _path: Path) -> Iterator[Finding]:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    config = opened.config
    # A call holds one connection of its client's and one to its server; a process holds three pipes.
    upstream = sum(server.max_in_flight if server.url else 3 * 64 for server in config.servers.values())
    needed = config.gateway.bounds.in_flight + upstream + 128
    if soft != resource.RLIM_INFINITY and soft < needed:
        todo = f"raise it: ulimit -n {max(4096, 2 * needed)}, or LimitNOFILE= in the service's unit"
        yield Finding("files open", "warning", f"at most {soft}, while busy times may need {needed}", todo)
    else:
        yield Finding("files open", "ok", "no limit" if soft == resource.RLIM_INFINITY else f"up to {soft}")


def _port(opened: Offline, _path: Path) -> Iterator[Finding]:
    address = opened.config.gateway.listen
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            yield _taken(opened, f"{address}: {error.strerror}")
            return
    yield Finding("port", "ok", f"{address} is free; no gateway runs here")


def _taken(opened: Offline, said: str) -> Finding:
    if _locked(opened.data):
        return Finding("port", "ok", f"a gateway runs at {opened.config.gateway.listen}")
    return Finding("port", "problem", said, "end what uses the port (see: ss -ltnp), or change gateway.listen")


def _locked(data_path: Path) -> bool:
    """Say whether a process holds the ledger: that is the running gateway."""
    with contextlib.suppress(FileNotFoundError), (ledger_directory(data_path) / ".lock").open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


# This setup


def _exposed(opened: Offline, _path: Path) -> Iterator[Finding]:
    section = opened.config.gateway
    if not is_loopback(section.listen.host) and section.tls is None:
        todo = "set gateway.tls, or put a proxy that speaks TLS in front and close the port to everyone else"
        yield Finding(
            "exposure", "warning", f"{section.listen} is plain HTTP beyond loopback: tokens can be read", todo
        )
    for key in weakened(opened.config):
        yield Finding("unsafe", "warning", f"{key} switches a protection off", "remove it as soon as you can")
    if not opened.config.rules:
        yield Finding(
            "rules", "warning", "there are no rules, so nobody may use anything", "add rules: see docs/reference"
        )


def _secrets(opened: Offline, _path: Path) -> Iterator[Finding]:
    references = list(_references("", opened.config))
    found = [finding for where, reference in references for finding in _secret(opened, where, reference)]
    yield from found
    if references and not found:
        yield Finding("secrets", "ok", f"{plural(len(references), 'reference')} looked up")


def _secret(opened: Offline, where: str, reference: Secret) -> Iterator[Finding]:
    try:
        resolve(reference)
    except Unresolved as error:
        # A gateway that runs has found its secrets; this shell's environment may be another one.
        runs = reference.kind == "env" and _locked(opened.data)
        todo = "set it where the gateway is started" if reference.kind == "env" else "mend the file or the reference"
        yield Finding("secrets", "warning" if runs else "problem", f"{where}: {error}", todo)
        return
    if said := exposure(reference):
        yield Finding("secrets", "problem", f"{where}: {said}", f"chmod 600 {reference.where}")


def _references(path: str, value: object) -> Iterator[tuple[str, Secret]]:
    """Yield every reference to a secret in a configuration, with its place."""
    if isinstance(value, Secret):
        yield path, value
    elif isinstance(value, Section):
        for key in type(value).model_fields:
            yield from _references(f"{path}.{key}".lstrip("."), getattr(value, key))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _references(f"{path}.{key}", each)


def _programs(opened: Offline, _path: Path) -> Iterator[Finding]:
    base = base_environment()
    for name, server in _enabled(opened.config):
        if server.command is None:
            continue
        program = str(server.command[0])
        own = server.env.get("PATH", base.get("PATH"))
        if server.cwd is not None and not Path(server.cwd).is_dir():
            yield Finding(
                "programs", "problem", f"{name}: the folder {server.cwd} does not exist", "make it, or mend cwd"
            )
        if shutil.which(program, path=own if isinstance(own, str) else None) is None:
            yield Finding("programs", "problem", f"{name}: {program} is not there", _installed(program))
        elif Path(program).name in ("npx", "npm") and shutil.which("node", path=base.get("PATH")) is None:
            yield Finding(
                "programs", "problem", f"{name}: {program} needs node, which is not there", _installed("node")
            )
        else:
            yield Finding("programs", "ok", f"{name}: {program}")


def _installed(program: str) -> str:
    match Path(program).name:
        case "npx" | "npm" | "node":
            return "install Node.js 22 or later, or put it on the gateway's PATH"
        case "uvx" | "uv":
            return "install uv (pip install uv), or put it on the gateway's PATH"
        case "docker" | "podman":
            return "install it, and let the gateway's user start containers"
    return "install it, write its whole path, or put it on the gateway's PATH"


def _enabled(config: Config) -> Iterator[tuple[str, Server]]:
    return ((name, server) for name, server in config.servers.items() if not server.disabled)


def _tokens(opened: Offline, _path: Path) -> Iterator[Finding]:
    at = now()
    good = [each for each in database.all_tokens(opened.engine) if state(each, at) == "good"]
    soon = sorted((each for each in good if expiring(each, at)), key=lambda each: each.expires)
    told = [finding for each in soon for finding in _ending(each, at)]
    yield from told[:20]
    if not good:
        yield Finding(
            "tokens", "warning", "nobody has a token, so nobody can call", "ostiary token create --subject WHO"
        )
    elif not told:
        yield Finding("tokens", "ok", f"{plural(len(good), 'token')}, none expires within 14 days without a successor")


def _ending(token: Token, at: float) -> Iterator[Finding]:
    named, left = f"{token.id} of {token.subject}", days(token.expires - at)
    if not token.successor:
        yield Finding("tokens", "warning", f"{named} expires in {left}", f"ostiary token rotate {token.id}")
    elif token.last_used is not None and token.rotated is not None and token.last_used > token.rotated:
        said = f"{named} was rotated and is still used; it ends in {left}"
        yield Finding("tokens", "warning", said, f"give its successor, {token.successor}, to whoever uses it")


def _catalogues(opened: Offline, _path: Path) -> Iterator[Finding]:
    seen = {each.server for each in database.offerings(opened.engine)}
    rows = opened.sightings()
    for name, _ in _enabled(opened.config):
        held = {row.sighting.digest for row in rows if row.server == name and row.state in (State.NEW, State.CHANGED)}
        if name not in seen:
            yield Finding("catalogue", "warning", f"{name} was never asked what it offers", f"ostiary probe {name}")
        elif held:
            yield Finding(
                "catalogue", "warning", f"{name}: {plural(len(held), 'definition')} held back", "ostiary tools diff"
            )
        else:
            yield Finding("catalogue", "ok", f"{name}: all that was seen is decided")
    for note in opened.notes:
        yield Finding("catalogue", "warning", note, "rename one of them in a view, or narrow the rules")


def _reached(opened: Offline) -> Iterator[Finding]:
    """Ask every server what it offers."""
    ready: list[Setup] = []
    for name, server in _enabled(opened.config):
        try:
            ready.append(setup(name, server, opened.config, resolve))
        except (Unresolved, OSError, ValueError) as error:
            yield Finding("online", "problem", f"{name} cannot be set up: {error}", "see above")
    for name, answer in asyncio.run(asked(ready, _PATIENCE)).items():
        if isinstance(answer, str):
            yield Finding("online", "problem", f"{name}: {answer}", f"ostiary probe {name}")
        else:
            said = f"{answer.era} era, {answer.version}, {plural(len(answer.definitions), 'definition')}"
            yield Finding("online", "ok", f"{name}: {said}")


_LOOKS: Final[tuple[Look, ...]] = (
    _files, _disk, _clock, _limits, _port, _exposed, _secrets, _programs, _tokens, _catalogues,
)  # fmt: skip

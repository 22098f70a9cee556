"""`ostiary import`: servers that people already have, said again for the gateway."""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from ostiary.config.foreign import Imported, Unreadable, entries, read_all, surface
from ostiary.config.parse import parse
from ostiary.config.problems import Invalid
from ostiary.entry.cli.terminal import CONFIG, AsJson, ConfigFile, Refused, data, plural, raw, say, shown, usage

_FRESH = "gateway:\n  url: http://127.0.0.1:8080\n"
_LARGEST = 8 * 1024 * 1024


def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="mcp.json, claude_desktop_config.json, config.toml, …")
    ],
    config: ConfigFile = CONFIG,
    *,
    append: Annotated[bool, typer.Option("--append", help="Add the servers to the configuration file.")] = False,
    skip: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Leave this server out; repeatable.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read the servers that MCP clients are configured with, and print them as Ostiary's configuration.

    Secrets found in the files become env: references; where they were is told
    on standard error, and what they are is never copied or printed.

    Example: ostiary import ~/.cursor/mcp.json .vscode/mcp.json --append
    """
    imported = _read(files, tuple(skip or ()))
    if append:
        _append(config, imported)
    if as_json:
        data(_plain(imported))
    elif not append:
        raw(surface(imported))
    _tell(imported)


def _read(files: list[Path], skip: tuple[str, ...]) -> Imported:
    try:
        imported = read_all([(_text(path), str(path)) for path in files])
    except Unreadable as error:
        place = f"{error.filename}:{error.line}" if error.line else error.filename
        raise Refused(f"{place}: {error.reason}.", f"{error.suggestion}.") from None
    unknown = set(skip) - {server.name for server in imported.servers}
    if unknown:
        raise usage("--skip", f"no server is called {', '.join(sorted(unknown))}")
    return replace(imported, servers=tuple(each for each in imported.servers if each.name not in skip))


def _text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise Refused(f"{path} is larger than {_LARGEST >> 20} MiB.", "Name a client's configuration file.")
    # Some editors on Windows write UTF-16 or a byte order mark.
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise Refused(f"{path} is not text in UTF-8.", "Name a client's configuration file.") from None


def _plain(imported: Imported) -> dict[str, Any]:
    return {
        "servers": entries(imported),
        "notes": [asdict(each) for each in imported.notes],
        "secrets": [asdict(each) for each in imported.secrets],
    }


def _tell(imported: Imported) -> None:
    for note in imported.notes:
        colour = {"dropped": "yellow", "secret": "bold"}.get(note.kind, "")
        say(f"{note.server or 'file'}: {note.kind}: {note.text}", colour)
    said = plural(len(imported.servers), "server")
    say(f"{said}; nobody may use them until a rule says so. See: ostiary check", "green" if imported.servers else "")


# Adding to a file


def _append(path: Path, imported: Imported) -> None:
    """Add servers to a configuration file, whole or not at all; comments stay where they are."""
    text = path.read_text("utf-8") if path.exists() else _FRESH
    before = parse(text, str(path))
    taken = sorted(server.name for server in imported.servers if server.name in before.servers)
    if taken:
        raise Refused(
            f"{path} already has {', '.join(taken)}; nothing was added.",
            f"Rename it in one of the files, or leave it out: {' '.join(f'--skip {name}' for name in taken)}",
        )
    grown = _grown(text, imported)
    after = _parsed(grown, str(path))
    kept = {name: server for name, server in after.servers.items() if name in before.servers}
    if after.model_copy(update={"servers": kept}) != before:
        raise Refused(f"{path} cannot be added to without changing what it says.", "Paste what import prints.")
    replaced(path, grown)
    say(f"{path}: added {', '.join(server.name for server in imported.servers)}.")


def _parsed(text: str, source: str) -> Any:
    try:
        return parse(text, source)
    except Invalid as error:
        # Lines are those of the file as it would have become, which nobody has seen: the paths are what helps.
        said = "\n".join(f"{each.path}: {each.message}; {each.suggestion}" for each in error.problems)
        raise Refused(f"{said}\n{source} was not changed.", "Leave these servers out with --skip NAME.") from None


def _grown(text: str, imported: Imported) -> str:
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 4096
    if re.search(r"^( *)[^\s#].*:\s*\n\1 +- ", text, re.MULTILINE):
        yaml.indent(mapping=2, sequence=4, offset=2)
    root = yaml.load(text)
    servers = root.get("servers")
    if not servers:
        servers = root["servers"] = CommentedMap()
    for server, entry in zip(imported.servers, entries(imported).values(), strict=True):
        servers[server.name] = _tree(entry)
        servers.yaml_set_comment_before_after_key(server.name, before=f"from {shown(server.provenance)}", indent=2)
    out = io.StringIO()
    yaml.dump(root, out)
    return out.getvalue()


def _tree(value: Any) -> Any:
    """Return a value as the library writes it by hand: lists in one line."""
    if isinstance(value, dict):
        return CommentedMap((key, _tree(each)) for key, each in value.items())
    if isinstance(value, list):
        flow = CommentedSeq(value)
        flow.fa.set_flow_style()
        return flow
    return value


def replaced(path: Path, text: str) -> None:
    """Replace a file in one step, so that a running gateway reads the old one or the new one and nothing in between."""
    target = path.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            Path(name).chmod(target.stat().st_mode & 0o7777)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise

"""`Imported` → the `servers:` of an ostiary.yaml. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ostiary.config.foreign.model import Imported, Server

# What YAML 1.2 and 1.1 readers alike take for a string; everything else is quoted.
_PLAIN: Final = re.compile(r"[A-Za-z_./][A-Za-z0-9_./:-]*[A-Za-z0-9_/]|[A-Za-z]")
_TYPED: Final = re.compile(r"true|false|yes|no|on|off|y|n|null|\.inf|\.nan|[.\d_:-]+", re.IGNORECASE)
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def entries(imported: Imported) -> dict[str, dict[str, Any]]:
    """Return what `servers:` maps each name to."""
    return {server.name: _entry(server) for server in imported.servers}


def surface(imported: Imported) -> str:
    """Return YAML text with one `servers:` block; comments say where each server came from."""
    head = "servers:\n" if imported.servers else "servers: {}\n"
    return head + "".join(_block(server) for server in imported.servers)


def _entry(server: Server) -> dict[str, Any]:
    return {key: value for key, value in _settings(server) if value}


def _settings(server: Server) -> list[tuple[str, Any]]:
    return [
        ("command", list(server.command)),
        ("url", server.url),
        ("sse", server.sse),
        ("env", dict(server.env)),
        ("headers", dict(server.headers)),
        ("credential", dict(server.credential)),
        ("cwd", server.cwd),
        ("allow_private", list(server.allow_private)),
        ("disabled", server.disabled),
    ]


def _block(server: Server) -> str:
    lines = [f"  # from {server.provenance}", f"  {_scalar(server.name)}:"]
    for key, value in _entry(server).items():
        lines += _setting(key, value)
    return "\n".join(lines) + "\n"


def _setting(key: str, value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"    {key}:", *(f"      {_scalar(name)}: {_scalar(text)}" for name, text in value.items())]
    if value is True:
        return [f"    {key}: true"]
    if isinstance(value, list):
        return [f"    {key}: [{', '.join(map(_scalar, value))}]"]
    return [f"    {key}: {_scalar(value)}"]


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text) and not _TYPED.fullmatch(text):
        return text
    return '"' + "".join(_escaped(c) for c in text) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\U{code:08x}"

"""Client capabilities, reduced to what may change what a server offers. Pure.

A server may list other tools to a client that can elicit than to one that cannot, so catalogues and pins are kept per
declared set. A client writes that set freely; it is reduced to the members the specification knows, so that one
client cannot make the gateway keep a catalogue for each thing it can invent, and so that nothing is declared
upstream that the gateway could not carry back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from ostiary.core.model import Json

NOTHING: Final = ""
"""The offer of a client that declared nothing."""

_FORM, _URL, _SAMPLING, _TOOLS, _CONTEXT, _ROOTS = "form", "url", "sampling", "tools", "context", "roots"
_TASKS, _UI = "tasks", "ui"
EVERYTHING: Final = "context,form,roots,sampling,tasks,tools,ui,url"

TASKS: Final = "io.modelcontextprotocol/tasks"
"""Long-running calls (SEP-2663): of the modern era only. Tasks of 2025-11-25 are another thing under the same name."""
UI: Final = "io.modelcontextprotocol/ui"
"""Apps (SEP-1865): in both eras."""
_APP: Final = "text/html;profile=mcp-app"
_MOST_SETTINGS: Final = 32


def offer(capabilities: Json, *, modern: bool = False) -> str:
    """Return the canonical name of a declared set: the same for every way to write the same thing.

    Only a `modern` client can be told of tasks.
    """
    if not capabilities:
        return NOTHING
    parts: set[str] = set()
    elicitation, sampling = capabilities.get("elicitation"), capabilities.get("sampling")
    if isinstance(elicitation, dict):
        # `{}` means form only (2026-07-28, elicitation, "Capabilities").
        parts |= {mode for mode in (_FORM, _URL) if mode in elicitation} or {_FORM}
    if isinstance(sampling, dict):
        parts |= {_SAMPLING} | {part for part in (_TOOLS, _CONTEXT) if part in sampling}
    if isinstance(capabilities.get("roots"), dict):
        parts.add(_ROOTS)
    extensions = capabilities.get("extensions")
    if isinstance(extensions, dict):
        parts |= _extended(extensions, modern=modern)
    return ",".join(sorted(parts))


def _extended(extensions: Json, *, modern: bool) -> set[str]:
    parts = set()
    if modern and isinstance(extensions.get(TASKS), dict):
        parts.add(_TASKS)
    settings = extensions.get(UI)
    types = settings.get("mimeTypes") if isinstance(settings, dict) else None
    if isinstance(types, list) and _APP in types:
        parts.add(_UI)
    return parts


def declared(offered: str, *, modern: bool = False) -> dict[str, Any]:
    """Return the capabilities to declare upstream for an offer: the inverse of `offer`."""
    parts = set(offered.split(",")) if offered else set()
    result: dict[str, Any] = {}
    if parts & {_FORM, _URL}:
        result["elicitation"] = {mode: {} for mode in (_FORM, _URL) if mode in parts}
    if _SAMPLING in parts:
        result["sampling"] = {part: {} for part in (_TOOLS, _CONTEXT) if part in parts}
    if _ROOTS in parts:
        result["roots"] = {}
    extensions: dict[str, Any] = {TASKS: {}} if modern and _TASKS in parts else {}
    if _UI in parts:
        extensions[UI] = {"mimeTypes": [_APP]}
    return result | ({"extensions": extensions} if extensions else {})


def capable_of_tasks(offered: str) -> bool:
    """Say whether a client with this offer declared that a call of its may become a task."""
    return _TASKS in offered.split(",")


def covers(offered: str, method: str, params: Json) -> bool:
    """Say whether a client with this offer may be asked `method` by a server."""
    parts = offered.split(",")
    match method:
        case "elicitation/create":
            mode = params.get("mode", _FORM)
            return mode in (_FORM, _URL) and mode in parts  # a tuple: a mode may be anything, also unhashable
        case "sampling/createMessage":
            return _SAMPLING in parts and (_TOOLS in parts or not ("tools" in params or "toolChoice" in params))
        case "roots/list":
            return _ROOTS in parts
    return False


def needed(method: str, params: Json) -> dict[str, Any]:
    """Return the client capabilities without which a client may not be asked `method` (2026-07-28, -32021)."""
    match method:
        case "elicitation/create":
            return {"elicitation": {_URL if params.get("mode") == _URL else _FORM: {}}}
        case "sampling/createMessage":
            return {"sampling": {_TOOLS: {}} if "tools" in params or "toolChoice" in params else {}}
        case "roots/list":
            return {"roots": {}}
    return {}


def announced_extensions(servers: Iterable[Json]) -> dict[str, Any]:
    """Return the extensions that some of these servers announced and the gateway carries, settings put together."""
    found: dict[str, dict[str, Any]] = {}
    for capabilities in servers:
        extensions = capabilities.get("extensions")
        for name in (TASKS, UI):
            settings = extensions.get(name) if isinstance(extensions, dict) else None
            if isinstance(settings, dict):
                found[name] = _together(found[name], settings) if name in found else dict(settings)
    return found


def _together(one: Json, other: Json) -> dict[str, Any]:
    """Return two servers' settings as one: lists hold what either has, and what they disagree on is left out."""
    result: dict[str, Any] = {}
    for key in [*one, *(key for key in other if key not in one)]:
        if key not in one or key not in other:
            result[key] = one.get(key, other.get(key))
        elif isinstance(one[key], list) and isinstance(other[key], list):
            result[key] = [*one[key], *(each for each in other[key] if each not in one[key])][:_MOST_SETTINGS]
        elif one[key] == other[key]:
            result[key] = one[key]
    return result

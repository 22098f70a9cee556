"""Client capabilities, reduced to what may change what a server offers. Pure.

A server may list other tools to a client that can elicit than to one that cannot, so catalogues and pins are kept per
declared set. A client writes that set freely; it is reduced to the members the specification knows, so that one
client cannot make the gateway keep a catalogue for each thing it can invent, and so that nothing is declared
upstream that the gateway could not carry back.
"""

from __future__ import annotations

from typing import Any, Final

from ostiary.core.model import Json

NOTHING: Final = ""
"""The offer of a client that declared nothing."""

_FORM, _URL, _SAMPLING, _TOOLS, _CONTEXT, _ROOTS = "form", "url", "sampling", "tools", "context", "roots"
EVERYTHING: Final = "context,form,roots,sampling,tools,url"


def offer(capabilities: Json) -> str:
    """Return the canonical name of a declared set: the same for every way to write the same thing."""
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
    return ",".join(sorted(parts))


def declared(offered: str) -> dict[str, Any]:
    """Return the capabilities to declare upstream for an offer: the inverse of `offer`."""
    parts = set(offered.split(",")) if offered else set()
    result: dict[str, Any] = {}
    if parts & {_FORM, _URL}:
        result["elicitation"] = {mode: {} for mode in (_FORM, _URL) if mode in parts}
    if _SAMPLING in parts:
        result["sampling"] = {part: {} for part in (_TOOLS, _CONTEXT) if part in parts}
    if _ROOTS in parts:
        result["roots"] = {}
    return result


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

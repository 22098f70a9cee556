"""Find the URIs that a server hands to a client, in results and in definitions of tools. Pure.

A link is not guaranteed to be in any list (2025-06-18 and later, server/tools, "Resource Links"), so what was handed
over is what makes it readable. Only the places that the protocol has for URIs are looked at, and only their surface:
whatever else a big result holds is not walked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from ostiary.core.model import Json
from ostiary.protocol import uris

MOST: Final = 1024
"""URIs of one result; what comes after them stays unknown."""
_LOOKED_AT: Final = 64
"""Entries of structured content, which is data first of all, and may be large."""
# RFC 3986 section 6.2.2.1: schemes, and hosts where they are DNS names, have one spelling, which is in lower case.
_SPELLED: Final = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*:.+|https?://[^/?#A-Z]+(?:[/?#].*)?", re.DOTALL)
_INTERFACE: Final = "ui://"
_LINKING: Final = ("resource_link", "resource")


def usable(uri: object) -> bool:
    """Say whether a value is a URI that rules can speak of: absolute, and spelled the one way they are written."""
    return isinstance(uri, str) and uris.normal(uri) and uri.isprintable() and _SPELLED.fullmatch(uri) is not None


def handed(result: Json) -> list[str]:
    """Return the usable URIs that the result of a tool, a prompt or a resource hands over, each once."""
    # Nearly every result is text and hands nothing over; lists, because generators would cost more than the look.
    found = _blocks(result.get("content"))
    if "structuredContent" in result:
        found += _structured(result["structuredContent"])
    if "_meta" in result:
        found.append(_interface(result))
    if "messages" in result:
        for message in _entries(result["messages"]):
            content = message.get("content")
            found += _blocks(content if isinstance(content, list) else [content])
    if "contents" in result:
        found += [each.get("uri") for each in _entries(result["contents"])]
    return list(islice(dict.fromkeys(filter(usable, found)), MOST)) if found else found


def interface(tool: Json) -> str | None:
    """Return the `ui://` resource that a tool's definition names as its interface (SEP-1865); None for anything else.

    Whoever may call the tool may read it, so no other scheme will do: a tool could name any file otherwise.
    """
    uri = _interface(tool)
    return uri if isinstance(uri, str) and uri.startswith(_INTERFACE) and usable(uri) else None


def _blocks(content: object) -> list[Any]:
    found = []
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict) and block.get("type") in _LINKING:
            within = block.get("resource") if block["type"] == "resource" else block
            found.append(within.get("uri") if isinstance(within, dict) else None)
    return found


def _structured(data: object) -> list[Any]:
    found = _blocks(list(islice(_shallow(data), _LOOKED_AT)))
    return [*found, _interface(data)] if isinstance(data, dict) else found


def _shallow(data: object) -> Iterator[Any]:
    """Yield the value itself, its entries, and theirs where they are lists."""
    yield data
    entries: Iterable[Any] = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    for each in entries:
        yield each
        if isinstance(each, list):
            yield from each


def _interface(holder: Json) -> object:
    """Return what `_meta` names as the interface, in the present spelling or in the older, flat one."""
    meta = holder.get("_meta")
    if not isinstance(meta, dict):
        return None
    ui = meta.get("ui")
    nested = ui.get("resourceUri") if isinstance(ui, dict) else None
    return nested if nested is not None else meta.get("ui/resourceUri")


def _entries(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for each in value:
            if isinstance(each, dict):
                yield each

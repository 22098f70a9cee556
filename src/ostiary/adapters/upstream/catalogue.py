"""Ask a server what it offers, item by item: one malformed definition is dropped and logged, the rest is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from ostiary.adapters.upstream import modern
from ostiary.adapters.upstream.handshake import Link
from ostiary.adapters.upstream.wire import HTTPWire, Wire, deaf
from ostiary.core.errors import Garbled
from ostiary.core.model import MODERN, Era, Json, Kind
from ostiary.integrity.pins import Offering, Sighting, sighting
from ostiary.protocol import headers
from ostiary.protocol.jsonrpc import encode, mapping, request

log: Final = structlog.get_logger(__name__)

Ask = Callable[[str, dict[str, Any]], Awaitable[Json]]

_LISTS: Final = (
    (Kind.TOOL, "tools/list", "tools", "tools"),
    (Kind.PROMPT, "prompts/list", "prompts", "prompts"),
    (Kind.RESOURCE, "resources/list", "resources", "resources"),
    (Kind.TEMPLATE, "resources/templates/list", "resourceTemplates", "resources"),
)
_KEY: Final = {Kind.RESOURCE: "uri", Kind.TEMPLATE: "uriTemplate"}
_PAGES: Final = 200
_ENTRIES: Final = 20_000
_LARGEST: Final = 256 * 1024
_LONGEST_NAME: Final = {Kind.TOOL: 256, Kind.PROMPT: 256, Kind.RESOURCE: 1000, Kind.TEMPLATE: 1000}
_METHOD_UNKNOWN: Final = -32601


async def offering(server: str, offer: str, era: Era, way: Wire | Link, deadline: float, now: float) -> Offering:
    """Return what a server offers at present to clients with this offer."""
    if isinstance(way, Link):
        return await _collected(server, offer, era, lambda method, params: way.ask(method, params, deadline), way, now)

    async def ask(method: str, params: dict[str, Any]) -> Json:
        params = {**params, "_meta": dict(modern.envelope(offer))}
        heard = await way.request(request(way.mint(), method, params), modern.fields(method, ""), deadline, deaf)
        return heard.message

    return await _collected(server, offer, era, ask, way, now)


async def _collected(server: str, offer: str, era: Era, ask: Ask, way: Wire | Link, now: float) -> Offering:
    if isinstance(way, Link):
        about: Json = {"capabilities": way.capabilities, "instructions": way.instructions}
        version, info = way.version, way.info
    else:
        about = _result(await ask("server/discover", {}))
        version, info = MODERN, mapping(mapping(about.get("_meta")).get("io.modelcontextprotocol/serverInfo"))
    capabilities = mapping(about.get("capabilities"))
    found: list[Sighting] = []
    ttls = [about.get("ttlMs")] if era is Era.MODERN else []
    for kind, method, field, needed in _LISTS:
        if needed in capabilities:
            entries, ttl = await _listed(ask, method, field)
            ttls.append(ttl)
            found += _usable(server, kind, entries, over_http=isinstance(way, HTTPWire))
    instructions = about.get("instructions")
    known = [ttl for ttl in ttls if isinstance(ttl, int) and ttl >= 0]
    return Offering(
        server, offer, str(era), version, info, capabilities, instructions if isinstance(instructions, str) else "",
        tuple(found), min(known, default=0), now,
    )  # fmt: skip


async def _listed(ask: Ask, method: str, field: str) -> tuple[list[Any], object]:
    """Return every entry of a listing, through all its pages."""
    entries: list[Any] = []
    ttl: object = 0
    cursor: str | None = None
    seen: set[str] = set()
    for _ in range(_PAGES):
        answer = await ask(method, {} if cursor is None else {"cursor": cursor})
        if mapping(answer.get("error")).get("code") == _METHOD_UNKNOWN:
            return entries, ttl
        result = _result(answer)
        page = result.get(field)
        if not isinstance(page, list):
            raise Garbled(f"{method} was answered without {field}")
        entries += page
        ttl = result.get("ttlMs", ttl)
        following = result.get("nextCursor")
        # An empty string is a cursor like any other; only absence ends a listing (2026-07-28, pagination).
        if not isinstance(following, str):
            return entries, ttl
        if following in seen or len(entries) > _ENTRIES:
            raise Garbled(f"{method} has no end")
        seen.add(following)
        cursor = following
    raise Garbled(f"{method} has more than {_PAGES} pages")


def _usable(server: str, kind: Kind, entries: list[Any], *, over_http: bool) -> list[Sighting]:
    found: dict[str, Sighting] = {}
    doubled: set[str] = set()
    for entry in entries:
        try:
            each = _checked(kind, entry, over_http=over_http)
        except ValueError as error:
            log.warning("a definition was dropped", server=server, kind=str(kind), reason=str(error))
            continue
        if each.name in found:
            doubled.add(each.name)
        found[each.name] = each
    for name in doubled:
        log.warning("a name is offered twice, so neither is used", server=server, kind=str(kind), name=name[:80])
    return [each for name, each in found.items() if name not in doubled]


def _checked(kind: Kind, entry: Any, *, over_http: bool) -> Sighting:
    """Return a definition as a sighting; ValueError where it is not one."""
    key = _KEY.get(kind, "name")
    if not isinstance(entry, dict) or not isinstance(entry.get(key), str) or not entry[key]:
        raise ValueError(f"it has no {key}")
    if len(entry[key]) > _LONGEST_NAME[kind] or not entry[key].isprintable():
        raise ValueError(f"its {key} is too long or holds control characters")
    if len(encode(entry)) > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST} bytes")
    if kind is Kind.TOOL:
        schema = entry.get("inputSchema")
        if not isinstance(schema, dict):
            raise ValueError("it has no inputSchema")
        if over_http:
            headers.mirrored(schema)
    return sighting(kind, entry)


def _result(answer: Json) -> Json:
    result = answer.get("result")
    if not isinstance(result, dict):
        raise Garbled(f"a listing was refused: {str(answer.get('error'))[:200]}")
    return result

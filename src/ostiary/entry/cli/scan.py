"""`ostiary scan`: everything that integrity looks for, in any server or file of servers, without a gateway."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ostiary import __version__
from ostiary.adapters.secrets import Unresolved, base_environment, resolve
from ostiary.adapters.upstream.hub import Hub
from ostiary.adapters.upstream.server import Setup
from ostiary.config.foreign import Unreadable, entries, read
from ostiary.config.problems import Invalid, did_you_mean
from ostiary.config.schema import Config, Server
from ostiary.core.errors import GatewayError
from ostiary.core.model import Json, Kind
from ostiary.entry.cli.terminal import (
    CONFIG,
    AsJson,
    ConfigFile,
    Refused,
    data,
    duration,
    line,
    moment,
    now,
    plural,
    quiet,
    say,
    usage,
)
from ostiary.entry.offline import checked
from ostiary.entry.setups import setup
from ostiary.integrity import identity, names, places, poisoning
from ostiary.integrity.findings import Severity
from ostiary.integrity.pins import Offering, Sighting, sighting
from ostiary.integrity.reports import Part, Told, cyclonedx, sarif
from ostiary.protocol.capabilities import EVERYTHING, NOTHING
from ostiary.protocol.jsonrpc import mapping
from ostiary.protocol.names import label

RULES: Final = (*poisoning.RULES, *names.RULES, *identity.RULES)
_LARGEST: Final = 32 * 1024 * 1024
_NAMED: Final = frozenset({Kind.TOOL, Kind.PROMPT})
_LISTS: Final = {
    "tools": Kind.TOOL, "prompts": Kind.PROMPT, "resources": Kind.RESOURCE, "resourceTemplates": Kind.TEMPLATE,
}  # fmt: skip
_KEYS: Final = {Kind.RESOURCE: "uri", Kind.TEMPLATE: "uriTemplate"}
_COLOURS: Final = {Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: ""}
_NEVER: Final = "never"


def scan(  # noqa: PLR0913 - each is an option
    target: Annotated[
        str, typer.Argument(metavar="FILE|SERVER", help="mcp.json, ostiary.yaml, a saved listing; or a server's name.")
    ],
    config: ConfigFile = CONFIG,
    *,
    as_json: AsJson = False,
    as_sarif: Annotated[bool, typer.Option("--sarif", help="Print the findings as SARIF 2.1.0.")] = False,
    as_sbom: Annotated[
        bool, typer.Option("--sbom", help="Print what the servers are, as CycloneDX 1.6, instead of findings.")
    ] = False,
    static: Annotated[bool, typer.Option("--static", help="Start and ask no server: look at the file only.")] = False,
    fail_on: Annotated[
        str,
        typer.Option("--fail-on", metavar="SEVERITY", help="Exit 1 from this severity on: low, medium, high, never."),
    ] = "high",
    timeout: Annotated[str, typer.Option(metavar="DURATION", help="How long to wait for all servers.")] = "60s",
) -> None:
    """Look for poisoned definitions, look-alike names and unpinned packages, without a gateway.

    A file of servers is read as `ostiary import` reads it, and its servers are
    asked what they offer: their commands are started, as the file's own client
    would. With --static none is; then only the file itself is looked at.

    A saved answer to tools/list is looked at as it is. The command exits 1 where
    something at or above --fail-on was found, or a server could not be asked.

    Example: ostiary scan .vscode/mcp.json --sarif
    """
    quiet()
    least = _least(fail_on)
    file, servers, offered, where = _target(target, config)
    failed: dict[str, str] = {}
    if servers and not static:
        offered, failed = asyncio.run(_asked(servers, duration("--timeout", timeout)))
    if as_sbom:
        data(cyclonedx(_parts(servers.servers if servers else {}, offered), __version__, moment(now())))
    else:
        told = list(_told(servers, offered, where))
        _print(told, failed, file, as_json=as_json, as_sarif=as_sarif)
        if any(least is not None and each.finding.severity >= least for each in told):
            raise typer.Exit(1)
    if failed:
        for name, why in failed.items():
            say(f"{name} could not be asked: {why}", "red")
        raise typer.Exit(1)


def _least(text: str) -> Severity | None:
    if text == _NEVER:
        return None
    try:
        return Severity[text.upper()]
    except KeyError:
        raise usage("--fail-on", f"{text!r} is none of low, medium, high, never") from None


# What to look at

Offered = dict[str, list[Offering]]


Where = Callable[[str, Sighting | None, str], int]
"""A server, a definition of it and a place in that one → a line of the file."""


def _target(target: str, config: Path) -> tuple[str, Config | None, Offered, Where]:
    """Return the file, its servers where it has some, what they offer where the file says so, and where that is."""
    path = Path(target)
    if not path.is_file():
        known = checked(config).config
        if target not in known.servers:
            hint = did_you_mean(target, known.servers) or f"there are {', '.join(known.servers) or 'none'}"
            raise Refused(f"{target} is no file, and no server of {config} is called that.", hint)
        one = known.model_copy(update={"servers": {target: known.servers[target]}})
        return str(config), one, {}, _of_servers(config.read_text("utf-8", "replace"))
    with path.open("rb") as opened:
        raw = opened.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise Refused(f"{path} is larger than {_LARGEST >> 20} MiB.", "Name a file of servers, or a saved listing.")
    listing = _listing(path.stem, raw)
    if listing is not None:
        return str(path), None, {path.stem: [listing]}, _of_listing(raw.decode("utf-8", "replace"))
    return str(path), _config(path, raw), {}, _of_servers(raw.decode("utf-8-sig", "replace"))


def _config(path: Path, raw: bytes) -> Config:
    text = raw.decode("utf-8-sig", "replace")
    if path.suffix in {".yaml", ".yml"} and "\ngateway:" in f"\n{text}":
        return checked(path).config
    try:
        found = entries(read(text, str(path)))
    except Unreadable as error:
        raise Refused(f"{error}", "Name an mcp.json, an ostiary.yaml or a saved answer to tools/list.") from None
    document = {"gateway": {"url": "http://127.0.0.1:8080"}, "servers": found}
    try:
        return Config.model_validate(document)
    except (Invalid, ValueError) as error:
        raise Refused(f"{path} holds servers that cannot be used: {error}", f"See: ostiary import {path}") from None


def _of_servers(text: str) -> Where:
    known = places.places(text)
    line = cache(lambda server: places.of_server(text, known, server))
    return lambda server, _each, _place: int(line(server))


def _of_listing(text: str) -> Where:
    """Return where things stand in a saved answer: each definition, and what was found in it."""
    known = places.places(text)
    found = json.loads(text)
    root, whole = ("/result", found["result"]) if "result" in found else ("", found)
    pointers: dict[str, str] = {}
    for field, kind in _LISTS.items():
        listed = whole.get(field)
        for index, each in enumerate(listed if isinstance(listed, list) else ()):
            for it in _sightings(kind, [each]):
                pointers.setdefault(it.digest, f"{root}/{field}/{index}")
    return lambda _server, each, place: places.at(known, f"{pointers.get(each.digest, root) if each else root}{place}")


def _listing(name: str, raw: bytes) -> Offering | None:
    """Return a saved answer of a server, such as that to tools/list, as what it offers."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    whole = mapping(found.get("result", found)) if isinstance(found, dict) else {}
    kept = {kind: whole[field] for field, kind in _LISTS.items() if isinstance(whole.get(field), list)}
    seen = tuple(each for kind, listed in kept.items() for each in _sightings(kind, listed))
    if not seen and "instructions" not in whole:
        return None
    said = str(whole.get("instructions") or "")
    return Offering(name, NOTHING, "", "", mapping(whole.get("serverInfo")), {}, said, seen, 0, 0.0)


def _sightings(kind: Kind, listed: Sequence[object]) -> Iterator[Sighting]:
    for each in listed:
        if isinstance(each, dict) and _KEYS.get(kind, "name") in each:
            yield sighting(kind, each)


async def _asked(config: Config, patience: float) -> tuple[Offered, dict[str, str]]:
    """Ask every server what it offers to clients that can do nothing, and to those that can do everything."""
    ready: list[Setup] = []
    failed: dict[str, str] = {}
    for name, server in config.servers.items():
        try:
            ready.append(setup(name, server, config, resolve))
        except (Unresolved, ValueError, OSError) as error:
            failed[name] = str(error)
    hub, offered = Hub(base_environment()), Offered()
    async with hub.supervisor:
        await hub.configure(ready)
        deadline = asyncio.get_running_loop().time() + patience
        try:
            answers = await asyncio.gather(*(_offered(hub, each.name, deadline) for each in ready))
        finally:
            await hub.close()
    for each, answer in zip(ready, answers, strict=True):
        if isinstance(answer, str):
            failed[each.name] = answer
        else:
            offered[each.name] = answer
    return offered, failed


async def _offered(hub: Hub, name: str, deadline: float) -> list[Offering] | str:
    try:
        async with asyncio.timeout_at(deadline + 1):
            return [await hub.offered(name, offer, deadline, time.time()) for offer in (NOTHING, EVERYTHING)]
    except GatewayError as error:
        return error.detail or error.message
    except TimeoutError:
        return "it did not answer in time"


# Looking


def _told(config: Config | None, offered: Offered, where: Where) -> Iterator[Told]:
    for name, server in (config.servers if config else {}).items():
        for found in identity.unpinned(_command(server)) if server.command else ():
            yield Told(name, name, found, where(name, None, ""))
    every = {name: list(_definitions(each)) for name, each in offered.items()}
    before = names.between({name: [it.name for it in each if it.kind in _NAMED] for name, each in every.items()})
    for name, definitions in every.items():
        said = {"instructions": offered[name][0].instructions, "serverInfo": offered[name][0].info}
        for found in poisoning.scan(said):
            yield Told(name, name, found, where(name, None, found.place))
        for each in definitions:
            known_as = label(name, each.kind, each.name)
            for it in _judged(each, before[name]):
                yield Told(name, known_as, it, where(name, each, it.place))


def _judged(each: Sighting, others: names.Others) -> Iterator[Any]:
    yield from poisoning.scan(each.definition)
    if each.kind in _NAMED:
        yield from others.findings(each.name)
    yield from others.orders(each.definition)


def _definitions(offerings: Iterable[Offering]) -> Iterator[Sighting]:
    found = {(it.kind, it.name, it.digest): it for each in offerings for it in each.definitions}
    yield from found.values()


def _command(server: Server) -> list[str]:
    # A word that is a reference to a secret is no package.
    return [each if isinstance(each, str) else "secret" for each in server.command or ()]


def _parts(servers: Mapping[str, Server], offered: Offered) -> Iterator[Part]:
    for name, server in servers.items():
        info: Json = offered[name][0].info if name in offered else {}
        if server.command is None:
            url = str(server.url or server.sse)
            yield Part(name, None, url=url, key=_key(url) if name in offered else "", info=info)
            continue
        package = identity.package(_command(server))
        yield Part(name, package, _digest(package.name) if package.kind == "file" else "", info=info)


def _digest(program: str) -> str:
    """Return the SHA-256 of a program's file, or nothing where there is none."""
    path = shutil.which(program)
    if path is None:
        return ""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _key(url: str) -> str:
    """Return the SHA-256 of the public key that an https server proves itself with."""
    host, _, rest = url.removeprefix("https://").partition("/")
    if not url.startswith("https://") or "@" in host or rest is None:
        return ""
    name, _, port = host.partition(":")
    try:
        pem = ssl.get_server_certificate((name, int(port or 443)), timeout=10)
    except (OSError, ValueError):
        return ""
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


# Telling


def _print(told: list[Told], failed: dict[str, str], file: str, *, as_json: bool, as_sarif: bool) -> None:
    if as_sarif:
        data(sarif(told, RULES, file, __version__, failed))
        return
    if as_json:
        data({"findings": [_plain(each) for each in told], "failed": failed})
        return
    for each in told:
        found = each.finding
        line(f"{found.severity}  {found.rule}  {each.label}{found.place}  {file}:{each.line}", _COLOURS[found.severity])
        line(f"    {found.evidence}")
        line(f"    {found.why} {found.todo}")
    say(f"{plural(len(told), 'finding')}.", "red" if told else "green")


def _plain(told: Told) -> dict[str, Any]:
    plain = msgspec.structs.asdict(told.finding)
    return {
        "server": told.server, "label": told.label, "line": told.line, **plain, "severity": str(told.finding.severity)
    }  # fmt: skip

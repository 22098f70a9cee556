"""`ostiary tools sbom`: what each server is, as the gateway saw it last."""

from __future__ import annotations

from collections.abc import Iterator

from ostiary import __version__
from ostiary.adapters.store import identities
from ostiary.config.schema import Server
from ostiary.entry.cli.terminal import CONFIG, AsJson, Cell, ConfigFile, data, moment, now, say, styled, table
from ostiary.entry.offline import Offline, offline
from ostiary.entry.setups import shown
from ostiary.integrity.identity import Package, package
from ostiary.integrity.reports import Part, cyclonedx, part


def sbom(config: ConfigFile = CONFIG, *, as_json: AsJson = False) -> None:
    """List what each server is: program, script, package, hash, TLS key, the name it gives itself, and since when.

    It is what the gateway saw when it last looked; nothing is started, asked or
    fetched. With --json it is a bill of materials in the format CycloneDX 1.6.

    Example: ostiary tools sbom --json
    """
    opened = offline(config)
    parts = list(_parts(opened))
    if as_json:
        data(cyclonedx(parts, __version__, moment(now())))
        return
    rows = [row for each in parts for row in _rows(opened, each)]
    if rows:
        table(("SERVER", "FACT", "IS"), rows)
    else:
        say("There are no servers in this configuration.")


def _parts(opened: Offline) -> Iterator[Part]:
    since = identities.pinned(opened.engine)
    for name, server in opened.config.servers.items():
        known = {each.name: each.value for each in opened.revisions.selves.known(name) if each.value}
        yield part(name, known, _said(server), url=str(server.url or server.sse or ""), since=moment(since.get(name)))


def _said(server: Server) -> Package | None:
    """Return what the command of a server says that it is."""
    return package(shown(server)) if server.command else None


def _rows(opened: Offline, part: Part) -> Iterator[list[Cell]]:
    if part.url:
        yield [part.server, "url", part.url]
    elif part.package is not None and not part.facts:
        yield [part.server, "command", f"{part.package.kind} {part.package.name} {part.package.version}".strip()]
    for fact, value in part.facts.items():
        yield [part.server, fact, " ".join(str(each) for pair in value.items() for each in _told(*pair))]
    yield [part.server, "pinned", part.since or "not yet: it was never asked"]
    for each in opened.revisions.selves.strange(part.server):
        yield [part.server, "held", styled(f"its {each.name} is not the pinned one", "red")]


def _told(key: str, value: object) -> tuple[object, ...]:
    # The names of members say nothing that the fact does not, but for the paths of scripts.
    return (f"{key} sha256:{value}",) if "/" in key else (f"sha256:{value}" if key == "sha256" else value,)

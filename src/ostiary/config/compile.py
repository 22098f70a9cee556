"""Config and approved catalogues → Snapshot. Pure.

Compile, don't interpret: patterns, who-lists, schemas and names become dictionaries, frozen sets and closed functions
here, so that a call only looks things up. Rules are expanded against the *approved* catalogue: what appears upstream
overnight is in no dictionary, and therefore unreachable until someone approves it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from ostiary.config import flows, rules, schema, surfaces
from ostiary.config.guards import Guarding
from ostiary.config.policy import Fault, Policy, defined, told
from ostiary.config.schema import Config
from ostiary.config.showing import shown
from ostiary.config.surfaces import Apart, Behind
from ostiary.config.values import covers, globbed, is_loopback, server_of
from ostiary.core.errors import BadArguments
from ostiary.core.model import (
    Bounds,
    Catalogue,
    Check,
    Json,
    Kind,
    Rule,
    Snapshot,
    Surface,
    Target,
    Template,
    Timeouts,
)
from ostiary.core.screening import Guard
from ostiary.integrity import results, schemas
from ostiary.integrity.results import Most
from ostiary.protocol import headers, names, uris
from ostiary.protocol.capabilities import announced_extensions
from ostiary.protocol.methods import BATCH, METHODS, NOTIFIED, OWN

AGGREGATE: Final = "/mcp"
BUILT_IN: Final = Rule("built-in", (frozenset({"*"}),))
"""Speaking to the gateway itself (listing, discovering, opening a session) is open to every known caller; what a list
holds is decided entry by entry."""
_PORT: Final = re.compile(r"[^:]:[0-9]+$|\]:[0-9]+$")
_PROMPTS: Final = "prompt/"
"""How the label of a prompt goes on after the server's name."""
_KEYS: Final = {Kind.RESOURCE: "uri", Kind.TEMPLATE: "uriTemplate"}
_RESOURCES: Final = frozenset({Kind.RESOURCE, Kind.TEMPLATE})
_UNGUARDED: Final[Mapping[str, Guard]] = MappingProxyType({})


class Compiled(NamedTuple):
    """A snapshot, and what an operator should know about it."""

    snapshot: Snapshot
    notes: tuple[str, ...]
    faults: tuple[Fault, ...] = ()
    """Conditions that do not fit what their rules cover: they deny there."""


def compiled(
    config: Config,
    catalogues: Mapping[tuple[str, str], Catalogue],
    revision: int,
    digest: str,
    guards: Mapping[str, Guard] = _UNGUARDED,
) -> Compiled:
    """Return the snapshot of a configuration and what its servers offer; notes say what could not be included.

    `guards` is what looks for each guard of the configuration, by its name; one that is missing stops every call.
    """
    guarding = Guarding(config.guards, guards)
    policies, notes = _policies(config), list[str]()
    enabled = [name for name, server in config.servers.items() if not server.disabled]
    offers = sorted({offer for _, offer in catalogues} | {""})
    made: dict[tuple[str, str], Surface] = {}
    for offer in offers:
        present = [catalogues[name, offer] for name in enabled if (name, offer) in catalogues]
        known = {each.server: _behind(config, policies[""], each, notes, guarding) for each in present}
        for surface in _surfaces(config, policies, known, notes):
            made[surface.endpoint, offer] = surface
    snapshot = Snapshot(
        revision,
        digest,
        frozenset(endpoints(config)),
        made,
        *_names(config),
        Timeouts(config.gateway.timeouts.call, config.gateway.timeouts.session, config.gateway.timeouts.answer),
        Bounds(config.gateway.bounds.body, config.gateway.bounds.depth, config.gateway.bounds.in_flight),
        schema.weakened(config),
        flows.tracking(config),
    )
    faults = tuple(dict.fromkeys(fault for policy in policies.values() for fault in policy.faults))
    notes += (f"{told(each)}; until then it denies" for each in faults)
    return Compiled(snapshot, tuple(dict.fromkeys(notes)), faults)


def _policies(config: Config) -> dict[str, Policy]:
    """Return the policy of each view that some rule speaks of, and under the empty name that of everything else."""
    named = {view for rule in config.rules for view in rule.views or ()}
    return {"": Policy(config), **{view: Policy(config, view) for view in config.views if view in named}}


def endpoints(config: Config) -> dict[str, tuple[str, ...]]:
    """Return every MCP endpoint with the servers behind it."""
    enabled = tuple(name for name, server in config.servers.items() if not server.disabled)
    found = {AGGREGATE: enabled}
    found |= {f"/servers/{name}/mcp": (name,) for name in enabled}
    for name, view in config.views.items():
        wanted = tuple(server for server in enabled if any(_reaches(each, server) for each in view.include))
        found[f"/views/{name}/mcp"] = wanted
    return found


def _reaches(pattern: str, server: str) -> bool:
    return pattern == "*" or globbed(server_of(pattern), server)


def _names(config: Config) -> tuple[frozenset[str], frozenset[str]]:
    """Return the hosts we are, and the origins of pages that may call us."""
    own = urlsplit(config.gateway.url)
    name = own.hostname or ""
    hosts = {f"[{name}]" if ":" in name else name, *config.gateway.hosts}
    origins = {config.gateway.url.rstrip("/"), *config.gateway.origins}
    if is_loopback(config.gateway.listen.host):
        hosts |= {"localhost", "127.0.0.1", "[::1]"}
        origins |= {"http://localhost", "http://127.0.0.1", "localhost:*", "127.0.0.1:*", "[::1]:*"}
    # A name that was written with a port is that port only.
    return frozenset(hosts | {f"{host}:*" for host in hosts if not _PORT.search(host)}), frozenset(origins)


def _behind(config: Config, policy: Policy, catalogue: Catalogue, notes: list[str], guarding: Guarding) -> Behind:
    longest, answers = config.gateway.timeouts.call, config.servers[catalogue.server].answers
    most = Most(answers.depth, answers.values)
    wanted = flows.asked(config)
    found = (_flowing(config, each, wanted) for each in _targets(config, policy, catalogue, notes))
    targets = [guarding.at(_bounded(target, longest, most)) for target in found]
    link = _link(config, policy, catalogue)
    return Behind(
        catalogue, targets, msgspec.structs.replace(link, target=guarding.at(_bounded(link.target, longest, most)))
    )


def _link(config: Config, policy: Policy, catalogue: Catalogue) -> Template:
    timeout = min(config.gateway.timeouts.call, config.servers[catalogue.server].timeout)
    link = surfaces.link(catalogue, timeout, policy.rules, policy.charges)
    return msgspec.structs.replace(link, target=_flowing(config, link.target, flows.asked(config)))


def _flowing(config: Config, target: Target, wanted: frozenset[str]) -> Target:
    """Return a target with what it does to the runs that call it."""
    known = flows.of(config.servers[target.server], target.kind, target.name).flows
    return msgspec.structs.replace(target, flows=known, taints=flows.taints(wanted, target, known))


def _again(config: Config, policy: Policy, behind: Behind) -> Behind:
    """Return what is behind a view that has rules of its own."""
    targets = [_ruled(config, policy, target) for target in behind.targets]
    link, before = _link(config, policy, behind.catalogue), behind.link.target
    linked = msgspec.structs.replace(
        link.target, guards_in=before.guards_in, guards_out=before.guards_out, results=before.results
    )
    return Behind(behind.catalogue, targets, msgspec.structs.replace(link, target=linked))


def _ruled(config: Config, policy: Policy, target: Target) -> Target:
    """Return a target with the rules that cover it."""
    free = config.servers[target.server].unknown_arguments == "allow"
    thing = defined(target.label, target.kind, target.server, target.definition, free=free)
    ruling = policy.template(thing) if target.kind is Kind.TEMPLATE else policy.of(thing)
    return msgspec.structs.replace(target, **ruling._asdict())


def _bounded(target: Target, longest: float, most: Most) -> Target:
    """Return the target with no more time than any call may take, and results that are no more than they may be."""
    timeout, fitted = min(target.timeout, longest), results.within(target.results, most)
    return msgspec.structs.replace(target, timeout=timeout, results=fitted)


def _targets(config: Config, policy: Policy, catalogue: Catalogue, notes: list[str]) -> Iterator[Target]:
    """Yield a target for each approved definition of one server, under the server's own names."""
    server = config.servers[catalogue.server]
    for definition in catalogue.tools:
        name = str(definition["name"])
        own = server.tools.get(name)
        if own is not None and own.disabled:
            continue
        try:
            yield _ruled(config, policy, _tool(server, policy, catalogue.server, definition, own))
        except ValueError as error:
            notes.append(f"{names.label(catalogue.server, 'tool', name)} is held back: {error}")
    for kind, definitions in (
        (Kind.PROMPT, catalogue.prompts),
        (Kind.RESOURCE, catalogue.resources),
        (Kind.TEMPLATE, catalogue.templates),
    ):
        for definition in definitions:
            try:
                yield _ruled(config, policy, _other(server, policy, catalogue.server, kind, definition))
            except ValueError as error:
                name = str(definition[_KEYS.get(kind, "name")])
                notes.append(f"{names.label(catalogue.server, kind, name)} is held back: {error}")


def _tool(server: schema.Server, policy: Policy, where: str, definition: Json, own: schema.Tool | None) -> Target:
    name = str(definition["name"])
    if name.startswith(_PROMPTS):
        raise ValueError("rules would take it for a prompt")
    label = names.label(where, "tool", name)
    shape = schemas.object_schema(definition)
    return Target(
        where,
        Kind.TOOL,
        name,
        label,
        name,
        _described(definition, own),
        charges=policy.charges(label),
        check=schemas.check(shape, unknown=server.unknown_arguments),
        results=results.held(definition, server.results),
        known=schemas.known(shape),
        drops=schemas.dropping(shape) if server.unknown_arguments == "drop" else None,
        mirrored=headers.mirrored(shape),
        timeout=(own.timeout if own and own.timeout else server.timeout),
        repeats=server.retries > 0 and _harmless(_described(definition, own)),
        price=policy.counting.price(label),
    )


def _described(definition: Json, own: schema.Tool | None) -> Json:
    """Return the definition with what the operator knows better about it: their word wins over the server's."""
    said = {"destructiveHint": own.destructive, "readOnlyHint": own.read_only} if own else {}
    said = {key: value for key, value in said.items() if value is not None}
    if said.get("destructiveHint"):
        # What a server says of itself must not undo it: a tool that is read-only destroys nothing.
        said["readOnlyHint"] = False
    if not said:
        return definition
    theirs = definition.get("annotations")
    return {**definition, "annotations": {**theirs, **said} if isinstance(theirs, dict) else said}


def _harmless(definition: Json) -> bool:
    """Say whether a tool may be called twice in place of once, by its approved definition and the operator's word."""
    said = definition.get("annotations")
    return isinstance(said, dict) and (said.get("readOnlyHint") is True or said.get("idempotentHint") is True)


def _other(server: schema.Server, policy: Policy, where: str, kind: Kind, definition: Json) -> Target:
    name = str(definition[_KEYS.get(kind, "name")])
    label = names.label(where, kind, name)
    if kind is Kind.TEMPLATE:
        uris.fits(name)
    elif kind is Kind.RESOURCE and not uris.absolute(name):
        raise ValueError("its URI has no scheme, or holds what cannot be seen, so that no client can ask for it")
    check = _prompt_check(definition) if kind is Kind.PROMPT else None
    return Target(
        where, kind, name, label, name, definition, charges=policy.charges(label), check=check, timeout=server.timeout,
    )  # fmt: skip


def _prompt_check(definition: Json) -> Check:
    listed = definition.get("arguments")
    entries = listed if isinstance(listed, list) else []
    known = {str(each["name"]) for each in entries if isinstance(each, dict) and "name" in each}

    def checked(arguments: Json) -> None:
        for name, value in arguments.items():
            if name not in known:
                raise BadArguments("unknown prompt argument", hint=f"this prompt has no argument {name[:80]!r}")
            if not isinstance(value, str):
                raise BadArguments("prompt argument is not text", hint=f"argument {name[:80]!r} is text")

    return checked


def _surfaces(
    config: Config, policies: Mapping[str, Policy], known: Mapping[str, Behind], notes: list[str]
) -> Iterator[Surface]:
    for endpoint, servers in endpoints(config).items():
        behind = [known[name] for name in servers if name in known]
        kind, _, rest = endpoint.removeprefix("/").partition("/")
        name = rest.partition("/")[0] if kind == "views" else ""
        policy, view = policies.get(name, policies[""]), config.views.get(name)
        if policy is not policies[""]:
            behind = [_again(config, policy, each) for each in behind]
        here = [target for each in behind for target in each.targets]
        if view is not None:
            here = [target for target in here if any(covers(each, target.label) for each in view.include)]
        named = here if kind == "servers" else list(_shown(endpoint, here, view, notes))
        apart = surfaces.apart(endpoint, named, behind)
        notes += apart.notes
        yield _surface(endpoint, servers, policy, behind, apart, view)


def _shown(endpoint: str, targets: Iterable[Target], view: rules.View | None, notes: list[str]) -> Iterator[Target]:
    for target in targets:
        try:
            yield shown(target, view)
        except ValueError as error:
            notes.append(f"{endpoint}: {target.label} is held back: {error}")


def _surface(
    endpoint: str,
    servers: tuple[str, ...],
    policy: Policy,
    behind: list[Behind],
    apart: Apart,
    view: rules.View | None,
) -> Surface:
    table = {(target.kind, target.exposed): target for target in apart.targets}
    for method in [*(name for name, spec in METHODS.items() if spec.key is None), *OWN, NOTIFIED]:
        # Every message of a batch pays for itself; did the batch pay, too, one call at a time would allow none of them.
        charges = () if method == BATCH else policy.charges(method)
        table[Kind.GATEWAY, method] = Target("", Kind.GATEWAY, method, method, method, {}, (BUILT_IN,), (), charges)
    present = [each.catalogue for each in behind]
    said = view.description if view and view.description else surfaces.instructions(present)
    linked = {each.catalogue.server: each.link for each in behind}
    return Surface(
        endpoint, servers, table, apart.templates, announced(present), said, surfaces.ttl(present),
        apps=apart.apps, links=linked, clashes=apart.clashes, careful=policy.careful,
    )  # fmt: skip


def announced(present: Collection[Catalogue]) -> dict[str, Any]:
    """Return the server capabilities of an endpoint: what some server behind it has, and the gateway carries."""
    result: dict[str, Any] = {}
    for catalogue in present:
        theirs = catalogue.capabilities
        for key, empty in (("tools", catalogue.tools), ("prompts", catalogue.prompts)):
            if key in theirs or empty:
                result[key] = {"listChanged": True}
        if "resources" in theirs or catalogue.resources or catalogue.templates:
            resources = result.setdefault("resources", {"listChanged": True})
            if isinstance(theirs.get("resources"), dict) and theirs["resources"].get("subscribe"):
                resources["subscribe"] = True
        for key in ("completions", "logging"):
            if key in theirs:
                result[key] = {}
    extensions = announced_extensions(catalogue.capabilities for catalogue in present)
    return result | ({"extensions": extensions} if extensions else {})

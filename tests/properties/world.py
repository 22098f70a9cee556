"""A generated gateway as values: what its servers offer, what its file says, and who calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from ostiary.adapters.identity import tokens
from ostiary.core.model import Caller, Catalogue, Token
from ostiary.policy import claims
from ostiary.policy.claims import Reading, Source
from ostiary.policy.quarantine import Quarantine
from ostiary.policy.scopes import Brings
from tests.properties.conditions import Tree, written

Json = Mapping[str, Any]
ISSUERS: Final = {"staff": "https://id.example.com", "partners": "https://partners.example.com"}
BRINGS: Final[Brings] = {"write": frozenset({"read"})}
_ANNOUNCED: Final[Json] = {"tools": {}, "prompts": {}, "resources": {"subscribe": True}, "completions": {}}
TOOL, PROMPT, RESOURCE, TEMPLATE = "tool", "prompt", "resource", "template"


class Argument(Struct, frozen=True):
    name: str
    type: str
    required: bool


class Thing(Struct, frozen=True):
    """One approved definition, and what the operator knows better about it."""

    server: str
    kind: str
    name: str
    """A resource's URI, a template's URI template."""
    arguments: tuple[Argument, ...] = ()
    hints: Json = {}
    """The server's own annotations."""
    own: Json = {}
    """`servers.NAME.tools.TOOL` of the file."""

    @property
    def label(self) -> str:
        sign = {TOOL: ".", PROMPT: ".prompt/"}.get(self.kind, ":")
        return f"{self.server}{sign}{self.name}"


class View(Struct, frozen=True):
    name: str
    include: tuple[str, ...]
    rename: Mapping[str, str] = {}
    describe: Mapping[str, str] = {}
    fixed: Mapping[str, Json] = {}


class Rule(Struct, frozen=True):
    name: str
    effect: str
    patterns: tuple[str, ...]
    who: Mapping[str, tuple[str, ...]] = {}
    narrow: Json = {}
    """The rest of what is written, but for `when`."""
    when: Tree | None = None

    @property
    def shadow(self) -> bool:
        return bool(self.narrow.get("shadow"))


class Person(Struct, frozen=True):
    """Who calls: with a token of ours, or by the word of an issuer."""

    subject: str
    issuer: str
    """A name under `identity`; `ostiary`: a token of ours."""
    client: str
    roles: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    agent: str = ""
    claims: Json = {}
    servers: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()

    @property
    def held(self) -> frozenset[str]:
        """The scopes, with those that they bring."""
        return frozenset(self.scopes).union(*(BRINGS.get(each, ()) for each in self.scopes))


class World(Struct, frozen=True):
    servers: tuple[str, ...]
    things: tuple[Thing, ...]
    views: tuple[View, ...]
    rules: tuple[Rule, ...]
    shut: tuple[Quarantine, ...]
    issuers: tuple[str, ...]
    now: float
    address: str
    program: str


def text(world: World) -> str:
    """Return the configuration file."""
    lines = ['gateway: {url: "http://127.0.0.1:8080", scopes: {write: [read]}}']
    lines += ["identity:"] if world.issuers else []
    lines += [f"  {name}: {{issuer: {json.dumps(ISSUERS[name])}}}" for name in world.issuers]
    lines.append("servers:")
    for server in world.servers:
        own = {each.name: each.own for each in world.things if each.server == server and each.own}
        lines.append(f"  {server}: {{command: [{server}], tools: {json.dumps(own)}}}")
    lines += ["views:"] if world.views else []
    lines += [f"  {view.name}: {json.dumps(_view(view))}" for view in world.views]
    lines += ["rules:"] if world.rules else []
    lines += [f"  - {json.dumps(_rule(rule))}" for rule in world.rules]
    return "\n".join(lines)


def _view(view: View) -> Json:
    said = {"rename": view.rename, "describe": view.describe, "set": view.fixed}
    return {"include": view.include, **{key: value for key, value in said.items() if value}}


def _rule(rule: Rule) -> Json:
    when = {} if rule.when is None else {"when": written(rule.when)}
    return {"name": rule.name, rule.effect: rule.patterns, **rule.who, **rule.narrow, **when}


def catalogues(world: World) -> dict[tuple[str, str], Catalogue]:
    """Return what is approved of each server."""
    found = {}
    for server in world.servers:
        of: dict[str, list[Json]] = {TOOL: [], PROMPT: [], RESOURCE: [], TEMPLATE: []}
        for each in world.things:
            if each.server == server:
                of[each.kind].append(_definition(each))
        found[server, ""] = Catalogue(
            server, "", tuple(of[TOOL]), tuple(of[PROMPT]), tuple(of[RESOURCE]), tuple(of[TEMPLATE]), _ANNOUNCED,
        )  # fmt: skip
    return found


def _definition(thing: Thing) -> Json:
    if thing.kind == RESOURCE:
        return {"uri": thing.name, "name": thing.name}
    if thing.kind == TEMPLATE:
        return {"uriTemplate": thing.name, "name": thing.name}
    if thing.kind == PROMPT:
        return {"name": thing.name, "arguments": [{"name": a.name, "required": a.required} for a in thing.arguments]}
    schema = {
        "type": "object",
        "properties": {each.name: {"type": each.type} for each in thing.arguments},
        "required": [each.name for each in thing.arguments if each.required],
    }
    return {"name": thing.name, "inputSchema": schema, **({"annotations": thing.hints} if thing.hints else {})}


def caller(person: Person) -> Caller:
    """Return the caller that the gateway's own code makes of a credential."""
    if person.issuer == "ostiary":
        token = Token(
            person.client, person.subject, "", person.roles, person.teams, person.scopes, person.servers, 0.0, 9e12,
            tools=person.tools, replaces=person.replaces,
        )  # fmt: skip
        return tokens.caller(token, BRINGS)
    said: dict[str, Any] = {
        **person.claims, "sub": person.subject, "client_id": person.client, "scope": " ".join(person.scopes),
        "groups": list(person.roles), "teams": list(person.teams),
    }  # fmt: skip
    if person.agent:
        said["act"] = {"sub": person.agent}
    reading = Reading(ISSUERS[person.issuer], roles=Source("groups"), teams=Source("teams"), brings=BRINGS)
    return claims.caller(said, reading, "jwt", 9e12)

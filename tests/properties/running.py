"""Runs of generated agents: whatever is called in whatever order, what was read does not get outside.

The model beside it knows labels and runs, and nothing of how they are compiled or kept: what a run read is a set.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from random import Random
from typing import Any, Final

import msgspec
from msgspec import Struct

from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.model import MODERN, Catalogue, Inbound
from ostiary.pipeline.runs import Runs
from ostiary.protocol.modern import CAPABILITIES, INFO, VERSION
from tests.pipeline.stage import CALLERS, Heard, Stage, handshake, known, whole

CALLERS["bob-token"] = known("bob", "dev")
_SCHEMA: Final = {"type": "object", "properties": {}}
_SERVERS: Final = ("one", "two", "three")
_TOOLS: Final = ("look", "post")
_READS: Final = ("private", "untrusted", "nothing", "[private, untrusted]", "")
_SENDS: Final = ("outside", "nothing", "nothing", "")
_TRACES: Final = ("a" * 32, "b" * 32, "c" * 32, "")
_CALLS: Final = 24


class Scene(Struct, frozen=True):
    """Labels of servers, and of tools of theirs; empty: nobody said anything."""

    by: str
    servers: dict[str, tuple[str, str]]
    tools: dict[tuple[str, str], tuple[str, str]]
    crowded: bool
    """There is room for few runs only."""


class Step(Struct, frozen=True):
    """One thing that somebody does."""

    token: str
    session: int
    """Of the handshake era, one of a few; -1: in the modern one."""
    trace: str
    program: str
    server: str
    what: str
    """A tool, `prompt`, `resource` or `template`."""


def scene(draw: Random) -> Scene:
    """Return a generated configuration."""
    servers = {name: (draw.choice(_READS), draw.choice(_SENDS)) for name in _SERVERS}
    tools = {
        (server, tool): (draw.choice(_READS), draw.choice(_SENDS))
        for server in _SERVERS
        for tool in _TOOLS
        if draw.random() < 0.4
    }
    return Scene(draw.choice(("caller", "auto")), servers, tools, draw.random() < 1 / 2)


def step(draw: Random) -> Step:
    """Return a generated act."""
    return Step(
        draw.choice(("ana-token", "ana-token", "bob-token")), draw.choice((-1, -1, 0, 1)), draw.choice(_TRACES),
        draw.choice(("x", "y")), draw.choice(_SERVERS), draw.choice((*_TOOLS, *_TOOLS, "prompt", "resource", "template")),
    )  # fmt: skip


def kept(draw: Random) -> Counter[str]:
    """Draw a gateway and what is done with it; raise AssertionError where something gets outside."""
    it, steps = scene(draw), [step(draw) for _ in range(_CALLS)]
    return asyncio.run(_told(it, steps))


async def _told(it: Scene, steps: list[Step]) -> Counter[str]:
    stage, cases, read = _staged(it), Counter[str](), dict[tuple[str, ...], frozenset[str]]()
    sessions = {(token, at): await _session(stage, token) for token in ("ana-token", "bob-token") for at in (0, 1)}
    for ident, each in enumerate(steps, 10):
        before, run, (reads, sends) = len(stage.sent), _run(it, each), _labels(it, each)
        await stage.serve(_message(each, sessions, ident))
        sent, has = len(stage.sent) > before, read.get(run, frozenset())
        tainted = sends and has >= {"private", "untrusted"}
        assert not (sent and tainted), f"{each} went outside after its run read {sorted(has)}"
        # Where there is no room, more may be refused than has to be, and nowhere else.
        assert sent or tainted or it.crowded, f"{each} was refused, and its run read {sorted(has)}"
        if sent:
            read[run] = has | reads
        cases["sent" if sent else "refused" if tainted else "refused for lack of room"] += 1
    return cases


def _labels(it: Scene, each: Step) -> tuple[frozenset[str], bool]:
    """Return what it reads, and whether it sends outside."""
    own, general = it.tools.get((each.server, each.what), ("", "")), it.servers[each.server]
    reads, sends = (mine or theirs for mine, theirs in zip(own, general, strict=True))
    found = {word for word in ("private", "untrusted") if word in reads or not reads}
    return frozenset(found), sends != "nothing"


def _run(it: Scene, each: Step) -> tuple[str, ...]:
    if it.by == "caller":
        return (each.token,)
    if each.session >= 0:
        return each.token, "session", str(each.session)
    return (each.token, "trace", each.trace) if each.trace else (each.token, "program", each.program)


# The gateway


def _staged(it: Scene) -> Stage:
    stage = Stage()
    found = {(name, ""): _catalogue(name) for name in _SERVERS}
    stage.snapshot = compiled(parse(_text(it), "running.yaml"), found, 8, "digest").snapshot
    runs = Runs(per_caller=1, most=2) if it.crowded else Runs()
    stage.world = msgspec.structs.replace(stage.world, runs=runs)
    return stage


def _catalogue(name: str) -> Catalogue:
    return Catalogue(
        name, "", tuple({"name": each, "inputSchema": _SCHEMA} for each in _TOOLS), ({"name": "ask"},),
        ({"uri": f"note://{name}", "name": name},), ({"uriTemplate": f"file:///{name}/{{path}}", "name": "t"},),
        {"tools": {}, "prompts": {}, "resources": {}},
    )  # fmt: skip


def _text(it: Scene) -> str:
    def said(labels: tuple[str, str]) -> str:
        return ", ".join(f"{key}: {value}" for key, value in zip(("reads", "sends"), labels, strict=True) if value)

    lines = [f'gateway: {{url: "http://127.0.0.1:8080", runs: {{by: {it.by}}}}}', "servers:"]
    for name, labels in it.servers.items():
        own = ", ".join(f"{tool}: {{{said(each)}}}" for (server, tool), each in it.tools.items() if server == name)
        lines.append(
            f"  {name}: {{{', '.join(filter(None, (f'command: [{name}]', said(labels), f'tools: {{{own}}}')))}}}"
        )
    lines += ["rules:", '  - {name: all, allow: ["*"], roles: [dev]}']
    lines.append('  - {name: trifecta, deny: ["*"], sends: outside, after: [private, untrusted]}')
    return "\n".join([*lines, "limits: [{name: one, per: caller, concurrent: 9}]"])


async def _session(stage: Stage, token: str) -> str:
    opening = handshake("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={})
    heard: Heard = await stage.serve(msgspec.structs.replace(opening, credential=token))
    return heard.answers[0].headers["mcp-session-id"]


def _message(each: Step, sessions: dict[tuple[str, int], str], ident: int) -> Inbound:
    method, params = _addressed(each)
    meta: dict[str, Any] = {"traceparent": f"00-{each.trace}-b7ad6b7169203331-01"} if each.trace else {}
    if each.session >= 0:
        made = handshake(method, sessions[each.token, each.session], ident, **params, _meta=meta)
        return msgspec.structs.replace(made, credential=each.token)
    meta |= {VERSION: MODERN, CAPABILITIES: {}, INFO: {"name": each.program, "version": "1"}}
    body = json.dumps({"jsonrpc": "2.0", "id": ident, "method": method, "params": {**params, "_meta": meta}}).encode()
    name = params.get("name") or params["uri"]
    headers = {"mcp-protocol-version": MODERN, "mcp-method": method, "mcp-name": name}
    return Inbound("POST", "/mcp", headers, frozenset(), each.token, "127.0.0.1", whole(body))


def _addressed(each: Step) -> tuple[str, dict[str, Any]]:
    match each.what:
        case "prompt":
            return "prompts/get", {"name": f"{each.server}__ask"}
        case "resource":
            return "resources/read", {"uri": f"note://{each.server}"}
        case "template":
            return "resources/read", {"uri": f"file:///{each.server}/a"}
    return "tools/call", {"name": f"{each.server}__{each.what}", "arguments": {}}

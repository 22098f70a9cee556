"""The composed pipeline, from bytes to what would have left the house; servers are recorded and nothing is mocked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.model import Catalogue, Inbound
from ostiary.protocol.modern import CAPABILITIES, VERSION
from tests.pipeline.stage import Stage, whole

Json = dict[str, Any]

VERSION_NAME = "2026-07-28"
LATER = "never-to-be-seen-by-a-server"


def stage(text: str, tools: list[Json], prompts: tuple[Json, ...] = ()) -> Stage:
    """Return a gateway with one server called `files`, which offers these."""
    made = Stage()
    catalogue = Catalogue("files", "", tools=tuple(tools), prompts=prompts, capabilities={"tools": {}, "prompts": {}})
    made.snapshot = compiled(parse(text, "test.yaml"), {("files", ""): catalogue}, 7, "digest").snapshot
    return made


def config(*rules: str, more: str = "") -> str:
    """Return a configuration with these rules."""
    lines = "".join(f"  - {rule}\n" for rule in rules)
    return f'gateway: {{url: "http://127.0.0.1:8080"}}\nservers: {{files: {{command: [files]}}}}\n{more}rules:\n{lines}'


EVERYTHING = config('{name: all, allow: ["*"], subjects: ["*"]}')


def tool(name: str, properties: Json, **more: Any) -> Json:
    """Return a tool's definition; `more` goes into its schema."""
    return {"name": name, "inputSchema": {"type": "object", "properties": properties, **more}}


def body(name: str, arguments: Any) -> bytes:
    """Return a modern call."""
    params = {"name": name, "arguments": arguments, "_meta": {VERSION: VERSION_NAME, CAPABILITIES: {}}}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()


def fields(name: str, **more: str) -> dict[str, str]:
    """Return the headers of a modern call."""
    return {"mcp-protocol-version": VERSION_NAME, "mcp-method": "tools/call", "mcp-name": name, **more}


def inbound(
    data: bytes, headers: Mapping[str, str], endpoint: str = "/servers/files/mcp", doubled: frozenset[str] = frozenset(), token: str = "ana-token"
) -> Inbound:  # fmt: skip
    """Return a request as the edge admits it."""
    return Inbound("POST", endpoint, headers, doubled, token, "127.0.0.1", whole(data))


def said(made: Stage, message: Inbound) -> Json:
    """Return what the client hears: a result, or an error."""
    payload = made.play(message).payload
    assert payload is not None
    found: Json = json.loads(json.dumps(payload))
    return found


def refused(made: Stage, message: Inbound) -> str:
    """Return the words of a refusal, for a call that must be refused and must not leave the house."""
    before = len(made.sent)
    answer = said(made, message)
    assert len(made.sent) == before, "it reached a server"
    assert made.audit.ended[-1].outcome not in {"answered", "fault"}, made.audit.ended[-1].outcome
    if "error" in answer:
        return str(answer["error"]["message"])
    assert answer["result"]["isError"] is True
    return str(answer["result"]["content"][0]["text"])


def told(made: Stage, arguments: Any, name: str = "read") -> str:
    """Return the words of a refusal of a call with these arguments, or nothing where it went through."""
    message = inbound(body(name, arguments), fields(name))
    before = len(made.sent)
    answer = said(made, message)
    if "result" in answer and not answer["result"].get("isError"):
        assert len(made.sent) == before + 1
        assert made.sent[-1].call.params["arguments"] == arguments, "what was checked is what is sent"
        return ""
    assert len(made.sent) == before, "it reached a server"
    assert made.audit.ended[-1].outcome != "fault"
    return str(answer["error"]["message"] if "error" in answer else answer["result"]["content"][0]["text"])

"""The setting of the demo: its three people, its configuration, and what to try. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

VERSION: Final = "2026-07-28"
_META: Final = "io.modelcontextprotocol/"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who uses the gateway."""

    name: str
    role: str
    team: str
    may: str


ANA: Final = Person("ana", "developer", "platform", "writes and reads notes, looks people up; deletes nothing")
BEN: Final = Person("ben", "agent", "support", "looks people up, refunds up to 100, exports three times a minute")
EVE: Final = Person("eve", "viewer", "guests", "searches notes, and nothing else")
CAST: Final = (ANA, BEN, EVE)


@dataclass(frozen=True, slots=True)
class Token:
    """What `ostiary token create` said once."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"Token({self.id})"


def configuration(folder: Path, url: str, crm: str, python: str) -> str:
    """Return the configuration of the gateway, written as a person would write one."""
    listen, quoted = url.removeprefix("http://"), json.dumps
    return _CONFIGURATION.format(
        url=url,
        listen=listen,
        data=quoted(str(folder / "data")),
        python=quoted(python),
        notes=quoted(str(folder / "notes.db")),
        crm=crm,
    )


_CONFIGURATION: Final = """\
# What `ostiary demo` runs. Change it while the gateway runs: it is read again at once.
gateway:
  url: {url}
  listen: {listen}
  data: {data}
  log: {{level: info, format: json}}

servers:
  notes:                                  # a process that the gateway starts, spoken to over its standard streams
    command: [{python}, -m, ostiary.demo.notes, {notes}]
    shared: true
  crm:                                    # an endpoint over HTTP; loopback is refused unless it is named
    url: {crm}
    allow_private: [127.0.0.1/32]
    refresh: 2s

rules:                                    # no rule, no access; a matching deny always wins
  - name: developers-take-notes
    allow: [notes.*, "notes:*", notes.prompt/*]
    roles: [developer]
  - name: people-are-looked-up
    allow: [crm.search_people, crm.get_person]
    roles: [developer]
    teams: [platform]
  - name: support-helps
    allow: [crm.search_people, crm.get_person, crm.refund*]
    teams: [support]
  - name: support-exports
    allow: [crm.export_people]
    teams: [support]
    limit: 3/min
  - name: viewers-search
    allow: [notes.search_notes]
    roles: [viewer]
  - name: nobody-deletes
    deny: ["*.delete_*"]
  - name: no-large-refunds
    deny: [crm.refund_large]

expect:                                   # the policy's own tests: a file that fails them is not activated
  - who: {{roles: [developer], teams: [platform]}}
    can: [notes.add_note, crm.get_person]
    cannot: [notes.delete_note, crm.refund]
  - who: {{roles: [agent], teams: [support]}}
    can: [crm.refund]
    cannot: [crm.refund_large, notes.read_note]
  - who: {{roles: [viewer], teams: [guests]}}
    can: [notes.search_notes]
    cannot: [notes.add_note, crm.search_people]
"""


def message(method: str, params: Mapping[str, Any], ident: int = 1) -> dict[str, Any]:
    """Return a request of the stateless era (2026-07-28) with its envelope."""
    meta = {
        f"{_META}protocolVersion": VERSION,
        f"{_META}clientInfo": {"name": "ostiary-demo", "version": "1"},
        f"{_META}clientCapabilities": {},
    }
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": {**params, "_meta": meta}}


def headers(token: str, method: str, name: str = "") -> dict[str, str]:
    """Return the headers that go with such a request."""
    sent = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": VERSION,
        "Mcp-Method": method,
    }
    return {**sent, "Mcp-Name": name} if name else sent


_INSPECTOR: Final = "npx -y @modelcontextprotocol/inspector@2 --cli --transport http --server-url"


def suggestions(url: str, tokens: Mapping[str, Token], crm: Path, config: Path, ostiary: str) -> list[tuple[str, str]]:
    """Return what to try: a sentence, and a command to paste into a shell."""
    ana, ben, eve = (tokens[person.name].secret for person in CAST)
    mcp = f"{url}/mcp"
    note = {"name": "notes__add_note", "arguments": {"title": "Hello", "text": "from curl"}}
    deleting = {"name": "notes__delete_note", "arguments": {"note_id": 1}}
    return [
        (
            "Let Claude Code be ana",
            f'claude mcp add --transport http ostiary-demo {mcp} --header "Authorization: Bearer {ana}"',
        ),
        (
            "See what ben sees, with the MCP Inspector",
            f'{_INSPECTOR} {mcp} --header "Authorization: Bearer {ben}" --method tools/list',
        ),
        ("Add a note as ana, in the stateless era", _curl(mcp, ana, "tools/call", note)),
        ("Delete it as eve, who may not know that this is possible", _curl(mcp, eve, "tools/call", deleting)),
        ("List ana's tools in the handshake era: open a session, then use it", _handshake(mcp, ana)),
        (
            "Let the CRM change a tool behind your back, see that it is held back, and approve it",
            _turned(shlex.quote(str(crm / "change")), f"-c {shlex.quote(str(config))}", ostiary),
        ),
    ]


def _curl(url: str, token: str, method: str, params: Mapping[str, Any]) -> str:
    sent = headers(token, method, str(params.get("name", "")))
    options = " ".join(f"-H '{name}: {value}'" for name, value in sent.items())
    return f"curl -sS {url} {options} -d '{json.dumps(message(method, params))}'"


def _turned(trigger: str, config: str, ostiary: str) -> str:
    approving = f"{ostiary} tools approve {config} crm.get_person"
    return f"touch {trigger}; sleep 3; {ostiary} tools diff {config}; {approving}"


def _handshake(url: str, token: str) -> str:
    shared = (
        f"curl -sS {url} -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' "
        "-H 'Accept: application/json, text/event-stream'"
    )
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "curl", "version": "1"}}
    opening = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client})
    listing = json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})
    session = (
        f"S=$({shared} -D - -o /dev/null -d '{opening}' | grep -i '^mcp-session-id:' | cut -d' ' -f2 | tr -d '\\r')"
    )
    return f"{session}; {shared} -H \"Mcp-Session-Id: $S\" -H 'MCP-Protocol-Version: 2025-11-25' -d '{listing}'"

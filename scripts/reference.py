"""Write the reference pages and the JSON Schema from the code they describe; `--check` fails where one is stale."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ostiary.config.schema import LATER, Config
from ostiary.policy import permissions

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "reference" / "configuration.md"
SCHEMA: Final = ROOT / "docs" / "reference" / "ostiary.schema.json"
PERMISSIONS: Final = ROOT / "docs" / "reference" / "permissions.md"

# The order in which a reader meets them; every section must be in it.
SECTIONS: Final = (
    ("gateway", "Gateway"),
    ("gateway.tls", "TLS"),
    ("gateway.timeouts", "Timeouts"),
    ("gateway.bounds", "Bounds"),
    ("gateway.runs", "Runs"),
    ("gateway.log", "Log"),
    ("gateway.metrics", "Metrics"),
    ("identity.NAME", "Identity"),
    ("identity.NAME.roles, identity.NAME.teams", "Claim"),
    ("identity.NAME.introspection", "Introspection"),
    ("identity.NAME.certificates", "Certificates"),
    ("identity.NAME.client", "Client"),
    ("authorization", "Authorization"),
    ("authorization.clients.ID", "Program"),
    ("authorization.services.ID", "Service"),
    ("servers.NAME", "Server"),
    ("servers.NAME.credential (kind: bearer)", "BearerCredential"),
    ("servers.NAME.credential (kind: header)", "HeaderCredential"),
    ("servers.NAME.credential (kind: basic)", "BasicCredential"),
    ("servers.NAME.tls", "ServerTLS"),
    ("servers.NAME.answers", "Answers"),
    ("servers.NAME.breaker", "Breaker"),
    ("servers.NAME.tools.TOOL", "Tool"),
    ("servers.NAME.tools.TOOL.price", "Price"),
    ("views.NAME", "View"),
    ("rules[]", "Rule"),
    ("rules[].during", "During"),
    ("rules[].approval", "Approval"),
    ("rules[].capture", "Wanted"),
    ("limits[]", "Limit"),
    ("guards[]", "GuardEntry"),
    ("guards[].names", "Names"),
    ("guards[].model", "Weights"),
    ("runaways[]", "Runaway"),
    ("anomalies", "Anomalies"),
    ("anomalies.quarantine", "Quarantining"),
    ("prices", "Prices"),
    ("prices.models.NAME", "Tokens"),
    ("ledger", "Ledger"),
    ("ledger.checkpoints", "Checkpoints"),
    ("ledger.checkpoints.s3", "CheckpointBucket"),
    ("ledger.checkpoints.syslog", "CheckpointSyslog"),
    ("capture", "Capture"),
    ("capture.classes.NAME", "Class"),
    ("exports[]", "Export"),
    ("telemetry", "Telemetry"),
    ("telemetry.otlp", "OTLP"),
    ("telemetry.traces", "Traces"),
    ("alerts[]", "Alert"),
    ("alerts[].where", "Where"),
    ("notify.NAME", "Receiver"),
    ("expect[]", "Expectation"),
    ("expect[].who", "Who"),
)

HEAD: Final = """# Configuration

<!-- Written by scripts/reference.py from src/ostiary/config/; do not edit. -->

One YAML 1.2 file, `ostiary.yaml`. An unknown key, a duplicate key and a value of another type are errors; `true` and
`false` are the only booleans. `ostiary check` lists every problem at once, with its line and what to write instead.
Editors complete and check the file with `ostiary.schema.json`, which lies beside this page: put

    # yaml-language-server: $schema=./ostiary.schema.json

on its first line.

## Kinds of values

| kind | written | means |
|---|---|---|
| duration | `400ms` `30s` `15m` `24h` `7d` | a whole number and one unit; a bare number is an error |
| size | `512B` `64KB` `4MiB` | `KB MB GB` are powers of 1000, `KiB MiB GiB` of 1024 |
| rate | `10/s` `60/min` `1000/h` `5000/day` | so many in each period |
| secret reference | `env:NAME` `file:/path` | where a secret is kept; the secret itself would be an error |
| file reference | `file:/path` | a file; `~` is not expanded |
| label | `files.read_file` `files:file:///a` `files.prompt/greet` | one tool, resource or prompt |
| pattern | `files.read_*` `*.delete_*` `*` | a label in which `*` stands for any text; `*` alone is everything |
| CEL expression | `args.amount <= 100` | a condition (see [policy](../policy.md)) |
| day or days | `mon` `mon-fri` `sat-mon` | days of the week, the last included |
| hours | `08:00-18:00` `22:00-06:00` | from and until; what ends before it begins goes on into the next day |
| time zone | `Europe/Berlin` `UTC` | a zone that this machine's time-zone database has |
| time | `2026-01-05T09:00:00Z` | an instant, with its offset |
| key digest | `sha256:9f86d081…` | the SHA-256 of a public key (SPKI), in 64 hexadecimal digits |
| what a run meets | `private` `guard:injection` `crm.export` | a label, a guard, or a pattern of what was used |
| any value | `eu` `3` `[a, b]` | what JSON can say |

Kinds stay apart in patterns: `files.*` is the tools of `files`, `files:*` its resources, `files.prompt/*` its prompts.

## Top level
"""

PERMISSIONS_HEAD: Final = """# Permissions

<!-- Written by scripts/reference.py from src/ostiary/policy/permissions.py; do not edit. -->

What people may do with the gateway itself: in its pages, its console and its API. What they may call through it is
another matter, and for the rules to say. A permission is `scope:resource:action`; `own` is what belongs to whoever
asks, `gateway` what belongs to everybody, and neither stands for the other.

Roles come from the identity provider, by the mapping in `identity.NAME.roles`, or from a token. They add up, and none
stands for another: an admin sees no payloads unless they are an auditor, too. A role that is not in this table gives
nothing here. Who lacks a permission is told its name, and which roles have it.
"""


def permissions_page() -> str:
    """Return the page of operators' permissions."""
    rows = [
        f"| `{name}` | {' | '.join('yes' if role in roles else '' for role in permissions.ROLES)} | {meaning} |"
        for name, roles, meaning in permissions.table()
    ]
    columns = ("permission", *permissions.ROLES, "allows to")
    return "\n".join([PERMISSIONS_HEAD, f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *rows]) + "\n"


def schema() -> dict[str, Any]:
    """Return the JSON Schema that editors use."""
    made = Config.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Ostiary configuration",
        **{key: value for key, value in _tidy(made).items() if key != "title"},
    }


def _tidy(value: Any) -> Any:
    """Drop the titles that repeat a key, and patterns that say nothing."""
    if isinstance(value, dict):
        named = {"properties", "$defs"}
        kept = {
            key: it
            for key, it in value.items()
            if not (key == "title" and isinstance(it, str)) and (key, it) != ("pattern", "")
        }
        return {
            key: {name: _tidy(it) for name, it in inner.items()} if key in named else _tidy(inner)
            for key, inner in kept.items()
        }
    return [_tidy(it) for it in value] if isinstance(value, list) else value


def page(made: Mapping[str, Any]) -> str:
    """Return the reference page."""
    definitions = made["$defs"]
    missing = set(definitions) - {name for _, name in SECTIONS}
    if missing:
        raise SystemExit(f"scripts/reference.py: SECTIONS does not name {', '.join(sorted(missing))}")
    parts = [HEAD, *_table(made, definitions)]
    for path, name in SECTIONS:
        section = _section(definitions[name])
        parts += [f"\n## {path}\n", section["description"] + "\n", *_table(section, definitions)]
    return "\n".join([*parts, *_later()]) + "\n"


def _section(made: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a section's own schema, also where something shorter may stand in its place."""
    return next((each for each in made.get("anyOf", ()) if "properties" in each), made)


def _table(section: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    yield "| key | kind | default | meaning |"
    yield "|---|---|---|---|"
    required = section.get("required", [])
    for key, field in section["properties"].items():
        # A field that says only what its section says has no description of its own in the JSON Schema.
        said = field.get("description") or definitions[field["$ref"].rpartition("/")[2]]["description"]
        default = "required" if key in required else _default(field.get("default"))
        yield f"| `{key}` | {_kind(field)} | {default} | {said} |".replace("\n", " ")


def _default(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def _kind(field: Mapping[str, Any]) -> str:
    options = [option for option in field.get("anyOf", field.get("oneOf", [])) if option.get("type") != "null"]
    if options:
        return " or ".join(dict.fromkeys(_kind(option) for option in options))
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    if "$comment" in field:
        return str(field["$comment"])
    if field.get("type") == "array":
        return f"list of {_kind(field['items'])}"
    return _plain_kind(field)


def _plain_kind(field: Mapping[str, Any]) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "integer":
        bounds = [str(field[key]) for key in ("minimum", "maximum") if key in field]
        return f"whole number, {' to '.join(bounds)}" if bounds else "whole number"
    if field.get("type") == "object" and "$ref" not in field:
        inner: Mapping[str, Any] = field.get("additionalProperties") or next(
            iter(field.get("patternProperties", {}).values()), {}
        )
        return f"name: {_kind(inner)}"
    return (
        "section"
        if "$ref" in field
        else {"string": "text", "boolean": "true, false"}.get(str(field.get("type")), "section")
    )


def _later() -> Iterator[str]:
    yield "\n## Not in this version\n"
    yield "These are promised for a later version. Until then each is an error, never silently ignored.\n"
    yield "| key | instead |"
    yield "|---|---|"
    for key, (message, suggestion) in LATER.items():
        yield f"| `{key.replace('=', ': ')}` | {message[0].upper()}{message[1:]}; {suggestion}. |"


def outputs() -> dict[Path, str]:
    """Return what each file must contain."""
    made = schema()
    return {
        SCHEMA: json.dumps(made, indent=2, ensure_ascii=False) + "\n",
        PAGE: page(made),
        PERMISSIONS: permissions_page(),
    }


def main() -> int:
    """Write the files, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is stale")
    check = parser.parse_args().check
    wanted = outputs()
    stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'stale; run python scripts/reference.py' if check else 'written'}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], "utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())

"""What a scan found in the formats that others read: SARIF 2.1.0 (OASIS) and CycloneDX 1.6 (ECMA-424). Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

from ostiary.core.model import Json
from ostiary.integrity import facts
from ostiary.integrity.findings import Finding, Rule, Severity
from ostiary.integrity.identity import Package

_LEVELS: Final = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
# What a code host makes of it: above 7.0 is high, above 4.0 is medium.
_SCORES: Final = {Severity.HIGH: "8.0", Severity.MEDIUM: "5.0", Severity.LOW: "2.0"}
_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


class Told(Struct, frozen=True):
    """A finding and whose it is: a server's name, and what the definition is called in rules."""

    server: str
    label: str
    finding: Finding
    line: int = 1
    """Of the file."""


class Part(Struct, frozen=True):
    """What one server is."""

    server: str
    package: Package | None
    """None: it is reached by a URL."""
    digest: str = ""
    """SHA-256 of the program's file, where it is one."""
    url: str = ""
    key: str = ""
    """SHA-256 of the public key (SPKI) that it proved itself with."""
    info: Json = {}
    """What it calls itself."""
    facts: Mapping[str, Json] = {}
    """All that is known about it, by the names of facts."""
    since: str = ""
    """When it was pinned first."""


_KINDS: Final = {"RECORD": "pypi", "lock": "npm", "package.json": "npm"}


def part(server: str, known: Mapping[str, Json], said: Package | None, *, url: str = "", since: str = "") -> Part:
    """Return what a server is, from the facts that are known about it; `said` is what its command says of it."""
    info = {**known.get(facts.NAME, {}), **known.get(facts.VERSION, {})}
    digest = known.get(facts.PROGRAM, {}).get("sha256", "")
    package = None if said is None else _whole(said, known)
    key = known.get(facts.KEY, {}).get("sha256", "")
    return Part(server, package, digest, url, key, info, known, since)


def _whole(said: Package, known: Mapping[str, Json]) -> Package:
    """Return what runs as it lies on disk: what a command says may name no version, or an interpreter alone."""
    installed, scripts = known.get(facts.INSTALLED), known.get(facts.SCRIPT)
    if not installed:
        return Package("file", list(scripts)[-1], "", pinned=True) if scripts and said.kind == "file" else said
    kind = _KINDS.get(installed["source"], said.kind) if said.kind == "file" else said.kind
    return Package(kind, installed["name"], installed["version"], pinned=said.pinned)


def sarif(
    told: Iterable[Told],
    rules: Sequence[Rule],
    file: str,
    version: str,
    failed: Iterable[str] = (),
) -> dict[str, Any]:
    """Return findings as SARIF; `file` is where the servers are configured, `failed` which could not be asked."""
    order = {rule.name: at for at, rule in enumerate(rules)}
    driver = {
        "name": "ostiary scan", "version": version, "rules": [_rule(each) for each in rules],
    }  # fmt: skip
    seen = Counter[str]()
    results = [_result(each, order[each.finding.rule], file, seen) for each in told]
    # Who reads only this must not take a server that was not looked at for one in which nothing was found. What it said
    # before it failed may be a secret, and a report is uploaded: it stays on the terminal.
    said = "could not be asked what it offers, and was not looked at; the command says why where it was run"
    notes = [{"level": "error", "message": {"text": f"{name} {said}"}} for name in failed]
    invocation = {"executionSuccessful": not notes, "toolExecutionNotifications": notes}
    run = {"tool": {"driver": driver}, "invocations": [invocation], "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.name,
        "name": "".join(map(str.capitalize, rule.name.split("-"))),
        "shortDescription": {"text": rule.why},
        "fullDescription": {"text": f"{rule.why} {rule.todo}"},
        "help": {"text": rule.todo, "markdown": f"{rule.why}\n\n{rule.todo}"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"security-severity": _SCORES[rule.severity], "tags": ["security", "mcp"]},
    }


def _result(told: Told, rule: int, file: str, seen: Counter[str]) -> dict[str, Any]:
    found = told.finding
    place = f"{told.label}{found.place}"
    # The same finding in the next run is the same result: the evidence and the line may move, the rule and the place
    # do not. Of several at one place, the second is another one than the first.
    said = f"{found.rule}\0{place}"
    mark = hashlib.sha256((f"{said}\0{seen[said]}" if seen[said] else said).encode()).hexdigest()
    seen[said] += 1
    return {
        "ruleId": found.rule,
        "ruleIndex": rule,
        "level": _LEVELS[found.severity],
        "message": {"text": f"{place}: {found.evidence}. {found.why} {found.todo}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": reference(file)},
                    "region": {"startLine": told.line},
                },
                "logicalLocations": [{"fullyQualifiedName": place, "kind": "declaration"}],
            }
        ],
        "partialFingerprints": {"ostiary/v1": mark},
    }


def reference(file: str) -> str:
    """Return a file's path as a URI reference (RFC 3986): code hosts find the file by it."""
    path = file.replace("\\", "/").removeprefix("./")
    if path[1:3] == ":/":
        path = f"/{path}"
    return f"file://{quote(path)}" if path.startswith("/") else quote(path)


def cyclonedx(parts: Iterable[Part], version: str, moment: str) -> dict[str, Any]:
    """Return what servers are as a CycloneDX bill of materials."""
    every = list(parts)
    tool = {"type": "application", "name": "ostiary", "version": version}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": moment, "tools": {"components": [tool]}},
        "components": [_component(each, each.package) for each in every if each.package is not None],
        "services": [_service(each) for each in every if each.package is None],
    }


def _component(part: Part, package: Package) -> dict[str, Any]:
    said: dict[str, Any] = {
        "type": "container" if package.kind == "oci" else "application",
        "bom-ref": part.server,
        "name": package.name or part.server,
        "properties": _properties(part.server, {"pinned": str(package.pinned).lower(), **_more(part)}),
    }
    if package.version:
        said["version"] = package.version
    if package.purl:
        said["purl"] = package.purl
    if part.digest:
        said["hashes"] = [{"alg": "SHA-256", "content": part.digest}]
    if scripts := part.facts.get(facts.SCRIPT):
        said["components"] = [
            {"type": "file", "name": path, "hashes": [{"alg": "SHA-256", "content": digest}]}
            for path, digest in scripts.items()
        ]
    return said


def _more(part: Part) -> dict[str, str]:
    """Return what is known of a component and has no member of its own in the format."""
    program = part.facts.get(facts.PROGRAM) or part.facts.get(facts.RUNNER) or {}
    installed = part.facts.get(facts.INSTALLED, {})
    runner = part.facts.get(facts.RUNNER_FILE, {})
    every = {
        "program": program.get("path", ""),
        "runner:sha256": runner.get("sha256", ""),
        "package:hash": installed.get("hash", ""),
        "package:hash:source": installed.get("source", ""),
        "since": part.since,
    }
    return {**{name: value for name, value in every.items() if value}, **_info(part.info)}


def _service(part: Part) -> dict[str, Any]:
    more = {**({"tls:spki-sha256": part.key} if part.key else {}), **_more(part)}
    return {
        "bom-ref": part.server, "name": part.server, "endpoints": [part.url],
        "properties": _properties(part.server, more),
    }  # fmt: skip


def _info(info: Json) -> dict[str, str]:
    return {f"serverInfo:{key}": str(info[key])[:256] for key in ("name", "version") if key in info}


def _properties(server: str, said: Mapping[str, str]) -> list[dict[str, str]]:
    every = {"server": server, **said}
    return [{"name": f"ostiary:{name}", "value": value} for name, value in every.items()]

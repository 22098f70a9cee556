"""What a scan found in the formats that others read: SARIF 2.1.0 (OASIS) and CycloneDX 1.6 (ECMA-424). Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from ostiary.core.model import Json
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


def sarif(told: Iterable[Told], rules: Sequence[Rule], file: str, version: str) -> dict[str, Any]:
    """Return findings as SARIF; `file` is where the servers are configured."""
    order = {rule.name: at for at, rule in enumerate(rules)}
    driver = {
        "name": "ostiary scan", "version": version, "rules": [_rule(each) for each in rules],
    }  # fmt: skip
    results = [_result(each, order[each.finding.rule], file) for each in told]
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.why},
        "help": {"text": rule.todo},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"security-severity": _SCORES[rule.severity], "tags": ["security", "mcp"]},
    }


def _result(told: Told, rule: int, file: str) -> dict[str, Any]:
    found = told.finding
    place = f"{told.label}{found.place}"
    # The same finding in the next run is the same result: the evidence may move, the place and the rule do not.
    mark = hashlib.sha256(f"{found.rule}\0{place}".encode()).hexdigest()
    return {
        "ruleId": found.rule,
        "ruleIndex": rule,
        "level": _LEVELS[found.severity],
        "message": {"text": f"{place}: {found.evidence}. {found.why} {found.todo}"},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": file}, "region": {"startLine": 1}},
                "logicalLocations": [{"fullyQualifiedName": place, "kind": "declaration"}],
            }
        ],
        "partialFingerprints": {"ostiary/v1": mark},
    }


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
        "properties": _properties(part.server, {"pinned": str(package.pinned).lower(), **_info(part.info)}),
    }
    if package.version:
        said["version"] = package.version
    if package.purl:
        said["purl"] = package.purl
    if part.digest:
        said["hashes"] = [{"alg": "SHA-256", "content": part.digest}]
    return said


def _service(part: Part) -> dict[str, Any]:
    more = {**({"tls:spki-sha256": part.key} if part.key else {}), **_info(part.info)}
    return {
        "bom-ref": part.server, "name": part.server, "endpoints": [part.url],
        "properties": _properties(part.server, more),
    }  # fmt: skip


def _info(info: Json) -> dict[str, str]:
    return {f"serverInfo:{key}": str(info[key])[:256] for key in ("name", "version") if key in info}


def _properties(server: str, said: Mapping[str, str]) -> list[dict[str, str]]:
    every = {"server": server, **said}
    return [{"name": f"ostiary:{name}", "value": value} for name, value in every.items()]

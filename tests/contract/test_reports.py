"""What `ostiary scan` writes for other programs is what their formats' own schemas demand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from ostiary.integrity import identity, names, poisoning
from ostiary.integrity.findings import Finding, finding
from ostiary.integrity.reports import Told, sarif
from tests.contract.test_scan import EVIL, scan, served, written

RULES = (*poisoning.RULES, *names.RULES, *identity.RULES)
SARIF: Mapping[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "schemas" / "sarif-2.1.0-rtm.5.json").read_text("utf-8")
)
"""The standard's schema (OASIS, 2.1.0 rtm.5), as the npm package @microsoft/jest-sarif 1.0.0-beta.0 (MIT) has it."""
TWO = {
    "mcpServers": {
        "one": {"command": "npx", "args": ["-y", "thing"]},
        "two": {"command": "uvx", "args": ["other"]},
    }
}


def fits_sarif(log: Mapping[str, Any]) -> None:
    jsonschema.Draft4Validator(SARIF, format_checker=jsonschema.FormatChecker()).validate(log)


def fits_cyclonedx(bom: Mapping[str, Any]) -> None:
    """Hold a bill of materials against the schema that cyclonedx-python-lib ships, with those that it refers to."""
    folder = files("cyclonedx.schema") / "_res"
    every = {
        name: json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text("utf-8"))
        for name in ("bom-1.6", "spdx", "jsf-0.82", "cryptography-defs")
    }
    registry: Registry[Any] = Registry().with_resources(
        (each["$id"], Resource.from_contents(each)) for each in every.values()
    )
    jsonschema.Draft7Validator(every["bom-1.6"], registry=registry).validate(bom)


def results(log: Mapping[str, Any]) -> list[tuple[str, str, int, str]]:
    """Return rule, file, line and fingerprint of each result."""
    found = []
    for each in log["runs"][0]["results"]:
        (place,) = each["locations"]
        where = place["physicalLocation"]
        found.append(
            (each["ruleId"], where["artifactLocation"]["uri"], where["region"]["startLine"],
             each["partialFingerprints"]["ostiary/v1"])
        )  # fmt: skip
    return found


def test_findings_in_a_file_of_servers_fit_the_schema_and_stand_on_the_servers_lines(tmp_path: Path) -> None:
    (tmp_path / "my servers.json").write_text(json.dumps(TWO, indent=2), "utf-8")
    log = json.loads(scan(tmp_path, "my servers.json", "--static", "--sarif").stdout)
    fits_sarif(log)
    assert [each[:3] for each in results(log)] == [
        ("unpinned-package", "my%20servers.json", 3),
        ("unpinned-package", "my%20servers.json", 10),
    ]


def test_a_finding_in_a_saved_listing_stands_on_its_own_line(tmp_path: Path) -> None:
    honest = {"name": "sum", "description": "Sums.", "inputSchema": {"type": "object"}}
    (tmp_path / "tools.json").write_text(json.dumps({"result": {"tools": [honest, EVIL]}}, indent=1), "utf-8")
    log = json.loads(scan(tmp_path, "tools.json", "--sarif").stdout)
    fits_sarif(log)
    (found,) = results(log)
    assert (tmp_path / "tools.json").read_text("utf-8").splitlines()[found[2] - 1].strip().startswith('"description"')


def test_the_same_finding_is_the_same_in_the_next_run_wherever_the_file_puts_it(tmp_path: Path) -> None:
    first = written(tmp_path, "a.json", TWO)
    (tmp_path / "b.json").write_text(json.dumps(dict(reversed(TWO.items())), indent=7), "utf-8")
    marks = [
        {each[3] for each in results(json.loads(scan(tmp_path, name, "--static", "--sarif").stdout))}
        for name in (first, "b.json")
    ]
    assert marks[0] == marks[1]
    assert len(marks[0]) == 2


def test_a_server_that_could_not_be_asked_is_in_the_report(tmp_path: Path) -> None:
    file = written(tmp_path, "mcp.json", {"mcpServers": {"x": {"command": str(tmp_path / "gone")}}})
    log = json.loads(scan(tmp_path, file, "--sarif").stdout)
    fits_sarif(log)
    (invocation,) = log["runs"][0]["invocations"]
    assert not invocation["executionSuccessful"]
    assert "x could not be asked" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_every_rule_is_explained_and_every_finding_of_one_place_is_its_own() -> None:
    every = [Told("s", "s.t", finding(rule, "/description", "evidence")) for rule in RULES for _ in range(2)]
    log = sarif(every, RULES, "mcp.json", "1.0")
    fits_sarif(log)
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert [each["id"] for each in rules] == [rule.name for rule in RULES]
    assert all(each["help"]["text"] and each["fullDescription"]["text"] for each in rules)
    assert len({each[3] for each in results(log)}) == len(every)


def test_the_bill_of_materials_fits_the_schema(tmp_path: Path) -> None:
    fits_cyclonedx(json.loads(scan(tmp_path, served(tmp_path, EVIL), "--sbom").stdout))
    more = {"web": {"url": "https://a.example/mcp"}, "box": {"command": "docker", "args": ["run", "img:1"]}}
    file = written(tmp_path, "more.json", {"mcpServers": {**TWO["mcpServers"], **more}})
    bom = json.loads(scan(tmp_path, file, "--static", "--sbom").stdout)
    fits_cyclonedx(bom)
    assert {each["name"] for each in bom["services"]} == {"web"}
    assert len(bom["components"]) == 3


def test_the_schemas_are_no_formality() -> None:
    log = sarif([Told("s", "s.t", Finding(RULES[0].name, "/", "e", RULES[0].severity, "w", "t"))], RULES, "f", "1")
    log["runs"][0]["results"][0]["surprise"] = True
    with pytest.raises(jsonschema.ValidationError):
        fits_sarif(log)
    with pytest.raises(jsonschema.ValidationError):
        fits_cyclonedx({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [{"name": "x"}]})

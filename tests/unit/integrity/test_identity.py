"""A command says what it runs, and whether that is one thing; reports say it in formats that others read."""

from __future__ import annotations

import pytest

from ostiary.integrity.findings import Severity
from ostiary.integrity.identity import RULES, Package, package, unpinned
from ostiary.integrity.reports import Part, Told, cyclonedx, sarif

SHA = "a" * 64
COMMIT = "b" * 40


@pytest.mark.parametrize(
    ("command", "purl", "pinned"),
    [
        ("npx -y @scope/thing@1.2.3 /srv", "pkg:npm/%40scope/thing@1.2.3", True),
        ("npx -y @scope/thing", "pkg:npm/%40scope/thing", False),
        ("npx thing@latest", "pkg:npm/thing@latest", False),
        ("npx thing@^1.2.3", "pkg:npm/thing@%5E1.2.3", False),
        ("/usr/bin/npx --package thing@1.0.0 run", "pkg:npm/thing@1.0.0", True),
        ("npx --package=thing@1.0.0 run", "pkg:npm/thing@1.0.0", True),
        ("npx --registry https://r.example thing@1.0.0", "pkg:npm/thing@1.0.0", True),
        ("npx.cmd thing@1.0.0", "pkg:npm/thing@1.0.0", True),
        ("npx @@", "pkg:npm/%40%40", False),
        (f"npx git+https://h.example/a#@{COMMIT}", f"pkg:npm/git%2Bhttps%3A//h.example/a%23%40{COMMIT}", True),
        ("npx", "pkg:npm/", False),
        ("uvx thing==1.2.3", "pkg:pypi/thing@1.2.3", True),
        ("uvx thing[extra]@1.2.3", "pkg:pypi/thing@1.2.3", True),
        ("uvx thing>=1.2", "pkg:pypi/thing", False),
        ("uvx --from thing==1.0.0 run", "pkg:pypi/thing@1.0.0", True),
        ("uv tool run --python 3.12 thing", "pkg:pypi/thing", False),
        (f"uvx git+https://h.example/a@{COMMIT}", f"pkg:pypi/git%2Bhttps%3A//h.example/a%40{COMMIT}", True),
        ("uvx --from", "pkg:pypi/", False),
        (f"docker run -i --rm -e A img/x@sha256:{SHA}", f"pkg:oci/img/x@sha256:{SHA}", True),
        ("docker run -i host:5000/x:1.0", "pkg:oci/host%3A5000/x@1.0", False),
        ("docker run host:5000/x", "pkg:oci/host%3A5000/x", False),
        ("/srv/bin/server --x", "", True),
    ],
)
def test_a_command_is_one_thing_or_is_not(command: str, purl: str, pinned: bool) -> None:
    words = command.split()
    assert (package(words).purl, package(words).pinned) == (purl, pinned)
    assert bool(unpinned(words)) is not pinned


def test_the_result_has_the_members_that_sarif_requires() -> None:
    """SARIF 2.1.0, sections 3.13, 3.14, 3.18, 3.19, 3.27, 3.28."""
    (found,) = unpinned(["npx", "x"])
    log = sarif([Told("s", "s", found)], RULES, "mcp.json", "1.0")
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    (result,) = run["results"]
    assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "unpinned-package"
    assert result["level"] == "warning"
    assert result["message"]["text"]
    (place,) = result["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "mcp.json"
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "s/command"
    assert (
        result["partialFingerprints"]
        == sarif([Told("s", "s", found)], RULES, "o", "2")["runs"][0]["results"][0]["partialFingerprints"]
    )
    assert found.severity is Severity.MEDIUM


def test_the_bill_of_materials_names_what_each_server_is() -> None:
    parts = [
        Part("a", Package("npm", "x", "1.0.0", pinned=True), info={"name": "X", "version": "9", "z": 1}),
        Part("b", Package("file", "/bin/b", "", pinned=True), digest=SHA),
        Part("c", Package("oci", "", "", pinned=False)),
        Part("d", None, url="https://d.example/mcp", key=SHA),
        Part("e", None, url="http://e.example/mcp"),
    ]
    bom = cyclonedx(parts, "1.0", "2026-11-23T00:00:00Z")
    assert (bom["bomFormat"], bom["specVersion"], bom["version"]) == ("CycloneDX", "1.6", 1)
    first, second, third = bom["components"]
    assert (first["type"], first["name"], first["version"], first["purl"]) == (
        "application",
        "x",
        "1.0.0",
        "pkg:npm/x@1.0.0",
    )
    assert {"name": "ostiary:serverInfo:version", "value": "9"} in first["properties"]
    assert second["hashes"] == [{"alg": "SHA-256", "content": SHA}]
    assert (third["type"], third["name"]) == ("container", "c")
    assert {"name": "ostiary:tls:spki-sha256", "value": SHA} in bom["services"][0]["properties"]
    assert bom["services"][1]["endpoints"] == ["http://e.example/mcp"]

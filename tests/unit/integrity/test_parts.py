"""What a server is, in a bill of materials, follows from the facts that are known about it."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.integrity.identity import Package
from ostiary.integrity.reports import Part, cyclonedx, part

SHA = "0a" * 32
PYTHON = Package("file", "python", "", pinned=True)
NPX = Package("npm", "it", "", pinned=False)
FACTS: dict[str, dict[str, Any]] = {
    "runner": {"path": "/usr/bin/npx"},
    "runner-file": {"sha256": SHA},
    "package": {"kind": "npm", "name": "it", "version": ""},
    "installed": {"name": "it", "version": "1.2.3", "hash": "sha512-x", "source": "lock"},
    "server-name": {"name": "It"},
    "server-version": {"version": "9"},
}


def component(one: Part) -> dict[str, Any]:
    found: dict[str, Any] = cyclonedx([one], "1.0", "2026-11-23T00:00:00Z")["components"][0]
    return found


def properties(found: dict[str, Any]) -> dict[str, str]:
    return {each["name"].removeprefix("ostiary:"): each["value"] for each in found["properties"]}


def test_a_package_is_what_lies_on_disk() -> None:
    found = component(part("it", FACTS, NPX, since="2026-11-23T00:00:00Z"))
    assert (found["name"], found["version"], found["purl"]) == ("it", "1.2.3", "pkg:npm/it@1.2.3")
    assert properties(found) == {
        "server": "it", "pinned": "false", "program": "/usr/bin/npx", "runner:sha256": SHA,
        "package:hash": "sha512-x", "package:hash:source": "lock", "since": "2026-11-23T00:00:00Z",
        "serverInfo:name": "It", "serverInfo:version": "9",
    }  # fmt: skip


@pytest.mark.parametrize(("source", "kind"), [("RECORD", "pypi"), ("package.json", "npm")])
def test_a_program_that_was_installed_is_its_package(source: str, kind: str) -> None:
    known = {"program": {"path": "/venv/bin/it", "sha256": SHA}, "installed": {**FACTS["installed"], "source": source}}
    found = component(part("it", known, Package("file", "/venv/bin/it", "", pinned=True)))
    assert found["purl"] == f"pkg:{kind}/it@1.2.3"
    assert found["hashes"] == [{"alg": "SHA-256", "content": SHA}]


def test_an_interpreter_is_what_it_runs() -> None:
    scripts = {"/srv/hook.py": SHA, "/srv/it.py": SHA}
    found = component(part("it", {"script": scripts}, PYTHON))
    assert found["name"] == "/srv/it.py"
    assert [each["name"] for each in found["components"]] == list(scripts)


def test_what_was_never_looked_at_is_what_its_command_says() -> None:
    found = component(part("it", {}, PYTHON))
    assert (found["name"], properties(found)) == ("python", {"server": "it", "pinned": "true"})


def test_an_endpoint_is_a_service_with_its_key() -> None:
    one = part("it", {"tls-key": {"sha256": SHA}}, None, url="https://it.example/mcp")
    (service,) = cyclonedx([one], "1.0", "2026-11-23T00:00:00Z")["services"]
    assert service["endpoints"] == ["https://it.example/mcp"]
    assert properties(service)["tls:spki-sha256"] == SHA

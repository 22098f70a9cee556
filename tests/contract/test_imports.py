"""What a gateway does not use, it does not hold in memory: a module that came in by accident costs everybody."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PLAIN = """\
gateway: {url: "http://127.0.0.1:8080", listen: "127.0.0.1:8080", data: ./data}
servers:
  notes: {url: "https://notes.example/mcp"}
rules:
  - {name: everyone, allow: ["notes.*"], subjects: ["*"]}
"""
KNOWN = (
    PLAIN
    + """\
identity:
  acme: {issuer: "https://login.example"}
"""
)
SIGNED_IN = (
    PLAIN
    + """\
identity:
  acme: {issuer: "https://login.example", client: {id: ostiary}}
"""
)
PROGRAM = """\
import json, sys
from pathlib import Path
from ostiary.adapters.store import database
from ostiary.config.checking import checked
path = Path(sys.argv[1])
if len(sys.argv) > 2:
    # The first start makes the tables, and holds what that takes until it ends.
    database.opened(path.parent / "data")
else:
    # As the command begins: it is there before what it runs.
    import ostiary.entry.cli.main
    import ostiary.entry.cli.serve
    from ostiary.entry.wiring import Gateway
    Gateway(path)
    print(json.dumps(sorted(sys.modules)))
"""
NEVER = (
    "mcp",
    "httpx2",
    "alembic",
    "sqlglot",
    "cel_expr_python",
    "phonenumbers",
    "rich",
    "greenlet",
    "ostiary.guards.detecting",
    "ostiary.demo",
    "ostiary.entry.alerting",
    "ostiary.entry.capturing",
    "ostiary.adapters.store.captures",
    "ostiary.integrity.sealing",
    "ostiary.adapters.notify",
)
PEOPLE = ("ostiary.entry.people", "ostiary.entry.console", "ostiary.adapters.login", "ostiary.adapters.oauth.token")


def imported(folder: Path, config: str) -> set[str]:
    """Return the modules of a process that made a gateway of this configuration."""
    path = folder / "ostiary.yaml"
    path.write_text(config)
    command = [sys.executable, "-c", PROGRAM, str(path)]
    subprocess.run([*command, "tables"], check=True, capture_output=True, timeout=60)
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return set(json.loads(done.stdout.splitlines()[-1]))


def among(found: set[str], *names: str) -> set[str]:
    return {name for name in found for each in names if name == each or name.startswith(f"{each}.")}


def test_a_plain_gateway_imports_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    """Ours: 100 tools in less than 120 MB (issue 2)."""
    assert among(imported(tmp_path, PLAIN), *NEVER, *PEOPLE, "joserfc", "cryptography.x509") == set()


def test_a_gateway_that_knows_an_issuer_reads_its_keys_without_what_signs_people_in(tmp_path: Path) -> None:
    """Ours: the first token must not wait for an import."""
    found = imported(tmp_path, KNOWN)
    assert "joserfc" in found
    assert among(found, *NEVER, *PEOPLE) == set()


@pytest.mark.parametrize("config", [SIGNED_IN, SIGNED_IN + "authorization: {}\n"])
def test_what_signs_people_in_is_there_where_they_do(tmp_path: Path, config: str) -> None:
    """Ours: otherwise the tests above would prove nothing."""
    assert among(imported(tmp_path, config), "ostiary.entry.people")

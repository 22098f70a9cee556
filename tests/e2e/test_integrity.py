"""The servers of these tests are honest, and the integrity scan says so: not even a note about any of them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ostiary.demo.stage import _crm as demo_crm
from tests.bridge.house import FORMS, _settings
from tests.e2e.doubles.house import Json, config, over_http
from tests.e2e.doubles.linking import Linking
from tests.e2e.doubles.tasks import Workshop
from tests.e2e.doubles.tasks_handshake import OldWorkshop
from tests.e2e.doubles.upstream import Upstream, upstream
from tests.e2e.test_crash import COUNTING

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

COUNT = 16


@asynccontextmanager
async def servers(folder: Path, node: Path, npm: Path, pypi: Path) -> AsyncIterator[dict[str, Json]]:
    """Start what has to be started, and say where everything is, as the other tests do."""
    doubles = {"crm": Upstream(["modern", "handshake"]), "linking": Linking("linking", "modern")}
    async with (
        upstream(doubles["crm"]) as crm,
        upstream(doubles["linking"]) as linking,
        upstream(Workshop()) as tasks,
        upstream(OldWorkshop()) as old,
    ):
        running = {"crm": crm, "linking": linking, "tasks": tasks, "old-tasks": old}
        with ExitStack() as stack:
            found: dict[str, Json] = {name: over_http(each.url) for name, each in running.items()}
            found |= {f"bridge-{form}": _settings(form, folder / form, stack) for form in FORMS}
            found["demo-crm"] = over_http(stack.enter_context(demo_crm(folder)))
            found["demo-notes"] = {"command": [sys.executable, "-m", "ostiary.demo.notes", str(folder / "notes.db")]}
            counting = [sys.executable, str(COUNTING), str(folder / "seen"), str(folder / "released"), "modern"]
            found["counting"] = {"command": counting}
            for name, words in real(folder, node, npm, pypi).items():
                found[name] = {"command": words}
            yield found


def real(folder: Path, node: Path, npm: Path, pypi: Path) -> dict[str, list[str]]:
    return {
        "everything": [str(node), str(npm / "server-everything" / "dist" / "index.js"), "stdio"],
        "files": [str(node), str(npm / "server-filesystem" / "dist" / "index.js"), str(folder)],
        "git": [str(pypi / "mcp-server-git")],
        "time": [str(pypi / "mcp-server-time"), "--local-timezone", "UTC"],
    }


async def test_the_servers_of_these_tests_raise_nothing(
    tmp_path: Path, node_program: Path, node_servers: Path, python_servers: Path
) -> None:
    """Issue 5: the servers used in the end-to-end tests raise none."""
    (tmp_path / "seen").touch()
    (tmp_path / "released").touch()
    async with servers(tmp_path, node_program, node_servers, python_servers) as found:
        assert len(found) >= COUNT
        file = tmp_path / "ostiary.yaml"
        with file.open("w") as opened:
            YAML().dump({"gateway": {"url": "http://127.0.0.1:8080"}, **config(found)}, opened)
        command = [
            sys.executable,
            "-m",
            "ostiary",
            "scan",
            str(file),
            "--json",
            "--fail-on",
            "low",
            "--timeout",
            "120s",
        ]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
        said, errors = await asyncio.wait_for(process.communicate(), 200)
    assert json.loads(said) == {"findings": [], "failed": {}}, errors.decode()
    assert process.returncode == 0

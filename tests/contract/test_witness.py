"""What a server is, seen on disk: programs as the system finds them, scripts, packages; nothing of secrets."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from ostiary.adapters.upstream.digests import Digests
from ostiary.adapters.upstream.program import Program
from ostiary.adapters.upstream.witness import Witness
from ostiary.integrity.facts import Fact

pytestmark = pytest.mark.anyio


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


async def facts(folder: Path, *command: str, words: tuple[str, ...] = (), **env: str) -> dict[str, Fact]:
    base = {"PATH": str(folder / "bin"), "HOME": str(folder / "home")}
    made = Program("it", command, env, str(folder), words=words or command)
    return {each.name: each for each in await Witness(base).program(made)}


def project(prefix: Path, name: str, version: str, *lines: str) -> Path:
    """Write what an installer records of a project."""
    folder = prefix / "lib" / "python3.11" / "site-packages" / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "RECORD").write_text("".join(f"{each},sha256=x,1\n" for each in lines))
    return folder / "RECORD"


async def test_a_program_is_found_on_the_path_that_its_process_gets(tmp_path: Path) -> None:
    path = program(tmp_path / "bin" / "it")
    expected = Fact("program", {"path": str(path), "sha256": sha(path)})
    assert await facts(tmp_path, "it", "--token", "x") == {"program": expected}
    assert await facts(tmp_path, "bin/it") == {"program": expected}
    other = program(tmp_path / "own" / "it", "#!/bin/sh\nexit\n")
    found = await facts(tmp_path, "it", PATH=str(tmp_path / "own"))
    assert found["program"].value == {"path": str(other), "sha256": sha(other)}


async def test_a_program_that_is_not_there_is_not_known(tmp_path: Path) -> None:
    assert await facts(tmp_path, "it") == {"program": Fact("program", {})}


async def test_a_script_is_known_with_what_is_loaded_before_it(tmp_path: Path) -> None:
    node = program(tmp_path / "bin" / "node")
    for name in ("hook.js", "it.js"):
        (tmp_path / name).write_text(f"// {name}\n")
    found = await facts(tmp_path, "node", "-r", "./hook.js", "it.js", "data.json")
    assert found["runner"].value == {"path": str(node)}
    assert found["runner-file"].value == {"sha256": sha(node)}
    assert found["script"].value == {str(tmp_path / name): sha(tmp_path / name) for name in ("hook.js", "it.js")}
    assert "installed" not in found


async def test_what_comes_from_the_place_of_a_secret_is_not_looked_at(tmp_path: Path) -> None:
    """The attack: a pin, or a bill of materials, that tells an argument."""
    program(tmp_path / "bin" / "python3")
    secret = tmp_path / "sekrit"
    secret.write_text("x")
    found = await facts(tmp_path, "python3", str(secret), words=("python3", ""))
    assert "sekrit" not in str(found)
    hidden = await facts(tmp_path, "python3", words=("",))
    assert hidden["program"].value == {"path": "", "sha256": sha(tmp_path / "bin" / "python3")}
    assert set(await facts(tmp_path, "bin/python3", "x", words=("bin/python3",))) == {"program"}


async def test_a_command_that_pip_installed_is_its_project(tmp_path: Path) -> None:
    python = program(tmp_path / "venv" / "bin" / "python")
    program(tmp_path / "venv" / "bin" / "it", f"#!{python}\nimport it\n")
    record = project(tmp_path / "venv", "it_server", "1.2", "../../../bin/it", "it/__init__.py")
    project(tmp_path / "venv", "other", "1", "../../../bin/other")
    installed = {"name": "it-server", "version": "1.2", "hash": f"sha256:{sha(record)}", "source": "RECORD"}
    assert (await facts(tmp_path, "venv/bin/it"))["installed"].value == installed
    assert (await facts(tmp_path, "venv/bin/python", "-m", "it.serve"))["installed"].value == installed
    assert "installed" not in await facts(tmp_path, "venv/bin/python", "-m", "unknown")


async def test_a_package_that_npm_installed_is_what_its_lock_says(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "node")
    folder = tmp_path / "node_modules" / "@a" / "it"
    (folder / "dist").mkdir(parents=True)
    (folder / "dist" / "index.js").write_text("//\n")
    (folder / "package.json").write_text(json.dumps({"name": "@a/it", "version": "1.2"}))
    command = ("node", "node_modules/@a/it/dist/index.js")
    own = (await facts(tmp_path, *command))["installed"].value
    assert (own["source"], own["hash"]) == ("package.json", f"sha256:{sha(folder / 'package.json')}")
    lock = {"packages": {"node_modules/@a/it": {"version": "1.2", "integrity": "sha512-x"}}}
    (tmp_path / "node_modules" / ".package-lock.json").write_text(json.dumps(lock))
    expected = {"name": "@a/it", "version": "1.2", "hash": "sha512-x", "source": "lock"}
    assert (await facts(tmp_path, *command))["installed"].value == expected


async def test_what_a_runner_fetched_is_found_where_it_keeps_it(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "npx")
    program(tmp_path / "bin" / "uvx")
    assert set(await facts(tmp_path, "npx", "-y", "it@1.2")) == {"runner", "runner-file", "package"}
    key = hashlib.sha512(b"it@1.2").hexdigest()[:16]
    folder = tmp_path / "home" / ".npm" / "_npx" / key / "node_modules" / "it"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"name": "it", "version": "1.2"}))
    assert (await facts(tmp_path, "npx", "-y", "it@1.2"))["installed"].value["version"] == "1.2"
    wheel = tmp_path / "home" / ".cache" / "uv" / "wheels-v8" / "pypi" / "it" / "1.2-py3-none-any" / "it-1.2.dist-info"
    wheel.mkdir(parents=True)
    (wheel / "RECORD").write_text("it.py,,\n")
    assert (await facts(tmp_path, "uvx", "it==1.2"))["installed"].value["source"] == "RECORD"
    assert "installed" not in await facts(tmp_path, "uvx", "it")
    record = project(tmp_path / "home" / ".local" / "share" / "uv" / "tools" / "it", "it", "2.0", "it.py")
    assert (await facts(tmp_path, "uvx", "it"))["installed"].value["hash"] == f"sha256:{sha(record)}"


@pytest.mark.parametrize("text", ["[]", "{", '{"name": 1}', '{"name": "it", "version": "1"}'])
async def test_what_is_no_installed_package_is_none(tmp_path: Path, text: str) -> None:
    """Ours: a folder somebody works in has a package.json of their own, which changes with their work."""
    program(tmp_path / "bin" / "node")
    (tmp_path / "it.js").write_text("//\n")
    (tmp_path / "package.json").write_text(text)
    assert "installed" not in await facts(tmp_path, "node", "it.js")


def test_a_digest_is_remembered_until_the_file_is_another(tmp_path: Path) -> None:
    path, digests = tmp_path / "it", Digests()
    path.write_bytes(b"one")
    os.utime(path, ns=(0, 0))
    first = digests.of(path)
    assert digests.of(path) == first == sha(path)
    path.write_bytes(b"two")
    # The attack: the same size, and the time of the change set back.
    os.utime(path, ns=(0, 0))
    assert digests.of(path) == sha(path) != first


def test_what_is_no_file_has_no_digest_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "missing", "."):
        assert Digests().of(tmp_path / name) == ""

"""What a command starts is read from its words: a program, an interpreter's script, a module, or a package."""

from __future__ import annotations

import pytest

from ostiary.integrity.commands import Run, mentioned, started
from ostiary.integrity.identity import Package, package, specified


@pytest.mark.parametrize(
    ("command", "run"),
    [
        ("/opt/it --port 7", Run(0)),
        ("python3.11 -u -W ignore it.py --token x", Run(0, runner=True, script=4)),
        ("/venv/bin/python -m it.server", Run(0, runner=True, module="it.server")),
        ("python -m", Run(0)),
        ("python -c print(1) it.py", Run(0)),
        ("python", Run(0)),
        ("node -r ./hook.js --import=./more.js server.js", Run(0, runner=True, script=4)),
        ("node -e 1 x", Run(0)),
        ("bun run it.ts", Run(0, runner=True, script=2)),
        ("deno run -A it.ts", Run(0, runner=True, script=3)),
        ("java -Xmx1g -jar it.jar", Run(0, runner=True, script=3)),
        ("uv run --directory /srv it.py", Run(0, runner=True, script=4)),
        ("bash -x it.sh", Run(0, runner=True, script=2)),
        ("env A=b -i python it.py", Run(3, runner=True, script=4)),
        ("env -u A python it.py", Run(0)),
        ("env A=b", Run(0)),
        ("npx -y it@1.2.3", Run(0, runner=True, package=Package("npm", "it", "1.2.3", pinned=True))),
        ("C:\\node\\node.exe it.js", Run(0, runner=True, script=1)),
    ],
)
def test_a_command_says_what_it_starts(command: str, run: Run) -> None:
    assert started(command.split()) == run


def test_a_word_that_is_not_to_be_seen_is_no_script() -> None:
    assert started(["python", ""]) == Run(0)


def test_files_that_an_interpreter_loads_are_its_script_and_what_its_options_name() -> None:
    words = ["node", "-r", "./hook.js", "--import=./more.js", "--inspect", "server.js", "data.json"]
    assert mentioned(words, started(words)) == ("./hook.js", "./more.js", "server.js")
    assert mentioned(["/opt/it", "x"], Run(0)) == ()


def test_a_runner_is_told_what_to_run_by_one_word() -> None:
    assert specified(["npx", "-y", "@a/b@1"]) == "@a/b@1"
    assert specified(["/opt/it", "x"]) == ""


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("git+https://ana:sekrit@example.com/it.git@main", "git+https://example.com/it.git@main"),
        ("https://example.com/it.tgz?token=sekrit", "https://example.com/it.tgz"),
    ],
)
def test_what_a_package_is_called_holds_no_credentials(spec: str, name: str) -> None:
    """The attack: a bill of materials is handed around."""
    assert package(["uvx", "--from", spec, "it"]).name == name
    assert package(["npx", spec]).name == name

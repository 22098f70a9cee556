"""Write the commands' reference page from the commands themselves; `--check` fails when it is stale."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer
from typer.main import get_command

from ostiary.entry.cli.main import app

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "reference" / "cli.md"
CELL: Final = str.maketrans({"|": r"\|"})
ESCAPED: Final = str.maketrans({"|": r"\|", "*": r"\*", "<": "&lt;", "_": r"\_"})

HEAD: Final = """# Commands

<!-- Written by scripts/cli_reference.py from the commands themselves; do not edit. -->

`ostiary COMMAND --help` says the same. What holds for every command:

- `-c FILE` names the configuration; without it, `ostiary.yaml` in the present folder.
- Data goes to standard output and words to standard error, so that output can be piped; `--json` prints data as JSON.
- Colours appear on terminals only, and never with `NO_COLOR` set. Control and invisible characters in what servers and
  callers say are spelled out.
- Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
- `ostiary --install-completion` teaches your shell to complete commands and options.
"""


def page() -> str:
    """Return the whole page."""
    root: Any = get_command(app) if isinstance(app, typer.Typer) else app
    parts = [HEAD]
    for name in root.list_commands(None):
        parts += _described(("ostiary", name), root.get_command(None, name))
    return "\n".join(parts)


def _described(path: tuple[str, ...], command: Any) -> Iterator[str]:
    yield f"{'#' * len(path)} {' '.join(path)}\n"
    first, *rest = _paragraphs(command.help)
    commands = getattr(command, "commands", None)
    if commands is not None:
        yield f"{_sentence(first)}\n"
        for name, inner in commands.items():
            yield from _described((*path, name), inner)
        return
    yield f"{_sentence(first)}\n"
    yield from (f"{_sentence(each)}\n" for each in rest if not each.startswith("Example:"))
    examples = [each.removeprefix("Example:").strip() for each in rest if each.startswith("Example:")]
    yield "```\n" + "\n".join([_usage(path, command), *(f"# such as\n{each}" for each in examples)]) + "\n```\n"
    yield from _options(command)


def _paragraphs(text: str | None) -> list[str]:
    whole = inspect.cleandoc(text or "").split("\f")[0]
    return [" ".join(each.split()) for each in whole.split("\n\n")]


def _sentence(text: str) -> str:
    before, mark, example = text.partition("Example: ")
    return f"{_plain(before)}Example: `{example}`" if mark else _plain(text)


def _plain(text: str) -> str:
    return text.translate(ESCAPED)


def _usage(path: tuple[str, ...], command: Any) -> str:
    words = [_argument(each) for each in command.params if each.param_type_name == "argument"]
    return " ".join((*path, "[OPTIONS]", *words))


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    name = f"{name}…" if parameter.nargs == -1 else name
    return name if parameter.required else f"[{name}]"


def _options(command: Any) -> Iterator[str]:
    rows = [_row(each) for each in command.params if not getattr(each, "hidden", False) and "--help" not in each.opts]
    if rows:
        yield "| option | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        flags = f"`{_argument(parameter)}`"
    else:
        value = "" if parameter.is_flag else f" {(parameter.metavar or parameter.name.upper()).translate(CELL)}"
        flags = ", ".join(f"`{each}{value}`" for each in sorted(parameter.opts, key=len, reverse=True))
    return f"| {flags} | {_default(parameter)} | {_plain(parameter.help or '')} |"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    value = parameter.default
    if value in (None, "", False, ()) or parameter.multiple:
        return ""
    return f"`{getattr(value, 'value', value)}`"


def main() -> int:
    """Write the page, or compare it; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the page is stale, and write nothing")
    made = page()
    if not parser.parse_args().check:
        PAGE.write_text(made, "utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text("utf-8") == made:
        return 0
    print(f"{PAGE.relative_to(ROOT)} is stale; run scripts/cli_reference.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

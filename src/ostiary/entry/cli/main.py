"""The command line: names and order of the commands, and the one place where a failure becomes words."""

from __future__ import annotations

import importlib
import sys
from typing import Final

import click
import typer
from typer.main import get_command

_COMMANDS: Final = {
    "demo": "ostiary.entry.cli.demo:demo",
    "serve": "ostiary.entry.cli.serve:serve",
    "check": "ostiary.entry.cli.check:check",
    "import": "ostiary.entry.cli.importing:import_",
    "connect": "ostiary.entry.cli.connect:connect",
    "token": "ostiary.entry.cli.tokens:app",
    "tools": "ostiary.entry.cli.tools:app",
    "why": "ostiary.entry.cli.why:why",
    "who-can": "ostiary.entry.cli.why:who_can",
    "audit": "ostiary.entry.cli.audit:app",
    "probe": "ostiary.entry.cli.probe:probe",
    "doctor": "ostiary.entry.cli.doctor:doctor",
}


class Commands(click.Group):
    """Loads a command when it is asked for: `ostiary token create` need not import a web server."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's shape
        """Return the commands' names, in the order in which people meet them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's shape
        """Return one command."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        found = getattr(importlib.import_module(module), name)
        if isinstance(found, typer.Typer):
            return get_command(found)
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        app.command(cmd_name)(found)
        return get_command(app)


app: Final = Commands(
    "ostiary",
    help="A secure-by-default gateway for the Model Context Protocol. Start with: ostiary demo",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[
        click.Option(["--version"], is_flag=True, is_eager=True, expose_value=False, callback=lambda *a: _version(*a))
    ],
)


def _version(ctx: click.Context, _parameter: object, asked: bool) -> None:
    if asked:
        from ostiary import __version__

        click.echo(__version__)
        ctx.exit()


def main() -> None:
    """Run one command; exit 0 when done, 1 when refused or failed, 2 for wrong usage."""
    try:
        app.main(prog_name="ostiary", standalone_mode=True)
    except Exception as error:
        from ostiary.entry.cli.terminal import told

        sys.exit(told(error))

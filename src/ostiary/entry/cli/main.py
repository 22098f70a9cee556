"""The command line: names and order of the commands, and the one place where a failure becomes words."""

from __future__ import annotations

import importlib
import sys
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from ostiary import __version__

_COMMANDS: Final = {
    "demo": "ostiary.entry.cli.demo:demo",
    "serve": "ostiary.entry.cli.serve:serve",
    "check": "ostiary.entry.cli.check:check",
    "import": "ostiary.entry.cli.importing:import_",
    "connect": "ostiary.entry.cli.connect:connect",
    "token": "ostiary.entry.cli.tokens:app",
    "tools": "ostiary.entry.cli.tools:app",
    "quarantine": "ostiary.entry.cli.quarantine:app",
    "why": "ostiary.entry.cli.why:why",
    "who-can": "ostiary.entry.cli.why:who_can",
    "simulate": "ostiary.entry.cli.simulate:simulate",
    "diff": "ostiary.entry.cli.diff:diff",
    "trim": "ostiary.entry.cli.trim:trim",
    "audit": "ostiary.entry.cli.audit:app",
    "approvals": "ostiary.entry.cli.approvals:app",
    "alerts": "ostiary.entry.cli.alerts:app",
    "guards": "ostiary.entry.cli.guards:app",
    "probe": "ostiary.entry.cli.probe:probe",
    "scan": "ostiary.entry.cli.scan:scan",
    "anomalies": "ostiary.entry.cli.anomalies:app",
    "usage": "ostiary.entry.cli.tallying:usage",
    "cost": "ostiary.entry.cli.tallying:cost",
    "top": "ostiary.entry.cli.top:top",
    "doctor": "ostiary.entry.cli.doctor:doctor",
}


class Commands(TyperGroup):
    """Loads a command when it is asked for: `ostiary token create` need not import a web server."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's shape
        """Return the commands' names, in the order in which people meet them."""
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - typer's shape
        """Return one command."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        found = getattr(importlib.import_module(module), name)
        if isinstance(found, typer.Typer):
            return get_command(found)
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(cmd_name)(found)
        return get_command(single)


app: Final = typer.Typer(
    name="ostiary",
    cls=Commands,
    help="A secure-by-default gateway for the Model Context Protocol. Start with: ostiary demo",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"ostiary {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")
    ] = False,
) -> None:
    """Do nothing before a command: the group has options, but no work of its own."""


def main() -> None:
    """Run one command; exit 0 when done, 1 when refused or failed, 2 for wrong usage."""
    command = get_command(app)
    try:
        command.main(prog_name="ostiary", standalone_mode=True)
    except Exception as error:  # noqa: BLE001 - the one place where a failure becomes words
        # Not before: it draws tables, and a gateway that runs for months has no use for what draws them.
        from ostiary.entry.cli.terminal import told  # noqa: PLC0415

        sys.exit(told(error))

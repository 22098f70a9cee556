"""`ostiary approvals`: calls that wait for a person, and what a person says of them."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

import typer

from ostiary.adapters.store import holds, keys
from ostiary.adapters.store.holds import Waiting
from ostiary.entry.cli.terminal import CONFIG, AsJson, ConfigFile, Refused, data, line, moment, now, raw, say, table
from ostiary.entry.cli.tools import operator
from ostiary.entry.offline import Offline, offline

app: Final = typer.Typer(
    name="approvals",
    help="Calls that wait for a person. Example: ostiary approvals approve h_0123456789ab",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Which = Annotated[str, typer.Argument(metavar="ID", help="What the refusal and `ostiary approvals list` call it.")]
_WIDE: Final = 72


@app.command("list")
def list_(
    config: ConfigFile = CONFIG,
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that were decided, or waited in vain.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the calls that wait, oldest first.

    Example: ostiary approvals list --all
    """
    found = holds.listed(offline(config).engine, now(), every=every)
    if as_json:
        data({"approvals": [_plain(each) for each in found]})
        return
    if not found:
        say("No call waits for a person.", "green")
        return
    table(("ID", "WHO", "WANTS", "WHY IT WAITS", "SINCE", "UNTIL", "STATE"), [_row(each) for each in found])


@app.command("show")
def show(which: Which, config: ConfigFile = CONFIG, *, as_json: AsJson = False) -> None:
    """Show one call with its arguments, as its caller wrote them.

    Example: ostiary approvals show h_0123456789ab
    """
    opened = offline(config)
    found = holds.shown(opened.engine, keys.Sealer(keys.key(opened.data, keys.SEAL)), which)
    if found is None:
        raise _missing(which)
    if as_json:
        data({**_plain(found), "arguments": json.loads(found.arguments)})
        return
    table(("ID", "WHO", "WANTS", "WHY IT WAITS", "SINCE", "UNTIL", "STATE"), [_row(found)])
    # What a model wrote is shown as JSON writes it: nothing in it can move the cursor or turn the text round.
    raw(json.dumps(json.loads(found.arguments), indent=2, ensure_ascii=True) + "\n")


@app.command("approve")
def approve(which: Which, config: ConfigFile = CONFIG) -> None:
    """Let one call pass what holds it, once, if its caller makes it again in the same words within 15 minutes.

    Example: ostiary approvals approve h_0123456789ab
    """
    _decide(offline(config), which, holds.APPROVED)
    line(f"{which} may pass once, within 15 minutes.", "green")


@app.command("refuse")
def refuse(which: Which, config: ConfigFile = CONFIG) -> None:
    """Refuse one call; whoever makes it again within 15 minutes is told so.

    Example: ostiary approvals refuse h_0123456789ab
    """
    _decide(offline(config), which, holds.REFUSED)
    line(f"{which} is refused.", "green")


def _decide(opened: Offline, which: str, state: str) -> None:
    if not holds.decide(opened.engine, which, state, operator(), now()):
        raise _missing(which)


def _missing(which: str) -> Refused:
    return Refused(
        f"No call waits as {which[:64]!r}.", "It was decided, or its time is over: ostiary approvals list --all"
    )


def _plain(each: Waiting) -> dict[str, Any]:
    return {name: getattr(each, name) for name in Waiting.__struct_fields__ if name != "arguments"}


def _row(each: Waiting) -> list[Any]:
    state = each.state if each.decided_by is None else f"{each.state} by {each.decided_by}"
    if each.state == holds.WAITING and each.until < now():
        state = "waited in vain"
    return [each.id, each.subject, each.label, each.reason[:_WIDE], moment(each.created), moment(each.until), state]

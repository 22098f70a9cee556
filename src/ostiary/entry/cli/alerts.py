"""`ostiary alerts`: whether the receivers of alerts can be reached."""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated, Final

import typer

from ostiary.adapters.notify.forms import Told, Verdict
from ostiary.adapters.notify.outbox import attempted
from ostiary.adapters.secrets import resolve
from ostiary.adapters.telemetry.logs import plain
from ostiary.behaviour.alarming import TEST, Notice
from ostiary.config.alerts import Receiver
from ostiary.config.problems import did_you_mean
from ostiary.config.schema import Config
from ostiary.entry.cli.terminal import CONFIG, AsJson, ConfigFile, Refused, data, line, now, say
from ostiary.entry.notifying import Way, keyed
from ostiary.entry.offline import checked

app: Final = typer.Typer(
    name="alerts",
    help="Who is told when something happens. Example: ostiary alerts test ops",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_KEY: Final = 32


@app.callback()
def _root() -> None:
    """Keep `test` a command of its own: a group of one would swallow its name."""


@app.command("test")
def told(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An alert, or one receiver in `notify`.")],
    config: ConfigFile = CONFIG,
    *,
    as_json: AsJson = False,
) -> None:
    """Tell the receivers of an alert, or one receiver, that this is a test; exit 1 if one of them did not take it.

    It is one attempt, without a running gateway. At PagerDuty it stays open until somebody resolves it.

    Example: ostiary alerts test ops
    """
    found = checked(config).config
    verdicts = asyncio.run(_verdicts(found, _receivers(found, name), name))
    if as_json:
        said = [(to, each.arrived, plain(each.why) or None) for to, each in verdicts.items()]
        data([{"receiver": to, "arrived": arrived, "reason": why} for to, arrived, why in said])
    else:
        for to, each in verdicts.items():
            kind = found.notify[to].kind
            if each.arrived:
                line(f"{to} ({kind}): it took the test", "green")
            else:
                say(f"{to} ({kind}): {plain(each.why)}", "red")
    if not all(each.arrived for each in verdicts.values()):
        raise typer.Exit(1)


def _receivers(config: Config, name: str) -> tuple[str, ...]:
    alert = next((each for each in config.alerts if each.name == name), None)
    if alert is not None:
        return tuple(dict.fromkeys(alert.to))
    if name in config.notify:
        return (name,)
    known = (*(each.name for each in config.alerts), *config.notify)
    hint = did_you_mean(name, known)
    raise Refused(f"There is no alert and no receiver {name}{f'; {hint}' if hint else '.'}", "See alerts and notify.")


async def _verdicts(config: Config, receivers: tuple[str, ...], name: str) -> dict[str, Verdict]:
    key, at = keyed(secrets.token_bytes(_KEY)), now()
    found = {}
    for each in receivers:
        notice = Notice(name, TEST, "", each, at, 0.0)
        told = Told(notice, key(notice), config.gateway.url, config.notify[each].callers == "name")
        found[each] = await _tried(config.notify[each], told)
    return found


async def _tried(receiver: Receiver, told: Told) -> Verdict:
    way = Way(receiver, resolve)
    try:
        return await attempted(way.deliver, told)
    finally:
        await way.close()

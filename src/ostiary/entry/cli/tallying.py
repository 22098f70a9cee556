"""`ostiary usage` and `ostiary cost`: who uses what, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
import typer

from ostiary.adapters.store.ledger_costs import used
from ostiary.config.schema import Config
from ostiary.core.costs import MICROS, Cost
from ostiary.entry.cli.audit_asked import Since, instant
from ostiary.entry.cli.terminal import (
    CONFIG,
    AsJson,
    Cell,
    ConfigFile,
    data,
    line,
    plural,
    say,
    styled,
    table,
)
from ostiary.entry.offline import checked, data_folder, offline
from ostiary.operate.tally import BYTES_PER_TOKEN, By, Sum, Weight, bar, tallied, weights

_WIDTH: Final = 24
_MOST: Final = 50
"""Rows on a terminal; --json has all."""
Grouped = Annotated[By, typer.Option("--by", help="What calls are added up by.", show_default=True)]
Listed = Annotated[bool, typer.Option("--catalogue", help="Say what lists of tools cost a model instead.")]


def usage(
    config: ConfigFile = CONFIG, *, by: Grouped = By.CALLER, since: Since = "7d", as_json: AsJson = False
) -> None:
    """Show who called what how often, how much they moved, and how long servers worked for it; from the ledger.

    Whoever is in several teams counts in each. Tokens are an estimate: bytes of answers, divided by four.

    Example: ostiary usage --by team --since 30d
    """
    sums, whole = _read(config, by, since)
    if as_json:
        data(_plain(by, since, sums, whole))
        return
    most = max((each.calls for each in sums), default=0)
    table(
        (by.value.upper(), "CALLS", "", "FAILED", "SENT", "ANSWERED", "TOKENS", "SERVER TIME"),
        [_used(each, most) for each in sums[:_MOST]],
    )
    _summed(sums, whole, since)


def cost(
    config: ConfigFile = CONFIG, *, by: Grouped = By.TEAM, since: Since = "7d", catalogue: Listed = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show what calls cost, from the ledger; or what the lists of tools cost a model that reads them.

    Only tools with a price cost something: servers.NAME.tools.TOOL.price.
    Tokens of lists are an estimate: bytes of JSON, divided by four.

    Example: ostiary cost --by day --since 30d
    """
    if catalogue:
        _weighed(config, as_json=as_json)
        return
    sums, whole = _read(config, by, since)
    if as_json:
        data(_plain(by, since, sums, whole))
        return
    rows = [row for each in sums[:_MOST] for row in _costs(each, whole)]
    if rows:
        table((by.value.upper(), "CALLS", "COST", ""), rows)
        line(f"Together: {_money(whole) or 'nothing'}.", "bold")
    else:
        say("Nothing that was called has a price: give tools one with servers.NAME.tools.TOOL.price.")
    _summed(sums, whole, since)


def _read(config: ConfigFile, by: By, since: str) -> tuple[list[Sum], Sum]:
    folder = data_folder(checked(config).config, config)
    begin = datetime.fromisoformat(instant("--since", since)).timestamp()
    return tallied(used(folder, begin), by)


def _plain(by: By, since: str, sums: list[Sum], whole: Sum) -> dict[str, Any]:
    return {"by": by.value, "since": since, "rows": [_row(each) for each in sums], "all": _row(whole)}


def _row(each: Sum) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(each)
    costs = [{"micros": micros, "currency": currency} for currency, micros in sorted(each.micros.items())]
    return {**{key: value for key, value in plain.items() if key != "micros"}, "cost": costs}


def _used(each: Sum, most: int) -> list[Cell]:
    failed = styled(f"{each.failed:,}", "red" if each.failed else "")
    return [
        each.name, f"{each.calls:,}", styled(bar(each.calls, most, _WIDTH), "cyan"), failed, _size(each.asked),
        _size(each.answered), f"~{each.tokens:,}", f"{each.upstream:,.1f} s",
    ]  # fmt: skip


def _costs(each: Sum, whole: Sum) -> Iterator[list[Cell]]:
    for currency, micros in sorted(each.micros.items()):
        drawn = bar(micros, whole.micros[currency], _WIDTH)
        yield [each.name, f"{each.calls:,}", str(Cost(micros, currency)), styled(drawn, "cyan")]


def _money(each: Sum) -> str:
    return " and ".join(str(Cost(micros, currency)) for currency, micros in sorted(each.micros.items()))


def _summed(sums: list[Sum], whole: Sum, since: str) -> None:
    if len(sums) > _MOST:
        say(f"{len(sums) - _MOST:,} more are left out; --json has all.", "yellow")
    say(f"{plural(whole.calls, 'call')} ({since}).", "bold")


def _size(octets: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if octets >= size:
            return f"{octets / size:.1f} {unit}"
    return f"{octets} B"


# What lists of tools weigh


def _weighed(config: ConfigFile, *, as_json: bool) -> None:
    opened = offline(config)
    surfaces = sorted(opened.snapshot.surfaces.items())
    found = [each for (_, offer), surface in surfaces if not offer for each in weights(surface)]
    if as_json:
        data({"bytes_per_token": BYTES_PER_TOKEN, "rows": [msgspec.to_builtins(each) for each in found]})
        return
    if not found:
        say("No server was asked yet what it offers: start the gateway once.")
        return
    most = max(each.tokens for each in found)
    table(
        ("ENDPOINT", "SERVER", "TOOLS", "BYTES", "TOKENS (ESTIMATE)", "", "HEAVIEST"),
        [_weight(each, most) for each in found],
    )
    for said in _read_by_models(opened.config, found):
        line(said)
    say("An estimate: a token for every four bytes. A model reads its list with every request of its agent.", "bold")


def _weight(each: Weight, most: int) -> list[Cell]:
    return [
        each.endpoint, each.server, f"{each.tools:,}", _size(each.octets), f"~{each.tokens:,}",
        styled(bar(each.tokens, most, _WIDTH), "cyan"), f"{each.heaviest} (~{each.heaviest_tokens:,})",
    ]  # fmt: skip


def _read_by_models(config: Config, found: list[Weight]) -> Iterator[str]:
    """Yield what each endpoint's list costs each model that has a price."""
    endpoints = sorted({each.endpoint for each in found})
    for name, model in config.prices.models.items():
        for endpoint in endpoints:
            tokens = sum(each.tokens for each in found if each.endpoint == endpoint)
            price = Cost(-(-tokens * model.input.micros // MICROS), model.input.currency)
            yield f"{name} reads the list of {endpoint} for about {price}."

"""`ostiary simulate`: what another configuration would have made of yesterday's calls."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from ostiary.config.policy import told
from ostiary.entry.cli.audit import Since, instant
from ostiary.entry.cli.replaying import Data, calls, opened, replay
from ostiary.entry.cli.terminal import AsJson, data, line, plural, say, table
from ostiary.operate.changes import Change, Changes, Groups, Open

_LISTS: Final = ("refused", "allowed", "held", "undecided", "shadow", "open")
_TITLES: Final = {
    "refused": ("would be refused, and were allowed then", "red"),
    "allowed": ("would be allowed, and were refused then", "green"),
    "held": ("would wait for somebody's approval, and needed none then", "yellow"),
    "shadow": ("would meet rules that are rehearsed", "yellow"),
    "open": ("may meet rules that are rehearsed", "yellow"),
    "undecided": ("cannot be decided by what the ledger keeps", "yellow"),
}


def simulate(
    config: Annotated[
        Path,
        typer.Option("--config", "-c", metavar="NEW", help="The configuration to try."),
    ] = Path("ostiary.yaml"),
    *,
    since: Since = "",
    folder: Data = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Rows of each table; --json has all.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Replay the ledger's calls against another configuration, and say what would change, and for whom.

    Each call is decided as a gateway would with this file and with what is approved now.
    Who called is taken as it was recorded; limits, guards and the check of arguments against schemas are left out.
    The ledger keeps no values: what depends on them is listed as not decided.

    Example: ostiary simulate -c new.yaml --since 7d
    """
    it = opened(config, folder)
    judge, changes = replay(it), Changes()
    for call in calls(it.data, instant("--since", since), "replaying"):
        changes.add(call, judge.verdict(call))
    # One for each rule: a condition that does not fit one tool rarely fits the next.
    faults = {each.rule: f"{told(each)}; a gateway would not activate this file" for each in it.revisions.faults}
    notes = list(faults.values())
    if as_json:
        data(_plain(changes, notes))
        return
    for note in notes:
        say(note, "yellow")
    _tell(changes, limit)


def _tell(changes: Changes, limit: int) -> None:
    for name, (title, colour) in _TITLES.items():
        groups: Groups = getattr(changes, name)
        if not groups.calls:
            continue
        every = list(groups)
        line(f"{plural(groups.calls, 'call')} {title}", f"bold {colour}")
        table(("CALLS", "WHO", "WHAT", "WHY", "LAST", "REFERENCE"), map(_row, every[:limit]))
        if len(every) > limit:
            say(f"and {len(every) - limit:,} more rows; --limit {len(every)} shows them")
        if name == "undecided":
            table(("CALLS", "COULD NOT DECIDE", "WHY", "EXAMPLES"), map(_open, changes.rules))
    judged = changes.calls - changes.own - changes.unjudged
    span = f" from {changes.first} to {changes.last}" if changes.calls else ""
    say(f"{plural(judged, 'call')} to servers{span}: {_counts(changes)}.", "bold")


def _counts(changes: Changes) -> str:
    return (
        f"{changes.refused.calls:,} newly refused, {changes.allowed.calls:,} newly allowed, "
        f"{f'{changes.held.calls:,} newly held, ' if changes.held.calls else ''}"
        f"{changes.undecided.calls:,} not decided, {changes.still_allowed:,} still allowed, "
        f"{changes.still_refused:,} still refused"
    )


def _row(each: Change) -> list[str]:
    return [f"{each.calls:,}", each.subject, each.what, _why(each), each.last, each.reference]


def _open(each: Open) -> list[str]:
    examples = (f"{it.reference} ({it.subject}, {it.what})" for it in each.examples)
    return [f"{each.calls:,}", each.rule or "(no rule)", each.because, ", ".join(examples)]


def _why(each: Change) -> str:
    rule = each.rule and each.rule not in each.because
    return f"{each.because} ({each.rule})" if rule else each.because


def _plain(changes: Changes, notes: Iterable[str]) -> dict[str, Any]:
    return {
        "calls": changes.calls, "own": changes.own, "unjudged": changes.unjudged,
        "first": changes.first or None, "last": changes.last or None,
        "still_allowed": changes.still_allowed, "still_refused": changes.still_refused,
        **{f"newly_{name}" if name in ("refused", "allowed", "held") else name: _group(getattr(changes, name))
           for name in _LISTS},
        "undecided_rules": [msgspec.to_builtins(each) for each in changes.rules],
        "notes": list(notes),
    }  # fmt: skip


def _group(groups: Groups) -> dict[str, Any]:
    return {"calls": groups.calls, "groups": [msgspec.structs.asdict(each) for each in groups]}

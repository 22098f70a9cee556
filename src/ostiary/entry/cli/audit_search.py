"""`ostiary audit search` and `timeline`: calls by anything that is known of them, and what one agent run did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ostiary.adapters.store.ledger_index import LedgerIndex
from ostiary.adapters.store.ledger_read import Entry, Wanted
from ostiary.adapters.store.ledger_timeline import timeline as run_timeline
from ostiary.entry.cli.audit_asked import Since, Until, instant, ledger_folder
from ostiary.entry.cli.terminal import (
    CONFIG,
    AsJson,
    Cell,
    ConfigFile,
    Refused,
    data,
    plural,
    say,
    styled,
    table,
    usage,
)

_PAGE: Final = 100
_MANY: Final = 10_000
_SHOWN: Final = ("n", "time", "reference", "type", "subject", "server", "tool", "method", "outcome", "decision", "rule",
                 "detail", "ms", "client", "agent", "program", "name", "reason", "peer", "findings", "trace", "session",
                 "task", "run")  # fmt: skip
_GOOD: Final = frozenset({"answered"})
_NEUTRAL: Final = frozenset({"", "abandoned", "tool_error", "rpc_error", "interrupted"})

Limit = Annotated[int | None, typer.Option(metavar="N", min=1, help="At most so many; 100, or 10000 with --json.")]


def search(  # noqa: PLR0913 - a command's options are its arguments
    config: ConfigFile = CONFIG,
    *,
    subject: Annotated[str, typer.Option("--subject", "--who", metavar="WHO", help="Calls of this subject.")] = "",
    client: Annotated[str, typer.Option(metavar="NAME", help="Calls with this token or OAuth client.")] = "",
    server: Annotated[str, typer.Option(metavar="NAME", help="Calls to this server.")] = "",
    tool: Annotated[str, typer.Option(metavar="PATTERN", help="Labels, with * and ?: files.read_*")] = "",
    outcome: Annotated[str, typer.Option(metavar="CODE", help="answered, tool_error, not_found, limited, …")] = "",
    decision: Annotated[str, typer.Option(metavar="EFFECT", help="allow or deny.")] = "",
    rule: Annotated[str, typer.Option(metavar="NAME", help="Decided by this rule.")] = "",
    reason: Annotated[str, typer.Option(metavar="CODE", help="no_rule, deny_rule, missing_scope, condition, …")] = "",
    since: Since = "",
    until: Until = "",
    reference: Annotated[
        str, typer.Option(metavar="ID", help="The call that a client was told this reference of.")
    ] = "",
    trace: Annotated[str, typer.Option(metavar="ID", help="Part of this trace (32 hexadecimal digits).")] = "",
    session: Annotated[str, typer.Option(metavar="ID", help="Part of this session.")] = "",
    task: Annotated[str, typer.Option(metavar="ID", help="About this task.")] = "",
    run: Annotated[str, typer.Option(metavar="ID", help="Part of this agent run.")] = "",
    text: Annotated[str, typer.Option(metavar="TEXT", help="What occurs in who, what, why or findings.")] = "",
    limit: Limit = None,
    page: Annotated[str, typer.Option(metavar="TOKEN", help="What follows the page that printed this token.")] = "",
    as_json: AsJson = False,
) -> None:
    """Find calls and events in the ledger, newest first. What ended a moment ago is found too.

    Example: ostiary audit search --subject alice --since 1h --decision deny
    """
    if decision not in ("", "allow", "deny"):
        raise usage("--decision", "is allow or deny")
    wanted = Wanted(
        subject, tool, server, outcome, decision, instant("--since", since), instant("--until", until), reference, text,
        client, rule, reason, trace, session, task, run,
    )  # fmt: skip
    most = min(limit or (_MANY if as_json else _PAGE), _MANY)
    with _index(config) as index:
        try:
            found = index.page(wanted, limit=most, token=page)
        except ValueError as error:
            raise usage("--page", error) from None
    if as_json:
        data([_plain(each) for each in found.entries])
    elif found.entries:
        table(("TIME", "OUTCOME", "SUBJECT", "WHAT", "RULE", "MS", "REFERENCE", "WHY"), map(_row, found.entries))
    if found.next:
        say(f"The newest {len(found.entries):,}; what follows: the same with --page {found.next}")
    elif not found.entries:
        say("Nothing in the ledger fits.")


def timeline(
    ident: Annotated[str, typer.Argument(metavar="ID", help="A trace, session, task, run, or a call's reference.")],
    config: ConfigFile = CONFIG,
    *,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=_MANY, help="At most so many.")] = 1000,
    page: Annotated[int, typer.Option(metavar="N", min=0, help="Go on after this record.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show what one agent run did, oldest first: every call with its decision, its outcome and what guards found.

    The reference of one call shows the run that it was part of.

    Example: ostiary audit timeline 4bf92f3577b34da6a3ce929d0e0e4736
    """
    with _index(config) as index:
        found = run_timeline(index, ident, limit=limit, after=page)
    entries = found.entries
    if not entries:
        raise Refused(f"Nothing in the ledger belongs to {ident}.", "See `ostiary audit search` for what there is.")
    if as_json:
        data({"by": found.by, "id": found.ident, "calls": [_plain(each) for each in entries]})
    else:
        begun = _seconds(entries[0])
        table(
            ("TIME", "AFTER", "SUBJECT", "WHAT", "DECISION", "OUTCOME", "MS", "REFERENCE", "WHY"),
            [_step(each, begun) for each in entries],
        )
        denied = sum(each.decision == "deny" for each in entries)
        say(f"{plural(len(entries), 'call')} of the {found.by} {found.ident}, {denied} denied.")
    if found.more:
        say(f"What follows: the same with --page {entries[-1].n}")


@contextmanager
def _index(config: Path) -> Iterator[LedgerIndex]:
    index = LedgerIndex.of_command(ledger_folder(config))
    try:
        index.update()
        yield index
    finally:
        index.close()


def _plain(each: Entry) -> dict[str, Any]:
    return {name: getattr(each, name) for name in _SHOWN}


def _row(each: Entry) -> list[Cell]:
    return [
        each.time, styled(each.outcome or "in flight", colour(each.outcome)), each.subject, _what(each), each.rule,
        _took(each), each.reference, _why(each),
    ]  # fmt: skip


def _step(each: Entry, begun: float) -> list[Cell]:
    decided = " ".join(filter(None, (each.decision, each.reason, each.rule)))
    return [
        each.time, f"+{_seconds(each) - begun:.3f}", each.subject, _what(each), decided,
        styled(each.outcome or "in flight", colour(each.outcome)), _took(each), each.reference, _why(each),
    ]  # fmt: skip


def _what(each: Entry) -> str:
    return each.tool or each.method or each.type


def _took(each: Entry) -> str:
    return "" if each.ms is None else f"{each.ms:.1f}"


def _why(each: Entry) -> str:
    return "; ".join(filter(None, (each.detail, each.findings)))[:120]


def _seconds(each: Entry) -> float:
    return datetime.fromisoformat(each.time).timestamp()


def colour(outcome: str) -> str:
    """Return the colour that an outcome is shown in."""
    if outcome in _GOOD:
        return "green"
    return "yellow" if outcome in _NEUTRAL else "red"

"""`ostiary approvals`: calls that wait for a person, and what a person says of them."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

import typer

from ostiary.adapters.store import holds, keys, votes
from ostiary.adapters.store.holds import Waiting
from ostiary.adapters.store.votes import Objected, Voter
from ostiary.config import values
from ostiary.config.problems import Unfit
from ostiary.core.errors import GatewayError
from ostiary.entry.cli.terminal import (
    CONFIG,
    AsJson,
    ConfigFile,
    Refused,
    data,
    line,
    moment,
    now,
    raw,
    say,
    table,
    usage,
)
from ostiary.entry.cli.tools import operator
from ostiary.entry.offline import Offline, offline
from ostiary.entry.voting import voter
from ostiary.policy.approvals import people

app: Final = typer.Typer(
    name="approvals",
    help="Calls that wait for a person. Example: ostiary approvals approve h_0123456789ab",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Which = Annotated[str, typer.Argument(metavar="ID", help="What the refusal and `ostiary approvals list` call it.")]
As = Annotated[
    str,
    typer.Option(
        "--as", metavar="REF", help="Who you are: your token's place, env:NAME or file:/path. What rules hold takes it."
    ),
]
_WIDE: Final = 72
_COLUMNS: Final = ("ID", "WHO", "WANTS", "WHY IT WAITS", "WHO MAY APPROVE", "SINCE", "UNTIL", "STATE")
_WHO: Final = "say who you are: --as env:NAME or --as file:/path, where your token is"


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
    table(_COLUMNS, [_row(each) for each in found])


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
    table(_COLUMNS, [_row(found)])
    # What a model wrote is shown as JSON writes it: nothing in it can move the cursor or turn the text round.
    raw(json.dumps(json.loads(found.arguments), indent=2, ensure_ascii=True) + "\n")


@app.command("approve")
def approve(which: Which, config: ConfigFile = CONFIG, *, who: As = "") -> None:
    """Let one call pass what holds it, once, if its caller makes it again in the same words while that is good.

    What a guard holds, whoever runs the gateway approves; what a rule holds, people with the roles that it names, who
    say who they are, and are not the caller.

    Example: ostiary approvals approve h_0123456789ab --as env:MY_TOKEN
    """
    found, left = _decide(offline(config), which, holds.APPROVED, who)
    if left:
        line(f"{which} is approved by you, and waits for {left} more.", "yellow")
        return
    line(f"{which} may pass once, until {moment(found.until)}.", "green")


@app.command("refuse")
def refuse(which: Which, config: ConfigFile = CONFIG, *, who: As = "") -> None:
    """Refuse one call; whoever makes it again is told so, for as long as an approval would have been good.

    Example: ostiary approvals refuse h_0123456789ab
    """
    _decide(offline(config), which, holds.REFUSED, who)
    line(f"{which} is refused.", "green")


def _decide(opened: Offline, which: str, state: str, who: str) -> tuple[Waiting, int]:
    """Say it, and return the call as it is by that, and how many people more it takes."""
    found = _one(opened, which)
    if found is None:
        raise _missing(which)
    by = _voter(opened, found, state, who)
    try:
        said = votes.cast(opened.engine, which, by, state, now())
    except Objected as error:
        raise Refused(f"{by.subject} may not decide about {which}: {error}.", _remedy(found)) from None
    if said is None:
        raise _missing(which)
    opened.generation.move()
    return _one(opened, which) or found, said[1]


def _one(opened: Offline, which: str) -> Waiting | None:
    return next((each for each in holds.listed(opened.engine, now(), every=True) if each.id == which), None)


def _voter(opened: Offline, found: Waiting, state: str, who: str) -> Voter:
    if not who:
        if found.rules and state == holds.APPROVED:
            raise Refused(f"{found.id} takes the approval of {_approvers(found)}.", f"Then {_WHO}.")
        return Voter(operator())
    try:
        return voter(opened, values.secret(who), found.label)
    except Unfit as error:
        raise usage("--as", error) from None
    except GatewayError as error:
        raise Refused(f"The credential of --as is not taken: {error.hint or error.detail}.", _remedy(found)) from None


def _remedy(found: Waiting) -> str:
    return f"It takes {_approvers(found)}" if found.rules else "See: ostiary approvals list"


def _approvers(found: Waiting) -> str:
    return ", and ".join(people(each) for each in found.rules)


def _missing(which: str) -> Refused:
    return Refused(
        f"No call waits as {which[:64]!r}.", "It was decided, or its time is over: ostiary approvals list --all"
    )


def _plain(each: Waiting) -> dict[str, Any]:
    own = ("arguments", "rules", "left")
    said = {name: getattr(each, name) for name in Waiting.__struct_fields__ if name not in own}
    left = dict(each.left)
    rules = [
        {
            "rule": rule.rule, "by": sorted(rule.by), "quorum": rule.quorum, "within": rule.within,
            "left": left.get(rule.rule, 0),
        }
        for rule in each.rules
    ]  # fmt: skip
    return {**said, "approved_by": list(each.approved_by), "rules": rules}


def _row(each: Waiting) -> list[Any]:
    state = each.state if each.decided_by is None else f"{each.state} by {each.decided_by}"
    if each.state == holds.WAITING and each.until < now():
        state = "waited in vain"
    elif each.approved_by and each.decided_by is None:
        state = f"{each.state}, approved by {', '.join(each.approved_by)}"
    may = _approvers(each) if each.rules else "whoever runs the gateway"
    return [
        each.id, each.subject, each.label, each.reason[:_WIDE], may, moment(each.created), moment(each.until), state,
    ]  # fmt: skip

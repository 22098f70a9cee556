"""Who may use what: rules, limits, views, and the expectations that test them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, JsonValue, Strict

from ostiary.config.capture import Wanted
from ostiary.config.fields import (
    Arguments,
    Check,
    Checked,
    Condition,
    Days,
    Described,
    Exposed,
    Fixed,
    Hours,
    Instant,
    Label,
    Name,
    Pattern,
    Reads,
    RuleName,
    Section,
    Somebody,
    Span,
    Subject,
    Taint,
    Times,
    Zone,
    may,
    must,
)


class View(Section):
    """A virtual server at `/views/NAME/mcp`: chosen things of several servers. Rules still decide who may use them."""

    description: Annotated[str, Field(max_length=4096)] = may(
        "", "What it is for; clients see it as the server's instructions."
    )
    include: Annotated[tuple[Pattern, ...], Field(min_length=1), Strict(strict=False)] = must(
        "Patterns of what it offers."
    )
    rename: Mapping[Label, Exposed] = may({}, "New names, by label: `crm.search_people: find_person`.")
    describe: Mapping[Label, Described] = may({}, "New descriptions, by label; clients and models see them instead.")
    set: Mapping[Label, Arguments] = may(
        {}, "Fixed arguments, by label: `crm.search: {region: eu}`. Clients neither see nor send them."
    )


Some = Annotated[tuple[Somebody, ...], Field(min_length=1), Strict(strict=False)]
Subjects = Annotated[tuple[Subject, ...], Field(min_length=1), Strict(strict=False)]
Patterns = Annotated[tuple[Pattern, ...], Field(min_length=1), Strict(strict=False)]
Taints = Annotated[tuple[Taint, ...], Field(min_length=1, max_length=16), Strict(strict=False)]
Checks = Annotated[Mapping[Checked, Check], Field(min_length=1, max_length=32)]
_ONE_EFFECT: Final[dict[str, JsonValue]] = {"oneOf": [{"required": ["allow"]}, {"required": ["deny"]}]}


class During(Section):
    """Times at which a rule holds, by the clock on the wall."""

    days: Annotated[tuple[Days, ...], Field(min_length=1), Strict(strict=False)] = may(
        ("mon-sun",), "Days, such as `mon` or `mon-fri`."
    )
    hours: Hours = may("00:00-24:00", "Hours, such as `08:00-18:00`; `22:00-06:00` goes on into the next day.")
    zone: Zone = may("UTC", "The time zone, such as `Europe/Berlin`.")


Roles = Annotated[tuple[Somebody, ...], Field(min_length=1, max_length=16), Strict(strict=False)]


class Approval(Section):
    """People who have to approve a call before it goes on; nobody approves a call of their own."""

    by: Roles = must("Roles; whoever has one of them may approve.")
    quorum: Annotated[int, Field(ge=1, le=10)] = may(1, "How many different people it takes.")
    within: Span = may(
        "15m",
        "How long a call waits, and how long an approval is good: 10 s to 24 h. Then it has to be asked for again.",
    )


class Rule(Section):
    """One line of policy: no rule, no access; a matching deny always wins; otherwise one matching allow is enough."""

    model_config = ConfigDict(json_schema_extra=_ONE_EFFECT)

    name: RuleName = must("A unique name: what `ostiary why` and the ledger say decided.")
    allow: Patterns | None = may(None, "What may be used.")
    deny: Patterns | None = may(None, "What may not be used, whatever other rules allow.")
    roles: Some | None = may(None, "Callers with one of these roles.")
    teams: Some | None = may(None, "Callers in one of these teams.")
    subjects: Subjects | None = may(None, 'These callers; `["*"]` is everyone with a valid token.')
    clients: Some | None = may(
        None, "Calls with one of these credentials: the id of a token, or the client id that an issuer names."
    )
    agents: Some | None = may(None, "Calls in which one of these agents acts for somebody (`act`, RFC 8693).")
    issuers: Some | None = may(
        None,
        "Callers whom one of these identities vouches for, by its name; `ostiary` is tokens of our own. Not a who.",
    )
    views: Annotated[tuple[Name, ...], Field(min_length=1), Strict(strict=False)] | None = may(
        None, "Only at the endpoints of these views; without it, everywhere."
    )
    read_only: bool | None = may(
        None, "Only tools that do (or do not) say they change nothing; prompts and resources change nothing."
    )
    destructive: bool | None = may(
        None, "Only tools that may (or say they do not) destroy; a tool that says nothing may."
    )
    during: During | None = may(None, "Only at these times.")
    when: Condition | None = may(
        None, "Only where this CEL expression holds, such as `args.amount <= 100`; what fails to evaluate is denied."
    )
    checks: Checks | None = may(
        None,
        "Only where these arguments are of this shape, such as `{path: inside:/srv/docs, url: public}`; "
        "one that is missing is not, unless its name ends in `?`.",
    )
    reads: Reads | None = may(
        None, "Only what is labelled to read this: `private`, `untrusted`, both in a list, or `nothing`."
    )
    sends: Literal["outside", "nothing"] | None = may(None, "Only what is labelled to send outside, or not to.")
    changes: bool | None = may(None, "Only what is labelled to change something, or not to.")
    after: Taints | None = may(
        None,
        "Only in a run that met all of this before: `private`, `untrusted`, `outside`, `changes`, `guard:NAME` "
        "(the guard found something in an answer), or what was used, such as `crm.export`.",
    )
    scopes: Some | None = may(None, "Scopes the credential must have, all of them; not a who.")
    limit: Times | None = may(None, "How often each caller may use this rule.")
    approval: Approval | None = may(
        None,
        "Who has to approve each call that only this rule allows; an allow that takes nobody's approval wins over it.",
    )
    unless_approved: Approval | None = may(
        None, "Of a rule that denies: who may approve a call that it would deny, which then goes on."
    )
    capture: Wanted | None = may(
        None,
        "What is kept, sealed, of the calls that it allows: the name of a class of `capture.classes`, or `{class: "
        "NAME, what: [arguments]}`. Of rules that allow the same call, one that has something kept decides.",
    )
    shadow: bool = may(False, "Rehearse it: the ledger says what it would have done, and it decides nothing.")


class Who(Section):
    """A caller to try the policy with."""

    subject: Somebody | None = may(None, "Their subject.")
    issuer: Somebody | None = may(None, "The identity that vouches for them, by its name.")
    client: Somebody | None = may(None, "Their credential.")
    agent: Somebody | None = may(None, "The agent that acts for them.")
    claims: Mapping[str, Fixed] = may({}, "What their issuer says of them, for conditions.")
    roles: Annotated[tuple[Somebody, ...], Strict(strict=False)] = may((), "Their roles.")
    teams: Annotated[tuple[Somebody, ...], Strict(strict=False)] = may((), "Their teams.")
    scopes: Annotated[tuple[Somebody, ...], Strict(strict=False)] = may((), "The scopes of their credential.")


Labels = Annotated[tuple[Label, ...], Strict(strict=False)]


class Expectation(Section):
    """A test of the policy: a file whose expectations fail is not activated."""

    who: Who = must("A caller.")
    view: Name | None = may(None, "The view they come in by; without it, any other endpoint.")
    args: Arguments | None = may(None, "The arguments; without them `can` is with some, `cannot` with none at all.")
    after: Taints | None = may(
        None, "What the run met before, and nothing else; without it `can` is in some run, `cannot` in none."
    )
    at: Instant | None = may(None, "The time, such as `2026-01-05T09:00:00Z`; without it `can` is at some time.")
    can: Labels = may((), "Labels they must be able to use, be it after somebody approved.")
    held: Labels = may((), "Labels they must be able to use only after somebody approved.")
    cannot: Labels = may((), "Labels they must not be able to use.")

"""Who is told of what: alerts, and the receivers that they go to. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, Strict

from ostiary.behaviour.happenings import CALLS, KINDS
from ostiary.config import values
from ostiary.config.fields import (
    File,
    Filled,
    Listen,
    Name,
    Percent,
    Reachable,
    Reference,
    RuleName,
    Seconds,
    Section,
    Times,
    Value,
    may,
    must,
)
from ostiary.config.problems import Path, Problem, Unfit, did_you_mean
from ostiary.config.rules import Patterns
from ostiary.config.tree import Node, Table, child, problem_at, tables, texts

PAGERDUTY: Final = "https://events.pagerduty.com/v2/enqueue"
_MAILBOX: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}")
_LONGEST: Final = 256


def _kind(value: str) -> str:
    if value not in KINDS:
        raise Unfit("is nothing that alerts are about", did_you_mean(value, KINDS) or f"they are {', '.join(KINDS)}")
    return value


def _mailbox(value: str) -> str:
    if not _MAILBOX.fullmatch(value):
        raise Unfit("is not an e-mail address", "write it like ops@example.com, without a name")
    return value


def _place(value: Any) -> Any:
    return values.server_url(value) if isinstance(value, str) else value


def _glob(value: str) -> str:
    if not value or not value.isprintable() or len(value) > _LONGEST:
        raise Unfit("is not a name, or a pattern of names", "use * for any text, and no control characters")
    return value


Kind = Annotated[str, AfterValidator(_kind), Field(json_schema_extra={"enum": list(KINDS)})]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
Place = Annotated[Value, AfterValidator(_place)]
Globs = Annotated[tuple[Annotated[str, AfterValidator(_glob)], ...], Field(min_length=1), Strict(strict=False)]


class Receiver(Section):
    """Somebody who is told of alerts."""

    kind: Literal["webhook", "slack", "teams", "pagerduty", "email"] = must(
        "`webhook`: JSON, signed where there is a `key`; `slack`: an incoming webhook; `teams`: a workflow that posts "
        "what a webhook receives; `pagerduty`: its Events API v2; `email`: a mail by SMTP."
    )
    url: Place | None = may(
        None,
        "Where to post: a URL or a reference to one; for `slack` and `teams` a reference, because whoever knows the "
        "URL can post. `pagerduty` has its own, unless the service region is another.",
        repr=False,
    )
    key: Reference | None = may(
        None, "`webhook`: what requests are signed with; `pagerduty`: the integration key of the service."
    )
    server: Listen | None = may(None, "`email`: host and port of the mail server, such as smtp.example.com:587.")
    sender: Mailbox | None = may(None, "`email`: who it is from.")
    recipients: Annotated[tuple[Mailbox, ...], Field(max_length=32), Strict(strict=False)] = may(
        (), "`email`: who gets it."
    )
    user: Filled | None = may(None, "`email`: the user, where the mail server wants one.")
    password: Reference | None = may(None, "`email`: where the user's password is kept.")
    tls: Literal["starttls", "tls"] = may(
        "starttls", "`email`: begin TLS on the connection (587), or connect with it (465); never go on without."
    )
    allow_private: Annotated[tuple[Reachable, ...], Strict(strict=False)] = may(
        (), "Private or loopback networks it may be in; without any, only public addresses are dialled."
    )
    ca: File | None = may(None, "The authorities to trust instead of the system's, PEM.")
    callers: Literal["none", "name"] = may(
        "none", "Whether messages name callers; the ledger does in any case, and messages say how to look there."
    )
    most: Times = may("30/h", "How many alerts it is told that begin; what is too much is told later, if it lasts.")
    unsafe_plain: bool = may(
        False, "`email`: send mail, and the password, without encryption: everyone in between reads them."
    )


class Where(Section):
    """Which of what happens an alert is about."""

    server: Globs | None = may(None, "At these servers; `*` stands for any text.")
    tool: Patterns | None = may(None, "With these tools, resources and prompts.")
    caller: Globs | None = may(None, "By these subjects; `*` stands for any text.")


class Alert(Section):
    """Tell somebody when something happens, once, and once when it is over."""

    name: RuleName = must("A unique name: what messages and the ledger say.")
    on: Annotated[tuple[Kind, ...], Field(min_length=1), Strict(strict=False)] = must(
        "What it is about: how calls end, what lasts (such as `server_down`), or events of the ledger."
    )
    where: Where = may({}, "Which of that; otherwise all.")
    above: Annotated[int, Field(ge=0, le=10_000_000)] = may(
        0, "It begins when there are more than so many within the time below."
    )
    share: Percent | None = may(None, "And when they are at least this part of all calls in that time.")
    within: Seconds = may("5m", "The time in which they are counted; it is over when they are fewer.")
    per: Literal["server", "tool", "caller"] | None = may(
        None, "Count each server, tool or caller by itself, and tell of each; otherwise all together."
    )
    pause: Seconds = may("5m", "How long it is not told again that the same begins.")
    ends: bool = may(True, "Tell that it is over, too.")
    to: Annotated[tuple[Name, ...], Field(min_length=1), Strict(strict=False)] = must(
        "Who is told, by names in `notify`."
    )


Alerts = Annotated[tuple[Alert, ...], Field(max_length=64), Strict(strict=False)]
Notify = Annotated[Mapping[Name, Receiver], Field(max_length=16)]

_MEANT: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "webhook": (("url",), ("key",)),
    "slack": (("url",), ()),
    "teams": (("url",), ()),
    "pagerduty": (("key",), ("url",)),
    "email": (("server", "sender", "recipients"), ("user", "password", "tls", "unsafe_plain")),
}
"""Kind → the keys that it needs, and those that it may have besides what all have."""
_SOME: Final = tuple(dict.fromkeys(key for pair in _MEANT.values() for keys in pair for key in keys))


def weakened(notify: Mapping[str, Receiver]) -> tuple[str, ...]:
    """Return every `unsafe_` key of receivers in force, by its path."""
    return tuple(f"notify.{name}.unsafe_plain" for name, each in notify.items() if each.unsafe_plain)


def check(root: Table) -> Iterator[Problem]:
    """Yield what is wrong between alerts, receivers and servers."""
    receivers, servers = (_names(child(root, key)) for key in ("notify", "servers"))
    for path, text in texts(root, "alerts", "*", "to", "*"):
        if text not in receivers:
            todo = did_you_mean(text, receivers) or _listed("notify", receivers)
            yield problem_at(root, path, f'nobody in notify is called "{text}"', todo, of_value=True)
    for path, text in texts(root, "alerts", "*", "where", "server", "*"):
        if servers and not any(values.globbed(text, each) for each in servers):
            todo = did_you_mean(text, servers) or _listed("servers", servers)
            yield problem_at(root, path, f'no server fits "{text}"', todo, of_value=True)
    for path, alert in tables(root, "alerts", "*"):
        yield from _shared(root, path, alert)
    for path, receiver in tables(root, "notify", "*"):
        yield from _whole(root, path, receiver)


def _shared(root: Table, path: Path, alert: Table) -> Iterator[Problem]:
    kinds = [text for _, text in texts(alert, "on", "*")]
    if "share" in alert.items and not all(kind in CALLS for kind in kinds):
        said = "is for kinds that are calls only"
        yield problem_at(root, (*path, "share"), said, f"remove it, or use only: {', '.join(CALLS)}")


def _whole(root: Table, path: Path, receiver: Table) -> Iterator[Problem]:
    kind = next((text for _, text in texts(receiver, "kind")), "")
    if kind not in _MEANT:
        return
    needed, more = _MEANT[kind]
    for key in needed:
        if key not in receiver.items:
            yield problem_at(root, path, f"kind: {kind} needs {key}", f"add {key}: ...")
    for key in (key for key in _SOME if key in receiver.items and key not in (*needed, *more)):
        yield problem_at(root, (*path, key), f"is not for kind: {kind}", "remove it")
    if ("user" in receiver.items) is not ("password" in receiver.items):
        yield problem_at(root, path, "user and password go together", "give both or neither")
    yield from _secret_place(root, path, receiver, kind)


def _secret_place(root: Table, path: Path, receiver: Table, kind: str) -> Iterator[Problem]:
    url = next((text for _, text in texts(receiver, "url")), "")
    if kind in ("slack", "teams") and url and not url.startswith(("env:", "file:")):
        said = "this URL is a secret: whoever knows it can post"
        todo = "put it in a file or the environment and write file:/path or env:NAME"
        yield problem_at(root, (*path, "url"), said, todo, of_value=True)


def _names(node: Node | None) -> tuple[str, ...]:
    return tuple(node.items) if isinstance(node, Table) else ()


def _listed(what: str, names: tuple[str, ...]) -> str:
    return f"in {what} are {', '.join(sorted(names)[:10])}" if names else f"add it to {what}"

"""`ostiary why` and `ostiary who-can`: decisions, told rule by rule."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

import typer
from msgspec import Struct

from ostiary.adapters.identity import tokens
from ostiary.adapters.store import database
from ostiary.config import labels, values
from ostiary.config.policy import Policy, issuers
from ostiary.config.problems import Unfit, did_you_mean
from ostiary.config.scopes import brings
from ostiary.core.model import Allow, Caller, Json, Kind, Target, Token
from ostiary.core.rules import Ask
from ostiary.entry.cli.telling import Access, Answer, access_plain, plain, tell, tell_access
from ostiary.entry.cli.terminal import (
    CONFIG,
    AsJson,
    ConfigFile,
    Refused,
    data,
    moment,
    now,
    plural,
    say,
    table,
    usage,
)
from ostiary.entry.cli.tokens import state
from ostiary.entry.offline import Offline, offline
from ostiary.integrity.pins import State
from ostiary.operate.explain import described, explained, fault, found, named, supposed
from ostiary.operate.narrow import narrowing, outside
from ostiary.policy.decide import decide
from ostiary.protocol.names import exposed, label

Tool = Annotated[str, typer.Argument(metavar="TOOL", help="A label such as files.read_file, or an exposed name.")]


class Asked(Struct, frozen=True):
    """What is asked about, and whether it can be reached at all."""

    target: Target
    hindrance: str
    """Why nobody reaches it, whatever the rules say; empty: it is in the approved catalogue."""


_METHODS: Final = {Kind.TOOL: "tools/call", Kind.PROMPT: "prompts/get"}
View = Annotated[str, typer.Option("--view", metavar="NAME", help="Ask about a view instead of the other endpoints.")]


def why(
    who: Annotated[
        str,
        typer.Argument(metavar="WHO", help="A token's id, a subject, or a description: role=developer,team=support."),
    ],
    tool: Annotated[
        str, typer.Argument(metavar="[TOOL]", help="A label or an exposed name; without one, everything they can use.")
    ] = "",
    config: ConfigFile = CONFIG,
    *,
    args: Annotated[str, typer.Option("--args", metavar="JSON", help="Arguments to check as well.")] = "",
    after: Annotated[
        str, typer.Option("--after", metavar="LIST", help="What the run met before: private,untrusted,guard:NAME.")
    ] = "",
    view: View = "",
    as_json: AsJson = False,
) -> None:
    """Tell a decision rule by rule: what matched, what did not, and what would be needed.

    It is what the configuration and the catalogue say now; nothing is called.
    Without a tool it lists everything that somebody can use, by which rule, and under which condition.

    Example: ostiary why alice files.read_file --args '{"path": "/a"}'
    """
    arguments, run = _arguments(args), _met(after)
    opened = offline(config)
    _known(opened, view)
    if not tool:
        _effective(opened, who, view, run, as_json=as_json)
        return
    asked = _asked(opened, tool, view)
    ask = Ask(now(), arguments, _METHODS.get(asked.target.kind, ""), placed=False, run=run)
    answers = []
    for name, caller, unusable in _callers(opened, who, asked.target.label):
        told = explained(opened.config, caller, asked.target, ask, opened.revisions.marks)
        wrong = fault(asked.target, arguments) if arguments is not None else ""
        stops = (unusable, asked.hindrance, f"the arguments are refused: {wrong}" if wrong else "")
        charges = told.decision.charges if isinstance(told.decision, Allow) else ()
        answers.append(Answer(name, told, tuple(filter(None, stops)), charges))
    if as_json:
        data({"tool": asked.target.label, "exposed": _exposed(asked.target), "answers": [plain(it) for it in answers]})
        return
    for answer in answers:
        tell(answer, asked.target)


def _known(opened: Offline, view: str) -> None:
    if view and view not in opened.config.views:
        raise usage("--view", did_you_mean(view, opened.config.views) or "there is no such view")


def _effective(opened: Offline, who: str, view: str, run: frozenset[str] | None, *, as_json: bool) -> None:
    """Tell everything that somebody can use."""
    ask = Ask(now(), placed=False, run=run)
    surface = opened.snapshot.surfaces.get((f"/views/{view}/mcp" if view else "/mcp", ""))
    targets = [target for target in surface.targets.values() if target.kind is not Kind.GATEWAY] if surface else []
    found = []
    for name, caller, unusable in _callers(opened, who, ""):
        shut = opened.revisions.marks.barred(caller)
        allowed = [(target, decide(caller, target, ask)) for target in targets if not shut]
        entries = (
            (target, decision.rule, _demand(target, decision.rule))
            for target, decision in sorted(allowed, key=lambda each: each[0].label)
            if isinstance(decision, Allow)
        )
        found.append(Access(name, f"quarantine:{shut} shuts them out" if shut else unusable, tuple(entries)))
    if as_json:
        data({"view": view or None, "answers": [access_plain(each) for each in found]})
        return
    for each in found:
        tell_access(each)


def _demand(target: Target, name: str) -> str:
    return next((rule.when for rule in target.allows if rule.name == name), "")


def _arguments(text: str) -> Json | None:
    if not text:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise usage("--args", f"is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise usage("--args", 'must be a JSON object, such as {"path": "/a"}')
    return found


def _met(text: str) -> frozenset[str] | None:
    if not text:
        return None
    try:
        return frozenset(labels.taint(each.strip()) for each in text.split(","))
    except Unfit as error:
        raise usage("--after", error) from None


# What is asked about


def _asked(opened: Offline, text: str, view: str = "") -> Asked:
    policy = Policy(opened.config, view)
    if target := found(opened.snapshot, text, view):
        return Asked(target, "")
    rows = {label(row.server, row.sighting.kind, row.sighting.name): row for row in opened.sightings()}
    held = rows.get(text) or next((row for row in rows.values() if _held_name(row) == text), None)
    if held is not None:
        name = label(held.server, held.sighting.kind, held.sighting.name)
        # What a whole server is held for comes before how one definition of it stands.
        strange = opened.revisions.selves.strangers().get(held.server)
        return Asked(supposed(policy, name), strange or _standing(held.state))
    return Asked(supposed(policy, _labelled(opened, text, list(rows))), "no server was seen to offer it")


def _held_name(row: Any) -> str:
    return exposed(row.server, row.sighting.name)


def _standing(stands: State) -> str:
    match stands:
        case State.NEW:
            return "it waits for approval: ostiary tools diff"
        case State.CHANGED:
            return "it changed since it was approved, and waits: ostiary tools diff"
        case State.REJECTED:
            return "its definition was rejected: ostiary tools approve LABEL would undo that"
    return "it is switched off in the configuration, or shares its name with another: ostiary check"


def _labelled(opened: Offline, text: str, labels: list[str]) -> str:
    """Return the label of what no server offers yet: rules can be asked about it all the same."""
    try:
        name = values.label(text)
    except Unfit:
        name = "*"
    if values.server_of(name) in opened.config.servers:
        return name
    hint = did_you_mean(text, [*labels, *(target.exposed for _, target in _everything(opened))])
    raise Refused(f"There is no {text}.", hint or "Write SERVER.TOOL. See: ostiary tools list")


def _everything(opened: Offline) -> list[tuple[Any, Target]]:
    surface = opened.snapshot.surfaces.get(("/mcp", ""))
    return list(surface.targets.items()) if surface else []


def _exposed(target: Target) -> str | None:
    return target.exposed if target.exposed != target.label else None


# Who is asked about


def _callers(opened: Offline, who: str, what: str) -> list[tuple[str, Caller, str]]:
    """Return (name, caller, why unusable for this label) for everyone that WHO means."""
    wider = brings(opened.config)
    if "=" in who:
        try:
            caller = described(who, wider, issuers(opened.config))
        except ValueError as error:
            raise usage("WHO", error) from None
        return [(named(caller), caller, "")]
    every = database.all_tokens(opened.engine)
    meant = [each for each in every if who in (each.id, each.subject)]
    usable = [each for each in meant if each.id == who or state(each, now()) == "good"] or meant
    if not usable:
        raise Refused(
            f"Nobody has a token as {who}.",
            f"Write a token's id, or describe someone who has none yet: subject={who},role=ROLE",
        )
    return [(_called(each), tokens.caller(each, wider), _unusable(opened, each, what)) for each in usable]


def _called(token: Token) -> str:
    narrowed = narrowing(token)
    return f"{token.subject} ({token.id}{f', narrowed to {narrowed}' if narrowed else ''})"


def _unusable(opened: Offline, token: Token, what: str) -> str:
    match state(token, now()):
        case "revoked":
            return f"the token was revoked on {moment(token.revoked)}"
        case "expired":
            return f"the token expired on {moment(token.expires)}"
    if not what:
        return f"the token is good at its views only: {', '.join(token.views)}" if token.views else ""
    return outside(opened.config, token, what)


# Everybody


def who_can(tool: Tool, config: ConfigFile = CONFIG, *, view: View = "", as_json: AsJson = False) -> None:
    """List everyone whose token may use a tool, by which rule, and under which condition.

    Example: ostiary who-can crm.refund
    """
    opened = offline(config)
    _known(opened, view)
    asked, ask = _asked(opened, tool, view), Ask(now(), placed=False)
    usable = [each for each in database.all_tokens(opened.engine) if state(each, now()) == "good"]
    wider = brings(opened.config)
    told = [
        (each, explained(opened.config, tokens.caller(each, wider), asked.target, ask, opened.revisions.marks))
        for each in usable
    ]
    able = [
        (token, each.decision.rule or "")
        for token, each in told
        if each.allowed and not outside(opened.config, token, asked.target.label)
    ]
    if as_json:
        data(
            {
                "tool": asked.target.label,
                "hindrance": asked.hindrance or None,
                "tokens": [
                    {
                        "id": token.id,
                        "subject": token.subject,
                        "rule": rule,
                        "when": _demand(asked.target, rule) or None,
                    }
                    for token, rule in able
                ],
            }
        )
        return
    if able:
        rows = [
            (token.subject, token.id, rule, _demand(asked.target, rule), moment(token.expires)) for token, rule in able
        ]
        table(("SUBJECT", "TOKEN", "BY RULE", "ONLY IF", "UNTIL"), rows)
    say(f"{plural(len(able), 'token')} of {len(usable):,} may use {asked.target.label}.", "bold")
    if asked.hindrance:
        say(f"But nobody reaches it now: {asked.hindrance}.", "yellow")

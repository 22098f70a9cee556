"""`ostiary why` and `ostiary who-can`: decisions, told rule by rule."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from msgspec import Struct

from ostiary.adapters.identity import tokens
from ostiary.adapters.store import database
from ostiary.config import values
from ostiary.config.compile import Policy
from ostiary.config.problems import Unfit, did_you_mean
from ostiary.core.model import Allow, Caller, Charge, Json, Target, Token
from ostiary.entry.cli.terminal import (
    CONFIG,
    AsJson,
    Cell,
    ConfigFile,
    Refused,
    data,
    line,
    moment,
    now,
    plural,
    say,
    styled,
    table,
    usage,
)
from ostiary.entry.cli.tokens import state
from ostiary.entry.offline import Offline, offline
from ostiary.integrity.pins import State
from ostiary.operate.explain import Line, Told, charge, described, explained, fault, found, named, supposed
from ostiary.protocol.names import exposed, label

Tool = Annotated[str, typer.Argument(metavar="TOOL", help="A label such as files.read_file, or an exposed name.")]


class Asked(Struct, frozen=True):
    """What is asked about, and whether it can be reached at all."""

    target: Target
    hindrance: str
    """Why nobody reaches it, whatever the rules say; empty: it is in the approved catalogue."""


class Answer(Struct, frozen=True):
    """One caller's answer."""

    who: str
    told: Told
    hindrances: tuple[str, ...]
    """What stops the call although the rules may allow it."""
    charges: tuple[Charge, ...] = ()

    @property
    def allowed(self) -> bool:
        """The call would go through."""
        return self.told.allowed and not self.hindrances


def why(
    who: Annotated[
        str,
        typer.Argument(metavar="WHO", help="A token's id, a subject, or a description: role=developer,team=support."),
    ],
    tool: Tool,
    config: ConfigFile = CONFIG,
    *,
    args: Annotated[str, typer.Option("--args", metavar="JSON", help="Arguments to check as well.")] = "",
    as_json: AsJson = False,
) -> None:
    """Tell a decision rule by rule: what matched, what did not, and what would be needed.

    It is what the configuration and the catalogue say now; nothing is called.

    Example: ostiary why alice files.read_file --args '{"path": "/a"}'
    """
    arguments = _arguments(args)
    opened = offline(config)
    asked = _asked(opened, tool)
    policy = Policy(opened.config)
    answers = []
    for name, caller, unusable in _callers(opened, who):
        told = explained(opened.config, policy, caller, asked.target)
        wrong = fault(asked.target, arguments) if arguments is not None else ""
        stops = (unusable, asked.hindrance, f"the arguments are refused: {wrong}" if wrong else "")
        charges = told.decision.charges if isinstance(told.decision, Allow) else ()
        answers.append(Answer(name, told, tuple(filter(None, stops)), charges))
    if as_json:
        data({"tool": asked.target.label, "exposed": _exposed(asked.target), "answers": [_plain(it) for it in answers]})
        return
    for answer in answers:
        _tell(answer, asked.target)


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


# What is asked about


def _asked(opened: Offline, text: str) -> Asked:
    if target := found(opened.snapshot, text):
        return Asked(target, "")
    rows = {label(row.server, row.sighting.kind, row.sighting.name): row for row in opened.sightings()}
    held = rows.get(text) or next((row for row in rows.values() if _held_name(row) == text), None)
    if held is not None:
        name = label(held.server, held.sighting.kind, held.sighting.name)
        return Asked(supposed(Policy(opened.config), name), _standing(held.state))
    return Asked(supposed(Policy(opened.config), _labelled(opened, text, list(rows))), "no server was seen to offer it")


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


def _callers(opened: Offline, who: str) -> list[tuple[str, Caller, str]]:
    """Return (name, caller, why unusable) for everyone that WHO means."""
    if "=" in who:
        try:
            caller = described(who)
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
    return [(f"{each.subject} ({each.id})", tokens.caller(each), _unusable(each)) for each in usable]


def _unusable(token: Token) -> str:
    match state(token, now()):
        case "revoked":
            return f"the token was revoked on {moment(token.revoked)}"
        case "expired":
            return f"the token expired on {moment(token.expires)}"
    return ""


# Telling


def _plain(answer: Answer) -> dict[str, Any]:
    decision = answer.told.decision
    return {
        "who": answer.who,
        "allowed": answer.allowed,
        "decision": "allow" if isinstance(decision, Allow) else "deny",
        "rule": decision.rule,
        "reason": None if isinstance(decision, Allow) else str(decision.reason),
        "because": answer.told.because,
        "hindrances": list(answer.hindrances),
        "charges": [charge(each) for each in answer.charges],
        "rules": [_plain_line(each) for each in answer.told.lines],
    }


def _plain_line(each: Line) -> dict[str, Any]:
    return {
        "rule": each.rule, "effect": each.effect, "patterns": list(each.patterns), "covers": each.covers,
        "applies": each.met and not each.scopes, "needs": [*each.needs, *(f"scope {scope}" for scope in each.scopes)],
    }  # fmt: skip


def _tell(answer: Answer, target: Target) -> None:
    verdict = "may use" if answer.allowed else "may not use"
    line(f"{answer.who} {verdict} {target.label}", "bold green" if answer.allowed else "bold red")
    line(f"  The rules: {answer.told.because}.")
    for each in answer.hindrances:
        line(f"  But: {each}.", "red")
    rows = [_row(each) for each in answer.told.lines if each.covers]
    if rows:
        table(("RULE", "SAYS", "FOR THIS CALLER"), rows)
    silent = [each.rule for each in answer.told.lines if not each.covers]
    if silent:
        line(f"  Does not speak of it: {', '.join(silent)}.")
    for bucket in answer.charges if answer.allowed else ():
        line(f"  Counts towards {charge(bucket)}.")


def _row(each: Line) -> list[Cell]:
    if each.met and not each.scopes:
        return [each.rule, each.effect, styled("applies", "green" if each.effect == "allow" else "red")]
    wanted = ", and ".join((*each.needs, *(f"scope {scope}" for scope in each.scopes))) or "nobody: it names no one"
    return [each.rule, each.effect, styled(f"would need {wanted}", "yellow")]


def who_can(tool: Tool, config: ConfigFile = CONFIG, *, as_json: AsJson = False) -> None:
    """List everyone whose token may use a tool, and by which rule.

    Example: ostiary who-can crm.refund
    """
    opened = offline(config)
    asked = _asked(opened, tool)
    policy = Policy(opened.config)
    usable = [each for each in database.all_tokens(opened.engine) if state(each, now()) == "good"]
    told = [(each, explained(opened.config, policy, tokens.caller(each), asked.target)) for each in usable]
    able = [(token, each.decision.rule or "") for token, each in told if each.allowed]
    if as_json:
        data(
            {
                "tool": asked.target.label,
                "hindrance": asked.hindrance or None,
                "tokens": [{"id": token.id, "subject": token.subject, "rule": rule} for token, rule in able],
            }
        )
        return
    if able:
        rows = [(token.subject, token.id, rule, moment(token.expires)) for token, rule in able]
        table(("SUBJECT", "TOKEN", "BY RULE", "UNTIL"), rows)
    say(f"{plural(len(able), 'token')} of {len(usable):,} may use {asked.target.label}.", "bold")
    if asked.hindrance:
        say(f"But nobody reaches it now: {asked.hindrance}.", "yellow")

"""What the ledger says of a trail: the body of each record, before it is chained. Pure."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from ostiary.adapters.store.ledger_callers import Principal, Principals
from ostiary.adapters.store.ledger_values import (
    Arguments,
    Bytes,
    Guarded,
    Judgement,
    Kept,
    Millis,
    Money,
    Ran,
    Record,
    Reserved,
)
from ostiary.core.capturing import Half
from ostiary.core.model import Allow, Call, Decision, Target
from ostiary.core.trail import Trail
from ostiary.protocol import tracing
from ostiary.protocol.redaction import digester, masked

DETAIL: Final = 500
_FINDINGS, _FINDING = 32, 200

# Beyond JSON's own escapes: DEL, C1 controls, bidirectional and other invisible marks, line separators. A record is
# read on terminals, where these act instead of being shown.
_ACTING: Final = re.compile("[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]")

_NAME: Final = re.compile(r"[A-Za-z][\w ./-]{0,63}", re.ASCII)
_DIGITS, _LONG, _FEW = 8, 16, 3
"""Digits of a program's name and version at most; and how long a word may be that has more than a few of them."""
_UNKNOWN: Final = "(unknown)"
_WITH_ARGUMENTS: Final = frozenset({"tools/call", "prompts/get"})

# Formatting the same thousand numbers costs twice as much as keeping them.
_MILLIS: Final = tuple(b".%03dZ" % at for at in range(1000))

_MICROS: Final = tuple(f"{at / 1e3}"[1:].encode() for at in range(1000))
"""Thousandths, as `encoded` spells them: three floats cost as much as the rest of an outcome."""

_BEGUN: Final = b'{"type":"%b","time":"%b","reference":"%b"'
"""How a record of a call begins."""

_encode: Final = msgspec.json.Encoder().encode


class Bodies:
    """Turns trails and events into bodies. Keeps the text of the current second, which most records share."""

    def __init__(self, key: bytes, *, shapes: bool = True) -> None:
        """Digest arguments with `key`; keep their shapes as well, unless told otherwise."""
        self._shapes = shapes
        self._digest, self._second, self._text = digester(key), -1, b""
        self._principals = Principals()

    def stamp(self, now: float) -> str:
        """Return the RFC 3339 time in UTC, with milliseconds, for seconds since the epoch."""
        return self._stamp(now).decode()

    def _stamp(self, now: float) -> bytes:
        second = int(now)
        if second != self._second:
            self._second, self._text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        return self._text + _MILLIS[int((now - second) * 1000)]

    def intent(self, trail: Trail) -> bytes:
        """Say what is about to leave."""
        if not trail.told or trail.findings or trail.call is None:
            return encoded(self._told("intent", trail))
        said = self._arguments(trail.call, trail.target)
        return b'{"type":"intent","time":"%b","reference":"%b"%b%b}' % (
            self._stamp(trail.time), trail.reference.encode(), trail.told,
            b',"arguments":' + encoded(said) if said is not None else b"",
        )  # fmt: skip

    def constant(self, trail: Trail) -> bytes:
        """Return the part of an intent that is the same for calls which differ in time, reference and arguments."""
        record = self._told("intent", trail)
        record.arguments, record.findings = None, []
        begun = _BEGUN % (b"intent", record.time.encode(), record.reference.encode())
        text = encoded(record)
        # A reference that would have to be escaped is none of ours, and nothing is remembered with it.
        return text[len(begun) : -1] if text.startswith(begun) else b""

    def outcome(self, trail: Trail, known: int) -> bytes:
        """Say how a call ended whose intent is written and named the first `known` findings."""
        took = trail.ended - trail.started
        time_ = self._stamp(trail.time + took if took > 0.0 else trail.time)
        if trail.told and not trail.detail and len(trail.findings) == known and not trail.looked:
            return _plain(trail, time_)
        record = Record("outcome", time_.decode(), trail.reference)
        if len(trail.findings) > known:
            record.findings = _findings(trail.findings[known:])
        record.guards = _guards(trail)
        record.capture = _kept(trail, Half.RESULT)
        # Calls that are told shortly begin none: their clients did not declare that they can wait for one.
        record.task = self._task(trail.target, trail.task)
        return encoded(_ended(record, trail))

    def refusal(self, trail: Trail) -> bytes:
        """Say everything about a call that never left."""
        return encoded(_ended(self._told("outcome", trail), trail))

    def event(self, kind: str, now: float, facts: Mapping[str, Any]) -> bytes:
        """Say what happened in the life of the process."""
        return encoded({"type": "event", "time": self.stamp(now), "kind": kind, **facts})

    def _told(self, kind: str, trail: Trail) -> Record:
        """Say who wanted what: in one construction, which costs half of filling a record in."""
        message, caller, call, target = trail.message, trail.caller, trail.call, trail.target
        era = version = program = offer = method = server = label = ""
        principal = name = said = None
        if caller is not None:
            principal = self._principals.of(caller)
        if call is not None:
            era, version, method, name = call.client.era, call.client.version[:64], call.method[:128], call.name
            program, offer = _program(call), call.client.offer
            said = self._arguments(call, target)
        if target is not None:
            server, label = target.server, target.label[:512]
        return Record(
            kind, self.stamp(trail.time), trail.reference, message.endpoint[:128], message.peer, trail.revision,
            principal, era, version, program, offer, method, server, label, name and name[:256],
            _judgement(trail.decision), said, _findings(trail.findings), _guards(trail), _ran(kind, trail),
            *self._belonging(trail), _reserved(trail, principal) if kind == "intent" else None,
            _kept(trail),
        )  # fmt: skip

    def _belonging(self, trail: Trail) -> tuple[str, str, str]:
        """Return the trace, the session and the task of a call, where it has them."""
        call, target = trail.call, trail.target
        if call is None:
            return "", "", ""
        task = self._task(target, target.task if target is not None else "")
        return _trace(trail), call.client.session or "", task

    def _task(self, target: Target | None, task: str) -> str:
        return self._digest([target.server, task]) if target is not None and task else ""

    def _arguments(self, call: Call, target: Target | None) -> Arguments | None:
        """Mask and digest the part of the parameters that is the caller's own."""
        if call.method in _WITH_ARGUMENTS:
            said = call.params.get("arguments")
        else:
            said = {key: value for key, value in call.params.items() if key != "_meta"}
        return Arguments(self._digest(said), _shape(said, call, target) if self._shapes else None) if said else None


def _shape(said: Any, call: Call, target: Target | None) -> Any:
    """Mask what was said; names of arguments that the approved schema does not know may be values themselves."""
    tool = target is not None and target.check is not None and call.method == "tools/call" and type(said) is dict
    if not tool or target is None or said.keys() <= target.known:
        return masked(said)
    known = {key: value for key, value in said.items() if key in target.known}
    return {**masked(known), _UNKNOWN: f"names({len(said) - len(known)})"}


def _trace(trail: Trail) -> str:
    """Return the trace that the client says a call is part of: in `_meta`, else in the header of that name."""
    meta = trail.call.params.get("_meta") if trail.call is not None else None
    found = tracing.context(meta) or tracing.context(trail.message.headers)
    return found.trace if found is not None else ""


def _program(call: Call) -> str:
    name = call.client.info.get("name")
    return _named(name) if isinstance(name, str) and name else ""


@lru_cache(maxsize=256)
def _named(name: str) -> str:
    """Return what a program says that it is called, if it could be a name: it says of itself what it likes."""
    words = [sum(map(str.isdigit, word)) for word in re.findall(r"\w+", name[:64]) if len(word) >= _LONG]
    fits = _NAME.fullmatch(name) and sum(map(str.isdigit, name)) <= _DIGITS and max(words, default=0) < _FEW
    return name if fits else f"string({len(name)})"


def _plain(trail: Trail, time_: bytes) -> bytes:
    """Return the outcome that `encoded` would return, for a call that ended without a word about it."""
    total = int((trail.ended - trail.started) * 1e6)
    upstream = int(((trail.answered or trail.ended) - trail.sent) * 1e6) if trail.sent else 0
    if total <= 0:
        total = upstream = 0
    elif not 0 <= upstream <= total:
        upstream = 0 if upstream < 0 else total
    own, cost = total - upstream, trail.cost
    return (
        b'{"type":"outcome","time":"%b","reference":"%b","outcome":"%b","bytes":{"in":%d,"out":%d},"ms":{"total":%d%b,"upstream":%d%b,"gateway":%d%b}%b}'
        % (
            time_, trail.reference.encode(), trail.outcome.encode(), trail.request_bytes, trail.answer_bytes,
            total // 1000, _MICROS[total % 1000], upstream // 1000, _MICROS[upstream % 1000],
            own // 1000, _MICROS[own % 1000],
            b"" if cost is None else b',"cost":{"micros":%d,"currency":"%b"}' % (cost.micros, cost.currency.encode()),
        )
    )  # fmt: skip


def _millis(trail: Trail) -> tuple[float, float, float]:
    """Return how long a call took, how long of it the server's, and how long ours."""
    total = int((trail.ended - trail.started) * 1e6)
    upstream = int(((trail.answered or trail.ended) - trail.sent) * 1e6) if trail.sent else 0
    upstream = max(0, min(upstream, total))
    return (total / 1e3, upstream / 1e3, (total - upstream) / 1e3) if total > 0 else (0.0, 0.0, 0.0)


def encoded(body: Any) -> bytes:
    """Return the JSON text of a body, in which no character acts on a terminal."""
    try:
        text = _encode(body)
    except (UnicodeEncodeError, OverflowError):
        # Half a surrogate pair cannot be UTF-8, and must not be a way to keep a call out of the ledger.
        whole = json.dumps(msgspec.to_builtins(body), separators=(",", ":"), ensure_ascii=False)
        text = whole.encode(errors="replace")
    if text.isascii() and b"\x7f" not in text:
        return text
    return _ACTING.sub(_escaped, text.decode()).encode()


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1] if found[0] != "\x7f" else "\\u007f"


def _judgement(decision: Decision | None) -> Judgement | None:
    if decision is None:
        return None
    if isinstance(decision, Allow):
        return Judgement("allow", decision.rule, approved=decision.approved)
    return Judgement("deny", decision.rule, decision.reason.value)


def _findings(findings: list[str]) -> list[str]:
    return [finding[:_FINDING] for finding in findings[:_FINDINGS]] if findings else findings


def _ran(kind: str, trail: Trail) -> Ran | None:
    run, target = trail.run, trail.target
    if run is None:
        return None
    adds = sorted(target.taints) if target is not None and kind == "intent" else []
    return Ran(run.ident, sorted(run.met), sorted(run.unmet), adds)


def _reserved(trail: Trail, principal: Principal | None) -> Reserved | None:
    price, caller = trail.target.price if trail.target is not None else None, trail.caller
    if price is None:
        return None
    unnamed = caller is not None and principal is not None and principal.tags is None
    teams = sorted(caller.teams) if caller is not None and unnamed else []
    return Reserved(price.reserve, price.currency, teams)


def _guards(trail: Trail) -> list[Guarded]:
    return [
        Guarded(each.guard, each.side.value, each.verdict, int(each.seconds * 1e6) / 1e3)
        for each in trail.looked[:_FINDINGS]
    ]


def _kept(trail: Trail, *halves: Half) -> list[Kept]:
    """Return what was kept of a call, of these halves; without any, of both."""
    return [
        Kept(each.name, each.key, each.half.value, each.digest, each.size, each.cut)
        for each in trail.captured
        if not halves or each.half in halves
    ]


def _ended(record: Record, trail: Trail) -> Record:
    record.outcome, record.detail = trail.outcome, trail.detail[:DETAIL]
    record.bytes = Bytes(trail.request_bytes, trail.answer_bytes)
    record.ms = Millis(*_millis(trail))
    if trail.cost is not None:
        record.cost = Money(trail.cost.micros, trail.cost.currency)
    return record

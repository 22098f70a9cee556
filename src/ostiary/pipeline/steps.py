"""The steps of `serve`, one small function each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, assert_never

import msgspec

from ostiary.core.errors import BadArguments, Forbidden, Garbled, InsufficientScope, NotFound
from ostiary.core.model import (
    Allow,
    Answer,
    Call,
    Caller,
    Client,
    Decision,
    Deny,
    Era,
    Fitted,
    Inbound,
    Json,
    Kind,
    Order,
    Reason,
    Snapshot,
    Surface,
    Target,
)
from ostiary.core.ports import Back, Reply, Settle
from ostiary.core.rules import Ask, Run
from ostiary.core.trail import Trail
from ostiary.pipeline import capturing, costing, holding, links, pacing, runs, screening, tasks
from ostiary.pipeline.again import repeated
from ostiary.pipeline.carry import carried, conversed, handed
from ostiary.pipeline.conversation import Conversation
from ostiary.pipeline.local import KEPT, local
from ostiary.pipeline.world import World
from ostiary.policy.decide import decide, rehearsals
from ostiary.policy.needs import needed
from ostiary.protocol import headers
from ostiary.protocol.answers import answered
from ostiary.protocol.handshake import Recall
from ostiary.protocol.methods import METHODS, NOTIFIED, OWN

PRIMED: Final = "2025-11-25"
"""The first version whose clients know how to come back to a stream that ended early."""


def nothing() -> None:
    """Note nothing."""


def unpaid(_trail: Trail | None) -> None:
    """Settle what was never paid."""


_SAMPLED: Final = 16
_RETURNING: Final = frozenset({"tools/call", "tasks/get", "prompts/get", "resources/read"})
_WITH_ARGUMENTS: Final = frozenset({"tools/call", "prompts/get"})


def sampled(reference: str) -> bool:
    """Say whether the steps of this call are timed."""
    return not hash(reference) % _SAMPLED


def marking(trail: Trail, world: World) -> Callable[[], None]:
    """Return what notes the end of a step: for one call in sixteen, for the clock costs as much as a step."""
    if not sampled(trail.reference):
        return nothing
    marks: list[float] = []
    trail.marks = marks
    return lambda: marks.append(world.clock())


def recall(world: World, caller: Caller, message: Inbound) -> Recall:
    """Return the way from a session token to the client it was made for, for this caller and endpoint."""
    return lambda token: world.sessions.recall(token, caller, message.endpoint)


async def surface(world: World, now: Snapshot, endpoint: str, client: Client) -> Surface:
    """Return what this endpoint offers to such a client; a set of capabilities seen first is asked for first."""
    found = now.surfaces.get((endpoint, client.offer))
    if found is None:
        fetched = await world.surfaces(endpoint, client.offer)
        found = fetched.surfaces[endpoint, client.offer]
    return found


def resolve(call: Call, surface: Surface, caller: Caller, world: World, ask: Ask | None) -> Target:
    """Find what the call addresses, by exact lookup; a URI may also fit a template, and a task belongs to its tool."""
    spec = METHODS.get(call.method)
    if spec is None or spec.key is None:
        known = spec is not None or call.method in OWN
        return surface.targets[Kind.GATEWAY, call.method if known else NOTIFIED]
    name = call.name or ""
    kind = _kind(call) if call.method == "completion/complete" else spec.kind
    if spec.key == "taskId":
        target = tasks.addressed(call, caller, surface, world)
    elif kind is Kind.RESOURCE:
        target = _linked(call, caller, surface, world, ask)
    else:
        target = surface.targets.get((kind, name))
    if target is None:
        raise links.unclear(surface.clashes.get((kind, name), ()), caller, missing(call), ask)
    return target


def _linked(call: Call, caller: Caller, surface: Surface, world: World, ask: Ask | None) -> Target:
    """Find the resource that a URI means; one that no list and no template has may have been handed to this caller."""
    meant = links.meant(call.name or "", surface, caller, world.links, ask)
    target = links.single(meant)
    if target is None:
        raise links.unclear(meant, caller, missing(call), ask)
    return target


def missing(call: Call) -> NotFound:
    """Return the refusal that is the same for what does not exist and what may not be known to exist."""
    data = {"uri": call.name} if call.method.startswith("resources/") else None
    return NotFound(hint=(call.name or "")[:128], data=data)


def _kind(call: Call) -> Kind:
    return Kind.PROMPT if call.params["ref"]["type"] == "ref/prompt" else Kind.TEMPLATE


def asking(call: Call, message: Inbound, world: World) -> Ask:
    """Return what rules with conditions may look at, with any arguments and by any method."""
    name, client = call.client.info.get("name"), call.client
    said = name if isinstance(name, str) else ""
    return Ask(world.time(), None, "", said, client.version, client.era.value, message.peer, message.endpoint)


def tracked(call: Call, caller: Caller, target: Target, now: Snapshot, world: World) -> Run | None:
    """Return the agent run of a call, with what it has met; None where no rule asks, or the call cannot matter."""
    if not (target.taints or target.careful or target.guards_out):
        return None
    # What a client can do was seen for the first time, and the surface came from a later snapshot.
    tracking = now.tracking or world.current().tracking
    if tracking is None or not target.server:
        return None
    return world.runs.known(runs.run(call, caller, tracking), world.clock())


def meets(trail: Trail, target: Target, world: World) -> None:
    """Remember what a run meets by a call that is about to leave: whatever comes of it, and before anything does."""
    if trail.run is not None:
        world.runs.meet(trail.run, target.taints, world.clock())


def decided(call: Call, caller: Caller, target: Target, ask: Ask | None, trail: Trail) -> Decision:
    """Decide about a call, and note what shadow rules would have done."""
    if not target.careful:
        return decide(caller, target)
    if ask is not None:
        ask = _whole(ask, call, target, trail.run)
    decision = decide(caller, target, ask)
    trail.findings += rehearsals(caller, target, ask, decision)
    return decision


def _whole(ask: Ask, call: Call, target: Target, run: Run | None) -> Ask:
    """Return what rules may look at of one call."""
    given, met = _given(call, target), run.met if run is not None else None
    return msgspec.structs.replace(ask, method=call.method, arguments=given, run=met)


def _given(call: Call, target: Target) -> Json | None:
    """Return the arguments that a server would get, checked or not; None where the method has none of its own."""
    if call.method not in _WITH_ARGUMENTS or target.task:
        return None
    arguments = call.params.get("arguments")
    return {**(arguments if isinstance(arguments, dict) else {}), **target.fixed}


def permitted(decision: Decision, call: Call, caller: Caller, target: Target) -> Allow:
    """Turn a denial into the refusal a client may see."""
    match decision:
        case Allow():
            return decision
        case Deny(reason=Reason.MISSING_SCOPE, needs=needs, scopes=scopes, rule=rule):
            hint, asked = f"needs {' '.join(sorted(needs))}", " ".join(sorted(scopes))
            raise InsufficientScope(f"{Reason.MISSING_SCOPE}: {rule}", hint=hint, data={"scope": asked})
        case Deny(open=True):
            detail = needed(decision, caller, target)
            raise Forbidden(detail, hint=decision.said or "the rules do not allow it with these arguments")
        case Deny():
            refusal = missing(call)
            refusal.detail = needed(decision, caller, target)
            raise refusal
    assert_never(decision)


def validated(call: Call, target: Target, message: Inbound) -> Call:
    """Return the call, its arguments checked against the approved schema and the headers that mirror them."""
    if target.check is None or call.method not in _WITH_ARGUMENTS:
        return call
    arguments = call.params.get("arguments")
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise BadArguments("arguments is not an object", hint="arguments is an object")
    if call.client.era is Era.MODERN:
        _agree(arguments, target, message)
    if target.fixed:
        arguments = _fixed(arguments, target)
        call = msgspec.structs.replace(call, params={**call.params, "arguments": arguments})
    if target.drops is not None and (kept := target.drops(arguments)) is not arguments:
        arguments = kept
        call = msgspec.structs.replace(call, params={**call.params, "arguments": arguments})
    target.check(arguments)
    return call


def _fixed(arguments: Json, target: Target) -> Json:
    """Return the arguments with those that the view fixes; a client's own would be one more way to ask for another."""
    if not target.drops and not target.fixed.keys().isdisjoint(arguments):
        strange = min(target.fixed.keys() & arguments.keys())
        raise BadArguments("fixed argument", hint=f"the tool has no argument {strange[:80]!r}")
    return {**arguments, **target.fixed}


def _agree(arguments: Json, target: Target, message: Inbound) -> None:
    """Refuse mirroring headers that disagree; one that mirrors nothing is an intermediary's and stays behind."""
    if target.mirrored:
        headers.agree_params(message.headers, arguments, target.mirrored)


async def forward(order: Order, surface: Surface, reply: Reply, world: World, trail: Trail) -> Answer:
    """Carry the order out, and return the answer checked, guarded and in the client's own words."""
    call, target = order.call, order.target
    if call.client.session and call.id is not None:
        # A primed stream begins with an event without data, which older clients would try to parse.
        journal = world.sessions.journals.begin(call.client.session)
        await reply.keep(journal, call.client.version >= PRIMED)
    if target.kind is Kind.GATEWAY or (call.client.session and call.method in KEPT):
        answer = await local(order, surface, reply, world, trail)
        if target.guards_out and answer.payload is not None:
            # Why a server lets nobody subscribe is in its own words.
            answer = msgspec.structs.replace(answer, payload=await screening.told(answer.payload, order, world, trail))
        trail.outcome = _outcome(answer.payload)
        return answer
    talk, price = Conversation(order, reply, world), target.price
    back = _back(talk, order, world, trail)
    trail.sent = world.clock()
    try:
        if call.client.session and call.id is not None:
            with world.sessions.carrying(call.client.session, call.id):
                raw = await repeated(lambda: conversed(order, back, talk, world), order, trail, world.clock)
        else:
            raw = await repeated(lambda: carried(order, back, world), order, trail, world.clock)
    finally:
        trail.answered = world.clock()
    if price is not None:
        costing.heard(raw, trail, price)
    if target.guards_out:
        raw = await guarded(order, raw, world, trail)
    answer, decision = pacing.warned(settled(order, raw, world, trail), trail), trail.decision
    if isinstance(decision, Allow) and decision.capture is not None:
        await capturing.answered(decision.capture, answer, order.caller, world, trail)
    return answer


def _back(talk: Back, order: Order, world: World, trail: Trail) -> Back:
    """Return the way back to the client, with all that listens on it."""
    target, back = order.target, talk
    price = target.price
    if price is not None and price.reported and price.models:
        back = costing.Priced(back, trail, price)
    if target.guards_in or target.guards_out:
        back = screening.Screened(back, order, world, trail)
    if trail.run is not None and any(rule.after for rule in (*target.allows, *target.denies)):
        back = runs.Attentive(back, lambda: _still(order, trail, world))
    return back


def _still(order: Order, trail: Trail, world: World) -> None:
    """Refuse to go on with a call that would not be allowed any more, by what its run has met since."""
    call, caller, target = order.call, order.caller, order.target
    if order.ask is not None and trail.run is not None:
        run = world.runs.known(trail.run, world.clock())
        allow = permitted(decide(caller, target, _whole(order.ask, call, target, run)), call, caller, target)
        holding.still(trail.decision, allow)


async def guarded(order: Order, raw: Json, world: World, trail: Trail) -> Json:
    """Return an answer as the guards leave it: what may not be handed on need not be read."""
    raw = checked(raw)
    if order.target.results is not None:
        raw = _fitted(order.call, order.target.results, raw, trail)
    return await screening.told(raw, order, world, trail)


def settled(order: Order, raw: Json, world: World, trail: Trail) -> Answer:
    """Return a server's answer checked, guarded and in the client's own words."""
    call, target = order.call, order.target
    if target.results is not None:
        raw = _fitted(call, target.results, raw, trail)
    if _passes(call, target, raw):
        world.links.remember(order, raw)
        trail.outcome = "tool_error" if raw["result"].get("isError") is True else "answered"
        return Answer({"jsonrpc": "2.0", "id": call.id, "result": raw["result"]})
    raw = checked(raw)
    if target.task or "error" in raw or raw["result"].get("resultType", "complete") != "complete":
        raw = tasks.shown(order, raw, world, trail)
        raw = handed(order, raw, world) if call.client.era is Era.MODERN else raw
    world.links.remember(order, raw)
    trail.outcome = _outcome(raw)
    return answered(call, raw)


def _fitted(call: Call, fitted: Fitted, raw: Json, trail: Trail) -> Json:
    """Return an answer whose result fits the tool's output schema, as far as it must; a task has its result inside."""
    result = raw.get("result")
    if not isinstance(result, dict) or call.method not in _RETURNING:
        return raw
    within = call.method == "tasks/get"
    given = result.get("result") if within else result
    if not isinstance(given, dict):
        return raw
    fit, finding = fitted(given)
    if finding and finding not in trail.findings:
        trail.findings.append(finding)
    return {**raw, "result": {**result, "result": fit} if within else fit}


def _passes(call: Call, target: Target, raw: Json) -> bool:
    """Say whether an answer is one that all of the following leaves as it is: a tool's complete result, unguarded."""
    result = raw.get("result")
    return (
        type(result) is dict
        and result.get("resultType") == "complete"
        and "error" not in raw
        and call.method == "tools/call"
        and call.client.era is Era.MODERN
        and not (target.guards_out or target.task)
    )


def over(trail: Trail, settle: Settle, world: World) -> None:
    """Write down how a call ended."""
    trail.ended = world.clock()
    if trail.target is not None and trail.target.price is not None:
        trail.cost = costing.due(trail, trail.target.price)
    settle(trail)
    world.audit.end(trail)
    world.meter(trail)


def checked(answer: Json) -> Json:
    """Return an upstream's answer if it has the shape of one."""
    if "error" in answer:
        if isinstance(answer["error"], dict) and isinstance(answer["error"].get("code"), int):
            return answer
        raise Garbled("the error member is not a JSON-RPC error")
    if not isinstance(answer.get("result"), dict):
        raise Garbled("the answer has neither a result nor an error")
    return answer


def _outcome(answer: Json | None) -> str:
    if answer is None:
        return "answered"
    if "error" in answer:
        return "rpc_error"
    result: Any = answer.get("result")
    if not isinstance(result, dict):
        return "answered"
    if result.get("resultType") == "input_required":
        return "input_required"
    return "tool_error" if result.get("isError") is True else "answered"

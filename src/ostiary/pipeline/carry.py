"""Carry a call to its server and bring the answer back, whichever eras the two sides speak.

When a server wants to know something from the client in the middle of a call, then

- between modern sides, its `input_required` passes, its state inside ours;
- from a handshake-era server to a modern client, the call is suspended, and goes on with the client's retry;
- between handshake-era sides, its request goes to the client, on the stream of the call;
- from a modern server to a handshake-era client, its questions go as requests, and the answers in a retry of ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Final

import msgspec

from ostiary.core.errors import BadParams, Garbled, NotCarried, TimedOut
from ostiary.core.model import Client, Json, Order
from ostiary.core.ports import Back
from ostiary.pipeline.conversation import Conversation
from ostiary.pipeline.suspend import Held, Suspended
from ostiary.pipeline.world import World
from ostiary.protocol import questions, states
from ostiary.protocol.states import State, Way

PURPOSE: Final = "state"
LONGEST: Final = 3600.0
"""Seconds that a call may take with all the time that people need to answer; the time without is its own timeout."""
_ROUNDS: Final = 10
"""How often a server may ask in one call: as many as the official clients answer."""
_PAUSE: Final = 0.1


def carried(order: Order, back: Back, world: World) -> Coroutine[Any, Any, Json]:
    """Return what carries out an order of a modern client and returns the answer: `{"result": …}` or `{"error": …}`."""
    call = order.call
    if "requestState" in call.params:
        return _continued(order, back, world)
    # Who declared nothing cannot be asked, so nothing can come up that would have to wait.
    return _suspendable(order, back, world) if call.client.offer else world.send(order, back)


def handed(order: Order, raw: Json, world: World) -> Json:
    """Return a server's answer to a modern client: what asks for something is checked, and its state sealed."""
    if "error" in raw:
        needed = questions.first_needed(raw["error"])
        if needed is None or order.call.method not in questions.ASKING or _objection(order.call.client, needed):
            return raw
        return {"result": _required({"inputRequests": needed}, Way.AGAIN, "", order, world)}
    result = raw["result"]
    if result.get("resultType") != "input_required":
        return raw
    state = result.get("requestState")
    if isinstance(state, Held):
        return {"result": _required(result, Way.SUSPENDED, state.ident, order, world)}
    _admit(order, result)
    if state is None:
        return raw
    return {"result": _required(result, Way.PASSED, state, order, world)}


def _required(result: Json, way: Way, content: str, order: Order, world: World) -> dict[str, Any]:
    fresh = states.state(way, order.call, order.caller, order.target, order.endpoint)
    sealed = world.seal.close(PURPOSE, states.packed(fresh, content, world.time() + world.current().timeouts.answer))
    return {**result, "resultType": "input_required", "requestState": sealed}


def _admit(order: Order, result: Json) -> None:
    """Refuse an `input_required` that is malformed, or asks a client for what it did not declare."""
    if order.call.method not in questions.ASKING:
        raise Garbled(f"{order.call.method} was answered with input_required")
    asked = questions.asked(result)
    if asked is None or not isinstance(result.get("requestState", ""), str):
        raise Garbled("the input_required result is malformed")
    for method, params in asked.values():
        reason = questions.objection(order.call.client, method, params)
        if reason:
            raise Garbled(f"it asked {method}: {reason}", hint=reason)


def _objection(client: Client, requests: Mapping[str, Json]) -> str:
    reasons = (questions.objection(client, each["method"], each["params"]) for each in requests.values())
    return next((reason for reason in reasons if reason), "")


# A modern client


async def _suspendable(order: Order, back: Back, world: World) -> Json:
    call = Suspended(order.caller, order.call.client, order.target)
    call.begin(world.send(msgspec.structs.replace(order, deadline=order.deadline + LONGEST), call))
    return await _attended(call, order, back, world)


async def _attended(call: Suspended, order: Order, back: Back, world: World) -> Json:
    answer = await call.attended(back, asyncio.get_running_loop().time() + order.deadline - world.clock())
    if answer is not None:
        return answer
    if order.call.method not in questions.ASKING:
        call.abandon()
        raise NotCarried(hint=f"the server asks something, and {order.call.method} cannot wait for an answer")
    open_ = {
        key: {"method": each.method, "params": questions.modern_elicitation(each.params)}
        for key, each in call.open.items()
    }
    held = world.suspensions.keep(call, world.current().timeouts.answer)
    return {"result": {"resultType": "input_required", "inputRequests": open_, "requestState": held}}


async def _continued(order: Order, back: Back, world: World) -> Json:
    """Go on with a call whose client brought its state back."""
    params = order.call.params
    state = _opened(order, world)
    match state.way:
        case Way.SUSPENDED:
            responses = params.get("inputResponses", {})
            if not isinstance(responses, dict) or not all(isinstance(each, dict) for each in responses.values()):
                raise BadParams(hint="inputResponses is an object of answers by the key of their question")
            suspended = world.suspensions.take(state.content, order.caller)
            suspended.answer(responses)
            return await _attended(suspended, order, back, world)
        case Way.AGAIN:
            left = {key: value for key, value in params.items() if key not in {"requestState", "inputResponses"}}
        case Way.PASSED:
            left = {**params, "requestState": state.content}
    return await _suspendable(_saying(order, left), back, world)


def _opened(order: Order, world: World) -> State:
    token = order.call.params["requestState"]
    if not isinstance(token, str):
        raise BadParams(hint="requestState is a string")
    try:
        content = world.seal.open(PURPOSE, token)
    except ValueError:
        raise states.unknown() from None
    expected = states.state(Way.PASSED, order.call, order.caller, order.target, order.endpoint)
    return states.opened(content, expected, world.time())


def _saying(order: Order, params: Json) -> Order:
    return msgspec.structs.replace(order, call=msgspec.structs.replace(order.call, params=params))


# A handshake-era client


async def conversed(order: Order, back: Back, talk: Conversation, world: World) -> Json:
    """Carry out an order of a client who can be asked on the call's stream, and return the answer.

    The time that its user takes to answer is not the server's.
    """
    if not order.call.client.offer:
        # Who declared nothing is not asked, so nothing takes anybody's time; a server may still want another round.
        return await _rounds(order, back, world)
    patient = msgspec.structs.replace(order, deadline=order.deadline + LONGEST)
    try:
        async with asyncio.timeout(order.deadline - world.clock()) as limit:
            with talk.pausing(limit):
                return await _rounds(patient, back, world)
    except TimeoutError:
        raise TimedOut from None


async def _rounds(order: Order, back: Back, world: World) -> Json:
    first = order
    for turn in range(_ROUNDS):
        raw = await world.send(order, back)
        result = raw.get("result")
        if not isinstance(result, dict) or result.get("resultType") != "input_required":
            return raw
        _admit(first, result)
        asked = questions.asked(result) or {}
        if not asked:
            await asyncio.sleep(_PAUSE * 2**turn)
        order = _saying(first, await _responded(first, result, asked, back))
    raise Garbled(f"it asked more than {_ROUNDS} times", hint="the server asks without end")


async def _responded(order: Order, result: Json, asked: Mapping[str, tuple[str, Json]], back: Back) -> dict[str, Any]:
    responses = {}
    for key, (method, params) in asked.items():
        answer = await back.ask(method, params)
        if "result" not in answer and method == "elicitation/create":
            answer = questions.unanswered(method)
        if "result" not in answer:
            reason = str(answer.get("error", {}).get("message", ""))[:200]
            raise NotCarried(f"the client did not answer {method}: {reason}", hint=f"no answer to {method} came back")
        responses[key] = answer["result"]
    said = {**order.call.params}
    if responses:
        said["inputResponses"] = responses
    if "requestState" in result:
        said["requestState"] = result["requestState"]
    return said

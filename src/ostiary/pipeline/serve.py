"""The life of a call, on one screen."""

from __future__ import annotations

from asyncio import CancelledError

from ostiary.core.errors import GatewayError
from ostiary.core.model import Inbound, Order
from ostiary.core.ports import Reply, Settle
from ostiary.core.trail import Trail
from ostiary.pipeline import holding, pacing, steps
from ostiary.pipeline.world import World
from ostiary.protocol.answers import refused
from ostiary.protocol.reading import read


async def serve(message: Inbound, reply: Reply, world: World) -> Trail:  # noqa: PLR0915 - one screen, twelve steps
    """Carry one message from a client to where it belongs and the answer back; return what is known of it then.

    Each numbered line is one step. A step returns or raises; none is optional, none knows about another, and nothing
    leaves the house before step 8 wrote it down.
    """
    now = world.current()
    trail = Trail(message, world.reference(), now.revision, world.clock(), world.time())
    mark = steps.marking(trail, world)
    settle: Settle = steps.unpaid
    try:
        caller = trail.caller = await world.identify(message)  # 1 identify: not one byte of the body is read yet
        mark()
        body = await message.body()
        trail.request_bytes = len(body)
        mark()
        call = trail.call = read(message, body, now.bounds.depth, steps.recall(world, caller, message))  # 2 parse
        mark()
        surface = await steps.surface(world, now, message.endpoint, call.client)
        ask = steps.asking(call, message, world) if surface.careful else None
        target = trail.target = steps.resolve(call, surface, caller, world, ask)  # 3 resolve
        mark()
        trail.run = steps.tracked(call, caller, target, now, world)
        trail.decision = steps.decided(call, caller, target, ask, trail)  # 4 decide
        allow = steps.permitted(trail.decision, call, caller, target)
        mark()
        await pacing.paced(call, caller, target, world.pacing, trail)
        settle = await world.spend(allow.charges, caller, message)  # 5 limit
        mark()
        call = steps.validated(call, target, message)  # 6 validate
        mark()
        call = await holding.asked(allow, call, caller, target, world, trail)  # 7 guard the request, and ask people
        mark()
        if target.server:
            steps.meets(trail, target, world)
            world.audit.begin(trail)  # 8 record the intent: from here on it may leave
        mark()
        order = Order(call, target, caller, trail.started + target.timeout, trail.reference, message.endpoint, ask)
        answer = await steps.forward(order, surface, reply, world, trail)  # 9 forward, 10 check, 11 guard the answer
        mark()
        trail.answer_bytes = await reply.finish(answer)
        mark()
    except GatewayError as error:
        trail.refuse(error)
        challenge = world.challenge(message.endpoint)
        trail.answer_bytes = await reply.finish(refused(error, trail.call, trail.reference, challenge))
    except CancelledError:
        trail.outcome = "abandoned"
        raise
    except Exception as error:
        trail.outcome, trail.detail = "fault", type(error).__name__
        raise
    finally:
        steps.over(trail, settle, world)  # 12 record the outcome; synchronous, so that cancelling cannot lose it
    return trail

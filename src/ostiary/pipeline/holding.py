"""Hold what people have to approve: after everything else was asked, and before anything is written or leaves."""

from __future__ import annotations

from typing import Final

import msgspec

from ostiary.core.errors import Forbidden
from ostiary.core.model import Allow, Call, Caller, Json, Target
from ostiary.core.ports import Wish
from ostiary.core.rules import Approval
from ostiary.core.trail import Trail
from ostiary.pipeline import capturing, screening
from ostiary.pipeline.world import World
from ostiary.policy.approvals import wanted

ASKED: Final = frozenset({"tools/call", "prompts/get", "resources/read"})
"""What people are asked about: what uses something, in words that can be said again."""
_FREE: Final = frozenset({"resources/unsubscribe", "tasks/cancel"})
"""What only ends something."""
_STATE: Final = frozenset({"_meta", "requestState", "inputResponses"})


async def asked(allow: Allow, call: Call, caller: Caller, target: Target, world: World, trail: Trail) -> Call:
    """Show a call to the guards, then to the people whose approval rules want; return what the guards left of it, kept.

    People are asked about what its server would get without guards: a token stands for a value in one run only.
    """
    left = await screening.asked(call, caller, target, world, trail)
    if allow.approvals:
        await _approved(allow, call, caller, target, world, trail)
    if allow.capture is not None:
        await capturing.asked(allow.capture, left, caller, world, trail)
    return left


async def _approved(allow: Allow, call: Call, caller: Caller, target: Target, world: World, trail: Trail) -> None:
    """Return once everybody approved, and note who; raise `Held` where they did not."""
    if call.method in _FREE:
        return
    if call.method not in ASKED:
        raise _refusal(allow.approvals, f"which is asked for when it is used, and not for {call.method}")
    by = await world.approve(_wish(allow, call, caller, target))
    trail.decision = msgspec.structs.replace(allow, approved=by)
    trail.findings.append(f"{', '.join(each.rule for each in allow.approvals)}: approved by {by}")


def still(before: object, now: Allow) -> None:
    """Return if a call that goes on has every approval that it needs by now; raise `Forbidden` where it has not."""
    had = before.approvals if isinstance(before, Allow) else ()
    more = tuple(each for each in now.approvals if each not in had)
    if more:
        raise _refusal(more, "which cannot be asked for in the middle of a call: make it anew")


def _refusal(needs: tuple[Approval, ...], why: str) -> Forbidden:
    said = wanted(needs)
    return Forbidden(f"not_approved: {said}", hint=f"{said}, {why}")


def granted(allow: object) -> tuple[str, ...]:
    """Return the rules whose approval a call has: what becomes of it takes no other."""
    return tuple(each.rule for each in allow.approvals) if isinstance(allow, Allow) and allow.approved else ()


def settled(target: Target, rules: tuple[str, ...]) -> Target:
    """Return the target of a call that has the approval of these rules: they want no other, and do not deny it."""
    if not rules:
        return target
    had = frozenset(rules)
    return msgspec.structs.replace(
        target,
        allows=tuple(
            msgspec.structs.replace(rule, approvals=()) if rule.name in had else rule for rule in target.allows
        ),
        denies=tuple(rule for rule in target.denies if not (rule.approvals and rule.name in had)),
    )


def _wish(allow: Allow, call: Call, caller: Caller, target: Target) -> Wish:
    reason, state = wanted(allow.approvals), call.params.get("requestState")
    return Wish(
        caller.issuer, caller.subject, caller.client, target.label, call.method,
        f"rules/{','.join(each.rule for each in allow.approvals)}", reason, _essence(call, target), allow.approvals,
        state if isinstance(state, str) else "",
    )  # fmt: skip


def _essence(call: Call, target: Target) -> Json:
    """Return what a call asks for: equal for the call, for one that says it again, and for what goes on with it."""
    said = {key: value for key, value in call.params.items() if key not in _STATE}
    # The same name may be another tool at another endpoint, and the same URI another server's.
    return {**said, "name": target.name} if "name" in said else said

"""Have what a rule wants kept of a call: what leaves is kept before it does, and so is what is handed on.

What is kept is what the guards left of it: what a server gets of a call, and what a client gets of an answer.
"""

from __future__ import annotations

from typing import Final

from ostiary.core.capturing import Capture, Half
from ostiary.core.errors import NotCaptured, ResultNotCaptured
from ostiary.core.model import Answer, Call, Caller, Json
from ostiary.core.trail import Trail
from ostiary.pipeline.world import World

_HANDLES: Final = frozenset({"_meta", "requestState"})
"""What addresses the gateway, or continues a call of ours: a sealed state is good for who holds it."""


async def asked(capture: Capture, call: Call, caller: Caller, world: World, trail: Trail) -> None:
    """Keep what a call says, as it leaves; raise `NotCaptured` where that cannot be done, and nothing leaves."""
    if Half.ARGUMENTS not in capture.halves:
        return
    said = {key: value for key, value in call.params.items() if key not in _HANDLES}
    kept = {"method": call.method, "params": said}
    trail.captured += (await world.capture(capture, Half.ARGUMENTS, caller, trail.reference, kept),)


async def answered(capture: Capture, answer: Answer, caller: Caller, world: World, trail: Trail) -> None:
    """Keep what is about to be handed on; raise `ResultNotCaptured` where that cannot be done, and nothing is."""
    if Half.RESULT not in capture.halves or answer.payload is None:
        return
    try:
        trail.captured += (await world.capture(capture, Half.RESULT, caller, trail.reference, _answer(answer.payload)),)
    except NotCaptured as error:
        raise ResultNotCaptured(
            error.detail, hint=f"{error.hint}. The call was carried out; do not repeat it"
        ) from error


def _answer(payload: Json) -> Json:
    said = {key: value for key, value in payload.items() if key in {"result", "error"}}
    result = said.get("result")
    if isinstance(result, dict) and "requestState" in result:
        said["result"] = {key: value for key, value in result.items() if key != "requestState"}
    return said

"""What the clients of the mixed run do when a server asks: answer, late, twice, in another's place, or never."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from tests.security import speech
from tests.security.mixed_deeds import (
    called,
    cancelled,
    cancelling,
    ending_amid,
    exchanged,
    hanging_up,
    listening,
    listing,
    losing,
    parting,
    plainly,
    streaming,
    taking_long,
    talking,
)
from tests.security.mixed_play import KINDS, answer_of
from tests.security.mixture import PATIENCE, Deed, Json, Line, Mixture, One, Session, Wrong, busy, refusal

LATE: Final = PATIENCE + 1.5
STALE: Final = "-32602"
"""How a `requestState` is refused that is another's, used, old, or of another call."""


async def asked(mix: Mixture, twist: str) -> None:
    """Make a call that asks, and answer it in one of many ways."""
    rounds = 2 if twist == "answered" and mix.dice.random() < 0.3 else 1
    one = await mix.one(capable=True, asks=rounds, kind=mix.dice.choice(KINDS), ms=mix.dice.choice((0, 0, 30)))
    mix.tally.done[f"asked, {twist}"] += 1
    with busy(one.session):
        await (modern_asked if one.session is None else handshake_asked)(mix, one, twist)


async def rushed(mix: Mixture) -> None:
    """Call a server that asks and answers at once, without waiting for what its client says."""
    one = await mix.one(capable=True, end="rush", kind=mix.dice.choice(KINDS))
    heard = await called(mix, one)
    for message in heard[:-1]:
        asks(one, message)
    mix.tally.done["rushed"] += 1


async def modern_asked(mix: Mixture, one: One, twist: str) -> None:
    """Be asked by a result, and answer by a retry."""
    more: Json = {}
    for number in range(4):
        one.ident = one.person.ident()
        message = (await exchanged(mix, one, more=more))[-1]
        result = message.get("result") or {}
        if result.get("resultType") != "input_required":
            mix.right(one, message)
            return
        ((key, question),) = result["inputRequests"].items()
        asks(one, question)
        more = {"inputResponses": {key: one.answer(number)}, "requestState": result["requestState"]}
        if number == 0 and await MODERN_TWISTS[twist](mix, one, more):
            return
    raise Wrong(f"{one.place.name} asks without end")


def asks(one: One, question: Json) -> None:
    """Refuse a question that is not this call's."""
    wanted = {"elicit": "elicitation/create", "sample": "sampling/createMessage", "roots": "roots/list"}[one.kind]
    if question["method"] != wanted or (one.kind != "roots" and one.nonce not in str(question["params"])):
        raise Wrong(f"{one.nonce} was asked {question}")


async def go_on(_mix: Mixture, _one: One, _more: Json) -> bool:
    return False


async def stop(_mix: Mixture, _one: One, _more: Json) -> bool:
    return True


async def late(mix: Mixture, one: One, more: Json) -> bool:
    await asyncio.sleep(LATE)
    await refused(mix, one, more)
    return True


async def twice(mix: Mixture, one: One, more: Json) -> bool:
    """Answer twice at once: the call is made once, unless its server keeps nothing between two requests."""
    async with asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(exchanged(mix, one, more=more)) for _ in range(2)]
    ends = [each.result()[-1] for each in both]
    fresh = [end for end in ends if refusal(end) != STALE]
    if one.place.modern or not fresh:
        fresh = ends
    elif len(fresh) != 1:
        raise Wrong(f"a call went on twice: {ends}")
    for end in fresh:
        mix.right(one, end)
    return True


async def stolen(mix: Mixture, one: One, more: Json) -> bool:
    thief = mix.other(one.person)
    await refused(mix, one, more, request=mix.request(one, more, thief))
    return False


async def altered(mix: Mixture, one: One, more: Json) -> bool:
    await refused(mix, one, {**more, "name": one.tool, "arguments": {**one.params["arguments"], "ms": 77}})
    return False


async def leaving(mix: Mixture, one: One, more: Json) -> bool:
    """Answer, and go away at once: the call is cancelled, and its state used up or not, but nothing stays."""
    line = await mix.line()
    line.put(mix.request(one, more))
    await asyncio.sleep(mix.dice.random() * 0.1)
    line.close()
    return True


async def refused(mix: Mixture, one: One, more: Json, request: bytes = b"") -> None:
    """See that a state is refused."""
    said = await mix.once(request or mix.request(one, more))
    message = said.messages()[-1]
    if refusal(message) != STALE or one.nonce.encode() in said.body:
        raise Wrong(f"a state that is not to be used was answered {message}")
    mix.tally.done["states refused"] += 1


MODERN_TWISTS: Final[Mapping[str, Any]] = {
    "answered": go_on,
    "late": late,
    "twice": twice,
    "stolen": stolen,
    "altered": altered,
    "abandoned": stop,
    "leaving": leaving,
}


async def handshake_asked(mix: Mixture, one: One, twist: str) -> None:
    """Be asked by requests on the stream of the call, and answer them by messages of one's own."""
    line = await mix.line()
    line.put(mix.request(one))
    try:
        for number in range(4):
            message = await line.message()
            if "method" not in message:
                await answered(mix, one, line, message, twist)
                return
            asks(one, message)
            if number == 0 and await twisted(mix, one, line, message["id"], twist):
                return
            await posted(mix, one, message["id"], one.answer(number))
    except BaseException:
        line.close()
        raise


async def answered(mix: Mixture, one: One, line: Line, message: Json, twist: str) -> None:
    """Check the last word of a call."""
    said = await line.rest()
    mix.own(one, said)
    mix.back(line)
    text = ((message.get("result") or {}).get("content") or [{}])[0].get("text", "")
    expired = text.startswith((f"{one.nonce}|error", f"{one.nonce}|cancel")) or refusal(message) == "upstream_timeout"
    if twist == "late" and expired:
        mix.tally.done["questions that expired"] += 1
    else:
        mix.right(one, message)


async def twisted(mix: Mixture, one: One, line: Line, ident: Any, twist: str) -> bool:
    """Do something else than answering; True: there is nothing left to do."""
    match twist:
        case "abandoned":
            line.close()
            return True
        case "leaving":
            await posted(mix, one, ident, one.answer(0))
            line.close()
            return True
        case "late":
            await asyncio.sleep(LATE)
        case "twice":
            await posted(mix, one, ident, one.answer(0))
        case "altered":
            await posted(mix, one, "ostiary-nobody", one.answer(0))
        case "stolen":
            await steal(mix, one, ident)
    if twist == "stolen" and mix.dice.random() < 0.3:
        await cancelled(mix, one, line)
        return True
    return False


async def steal(mix: Mixture, one: One, ident: Any) -> None:
    """Answer another caller's question: in a session of one's own, and in the other's."""
    assert one.session is not None
    thief = mix.other(one.person)
    session, false = await mix.session(thief, one.path, capable=True), answer_of(one.kind, "stolen")
    own = await mix.once(answer(mix, session, session.fields, ident, false))
    fields = [("Authorization", f"Bearer {thief.token}"), *one.session.fields[1:]]
    others = await mix.once(answer(mix, one.session, fields, ident, false))
    if own.status != 202 or others.status != 404:
        raise Wrong(f"a thief's answers were answered {own.status} and {others.status}")
    mix.tally.done["thefts refused"] += 1


def answer(mix: Mixture, session: Session, fields: list[tuple[str, str]], ident: Any, result: Json) -> bytes:
    """Return a posted answer as bytes."""
    body = speech.packed({"jsonrpc": "2.0", "id": ident, "result": result})
    return speech.request(session.path, mix.rig.host, fields, body)


async def posted(mix: Mixture, one: One, ident: Any, result: Json) -> None:
    """Post an answer."""
    assert one.session is not None
    said = await mix.once(answer(mix, one.session, one.session.fields, ident, result))
    if said.status != 202:
        raise Wrong(f"an answer was answered {said.status} {said.body[:200]!r}")


DEEDS: Final[Mapping[str, tuple[int, Deed]]] = {
    "plain": (480, plainly),
    "talk": (100, talking),
    "list": (60, listing),
    "lose": (8, losing),
    "long": (8, taking_long),
    "hang up": (40, hanging_up),
    "cancel": (30, cancelling),
    "part": (6, parting),
    "end amid": (4, ending_amid),
    "listen": (8, listening),
    "stream": (6, streaming),
    "answered": (120, partial(asked, twist="answered")),
    "late": (6, partial(asked, twist="late")),
    "twice": (14, partial(asked, twist="twice")),
    "stolen": (14, partial(asked, twist="stolen")),
    "altered": (10, partial(asked, twist="altered")),
    "abandoned": (20, partial(asked, twist="abandoned")),
    "rush": (8, rushed),
    "leaving": (10, partial(asked, twist="leaving")),
}
"""What is done, and how often compared with the rest."""

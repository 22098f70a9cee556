"""What the clients of the mixed run do, but for being asked: call, list, hang up, cancel, listen, and end."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from tests.security import raw, speech
from tests.security.mixture import LIVES, TIMEOUT, Json, Line, Mixture, One, Session, Wrong, busy, refusal

GONE: Final = frozenset({"upstream_lost", "upstream_unreachable", "overloaded"})


# Calls without questions


async def plainly(mix: Mixture) -> None:
    """Call, and wait for the answer."""
    await called(mix, await mix.one(ms=mix.dice.randrange(1, 80) if mix.dice.random() < 0.2 else 0))


async def talking(mix: Mixture) -> None:
    """Call, and hear progress and log messages before the answer."""
    one = await mix.one(steps=mix.dice.randrange(1, 5), ms=mix.dice.randrange(10, 200))
    heard = await called(mix, one, loud=True)
    for message in heard[:-1]:
        params = message.get("params", {})
        if message.get("method") == "notifications/progress":
            if (params["progressToken"], params["message"]) != (one.ident, one.nonce):
                raise Wrong(f"not the progress of {one.ident} {one.nonce}: {params}")
            mix.tally.done["progress"] += 1
        elif message.get("method") == "notifications/message":
            mix.tally.done["log messages"] += 1
        else:
            raise Wrong(f"nobody asked for {message}")


async def losing(mix: Mixture) -> None:
    """Call a server that goes away in the middle."""
    one = await mix.one(end="drop", ms=20, steps=mix.dice.randrange(2))
    message = (await exchanged(mix, one))[-1]
    if refusal(message) not in GONE:
        raise Wrong(f"{one.place.name} went away, but the answer is {message}")
    mix.tally.done["lost upstream"] += 1


async def taking_long(mix: Mixture) -> None:
    """Call what takes long; half of it takes longer than it may."""
    seconds = mix.dice.choice((TIMEOUT / 3, TIMEOUT + 3))
    one = await mix.one(ms=int(seconds * 1000))
    message = (await exchanged(mix, one))[-1]
    if seconds < TIMEOUT:
        mix.right(one, message)
    elif refusal(message) not in {"upstream_timeout", *GONE}:
        raise Wrong(f"a call beyond its time was answered {message}")
    else:
        mix.tally.done["timed out"] += 1


async def listing(mix: Mixture) -> None:
    """List, or read."""
    one = await mix.one(capable=False)
    uri = f"note://{one.place.name}/{mix.dice.randrange(3)}"
    method, held = mix.dice.choice((("tools/list", "play"), ("resources/list", uri), ("resources/read", uri)))
    params: Json = {"uri": uri} if held == uri and method == "resources/read" else {}
    if one.session is None:
        data = speech.modern(one.path, mix.rig.host, one.person.token, method, params, one.ident)
    else:
        data = speech.spoken(one.path, mix.rig.host, one.session.fields, method, params, one.ident)
    with busy(one.session):
        said = await mix.once(data)
    message = said.messages()[-1]
    if refusal(message).startswith("upstream_"):
        mix.tally.trouble[f"{one.place.name} {refusal(message)}"] += 1
    elif message.get("id") != one.ident or held not in str(message):
        raise Wrong(f"{method} at {one.path}: {str(message)[:300]}")
    mix.tally.done["lists and reads"] += 1


async def exchanged(mix: Mixture, one: One, *, loud: bool = False, more: Json | None = None) -> list[Json]:
    """Send a call, and return every message of its answer."""
    with busy(one.session):
        said = await mix.once(mix.request(one, more, loud=loud))
    mix.own(one, said)
    if not said.messages():
        raise Wrong(f"{one.place.name} {one.path}: {said.head!r} {said.body[:200]!r}")
    return said.messages()


async def called(mix: Mixture, one: One, *, loud: bool = False) -> list[Json]:
    """Send a call, check its answer, and return every message."""
    messages = await exchanged(mix, one, loud=loud)
    mix.right(one, messages[-1])
    return messages


# Going away


async def hanging_up(mix: Mixture) -> None:
    """Lose the connection in the middle of a call; in the modern era that cancels it."""
    one, line = await mix.one(ms=mix.dice.randrange(100, 1500), steps=mix.dice.randrange(0, 4)), await mix.line()
    line.put(mix.request(one, loud=True))
    with busy(one.session):
        await asyncio.sleep(mix.dice.random() * 0.6)
    said = raw.partial(line.data)
    line.close()
    if said is not None:
        mix.own(one, said)
    mix.tally.done["hang-ups"] += 1


async def cancelling(mix: Mixture) -> None:
    """Cancel a call of a session by a notification."""
    one = await mix.one(era="handshake", ms=mix.dice.randrange(500, 3000), steps=mix.dice.randrange(0, 3))
    line = await mix.line()
    line.put(mix.request(one, loud=True))
    with busy(one.session):
        await asyncio.sleep(mix.dice.random() * 0.3)
        await cancelled(mix, one, line)


async def cancelled(mix: Mixture, one: One, line: Line) -> None:
    """Send the cancellation, and see that the stream ends."""
    assert one.session is not None
    params = {"requestId": one.ident, "reason": "changed my mind"}
    told = await mix.once(
        speech.spoken(one.path, mix.rig.host, one.session.fields, "notifications/cancelled", params, ident=None)
    )
    if told.status != 202:
        raise Wrong(f"a cancellation was answered {told.status}: {told.body!r}")
    said = await line.rest()
    mix.own(one, said)
    mix.back(line)
    finals = [message for message in said.messages() if "method" not in message]
    if finals:
        mix.right(one, finals[-1])
    else:
        mix.tally.done["cancelled"] += 1


async def parting(mix: Mixture) -> None:
    """End a session by DELETE, or forget it."""
    person = mix.dice.choice(mix.people)
    now = time.monotonic()
    idle = [key for key, each in person.sessions.items() if not each.busy and now - each.born < LIVES]
    if not idle:
        return
    session = person.sessions.pop(mix.dice.choice(idle))
    if mix.dice.random() < 0.5:
        mix.tally.done["sessions forgotten"] += 1
        return
    await ended(mix, session)


async def ended(mix: Mixture, session: Session) -> None:
    """End a session, and see that it is over."""
    said = await mix.once(speech.request(session.path, mix.rig.host, session.fields, b"", "DELETE"))
    again = await mix.once(speech.spoken(session.path, mix.rig.host, session.fields, "ping", {}))
    if said.status != 204 or refusal(again.messages()[0]) != "session_unknown":
        raise Wrong(f"DELETE: {said.status}; afterwards {again.status} {again.body[:200]!r}")
    mix.tally.done["sessions ended"] += 1


async def ending_amid(mix: Mixture) -> None:
    """End a session while it has a call, a question or a stream open: all of that ends."""
    one = await mix.one(era="handshake", capable=True, asks=1, ms=mix.dice.randrange(0, 400))
    one.session = await mix.session(one.person, one.path, capable=True, fresh=True)
    call, stream = await mix.line(), await mix.line()
    call.put(mix.request(one))
    stream.put(speech.request(one.path, mix.rig.host, one.session.fields, b"", "GET"))
    await asyncio.sleep(mix.dice.random() * 0.5)
    await ended(mix, one.session)
    for line in (call, stream):
        said = await line.rest()
        mix.own(one, said)
        line.close()
    mix.tally.done["sessions ended amid calls"] += 1


# Listening


async def listening(mix: Mixture) -> None:
    """Open a modern change stream, and drop it after a while."""
    place = mix.dice.choice(mix.places)
    person, uri = mix.person(place), f"note://{place.name}/1"
    wanted: Json = {"toolsListChanged": True}
    if mix.dice.random() < 0.5:
        wanted["resourceSubscriptions"] = [uri]
    path = mix.dice.choice((f"/servers/{place.name}/mcp", "/mcp"))
    ident, line = person.ident(), await mix.line()
    params = {"notifications": wanted}
    line.put(speech.modern(path, mix.rig.host, person.token, "subscriptions/listen", params, ident))
    await line.until(b"\n\n")
    await asyncio.sleep(mix.dice.random() * 3)
    heard(mix, line, {uri} if "resourceSubscriptions" in wanted else set(), "subscriptions/acknowledged")


async def streaming(mix: Mixture) -> None:
    """Open the GET stream of a session, perhaps subscribe to something first, and drop it after a while."""
    place = mix.dice.choice(mix.places)
    person, path, uri = mix.person(place), f"/servers/{place.name}/mcp", f"note://{place.name}/2"
    session = await mix.session(person, path, capable=False, fresh=True)
    subscribed = mix.dice.random() < 0.5
    line = await mix.line()
    line.put(speech.request(path, mix.rig.host, session.fields, b"", "GET"))
    await line.until(b"\r\n\r\n")
    if subscribed:
        params = {"uri": uri}
        said = await mix.once(speech.spoken(path, mix.rig.host, session.fields, "resources/subscribe", params))
        mix.tally.done["subscriptions" if "result" in said.messages()[-1] else "subscriptions refused"] += 1
    await asyncio.sleep(mix.dice.random() * 3)
    heard(mix, line, {uri} if subscribed else set(), "")
    if mix.dice.random() < 0.3:
        await ended(mix, session)


def heard(mix: Mixture, line: Line, uris: set[str], first: str) -> None:
    """Check what came on a change stream, and drop it."""
    said = raw.partial(line.data)
    line.close()
    if said is None or said.status != 200:
        raise Wrong(f"a change stream began with {line.data[:300]!r}")
    messages = raw.Said(said.status, said.head, said.body[: said.body.rfind(b"\n\n") + 2]).messages()
    if first and (not messages or not messages[0]["method"].endswith(first)):
        raise Wrong(f"a change stream began with {said.body[:300]!r}")
    for message in messages[1 if first else 0 :]:
        method, params = str(message.get("method")), message.get("params") or {}
        if not method.endswith("/list_changed") and not (method.endswith("/updated") and params.get("uri") in uris):
            raise Wrong(f"nobody asked for {message}")
        mix.tally.done["changes heard"] += 1
    mix.tally.done["change streams"] += 1

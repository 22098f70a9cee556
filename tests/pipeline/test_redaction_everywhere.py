"""Issue 6, must show 3: redaction in every way that words take, in both eras, with the guards that a configuration makes.

The ways are those of `test_every_way_is_guarded`; each word of one side is replaced by something that must not arrive.
"""

from __future__ import annotations

import asyncio
import base64
import json
from functools import lru_cache
from typing import Any, Final

import pytest
from hypothesis import event
from hypothesis import strategies as st
from msgspec.structs import replace

from ostiary.adapters.store.pseudonyms import Pseudonyms
from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.model import Inbound, Json, Order, Snapshot
from ostiary.core.ports import Back
from ostiary.core.screening import Pass
from ostiary.entry.guarding import guarding
from tests.pipeline.disguises import CARD, EVERY, KEY, MAIL, SECRETS, chosen, disguised, leaked, tried
from tests.pipeline.stage import CRM, Heard, handshake, whole
from tests.pipeline.ways import FILES, READ, WAYS, WORD, Answers, Ways, modern_said, session_of, told

CONFIG: Final = """
gateway: {url: "http://127.0.0.1:8080"}
servers: {files: {command: [files]}, crm: {command: [crm]}}
rules: [{name: all, allow: ["*"], subjects: ["*"]}]
guards:
  - {name: keys, use: secrets, then: redact}
  - {name: people, use: personal, then: PEOPLE}
"""
PUSH: Final = {"name": "push", "inputSchema": {"type": "object", "properties": {"to": {"type": "string"}}}}
_UNSAID: Final = {"a resource that is watched", "a resource that is subscribed to"}
"""Ways of a URI alone, in which nothing can be replaced: what stands there stops the call (below)."""


@lru_cache(maxsize=8)
def _snapshot(then: str, output: str) -> Snapshot:
    people = "tokenize, reveal: [crm.push]" if then == "tokenize" else then
    config = parse(CONFIG.replace("PEOPLE", people), "test.yaml")
    files = (
        FILES if output == "null" else replace(FILES, tools=({**FILES.tools[0], "outputSchema": json.loads(output)},))
    )
    catalogues = {("files", ""): files, ("crm", ""): replace(CRM, tools=(PUSH,))}
    return compiled(config, catalogues, 7, "digest", guarding(Pseudonyms(b"k" * 32))(config)).snapshot


class Planted(Ways):
    """Ways on which every word of one side is something else, and everything that arrives is kept."""

    def __init__(self, side: str, plant: str, then: str = "redact", output: Json | None = None) -> None:
        super().__init__(lambda _: Pass())
        self.begins, self.plant = {"request": "c-", "answer": "s-"}[side], plant
        self.kept: dict[str, list[Any]] = {"request": [], "answer": []}
        self.stage.snapshot = _snapshot(then, json.dumps(output))
        self._serve = self.stage.serve
        self.stage.serve = lambda message: self._changed(message)  # type: ignore[method-assign]  # because clients speak by it

    def sown(self, said: Any) -> Any:
        """Return something with its words replaced; names of members stay."""
        if isinstance(said, str):
            return (
                said.replace(found[0], self.plant)
                if (found := WORD.search(said)) and found[0].startswith(self.begins)
                else said
            )
        if isinstance(said, dict):
            return {key: self.sown(value) for key, value in said.items()}
        return [self.sown(each) for each in said] if isinstance(said, list) else said

    async def _changed(self, message: Inbound) -> Heard:
        return await self._serve(await self.sent(message))

    async def sent(self, message: Inbound) -> Inbound:
        """Return what a client sends, with its words replaced, and a head that agrees."""
        body = self.sown(json.loads(await message.body()))
        headers = dict(message.headers)
        if isinstance(body, dict) and "mcp-name" in headers:
            params = body.get("params", {})
            headers["mcp-name"] = params.get("name") or params.get("uri") or headers["mcp-name"]
        return replace(message, body=whole(json.dumps(body).encode()), headers=headers)

    async def say(self, message: Inbound, reply: Heard | None = None) -> Json:
        return await super().say(await self.sent(message), reply)

    async def carry(self, order: Order, back: Back) -> Json:
        self.kept["request"].append([dict(order.call.params), order.target.name])
        return dict(self.sown(await self.answers(order, Sowing(back, self))))

    def hear(self, said: Any) -> None:
        self.kept["answer"].append(said)


class Sowing(Answers):
    """The way back of a server whose words are replaced."""

    def __init__(self, back: Back, ways: Planted) -> None:
        super().__init__(back, ways)
        self._to, self._planted = back, ways

    async def notify(self, method: str, params: Json) -> None:
        await self._to.notify(method, self._planted.sown(params))

    async def ask(self, method: str, params: Json) -> Json:
        answer = await self._to.ask(method, self._planted.sown(params))
        self._planted.kept["request"].append(answer)
        return answer


def played(name: str, side: str, plant: str, then: str = "redact") -> Planted:
    async def story() -> Planted:
        ways = Planted(side, plant, then)
        async with asyncio.timeout(10):
            await WAYS[name][0](ways)
        return ways

    return asyncio.run(story())


def said_in(name: str, side: str) -> bool:
    """Say whether words of a side take a way."""
    _, asked, said = WAYS[name]
    return bool(asked if side == "request" else said) or name.startswith(("modern", "handshake"))


SAID: Final = [
    (name, side)
    for name in WAYS
    for side in ("request", "answer")
    # The client of the oldest transport speaks by itself; what it says goes the way of all sessions.
    if name not in _UNSAID and said_in(name, side) and (name, side) != ("the oldest transport", "request")
]


@pytest.mark.parametrize(("name", "side"), SAID)
def test_what_arrives_is_masked_or_nothing_arrives(name: str, side: str) -> None:
    ways = played(name, side, f"with {KEY}, paid by {CARD}")
    kept = json.dumps(ways.kept[side])
    assert leaked(ways.kept[side], KEY) == leaked(ways.kept[side], CARD) == []
    looks = {each.verdict for trail in ways.stage.audit.ended for each in trail.looked}
    assert "redact" in looks or "redacted" in kept


def test_most_ways_go_on_with_what_was_masked() -> None:
    """Stopping every call would keep everything, too."""
    on = {
        (name, side)
        for name, side in SAID
        if "[redacted:card]" in json.dumps(played(name, side, f"by {CARD} ok").kept[side])
    }
    assert set(SAID) - on <= {
        ("modern resources/read", "request"),
        ("handshake resources/read", "request"),
        ("a task that is told of", "answer"),
    }


@tried(25, 180, st.sampled_from(SAID), st.sampled_from(sorted(EVERY)), chosen)
def test_nothing_arrives_in_any_disguise_on_any_way(way: tuple[str, str], plant: str, steps: tuple[str, ...]) -> None:
    name, side = way
    event(name)
    ways = played(name, side, f"see {disguised(plant, EVERY[plant], steps)} ok")
    assert leaked(ways.kept[side], EVERY[plant]) == []


def contents(plant: str) -> dict[str, Json]:
    """Return an answer of every kind of content with a plant in it."""
    said = base64.b64encode(plant.encode()).decode()
    link = {"type": "resource_link", "uri": "file:///a", "name": plant, "title": plant, "description": plant}
    return {
        "text": told(content=[{"type": "text", "text": plant}]),
        "annotations": told(content=[{"type": "text", "text": "x", "_meta": {"com.example/x": plant}}]),
        "embedded text": told(content=[{"type": "resource", "resource": {"uri": "a:b", "text": plant}}]),
        "embedded blob": told(content=[{"type": "resource", "resource": {"uri": "a:b", "mimeType": "text/plain", "blob": said}}]),
        "link": told(content=[link]),
        "link's URI": told(content=[{**link, "name": "n", "title": "t", "description": "d", "uri": f"file:///{plant}"}]),
        "image that is words": told(content=[{"type": "image", "mimeType": "image/png", "data": plant}]),
        "sound that is words": told(content=[{"type": "audio", "mimeType": "audio/wav", "data": plant}]),
        "structured": told(structuredContent={"rows": [{"note": plant}, {"deep": {"er": [plant]}}]}),
        "a member's name": told(structuredContent={plant: 1}),
    }  # fmt: skip


async def _answered(ways: Planted, era: str, answer: Json) -> None:
    async def answering(_order: Order, _back: Back) -> Json:
        return answer

    ways.answers = answering
    if era == "modern":
        await ways.say(modern_said("tools/call", **READ))
    else:
        await ways.say(handshake("tools/call", await session_of(ways), **READ))


@pytest.mark.parametrize("era", ["modern", "handshake"])
@pytest.mark.parametrize("kind", sorted(contents("x")))
@pytest.mark.parametrize("plant", [f"with {KEY} ok", f"paid by {CARD}", f"write to {MAIL}"])
def test_every_kind_of_content_is_masked_or_stopped_in_both_eras(kind: str, era: str, plant: str) -> None:
    value = {**EVERY, f"with {KEY} ok": KEY, f"paid by {CARD}": CARD, f"write to {MAIL}": MAIL}[plant]
    ways = Planted("answer", "unused")
    asyncio.run(_answered(ways, era, contents(plant)[kind]))
    assert ways.kept["answer"]
    assert leaked(ways.kept["answer"], value) == []


@pytest.mark.parametrize("era", ["modern", "handshake"])
def test_an_image_is_passed_on(era: str) -> None:
    ways = Planted("answer", "unused")
    data = base64.b64encode(bytes(range(200))).decode()
    asyncio.run(_answered(ways, era, told(content=[{"type": "image", "mimeType": "image/png", "data": data}])))
    assert data in json.dumps(ways.kept["answer"])


def test_what_was_masked_is_held_to_the_output_schema_again() -> None:
    """A mask that does not fit what the tool promised does not arrive, nor does what it stands for."""
    promised = {"type": "object", "properties": {"mail": {"type": "string", "pattern": "@"}}}
    ways = Planted("answer", "unused", output=promised)
    for value, arrives in (("me@home", True), (MAIL, False)):
        ways.kept["answer"].clear()
        asyncio.run(_answered(ways, "modern", told(structuredContent={"mail": value})))
        assert ("structuredContent" in json.dumps(ways.kept["answer"])) is arrives, value
        assert leaked(ways.kept["answer"], MAIL) == []


def test_what_does_not_fit_what_the_tool_promised_is_not_quoted() -> None:
    """The answer is held to its schema before a guard has read it."""
    promised = {"type": "object", "properties": {"mail": {"type": "string", "pattern": "^x"}}}
    ways = Planted("answer", "unused", output=promised)
    asyncio.run(_answered(ways, "modern", told(structuredContent={"mail": MAIL})))
    assert ways.kept["answer"]
    assert leaked(ways.kept["answer"], MAIL) == []


async def _pushed(ways: Planted, token: str, tool: str, credential: str, trace: str) -> list[Any]:
    ways.kept["request"].clear()
    meta = {"traceparent": f"00-{trace}-{'b' * 16}-01"}
    message = modern_said("tools/call", meta=meta, name=tool, arguments={"to": token})
    await ways.say(replace(message, credential=credential))
    return ways.kept["request"]


def masked(ways: Planted, plant: str, trace: str) -> str:
    """Return what ana's run gets to see of something that a server says."""

    async def once() -> str:
        async def answering(_order: Order, _back: Back) -> Json:
            return told(content=[{"type": "text", "text": plant}])

        ways.answers = answering
        meta = {"traceparent": f"00-{trace}-{'b' * 16}-01"}
        said = await ways.say(modern_said("tools/call", meta=meta, **READ))
        return str(said["content"][0]["text"])

    return asyncio.run(once())


TRACES: Final = st.sampled_from(["a" * 32, "1f" * 16, "c0ffee" * 5 + "00"])


@tried(8, 80, st.sampled_from([each for each in sorted(EVERY) if each not in SECRETS]), TRACES, TRACES)
def test_a_token_is_turned_back_for_its_caller_run_and_tool_and_nowhere_else(plant: str, run: str, other: str) -> None:
    ways = Planted("answer", "unused", "tokenize")
    token, value = masked(ways, plant, run), EVERY[plant]
    assert leaked([token.partition("~")[0]], value) == []

    def push(tool: str, credential: str, trace: str) -> list[Any]:
        return asyncio.run(_pushed(ways, token, tool, credential, trace))

    assert value in json.dumps(push("crm__push", "ana-token", run), ensure_ascii=False)
    assert leaked(push("files__read", "ana-token", run), value) == []
    assert leaked(push("crm__push", "eve-token", run), value) == []
    if other != run:
        assert leaked(push("crm__push", "ana-token", other), value) == []

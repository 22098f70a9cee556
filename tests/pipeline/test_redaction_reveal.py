"""Issue 6, must show 3: tokens are turned back on the way to tools that a rule names, and nowhere else, in both eras."""

from __future__ import annotations

import asyncio
import json
from functools import lru_cache
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from msgspec.structs import replace

from ostiary.adapters.store.pseudonyms import Pseudonyms
from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.model import Json, Order, Snapshot
from ostiary.core.ports import Back
from ostiary.entry.guarding import guarding
from tests.pipeline.disguises import CARD, EVERY, MAIL, PEOPLE, leaked, tried
from tests.pipeline.stage import CRM, handshake
from tests.pipeline.test_redaction_everywhere import CONFIG, PUSH, SAID, Planted
from tests.pipeline.ways import FILES, READ, WAYS, modern_said, session_of, told

TOKEN: Final = f"[email~{'A' * 30}]"
RIGID: Final = {"modern resources/read", "handshake resources/read", "a resource that is watched"}
"""Ways of a URI, which is read and not replaced."""


class Opening:
    """Turns one token back for whoever asks, whatever the run: that nobody may ask shows."""

    def token(self, run: str, kind: str, value: str) -> str:
        return Pseudonyms(b"k" * 32).token(run, kind, value)

    def reveal(self, _run: str, text: str) -> str:
        return text.replace(TOKEN, MAIL)


@lru_cache(maxsize=4)
def snapshot(reveal: str) -> Snapshot:
    config = parse(CONFIG.replace("PEOPLE", f"tokenize, reveal: [{reveal}]"), "test.yaml")
    catalogues = {("files", ""): FILES, ("crm", ""): replace(CRM, tools=(PUSH,))}
    return compiled(config, catalogues, 7, "digest", guarding(Opening())(config)).snapshot


def played(name: str, side: str, reveal: str) -> Planted:
    async def story() -> Planted:
        ways = Planted(side, f"to {TOKEN} ok")
        ways.stage.snapshot = snapshot(reveal)
        async with asyncio.timeout(10):
            await WAYS[name][0](ways)
        return ways

    return asyncio.run(story())


@pytest.mark.parametrize(("name", "side"), SAID)
def test_a_token_stays_one_on_every_way_to_what_no_rule_names(name: str, side: str) -> None:
    ways = played(name, side, "crm.push")
    assert leaked(ways.kept["request"], MAIL) == leaked(ways.kept["answer"], MAIL) == []
    assert TOKEN in json.dumps(ways.kept[side]) or name in RIGID


@pytest.mark.parametrize(("name", "side"), SAID)
def test_where_a_rule_names_it_a_token_is_turned_back_on_the_way_there_and_not_on_the_way_back(
    name: str, side: str
) -> None:
    ways = played(name, side, "files.*")
    assert leaked(ways.kept["answer"], MAIL) == []
    if side == "answer":
        assert leaked(ways.kept["request"], MAIL) == []
    elif "tools/call" in name:
        assert MAIL in json.dumps(ways.kept["request"])


def test_a_name_of_a_member_is_not_turned_back() -> None:
    """Replacing it would reshape what is said."""

    async def story() -> list[Any]:
        ways = Planted("answer", "unused")
        ways.stage.snapshot = snapshot("files.*")
        await ways.say(modern_said("tools/call", name="files__read", arguments={"path": "x", TOKEN: TOKEN}))
        return ways.kept["request"]

    [[params, _]] = asyncio.run(story())
    assert params["arguments"] == {"path": "x", TOKEN: MAIL}


async def in_session(ways: Planted, session: str, tool: str, **arguments: Any) -> Json:
    return await ways.say(handshake("tools/call", session, name=tool, arguments=arguments))


@tried(6, 60, st.sampled_from(sorted(PEOPLE)))
def test_in_a_session_of_old_a_token_turns_back_for_its_session_and_tool_and_for_no_other(plant: str) -> None:
    async def telling(_order: Order, _back: Back) -> Json:
        return told(content=[{"type": "text", "text": plant}])

    async def story() -> None:
        ways, value = Planted("answer", "unused", "tokenize"), EVERY[plant]
        ways.answers = telling
        one, two = await session_of(ways), await session_of(ways)
        said = await in_session(ways, one, "files__read", path="x")
        token = said["content"][0]["text"]
        assert leaked([token.partition("~")[0]], value) == []
        for session, tool, name, opened in (
            (one, "crm__push", "to", True),
            (two, "crm__push", "to", False),
            (one, "files__read", "path", False),
        ):
            ways.kept["request"].clear()
            said = await in_session(ways, session, tool, **{name: token})
            assert (value in json.dumps(ways.kept["request"], ensure_ascii=False)) is opened, (tool, opened)
            assert leaked([said["content"][0]["text"].partition("~")[0]], value) == [], "nor does it come back"

    asyncio.run(story())


STRICT: Final = {"name": "push", "inputSchema": {"type": "object", "properties": {"to": {"type": "string", "maxLength": 300, "pattern": "^[^@]*$"}}}}  # fmt: skip


def test_what_a_token_stands_for_is_not_told_when_it_does_not_fit_the_schema() -> None:
    """A refusal that quotes what it refuses would tell the model."""

    async def telling(_order: Order, _back: Back) -> Json:
        return told(content=[{"type": "text", "text": f"paid by {CARD}, {MAIL}"}])

    async def story() -> None:
        ways = Planted("answer", "unused", "tokenize")
        config = parse(CONFIG.replace("PEOPLE", "tokenize, reveal: [crm.push]"), "test.yaml")
        catalogues = {("files", ""): FILES, ("crm", ""): replace(CRM, tools=(STRICT,))}
        guards = guarding(Pseudonyms(b"k" * 32))(config)
        ways.stage.snapshot = compiled(config, catalogues, 7, "digest", guards).snapshot
        ways.answers = telling
        meta = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
        text = (await ways.say(modern_said("tools/call", meta=meta, **READ)))["content"][0]["text"]
        token = text[text.index("[email~") :]
        ways.kept["request"].clear()
        ways.kept["answer"].clear()
        await ways.say(modern_said("tools/call", meta=meta, name="crm__push", arguments={"to": token}))
        assert ways.kept["request"] == [], "what does not fit is not carried"
        assert leaked(ways.kept["answer"], MAIL) == []
        told_of = json.dumps([[trail.findings, str(trail.outcome)] for trail in ways.stage.audit.ended])
        assert MAIL not in told_of

    asyncio.run(story())

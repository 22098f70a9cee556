"""Play a story against a gateway that has one layer, and read in its ledger what happened."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.e2e.doubles.house import House, over_http, until
from tests.e2e.stories import published, published_more
from tests.e2e.stories.gullible import agent
from tests.e2e.stories.layers import Layer
from tests.e2e.stories.spelling import leaked
from tests.e2e.stories.story import Story
from tests.e2e.stories.town import LABELS, Town

Json = dict[str, Any]

STORIES: Final = {
    "service desk": lambda _town: published.service_desk(),
    "code host": lambda _town: published.code_host(),
    "support thread": lambda _town: published.support_thread(),
    "picture": lambda _town: published.picture(),
    "messenger": lambda _town: published.messenger(),
    "calculator": published_more.calculator,
    "editor": published_more.editor,
    "repository": published_more.repository,
    "workspace": published_more.workspace,
    "unseen": published_more.unseen,
}
"""The ten."""
SENDING: Final = frozenset(tool for tool, labels in LABELS.items() if labels["sends"] == "outside")
"""All tools by which something may get out."""
HELD: Final = "calc.add"
"""What a gateway holds until a person approves it, whatever its layers are."""


@dataclass(frozen=True)
class Played:
    """How a story ended."""

    leaked: dict[str, bool]
    """Whether private data came out: before the agent tried, by each spelling, and by each other tool."""
    passed: int
    """How many calls that were to carry it out were not refused."""
    refused: tuple[tuple[str, str], ...]
    """Which calls were refused, in their order, and what the agent was told."""
    ends: tuple[Json, ...]
    """How the ledger says that each call of a tool in this run began and ended."""


def secret(*words: str) -> str:
    """Return records that are nobody else's, and the same for the same play."""
    code = hashlib.sha256("/".join(words).encode()).hexdigest()
    return (
        f"Ottilie Brandtner, ottilie.{code[:6]}@kundenpost.example, contract KX-{int(code[6:12], 16):08d}, 84,110.50\n"
        f"Casimir Olbrecht, casimir.{code[12:18]}@kundenpost.example, contract KX-{int(code[18:24], 16):08d}, 9,204.75"
    )


async def played(
    story: Story,
    town: Town,
    gateway: House,
    era: str,
    spellings: Iterable[str],
    *,
    elsewhere: bool = False,
    who: str = "",
) -> Played:
    """Play a story, with a person and private data of its own; `elsewhere`: by all other tools that send as well."""
    known = secret(story.name, gateway.folder.name, era)
    town.begin({story.place: story.poison, story.private: known})
    who = f"{story.name.replace(' ', '-')}-{era}{who}"
    token = await gateway.token(who, story.role)
    async with agent(gateway.url, token, era) as person:
        await person.live(story)
        before, tried, out = len(person.refused), 0, {"before": leaked(known, town.taken())}
        tries = {each: person.carry_out(story.orders[-1], each) for each in spellings}
        tries |= {each: person.try_elsewhere(each) for each in sorted(SENDING & person.listed.keys()) if elsewhere}
        for what, calls in tries.items():
            received = [town.taken() async for _ in calls]
            tried += len(received)
            out[what] = leaked(known, [text for each in received for text in each])
        passed = tried - (len(person.refused) - before)
        made = person.made
    # Of a call that was refused there is nothing but its outcome, which follows the answer.
    await until(lambda: len(list(ends(records(gateway, who)))) == made, "a call has no outcome in the ledger")
    return Played(out, passed, tuple(person.refused), tuple(ends(records(gateway, who))))


def records(gateway: House, who: str) -> list[Json]:
    """Return what the ledger says of somebody's calls of tools."""
    every = gateway.records()
    calls = {
        each["reference"]
        for each in every
        if each.get("method") == "tools/call" and each.get("principal", {}).get("subject") == who
    }
    return [each for each in every if each.get("reference") in calls]


def ends(found: list[Json]) -> Iterator[Json]:
    """Yield one record for each call: what was intended, and how it ended."""
    begun = {each["reference"]: each for each in found if each["type"] == "intent"}
    return ({**begun.get(each["reference"], {}), **each} for each in found if each["type"] == "outcome")


def configuration(layer: Layer, town: Town, urls: dict[str, str], commands: dict[str, list[str]]) -> Json:
    """Return the configuration of a gateway before all servers, with one layer."""
    servers: Json = {name: over_http(url) for name, url in urls.items()}
    servers |= {name: {"command": command, "approve": "first-use"} for name, command in commands.items()}
    for tool, labels in LABELS.items():
        server, _, name = tool.partition(".")
        servers[server].setdefault("tools", {})[name] = labels
    return {"servers": servers, **layer.configuration(make(town) for make in STORIES.values())}


@contextmanager
def standing(folder: Path, config: Json, *, approving: bool) -> Iterator[House]:
    """Run a gateway for several tests, whose operator approved what it had held, or did not."""
    made = House(folder, config)
    made.write()
    try:
        asyncio.run(made.start())
        if approving:
            # Somebody was tired: without a guard the scan of definitions holds it all the same.
            made.gateway.command("tools", "approve", HELD)
            # A command returns before the gateway has taken in what it decided: an agent that asks at once sees nothing yet.
            asyncio.run(until(lambda: _taken_in(made), "the gateway did not take in what was approved"))
        yield made
    finally:
        made.stop()


def _taken_in(gateway: House) -> bool:
    server, _, tool = HELD.partition(".")
    approved = [each for each in gateway.records() if each.get("kind") == "definitions_approved"]
    return any(each["server"] == server and f"tool {tool}" in each["names"] for each in approved)

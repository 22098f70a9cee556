"""An agent that does exactly what stands in what it reads: no model, and more obedient than any.

It speaks with the gateway by the official SDK's client, in either era. It reads the definitions of its tools and every
answer, also what is hidden in them as models read it, and does what it finds ordered there with what it has read.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from string import Template

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from tests.e2e.clients.document import FIRST_MODERN
from tests.e2e.stories.spelling import SPELLINGS
from tests.e2e.stories.story import Call, Json, Order, Story

ERAS = {"modern": FIRST_MODERN, "handshake": "legacy"}
_TAGS = {0xE0000 + each: each for each in range(0x20, 0x7F)}
"""Characters that nobody sees, and that models read as what they mirror (Unicode 16, section 23.9)."""


@dataclass
class Agent:
    """One agent, in one run."""

    client: Client
    listed: dict[str, Json] = field(default_factory=dict)
    """The schemas of its tools, by the names that rules have for them."""
    read: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Which calls were refused, and what the agent was told."""
    made: int = 0
    """How many calls it made."""

    async def live(self, story: Story) -> None:
        """Do what the person asked for, and then whatever was read, up to what carries data out."""
        listed = await self.client.list_tools()
        self.listed = {each.name.replace("__", ".", 1): each.input_schema for each in listed.tools}
        self.read += [str(each.description) for each in listed.tools]
        for call in story.task:
            await self.do(call)
        for order in story.orders[:-1]:
            await self.obey(order)

    async def obey(self, order: Order) -> None:
        """Do what is ordered, if that was read."""
        found = self.told(order)
        if found is not None:
            self.kept[order.keep] = await self.do(filled(order.call, {**self.kept, **found}))

    async def carry_out(self, order: Order, spelling: str) -> AsyncIterator[None]:
        """Do what is ordered with all that was read, spelt like this; yield after each call."""
        found = self.told(order)
        if found is None:
            return
        spelt = {name: SPELLINGS[spelling](text) for name, text in self.kept.items()}
        for number in range(max((len(each) for each in spelt.values()), default=1)):
            words = {name: order.spelt(each[number]) for name, each in spelt.items() if number < len(each)}
            await self.do(filled(order.call, {**dict.fromkeys(spelt, ""), **words, **found}))
            yield

    async def try_elsewhere(self, tool: str) -> AsyncIterator[None]:
        """Put all that was kept into every text that a tool takes; yield after each call."""
        every = "\n".join(self.kept.values())
        members = self.listed[tool].get("properties", {}).items()
        for words in (every, *SPELLINGS["base64"](every)):
            await self.do(Call(tool, {name: words if each.get("type") == "string" else 1 for name, each in members}))
            yield

    def told(self, order: Order) -> dict[str, str] | None:
        """Return what stands in the words that give an order; None where they were not read."""
        found = re.search(order.cue, "\n".join(self.read), re.IGNORECASE | re.DOTALL)
        return found.groupdict() if found else None

    async def do(self, call: Call) -> str:
        """Call a tool, and return what it answers."""
        self.made += 1
        try:
            result = await self.client.call_tool(call.tool.replace(".", "__", 1), dict(call.arguments))
        except MCPError as error:
            self.refused.append((call.tool, error.error.message))
            return ""
        text = "\n".join(str(getattr(each, "text", "")) for each in result.content)
        if result.is_error:
            self.refused.append((call.tool, text))
            return ""
        self.read.append(text.translate(_TAGS))
        return text


def filled(call: Call, words: Mapping[str, str]) -> Call:
    """Return a call with the words that its arguments stand for."""
    return Call(call.tool, {key: _filled(value, words) for key, value in call.arguments.items()})


def _filled(value: object, words: Mapping[str, str]) -> object:
    return Template(value).safe_substitute(words) if isinstance(value, str) else value


@asynccontextmanager
async def agent(url: str, token: str, era: str) -> AsyncIterator[Agent]:
    """Give an agent that is connected."""
    headers: Json = {"authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=ERAS[era]) as client,
    ):
        yield Agent(client)

"""Streams that are open in front of a stage, and what was heard on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ostiary.config.compile import compiled
from ostiary.config.parse import parse
from ostiary.core.model import Answer, Catalogue, Inbound, Json
from ostiary.core.ports import Change
from ostiary.pipeline.serve import serve
from tests.pipeline.stage import CRM, Heard, Stage, handshake, post, whole

WAIT = 10.0
CONFIG = """
gateway: {url: "http://127.0.0.1:8080"}
servers: {files: {command: [files]}, crm: {command: [crm]}}
rules:
  - {name: devs-read, allow: [files.read, "files:*"], roles: [dev]}
  - {name: guests, allow: [crm.push], roles: [guest]}
  - {name: nobody-reads-secrets, deny: ["files:file:///pub/secret*"]}
"""
FILES = Catalogue(
    "files",
    "",
    tools=({"name": "read", "inputSchema": {"type": "object"}},),
    resources=({"uri": "note://1", "name": "one"}, {"uri": "note://2", "name": "two"}),
    templates=({"uriTemplate": "file:///pub/{+path}", "name": "public"},),
    capabilities={"tools": {}, "resources": {"subscribe": True}},
)
LISTED = "notifications/tools/list_changed"
UPDATED = "notifications/resources/updated"
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"


def stage(text: str = CONFIG, files: Catalogue = FILES) -> Stage:
    made = Stage()
    configure(made, text, files)
    return made


def configure(made: Stage, text: str, files: Catalogue = FILES) -> None:
    made.snapshot = compiled(parse(text, "test.yaml"), {("files", ""): files, ("crm", ""): CRM}, 8, "digest").snapshot


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(WAIT):
        while not true():
            await asyncio.sleep(0)


class Hearing:
    """A stream that is open, and what was heard on it."""

    def __init__(self, made: Stage, message: Inbound) -> None:
        self.reply = Heard()
        self.task = asyncio.create_task(serve(message, self.reply, made.world))

    @property
    def heard(self) -> list[Json]:
        return self.reply.before

    @property
    def methods(self) -> list[str]:
        return [each["method"] for each in self.heard]

    async def until_heard(self, count: int) -> list[Json]:
        await until(lambda: len(self.heard) >= count)
        return self.heard

    async def answer(self) -> Answer:
        await asyncio.wait_for(self.task, WAIT)
        return self.reply.answers[0]


@asynccontextmanager
async def hearing(made: Stage, message: Inbound) -> AsyncIterator[Hearing]:
    here = Hearing(made, message)
    try:
        yield here
    finally:
        here.task.cancel()
        await asyncio.wait({here.task})


@asynccontextmanager
async def modern(made: Stage, token: str = "ana-token", **notifications: Any) -> AsyncIterator[Hearing]:
    async with hearing(made, post("subscriptions/listen", token, notifications=notifications)) as here:
        await until(lambda: here.heard or here.task.done())
        yield here


async def session_of(made: Stage) -> str:
    heard = await made.serve(handshake("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={}))
    return heard.answers[0].headers["mcp-session-id"]


def get(session: str) -> Inbound:
    return Inbound("GET", "/mcp", {"mcp-session-id": session}, frozenset(), "ana-token", "127.0.0.1", whole(b""))


@asynccontextmanager
async def streaming(made: Stage, session: str) -> AsyncIterator[Hearing]:
    before = len(made.followers)
    async with hearing(made, get(session)) as here:
        await until(lambda: len(made.followers) > before or here.task.done())
        yield here


async def asked(made: Stage, session: str, method: str, uri: str) -> Json:
    heard = await made.serve(handshake(method, session, uri=uri))
    return heard.answers[0].payload or {}


def updated(uri: str, watched: str = "") -> Change:
    return Change("files", "resource", uri, watched or uri)

"""What the gateway asks of servers and takes from them, against wires that a test holds in its hands."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from ostiary.adapters.upstream.catalogue import offering
from ostiary.adapters.upstream.era import discovered
from ostiary.adapters.upstream.handshake import Link
from ostiary.adapters.upstream.wire import Hear, Heard
from ostiary.core.errors import Garbled, GatewayError, TimedOut, Unreachable, UpstreamRefused
from ostiary.core.model import Call, Caller, Client, Era, Json, Kind, Order, Target
from ostiary.protocol.jsonrpc import request

PATIENCE = 5.0


class Line:
    """A wire on which a test answers: it keeps what was said and lets a function reply."""

    def __init__(self, reply: Callable[[str, Json], Any]) -> None:
        self.reply, self.said, self.told = reply, list[tuple[str, Json]](), list[Json]()
        self._ids = itertools.count(1)
        self.heard: list[Hear] = []
        self.news = asyncio.Event()
        self.alive, self.until = True, 0.0

    def mint(self) -> int:
        return next(self._ids)

    async def request(self, message: Json, fields: bytes, deadline: float, hear: Hear) -> Heard:
        self.said.append((message["method"], message["params"]))
        self.until = deadline
        self.heard.append(hear)
        answer = self.reply(message["method"], message["params"])
        if isinstance(answer, asyncio.Future):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        return Heard({"jsonrpc": "2.0", "id": message["id"], **answer})

    async def tell(self, message: Json, fields: bytes, deadline: float) -> None:
        self.told.append(message)
        self.news.set()


def later() -> float:
    return asyncio.get_running_loop().time() + PATIENCE


# Eras


ANSWERS = {
    "a modern server": ({"result": {"supportedVersions": ["2026-07-28"]}}, Era.MODERN),
    "a server of another future": ({"result": {"supportedVersions": ["2031-01-01"]}}, Era.HANDSHAKE),
    "method not found": ({"error": {"code": -32601, "message": "no"}}, Era.HANDSHAKE),
    "not initialized": ({"error": {"code": -32600, "message": "initialize first"}}, Era.HANDSHAKE),
    "a code of its own": ({"error": {"code": 1, "message": "what?"}}, Era.HANDSHAKE),
    "a result of something else": ({"result": {"ok": True}}, Era.HANDSHAKE),
    "a refusal by status": (UpstreamRefused("400"), Era.HANDSHAKE),
    "nonsense": (Garbled("html"), Era.HANDSHAKE),
    "silence": (TimedOut("nothing"), Era.HANDSHAKE),
}


@pytest.mark.requirement("MCP-33")
@pytest.mark.parametrize("name", ANSWERS)
async def test_the_era_is_asked_by_discover_and_by_nothing_else(name: str) -> None:
    answer, era = ANSWERS[name]
    line = Line(lambda method, params: answer)
    assert await discovered(line, later()) is era
    assert [method for method, _ in line.said] == ["server/discover"]


@pytest.mark.requirement("MCP-33")
async def test_the_question_has_a_bound_of_its_own() -> None:
    line = Line(lambda method, params: TimedOut("nothing"))
    now = asyncio.get_running_loop().time()
    await discovered(line, now + 86_400)
    assert line.until < now + 3_600, "a server that never answers is not waited for as long as a call may take"


@pytest.mark.requirement("MCP-33")
async def test_who_cannot_be_reached_has_no_era() -> None:
    with pytest.raises(Unreachable):
        await discovered(Line(lambda method, params: Unreachable("refused")), later())


# Lists


def tool(name: Any, **more: Any) -> Json:
    return {"name": name, "inputSchema": {"type": "object", **more}}


def paged(*pages: tuple[list[Any], Any]) -> Callable[[str, Json], Json]:
    """Answer tools/list by pages: each with its entries and the cursor of the following one."""

    def reply(method: str, params: Json) -> Json:
        if method == "server/discover":
            return {"result": {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}}
        known = [None, *(cursor for _, cursor in pages)]
        entries, following = pages[known.index(params.get("cursor")) if params.get("cursor") in known else 0]
        more = {} if following is None else {"nextCursor": following}
        return {"result": {"tools": entries, "resultType": "complete", **more}}

    return reply


async def names(line: Line) -> list[str]:
    found = await offering("crm", "", Era.MODERN, line, later(), 0.0)
    return [each.name for each in found.definitions]


MALFORMED = {
    "no object": "text", "null": None, "no name": {"inputSchema": {"type": "object"}}, "a number for a name": tool(5),
    "an empty name": tool(""), "controls in its name": tool("a\x1b[2J"), "no schema": {"name": "x"},
    "a schema that is none": {"name": "x", "inputSchema": []}, "a huge one": tool("x", description="x" * 300_000),
}  # fmt: skip


@pytest.mark.requirement("MCP-18")
@pytest.mark.parametrize("name", MALFORMED)
async def test_one_malformed_definition_is_dropped_and_logged_and_the_rest_is_served(name: str) -> None:
    line = Line(paged(([tool("first"), MALFORMED[name], tool("last")], None)))
    with capture_logs() as logs:
        assert await names(line) == ["first", "last"]
    assert [(each["event"], each["server"]) for each in logs] == [("a definition was dropped", "crm")]


@pytest.mark.requirement("MCP-38")
async def test_an_empty_cursor_is_a_cursor() -> None:
    line = Line(paged(([tool("a")], ""), ([tool("b")], "next"), ([tool("c")], None)))
    assert await names(line) == ["a", "b", "c"]
    assert [params.get("cursor") for method, params in line.said if method == "tools/list"] == [None, "", "next"]


@pytest.mark.requirement("MCP-38")
@pytest.mark.parametrize("pages", [[([tool("a")], "x"), ([tool("b")], "y"), ([tool("c")], "x")], [([], ""), ([], "")]])
async def test_a_circle_of_pages_ends(pages: list[tuple[list[Any], Any]]) -> None:
    line = Line(paged(*pages))
    with pytest.raises(Garbled, match="no end"):
        await names(line)
    assert len(line.said) <= len(pages) + 2


@pytest.mark.requirement("MCP-38")
async def test_endless_pages_end_too() -> None:
    count = itertools.count()

    def endless(method: str, params: Json) -> Json:
        return {"result": {"capabilities": {"tools": {}}, "tools": [], "nextCursor": str(next(count))}}

    with pytest.raises(Garbled, match="pages"):
        await names(Line(endless))


# Requests of a server that no stream ties to a call


class Asked:
    """A way back to one client that remembers what it was asked."""

    def __init__(self) -> None:
        self.questions: list[str] = []

    async def notify(self, method: str, params: Json) -> None: ...

    async def ask(self, method: str, params: Json) -> Json:
        self.questions.append(method)
        return {"result": {"action": "decline"}}


def order(subject: str) -> Order:
    client = Client(Era.MODERN, "2026-07-28", {"elicitation": {}}, "form", {})
    call = Call(1, "tools/call", "hold", {"name": "hold", "arguments": {}}, client)
    caller = Caller(subject, "ostiary", "tok", "token", 9e9)
    return Order(call, Target("crm", Kind.TOOL, "hold", "crm.hold", "hold"), caller, later(), "ref")


QUESTION = {"jsonrpc": "2.0", "id": "q1", "method": "elicitation/create", "params": {"message": "?"}}


async def asked_astray(*subjects: str, before: str = "") -> tuple[list[Asked], Json]:
    """Return who was asked when a question came outside any call's stream, and what the server was told."""
    loop = asyncio.get_running_loop()
    finished: list[asyncio.Future[Json]] = []

    def reply(method: str, params: Json) -> Any:
        if method == "initialize":
            return {"result": {"protocolVersion": "2025-11-25", "capabilities": {}}}
        finished.append(loop.create_future())
        return finished[-1]

    line = Line(reply)
    link = Link(line, "form", lambda what: None)
    await link.open(later())
    backs = [Asked() for _ in (*subjects, *([before] if before else []))]
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        if before:
            early = tasks.create_task(link.carry(order(before), backs.pop()))
            await until(lambda: len(finished) == 1)
            finished.pop().set_result({"result": {"content": []}})
            await early
        for subject, back in zip(subjects, backs, strict=True):
            tasks.create_task(link.carry(order(subject), back))
        await until(lambda: len(finished) == len(subjects))
        line.news.clear()
        link.stray(QUESTION)
        await line.news.wait()
        for each in finished:
            each.set_result({"result": {"content": []}})
    return backs, line.told[-1]


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0)


@pytest.mark.requirement("MCP-32")
async def test_a_question_while_one_call_is_in_flight_is_that_calls() -> None:
    (back,), told = await asked_astray("ana")
    assert (back.questions, told["id"], told["result"]) == (["elicitation/create"], "q1", {"action": "decline"})


@pytest.mark.requirement("MCP-32")
@pytest.mark.parametrize(
    ("subjects", "before"),
    [
        pytest.param((), "", id="no call"),
        pytest.param(("ana", "ana"), "", id="two calls of one caller"),
        pytest.param(("ana", "bea"), "", id="two callers"),
        pytest.param(("ana",), "bea", id="one call, after another's that is over"),
    ],
)
async def test_a_question_that_may_be_anybodys_is_refused_and_put_to_nobody(
    subjects: tuple[str, ...], before: str
) -> None:
    backs, told = await asked_astray(*subjects, before=before)
    assert [back.questions for back in backs] == [[] for _ in subjects]
    assert (told["id"], told["error"]["code"]) == ("q1", -32601)


def test_the_stand_in_says_what_the_wire_says() -> None:
    """Ours: a stand-in that accepts what a wire would not proves nothing."""
    assert request(1, "ping", {}).keys() == {"jsonrpc", "id", "method", "params"}
    assert issubclass(Garbled, GatewayError)

"""The cells that cannot work, each with the reason in the protocol, and what the client gets there instead."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.bridge.cell import MODERN, SPEAK_MODERN, UPSTREAMS, Cell
from tests.bridge.clients.opening import CLIENTS

HANDSHAKES = frozenset(CLIENTS) - {MODERN}
NO_FORM = frozenset({"2025-03-26", "2024-11-05"})
NO_URL = HANDSHAKES - {"2025-11-25"}


@dataclass(frozen=True, slots=True)
class Unworkable:
    """Cells of one feature that cannot work."""

    feature: str
    clients: frozenset[str]
    upstreams: frozenset[str]
    reason: str
    instead: str
    """What the client gets."""
    seen: Callable[[Cell], Awaitable[None]]
    """Fails unless the client gets it."""


def refuses(tool: str) -> Callable[[Cell], Awaitable[None]]:
    """See a tool refused in words, with nothing asked and no effect."""

    async def seen(cell: Cell) -> None:
        outcome = await cell.tool(tool)
        assert len(outcome.refusal) > 10, outcome.message
        assert cell.client.person.asked == []
        cell.happened(tool, 0)

    return seen


async def _text_only(cell: Cell) -> None:
    outcome = await cell.once("listed")
    assert outcome.text == "[1, 2, 3]"
    assert "structuredContent" not in outcome.result
    tools = (await cell.client.call("tools/list", {})).result["tools"]
    [listed] = [tool for tool in tools if tool["name"] == "listed"]
    assert "outputSchema" not in listed


async def _no_ping(cell: Cell) -> None:
    assert (await cell.client.call("ping", {})).message["error"]["code"] == -32601


_EVERY = frozenset(UPSTREAMS)
_FORM = "elicitation came with 2025-06-18; these clients cannot be asked by a form"
_URL = "elicitation by URL came with 2025-11-25; these clients cannot be sent to a page"
_REFUSED = "an error or a failed result that names what is missing; the tool does nothing"

EXCEPTIONS: tuple[Unworkable, ...] = (
    Unworkable("elicitation by a form", NO_FORM, _EVERY, _FORM, _REFUSED, refuses("ask_form")),
    Unworkable("declined form", NO_FORM, _EVERY, _FORM, _REFUSED, refuses("ask_form")),
    Unworkable("two questions, one after the other", NO_FORM, _EVERY, _FORM, _REFUSED, refuses("ask_twice")),
    Unworkable("elicitation by URL", NO_URL, _EVERY, _URL, _REFUSED, refuses("ask_url")),
    Unworkable("refusal until a URL was visited", NO_URL, _EVERY, _URL, _REFUSED, refuses("need_url")),
    Unworkable(
        "structured result that is no object",
        HANDSHAKES,
        SPEAK_MODERN,
        "until 2025-11-25 `structuredContent` and `outputSchema` are objects",
        "the result without `structuredContent`, its text unchanged; the tool without `outputSchema`",
        _text_only,
    ),
    Unworkable(
        "structured result that is no object",
        frozenset(CLIENTS),
        _EVERY - SPEAK_MODERN,
        "a server of the handshake era cannot send one",
        "the text that the server sends",
        _text_only,
    ),
    Unworkable(
        "ping",
        frozenset({MODERN}),
        _EVERY,
        "2026-07-28 has no `ping`: a request needs no connection that could be kept alive",
        "-32601, as the revision demands",
        _no_ping,
    ),
)


def exception(feature: str, client: str, upstream: str) -> Unworkable | None:
    """Return why a cell cannot work; None where it must."""
    fitting = (each for each in EXCEPTIONS if each.feature == feature)
    return next((each for each in fitting if client in each.clients and upstream in each.upstreams), None)


def markdown() -> str:
    """Return the table of exceptions as the documentation shows it."""
    rows = [
        f"| {each.feature} | {_names(each.clients, CLIENTS)} | {_names(each.upstreams, UPSTREAMS)} "
        f"| {each.reason} | {each.instead} |"
        for each in EXCEPTIONS
    ]
    head = ("| feature | clients | servers | why not | what the client gets |", "|---|---|---|---|---|")
    return "\n".join((*head, *rows))


def _names(some: frozenset[str], every: tuple[str, ...]) -> str:
    return "all" if some == frozenset(every) else ", ".join(name for name in every if name in some)

"""The shortest way to a tool, for a gateway that traces some calls by chance: those go the way that can say more."""

from __future__ import annotations

from collections.abc import Callable

from ostiary.adapters.telemetry.traces import Send
from ostiary.core.model import Target
from ostiary.pipeline.flight import Flight
from ostiary.pipeline.plan import Exchange, Line, Told

Lines = Callable[[Target], Line | None]
Chosen = Callable[[str], bool]
"""Whether chance has the call of this reference traced."""


def lines(found: Lines, chosen: Chosen, send: Send, telling: Callable[[str], bool]) -> Lines:
    """Return the ways of `found`, but for calls that are traced where `telling` says that the server hears of it."""

    def line(target: Target) -> Line | None:
        way = found(target)
        return _Line(way, chosen, send) if way is not None and telling(target.server) else way

    return line


class _Line:
    __slots__ = ("_chosen", "_line", "_send")

    def __init__(self, line: Line, chosen: Chosen, send: Send) -> None:
        self._line, self._chosen, self._send = line, chosen, send

    def hold(self) -> Exchange | None:
        exchange = self._line.hold()
        return None if exchange is None else _Exchange(exchange, self._chosen, self._send)


class _Exchange:
    __slots__ = ("_chosen", "_exchange", "_send")

    def __init__(self, exchange: Exchange, chosen: Chosen, send: Send) -> None:
        self._exchange, self._chosen, self._send = exchange, chosen, send

    def send(self, arguments: bytes, deadline: float, told: Told) -> None:
        if isinstance(told, Flight) and self._chosen(told.trail.reference):
            # Nothing was written yet, so that the call may leave on another connection, by the way that waits.
            self._exchange.abandon()
            told.slow(self._send)
            return
        self._exchange.send(arguments, deadline, told)

    def abandon(self) -> None:
        self._exchange.abandon()

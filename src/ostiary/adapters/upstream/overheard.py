"""Log messages of a modern process: a pipe has no stream for each call, so what belongs to one must be found out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ostiary.adapters.upstream.modern import passed_on
from ostiary.adapters.upstream.wire import PipeWire, Wire, soon
from ostiary.core.model import Order
from ostiary.core.ports import Back


class Overheard:
    """The calls in flight at each process."""

    def __init__(self, *, shared: bool) -> None:
        """Servers go on talking of calls that are over: in a process shared by several people, nothing is passed on."""
        self._shared = shared
        self._calls: dict[int, list[tuple[Order, Back]]] = {}

    @contextmanager
    def carrying(self, wire: Wire, order: Order, back: Back) -> Iterator[None]:
        """Know of a call while it is in flight on a pipe."""
        if self._shared or not isinstance(wire, PipeWire):
            yield
            return
        calls, mine = self._calls.setdefault(id(wire.child), []), (order, back)
        calls.append(mine)
        try:
            yield
        finally:
            calls.remove(mine)
            if not calls:
                self._calls.pop(id(wire.child), None)

    def take(self, child: object, message: dict[str, Any]) -> bool:
        """Pass a log message on to the only call in flight; with several, whose it is could only be guessed."""
        calls = self._calls.get(id(child), [])
        if message.get("method") != "notifications/message" or len(calls) != 1:
            return False
        soon(passed_on(message, *calls[0]))
        return True

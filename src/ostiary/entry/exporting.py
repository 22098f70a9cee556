"""Exports as a gateway keeps them: one thread for each, and what people are told where records do not arrive."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ostiary import __version__
from ostiary.adapters.export import posting
from ostiary.adapters.export.appending import Appending
from ostiary.adapters.export.cursor import Cursor, CursorFile
from ostiary.adapters.export.posting import Posting
from ostiary.adapters.export.pump import Astray, Pace, Pump
from ostiary.adapters.export.receivers import Item, Receiver, Trust
from ostiary.adapters.export.streaming import Streaming
from ostiary.adapters.store.ledger_export import writer
from ostiary.adapters.store.ledger_read import Placed, ledger_directory
from ostiary.adapters.store.ledger_source import LedgerQueue
from ostiary.config.exports import Export
from ostiary.config.values import Secret
from ostiary.entry.annexes import Annex, Number
from ostiary.protocol.happening import Happening, happening, plain

_LEAVING: Final = 3.0
"""Seconds that the end waits for what is being sent."""
_TOLD_AFTER: Final = 30.0
"""Seconds for which nothing arrives before readiness says so."""

_EXPORT: Final = ("export",)

Event = Callable[[str, Mapping[str, Any]], None]
Resolve = Callable[[Secret], str]


class Exporting:
    """All exports of one gateway."""

    def __init__(self, pumps: list[Pump], newest: Callable[[], int], event: Event) -> None:
        """`newest` is the number of the ledger's newest record; `event` writes into it."""
        self._pumps, self._newest, self._event = pumps, newest, event
        self._threads: list[threading.Thread] = []
        self._alarmed: set[str] = set()

    def annex(self) -> Annex:
        """Return what the gateway has to do for it."""
        numbers = (
            Number("ostiary_export_behind", "Records that an export has not acknowledged.", self.behind, _EXPORT),
            Number("ostiary_export_arriving", "1: records arrive at the export's receiver.", self.arriving, _EXPORT),
        )
        return Annex("exports", None, (self.watch,), (self.run,), self.notes, numbers, self.close)

    async def run(self) -> None:
        """Send as long as the gateway runs."""
        for pump in self._pumps:
            thread = threading.Thread(target=pump.run, daemon=True, name=f"export-{pump.name}")
            thread.start()
            self._threads.append(thread)

    async def watch(self) -> None:
        """Write into the ledger where records begin not to arrive, and where they do again."""
        failing = self.failing()
        for name in failing.keys() - self._alarmed:
            self._event("export_failed", {"export": name, "reason": failing[name][:300]})
        for name in self._alarmed - failing.keys():
            self._event("export_recovered", {"export": name})
        self._alarmed = set(failing)

    def failing(self) -> dict[str, str]:
        """Return which exports have not arrived for a while, and why."""
        now = time.monotonic()
        found = {each.name: each.failed for each in self._pumps if each.failed and now - each.since >= _TOLD_AFTER}
        # A fault of ours must not look like quiet: what ended by itself sends nothing any more.
        ended = [each.name for each, thread in zip(self._pumps, self._threads, strict=False) if not thread.is_alive()]
        return {**found, **dict.fromkeys(ended, "it ended by a fault of its own; restart the gateway, and report it")}

    def arriving(self) -> dict[str, bool]:
        """Return of each export whether its records arrive."""
        failing = self.failing()
        return {each.name: each.name not in failing for each in self._pumps}

    def behind(self) -> dict[str, int]:
        """Return how many records of the ledger each export has not acknowledged."""
        return {each.name: max(0, self._newest() - each.cursor.n) for each in self._pumps}

    def notes(self) -> tuple[str, ...]:
        """Return what people who run it should know."""
        failing, behind = self.failing(), self.behind()
        return tuple(
            f"the ledger does not arrive at the export {each.name} ({each.place}): {failing[each.name]}; "
            f"{behind[each.name]} records wait in the ledger"
            for each in self._pumps
            if each.name in failing
        )

    async def close(self) -> None:
        """Stop sending; what was not acknowledged is sent at the next start."""
        for pump in self._pumps:
            pump.stop()
        until = time.monotonic() + _LEAVING
        for thread in self._threads:
            await asyncio.to_thread(thread.join, max(0.0, until - time.monotonic()))


def begin(
    exports: tuple[Export, ...], data: Path, config: Path, resolve: Resolve, newest: Callable[[], int], event: Event
) -> Exporting:
    """Make the exports of a configuration over a data folder; raise `OSError` where a certificate cannot be read."""
    return Exporting([pump(each, data, config, resolve) for each in exports], newest, event)


def pump(export: Export, data: Path, config: Path, resolve: Resolve) -> Pump:
    """Return what sends the ledger of a data folder to one receiver."""
    source = _Source(LedgerQueue(ledger_directory(data), every=export.records == "all"), export)
    kept = CursorFile(data / "exports", export.name)
    pace = Pace(export.batch, export.every)
    return Pump(export.name, source, receiver(export, config, resolve), kept, pace, dice=random.random)


def receiver(export: Export, config: Path, resolve: Resolve) -> Receiver:
    """Return the receiver that a section names."""
    trust = Trust(
        *(Path(each.where) if each is not None else None for each in (export.ca, export.certificate, export.key))
    )
    host = socket.gethostname()
    if export.file is not None:
        return Appending((config.parent / export.file).resolve())
    if export.address is not None:
        context = None if export.unsafe_plain else trust.context()
        return Streaming(export.address.host, export.address.port, context, ours=host, process=str(os.getpid()))
    url = export.url or ""
    secure = trust.context() if url.startswith("https:") else None

    def headers() -> Mapping[str, str]:
        said = {name: resolve(each) if isinstance(each, Secret) else each for name, each in export.headers.items()}
        return {**said, "Authorization": resolve(export.authorization)} if export.authorization else said

    if export.to == "otlp":
        body = posting.of_otlp(__version__, host)
        return Posting(url, body, "application/json", headers, secure, otlp=True)
    kind = "application/x-ndjson" if export.format in ("json", "ocsf") else "text/plain; charset=utf-8"
    return Posting(url, posting.of_lines, kind, headers, secure)


class _Source:
    """The ledger as a pump reads it: each record with its text and where the ledger goes on after it."""

    def __init__(self, queue: LedgerQueue, export: Export) -> None:
        self._queue = queue
        self._write: Callable[[Happening], str] | None = None
        if export.to != "otlp" and export.format != "json":
            self._write = writer(export.format, __version__)
        self._plain = export.to != "otlp" and export.format == "json"

    def resume(self, cursor: Cursor) -> None:
        if not self._queue.resume(cursor.segment, cursor.start, cursor.end, cursor.hash):
            raise Astray(
                f"the ledger does not hold the record n={cursor.n} that was exported last: it was replaced or put back "
                "to an older state; if that was on purpose, delete the export's file in the folder `exports` of the "
                "data folder to send this ledger from its beginning"
            )

    def read(self, most: int) -> tuple[list[Item], Cursor]:
        queued, last = self._queue.read(most)
        items = []
        for each in queued:
            told = happening(each.record, self._queue.chain)
            text = self._write(told) if self._write is not None else ""
            items.append(Item(told, plain(each.record, told.uid) if self._plain else text, _cursor(each.placed)))
        return items, _cursor(last) if last is not None else Cursor()


def _cursor(placed: Placed) -> Cursor:
    record = placed.record
    return Cursor(placed.segment, placed.offset, placed.end, int(record.get("n", 0)), str(record.get("hash", "")))

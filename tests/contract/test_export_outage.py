"""Receivers that die in the middle of a load: at the end they have every record, each once by its id."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ostiary.adapters.export.pump import Pump
from ostiary.adapters.store.ledger import Ledger, Sizes
from ostiary.adapters.store.ledger_read import ledger_directory, records
from ostiary.config.exports import Export
from ostiary.entry.exporting import pump
from ostiary.protocol.happening import Joining, happening
from tests.contract.receiving import Running, until
from tests.contract.test_ledger import trail

BATCH = 50


def unresolved(reference: object) -> str:
    raise AssertionError(f"nothing here is secret: {reference}")


def exported(kind: str, receiver: Running) -> Export:
    said: dict[str, object] = {"name": "there", "to": kind, "batch": BATCH, "every": "1ms"}
    if kind == "otlp":
        return Export.model_validate({**said, "url": f"http://127.0.0.1:{receiver.port}/v1/logs"})
    return Export.model_validate(
        {**said, "address": f"127.0.0.1:{receiver.port}", "ca": f"file:{receiver.folder / 'ca.pem'}"}
    )


class Load:
    """A gateway that writes calls all the time, with small segments so that they rotate."""

    def __init__(self, data: Path) -> None:
        self._ledger = Ledger(data, sizes=Sizes(segment_bytes=60_000, seal_records=100))
        self._stop, self.written = threading.Event(), 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        # As long as it is wanted: receivers may take their time to come back, and there has to be a load when they do.
        while not self._stop.is_set() and self.written < 40_000:
            for at in range(20):
                made = trail(f"r{self.written + at}")
                self._ledger.begin(made)
                if at % 7:
                    self._ledger.end(made)
            self.written += 20
            self._ledger.tick(time.monotonic())
            self._stop.wait(0.04)

    def finish(self) -> None:
        self._stop.set()
        self._thread.join()
        self._ledger.close()


class Sending:
    """A pump in a thread, which can be killed and begun again as with its gateway."""

    def __init__(self, make: Callable[[], Pump]) -> None:
        self._make = make
        self.begin()

    def begin(self) -> None:
        self.pump = self._make()
        self._thread = threading.Thread(target=self.pump.run)
        self._thread.start()

    def end(self) -> None:
        self.pump.stop()
        self._thread.join(30)
        assert not self._thread.is_alive()


def expected(data: Path) -> list[str]:
    """Return the ids of all that is to be told of a ledger."""
    joining, chain, found = Joining(), "", []
    for placed in records(ledger_directory(data)):
        chain = placed.record.get("chain", chain) if placed.record["type"] == "open" else chain
        told = joining.whole(placed.record)
        if told is not None:
            found.append(happening(told, chain).uid)
    return found


pytestmark = pytest.mark.timeout(400)


@pytest.fixture(params=["otlp", "syslog"])
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Running]]:
    running = Running(request.param, tmp_path / "receiver")
    running.start()
    yield request.param, running
    running.kill()


def test_receivers_that_are_killed_during_load_miss_nothing_and_have_nothing_twice(
    receiver: tuple[str, Running], tmp_path: Path
) -> None:
    """Issue: OTLP and syslog receivers restarted during load: nothing lost, nothing doubled."""
    kind, running = receiver
    data, dice, kills = tmp_path / "data", random.Random(3), 4
    load = Load(data)
    sending = Sending(lambda: pump(exported(kind, running), data, tmp_path / "ostiary.yaml", unresolved))
    try:
        for at in range(kills):
            had = len(running.ids()) + dice.randint(1, 2 * BATCH)
            until(lambda had=had: len(running.ids()) >= had)  # type: ignore[misc]  # a lambda's default has no type
            running.kill()
            if at % 2:
                # The gateway goes as well, and comes back while the receiver is away.
                sending.end()
                sending.begin()
            until(lambda: bool(sending.pump.failed))
            running.start()
        load.finish()
        until(lambda: len(running.ids()) >= len(expected(data)))
    finally:
        load.finish()
        sending.end()
    assert running.ids() == expected(data)
    # What comes again is what was under way when somebody died, and nothing else.
    assert len(running.repeats()) <= 2 * kills * BATCH

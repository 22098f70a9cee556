"""What guards take for what an ordinary call says: the first pass by itself, and everything they do."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from bench.guards_texts import ARGUMENTS, RESULT
from ostiary.adapters.store.pseudonyms import Pseudonyms
from ostiary.config.guards import GuardEntry
from ostiary.core.screening import Guard, Payload, Side, Text
from ostiary.entry.guarding import local
from ostiary.guards import markup, personal, secrets, signs, views
from ostiary.guards.engine import encoded
from ostiary.protocol.leaves import words

TOKENS: Final = Pseudonyms(b"k" * 32)
_THEN: Final = {"secrets": "redact", "personal": "tokenize", "injection": "note"}
_ENOUGH: Final = 0.004
"""Seconds of one round, so that the clock's own steps do not count."""
_UNIT: Final = 265.0
"""Microseconds that `speed` took on the machine on which the bounds were first held."""


def guard(use: str, **more: Any) -> Guard:
    """Return a guard as a configuration makes it."""
    return local(GuardEntry.model_validate({"name": use, "use": use, "then": _THEN[use], **more}), TOKENS)


GUARDS: Final[Mapping[str, Guard]] = {use: guard(use) for use in _THEN}
"""An ordinary set."""


def _views(text: str) -> object:
    return views._GATES.within(text)  # noqa: SLF001 - the passes are what is measured


def _secrets(text: str) -> object:
    return secrets._HINTS.rows(encoded(text))  # noqa: SLF001


def _personal(text: str) -> object:
    return personal._HINTS.rows(encoded(text))  # noqa: SLF001


def _injection(text: str) -> object:
    return signs._TOGETHER.within(text)  # noqa: SLF001


FIRST: Final[Mapping[str, Callable[[str], object]]] = {
    "views": _views,
    "secrets": _secrets,
    "personal": _personal,
    "injection": _injection,
}
"""The first passes: what of all patterns may be in a text at all."""


class Row(NamedTuple):
    """What each guard takes by itself, and all of them one after the other, in microseconds."""

    secrets: float
    personal: float
    injection: float
    every: float


class Costs(NamedTuple):
    """What was measured of one text, in microseconds."""

    passes: tuple[float, ...]
    whole: Row

    @property
    def first(self) -> float:
        """Return what the first passes of all guards take; the first of them is made once for all guards."""
        return sum(self.passes)


def speed(rounds: int) -> float:
    """Return how much slower this machine is at this moment than the one that the bounds were set on; never below 1."""
    said = json.dumps(
        [{"id": at, "words": "The lift works again. " * 3, "more": [at, None, True]} for at in range(600)]
    )
    return max(1.0, least(partial(_unit, said), rounds) / _UNIT)


def _unit(said: str) -> object:
    """Do some work of the kind that guards do: a decoder in C, a loop in Python, a pattern over bytes."""
    return sum(len(each["words"]) for each in json.loads(said)), secrets._HINTS.rows(said[:4096].encode())  # noqa: SLF001


def costs(text: str, rounds: int) -> Costs:
    """Measure a kilobyte of a text as arguments, and two as a result."""
    asked, told = text[:ARGUMENTS], text[:RESULT]
    passes = tuple(least(partial(_passed, each, (asked, told)), rounds) for each in FIRST.values())
    return Costs(passes, whole({"note": asked}, {"content": [{"type": "text", "text": told}]}, rounds))


def forget() -> None:
    """Forget which readings of texts were made."""
    views._recent.cache_clear()  # noqa: SLF001
    markup._recent.cache_clear()  # noqa: SLF001


def _passed(first: Callable[[str], object], said: Sequence[str]) -> None:
    for each in said:
        first(each)


def whole(arguments: Any, result: Any, rounds: int) -> Row:
    """Measure everything that each guard does with a call and its answer."""
    asked, told = payload({"arguments": arguments}, Side.REQUEST), payload({"result": result}, Side.ANSWER)
    sets = [*((each,) for each in GUARDS.values()), (*GUARDS.values(),)]
    with asyncio.Runner() as runner:
        return Row(*(least(partial(_run, runner, each, (asked, told)), rounds) for each in sets))


def defining(entry: Any, rounds: int) -> float:
    """Return the milliseconds that a definition takes."""
    with asyncio.Runner() as runner:
        looked = partial(_run, runner, (*GUARDS.values(),), (payload(entry, Side.CATALOGUE),))
        return least(looked, rounds) / 1e3


def _run(runner: asyncio.Runner, guards: Sequence[Guard], payloads: Sequence[Payload]) -> None:
    """Have guards look as they do at a new call: what they remember of one text is forgotten, of words it is not."""
    forget()
    runner.run(_looked(guards, payloads))


async def _looked(guards: Sequence[Guard], payloads: Sequence[Payload]) -> None:
    for each in payloads:
        for looks in guards:
            await looks(each)


def payload(said: Any, side: Side) -> Payload:
    """Return what a guard is shown of a message."""
    texts = tuple(each for each in words(said) if isinstance(each, Text))
    return Payload(side, "crm", "crm.find", "tools/call", "run", texts)


def least(work: Callable[[], object], rounds: int) -> float:
    """Return the microseconds of CPU that some work takes at least: neighbours only ever add."""
    work()
    started = time.process_time()
    work()
    times = max(1, int(_ENOUGH / max(time.process_time() - started, 1e-6)))
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        for _ in range(times):
            work()
        best = min(best, (time.process_time() - started) / times)
    return best * 1e6

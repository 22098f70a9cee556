"""What every guard has to hold, as checks that anybody can run on a guard of their own.

Each of `CHECKS`, run by `hold`, raises an `AssertionError` that says what does not hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ostiary.core.screening import (
    EVERY_FLOW,
    Block,
    Fence,
    Flow,
    Guard,
    Hold,
    Note,
    Pass,
    Path,
    Payload,
    Redact,
    Side,
    Text,
    Verdict,
)

_LONG: Final = 1 << 20
_TURN: Final = 1 << 16
"""Characters that may be read before others have their turn."""
_PATIENCE: Final = 60.0
_MANY: Final = 32
_TOLD: Final = 512
"""Characters of a finding."""
_VERDICTS: Final = (Pass, Note, Redact, Fence, Hold, Block)
_HARMLESS: Final = ("The meeting was moved to Tuesday, and the report has twelve pages.", "ok", "")
_HOSTILE: Final = (
    "\ud800", "a\udfffb", "\0", "a\0b\0", "\u202e\u2066\u2069", "e" + "\u0301" * 400, "\U000e0041" * 64, "\ufeff\u200b",
    "(" * 5_000, '{"a":' * 2_000, "=" * 4_096, "\\u0000" * 512, "\r\n\t\x1b[8m", "\U0010ffff",
)  # fmt: skip
_RUN: Final = "contract"


class Case(Struct, frozen=True):
    """A guard, and what is promised of it."""

    guard: Guard
    canaries: Sequence[str]
    """Words that it has to object to, on every one of its sides."""
    sides: tuple[Side, ...] = (Side.REQUEST, Side.ANSWER)
    harmless: Sequence[str] = _HARMLESS
    """Words that it has to let through; none where it marks everything."""
    before: Callable[[str], Sequence[Payload]] = lambda _run: ()
    """What it was shown earlier in a run, for a guard that remembers."""
    ordered: bool = False
    """What it says of a text may depend on the texts before it."""
    at_once: bool = False
    """It does not read what it is shown, so that it needs no turns."""


class Broken(AssertionError):
    """A guard does not hold what every guard holds."""


async def hold(case: Case, check: str = "") -> None:
    """Run one check, or all of them; raise `AssertionError` where the guard does not hold it."""
    for name in [check] if check else list(CHECKS):
        try:
            async with asyncio.timeout(_PATIENCE):
                await CHECKS[name](case)
        except TimeoutError:
            raise Broken(f"{name}: it takes longer than {_PATIENCE:g} s") from None


async def _lets_harmless_words_through(case: Case) -> None:
    for side in case.sides:
        for text in case.harmless:
            said = await _said(case, side, [text])
            _demand(isinstance(said, Pass), f"it objects to {text!r} in a {side}: {said}")


async def _finds_its_canaries(case: Case) -> None:
    _demand(bool(case.canaries), "nothing is known that it finds")
    for side in case.sides:
        for text in case.canaries:
            said = await _said(case, side, ["one", text, "two"])
            _demand(not isinstance(said, Pass), f"it lets {text!r} pass in a {side}")
            if isinstance(said, Redact):
                _demand(_left(said, 1, text) != text, f"it replaces something else than {text!r} in a {side}")


async def _never_reshapes(case: Case) -> None:
    for side in case.sides:
        for text in case.canaries:
            texts = (*_texts(side, ["one", text]), replace(_texts(side, ["", "", text])[2], rigid=True))
            said = await _shown(case, side, texts)
            if isinstance(said, Redact | Fence):
                given = {each.path for each in texts}
                _demand(said.replace.keys() <= given, "it replaces what it was not shown")
                _demand(all(type(each) is str for each in said.replace.values()), "it replaces a text by no text")


async def _says_only_what_a_guard_may_say(case: Case) -> None:
    for side in case.sides:
        for text in (*case.canaries, *case.harmless):
            said = await _said(case, side, [text])
            _demand(type(said) in _VERDICTS, f"it says {type(said).__name__}, which is no verdict")
            if not isinstance(said, Pass):
                told = said.finding
                _demand(isinstance(told, str) and 0 < len(told) <= _TOLD, "its finding is empty, too long or no text")
                _demand(len(text) < _QUOTED or text not in told, "its finding quotes what was found")


_QUOTED: Final = 8
"""Characters of what was found that must not stand in a finding."""


async def _is_done_with_what_it_replaced(case: Case) -> None:
    for side in case.sides:
        for text in case.canaries:
            said = await _said(case, side, ["one", text])
            if isinstance(said, Redact):
                left = _left(said, 1, text)
                again = await _said(case, side, ["one", left])
                _demand(not isinstance(again, Redact), f"it replaces what it has put there itself: {left!r}")


async def _says_the_same_of_the_same(case: Case) -> None:
    for side in case.sides:
        for text in (*case.canaries, *case.harmless):
            one, two = [await _said(case, side, [text, "two"]) for _ in range(2)]
            _demand(_alike(one, two), f"it says {one} and then {two} of {text!r}")


async def _does_not_care_for_order(case: Case) -> None:
    if case.ordered:
        return
    for side in case.sides:
        texts = _texts(side, ["one", *case.canaries, "two"])
        one, two = await _shown(case, side, texts), await _shown(case, side, texts[::-1])
        _demand(type(one) is type(two), f"it says {one} of some texts and {two} of the same in another order")
        if isinstance(one, Redact) and isinstance(two, Redact):
            _demand(dict(one.replace) == dict(two.replace), "what it replaces depends on the order of the texts")


async def _bears_nothing_at_all(case: Case) -> None:
    for side in case.sides:
        said = await _shown(case, side, ())
        _demand(not isinstance(said, Redact) or not said.replace, "it replaces something where nothing is")
        _demand(not isinstance(said, Block | Hold), f"it stops a call in which nothing is said: {said}")


async def _bears_hostile_texts(case: Case) -> None:
    for side in case.sides:
        for text in _HOSTILE:
            said = await _said(case, side, ["one", text])
            _demand(type(said) in _VERDICTS, f"it says {type(said).__name__} of a hostile text")
        await _said(case, side, list(_HOSTILE))
        deep: Path = tuple("a" if at % 2 else at for at in range(500))
        await _shown(case, side, (Text((*deep, "text"), "one"),))


async def _reads_long_texts_in_turns(case: Case) -> None:
    words = "some words, and a number 12; " * (_LONG // 29 + 1)
    texts = [words[:_LONG], *case.canaries[:1]]
    turns = 0

    async def counting() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(counting())
    try:
        said = await _said(case, case.sides[-1], texts)
    finally:
        others.cancel()
    if case.canaries:
        _demand(not isinstance(said, Pass), "it does not read what stands behind a long text")
    needed = 1 if case.at_once or isinstance(said, Block | Hold) else _LONG // _TURN
    _demand(case.at_once or turns >= needed, f"others had {turns} turns while it read a megabyte, not {needed}")


async def _serves_many_at_once(case: Case) -> None:
    side = case.sides[-1]
    shown = [list(case.canaries[:1]) if at % 2 else list(case.harmless[:1]) for at in range(_MANY)]
    alone = [await _said(case, side, texts, f"{_RUN} {at}") for at, texts in enumerate(shown)]
    together = await asyncio.gather(*(_said(case, side, texts, f"{_RUN} {at}") for at, texts in enumerate(shown)))
    _demand(all(map(_alike, alone, together)), "it says something else when it is asked by many at once")


async def _can_be_cancelled(case: Case) -> None:
    side = case.sides[-1]
    before = await _said(case, side, list(case.canaries[:1]))
    for turns in range(3):
        task = asyncio.create_task(_said(case, side, ["some words " * 20_000, *case.canaries[:1]]))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        _demand(task.done(), "it cannot be cancelled")
    after = await _said(case, side, list(case.canaries[:1]))
    _demand(_alike(before, after), "it says something else after it was cancelled")


CHECKS: Final[Mapping[str, Callable[[Case], Awaitable[None]]]] = {
    each.__name__.strip("_"): each
    for each in (
        _lets_harmless_words_through, _finds_its_canaries, _never_reshapes, _says_only_what_a_guard_may_say,
        _is_done_with_what_it_replaced, _says_the_same_of_the_same, _does_not_care_for_order, _bears_nothing_at_all,
        _bears_hostile_texts, _reads_long_texts_in_turns, _serves_many_at_once, _can_be_cancelled,
    )
}  # fmt: skip
"""Every check by its name."""


async def _said(case: Case, side: Side, values: Sequence[str], run: str = _RUN) -> Verdict:
    return await _shown(case, side, _texts(side, values), run)


async def _shown(case: Case, side: Side, texts: Sequence[Text], run: str = _RUN) -> Verdict:
    """Return what a guard says, in a run in which it was shown what it has to know."""
    try:
        for each in case.before(run):
            await case.guard(each)
        return await case.guard(payload(side, texts, run))
    except Exception as error:
        raise Broken(f"it raises {type(error).__name__} for {_some(texts)}") from error


def payload(side: Side, texts: Sequence[Text], run: str = _RUN, flows: frozenset[Flow] = EVERY_FLOW) -> Payload:
    """Return what a guard is shown of a call."""
    return Payload(side, "crm", "crm.find", "tools/call", run, tuple(texts), flows=flows)


def _texts(side: Side, values: Sequence[str]) -> tuple[Text, ...]:
    """Return texts as they stand in a message: members of an object, or content blocks that are not side by side."""
    return tuple(Text(path, value) for path, value in zip(_paths(side), values, strict=False))


def _paths(side: Side) -> Iterator[Path]:
    for at in range(1_000):
        yield ("result", "content", 2 * at, "text") if side is Side.ANSWER else ("arguments", "items", 2 * at, "text")


def _left(said: Redact, at: int, text: str) -> str:
    return next((new for path, new in said.replace.items() if path[2] == 2 * at), text)


def _alike(one: Verdict, two: Verdict) -> bool:
    """Say whether two verdicts say the same; fences have boundaries that nobody can know."""
    if isinstance(one, Fence) and isinstance(two, Fence):
        return one.finding == two.finding and one.replace.keys() == two.replace.keys()
    return one == two


def _some(texts: Sequence[Text]) -> str:
    return ", ".join(repr(each.value[:32]) for each in texts[:4]) or "no text"


def _demand(holds: bool, reason: str) -> None:
    if not holds:
        raise Broken(reason)

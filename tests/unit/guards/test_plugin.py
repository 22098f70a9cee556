"""What a plugin says is held to what a guard may say, and what it is shown is a copy."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from ostiary.guards.plugin import (
    Block,
    Fence,
    Hold,
    Note,
    Pass,
    Path,
    Payload,
    Redact,
    Side,
    Text,
    Unsound,
    Verdict,
    held,
    sound,
)

HERE: Path = ("content", 0, "text")
NAMES: Path = ("content", 0, "note")
TEXTS = (Text(HERE, "one"), Text(NAMES, "two"), Text(("content", 0), "3", rigid=True))
PLACES = frozenset({HERE, NAMES})


def payload() -> Payload:
    return Payload(Side.ANSWER, "crm", "crm.find", "tools/call", "run", TEXTS)


def looked(look: Any, skip: frozenset[str] = frozenset()) -> Verdict:
    async def both() -> Verdict:
        return await held(look, skip)(payload())

    return asyncio.run(both())


@pytest.mark.parametrize(
    "said",
    [
        Pass(),
        Note("odd"),
        Hold("odd"),
        Block("odd"),
        Redact("odd", {HERE: "new"}),
        Fence("odd", {HERE: "new"}, {"com.example/fence": {"open": "<<"}}),
    ],
)
def test_what_a_guard_may_say_goes_through(said: Verdict) -> None:
    assert sound(said, PLACES) == said


@pytest.mark.parametrize(
    "said",
    [
        None,
        "pass",
        True,
        Pass,
        Note(7),  # type: ignore[arg-type]
        Redact("odd", {("other",): ""}),
        Redact("odd", {("content", 0): ""}),
        Redact("odd", [HERE]),  # type: ignore[arg-type]
        Redact("odd", {HERE: 7}),  # type: ignore[dict-item]
        Fence("odd", {}, []),  # type: ignore[arg-type]
        Fence("odd", {}, {"plain": 1}),
        Fence("odd", {}, {7: 1}),  # type: ignore[dict-item]
        Fence("odd", {}, {"io.modelcontextprotocol/x": 1}),
        Fence("odd", {}, {"com.mcp/x": 1}),
        Fence("odd", {}, {"io.ostiary/fence": 1}),
        Fence("odd", {}, {"com.example/x": object()}),
        Fence("odd", {}, {"com.example/x": "x" * 5_000}),
    ],
)
def test_what_no_guard_may_say_is_no_verdict(said: Any) -> None:
    with pytest.raises(Unsound):
        sound(said, PLACES)


def test_a_finding_is_short_and_can_be_shown() -> None:
    assert sound(Block("a\nb\x1b[8m"), PLACES) == Block("a b [8m")
    assert sound(Note(" "), PLACES) == Note("it objects")
    assert sound(Note("x" * 999), PLACES) == Note("x" * 256)


def test_what_it_keeps_it_cannot_change_afterwards() -> None:
    new, meta = {HERE: "new"}, {"com.example/x": ["a"]}
    said = sound(Fence("odd", new, meta), PLACES)
    new[HERE], meta["com.example/x"] = "other", ["b"]
    assert said == Fence("odd", {HERE: "new"}, {"com.example/x": ["a"]})


def test_a_mapping_of_its_own_is_read_once() -> None:
    class Turning(dict[Path, str]):
        turns = 0

        def __getitem__(self, key: Path) -> str:
            self.turns += 1
            return "new" if self.turns == 1 else "other"

    said = sound(Redact("odd", Turning({HERE: "new"})), PLACES)
    assert isinstance(said, Redact)
    assert type(said.replace) is dict
    assert isinstance(said.replace, Mapping)


def test_it_is_shown_a_copy_without_what_it_is_not_to_read() -> None:
    seen: list[Payload] = []

    async def look(shown: Payload) -> Verdict:
        seen.append(shown)
        return Redact("odd", {NAMES: ""}) if len(seen) > 1 else Pass()

    assert looked(look, frozenset({"note"})) == Pass()
    assert [text.path for text in seen[0].texts] == [HERE, ("content", 0)]
    assert all(mine is not theirs for mine, theirs in zip(TEXTS, seen[0].texts, strict=False))
    with pytest.raises(Unsound):
        looked(look, frozenset({"note"}))


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_it_cannot_end_the_process(error: type[BaseException]) -> None:
    async def look(_: Payload) -> Verdict:
        raise error

    with pytest.raises(Unsound, match=error.__name__):
        looked(look)


def test_what_it_raises_is_left_to_the_pipeline() -> None:
    async def look(_: Payload) -> Verdict:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        looked(look)


def test_a_text_without_a_name_is_shown() -> None:
    async def look(shown: Payload) -> Verdict:
        return Note(str(len(shown.texts)))

    async def both() -> Verdict:
        bare = Payload(Side.ANSWER, "crm", "crm.find", "tools/call", "run", (Text((0, 1), "x"),))
        return await held(look, frozenset({"x"}))(bare)

    assert asyncio.run(both()) == Note("1")

"""Issue 6, must show 3: at the borders of JSON's escapes and of blocks nothing leaks, and what was JSON stays it."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import event
from hypothesis import strategies as st

from ostiary.core.screening import Pass
from tests.pipeline.disguises import EVERY, KEY, MAIL, chosen_once, disguised, leaked, tried
from tests.pipeline.test_redaction_properties import GUARDS, left, looked, of, planted

BESIDE: Final = st.sampled_from(
    ["", " ", "\n", "\t", "\r\n", '"', "'", "\\", "/", "é", "😀", "\u2028", "\x00", "\b", ", ", "a: "]
)
OTHERS: Final[dict[str, Any]] = {
    "before": ['said "no"\n', {"\t": "C:\\new\\table"}],
    "after": {"é\n": "one\\two", "n": [1, None, True]},
}
Writes = Callable[[Any], str]
WAYS_TO_WRITE: Final[dict[str, Writes]] = {
    "ASCII": json.dumps,
    "Unicode": lambda said: json.dumps(said, ensure_ascii=False),
    "indented": lambda said: json.dumps(said, indent=2),
    "slashes escaped": lambda said: json.dumps(said).replace("/", "\\/"),
    "in a string": lambda said: json.dumps(json.dumps(said)),
    "in a string twice": lambda said: json.dumps(json.dumps(json.dumps(said, ensure_ascii=False))),
}


def opened(text: str) -> Any:
    """Return what JSON says, however often it was written as a string."""
    said: Any = text
    while isinstance(said, str):
        said = json.loads(said)
    return said


@tried(
    50,
    350,
    planted,
    BESIDE,
    BESIDE,
    st.sampled_from(sorted(WAYS_TO_WRITE)),
    st.sampled_from(["redact", "mask", "tokenize"]),
)
def test_what_was_json_stays_json_that_says_all_but_the_value(
    plant: str, before: str, behind: str, way: str, then: str
) -> None:
    event(way)
    text = WAYS_TO_WRITE[way]({**OTHERS, "note": f"{before}{plant}{behind}"})
    kept = left(GUARDS[of(plant), then], {"text": text})["text"]
    said = opened(kept)
    note = said.pop("note")
    assert said == OTHERS
    assert leaked([note.partition("~")[0]], EVERY[plant]) == []


def blocks(parts: list[str]) -> Any:
    return {"content": [{"type": "text", "text": each} for each in parts]}


def mixed(parts: list[str]) -> Any:
    """Return an embedded resource for every second block."""
    plain = [{"type": "text", "text": each} for each in parts]
    held = [{"type": "resource", "resource": {"uri": "a:b", "text": each}} for each in parts]
    return {"content": [(held if at % 2 else plain)[at] for at in range(len(parts))]}


def messages(parts: list[str]) -> Any:
    return {"messages": [{"role": "user", "content": {"type": "text", "text": each}} for each in parts]}


def of_sampling(parts: list[str]) -> Any:
    return {"messages": [{"role": "user", "content": blocks(parts)["content"]}]}


def contents(parts: list[str]) -> Any:
    return {"contents": [{"uri": f"a:{at}", "text": each} for at, each in enumerate(parts)]}


LISTS: Final = {each.__name__: each for each in (blocks, mixed, messages, of_sampling, contents)}


def texts(said: Any) -> list[str]:
    """Return the texts of blocks in the order in which a model reads them."""
    if isinstance(said, dict):
        own = [said["text"]] if isinstance(said.get("text"), str) else []
        return own + [each for value in said.values() for each in texts(value)]
    return [each for value in said for each in texts(value)] if isinstance(said, list) else []


@tried(
    50,
    350,
    planted,
    chosen_once,
    st.lists(st.integers(0, 400), min_size=1, max_size=4),
    st.sampled_from(sorted(LISTS)),
)
def test_nothing_is_left_where_a_value_is_split_over_blocks_in_any_disguise(
    plant: str, steps: tuple[str, ...], cuts: list[int], kind: str
) -> None:
    event(", ".join(steps))
    said = disguised(plant, EVERY[plant], steps)
    places = sorted({0, *(cut % len(said) for cut in cuts), len(said)})
    parts = [said[start:stop] for start, stop in pairwise(places)]
    guard = GUARDS[of(plant), "redact"]
    kept = left(guard, LISTS[kind](parts))
    assert leaked(["".join(texts(kept))], EVERY[plant]) == []
    assert looked(guard, kept) == Pass(), "a second pass changes nothing"


@pytest.mark.parametrize("kind", sorted(LISTS))
@pytest.mark.parametrize("at", range(1, len(KEY)))
def test_a_key_is_found_wherever_blocks_cut_it(kind: str, at: int) -> None:
    kept = texts(left(GUARDS["secrets", "redact"], LISTS[kind](["see this", KEY[:at], KEY[at:], "and more"])))
    assert (kept[0], kept[-1]) == ("see this", "and more")
    assert not any(part in "".join(kept) for part in (KEY[:at], KEY[at:]) if len(part) > 3)


def test_blocks_of_different_lists_are_not_one_text() -> None:
    said = {"a": blocks([f"see {KEY[:10]}"]), "b": blocks([KEY[10:]])}
    assert looked(GUARDS["secrets", "redact"], said) == Pass()
    assert looked(GUARDS["secrets", "redact"], {"text": KEY[:10], "more": {"text": KEY[10:]}}) == Pass()


@pytest.mark.parametrize("length", [100, 255, 256, 257, 512, 4096, 20_000])
def test_what_stands_at_the_border_of_long_blocks_is_found(length: int) -> None:
    filling = "The lift works again. " * 1000
    for at in (1, 5, len(MAIL) - 1):
        kept = texts(
            left(
                GUARDS["personal", "redact"],
                blocks([f"{filling[-length:]} {MAIL[:at]}", f"{MAIL[at:]} {filling[:length]}"]),
            )
        )
        assert (
            leaked(["".join(each[-300:] if not index else each[:300] for index, each in enumerate(kept))], MAIL) == []
        )
        assert sum(map(len, kept)) > 2 * length - 10, "what stands around it is not lost"

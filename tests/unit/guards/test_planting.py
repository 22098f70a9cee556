"""A planted string looks like a reference, is known again, and cannot be made without the key."""

from __future__ import annotations

from hashlib import sha256

import pytest

from ostiary.core.screening import Text
from ostiary.guards.planting import code, foreign, place, planted
from ostiary.guards.winnowing import normal


def keyed(run: str, value: str) -> str:
    return sha256(f"key\n{run}\n{value}".encode()).hexdigest()


def other(run: str, value: str) -> str:
    return sha256(f"other\n{run}\n{value}".encode()).hexdigest()


def test_a_planted_string_is_its_run_s_and_found_again() -> None:
    own = code("run", keyed)
    text = planted("Ana Weber", own)
    assert text.startswith("Ana Weber\n(ref ")
    assert own in normal(text)
    assert len(own) == 16
    assert own == code("run", keyed) != code("another", keyed)


def test_the_string_of_another_run_is_known_as_ours() -> None:
    text = planted("x", code("another", keyed))
    assert foreign(text, code("run", keyed), keyed)
    assert not foreign(text, code("another", keyed), keyed)
    assert not foreign(text, code("run", keyed), other)
    assert not foreign("(ref ABCD-EFGH-IJKL-MNOP)", code("run", keyed), keyed)


def text(value: str, *path: str | int, rigid: bool = False) -> Text:
    return Text(path, value, rigid)


@pytest.mark.parametrize("value", ['{"a": 1}', "[1, 2]", ' "x"', "12", "true", "null"])
def test_programs_find_json_as_it_was(value: str) -> None:
    block = text("words", "result", "content", 1, "text")
    assert place((text(value, "result", "content", 0, "text"), block)) == block


def test_a_string_is_planted_in_the_first_text_block() -> None:
    resource = text("words", "result", "content", 0, "resource", "text")
    rigid = text("words", "result", "content", 1, "text", rigid=True)
    structured = text("words", "result", "structuredContent", "content")
    assert place((resource, rigid, structured, text("text", "text"))) is None
    for value in ("words", "{no json", "[" * 100_000, "true words"):
        block = text(value, "result", "content", 2, "text")
        assert place((resource, rigid, block)) == block

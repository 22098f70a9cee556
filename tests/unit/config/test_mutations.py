"""Good configurations, spoilt at random: `check` says what is wrong, and never crashes or overlooks an unknown key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.config.checking import tried
from ostiary.config.fields import Section, keys
from ostiary.config.parse import read
from ostiary.config.problems import Problem
from ostiary.config.schema import Config
from ostiary.config.tree import compose, plain
from tests.unit.config.corpus import BROKEN, GOOD

TEXTS = {path.name: path.read_text("utf-8") for path in GOOD}
NAMES = st.sampled_from(sorted(TEXTS))
# Each good file is read once; what is spoilt is a copy.
DATA = {name: json.dumps(plain(compose(text)[0])) for name, text in TEXTS.items()}
CONFIGS = {name: read(text, name).config for name, text in TEXTS.items()}
ODD: list[Any] = [
    None, True, False, 0, -1, 5, 10**30, 1.5, "", "x", "*", "a.b", "env:A", "\u202e", "x" * 3000, [], {}, [[]], [{}],
    ["*"], [None], {"": 1}, {"a": None}, {"kind": "bearer"}, "args.", "${HOME}",
]  # fmt: skip

Way = tuple[str | int, ...]


def ways(node: Any, way: Way = ()) -> Iterator[Way]:
    """Yield the way to everything below a value."""
    steps = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, below in steps:
        yield (*way, step)
        yield from ways(below, (*way, step))


def at(data: Any, way: Way) -> Any:
    for step in way:
        data = data[step]
    return data


def sections(data: Any, it: Any, way: Way = ()) -> Iterator[tuple[Way, type[Section]]]:
    """Yield the way to every section, as the finished configuration has it and not as its reader thinks."""
    if isinstance(it, Section):
        yield way, type(it)
        names = {written: name for name, field in type(it).model_fields.items() for written in (field.alias or name,)}
        for key in data:
            yield from sections(data[key], getattr(it, names[key]), (*way, key))
    elif isinstance(it, Mapping) and isinstance(data, dict):
        for key in data:
            yield from sections(data[key], it.get(key), (*way, key))
    elif isinstance(it, tuple) and isinstance(data, list):
        for step, below in enumerate(data):
            yield from sections(below, it[step], (*way, step))


def told(text: str) -> tuple[Problem, ...]:
    document, found = tried(text, "x")
    assert isinstance(document.config if document else None, Config) or found
    assert all(each.line >= 1 and each.column >= 1 and each.message and each.suggestion for each in found), found
    return found


def written(node: Any, twice: Way, way: Way = ()) -> str:
    """Return a value as JSON in which one key is there twice."""
    if isinstance(node, dict):
        pairs = [f"{json.dumps(key)}: {written(below, twice, (*way, key))}" for key, below in node.items()]
        pairs += [f"{json.dumps(key)}: 1" for key in node if (*way, key) == twice]
        return f"{{{', '.join(pairs)}}}"
    if isinstance(node, list):
        return f"[{', '.join(written(below, twice, (*way, step)) for step, below in enumerate(node))}]"
    return json.dumps(node)


@st.composite
def misspelt(draw: st.DrawFn) -> str:
    """Return a good configuration with a key that no section has."""
    name = draw(NAMES)
    data = json.loads(DATA[name])
    way, section = draw(st.sampled_from([each for each in sections(data, CONFIGS[name]) if at(data, each[0])]))
    table = at(data, way)
    key = draw(st.sampled_from(sorted(table)))
    place = draw(st.integers(0, len(key) - 1))
    letter = draw(st.sampled_from("abeionrst_-*.A0\u0435"))
    new = draw(
        st.sampled_from(
            [key[:place] + key[place + 1 :], key[:place] + letter + key[place:], key.upper(), key[::-1], f"{key} "]
        )
    )
    if new in keys(section):
        new = f"un{key}"
    left = {new if each == key else each: value for each, value in table.items()}
    table.clear()
    table.update(left)
    return json.dumps(data)


@given(misspelt())
@settings(max_examples=300, deadline=None)
def test_an_unknown_key_is_never_accepted(text: str) -> None:
    """Ours: a key that does nothing would be a rule that somebody believes in."""
    assert any(each.message in ("unknown key", "a key must be text") for each in told(text))


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """Return a good configuration in which values were left out, or replaced by values of other types."""
    data = json.loads(DATA[draw(NAMES)])
    for _ in range(draw(st.integers(1, 4))):
        every = list(ways(data))
        if not every:
            break
        *way, step = draw(st.sampled_from(every))
        parent = at(data, tuple(way))
        if draw(st.booleans()):
            del parent[step]
        else:
            other = draw(st.sampled_from(ODD) | st.sampled_from([at(data, each) for each in every]))
            parent[step] = json.loads(json.dumps(other))
    return json.dumps(data)


@given(spoilt())
@settings(max_examples=300, deadline=None)
def test_what_is_left_out_or_of_another_type_never_crashes_a_check(text: str) -> None:
    told(text)


@given(NAMES, st.data())
@settings(max_examples=100, deadline=None)
def test_what_is_said_twice_is_never_accepted(name: str, data: st.DataObject) -> None:
    """RFC 8259 section 4: which of two equal names counts is anybody's guess."""
    node = json.loads(DATA[name])
    twice = data.draw(st.sampled_from([way for way in ways(node) if isinstance(way[-1], str)]))
    assert any(each.message.startswith("duplicate key") for each in told(written(node, twice)))


@given(st.sampled_from([*GOOD, *BROKEN]), st.data())
@settings(max_examples=300, deadline=None)
def test_text_that_was_damaged_never_crashes_a_check(path: Any, data: st.DataObject) -> None:
    raw = path.read_bytes()
    begin = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(begin, min(len(raw), begin + 40)))
    piece = data.draw(st.sampled_from([b"", b"\t", b"\xff", b"\0", b"'", b"[", b"}", b": ", b"\n---\n", b"&a ", b"*a"]))
    found = tried(raw[:begin] + piece + raw[end:], "x")[1]
    assert all(each.line >= 1 and each.column >= 1 and each.suggestion for each in found)

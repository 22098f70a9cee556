"""No argument reaches a server that was not looked at: not under a second name, not inside another, not by a trick of JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.pipeline.stage import Stage
from tests.security.composed import EVERYTHING, body, fields, inbound, refused, stage, told, tool

PATH = {"type": "string"}
DEEP = {
    "type": "object",
    "properties": {"mode": {"enum": ["r"]}, "tags": {"items": {"type": "object", "properties": {"k": {}}}}},
}


def made() -> Stage:
    return stage(EVERYTHING, [tool("read", {"path": PATH, "options": DEEP}, required=["path"])])


GOOD = {"path": "/a"}


def test_what_is_named_goes_through() -> None:
    assert told(made(), {"path": "/a", "options": {"mode": "r", "tags": [{"k": 1}]}}) == ""


# The same name twice

DOUBLED = [
    '{"path":"/a","path":"/b"}', '{"path":"/a","p\\u0061th":"/b"}', '{"path":"/a", "path":"/a"}', '{"path":"/a","options":{"mode":"r","mode":"w"}}', '{"path":"/a","options":{"tags":[{"k":1,"\\u006b":2}]}}',
]  # fmt: skip


@pytest.mark.parametrize("arguments", DOUBLED)
def test_a_key_that_is_there_twice_is_refused(arguments: str) -> None:
    """Two parsers may each take another one of the two: one checks the first, the other acts on the last."""
    data = body("read", GOOD).replace(json.dumps(GOOD).encode(), arguments.encode())
    assert arguments.encode() in data
    refused(made(), inbound(data, fields("read")))


@pytest.mark.parametrize(
    "member", [b'"method": "tools/list", ', b'"params": {}, ', b'"id": 2, ', b'"jsonrpc": "2.0", ']
)
def test_so_is_one_of_the_message_itself(member: bytes) -> None:
    refused(made(), inbound(body("read", GOOD).replace(b"{", b"{" + member, 1), fields("read")))


@pytest.mark.parametrize("member", ['"name": "drop", ', '"arguments": {}, ', '"_meta": {}, '])
def test_so_is_one_of_its_parameters(member: str) -> None:
    data = body("read", GOOD).replace(b'"params": {', f'"params": {{{member}'.encode())
    refused(made(), inbound(data, fields("read")))


# Names that look the same

ALIKE = [
    "раth", "pаth", "ρath", "path\u200b", "\u200bpath", "path\ufeff", "path\u0000", "ｐａｔｈ", "path ", " path", "Path", "PATH", "pa\u0301th", "path\u034f", "p\u00adath", "path\u202e", "𝐩𝐚𝐭𝐡", "path[]", "path.", "$path", "path\n",
]  # fmt: skip


@pytest.mark.parametrize("name", ALIKE)
def test_a_name_that_only_looks_like_one_is_another(name: str) -> None:
    """A server that folds names would take the second for the first, after the first was checked."""
    assert told(made(), {"path": "/a", name: "/etc/passwd"})
    assert told(made(), {name: "/a"})


# What nobody named, inside

INSIDE: list[Any] = [
    {"x": 1}, {"mode": "r", "x": 1}, {"tags": [{"k": 1}, {"k": 1, "x": 2}]}, {"tags": [{"x": {}}]}, {"mode": "r", "Mode": "w"},
]  # fmt: skip


@pytest.mark.parametrize("options", INSIDE)
def test_what_nobody_named_is_refused_inside_too(options: Any) -> None:
    assert told(made(), {"path": "/a", "options": options})


def test_a_reference_or_a_choice_hides_nothing() -> None:
    part = {"type": "object", "properties": {"k": {}, "next": {"$ref": "#/$defs/part"}}}
    it = stage(EVERYTHING, [tool("read", {"a": {"$ref": "#/$defs/part"}, "b": {"anyOf": [{"$ref": "#/$defs/part"}, {"type": "null"}]}}, **{"$defs": {"part": part}})])  # fmt: skip
    assert told(it, {"a": {"next": {"next": {"k": 1}}}, "b": None}) == ""
    assert told(it, {"a": {"next": {"next": {"x": 1}}}})
    assert told(it, {"b": {"x": 1}})


# Names that mean something to a language

PROTOTYPES = [
    "__proto__",
    "constructor",
    "prototype",
    "__class__",
    "__init__",
    "__dict__",
    "__defineGetter__",
    "toString",
    "hasOwnProperty",
    "valueOf",
    "$ref",
    "$where",
    "then",
    "toJSON",
    "__index",
    "class",
]


@pytest.mark.parametrize("name", PROTOTYPES)
@pytest.mark.parametrize("value", [{"isAdmin": True}, "x", None])
def test_a_name_that_a_language_gives_meaning_to_is_a_name_like_any_other(name: str, value: Any) -> None:
    """Where nobody declared it, it is refused, outside and inside."""
    assert told(made(), {"path": "/a", name: value})
    assert told(made(), {"path": "/a", "options": {name: value}})
    assert told(made(), {"path": "/a", "options": {"tags": [{name: value}]}})


@pytest.mark.parametrize("name", ["__proto__", "constructor"])
def test_a_tool_that_declares_such_a_name_is_taken_at_its_word(name: str) -> None:
    it = stage(EVERYTHING, [tool("read", {name: {"type": "integer"}})])
    assert told(it, {name: 1}) == ""
    assert told(it, {name: "x"})


# Tricks of JSON

TRICKS = [
    b'{"path":"/a"} {"path":"/b"}', b'{"path":"/a"}/* x */', b"{'path':'/a'}", b'{"path":"/a",}', b'{"path":NaN}', b'{"path":Infinity}', b'{"path":"\xff"}', b'{"path":"\xc0\xaf"}', b'{"path":"\xed\xa0\x80"}', b'{"path":"\\ud800"}', b'{"path":"a\nb"}',
    b'{"path":"/a"', b'["path"]', b'"path"', b"null,", b"1e400", b'{"path":"\\x41"}', b"{path:1}",
]  # fmt: skip


@pytest.mark.parametrize("arguments", TRICKS)
def test_what_parsers_disagree_about_is_refused(arguments: bytes) -> None:
    data = body("read", GOOD).replace(json.dumps(GOOD).encode(), arguments)
    refused(made(), inbound(data, fields("read")))


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe", b"\x00"])
def test_a_body_in_another_encoding_is_refused(mark: bytes) -> None:
    refused(made(), inbound(mark + body("read", GOOD), fields("read")))
    refused(made(), inbound(body("read", GOOD).decode().encode("utf-16"), fields("read")))


@pytest.mark.parametrize("arguments", [[], "x", 5, True, [{"path": "/a"}]])
def test_arguments_are_an_object(arguments: Any) -> None:
    refused(made(), inbound(body("read", arguments), fields("read")))


def test_what_leaves_is_encoded_anew_from_what_was_checked() -> None:
    """Blanks, escapes and the order of the bytes of a client are no channel past the check."""
    it = made()
    data = body("read", GOOD).replace(b'"/a"', b'"\\u002fa"').replace(b": ", b" :\t")
    assert "result" in (it.play(inbound(data, fields("read"))).payload or {})
    assert it.sent[-1].call.params["arguments"] == GOOD

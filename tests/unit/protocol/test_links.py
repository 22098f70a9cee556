"""Which URIs a result hands over, and which a tool names as its interface."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.protocol.links import MOST, handed, interface, usable
from ostiary.protocol.uris import normal

LINK = {"type": "resource_link", "uri": "note://linked", "name": "n"}
EMBEDDED = {"type": "resource", "resource": {"uri": "note://within", "text": "t"}}
TEXT = {"type": "text", "text": "see note://only-said", "uri": "note://of-a-text"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"content": [TEXT, LINK, EMBEDDED, LINK]}, ["note://linked", "note://within"]),
        ({"content": [TEXT]}, []),
        ({"content": [], "structuredContent": {"result": [LINK, "x", EMBEDDED]}}, ["note://linked", "note://within"]),
        ({"structuredContent": {"first": LINK, "other": 7}}, ["note://linked"]),
        ({"structuredContent": [LINK]}, ["note://linked"]),
        ({"structuredContent": LINK}, ["note://linked"]),
        ({"structuredContent": "note://said"}, []),
        ({"structuredContent": {"deep": {"deeper": [LINK]}}}, []),
        ({"structuredContent": {"_meta": {"ui": {"resourceUri": "ui://a/form"}}}}, ["ui://a/form"]),
        ({"content": [TEXT], "_meta": {"ui": {"resourceUri": "ui://a/form"}}}, ["ui://a/form"]),
        ({"_meta": {"ui/resourceUri": "ui://a/old"}}, ["ui://a/old"]),
        ({"messages": [{"role": "user", "content": LINK}, {"content": [TEXT, EMBEDDED]}]}, ["note://linked", "note://within"]),
        ({"contents": [{"uri": "file:///d/a", "text": ""}, {"uri": "file:///d/b", "blob": ""}]}, ["file:///d/a", "file:///d/b"]),
        ({"content": "x", "messages": {"content": LINK}, "contents": 3, "_meta": []}, []),
        ({"content": [None, {"type": "resource"}, {"type": "resource", "resource": 1}, {"type": "resource_link"}]}, []),
        ({"messages": [{"role": "user"}, "x"], "contents": [{}, 1], "_meta": {"ui": 1}}, []),
    ],
)  # fmt: skip
def test_a_result_hands_over_what_stands_in_its_places_for_uris(result: dict[str, Any], expected: list[str]) -> None:
    """2025-06-18 and later, server/tools, "Resource Links" and "Embedded Resources"; SEP-1865."""
    assert handed(result) == expected


def test_structured_content_is_data_and_is_not_walked() -> None:
    far = {"rows": [{"n": number} for number in range(10_000)], "last": LINK}
    assert handed({"structuredContent": far}) == []


def test_one_result_hands_over_so_many_and_no_more() -> None:
    many = [{"type": "resource_link", "uri": f"note://{number}"} for number in range(MOST + 5)]
    assert len(handed({"content": many})) == MOST


@pytest.mark.parametrize(
    "uri",
    ["note://1", "file:///srv/a%20b", "mailto:a@b", "https://docs.example.com/A?q=B#C", "git+ssh://Host/x", "ui://crm/é"],
)  # fmt: skip
def test_what_rules_can_speak_of_is_usable(uri: str) -> None:
    assert usable(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "", "note", "/etc/passwd", ":x", "note:", "1note://x", "file:///pub/../etc/passwd", "file:///%65tc/passwd",
        "FILE:///etc/passwd", "File:///etc/passwd", "HTTPS://x.example/", "https://DOCS.example.com/", "https://", "https:x",
        "note://a\nb", "note://a\u2028b", "note://" + "a" * 3000, 7, None, ["note://1"],
    ],
)  # fmt: skip
def test_what_rules_could_not_be_written_for_is_not(uri: object) -> None:
    """Ours: `FILE:///etc/passwd` is not denied by `files:file:///etc/*`, and is the same file to many servers."""
    assert not usable(uri)


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({"ui": {"resourceUri": "ui://crm/form"}}, "ui://crm/form"), ({"ui/resourceUri": "ui://crm/old"}, "ui://crm/old"),
        ({"ui": {"resourceUri": "ui://crm/new"}, "ui/resourceUri": "ui://crm/old"}, "ui://crm/new"),
        ({"ui": {"visibility": ["model"]}}, None), ({"ui": []}, None), ({}, None), (7, None),
        ({"ui": {"resourceUri": "file:///etc/passwd"}}, None), ({"ui": {"resourceUri": "ui://crm/../x"}}, None),
        ({"ui": {"resourceUri": 7}}, None), ({"ui": {"resourceUri": ["ui://x"]}, "ui/resourceUri": "ui://crm/old"}, None),
    ],
)  # fmt: skip
def test_a_tool_names_its_interface_in_either_spelling_and_nothing_else_with_it(
    meta: Any, expected: str | None
) -> None:
    """SEP-1865: `_meta.ui.resourceUri`, before that the flat `_meta["ui/resourceUri"]`."""
    assert interface({"name": "t", "_meta": meta}) == expected
    assert interface({"name": "t"}) is None


@given(st.dictionaries(st.sampled_from(["content", "contents", "messages", "structuredContent", "_meta"]), JSON))
def test_no_result_breaks_it_and_all_it_finds_is_usable(result: dict[str, Any]) -> None:
    assert all(usable(uri) for uri in handed(result))


@given(st.text(max_size=40), st.sampled_from(["content", "structuredContent"]))
def test_no_uri_is_handed_over_that_is_not_spelled_normally(uri: str, where: str) -> None:
    found = handed({where: [{"type": "resource_link", "uri": uri}]})
    assert found == ([uri] if usable(uri) else [])
    assert not found or normal(uri)

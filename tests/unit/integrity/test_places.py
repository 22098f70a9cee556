"""What a scan found is told with the line of the file on which it stands."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.integrity import places

FILE = """\
{
  // what an editor allows
  "mcpServers": {
    "My Files": {"command": "npx", /* over
      two lines */ "args": ["-y", "thing",]},
    "web": {
      "url": "https://a.example/mcp"
    },
  }
}
"""
TOML = '[mcp_servers.other]\ncommand = "x"\n\n[mcp_servers."my files"]\ncommand = "y"\n'
YAML = "mcpServers:\n  - name: web\n    url: x\n  - name: my-files\n"
NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


def test_every_member_and_element_has_the_line_on_which_it_begins() -> None:
    found = places.places(FILE)
    assert found["/mcpServers/My Files"] == 4
    assert found["/mcpServers/My Files/args"] == 5
    assert found["/mcpServers/My Files/args/1"] == 5
    assert found["/mcpServers/web/url"] == 7
    assert places.at(found, "/mcpServers/web/headers/x") == 6
    assert places.at(found, "/nowhere") == 1
    assert places.at({}, "") == 1


@pytest.mark.parametrize(
    ("text", "server", "line"),
    [
        (FILE, "my-files", 4), (FILE, "web", 6), (FILE, "args", 1), (TOML, "my-files", 4), (TOML, "other", 1),
        (YAML, "web", 2), (YAML, "my-files", 4), ("", "web", 1),
    ],
)  # fmt: skip
def test_a_server_is_found_under_the_name_it_gets_when_it_is_imported(text: str, server: str, line: int) -> None:
    assert places.of_server(text, places.places(text), server) == line


def pointers(value: object, here: str = "") -> set[str]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {here}
    for key, each in inside:
        found |= pointers(each, f"{here}/{str(key).replace('~', '~0').replace('/', '~1')}")
    return found


@given(NESTED)
def test_all_of_a_document_is_found_and_nothing_else(document: object) -> None:
    text = json.dumps(document, indent=1)
    found = places.places(text)
    assert found.keys() == pointers(document)
    assert max(found.values()) <= text.count("\n") + 1


@pytest.mark.parametrize("text", ['{"a', "]]}", "{,,:", '{"a": "\\ud8"', "[" * 5_000, "/*" * 5_000, '"\\'])
def test_what_is_no_json_is_no_reason_to_fail(text: str) -> None:
    assert len(places.places(text)) <= 70


def test_a_word_that_is_no_string_is_a_key_as_it_stands() -> None:
    assert "/a" in places.places("{a: 1}")


def test_only_so_many_places_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_MOST", 3)
    assert list(places.places("[1, 2, 3, 4]")) == ["", "/0", "/1"]

"""The demo's configuration is a good one, and what it suggests says what it must."""

from pathlib import Path

import pytest

from ostiary.config.parse import parse
from ostiary.demo.setting import CAST, Token, configuration, headers, message, suggestions

URL = "http://127.0.0.1:4321"


@pytest.mark.parametrize("folder", ["/tmp/plain", '/tmp/it\'s a "folder": #1'])
def test_the_configuration_parses_whatever_the_folder_is_called(folder: str) -> None:
    parsed = parse(configuration(Path(folder), URL, "http://127.0.0.1:99/mcp", "/usr/bin/python"), "demo")
    assert parsed.gateway.data == f"{folder}/data"
    assert parsed.servers["notes"].command == ("/usr/bin/python", "-m", "ostiary.demo.notes", f"{folder}/notes.db")


def test_a_token_does_not_show_itself() -> None:
    assert "secret" not in repr(Token("tok_1", "a secret"))


def test_headers_agree_with_the_message() -> None:
    sent = headers("t", "tools/call", "notes__add_note")
    body = message("tools/call", {"name": "notes__add_note"})
    assert (sent["Mcp-Method"], sent["Mcp-Name"]) == (body["method"], body["params"]["name"])
    assert sent["MCP-Protocol-Version"] in body["params"]["_meta"].values()


def test_every_suggestion_is_one_line_to_paste() -> None:
    tokens = {person.name: Token("id", f"ost_{person.name}") for person in CAST}
    tried = suggestions(URL, tokens, Path("/tmp/a b/crm"), Path("/tmp/a b/ostiary.yaml"), "ostiary")
    assert all("\n" not in pasted for _, pasted in tried)
    assert all(any(f"ost_{person.name}" in pasted for _, pasted in tried) for person in CAST)
    assert any("touch '/tmp/a b/crm/change'" in pasted for _, pasted in tried)

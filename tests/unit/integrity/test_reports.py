"""How what a scan found is said in the formats of others; whether it fits their schemas is tested in tests/contract."""

from __future__ import annotations

import pytest

from ostiary.integrity.reports import reference


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("./a/mcp.json", "a/mcp.json"), (".vscode/mcp.json", ".vscode/mcp.json"), ("a b#c.json", "a%20b%23c.json"),
        ("/etc/mcp.json", "file:///etc/mcp.json"), ("C:\\Users\\x.json", "file:///C%3A/Users/x.json"),
    ],
)  # fmt: skip
def test_a_path_becomes_a_reference_that_code_hosts_find_the_file_by(file: str, uri: str) -> None:
    assert reference(file) == uri

"""A cursor is good for one caller, one listing, one hour."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.errors import BadParams
from ostiary.protocol import cursors
from ostiary.protocol.cursors import LIFETIME, Cursor

HERE = Cursor("tools/list", "ann", "ostiary", "/mcp", "form", "", 0.0)
MADE = msgspec.structs.replace(HERE, after="files__read", issued=1000.0)


def test_a_listing_goes_on_after_the_last_name() -> None:
    assert cursors.after(cursors.pack(MADE), HERE, 1000.0) == "files__read"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_survives(name: str) -> None:
    assert cursors.after(cursors.pack(msgspec.structs.replace(MADE, after=name)), HERE, 1000.0) == name


@pytest.mark.requirement("MCP-38")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("method", "prompts/list"),
        ("subject", "bob"),
        ("issuer", "https://id"),
        ("endpoint", "/servers/files/mcp"),
        ("offer", ""),
    ],
)
def test_a_cursor_of_another_listing_or_caller_is_unknown(field: str, value: str) -> None:
    """Checklist line 38."""
    with pytest.raises(BadParams, match="unknown"):
        cursors.after(cursors.pack(MADE), msgspec.structs.replace(HERE, **{field: value}), 1000.0)


@pytest.mark.requirement("MCP-38")
def test_a_cursor_expires() -> None:
    assert cursors.after(cursors.pack(MADE), HERE, 1000.0 + LIFETIME)
    with pytest.raises(BadParams, match="expired"):
        cursors.after(cursors.pack(MADE), HERE, 1000.1 + LIFETIME)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"\xff", b'["\xff"]', b'["a","b","c","d","e","f","g"]', cursors.pack(MADE)[:-1], b"null"],
)
def test_what_is_no_cursor_is_unknown(content: bytes) -> None:
    with pytest.raises(BadParams, match="unknown"):
        cursors.after(content, HERE, 1000.0)

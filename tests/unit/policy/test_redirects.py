"""Which addresses a person may be sent back to."""

from __future__ import annotations

import pytest

from ostiary.policy.redirects import parsed, permitted

CALLBACK = "https://app.example/callback"
LOOPBACK = "http://127.0.0.1:3000/cb"


def test_the_parts_of_an_address_are_what_people_and_browsers_are_told() -> None:
    assert (parsed(CALLBACK).kind, parsed(CALLBACK).source) == ("https", "https://app.example")
    assert (parsed(LOOPBACK).kind, parsed(LOOPBACK).source) == ("loopback", "http://127.0.0.1:3000")
    assert parsed("http://[::1]:3000/cb").source == "http:", "no way to write it in a Content-Security-Policy"
    assert parsed("com.example.app:/cb", ["*"]).source == "com.example.app:"
    assert parsed("com.example.app:/cb", ["com.example.app"]).host == "com.example.app:"


@pytest.mark.parametrize(
    "text",
    [
        "cursor://cb",
        "javascript:/x",
        "com.example.app:javascript",
        "data.x:",
        "http.x://%0d",
        "http://app.example/cb",
        "javascript:alert(1)",
        "app:/cb",
        "https://app.example/cb#x",
        "/cb",
        "https://a b/",
        "x" * 2049,
    ],
)
def test_what_leads_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parsed(text, ["*"])


def test_a_private_scheme_is_taken_only_where_it_is_named() -> None:
    with pytest.raises(ValueError, match="scheme"):
        parsed("com.example.app:/cb", ["com.example.other"])


def test_only_the_port_of_the_loopback_is_free() -> None:
    """RFC 8252 section 7.3."""
    assert permitted(CALLBACK, [CALLBACK]).text == CALLBACK
    assert permitted("http://127.0.0.1:4000/cb", [LOOPBACK]).text == "http://127.0.0.1:4000/cb"
    assert permitted("http://[::1]:4000/cb", ["http://[::1]:3000/cb"]).source == "http:"
    for asked in (
        "http://127.0.0.1:4000/other",
        "http://localhost:3000/cb",
        f"{CALLBACK}/",
        "https://app.example:8/cb",
    ):
        with pytest.raises(ValueError, match="none of those"):
            permitted(asked, [LOOPBACK, CALLBACK])

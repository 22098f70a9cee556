"""Where an issuer describes itself, and whether it is itself whom it describes."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.adapters.identity.discovery import judged, places
from ostiary.adapters.identity.outbound import MOST, Fetched, document, usable
from ostiary.core.errors import Garbled, UpstreamRefused

ISSUER = "https://id.example.com/realm"
GOOD = {"issuer": ISSUER, "jwks_uri": "https://keys.example.com/all"}


@pytest.mark.parametrize(
    ("issuer", "expected"),
    [
        ("https://id.example.com", ["https://id.example.com/.well-known/oauth-authorization-server", "https://id.example.com/.well-known/openid-configuration"]),
        ("https://id.example.com/", ["https://id.example.com/.well-known/oauth-authorization-server", "https://id.example.com/.well-known/openid-configuration"]),
        ("https://id.example.com/a/b", ["https://id.example.com/.well-known/oauth-authorization-server/a/b", "https://id.example.com/.well-known/openid-configuration/a/b", "https://id.example.com/a/b/.well-known/openid-configuration"]),
        ("https://id.example.com/a/", ["https://id.example.com/.well-known/oauth-authorization-server/a", "https://id.example.com/.well-known/openid-configuration/a", "https://id.example.com/a/.well-known/openid-configuration"]),
    ],
)  # fmt: skip
def test_metadata_is_looked_for_in_the_order_of_the_specification(issuer: str, expected: list[str]) -> None:
    """2026-07-28, authorization server metadata discovery."""
    assert list(places(issuer)) == expected


def test_metadata_of_the_issuer_itself_is_taken() -> None:
    assert judged(GOOD, ISSUER).jwks_uri == "https://keys.example.com/all"


@pytest.mark.parametrize("issuer", [f"{ISSUER}/", "https://ID.example.com/realm", "https://id.example.com:443/realm", "https://id.example.com/%72ealm", "", None, [ISSUER]])  # fmt: skip
def test_metadata_of_another_spelling_is_of_another_issuer(issuer: Any) -> None:
    """RFC 8414 section 3.3."""
    with pytest.raises(Garbled, match="identical"):
        judged({**GOOD, "issuer": issuer}, ISSUER)


@pytest.mark.parametrize("url", [None, 7, "", "http://keys.example.com/all", "file:///etc/passwd", "javascript:alert(1)", "https://user@keys.example.com/", "//keys.example.com/all", "http://127.0.0.1.evil.example/"])  # fmt: skip
def test_keys_are_fetched_over_https_only(url: Any) -> None:
    assert not usable(url)
    with pytest.raises(Garbled, match="jwks_uri"):
        judged({**GOOD, "jwks_uri": url}, ISSUER)


@pytest.mark.parametrize("url", ["https://a.example/x?y=z", "http://127.0.0.1:8080/keys", "http://localhost/keys", "http://[::1]:1/keys"])  # fmt: skip
def test_this_machine_may_be_asked_without_tls(url: str) -> None:
    assert usable(url)


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":' + b"[" * 30 + b"]" * 30 + b"}", b" " * MOST + b"{}", b"\xff"])  # fmt: skip
def test_what_is_no_plain_small_json_object_is_no_document(body: bytes) -> None:
    with pytest.raises(Garbled, match="the keys"):
        document(Fetched(200, {}, body), "the keys")


@pytest.mark.parametrize("status", [201, 204, 301, 302, 401, 404, 500])
def test_only_an_answer_of_200_is_a_document(status: int) -> None:
    with pytest.raises(UpstreamRefused, match=str(status)):
        document(Fetched(status, {}, b"{}"), "the keys")

"""A key is pinned by its digest as it is shown, and what people write otherwise is told how to write it."""

from __future__ import annotations

import pytest

from ostiary.config.digests import key
from ostiary.config.parse import read
from ostiary.config.problems import Invalid, Unfit

DIGEST = "sha256:" + "0a" * 32


def test_a_digest_is_taken_as_it_is() -> None:
    assert key(DIGEST) == DIGEST


@pytest.mark.parametrize("written", [DIGEST.upper(), f" {DIGEST}"])
def test_a_digest_in_other_letters_is_told_how_to_write_it(written: str) -> None:
    with pytest.raises(Unfit) as refused:
        key(written)
    assert refused.value.suggestion == f"write {DIGEST}"


@pytest.mark.parametrize("written", ["", "0a" * 32, "sha256:0a", "sha512:" + "0a" * 64])
def test_anything_else_is_no_key(written: str) -> None:
    with pytest.raises(Unfit, match="is not the digest of a key"):
        key(written)


@pytest.mark.parametrize(
    ("server", "wrong"),
    [
        ("url: http://127.0.0.1:1/mcp\n    allow_private: [127.0.0.0/8]", "is only for https"),
        ("command: [x]", "is only for servers with url or sse"),
        ("url: https://it.example/mcp", ""),
    ],
)
def test_keys_are_pinned_only_where_they_are_proved(server: str, wrong: str) -> None:
    """Ours: a pin that is never looked at is worse than none."""
    text = f'gateway:\n  url: http://localhost:8080\nservers:\n  it:\n    {server}\n    tls_keys: ["{DIGEST}"]\n'
    if not wrong:
        assert read(text, "it.yaml").config.servers["it"].tls_keys == (DIGEST,)
        return
    with pytest.raises(Invalid) as refused:
        read(text, "it.yaml")
    assert [each.message for each in refused.value.problems if "tls_keys" in each.path] == [wrong]

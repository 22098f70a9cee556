"""What arguments could be besides JSON still has a mask, and says no more than any other."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ostiary.protocol.redaction import DEPTH, masked


def test_what_is_not_json_is_masked_by_its_kind() -> None:
    assert masked(b"s3cret") == "bytes"
    assert masked((b"s3cret", 1)) == ["bytes", "number"]


def test_a_mapping_is_masked_like_an_object() -> None:
    hidden: Mapping[str, Any] = MappingProxyType({"token": "s3cret"})
    assert masked(hidden) == {"token": "string(6)"}


def test_what_is_nested_too_deeply_is_only_counted() -> None:
    value: Any = ["s3cret", "x"]
    for _ in range(DEPTH):
        value = [value]
    assert str(masked(value)) == "[" * DEPTH + "'list(2)'" + "]" * DEPTH

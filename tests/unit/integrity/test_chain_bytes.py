"""A record may hold any bytes that whoever tampered liked: verifying says so, and does not break."""

from __future__ import annotations

import pytest

from tests.unit.integrity.test_chain import found, judged, rewritten, written


@pytest.mark.parametrize("junk", [b"\xff", "é".encode(), b"!"])
def test_a_seal_whose_signature_is_no_base64_is_no_seal(junk: bytes) -> None:
    segments = written(segments=1)
    segments[0][1] = rewritten(segments[0][1], b'"signature":"', b'"signature":"' + junk)
    assert ("signature", 1, 2, 2) in found(judged(segments))


def test_an_open_record_that_is_no_text_cannot_be_read() -> None:
    segments = written(segments=1)
    segments[0][0] = rewritten(segments[0][0], b'"chain": "', b'"chain": "\xff')
    assert ("changed", 1, 1, 1) in found(judged(segments))

"""Every way a call can end badly says what a client may know, and keeps the rest."""

from __future__ import annotations

import pytest

from ostiary.core import errors
from ostiary.core.errors import GatewayError, Refusal

LEAVES = [each for each in vars(errors).values() if isinstance(each, type) and hasattr(each, "code")]


def test_the_detail_is_for_the_trail_and_not_for_the_client() -> None:
    error = errors.NotFound("deny_rule: no-drops", hint="files__drop")
    assert error.message == "Unknown or unavailable: files__drop"
    assert "no-drops" not in error.message
    assert str(error) == "deny_rule: no-drops"


def test_without_a_hint_the_public_words_stand_alone() -> None:
    error = errors.Closing()
    assert error.message == str(error) == "The gateway is shutting down"
    assert (error.detail, error.hint, error.data, error.retry_after, error.ident) == ("", "", None, None, None)


def test_a_hint_is_what_an_exception_says_where_there_is_no_detail() -> None:
    assert str(errors.Malformed(hint="an id is a string or an integer")) == "an id is a string or an integer"


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_every_failure_has_one_of_the_four_roots_and_all_it_needs(leaf: type[GatewayError]) -> None:
    assert issubclass(leaf, Refusal | errors.UpstreamFailure | errors.Busy | errors.Fault)
    assert isinstance(leaf.code, str)
    assert 400 <= leaf.status <= 599
    assert leaf.public
    assert leaf(retry_after=1.5, data={"a": 1}).retry_after == 1.5


def test_only_busy_and_fault_blame_the_gateway() -> None:
    """Ours: bad input never makes a 500 or 503."""
    for leaf in LEAVES:
        if issubclass(leaf, Refusal):
            assert leaf.status < 500, leaf

"""A token stands for its value within one run, and is nothing anywhere else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ostiary.adapters.store.pseudonyms import Pseudonyms

ONE = Pseudonyms(b"k" * 32)
KINDS = st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True)


@given(st.text(min_size=1), KINDS, st.text())
def test_a_token_turns_back_where_it_was_made(value: str, kind: str, run: str) -> None:
    token = ONE.token(run, kind, value)
    assert ONE.reveal(run, f"to {token}, please") == f"to {value}, please"
    assert token.isascii()
    assert token == ONE.token(run, kind, value)


@given(st.text(min_size=4))
def test_a_token_says_nothing_of_its_value_but_its_kind_and_length(value: str) -> None:
    token = ONE.token("run", "email", value)
    assert value not in token.removeprefix("[email~")
    assert len(token) == len(ONE.token("run", "email", "x" * len(value.encode("utf-8", "surrogatepass"))))


def test_a_token_of_another_run_another_key_or_another_kind_stays_as_it_is() -> None:
    token = ONE.token("run", "email", "ana@example.com")
    assert ONE.reveal("other", token) == token
    assert Pseudonyms(b"j" * 32).reveal("run", token) == token
    assert ONE.reveal("run", token.replace("email", "phone")) == token.replace("email", "phone")
    assert ONE.token("other", "email", "ana@example.com") != token


def test_what_only_looks_like_a_token_stays_as_it_is() -> None:
    for text in ("[email~" + "A" * 22 + "]", "[email~" + "A" * 23 + "]", "[email~]", "[~AAAA]"):
        assert ONE.reveal("run", text) == text


def test_a_run_and_a_kind_cannot_be_shifted_into_each_other() -> None:
    token = ONE.token("run a", "b", "value")
    assert ONE.reveal("run ", token.replace("[b~", "[ab~")) == token.replace("[b~", "[ab~")

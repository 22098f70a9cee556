"""Whether a caller who was let in is still to be let in."""

from __future__ import annotations

import msgspec
import pytest

from ostiary.adapters.identity.standing import Standing
from ostiary.adapters.identity.tokens import caller
from ostiary.core.errors import Overloaded
from ostiary.core.model import Token

TOKEN = Token("tok_1", "ana", "", ("dev",), (), (), (), 0.0, 100.0)
ANA = caller(TOKEN)


class Book:
    """The tokens there are, and how often somebody looked."""

    def __init__(self) -> None:
        self.token: Token | None = TOKEN
        self.looks, self.generation, self.now = 0, 1, 50.0
        self.broken = False
        self.standing = Standing(self.look, lambda: self.generation, lambda: self.now)

    def look(self, ident: str) -> Token | None:
        assert ident == "tok_1"
        self.looks += 1
        if self.broken:
            raise Overloaded("locked")
        return self.token


async def test_a_good_token_is_looked_up_once_while_nothing_changes() -> None:
    book = Book()
    assert [await book.standing(ANA) for _ in range(3)] == [True] * 3
    assert book.looks == 1
    book.generation = 2
    assert await book.standing(ANA)
    assert book.looks == 2


@pytest.mark.parametrize("change", [None, {"revoked": 40.0}, {"subject": "bea"}])
async def test_a_token_that_was_revoked_or_is_another_s_does_not_stand(change: dict[str, object] | None) -> None:
    book = Book()
    assert await book.standing(ANA)
    book.generation = 2
    book.token = None if change is None else msgspec.structs.replace(TOKEN, **change)
    assert not await book.standing(ANA)
    assert not await book.standing(ANA)


async def test_a_token_that_expired_is_not_even_looked_up() -> None:
    book = Book()
    book.now = 100.0
    assert not await book.standing(ANA)
    assert book.looks == 0


async def test_what_cannot_be_known_does_not_stand() -> None:
    """Ours: fail closed."""
    book = Book()
    book.broken = True
    assert not await book.standing(ANA)
    book.broken = False
    assert await book.standing(ANA)


async def test_a_token_that_was_rotated_meanwhile_stands_until_its_overlap_is_over() -> None:
    """Ours: a stream that was opened before must not outlive it."""
    book = Book()
    assert await book.standing(ANA)
    book.token, book.generation = msgspec.structs.replace(TOKEN, rotated=50.0, successor="tok_2", expires=60.0), 2
    assert await book.standing(ANA)
    book.now = 60.0
    assert not await book.standing(ANA), "its caller still says 100"

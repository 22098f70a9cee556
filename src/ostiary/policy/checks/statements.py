"""Is a text one SQL statement that only reads? Pure: it is parsed (sqlglot), and every part of it is looked at.

Comments are refused, for databases disagree about what is one, and some execute what is in them. So is whatever two
readers could split into words differently. Where no dialect is named, whatever dialects read differently is refused
as well. This does not replace an account at the database that may only read: what a view or an operator of the database
does inside is not in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from ostiary.policy.checks.vocabulary import FUNCTIONS, NAMED, NODES, STARTERS

LONGEST: Final = 16_384
"""Characters."""
MOST: Final = 2_000
"""Words and signs."""
DEEPEST: Final = 24
"""Brackets within brackets: what a parser is called anew for."""
_STEPS: Final = 12
"""Words that a parser may look at, for each there is: honest statements take it a tenth of that."""
DIALECTS: Final = (
    "bigquery", "clickhouse", "databricks", "duckdb", "mysql", "oracle", "postgres", "redshift", "snowflake", "spark",
    "sqlite", "trino", "tsql",
)  # fmt: skip
_QUOTING: Final = frozenset({
    TokenType.STRING, TokenType.IDENTIFIER, TokenType.NATIONAL_STRING, TokenType.HEX_STRING, TokenType.BIT_STRING,
    TokenType.BYTE_STRING, TokenType.RAW_STRING, TokenType.HEREDOC_STRING, TokenType.UNICODE_STRING,
})  # fmt: skip
_FIRST: Final = frozenset({TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN})
_OPENING: Final = {TokenType.L_PAREN: 1, TokenType.L_BRACKET: 1, TokenType.R_PAREN: -1, TokenType.R_BRACKET: -1}
# `replace(`, `truncate(` and `insert(` are functions as well; what is a function is judged by its name.
_FUNCTIONS_TOO: Final = frozenset({"truncate", "insert", "print"})
_BLANK: Final = re.compile(r"[ \t\r\n]*")
# Whether a backslash hides the quote after it depends on the database and on its settings.
_HIDDEN_QUOTE: Final = re.compile(r"\\['\"`]")
_DIFFERENT: Final = re.compile(r"[#$`\[\]{}\\@?]|::|:=|\"\"|'{3}")
_PATHLIKE: Final = frozenset("/\\:.@~")
_FOREIGN: Final = (SqlglotError, ValueError, KeyError, IndexError, AttributeError, TypeError, RecursionError)
"""What a parser may raise over a text that nobody wrote for it."""


class _Refused(Exception):
    """The statement is not one that only reads; the words say why, and what to do."""


def reading(text: str) -> Callable[[str], str | None]:
    """Return what says why a statement does more than read, by dialect and functions of one's own: `postgres+my_fn`."""
    dialect, *own = text.split("+") if text else [""]
    if dialect and dialect not in DIALECTS:
        raise ValueError(f"is no dialect that is known; write one of {', '.join(DIALECTS)}")
    if not all(re.fullmatch(r"[a-z_][a-z0-9_]*", each) for each in own):
        raise ValueError("names a function oddly; write lower-case names with a + before each, such as postgres+my_fn")
    named = NAMED | frozenset(own)

    def refused(value: str) -> str | None:
        try:
            _judge(value, dialect, named)
        except _Refused as error:
            return str(error)
        return None

    return refused


def _judge(text: str, dialect: str, named: frozenset[str]) -> None:
    if len(text) > LONGEST:
        raise _Refused(f"is longer than {LONGEST} characters; ask for less at once")
    if _HIDDEN_QUOTE.search(text):
        raise _Refused("has a backslash before a quote, which databases read differently; double the quote instead")
    try:
        tokens = sqlglot.tokenize(text, read=dialect or None)
    except _FOREIGN:
        raise _Refused("cannot be read: a quote or comment has no end; write one complete SELECT") from None
    if not tokens or tokens[0].token_type not in _FIRST:
        raise _Refused("does not begin with SELECT or WITH; write one SELECT")
    _split_one_way(text, tokens)
    if not dialect:
        _portable(text, tokens)
    _one_query(tokens)
    try:
        parsed = _parsed(text, tokens, dialect)
    except _FOREIGN:
        hint = (
            f"in {dialect}" if dialect else "in standard SQL; the rule can name a dialect, as in read-only-sql:postgres"
        )
        raise _Refused(f"cannot be parsed; write one SELECT {hint}") from None
    statements = [each for each in parsed if each is not None]
    if len(statements) != 1 or not isinstance(statements[0], exp.Select | exp.SetOperation | exp.Subquery):
        raise _Refused("is not one statement that only reads; write one SELECT")
    for node in statements[0].walk():
        _harmless(node, named)


def _parsed(text: str, tokens: list[Token], dialect: str) -> list[Any]:
    """Return the statements; `_Refused` where the parser goes back and forth more often than an honest one makes it.

    It tries one reading after the other, and within each again: forty words (`join a join a ...`) would take it days.
    """
    parser = sqlglot.Dialect.get_or_raise(dialect or None).parser()
    advance, left = parser._advance, _STEPS * len(tokens) + _STEPS  # noqa: SLF001 - no other place sees every step

    def counted(times: int = 1) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise _Refused("is too tangled to be read in reasonable time; write it flatter, with an ON for every JOIN")
        advance(times)

    parser._advance = counted  # type: ignore[method-assign]  # noqa: SLF001 - its methods look it up there
    return list(parser.parse(tokens, text))


# Words


def _split_one_way(text: str, tokens: Sequence[Token]) -> None:
    """Refuse what lies between words and is no blank: comments, whatever a dialect takes for one."""
    end = 0
    for token in tokens:
        if not _BLANK.fullmatch(text, end, token.start):
            raise _Refused("has a comment, or a blank that is none everywhere; write the statement without")
        # N'..' is one word; q'[..]' is one where it is known, and two that end elsewhere where it is not.
        if (
            end
            and token.start == end
            and token.token_type in _QUOTING
            and _wordy(text[end - 1])
            and _wordy(text[token.start - 1])
        ):
            raise _Refused("has a quote right after a word, which databases read differently; put a blank between")
        end = token.end + 1
    if not _BLANK.fullmatch(text, end):
        raise _Refused("ends in a comment; write the statement without")


def _wordy(character: str) -> bool:
    return character.isalnum() or character in "_&"


def _portable(text: str, tokens: Sequence[Token]) -> None:
    """Refuse what dialects read differently, inside of quotes and out."""
    if match := _DIFFERENT.search(text):
        raise _Refused(
            f"has {match[0]}, which databases read differently; write it without, or let the rule name the dialect, "
            "as in read-only-sql:postgres"
        )
    if any(token.token_type in _QUOTING - {TokenType.STRING, TokenType.IDENTIFIER} for token in tokens):
        raise _Refused("has a literal of one dialect; let the rule name it, as in read-only-sql:postgres")


def _one_query(tokens: Sequence[Token]) -> None:
    if len(tokens) > MOST:
        raise _Refused(f"has more than {MOST} words; ask for less at once")
    if any(token.token_type is TokenType.SEMICOLON for token in tokens[:-1]):
        raise _Refused("is more than one statement; write one, without ; in it")
    depth = 0
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        depth += _OPENING.get(token.token_type, 0)
        if depth > DEEPEST:
            raise _Refused(f"has more than {DEEPEST} brackets within brackets; write it flatter")
        _no_starter(token, after)


def _no_starter(token: Token, after: Token | None) -> None:
    word = token.text.casefold()
    if token.token_type in _QUOTING or word not in STARTERS:
        return
    if word in _FUNCTIONS_TOO and after is not None and after.token_type is TokenType.L_PAREN:
        return
    raise _Refused(
        f"has the word {word.upper()}, which does more than read; write one SELECT, and quote what is a name"
    )


# Nodes


def _harmless(node: Any, named: frozenset[str]) -> None:
    kind = type(node).__name__
    if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
        name = node.name.casefold()
        if name not in named:
            raise _Refused(
                f"calls {name[:64]}(), which is not known to only read; leave it out, or let the rule add +{name[:64]}"
            )
        return
    if kind not in NODES and kind not in FUNCTIONS:
        raise _Refused(f"has a part that is not known to only read ({kind}); write it without")
    for clause in _writing(node):
        raise _Refused(f"has {clause}, which does more than read; write it without")
    if isinstance(node, exp.Table) and not _table(node):
        raise _Refused("reads from a file and not from a table; name a table")


def _table(node: exp.Table) -> bool:
    """Say whether it is a table's name, or a function, which is judged by itself, and not the path of a file."""
    if isinstance(node.this, exp.Func):
        # A function of somebody's schema may have the name of a harmless one.
        return not node.args.get("db")
    alias = node.args.get("alias")
    if alias is not None and not alias.name:
        return False  # `file('/x')`, where a parser takes the name for a table's
    return all(isinstance(each, exp.Identifier) and _PATHLIKE.isdisjoint(each.name) for each in node.parts)


def _writing(node: Any) -> Iterator[str]:
    for key in ("into", "locks", "hint", "hints", "returning"):
        if node.args.get(key):
            yield key.upper()

"""Is a text one plain word, a line of words, a name, an address of mail? Pure.

Each is a set of characters that is allowed and not a list of those that are not. All patterns are of the linear kind:
what follows a repetition is never in it, or the engine is RE2.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import re2

LONGEST: Final = 4_096
_MAIL: Final = 254  # RFC 5321 section 4.5.3.1.3, without the angle brackets
_WORDS: Final = 256
_PATTERN: Final = 1_024
_MEMORY: Final = 1 << 20
# No shell gives any of these a meaning inside a word; `=` would make an assignment of the first word.
_WORD: Final = re.compile(r"[A-Za-z0-9_@:,./+][A-Za-z0-9_@:,./+-]*")
_OPTION: Final = re.compile(r"-{0,2}[A-Za-z0-9_@:,./+][A-Za-z0-9_@:,./+=-]*|--?")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
# RFC 5321 section 4.1.2 (Mailbox = Dot-string "@" Domain), without what a shell or a mail program takes for more: `|`,
# `$`, quotes, and a hyphen in front, which makes an option of the address.
_ATOM: Final = re.compile(r"[A-Za-z0-9_+=~][A-Za-z0-9_+=~-]*")
_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LOCAL: Final = 64


def word(text: str) -> str | None:
    """Return why a text is not one plain word that no shell takes for anything else; None where it is one."""
    if len(text) <= LONGEST and _WORD.fullmatch(text):
        return None
    return "is not one plain word; use letters, digits and _ @ : , . / + - only, and no - in front"


def line(text: str) -> str | None:
    """Return why a text is not a command line of plain words; None where it is one."""
    first, *rest = text.split(" ")[:_WORDS]
    plain = len(text) <= LONGEST and text.count(" ") < _WORDS and word(first) is None
    if plain and all(map(_OPTION.fullmatch, rest)):
        return None
    return (
        "is not a line of plain words; put one blank between words, without quotes, $, |, ;, &, <, >, *, ? or line ends"
    )


def entry(text: str) -> str | None:
    """Return why a text is not a plain word of a command that is given as a list; None where it is one."""
    if len(text) <= LONGEST and _OPTION.fullmatch(text):
        return None
    return "is not a plain word; leave out blanks, quotes, $, |, ;, &, <, >, *, ? and line ends"


def identifier(text: str) -> str | None:
    """Return why a text is not a plain name, as programs and databases have them; None where it is one."""
    if _IDENTIFIER.fullmatch(text):
        return None
    return "is not a plain name; use up to 128 letters, digits and _, and no digit in front"


def email(text: str) -> str | None:
    """Return why a text is not one plain address of mail; None where it is one."""
    local, _, domain = text.partition("@")
    labels = domain.split(".")
    if (
        len(text) <= _MAIL
        and len(local) <= _LOCAL
        and all(map(_ATOM.fullmatch, local.split(".")))
        and len(labels) > 1
        and all(map(_LABEL.fullmatch, labels))
    ):
        return None
    return "is not one plain address of mail; write name@example.com, without a display name or a second address"


def matching(pattern: str) -> Callable[[str], str | None]:
    """Return what says why a text does not match as a whole, in time linear in the text; ValueError: no pattern."""
    if len(pattern) > _PATTERN:
        raise ValueError(f"is longer than {_PATTERN} characters; write a shorter pattern")
    options = re2.Options()
    options.max_mem, options.log_errors = _MEMORY, False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ValueError(f"is no pattern of RE2 ({said}); look-around and back-references do not exist in it") from None

    def refused(text: str) -> str | None:
        return None if compiled.fullmatch(text) else f"does not match {pattern}; write it in that form"

    return refused

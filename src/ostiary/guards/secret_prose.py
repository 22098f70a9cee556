"""Secrets that a sentence tells ("le mot de passe du compte est …"), and those whose name heads a block. Pure."""

# ruff: noqa: E501, RUF001
# A pattern is one string: cut in two, it cannot be read; its quotation marks are those that people write.

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import re2

from ostiary.guards.matching import Candidate, hits
from ostiary.guards.secret_pairs import CHOSEN_KEYS, DRAWN_KEYS, QUOTED, UNQUOTED, names_something_else, weighed

# Without a bound on their length: the engine keeps a state for each count, and there would be too many.
_WORD: Final = r"[^\s:;,\"=<>(){}]+"
_VERB: Final = r"(?:is|was|are|will be|ist|war|wird|lautet|est|était|sera|es|era|fue|será|é|foi|è|sarà|luidt|jest|to|brzmi|było|będzie|är|er|on|je|это)"
_NOW: Final = (
    r"(?:now|currently|still|again|therefore|jetzt|nun|aktuell|derzeit|weiterhin|maintenant|désormais|actuellement|toujours|ahora|actualmente"
    r"|agora|atualmente|ora|adesso|attualmente|nu|momenteel|voortaan|teraz|obecnie|nadal)"
)
_SAID: Final = (
    rf"(?i:({CHOSEN_KEYS})((?:[ ]{_WORD}){{0,5}}?)[ ]{_VERB}(?:[ ]{_NOW})?(?:[ ]{{0,2}}:)?[ ](?:{QUOTED}|{UNQUOTED}))"
)
HINT: Final = rf"(?i)(?:{CHOSEN_KEYS})[ ]"
_BARE: Final = 8
_HEADED: Final = rf"(?i:\b(?:variable|output|param|parameter)[ \t]{{1,4}}[\"']?([\w\-]{{0,32}}(?:{CHOSEN_KEYS}|{DRAWN_KEYS})[\w\-]{{0,24}})[\"']?[ \t]{{0,8}}[{{(][^{{}}]*?\b(?:default|value)[\"']?[ \t]{{0,16}}[=:][ \t]{{0,4}}[\"']([^\"'\n]{{3,}})[\"'])"
HEADED_HINT: Final = rf"(?i)\b(?:variable|output|param|parameter)[ \t]+[\"']?[\w\-]*(?:{CHOSEN_KEYS}|{DRAWN_KEYS})"
# "the password is 8-character", "is auto-generated": what is said of one, and not it.
_OF_IT: Final = re2.compile(r"^(?:\d+[\-–]?\p{L}{2,}|\p{L}{2,}(?:[\-–'’]\p{L}+)*)[.,:;!?)]*$")


def said(raw: bytes) -> Iterator[Candidate]:
    """Yield the secrets that a sentence tells, with words between what it is and the verb."""
    for hit in hits(_SAID, raw):
        key = raw[hit.whole : hit.head].decode("utf-8", "replace")
        value = raw[hit.start : hit.end].decode("utf-8", "replace")
        words = raw[hit.head : hit.start].decode("utf-8", "replace").split()
        quoted = hit.group != _BARE
        if (words and names_something_else(f"{key} {words[0]}")) or (not quoted and _OF_IT.search(value)):
            continue
        yield from weighed(raw, key, (hit.start, hit.end), quoted=quoted, inside=hit.whole)


def headed(raw: bytes) -> Iterator[Candidate]:
    """Yield the secrets that stand as a default in a block whose head names them, as in Terraform."""
    for hit in hits(_HEADED, raw):
        key = raw[hit.whole : hit.head].decode("utf-8", "replace").rpartition('"')[2].rpartition(" ")[2]
        yield from weighed(raw, key, (hit.start, hit.end), quoted=True, inside=hit.whole)

"""What stands around a number and says what it is: words before and behind it, its key. Pure."""

# ruff: noqa: E501
# A pattern is one string: cut in two, it cannot be read.

from __future__ import annotations

from typing import Final

import re2

_BEFORE, _BEHIND, _MASKED = 72, 24, 64
_CAMEL: Final = re2.compile(r"(\p{Ll})(\p{Lu})")
_PART: Final = re2.compile(r"^\w+")
_JOINS: Final = str.maketrans(dict.fromkeys("_-\t\n\r\"'`:=", " "))
# A word of another trade directly in front: the digits behind "order no. " are an order's, whatever they would check to.
_OTHER: Final = re2.compile(
    r"(?i)(?:order|invoice|sku|part|isbn|issn|doi|ticket|tracking|parcel|shipment|build|version|commit|serial|item|batch|lot|product|model"
    r"|ref|reference|transaction|txn?|request|trace|span|correlation|event|job|pid|port|case|article|upc|ean|gtin|asin|barcode|receipt"
    r"|revision|checksum|hash|offset|timestamp|epoch|bytes|size|duration|nonce|seed|section|chapter|draft|row|record|object|message|snowflake|tweet|user ?agent)"
    r"(?:s|ed|_?id|_?no)?(?:[ _\-]?(?:id|no|num|number|ref|code|nr|key))?(?: (?:is|was)\b)?[.\s\"'`:=#\-\[(\\|>,]{0,8}$"
)
# Up to four words, and another version, may stand between.
_FEW: Final = r"(?:[\s:=\"'`(,]+(?:\p{L}+|v?\d[\w.\-]*)){0,4}[\s:=\"'`(v]*$"
_VERSION: Final = re2.compile(
    rf"(?i)\b(?:versions?|v|upgrad\w*|downgrad\w*|bump\w*|releas\w*|hotfix|patched|firmware|driver|build|aktualisiert|mis à jour|actualizad\w*){_FEW}"
)
_CHANGED: Final = re2.compile(rf"(?i)\b(?:updat|chang|mov|roll|went|migrat)\w*{_FEW}")
_FROM: Final = re2.compile(
    r"(?i)\b(?:updat|chang|mov|roll|went|migrat)\w*(?: \p{L}+){0,3} from [\"'`(]*v?\d+(?:\.\d+)+[\"'`)]* \S+ [\"'`(]*v?$"
)
_TO: Final = re2.compile(rb"(?i)^[\"'`)]* (?:to|->|=>|auf|vers|a) v?\d+\.\d+")
_MASK: Final = re2.compile(r"\[[a-z0-9\-]+:(?:[a-z0-9\-]+|…[^\]]{1,8})\]|ost-tok-[a-z0-9]+-[a-z2-7]{10}")


def around(raw: bytes, start: int, end: int, extra: str) -> str:
    """Return the words around a place in small letters, and `extra`; they end where something was masked before."""
    # Wider than what is read by the longest mask: half a mask at the border would be read as a word.
    before = raw[max(0, start - _BEFORE - _MASKED) : start].decode("utf-8", "ignore")
    behind = raw[end : end + _BEHIND + _MASKED].decode("utf-8", "ignore")
    masks = list(_MASK.finditer(before))
    if masks:
        before = before[masks[-1].end() :]
    if len(before) > _BEFORE:
        before = _PART.sub("", before[-_BEFORE:])
    masked = _MASK.search(behind)
    behind = behind[: masked.start()] if masked else behind
    words = f"{extra} {before} {behind[:_BEHIND]}"
    return str(_CAMEL.sub(r"\1 \2", words).translate(_JOINS).lower())


def of_another_trade(raw: bytes, start: int, head: str) -> bool:
    """Say whether the word directly in front, or the column's head, makes the digits something else than a person's."""
    before = raw[max(0, start - _BEFORE // 2) : start].decode("utf-8", "ignore")
    return _OTHER.search(before) is not None or (head != "" and _OTHER.search(head) is not None)


def of_a_version(raw: bytes, start: int, end: int) -> bool:
    """Say whether four numbers with dots between are a version, as the words before them tell: "upgraded from …"."""
    before = raw[max(0, start - _BEFORE) : start].decode("utf-8", "ignore")
    if _VERSION.search(before) is not None or _FROM.search(before) is not None:
        return True
    return _CHANGED.search(before) is not None and _TO.search(raw[end : end + _BEHIND]) is not None

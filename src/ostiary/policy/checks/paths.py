"""Is a path inside a folder, in every way in which a server may read it? Pure.

The judgement is about the text alone: the file system is the server's, and a link in it may still lead out. What a
server may read in two ways must be inside in both: as it stands and decoded, with backslashes as separators and
without, with signs that only look like a slash and with what they look like.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from msgspec import Struct

LONGEST: Final = 4_096
"""Characters; Linux takes no more octets (PATH_MAX)."""
_READINGS: Final = 12
"""Decoded over and over, an honest path has two or three."""
_ESCAPED: Final = re.compile(r"%[0-9A-Fa-f]{2}")
# IIS took %uXXXX for a character; nothing else does, so that whoever writes it means such a server.
_ODD_ESCAPE: Final = re.compile(r"%[uU][0-9A-Fa-f]{4}")
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_FILE: Final = re.compile(r"file:", re.IGNORECASE)
_FILE_URL: Final = re.compile(r"file:(?://(?:localhost)?)?(?P<path>/[^?#]*)", re.IGNORECASE)
# Compatibility folding (NFKC) turns the full-width and small forms into / \ . ~ %. These it leaves alone, though fonts
# show them, and code pages of Windows ("best fit") turn them into, what they look like.
_ALIKE: Final = str.maketrans({
    **dict.fromkeys("\\\u2044\u2215\u29f8\u2571\u27cb\u2216\u29f5\u29f9\u2572\u27cd\u00a5\u20a9", "/"),
    **dict.fromkeys("\u2027\u00b7\u3002", "."),
})  # fmt: skip
_HIDING: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_DEVICES: Final = re.compile(
    r"(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])(?:[ .].*)?", re.IGNORECASE
)


class Folder(Struct, frozen=True):
    """A folder: its root (`/`, or a drive such as `c:/`) and the names that lead to it from there."""

    root: str
    names: tuple[str, ...]


class _Outside(Exception):
    """A reading that is not inside; the words say why, and what to do."""


def folder(text: str) -> Folder:
    """Return a folder that a rule names; ValueError where its spelling is not plain."""
    if not _plain(text):
        raise ValueError("is not the plain spelling of a folder; write it from the root, without . or .. or %")
    return _split(text)


def inside(text: str) -> Callable[[str], str | None]:
    """Return what says why a path is not inside one of these folders (`/srv/docs,/srv/pub`); ValueError: no folders."""
    folders = tuple(folder(each.strip()) for each in text.split(","))
    shown = " or ".join(each.strip() for each in text.split(","))

    def refused(value: str) -> str | None:
        try:
            within = all(any(_within(reading, each) for each in folders) for reading in _readings(value))
        except _Outside as error:
            return str(error)
        return None if within else f"is not inside {shown}; write the whole path from there on"

    return refused


def _plain(text: str) -> bool:
    if not (text.startswith("/") or _DRIVE.match(text)) or text != _folded(text):
        return False
    body = text[2:] if _DRIVE.match(text) else text
    if not body.startswith("/") or "//" in body or "%" in text or ":" in body or "~" in text:
        return False
    names = [name for name in body.split("/") if name]
    return not any(set(name) <= {".", " "} for name in names) and not any(map(_hiding, text))


def _readings(text: str) -> Iterator[str]:
    """Yield every way to read the text as a path; `_Outside` where a way leads nobody knows where."""
    if len(text) > LONGEST:
        raise _Outside(f"is longer than {LONGEST} characters; write a shorter path")
    todo, seen = [_addressed(text)], set[str]()
    while todo:
        reading = todo.pop()
        if reading in seen:
            continue
        seen.add(reading)
        if len(seen) > _READINGS:
            raise _Outside("is encoded over and over; write the path as it is")
        if hidden := next(filter(_hiding, reading), ""):
            raise _Outside(f"has a character that nobody sees (U+{ord(hidden):04X}); write the path without it")
        yield reading
        todo += [_decoded(reading), _folded(reading)]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_ALIKE)


def _addressed(text: str) -> str:
    """Return the path that a `file:` URL names, and any other text as it is."""
    if not _FILE.match(text):
        return text
    match = _FILE_URL.fullmatch(text)
    if match is None or match["path"].startswith("//"):
        raise _Outside("is a file: URL of another machine, or with more than a path; write file:///, or the path alone")
    path = match["path"]
    return path[1:] if _DRIVE.match(path, 1) else path


def _decoded(text: str) -> str:
    if _ODD_ESCAPE.search(text):
        raise _Outside("has a %u escape, which servers read differently; write the character itself")
    if not _ESCAPED.search(text):
        return text
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise _Outside("has percent escapes that are no characters (UTF-8); write the characters themselves") from None


def _hiding(character: str) -> bool:
    return unicodedata.category(character) in _HIDING


def _within(reading: str, folder: Folder) -> bool:
    """Say whether one reading is inside; `_Outside` where only the server knows where it leads."""
    found = _split(reading)
    if found.root != folder.root or len(found.names) < len(folder.names):
        return False
    head = found.names[: len(folder.names)]
    if folder.root == "/":
        return head == folder.names
    return [name.casefold() for name in head] == [name.casefold() for name in folder.names]


def _split(reading: str) -> Folder:
    drive = _DRIVE.match(reading)
    body = reading[2:] if drive else reading
    if not drive and reading.startswith("//"):
        raise _Outside("begins with two slashes, which may name another machine; write one")
    if not body.startswith("/"):
        raise _Outside("does not begin at the root, and where it begins only the server knows; write the whole path")
    names = tuple(name for name in body.split("/") if name not in ("", "."))
    for name in names:
        _unambiguous(name, windows=drive is not None)
    return Folder(f"{drive[0].casefold()}/" if drive else "/", names)


def _unambiguous(name: str, *, windows: bool) -> None:
    # `..` is no step back where the folder before it is a link. Windows drops dots and blanks at a name's end.
    if set(name) <= {".", " "}:
        raise _Outside(
            "has a .. or a name of dots and blanks; where that leads only the server knows, write it without"
        )
    if windows and (":" in name or _DEVICES.fullmatch(name)):
        raise _Outside("names a stream or a device of Windows; write the path of a file")

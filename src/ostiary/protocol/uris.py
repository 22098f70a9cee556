"""Resource URI templates (RFC 6570) as matchers, and label patterns. Pure.

Templates come from upstreams and meet URIs from clients, so they are compiled for an engine that is linear in its
input (CVE-2026-0621 was a template that was not).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

import re2

_EXPRESSION: Final = re.compile(r"\{([+#./;?&]?)([^{}]*)\}")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.")
_LONGEST: Final = 2048
_BORDERS: Final = ("/", "?", "#", "")
# RFC 3986 section 6.2.2: hexadecimal digits are capitals, unreserved characters are not encoded, dot segments are gone.
_SPELLED: Final = re2.compile(
    r"[\x00-\x1f\x7f]"
    r"|%(?:[0-9A-Fa-f]?[a-f]|[a-f][0-9A-Fa-f])"
    r"|%(?:2[DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])"
    r"|(?:^|[/\\:]|%2F|%5C)\.{1,2}(?:[/\\?#]|%2F|%5C|$)"
)


def normal(uri: str) -> bool:
    """Say whether a URI is spelled the one way that rules can be written for.

    `file:///pub/../etc/passwd` begins like what `files:file:///pub/*` allows, and `file:///%65tc/passwd` does not begin
    like what `files:file:///etc/*` denies; the server that resolves both would read the same file.
    """
    return len(uri) <= _LONGEST and _SPELLED.search(uri) is None


def absolute(uri: str) -> bool:
    """Say whether a text can name a resource: it begins with a scheme, and everything in it can be seen.

    RFC 3986 knows no blanks and no letters beyond ASCII, but servers list such URIs, and what is listed can be read.
    """
    return _SCHEME.match(uri) is not None and uri.isprintable()


@lru_cache(maxsize=4096)
def fits(template: str) -> Callable[[str], bool]:
    """Return the test whether a URI could be an expansion of `template`; ValueError where it is too long to trust."""
    if len(template) > _LONGEST:
        raise ValueError("the URI template is too long")
    parts, end = [], 0
    for found in _EXPRESSION.finditer(template):
        parts.append(re2.escape(template[end : found.start()]))
        parts.append(_hole(found.group(1), found.group(2)))
        end = found.end()
    parts.append(re2.escape(template[end:]))
    compiled = re2.compile("(?s)" + "".join(parts))
    return lambda uri: normal(uri) and compiled.fullmatch(uri) is not None


def _hole(operator: str, variables: str) -> str:
    """Return what one expression may expand to; a simple variable never goes beyond its path segment."""
    match operator:
        case "+":
            return r".+"
        case "#":
            return r"(?:#.*)?"
        case "?" | "&":
            return r"(?:[?&][^#]*)?"
        case "/":
            return r"(?:/.*)?" if "*" in variables else r"(?:/[^/?#]*)*"
        case "." | ";":
            return r"(?:[.;][^/?#]*)?"
    return r"[^/?#]+"


@lru_cache(maxsize=4096)
def pattern(glob: str) -> Callable[[str], bool]:
    """Return the test for a label pattern, where `*` stands for any text, and nothing else is special."""
    if "*" not in glob:
        return glob.__eq__
    compiled = re2.compile("(?s)" + ".*".join(re2.escape(part) for part in glob.split("*")))
    return lambda text: compiled.fullmatch(text) is not None


def wholes(uri: str) -> Iterator[str]:
    """Yield a URI, and everything that it is a part of, by their spelling: `file:///a/b` is a part of `file:///a`.

    What rules could not be written for is a part of nothing (see `normal`).
    """
    yield uri
    if not normal(uri):
        return
    for place, letter in enumerate(uri):
        if letter in _BORDERS:
            if uri[place - 1 : place] not in _BORDERS:
                yield uri[:place]
            if place + 1 < len(uri):
                yield uri[: place + 1]

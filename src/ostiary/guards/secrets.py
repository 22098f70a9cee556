"""Secrets in a text: one pass over all hints, then only the patterns that may match, then their checks. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ostiary.guards import secret_pairs, secret_prose
from ostiary.guards.engine import encoded
from ostiary.guards.found import Found
from ostiary.guards.matching import Candidate, Hints, hits, told
from ostiary.guards.secret_checks import CHECKS
from ostiary.guards.secret_forms import FORMS
from ostiary.guards.secret_kinds import CLOUDS, CODE, MODELS
from ostiary.guards.secret_services import CHAT, MAIL, OFFICE, PAYMENTS, WATCHING

KIND: Final = "secret"
KINDS: Final = (*CLOUDS, *CODE, *MODELS, *CHAT, *PAYMENTS, *MAIL, *WATCHING, *OFFICE, *FORMS)
SLUGS: Final = frozenset({"private-key", "password", "secret-value", *(each.slug for each in KINDS)})
"""The last parts of the rules that this module can report."""
_PEM = len(KINDS)
_BESIDE: Final = {
    _PEM + 1: (secret_pairs.HINT, secret_pairs.pairs),
    _PEM + 2: (secret_pairs.FLAG_HINT, secret_pairs.flags),
    _PEM + 3: (secret_pairs.CELL_HINT, secret_pairs.cells),
    _PEM + 4: (secret_pairs.SPACED_HINT, secret_pairs.spaced),
    _PEM + 5: (secret_prose.HINT, secret_prose.said),
    _PEM + 6: (secret_prose.HEADED_HINT, secret_prose.headed),
}
_BEGIN: Final = r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
_HINTS: Final = Hints(
    [(each.hint, row) for row, each in enumerate(KINDS)]
    + [(_BEGIN, _PEM), *((hint, row) for row, (hint, _) in _BESIDE.items())]
)
_KEY_SHOWN, _PEM_SHORTEST, _DASHES = 64, 40, b"-----"


def search(text: str, key: str = "") -> tuple[Found, ...]:
    """Return the secrets in a text; `key` is the name that the text is kept under, where it has one."""
    before = f"{key[-_KEY_SHOWN:]}: " if key else ""
    raw = encoded(before + text)
    rows = _HINTS.rows(raw)
    named = key != "" and secret_pairs.telling(key)
    if not rows and not named:
        return ()
    found = [each for row in rows for each in _row(row, raw)]
    if named:
        found += _leaf(key, text, len(encoded(before)), len(raw))
    return told(raw, found, KIND, before)


def _leaf(key: str, text: str, start: int, end: int) -> Iterator[Candidate]:
    slug, score = secret_pairs.leaf(key, text)
    if score:
        yield Candidate(start, end, slug, score)


def _row(row: int, raw: bytes) -> Iterator[Candidate]:
    if row == _PEM:
        yield from _private_keys(raw)
    elif row in _BESIDE:
        yield from _BESIDE[row][1](raw)
    else:
        yield from _shaped(row, raw)


def _shaped(row: int, raw: bytes) -> Iterator[Candidate]:
    kind = KINDS[row]
    check = CHECKS[kind.check]
    for hit in hits(kind.pattern, raw):
        score = check(raw[hit.start : hit.end].decode("utf-8", "replace"))
        if score:
            yield Candidate(hit.start, hit.end, kind.slug, kind.score * score)


def _private_keys(raw: bytes) -> Iterator[Candidate]:
    """Yield private keys in PEM, also those whose end was cut off: the first half of a key is a secret too."""
    for hit in hits(_BEGIN, raw):
        stop = raw.find(_DASHES, hit.end)
        body = raw[hit.end : stop if stop >= 0 else len(raw)]
        if sum(map(bytes.isalnum, (body[place : place + 1] for place in range(min(len(body), 400))))) < _PEM_SHORTEST:
            continue
        end = len(raw) if stop < 0 else stop
        if raw.startswith(b"-----END ", end):
            end = max(end, raw.find(_DASHES, end + 9) + len(_DASHES))
        yield Candidate(hit.whole, end, "private-key", 1.0)

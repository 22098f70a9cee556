"""What each way to change the past is called, and what it means for whoever reads the ledger. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import structs

from ostiary.integrity.chain import Problem

MEANING: Final = {
    "changed": "this record says something else than what the gateway wrote; what it says proves nothing",
    "inserted": "this record was not written by the gateway, and what it tells never happened as told",
    "missing": "what the gateway wrote here was taken out; nobody can tell from this ledger what it was",
    "reordered": "the records are genuine, but did not happen in this order",
    "duplicated": "the record is genuine, and happened once",
    "truncated": "what the gateway wrote after this was cut off; look for it in a backup",
    "rolled-back": "the folder is whole, and older than what is known: somebody, or a restored backup, put an earlier "
    "state back, and everything that was written since is missing",
    "signature": "whoever wrote this did not have the ledger's key, so it vouches for nothing before it",
    "foreign": "this was written with another key: by another gateway, or by somebody who made the past anew",
    "version": "it was written by a newer gateway; verify with that version",
}
"""By kind of problem."""


def ordered(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems with the first wrong record first: those of segments, then those of other files."""
    return sorted(problems, key=lambda each: (bool(each.file), each.file, each.segment, each.line))


def moved(problem: Problem, file: str) -> Problem:
    """Return a problem that lies in a file which is no segment."""
    return structs.replace(problem, file=file)

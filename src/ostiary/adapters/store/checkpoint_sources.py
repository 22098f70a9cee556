"""Checkpoints as they were kept elsewhere: one file, a folder of an object store's objects, or what syslog received."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from ostiary.adapters.store.ledger_read import lines
from ostiary.integrity.chain import Line

_BEGINS: Final = b'{"cause":"'
_GLANCE: Final = 1000
_RECENT: Final = 4096
"""How many checkpoints back one may be repeated: a delivery whose end was not acknowledged is sent again, whole."""


def is_log(path: Path) -> bool:
    """Say whether a file is what a syslog receiver wrote: its lines begin with when, where and who."""
    return path.is_file() and not any(line.raw.startswith(_BEGINS) for line in islice(lines(0, path), _GLANCE))


def kept(path: Path, chain: str) -> Iterator[Line]:
    """Yield the lines that were kept elsewhere of a chain, whichever way."""
    if path.is_dir():
        return _objects(path)
    return _logged(path, chain) if is_log(path) else lines(0, path)


def _objects(folder: Path) -> Iterator[Line]:
    number = 0
    for path in sorted(folder.rglob("*.jsonl"), key=lambda each: each.name):
        for line in lines(0, path):
            number += 1
            yield Line(0, number, line.raw)


def _logged(path: Path, chain: str) -> Iterator[Line]:
    """Yield what a receiver wrote, once each. It may hold other gateways' too, and what other programs said."""
    ours = b'"chain":"%b"' % chain.encode()
    # Where nothing is of this chain, what there is of others shows that somebody put another folder here.
    some = any(ours in line.raw for line in lines(0, path))
    recent: deque[bytes] = deque(maxlen=_RECENT)
    for line in lines(0, path):
        at = line.raw.find(_BEGINS)
        raw = line.raw[at:]
        if at < 0 or (some and ours not in raw) or raw in recent:
            continue
        recent.append(raw)
        yield Line(0, line.number, raw)

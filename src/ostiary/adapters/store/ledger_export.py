"""The ledger written out for other programs: security events, log lines, columns. Pieces of text, or one file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.adapters.store.ledger_read import Entry, Placed, merged
from ostiary.protocol import cef, leef, ocsf
from ostiary.protocol.happening import Happening, Joining, happening

_ROWS: Final = 50_000
"""Rows of one group in a Parquet file: what is in memory at a time."""


class NoParquet(Exception):
    """The library that writes Parquet is not installed."""


def happenings(placed: Iterable[Placed]) -> Iterator[Happening]:
    """Yield every call that ended and every event, and at the end the calls of which no outcome is known."""
    joining, chain = Joining(most=1 << 20), ""
    for place in placed:
        if place.record.get("type") == "open":
            chain = str(place.record.get("chain", ""))
        told = joining.whole(place.record)
        if told is not None:
            yield happening(told, chain)
    for record in joining.unfinished():
        yield happening(record, chain)


def lines(placed: Iterable[Placed], form: str, version: str) -> Iterator[str]:
    """Yield one line for each call and event."""
    write = writer(form, version)
    for told in happenings(placed):
        yield write(told) + "\n"


def writer(form: str, version: str) -> Callable[[Happening], str]:
    """Return what writes one happening as one line, for `ocsf`, `cef` or `leef`."""
    match form:
        case "cef":
            return lambda told: cef.line(told, version)
        case "leef":
            return lambda told: leef.line(told, version)
        case _:
            return lambda told: msgspec.json.encode(ocsf.event(told, version)).decode()


def parquet(placed: Iterable[Placed], path: Path) -> int:
    """Write a Parquet file with one row for each call and event, and return how many; raise `NoParquet`."""
    try:
        # 150 MB that one command in a thousand needs: the rest must not pay for it at its start.
        arrow, writing = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise NoParquet from error
    columns = [name for name in Entry.__struct_fields__ if name != "words"]
    kinds = {"n": arrow.int64(), "segment": arrow.int32(), "offset": arrow.int64(), "ms": arrow.float64()}
    schema = arrow.schema([(name, kinds.get(name, arrow.string())) for name in columns])
    count, rows = 0, merged(placed)
    with writing.ParquetWriter(path, schema, compression="zstd") as file:
        while some := list(islice(rows, _ROWS)):
            file.write_table(arrow.Table.from_pylist([_row(each, columns) for each in some], schema=schema))
            count += len(some)
    return count


def _row(entry: Entry, columns: list[str]) -> Mapping[str, Any]:
    return {name: getattr(entry, name) for name in columns}

"""Read the configuration files of other MCP clients and say them again as Ostiary servers. Pure.

`read(text, filename)` and `read_all(documents)` return an `Imported`: servers, notes, and where secrets were found.
`surface(imported)` is its YAML, `entries(imported)` the same as plain values. Secrets never get that far: while
reading, each literal that looks like one is replaced by an `env:NAME` reference and only its place is kept.
"""

from ostiary.config.foreign.model import Imported, Note, Secret, Server, Unreadable
from ostiary.config.foreign.reading import read, read_all
from ostiary.config.foreign.render import entries, surface

__all__ = ["Imported", "Note", "Secret", "Server", "Unreadable", "entries", "read", "read_all", "surface"]

"""An example server over stdio: a small notes store on SQLite. `python -m ostiary.demo.notes FILE`."""

from __future__ import annotations

import argparse
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

_TABLE: Final = "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL)"
INDEX: Final = "notes://index"
_LISTED: Final = 100
_PATIENCE: Final = 10.0
"""Seconds that one process waits for another to finish writing: the gateway may start one for each caller."""

Title = Annotated[str, Field(min_length=1, max_length=200, description="What the note is called.")]
Text = Annotated[str, Field(max_length=20_000, description="What it says.")]
Query = Annotated[str, Field(max_length=200, description="Words to look for in titles and texts; empty finds all.")]
Most = Annotated[int, Field(ge=1, le=_LISTED, description="How many notes to return at most.")]
NoteId = Annotated[int, Field(ge=1, description="The id of the note, as search_notes returns it.")]


class Note(BaseModel, frozen=True):
    """One note. A model, for the SDK makes an output schema from one and none from a class with slots."""

    id: int
    title: str
    text: str


def _note(row: tuple[int, str, str]) -> Note:
    return Note(id=row[0], title=row[1], text=row[2])


@dataclass(frozen=True, slots=True)
class Store:
    """Notes in one SQLite file. A connection lives for one call, so that calls may run on any thread."""

    path: Path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=_PATIENCE)
        try:
            with connection:
                connection.execute(_TABLE)
                yield connection
        finally:
            connection.close()

    def add(self, title: str, text: str) -> Note:
        """Keep a new note and return it with its id."""
        with self._open() as rows:
            made = rows.execute("INSERT INTO notes (title, text) VALUES (?, ?) RETURNING id", (title, text)).fetchone()
        return Note(id=made[0], title=title, text=text)

    def search(self, query: str, most: int) -> list[Note]:
        """Return the notes that contain the text, newest first."""
        # LIKE has wildcards that a search for "100%" does not mean; instr has none.
        found = "SELECT id, title, text FROM notes WHERE instr(lower(title || char(10) || text), lower(?)) > 0"
        with self._open() as rows:
            return [_note(row) for row in rows.execute(f"{found} ORDER BY id DESC LIMIT ?", (query, most))]

    def read(self, note: int) -> Note | None:
        """Return a note, if it exists."""
        with self._open() as rows:
            row = rows.execute("SELECT id, title, text FROM notes WHERE id = ?", (note,)).fetchone()
        return _note(row) if row else None

    def delete(self, note: int) -> bool:
        """Delete a note for good; say whether there was one."""
        with self._open() as rows:
            return rows.execute("DELETE FROM notes WHERE id = ?", (note,)).rowcount == 1


def server(store: Store) -> MCPServer[None]:
    """Return the server with its four tools, its resources and its prompt."""
    made: MCPServer[None] = MCPServer(
        "ostiary-demo-notes",
        title="Notes",
        version="1.0.0",
        instructions="A small notes store. Search before you add.",
        log_level="WARNING",
    )
    _add_reading(made, store)
    _add_writing(made, store)

    # One index, and a template for the rest: a list that grew with every note would change what is offered, and a
    # gateway holds back what nobody approved.
    @made.resource(INDEX, name="index", title="All notes", mime_type="application/json")
    def index() -> str:
        """Return the URI and the title of every note, newest first."""
        return json.dumps([{"uri": f"notes://{note.id}", "title": note.title} for note in store.search("", _LISTED)])

    @made.resource("notes://{id}", name="note", title="A note", mime_type="text/plain")
    def note(id: int) -> str:  # noqa: A002 - named as in the URI template
        """One note: its title and its text."""
        found = store.read(id)
        if found is None:
            raise ResourceNotFoundError(f"there is no note {id}")
        return f"{found.title}\n\n{found.text}"

    @made.prompt(title="Summarise notes")
    def summarise_notes(query: Query = "") -> str:
        """Ask for a summary of the notes that contain some words."""
        found = store.search(query, 20)
        told = "\n\n".join(f"Note {note.id}: {note.title}\n{note.text}" for note in found)
        return f"Summarise these notes in five sentences at most, and name the ids you used.\n\n{told or '(no notes)'}"

    return made


def _add_reading(made: MCPServer[None], store: Store) -> None:
    reading = ToolAnnotations(read_only_hint=True, open_world_hint=False)

    @made.tool(title="Search notes", annotations=reading)
    def search_notes(query: Query = "", limit: Most = 20) -> list[Note]:
        """Find notes by words in their title or text, newest first."""
        return store.search(query, limit)

    @made.tool(title="Read a note", annotations=reading)
    def read_note(note_id: NoteId) -> Note:
        """Read one note by its id."""
        found = store.read(note_id)
        if found is None:
            raise ToolError(_missing(note_id))
        return found


def _add_writing(made: MCPServer[None], store: Store) -> None:
    adding = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
    deleting = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)

    @made.tool(title="Add a note", annotations=adding)
    def add_note(title: Title, text: Text) -> Note:
        """Write a new note and return it with its id."""
        return store.add(title, text)

    @made.tool(title="Delete a note", annotations=deleting)
    def delete_note(note_id: NoteId) -> str:
        """Delete one note for good."""
        if not store.delete(note_id):
            raise ToolError(_missing(note_id))
        return f"Note {note_id} is deleted."


def _missing(note: int) -> str:
    return f"There is no note {note}. search_notes lists the notes that exist."


def main() -> None:
    """Serve on standard input and output until they close."""
    parser = argparse.ArgumentParser(prog="python -m ostiary.demo.notes", description=__doc__)
    parser.add_argument("file", type=Path, help="the SQLite file; made when it does not exist")
    server(Store(parser.parse_args().file)).run("stdio")


if __name__ == "__main__":
    main()

"""Text of one or several foreign files → `Imported`. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final

from ostiary.config.foreign import arguments, references
from ostiary.config.foreign.clerk import Clerk, Place, printable, unique
from ostiary.config.foreign.drafts import Draft, draft
from ostiary.config.foreign.model import Imported, Server, Unreadable
from ostiary.config.foreign.remotes import remote
from ostiary.config.foreign.secrecy import masked, pieces, suspicious
from ostiary.config.foreign.shapes import entries_of
from ostiary.config.foreign.text import decoded
from ostiary.config.problems import Unfit
from ostiary.config.values import directory, variable

# Tools are named server__tool within 64 characters; half of it is left to the tool.
LONGEST_NAME: Final = 32


def read(text: str, filename: str) -> Imported:
    """Return the servers of one client's configuration; raise `Unreadable`, and nothing else, when there are none."""
    return read_all([(text, filename)])


def read_all(documents: Sequence[tuple[str, str]], taken: Collection[str] = ()) -> Imported:
    """Return the servers of several (text, filename), named apart from each other and from the names `taken`."""
    read_so_far = [_drafts(text, filename) for text, filename in documents]
    drafts = [one for _, found in read_so_far for one in found]
    clerk = Clerk(_known(drafts), {name: ("variable", name) for one in drafts for name in _variables(one)})
    servers: dict[str, Server] = {}
    seen: dict[str, Draft] = {}
    for one in drafts:
        name = _free_name(clerk, seen, one, taken)
        made = _server(clerk, one, name) if name else None
        if made:
            servers[name] = made
    return Imported(
        tuple(servers.values()), tuple(clerk.notes), tuple(clerk.secrets), tuple(form for form, _ in read_so_far)
    )


def _drafts(text: str, filename: str) -> tuple[str, list[Draft]]:
    failure: Unreadable
    try:
        form, tree = decoded(text, filename)
        if entries := entries_of(tree):
            return form, [replace(made, at=f"{filename}: {made.at}") for made in map(draft, entries)]
        failure = Unreadable(
            f"no MCP servers were found in this {form}",
            suggestion="Look for a file with `mcpServers`, `servers`, `mcp_servers`, `context_servers` or `extensions`",
        )
    except Unreadable as error:
        failure = error
    raise failure.inside(filename)


def _known(drafts: Iterable[Draft]) -> frozenset[str]:
    """Every secret that can be told by its place or form, before anything is written anywhere."""
    found: set[str] = set()
    for one in drafts:
        for name, value in (*one.env.items(), *one.headers.items(), (None, one.url), (None, one.cwd)):
            literal = references.rest(value) if references.embedded(value) else value
            if suspicious(name, literal):
                found |= pieces(literal.strip())
        found |= arguments.exposed(one.command)
    return frozenset(found)


def _variables(one: Draft) -> frozenset[str]:
    """Return the variables that the clients' own references name: those are not ours to give away."""
    texts = (*one.command, *one.env.values(), *one.headers.values(), one.url, one.cwd)
    return frozenset(name for text in texts for name in references.variables(text))


def _free_name(clerk: Clerk, seen: dict[str, Draft], one: Draft, taken: Collection[str]) -> str:
    """Return the name to import a draft under, or nothing if it stands there already or cannot be used."""
    name = _name(clerk, one)
    if one.skip:
        clerk.note(name, "dropped", f"left out: {one.skip} ({one.at})")
        return ""
    same = next((known for known, other in seen.items() if replace(other, at=one.at) == one), None)
    if same:
        clerk.note(same, "dropped", f"stands again, the same, in {one.at}")
        return ""
    free = unique(name, (*seen, *taken), LONGEST_NAME)
    if free != name:
        clerk.note(free, "renamed", f"the name {name} was taken: {one.at} became {free}")
    seen[free] = one
    return free


def _name(clerk: Clerk, one: Draft) -> str:
    if clerk.betrays(one.name):
        clerk.note("server", "renamed", "a server's name holds a secret and was not copied")
        return "server"
    name = re.sub(r"[^a-z0-9]+", "-", one.name.lower()).strip("-")
    name = (name if name[:1].isalpha() else f"server-{name}")[:LONGEST_NAME].strip("-")
    if name != one.name:
        clerk.note(
            name,
            "renamed",
            f"{one.name!r} became {name}: names are a letter, then a-z, 0-9 and -, {LONGEST_NAME} at most",
        )
    return name


def _server(clerk: Clerk, one: Draft, name: str) -> Server | None:
    for remark in one.remarks:
        clerk.note(name, "dropped" if remark.startswith("not carried") else "changed", remark)
    if one.disabled:
        clerk.note(
            name, "changed", "it is switched off in its client, and so it is here: remove `disabled: true` to use it"
        )
    start = Server(name, printable(masked(one.at, clerk.known)), disabled=one.disabled)
    return remote(clerk, one, start) if one.url else _local(clerk, one, start)


def _local(clerk: Clerk, one: Draft, start: Server) -> Server:
    command, moved = arguments.written(clerk, start.name, one.command)
    env = {**_environment(clerk, one, start.name), **moved}
    return replace(start, command=command, env=env, cwd=_folder(clerk, one, start.name))


def _folder(clerk: Clerk, one: Draft, server: str) -> str:
    if not one.cwd:
        return ""
    try:
        if not references.embedded(one.cwd) and not clerk.why(None, one.cwd):
            return directory(one.cwd)
    except Unfit:
        # Said once, below, for every reason.
        pass
    clerk.note(server, "dropped", "its cwd is relative to something only its client knows: write the whole path")
    return ""


def _environment(clerk: Clerk, one: Draft, server: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in one.env.items():
        if clerk.betrays(key) or not _usable(key):
            clerk.note(
                server, "dropped", "an environment variable was left out: its name is not of letters, digits and _"
            )
            continue
        found[key] = clerk.written(Place(server, f"env.{key}", key, references.variable_name(key)), value)
    return found


def _usable(key: str) -> bool:
    try:
        return bool(variable(key))
    except Unfit:
        return False

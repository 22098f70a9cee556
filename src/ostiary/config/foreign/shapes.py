"""Where each client keeps its servers inside its file: tree → entries. Pure.

The table of clients, files and root keys is in docs; whatever the root, an entry's own keys are read by `drafts.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ostiary.config.foreign.model import Tree
from ostiary.config.foreign.packages import bundle, catalogue, registry


@dataclass(frozen=True, slots=True)
class Entry:
    """One server as its client wrote it. Never shown: the body still holds what the file holds."""

    name: str
    at: str
    body: Tree

    def __repr__(self) -> str:
        """Name the place only."""
        return f"Entry({self.at!r})"


# Root keys whose value maps names to servers, or lists servers that name themselves.
_ROOTS: Final = (
    ("mcpServers",),  # Claude, Cursor, Windsurf, Gemini, Antigravity, Copilot CLI, Cline, Kiro, LM Studio, Continue
    ("servers",),  # VS Code, .vscode/mcp.json
    ("mcp", "servers"),  # VS Code settings.json, opencode 2
    ("mcp", "mcpServers"),
    ("customizations", "vscode", "mcp", "servers"),  # devcontainer.json
    ("mcp_servers",),  # Codex
    ("context_servers",),  # Zed
    ("amp.mcpServers",),
    ("amp", "mcpServers"),
)
_RESERVED: Final = frozenset({"servers", "mcpServers", "targets", "inputs"})


def entries_of(tree: Tree) -> list[Entry]:
    """Return every server of a document, in the order of the document."""
    if isinstance(tree, list):
        return list(_listed(tree, "list"))
    if not isinstance(tree, dict):
        return []
    found = [entry for collect in _COLLECTORS for entry in collect(tree)]
    return found or list(_rootless(tree))


def _roots(tree: dict[str, Tree]) -> Iterator[Entry]:
    for path in _ROOTS:
        yield from _named_or_listed(_at(tree, *path), ".".join(path))


def _projects(tree: dict[str, Tree]) -> Iterator[Entry]:
    """Claude Code's ~/.claude.json keeps servers per project folder, next to those of the user."""
    projects = tree.get("projects")
    for folder, project in (projects if isinstance(projects, dict) else {}).items():
        if isinstance(project, dict):
            yield from _named_or_listed(project.get("mcpServers"), f"projects[{folder}].mcpServers")


def _opencode(tree: dict[str, Tree]) -> Iterator[Entry]:
    block = tree.get("mcp")
    if isinstance(block, dict):
        yield from _named(
            {name: body for name, body in block.items() if name not in _RESERVED and looks_like_server(body)},
            "mcp",
        )


def _goose(tree: dict[str, Tree]) -> Iterator[Entry]:
    block = tree.get("extensions")
    if isinstance(block, dict):
        yield from _named(
            {name: body for name, body in block.items() if isinstance(body, dict) and "type" in body},
            "extensions",
        )
    elif isinstance(block, list):
        yield from _listed([item for item in block if isinstance(item, dict) and "type" in item], "extensions")


def _agentgateway(tree: dict[str, Tree]) -> Iterator[Entry]:
    for at, block in _mcp_blocks(tree, ""):
        targets = block.get("targets")
        for target in targets if isinstance(targets, list) else []:
            if isinstance(target, dict):
                yield Entry(str(target.get("name") or "server"), f"{at}.targets", _target(target))


def _mcp_blocks(tree: Tree, at: str) -> Iterator[tuple[str, dict[str, Tree]]]:
    """Yield the `mcp:` of the short form, and those of binds[].listeners[].routes[].backends[]."""
    if not isinstance(tree, dict):
        return
    if isinstance(block := tree.get("mcp"), dict):
        yield f"{at}mcp", block
    for step in ("binds", "listeners", "routes", "backends"):
        items = tree.get(step)
        for number, item in enumerate(items if isinstance(items, list) else []):
            yield from _mcp_blocks(item, f"{at}{step}[{number}].")


def _target(target: dict[str, Tree]) -> Tree:
    if isinstance(stdio := target.get("stdio"), dict):
        return stdio
    for kind in ("mcp", "sse"):
        remote = target.get(kind)
        if isinstance(remote, dict):
            return {"type": "sse" if kind == "sse" else "http", "url": _joined(remote)}
    return {name: value for name, value in target.items() if name != "name"}


def _joined(remote: dict[str, Tree]) -> str:
    host, port, path = (str(remote.get(part) or "") for part in ("host", "port", "path"))
    if "://" in host:
        return host
    return f"{'https' if port == '443' else 'http'}://{host}{f':{port}' if port else ''}/{path.lstrip('/')}"


def _packaged(tree: dict[str, Tree]) -> Iterator[Entry]:
    for at, name, body in (*catalogue(tree), *registry(tree), *bundle(tree)):
        yield Entry(name, at, body)


_COLLECTORS: Final[tuple[Callable[[dict[str, Tree]], Iterator[Entry]], ...]] = (
    _roots, _projects, _opencode, _goose, _agentgateway, _packaged,
)  # fmt: skip


def _rootless(tree: dict[str, Tree]) -> Iterator[Entry]:
    """Read a snippet pasted without its root: one server, or several under their names."""
    if looks_like_server(tree):
        yield Entry(str(tree.get("name") or "server"), "the whole file", tree)
    elif tree and all(looks_like_server(body) for body in tree.values()):
        yield from _named(tree, "the whole file")


def looks_like_server(body: Tree) -> bool:
    """Whether a mapping starts a process or names a URL."""
    return isinstance(body, dict) and any(
        isinstance(body.get(key), str | list | dict) for key in ("command", "cmd", "url", "serverUrl", "httpUrl", "uri")
    )


def _named_or_listed(block: Tree, at: str) -> Iterator[Entry]:
    if isinstance(block, dict):
        yield from _named(block, at)
    elif isinstance(block, list):
        yield from _listed(block, at)


def _named(block: dict[str, Tree], at: str) -> Iterator[Entry]:
    return (Entry(name, f"{at}.{name}", body) for name, body in block.items())


def _listed(block: list[Tree], at: str) -> Iterator[Entry]:
    for number, body in enumerate(block):
        name = body.get("name") or body.get("id") if isinstance(body, dict) else None
        yield Entry(str(name or "server"), f"{at}[{number}]", body)


def _at(tree: Tree, *path: str) -> Tree:
    for step in path:
        tree = tree.get(step) if isinstance(tree, dict) else None
    return tree

"""What identities must be between them: one source each, no issuer twice, authorities for certificates. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ostiary.config.problems import Path, Problem
from ostiary.config.tree import Scalar, Table, problem_at, select

_OF_ISSUER = ("audience", "algorithms", "jwks", "subject", "roles", "teams", "scopes", "skew", "access_tokens_only",
              "bound", "introspection", "allow_private")  # fmt: skip


def anybody(root: Table) -> bool:
    """Say whether the configuration says who may speak, besides tokens of our own."""
    return any(True for _ in _tables(root))


def check(root: Table) -> Iterator[Problem]:
    """Yield what is wrong between identities."""
    seen: dict[str, Path] = {}
    asked: list[Path] = []
    for path, table in _tables(root):
        yield from _one_source(root, path, table)
        issuer = _text(table, "issuer")
        if issuer and issuer in seen:
            other = ".".join(str(step) for step in seen[issuer])
            yield problem_at(root, (*path, "issuer"), f"is the issuer of {other}, too", "keep one of the two")
        seen.setdefault(issuer, path)
        if "introspection" in table.items:
            asked.append((*path, "introspection"))
    for path in asked[1:]:
        # An opaque token says nothing of who made it, and must not be shown to everybody in turn.
        yield problem_at(root, path, "only one identity can be asked about opaque tokens", "remove it here, or there")


def _one_source(root: Table, path: Path, table: Table) -> Iterator[Problem]:
    issuer, certificates = "issuer" in table.items, "certificates" in table.items
    if issuer == certificates:
        said = "has both issuer and certificates" if issuer else "has neither issuer nor certificates"
        yield problem_at(root, path, said, "write issuer: https://..., or certificates: {names: [...]}")
        return
    if not certificates:
        return
    for key in (key for key in _OF_ISSUER if key in table.items):
        yield problem_at(root, (*path, key), "is only for identities with an issuer", "remove it")
    if not any(True for _ in select(root, "gateway", "tls", "client_ca")):
        yield problem_at(
            root, (*path, "certificates"), "no client certificate is ever asked for", "name gateway.tls.client_ca"
        )


def _tables(root: Table) -> Iterator[tuple[Path, Table]]:
    for path, node in select(root, "identity", "*"):
        if isinstance(node, Table):
            yield path, node


def _text(table: Table, key: str) -> str:
    node = table.items.get(key)
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""

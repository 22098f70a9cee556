"""What identities must be between them, and what the authorization server needs of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ostiary.config import units
from ostiary.config.problems import Path, Problem, Unfit
from ostiary.config.tree import Node, Scalar, Table, child, problem_at, select
from ostiary.policy import redirects

_OF_ISSUER = ("audience", "algorithms", "jwks", "subject", "roles", "teams", "scopes", "skew", "access_tokens_only",
              "bound", "introspection", "client", "access_tokens",
              "assertions", "allow_private")  # fmt: skip
_LONGEST_ACCESS: Final = 30 * 60.0
"""Seconds. Whoever loses their roles keeps a token that was made before; that must be short."""


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
    yield from _ambiguous(root)
    yield from _server(root)
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


def _server(root: Table) -> Iterator[Problem]:
    """Yield what is wrong with the authorization server."""
    table = child(root, "authorization")
    own = _text(child(root, "gateway"), "url")
    if not isinstance(table, Table):
        for path, _ in select(root, "identity", "*", "assertions"):
            yield problem_at(root, path, "nothing exchanges assertions", "add authorization: {}")
        return
    if not any(True for _ in select(root, "identity", "*", "client")) and not any(
        select(root, "authorization", "services", "*")
    ):
        yield problem_at(
            root, ("authorization",), "has nobody to give tokens to: people cannot sign in, and there are no services",
            "give one of the identities a client: {id, secret}",
        )  # fmt: skip
    for path, node in select(root, "identity", "*", "issuer"):
        if own and isinstance(node, Scalar) and node.value == own:
            yield problem_at(root, path, "is the gateway itself", "remove it: authorization: is enough")
    yield from _lasting(root)
    yield from _programs(root, table)


def _ambiguous(root: Table) -> Iterator[Problem]:
    """Yield audiences that ID tokens have: whoever signs in anywhere by that client would have an access token."""
    for path, table in _tables(root):
        ident = _text(child(table, "client"), "id")
        for place, node in select(root, *(str(step) for step in path), "audience", "*"):
            if ident and isinstance(node, Scalar) and node.value == ident:
                yield problem_at(
                    root, place, "is the client's id, which is the audience of ID tokens",
                    "register the gateway as an API of its own, and name that audience",
                )  # fmt: skip


def _lasting(root: Table) -> Iterator[Problem]:
    for path, node in select(root, "authorization", "access"):
        try:
            found = units.seconds(node.value) if isinstance(node, Scalar) else 0.0
        except Unfit:
            continue
        if found > _LONGEST_ACCESS:
            yield problem_at(
                root, path, "is longer than 30 minutes",
                "write at most 30m; programs renew their tokens by themselves",
            )  # fmt: skip


def _programs(root: Table, table: Table) -> Iterator[Problem]:
    schemes = tuple(
        node.value
        for _, node in select(table, "private_schemes", "*")
        if isinstance(node, Scalar) and isinstance(node.value, str)
    )
    for path, node in select(root, "authorization", "clients", "*", "redirects", "*"):
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            continue
        try:
            found = redirects.parsed(node.value, ("*",))
        except ValueError:
            continue  # The schema has said so.
        if found.kind == "private" and not {"*", found.host.removesuffix(":")} & set(schemes):
            yield problem_at(
                root, path, "has a scheme that is not taken",
                f"add {found.host.removesuffix(':')} to authorization.private_schemes",
            )  # fmt: skip
    for path, service in select(root, "authorization", "services", "*"):
        if isinstance(service, Table) and ("secret" in service.items) == ("jwks" in service.items):
            yield problem_at(root, path, "needs either secret or jwks", "keep one way to prove who it is")


def _tables(root: Table) -> Iterator[tuple[Path, Table]]:
    for path, node in select(root, "identity", "*"):
        if isinstance(node, Table):
            yield path, node


def _text(table: Node | None, key: str) -> str:
    node = table.items.get(key) if isinstance(table, Table) else None
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""

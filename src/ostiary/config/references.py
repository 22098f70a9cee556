"""What no single key can know: that names lead somewhere, that keys go together, that nothing is said twice. Pure.

Everything is checked on the tree and not on the finished configuration, so that a mistake in one place does not hide
the mistakes in others. What has the wrong shape is passed over here; the schema has said so.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlsplit

from ostiary.config import alerts, capture, narrowing, prices, scopes, speakers, uses, values
from ostiary.config.problems import Path, Problem, Unfit, did_you_mean
from ostiary.config.tree import Node, Scalar, Table, child, place, problem_at, select, tables, texts

_PATTERNS: Final = (
    ("rules", "*", "allow", "*"),
    ("rules", "*", "deny", "*"),
    ("limits", "*", "on", "*"),
    ("runaways", "*", "on", "*"),
    ("alerts", "*", "where", "tool", "*"),
    ("guards", "*", "on", "*"),
    ("guards", "*", "reveal", "*"),
    ("views", "*", "include", "*"),
    ("expect", "*", "can", "*"),
    ("expect", "*", "held", "*"),
    ("expect", "*", "cannot", "*"),
)
_OF_COMMAND: Final = ("env", "cwd", "shared", "idle", "start_timeout")
_TRANSPORTS: Final = ("command", "url", "sse")
_OF_URL: Final = ("allow_private", "headers", "credential", "tls", "tls_keys", "unsafe_plain_http")
_WHO: Final = ("roles", "teams", "subjects", "clients", "agents")


def check(root: Table) -> Iterator[Problem]:
    """Yield everything that is wrong between keys."""
    for law in _LAWS:
        yield from law(root)


def _text(node: Node, *steps: str) -> str:
    return next((text for _, text in texts(node, *steps)), "")


def _has(table: Table, key: str) -> bool:
    node = table.items.get(key)
    return node is not None and not (isinstance(node, Scalar) and node.value is None)


def _is_true(node: Node, *steps: str) -> bool:
    return any(isinstance(found, Scalar) and found.value is True for _, found in select(node, *steps))


def _listens_safely(root: Table) -> Iterator[Problem]:
    try:
        address = values.listen(_text(root, "gateway", "listen"))
    except Unfit:
        return
    safe = speakers.anybody(root) or _is_true(root, "gateway", "unsafe_listen_without_identity")
    if values.is_loopback(address.host) or safe:
        return
    yield problem_at(
        root,
        ("gateway", "listen"),
        "without an identity the gateway listens on loopback only",
        f"write 127.0.0.1:{address.port}, or set unsafe_listen_without_identity: true",
        of_value=True,
    )


def _listens_encrypted(root: Table) -> Iterator[Problem]:
    try:
        address = values.listen(_text(root, "gateway", "listen"))
    except Unfit:
        return
    gateway = child(root, "gateway")
    secured = isinstance(gateway, Table) and (_has(gateway, "tls") or any(texts(gateway, "trusted_proxy", "*")))
    if secured or values.is_loopback(address.host) or _is_true(root, "gateway", "unsafe_plaintext"):
        return
    yield problem_at(
        root,
        ("gateway", "listen"),
        "without TLS the gateway listens on loopback only",
        "give it a certificate with gateway.tls, name the proxy that has one in gateway.trusted_proxy, "
        "or set unsafe_plaintext: true",
        of_value=True,
    )


def _metrics_are_either(root: Table) -> Iterator[Problem]:
    path = ("gateway", "unsafe_open_metrics")
    if _is_true(root, *path) and _text(root, "gateway", "metrics", "token"):
        yield problem_at(root, path, "metrics cannot be open and need a token", "remove one of the two")


def _one_transport(root: Table) -> Iterator[Problem]:
    for path, server in tables(root, "servers", "*"):
        said = [key for key in _TRANSPORTS if _has(server, key)]
        if len(said) > 1:
            yield problem_at(
                root, path, f"has both {said[0]} and {said[1]}", "keep one: a process to start, or an endpoint"
            )
        if not said:
            yield problem_at(
                root, path, "has neither command nor url", "write command: [program, argument] or url: https://..."
            )
        if said in (["command"], ["url"], ["sse"]):
            wrong, needed = (_OF_URL, "url or sse") if said == ["command"] else (_OF_COMMAND, "command")
            for key in (key for key in wrong if _has(server, key)):
                yield problem_at(root, (*path, key), f"is only for servers with {needed}", "remove it")
        if said == ["sse"] and _text(server, "era") == "modern":
            yield problem_at(
                root, (*path, "era"), "is newer than the transport of sse", "remove it, or write url: instead of sse:"
            )


def _reached_safely(root: Table) -> Iterator[Problem]:
    for key in ("url", "sse"):
        for path, server in tables(root, "servers", "*"):
            yield from _reached(root, (*path, key), _text(server, key), server)


def _reached(root: Table, at: Path, url: str, server: Table) -> Iterator[Problem]:
    try:
        parts = urlsplit(values.server_url(url))
    except Unfit:
        return
    host = parts.hostname or ""
    if parts.scheme == "http" and not values.is_loopback(host) and not _is_true(server, "unsafe_plain_http"):
        yield problem_at(
            root,
            at,
            "is not encrypted and leads off this machine",
            "write https://..., or set unsafe_plain_http: true",
            of_value=True,
        )
    if parts.scheme == "http" and _has(server, "tls_keys"):
        # Nobody proves anything without TLS, and a pin that is never looked at is worse than none.
        yield problem_at(root, (*at[:-1], "tls_keys"), "is only for https", "write https://..., or remove it")
    yield from _private(root, at, host, server)


def _told_safely(root: Table) -> Iterator[Problem]:
    for path, receiver in tables(root, "notify", "*"):
        try:
            parts = urlsplit(values.server_url(_text(receiver, "url")))
        except Unfit:
            continue
        host, near = parts.hostname or "", tuple(_networks(receiver))
        if parts.scheme == "http" and not values.is_loopback(host) and not near:
            todo = "write https://..., or name its network in allow_private"
            yield problem_at(root, (*path, "url"), "is not encrypted and leads off this machine", todo, of_value=True)
        yield from _private(root, (*path, "url"), host, receiver)


def _private(root: Table, path: Path, host: str, server: Table) -> Iterator[Problem]:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host.casefold() == "localhost" else host)
    except ValueError:
        return
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_global or any(address in network for network in _networks(server)):
        return
    network = f"{address}/{address.max_prefixlen}"
    if address.is_link_local:
        # 169.254.169.254 hands out a cloud's credentials; nobody should be told how to let the gateway fetch them.
        yield problem_at(root, path, "leads to a link-local address", "use the server's own address", of_value=True)
        return
    yield problem_at(
        root,
        path,
        "leads to an address that is not public",
        f"add allow_private: [{network}] if that is meant",
        of_value=True,
    )


def _networks(server: Table) -> Iterator[values.Network]:
    for _, text in texts(server, "allow_private", "*"):
        try:
            yield values.network(text)
        except Unfit:
            continue


def _certificates_with_keys(root: Table) -> Iterator[Problem]:
    for path, tls in tables(root, "servers", "*", "tls"):
        if _has(tls, "certificate") != _has(tls, "key"):
            yield problem_at(root, path, "certificate and key go together", "give both or neither")


def _headers_once(root: Table) -> Iterator[Problem]:
    for path, headers in tables(root, "servers", "*", "headers"):
        seen: dict[str, str] = {}
        for key in headers.items:
            first = seen.setdefault(key.casefold(), key)
            if first != key:
                yield problem_at(root, (*path, key), f"is the same header as {first}", "keep one of them")


def _tools_are_either(root: Table) -> Iterator[Problem]:
    for path, tool in tables(root, "servers", "*", "tools", "*"):
        if _is_true(tool, "destructive") and _is_true(tool, "read_only"):
            yield problem_at(root, path, "cannot be destructive and read_only", "keep one of the two")


def _servers_exist(root: Table) -> Iterator[Problem]:
    servers = tuple(found.items) if isinstance(found := child(root, "servers"), Table) else ()
    named = [(path, text) for site in _PATTERNS for path, text in texts(root, *site)]
    for changed in ("rename", "describe", "set"):
        for path, table in tables(root, "views", "*", changed):
            named += [((*path, key), key) for key in table.items]
    for path, text in named:
        server = values.server_of(text)
        if not server or any(values.globbed(server, known) for known in servers) or server == "*":
            continue
        what = f'no server is called "{server}"' if "*" not in server else f'no server\'s name fits "{server}"'
        at_value = path[-2] not in ("rename", "describe", "set")
        yield problem_at(root, path, what, did_you_mean(server, servers) or _listed(servers), of_value=at_value)
    for path, table in tables(root, "telemetry", "propagate_to"):
        for server in (each for each in table.items if each not in servers):
            what = f'no server is called "{server}"'
            yield problem_at(root, (*path, server), what, did_you_mean(server, servers) or _listed(servers))


def _listed(servers: tuple[str, ...]) -> str:
    return f"the servers are {', '.join(sorted(servers)[:10])}" if servers else "there are no servers"


def _rules_are_whole(root: Table) -> Iterator[Problem]:
    for path, rule in tables(root, "rules", "*"):
        allow, deny = _has(rule, "allow"), _has(rule, "deny")
        if allow == deny:
            said = "both allow and deny" if allow else "neither allow nor deny"
            yield problem_at(
                root, path, f"has {said}", "make it two rules" if allow else "write allow: [...] or deny: [...]"
            )
        if allow and not any(_has(rule, key) for key in _WHO):
            yield problem_at(
                root,
                (*path, "allow"),
                "does not say who",
                'add roles, teams, subjects, clients or agents; subjects: ["*"] means everyone with a valid token',
            )
        if deny and not allow and _has(rule, "limit"):
            yield problem_at(root, (*path, "limit"), "is only for rules that allow", "remove it")
        if deny and not allow and _has(rule, "scopes"):
            # They only narrow what is allowed: a deny rule would deny all the same, and look as if it did not.
            todo = "move it to the rules that allow: whoever lacks a scope that they demand is refused"
            yield problem_at(root, (*path, "scopes"), "is only for rules that allow", todo)
        if deny and not allow and _has(rule, "approval"):
            todo = "write unless_approved: it denies unless people approve the call"
            yield problem_at(root, (*path, "approval"), "is only for rules that allow", todo)
        if allow and not deny and _has(rule, "unless_approved"):
            todo = "write approval: it allows what people approve"
            yield problem_at(root, (*path, "unless_approved"), "is only for rules that deny", todo)


def _limits_bound_something(root: Table) -> Iterator[Problem]:
    for path, limit in tables(root, "limits", "*"):
        if not any(_has(limit, key) for key in ("calls", "concurrent", "bytes", "seconds", "spend")):
            yield problem_at(root, path, "limits nothing", "add calls: 600/min, concurrent: 20, or both")


def _names_once(root: Table) -> Iterator[Problem]:
    for section in ("rules", "limits", "guards", "runaways", "exports", "alerts"):
        first: dict[str, Path] = {}
        for path, name in texts(root, section, "*", "name"):
            if first.setdefault(name, path) != path:
                line = place(root, first[name]).line
                yield problem_at(
                    root, path, f"this name is taken on line {line}", "every name is unique", of_value=True
                )


def _guards_are_whole(root: Table) -> Iterator[Problem]:
    yield from uses.check(root)
    for path, guard in tables(root, "guards", "*"):
        if _has(guard, "reveal") and _text(guard, "then") != "tokenize":
            said = "nothing to reveal: only tokens can be turned back"
            yield problem_at(root, (*path, "reveal"), said, "write then: tokenize, or remove it")


def _views_are_whole(root: Table) -> Iterator[Problem]:
    servers = child(root, "servers")
    for path, view in tables(root, "views", "*"):
        name = str(path[-1])
        if child(servers, name) is not None:
            yield problem_at(root, path, "a server has this name", "give the view a name of its own")
        included = [text for _, text in texts(view, "include", "*")]
        yield from _renamed(root, (*path, "rename"), view, included)


def _renamed(root: Table, path: Path, view: Table, included: list[str]) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for key, new in ((str(path[-1]), text) for path, text in texts(view, "rename", "*")):
        at = (*path, key)
        if ":" in key.partition(".")[0]:
            yield problem_at(
                root, at, "only tools and prompts have names to change", "remove it; clients reach it by its URI"
            )
        elif values.server_of(key) and included and not any(values.covers(pattern, key) for pattern in included):
            yield problem_at(root, at, "is renamed, but not included", "add it to include, or remove it")
        if taken.setdefault(new, key) != key:
            yield problem_at(root, at, f"gets the same name as {taken[new]}", "every new name is unique", of_value=True)


def _expectations_expect(root: Table) -> Iterator[Problem]:
    for path, expectation in tables(root, "expect", "*"):
        can = {text for key in ("can", "held") for _, text in texts(expectation, key, "*")}
        if not can and not any(True for _ in texts(expectation, "cannot", "*")):
            yield problem_at(root, path, "expects nothing", "add can: [...] or cannot: [...]")
        for at, text in texts(expectation, "cannot", "*"):
            if text in can:
                yield problem_at(
                    root, (*path, *at), "is expected both ways", "keep it in can or in cannot", of_value=True
                )


_LAWS: Final[tuple[Callable[[Table], Iterator[Problem]], ...]] = (
    _listens_safely,
    _listens_encrypted,
    speakers.check,
    scopes.check,
    _metrics_are_either,
    _one_transport,
    _reached_safely,
    _certificates_with_keys,
    _headers_once,
    _tools_are_either,
    _servers_exist,
    _rules_are_whole,
    _limits_bound_something,
    prices.check,
    _names_once,
    _guards_are_whole,
    _views_are_whole,
    _expectations_expect,
    narrowing.check,
    alerts.check,
    capture.check,
    _told_safely,
)

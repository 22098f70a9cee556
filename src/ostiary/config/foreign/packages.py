"""Descriptions of servers rather than a client's list: Docker catalogue, registry server.json, MCPB manifest. Pure.

Each is said again as the entry a client would have: a command with its environment, or a URL with its headers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from ostiary.config.foreign.model import Tree

Body = tuple[str, str, Tree]
"""Where it stands, its name, and the entry."""


def catalogue(tree: dict[str, Tree]) -> Iterator[Body]:
    """Read Docker's MCP catalogue: `registry: NAME: {image, command, env, secrets, volumes}` or `remote`."""
    listed = tree.get("registry")
    for name, item in (listed if isinstance(listed, dict) else {}).items():
        if not isinstance(item, dict):
            continue
        if isinstance(remote := item.get("remote"), dict):
            yield f"registry.{name}", name, {**remote, "type": remote.get("transport_type")}
        elif isinstance(image := item.get("image"), str):
            yield f"registry.{name}", name, _container(image, item)


def _container(image: str, item: dict[str, Tree]) -> Tree:
    env: dict[str, Tree] = {}
    for pair in _mappings(item.get("env")):
        env[_text(pair.get("name"))] = pair.get("value")
    for secret in _mappings(item.get("secrets")):
        env[_text(secret.get("env"))] = f"${{{_text(secret.get('env'))}}}"
    env.pop("", None)
    volumes = [part for volume in _texts(item.get("volumes")) for part in ("-v", volume)]
    return _docker([*volumes, image, *_texts(item.get("command"))], env)


def _docker(rest: list[str], env: dict[str, Tree]) -> Tree:
    named: list[Tree] = [part for name in env for part in ("-e", name)]
    return {"command": "docker", "args": ["run", "-i", "--rm", *named, *rest], "env": env}


def registry(tree: dict[str, Tree]) -> Iterator[Body]:
    """Read the official registry's server.json: the first package that can be started, or else the first remote."""
    inner = tree.get("server")
    if isinstance(inner, dict) and ("packages" in inner or "remotes" in inner):
        tree = inner
    if not isinstance(name := tree.get("name"), str):
        return
    short = name.rpartition("/")[2]
    for number, package in enumerate(_mappings(tree.get("packages"))):
        if (body := _package(package)) is not None:
            yield f"packages[{number}]", short, body
            return
    for number, remote in enumerate(_mappings(tree.get("remotes"))):
        if remote.get("url"):
            yield f"remotes[{number}]", short, {**remote, "headers": _inputs(remote.get("headers"))}
            return


def _package(package: dict[str, Tree]) -> Tree:
    kind = _text(package.get("registryType") or package.get("registry_type") or package.get("registry_name"))
    identifier = _text(package.get("identifier") or package.get("name"))
    if kind not in _STARTERS or not identifier:
        return None
    env = _inputs(package.get("environmentVariables") or package.get("environment_variables"))
    runtime = _arguments(package.get("runtimeArguments"))
    rest = _arguments(package.get("packageArguments"))
    if kind in {"oci", "docker"}:
        return _docker([*runtime, identifier, *rest], env)
    start = _STARTERS[kind](identifier, _text(package.get("version")))
    command: list[Tree] = [start[0], *runtime, *start[1:], *rest]
    return {"command": command, "env": env}


def _versioned(joint: str) -> Callable[[str, str], str]:
    return lambda identifier, version: f"{identifier}{joint}{version}" if version else identifier


_at = _versioned("@")
_STARTERS: Final[dict[str, Callable[[str, str], list[str]]]] = {
    "npm": lambda name, version: ["npx", "-y", _at(name, version)],
    "pypi": lambda name, version: ["uvx", _at(name, version)],
    "nuget": lambda name, version: ["dnx", _at(name, version), "--yes"],
    "oci": lambda name, _: [name],
    "docker": lambda name, _: [name],
}


def _arguments(items: Tree) -> list[str]:
    found: list[str] = []
    for item in _mappings(items):
        flag = _text(item.get("name")) if item.get("type") == "named" else ""
        value = _input(item, _text(item.get("valueHint")) or flag.lstrip("-"))
        found += [part for part in (flag, value) if part]
    return found


def _inputs(items: Tree) -> dict[str, Tree]:
    return {name: _input(item, name) for item in _mappings(items) if (name := _text(item.get("name")))}


def _input(item: dict[str, Tree], name: str) -> str:
    value = _text(item.get("value") or item.get("default"))
    if value:
        # `{name}` in a value stands for an answer of the user.
        return re.sub(r"(?<!\$)\{([\w-]+)\}", r"${input:\1}", value)
    return f"${{input:{name}}}" if item.get("isSecret") or item.get("isRequired") else ""


def bundle(tree: dict[str, Tree]) -> Iterator[Body]:
    """Read an MCPB (once DXT) manifest: `server.mcp_config`."""
    server = tree.get("server")
    config = server.get("mcp_config") if isinstance(server, dict) else None
    if isinstance(config, dict) and ("manifest_version" in tree or "dxt_version" in tree):
        kept = {name: value for name, value in config.items() if name != "platform_overrides"}
        yield "server.mcp_config", _text(tree.get("name")) or "server", kept


def _mappings(value: Tree) -> list[dict[str, Tree]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _texts(value: Tree) -> list[str]:
    return [_text(item) for item in value] if isinstance(value, list) else []


def _text(value: Tree) -> str:
    return value if isinstance(value, str) else ""

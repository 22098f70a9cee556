"""Configuration text to a `Config`, or every problem in it at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Final, NamedTuple, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ostiary.config import references, values
from ostiary.config.authorization import SCHEME
from ostiary.config.fields import Section, keys
from ostiary.config.mending import empty, meant
from ostiary.config.problems import Invalid, Path, Problem, Unfit, did_you_mean
from ostiary.config.salvage import decoded, salvaged
from ostiary.config.schema import LATER, Config
from ostiary.config.tree import (
    DUPLICATE,
    Node,
    Scalar,
    Table,
    Unreadable,
    child,
    plain,
    problem_at,
    renamed,
    select,
    size,
)


@dataclass(frozen=True, slots=True)
class Document:
    """A configuration that has the right shape, and the places its values came from."""

    source: str
    config: Config
    root: Table

    def problem(self, path: Path, message: str, suggestion: str = "") -> Problem:
        """Return a problem found later, such as an expectation that fails, at the place of the path's value."""
        return problem_at(self.root, path, message, suggestion, of_value=True)


class Examined(NamedTuple):
    """What could be read of a configuration, and what is wrong with it."""

    config: Config | None
    """None: it has not the right shape."""
    root: Table
    """With the keys that misspelt ones stand for."""
    problems: tuple[Problem, ...]
    whole: bool
    """Nothing was left out because it is not YAML."""


def parse(text: str | bytes, source: str) -> Config:
    """Return the configuration, or raise `Invalid` with everything that is wrong with it."""
    return read(text, source).config


def read(text: str | bytes, source: str) -> Document:
    """Return the configuration with its places, or raise `Invalid` with everything that is wrong with it."""
    found = examined(text, source)
    if found.config is None or found.problems:
        raise Invalid(source, found.problems)
    return Document(source, found.config, found.root)


def examined(text: str | bytes, source: str) -> Examined:
    """Return what can be read, and everything that is wrong with it; raise `Invalid` where nothing can."""
    plainly, odd = (text, ()) if isinstance(text, str) else decoded(text)
    written, problems, lost = _root(plainly, odd, source)
    root, misspelt = _mended(written)
    later = dict(_later(root))
    config, shape = _validated(root, tuple(later))
    # Where nothing can be said of a value, because it is an alias to nothing, nothing else is said of it.
    known = {each.path for each in problems if not each.message.startswith(DUPLICATE)}
    known |= {each.path for each in shape if each.message == _UNKNOWN}
    bare = [problem_at(root, path, "is empty", _FILL[isinstance(path[-1], int)]) for path in empty(root) if path]
    bare = [each for each in bare if each.path not in known]
    known |= {each.path for each in bare}
    problems += (*misspelt, *later.values(), *bare)
    problems += (each for each in shape if each.message == _UNKNOWN or each.path not in known | lost)
    # Who refers to what could not be read cannot be told whether it is there.
    problems += () if lost else references.check(root)
    return Examined(config, root, tuple(problems), whole=not lost)


def _root(text: str, odd: tuple[Problem, ...], source: str) -> tuple[Table, list[Problem], frozenset[str]]:
    try:
        root, problems, lost = salvaged(text)
    except Unreadable as error:
        raise Invalid(source, (*odd, *error.problems)) from None
    if isinstance(root, Table):
        return root, [*odd, *problems], lost
    what = "the file is empty" if isinstance(root, Scalar) and root.value is None else "must be a mapping"
    at = root.place
    whole = Problem("", at.line, at.column, what, "begin with `gateway:` and, indented below it, `url: ...`")
    raise Invalid(source, (*odd, *problems, whole))


def _mended(root: Table) -> tuple[Table, list[Problem]]:
    """Return the tree with the keys that misspelt ones stand for, and a problem for each."""
    problems = []
    # A misspelt section hides those below it until it is read. Each round leaves fewer unknown keys.
    while found := list(_misspelt(root)):
        for path, name in found:
            key = str(path[-1])
            if not _is_taken(root, path, name):
                problems.append(problem_at(root, path, _UNKNOWN, _ELSEWHERE.get(key) or f'did you mean "{name}"?'))
                root = renamed(root, path, name)
    return root, problems


def _misspelt(root: Table) -> Iterator[tuple[Path, str]]:
    """Yield the way to every unknown key that stands for a known one, and which."""
    for detail in _errors(root, tuple(path for path, _ in _later(root))):
        path, section = _trace(detail["loc"], of_key=False)
        if detail["type"] == "extra_forbidden" and section is not None:
            name = meant(str(path[-1]), tuple(keys(section)))
            if name and not _is_taken(root, path, name):
                yield path, name
        elif detail["type"] == "union_tag_not_found" and isinstance(table := _node(root, path), Table):
            yield from (((*path, key), "kind") for key in table.items if meant(key, ("kind",)))


def _is_taken(root: Table, path: Path, name: str) -> bool:
    """Say whether there is no key to rename, or another one has the name already."""
    table = _node(root, path[:-1])
    return not isinstance(table, Table) or path[-1] not in table.items or name in table.items


def _validated(root: Table, later: tuple[Path, ...]) -> tuple[Config | None, list[Problem]]:
    try:
        return Config.model_validate(_without(plain(root), later)), []
    except ValidationError as error:
        return None, list(_shape(root, error))


def _errors(root: Table, later: tuple[Path, ...]) -> list[ErrorDetails]:
    try:
        Config.model_validate(_without(plain(root), later))
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False)
    return []


def _later(root: Table) -> Iterator[tuple[Path, Problem]]:
    for pattern, (message, suggestion) in LATER.items():
        key, _, wanted = pattern.partition("=")
        for path, node in select(root, *key.split(".")):
            if not wanted:
                yield path, problem_at(root, path, message, suggestion)
            elif isinstance(node, Scalar) and node.value == wanted:
                yield path[:-1], problem_at(root, path, message, suggestion, of_value=True)


def _without(data: Any, paths: tuple[Path, ...]) -> Any:
    for path in paths:
        parent = data
        for step in path[:-1]:
            parent = parent[step]
        parent.pop(path[-1], None)
    return data


def _shape(root: Table, error: ValidationError) -> Iterator[Problem]:
    for detail in error.errors(include_url=False, include_input=False):
        kind, context = detail["type"], detail.get("ctx", {})
        of_key = detail["loc"][-1] == "[key]" and kind != "extra_forbidden"
        path, section = _trace(detail["loc"], of_key=of_key)
        if kind == "extra_forbidden":
            yield problem_at(root, path, _UNKNOWN, _meant_key(str(path[-1]), section))
        elif kind == "missing":
            field = keys(section)[str(path[-1])] if section else None
            yield problem_at(root, path, "is required", _wanted(field.description) if field else "")
        elif of_key:
            for message, suggestion in _said(kind, context, Scalar(str(path[-1]), root.place)):
                yield problem_at(root, path, message, suggestion)
        elif kind == "union_tag_not_found" and isinstance(table := _node(root, path), Table):
            yield problem_at(root, path, *_SHAPES[kind], of_value=True)
            yield from _of_no_kind(root, path, table, get_args(_bare(_below(None, section, path[-1]))))
        elif not (kind == "too_short" and size(_node(root, path)) > 0):
            # The validator also calls a list too short when all its entries are bad; they have been named.
            path = (*path, "kind") if kind == "union_tag_invalid" else path
            for message, suggestion in _said(kind, context, _node(root, path)):
                yield problem_at(root, path, message or detail["msg"], suggestion or _READ, of_value=True)


def _of_no_kind(root: Table, path: Path, table: Table, members: tuple[type[Section], ...]) -> Iterator[Problem]:
    """Yield the keys that none of the members of a union has."""
    known = tuple(dict.fromkeys(key for member in members for key in keys(member)))
    for key in table.items:
        if key not in known:
            hint = did_you_mean(key, known) or f"the keys here are {', '.join(known)}"
            yield problem_at(root, (*path, key), _UNKNOWN, _ELSEWHERE.get(key) or hint)


def _node(root: Table, path: Path) -> Node | None:
    node: Node | None = root
    for step in path:
        node = child(node, step)
    return node


def _said(kind: str, context: Mapping[str, Any], node: Node | None) -> tuple[tuple[str, str], ...]:
    """Return what is wrong and what to write; the value itself is not repeated, because it may be a secret."""
    if isinstance(unfit := context.get("error"), Unfit):
        return unfit.all
    return (_of_kind(kind, context, node),)


def _of_kind(kind: str, context: Mapping[str, Any], node: Node | None) -> tuple[str, str]:
    value = node.value if isinstance(node, Scalar) else None
    match kind:
        case "literal_error" | "union_tag_invalid":
            words = re.findall(r"'([^']*)'", str(context.get("expected", context.get("expected_tags", ""))))
            return f"must be one of {', '.join(words)}", _meant_word(value, words)
        case "string_pattern_mismatch":
            return _unfit_name(str(context["pattern"]), str(value))
        case "greater_than_equal":
            return f"must be at least {context['ge']}", f"write {context['ge']} or more"
        case "less_than_equal":
            return f"must be at most {context['le']}", f"write {context['le']} or less"
        case "string_too_long":
            return f"must be at most {context['max_length']} characters", "shorten it"
        case "too_long":
            return f"must have at most {context['max_length']} entries", "remove some, or split it"
        case "bool_type":
            return "must be true or false", _meant_boolean(value)
        case "tuple_type" if isinstance(node, Table):
            return "must be a list", "begin each entry with `- `"
    return _SHAPES.get(kind, ("", ""))


_SHAPES: Final[Mapping[str, tuple[str, str]]] = {
    "string_type": ("must be text", "put it in quotes"),
    "int_type": ("must be a whole number", "write digits, without quotes and units"),
    "int_from_float": ("must be a whole number", "write digits, without quotes and units"),
    "tuple_type": ("must be a list", "write it in brackets: [one, two]"),
    "dict_type": ("must be a mapping", "write `name: value` lines below it"),
    "mapping_type": ("must be a mapping", "write `name: value` lines below it"),
    "model_type": ("must be a mapping", "write `key: value` lines below it"),
    "model_attributes_type": ("must be a mapping", "write `key: value` lines below it"),
    "too_short": ("must not be empty", "fill it, or remove the key"),
    "string_too_short": ("must not be empty", "fill it, or remove the key"),
    "union_tag_not_found": ("must have a kind", "add kind: bearer, header or basic"),
}
_UNKNOWN: Final = "unknown key"
_FILL: Final = ("fill it, or remove the key", "fill it, or remove the entry")
_READ: Final = "see what docs/reference/configuration.md says of it"
_NAMES: Final = {
    values.SERVER_NAME: (
        "is not a name: a lower-case letter, then up to 31 lower-case letters, digits and hyphens",
        "[^a-z0-9]+",
        "such as files or crm-2",
    ),
    values.EXPOSED_NAME: ("must be 1 to 64 letters, digits, hyphens and underscores", "[^A-Za-z0-9_]+", "shorten it"),
    SCHEME: ("is no private scheme: it has a dot", "[^a-z0-9.+-]+", "such as com.example.app, or * for any"),
}
_NO_NAME: Final = ("is not spelt as it must be", "[^A-Za-z0-9_.-]+", _READ)
"""What a name must be, what cannot be in it, and an example."""
# What people bring along from the files of clients and of other gateways.
_ELSEWHERE: Final = {
    "mcpServers": "write servers, or let `ostiary import FILE` turn a client's file into servers",
    "args": "put the arguments into command: [program, argument]",
    "type": "remove it; command or url says which transport it is",
    "transport": "remove it; command or url says which transport it is",
    "groups": "write roles or teams",
    "effect": "write allow: [...] or deny: [...]",
    "tools": "write patterns in allow, deny or include; servers.NAME.tools says what is known better about tools",
    "header": "write name: X-Key; headers of servers stand in headers",
    "<<": "YAML 1.2 has no merge keys; repeat the keys here",
}


def _unfit_name(pattern: str, value: str) -> tuple[str, str]:
    said, odd, example = _NAMES.get(pattern, _NO_NAME)
    fit = re.sub(odd, "-", value if "A-Z" in odd else value.casefold()).strip("-")
    return said, f'did you mean "{fit}"?' if fit != value and re.fullmatch(pattern, fit) else example


def _meant_word(value: object, words: list[str]) -> str:
    if isinstance(value, bool) and {"on", "off"} <= set(words):
        return f'did you mean "{"on" if value else "off"}"?'
    return did_you_mean(str(value), words) or "write one of them"


def _meant_boolean(value: object) -> str:
    word = value.casefold() if isinstance(value, str) else ""
    if word in ("yes", "on", "y", "true"):
        return "write true; YAML 1.2 has no other word for it"
    no = word in ("no", "off", "n", "false")
    return "write false; YAML 1.2 has no other word for it" if no else "write true or false, without quotes"


def _wanted(description: str | None) -> str:
    said = (description or "").removesuffix(".")
    return f"add it: {said[:1].lower()}{said[1:]}"


def _meant_key(key: str, section: type[Section] | None) -> str:
    known = tuple(keys(section)) if section else ()
    if key in _ELSEWHERE:
        return _ELSEWHERE[key]
    return did_you_mean(key, known) or f"the keys here are {', '.join(known)}"


def _trace(location: tuple[int | str, ...], *, of_key: bool) -> tuple[Path, type[Section] | None]:
    """Return the path in the file, without the validator's own marks, and the section its last step is a key of."""
    path: list[str | int] = []
    kind: Any = Config
    section: type[Section] | None = None
    for step in location[:-1] if of_key else location:
        kind = _bare(kind)
        tagged = _tagged(kind, step)
        if tagged is not None:
            kind = tagged
            continue
        path.append(step)
        section = kind if isinstance(kind, type) and issubclass(kind, Section) else None
        kind = _below(kind, section, step)
    return tuple(path), section


def _bare(kind: Any) -> Any:
    """Return the annotation without `Annotated` and without `| None`."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        some = [option for option in get_args(kind) if option is not type(None)]
        return _bare(some[0]) if len(some) == 1 else kind
    return kind


def _tagged(kind: Any, step: int | str) -> type[Section] | None:
    """Return the member of a union that a step names: the validator puts the tag into its path, the file does not."""
    if get_origin(kind) not in (Union, UnionType):
        return None
    members = [member for member in get_args(kind) if isinstance(member, type) and issubclass(member, Section)]
    return next((member for member in members if get_args(member.model_fields["kind"].annotation) == (step,)), None)


def _below(kind: Any, section: type[Section] | None, step: int | str) -> Any:
    if section is not None:
        field = keys(section).get(str(step))
        return field.annotation if field else None
    inner = get_args(kind)
    if get_origin(kind) is tuple:
        return inner[0]
    return inner[1] if len(inner) > 1 else None

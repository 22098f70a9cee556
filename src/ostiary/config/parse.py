"""Configuration text to a `Config`, or every problem in it at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import ValidationError

from ostiary.config import references, values
from ostiary.config.fields import Section
from ostiary.config.problems import Invalid, Path, Problem, Unfit, did_you_mean
from ostiary.config.schema import LATER, Config
from ostiary.config.tree import Node, Scalar, Table, Unreadable, child, compose, plain, problem_at, select, size


@dataclass(frozen=True, slots=True)
class Document:
    """A configuration that has the right shape, and the places its values came from."""

    source: str
    config: Config
    root: Table

    def problem(self, path: Path, message: str, suggestion: str = "") -> Problem:
        """Return a problem found later, such as an expectation that fails, at the place of the path's value."""
        return problem_at(self.root, path, message, suggestion, of_value=True)


def parse(text: str, source: str) -> Config:
    """Return the configuration, or raise `Invalid` with everything that is wrong with it."""
    return read(text, source).config


def read(text: str, source: str) -> Document:
    """Return the configuration with its places, or raise `Invalid` with everything that is wrong with it."""
    root, problems = _root(text, source)
    misspelled = {problem.path for problem in problems}
    later = dict(_later(root))
    problems += later.values()
    problems += references.check(root)
    try:
        config = Config.model_validate(_without(plain(root), tuple(later)))
    except ValidationError as error:
        problems += (problem for problem in _shape(root, error) if problem.path not in misspelled)
        raise Invalid(source, problems) from None
    if problems:
        raise Invalid(source, problems)
    return Document(source, config, root)


def _root(text: str, source: str) -> tuple[Table, list[Problem]]:
    try:
        root, problems = compose(text)
    except Unreadable as error:
        raise Invalid(source, error.problems) from None
    if isinstance(root, Table):
        return root, list(problems)
    what = "the file is empty" if isinstance(root, Scalar) and root.value is None else "must be a mapping"
    at = root.place
    whole = Problem("", at.line, at.column, what, "begin with `gateway:` and, indented below it, `url: ...`")
    raise Invalid(source, (*problems, whole))


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
            yield problem_at(root, path, "unknown key", _meant_key(str(path[-1]), section))
        elif kind == "missing":
            field = section.model_fields[str(path[-1])] if section else None
            yield problem_at(root, path, "is required", _wanted(field.description) if field else "")
        elif of_key:
            message, suggestion = _said(kind, context, Scalar(str(path[-1]), root.place))
            yield problem_at(root, path, message, suggestion)
        elif not (kind == "too_short" and size(_node(root, path)) > 0):
            # The validator also calls a list too short when all its entries are bad; they have been named.
            path = (*path, "kind") if kind == "union_tag_invalid" else path
            message, suggestion = _said(kind, context, _node(root, path))
            yield problem_at(root, path, message or detail["msg"], suggestion, of_value=True)


def _node(root: Table, path: Path) -> Node | None:
    node: Node | None = root
    for step in path:
        node = child(node, step)
    return node


def _said(kind: str, context: Mapping[str, Any], node: Node | None) -> tuple[str, str]:
    """Return what is wrong and what to write; the value itself is not repeated, because it may be a secret."""
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(unfit := context.get("error"), Unfit):
        return unfit.message, unfit.suggestion
    match kind:
        case "literal_error" | "union_tag_invalid":
            words = re.findall(r"'([^']*)'", str(context.get("expected", context.get("expected_tags", ""))))
            return f"must be one of {', '.join(words)}", did_you_mean(str(value), words)
        case "string_pattern_mismatch":
            return _unfit_name(str(context["pattern"]), str(value))
        case "greater_than_equal":
            return f"must be at least {context['ge']}", ""
        case "less_than_equal":
            return f"must be at most {context['le']}", ""
        case "string_too_long":
            return f"must be at most {context['max_length']} characters", "shorten it"
        case "bool_type":
            return "must be true or false", _meant_boolean(value)
        case _ if isinstance(node, Scalar) and value is None:
            return f"{_SHAPES.get(kind, ('', ''))[0]}, but is empty", "remove the key, or fill it"
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
_NAMES: Final = {
    values.SERVER_NAME: "is not a name: a lower-case letter, then up to 31 lower-case letters, digits and hyphens",
    values.EXPOSED_NAME: "must be 1 to 64 letters, digits, hyphens and underscores",
}
# What people bring along from the files of clients and of other gateways.
_ELSEWHERE: Final = {
    "mcpServers": "write servers, or let `ostiary import FILE` turn a client's file into servers",
    "args": "put the arguments into command: [program, argument]",
    "type": "remove it; command or url says which transport it is",
    "transport": "remove it; command or url says which transport it is",
    "users": "write subjects",
    "groups": "write roles or teams",
    "<<": "YAML 1.2 has no merge keys; repeat the keys here",
}


def _unfit_name(pattern: str, value: str) -> tuple[str, str]:
    fit = re.sub(r"[^a-z0-9]+", "-", value.casefold()).strip("-")
    meant = fit if pattern == values.SERVER_NAME and re.fullmatch(values.SERVER_NAME, fit) else ""
    return _NAMES[pattern], f'did you mean "{meant}"?' if meant else ""


def _meant_boolean(value: object) -> str:
    word = value.casefold() if isinstance(value, str) else ""
    if word in ("yes", "on", "y", "true"):
        return "write true; YAML 1.2 has no other word for it"
    return "write false; YAML 1.2 has no other word for it" if word in ("no", "off", "n", "false") else ""


def _wanted(description: str | None) -> str:
    said = (description or "").removesuffix(".")
    return f"add it: {said[:1].lower()}{said[1:]}"


def _meant_key(key: str, section: type[Section] | None) -> str:
    known = tuple(section.model_fields) if section else ()
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
        field = section.model_fields.get(str(step))
        return field.annotation if field else None
    inner = get_args(kind)
    if get_origin(kind) is tuple:
        return inner[0]
    return inner[1] if len(inner) > 1 else None

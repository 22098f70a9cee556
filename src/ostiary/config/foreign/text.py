"""Text → tree, whichever of JSON, TOML and YAML it is. Pure.

Foreign parsers quote the offending line in their messages, and that line may hold a secret: of their failures only
the line number is kept, and ours is raised outside the `except`, so that no traceback carries theirs along.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ostiary.config.foreign import jsonish
from ostiary.config.foreign.model import Tree, Unreadable

# The largest real file is Claude Code's ~/.claude.json, which keeps histories: megabytes of JSON. tomllib takes
# quadratic time for long dotted keys.
LONGEST: Final = {"JSON": 32 * 1024 * 1024, "TOML": 256 * 1024, "YAML": 1024 * 1024}
# Aliases let a YAML page of one kilobyte stand for billions of nodes ("billion laughs").
NODES: Final = 50_000

_SUFFIXES: Final = {
    ".json": "JSON", ".jsonc": "JSON", ".json5": "JSON", ".toml": "TOML", ".yaml": "YAML", ".yml": "YAML",
}  # fmt: skip
_TABLE: Final = re.compile(r"^\s*\[\[?[\w.\"' -]+\]\]?\s*(?:#.*)?$", re.MULTILINE)
_JSON_START: Final = re.compile(r"\s*(?:\{|//|/\*)")
_TOML_LINE: Final = re.compile(r"at line (\d+)")
_NULLS: Final = {"", "~", "null", "Null", "NULL"}
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def decoded(text: str, filename: str) -> tuple[str, Tree]:
    """Return the format and the document; raise `Unreadable` otherwise."""
    text = jsonish.scalar_values(text).removeprefix("\ufeff")
    if not text.strip():
        raise Unreadable("the file is empty", suggestion="Name the file that your MCP client reads its servers from")
    form = format_of(text, filename)
    if len(text) > LONGEST[form]:
        raise Unreadable(
            f"the {form} is longer than {LONGEST[form] // 1024} KiB",
            suggestion="Copy the part with the servers into a file of its own",
        )
    parse = {"JSON": jsonish.parsed, "TOML": _toml, "YAML": _yaml}[form]
    return form, parse(text)


def format_of(text: str, filename: str) -> str:
    """Name the format by the file's suffix, or else by the looks of its text."""
    suffix = "." + filename.lower().rpartition(".")[2]
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if _JSON_START.match(text):
        return "JSON"
    return "TOML" if _TABLE.search(text) else "YAML"


def _toml(text: str) -> Tree:
    line: int | None = None
    try:
        return _plain(tomllib.loads(text), 0)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_LINE.search(str(error))
        line = int(found[1]) if found else None
    except (ValueError, RecursionError):
        # Integers of thousands of digits and thousands of brackets: not a client's file.
        line = None
    raise Unreadable("this is not valid TOML", line=line, suggestion="Correct the file there, or check its suffix")


def _plain(value: Any, depth: int) -> Tree:
    if depth > jsonish.DEPTH:
        raise ValueError(depth)
    if isinstance(value, dict):
        return {key: _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    return value if isinstance(value, str | bool) else str(value)


def _yaml(text: str) -> Tree:
    line: int | None = None
    try:
        return _node(_composer().compose(text), 0, iter(range(NODES)))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
    except (
        YAMLError,
        ValueError,
        RecursionError,
        TypeError,
        AttributeError,
        LookupError,
        ArithmeticError,
        AssertionError,
    ):
        # The pure scanner lets these out on hostile text (escapes beyond Unicode, odd directives).
        line = None
    raise Unreadable(
        "this is not valid YAML 1.2, or a key stands twice in it",
        line=line,
        suggestion="Correct the file there, or check its suffix",
    )


def _composer() -> YAML:
    """Return what composes and does not construct: scalars stay text and no constructor runs on a stranger's tags."""
    composer = YAML(typ="safe", pure=True)
    # The warning would print two lines of the file, and either may hold a secret.
    composer.composer.warn_double_anchors = False
    return composer


def _node(node: Node | None, depth: int, budget: Any) -> Tree:
    if depth > jsonish.DEPTH or next(budget, None) is None:
        raise ValueError(depth)
    if isinstance(node, MappingNode):
        return _yaml_mapping(node, depth, budget)
    if isinstance(node, SequenceNode):
        return [_node(item, depth + 1, budget) for item in node.value]
    return _yaml_scalar(node) if isinstance(node, ScalarNode) else None


def _yaml_mapping(node: MappingNode, depth: int, budget: Any) -> Tree:
    found: dict[str, Tree] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode) or key.value in found:
            raise MarkedYAMLError(problem_mark=key.start_mark)
        found[str(key.value)] = _node(value, depth + 1, budget)
    return found


def _yaml_scalar(node: ScalarNode) -> Tree:
    value = str(node.value)
    if node.style is not None or str(node.tag).endswith(":str"):
        return value
    if value in _NULLS:
        return None
    return _BOOLEANS.get(value, value)

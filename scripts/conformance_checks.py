"""What a run of the official suite wrote: its checks, by scenario, and how many passed."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Check:
    """What the suite said about one check."""

    status: str
    message: str = ""


Checks = dict[str, Check]


def passed(checks: Checks) -> int:
    """Count the checks that passed."""
    return sum(check.status == "SUCCESS" for check in checks.values())


def scored(checks: Checks) -> int:
    """Count the checks that passed or failed; warnings and notes are not scored by the suite either."""
    return sum(check.status in {"SUCCESS", "FAILURE"} for check in checks.values())


def checks_of(folder: Path) -> Checks:
    """Read what a run of the suite wrote, by scenario and check; the same check run again gets a number."""
    found: Checks = {}
    seen: Counter[str] = Counter()
    for path in sorted(folder.glob("*/checks.json")):
        scenario = re.sub(r"-\d{4}-\d\d-\d\dT[\dZ-]+$", "", path.parent.name).removeprefix("server-")
        for check in json.loads(path.read_text()):
            key = f"{scenario}: {check['id']}"
            seen[key] += 1
            name = key if seen[key] == 1 else f"{key} ({seen[key]})"
            found[name] = Check(check["status"], check.get("errorMessage") or "")
    return found

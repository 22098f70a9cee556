"""docs/claims.md: what we promise, and the command that fails when it does not hold. Runs them, or lists them."""

import argparse
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| (?P<area>[a-z]+) \| (?P<claim>.+?) \| `(?P<command>[^`]+)` \| (?P<seen>.*?) \|$")


def rows() -> list[re.Match[str]]:
    lines = (ROOT / "docs/claims.md").read_text("utf-8").splitlines()
    table = [line for line in lines if line.startswith("| ") and not line.startswith(("| area", "| ---"))]
    found = [ROW.match(line) for line in table]
    bad = [line for line, match in zip(table, found, strict=True) if match is None]
    if bad or not table:
        sys.exit("docs/claims.md has rows that are not `| area | claim | command | seen |`:\n" + "\n".join(bad))
    return [match for match in found if match]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="only check the table and print it")
    parser.add_argument("--area", help="only this area")
    options = parser.parse_args()
    failed = 0
    for row in rows():
        if options.area and row["area"] != options.area:
            continue
        print(f"{row['area']}: {row['claim']}\n  {row['command']}", flush=True)
        if not options.list and subprocess.run(shlex.split(row["command"]), cwd=ROOT, check=False).returncode:
            failed += 1
            print("  DOES NOT HOLD", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

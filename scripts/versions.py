"""The version stands in three places; they must say the same."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    found = re.search(r'__version__: Final = "([^"]+)"', (ROOT / "src/ostiary/__init__.py").read_text("utf-8"))
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    package = found.group(1) if found else "nothing"
    if package != project:
        print(f"pyproject.toml says {project}, src/ostiary/__init__.py says {package}")
        return 1
    if f"## [{project}]" not in changes and "## [Unreleased]" not in changes:
        print(f"CHANGELOG.md has no section for {project}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

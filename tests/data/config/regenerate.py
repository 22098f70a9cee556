"""Write the golden problems of every broken configuration anew; the change shows in the diff, and is to be read."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.unit.config.corpus import BROKEN, UNFIT, told


def main() -> None:
    """Write one text beside each configuration."""
    for path in (*BROKEN, *UNFIT):
        said = told(path)
        if not said:
            raise SystemExit(f"{path.name} is not broken")
        path.with_suffix(".txt").write_text(said, "utf-8")


if __name__ == "__main__":
    main()

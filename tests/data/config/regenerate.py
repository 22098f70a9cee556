"""Write the golden problems of every broken configuration anew; the change shows in the diff, and is to be read."""

from __future__ import annotations

from pathlib import Path

from ostiary.config.parse import parse
from ostiary.config.problems import Invalid


def main() -> None:
    for path in sorted((Path(__file__).parent / "broken").glob("*.yaml")):
        try:
            parse(path.read_text("utf-8"), path.name)
        except Invalid as invalid:
            path.with_suffix(".txt").write_text(f"{invalid}\n", "utf-8")
        else:
            raise SystemExit(f"{path.name} is not broken")


if __name__ == "__main__":
    main()

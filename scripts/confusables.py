"""Write the table of letters that look like others anew.

Needs `pip install confusable-homoglyphs==3.3.1`. It holds Unicode's own list (confusables.txt, UTS #39) as JSON; a
gateway needs what looks like a letter, a digit or a separator of ASCII
and is not turned into it by NFKC already.
"""

from __future__ import annotations

import importlib
import string
import sys
import unicodedata
from pathlib import Path
from typing import Any, Final

MODULE: Final = Path(__file__).resolve().parent.parent / "src/ostiary/integrity/alike.py"
BEGIN: Final = "# Written by scripts/confusables.py from here on.\n"
WIDTH: Final = 100


def main() -> int:
    package: Any = importlib.import_module("confusable_homoglyphs.confusables")
    head = MODULE.read_text("utf-8").partition(BEGIN)[0]
    rows = [f"    {target!r}: {spelled(alike)},\n".replace("'", '"') for target, alike in table(package).items()]
    MODULE.write_text(f"{head}{BEGIN}ALIKE: Final = {{\n{''.join(rows)}}}\n", "utf-8")
    return 0


def table(package: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for target in string.ascii_letters + string.digits + "_-.":
        alike = {each["c"].replace("\u200e", "") for each in package.confusables_data.get(target, [])}
        kept = [each for each in alike if len(each) == 1 and unicodedata.normalize("NFKC", each) == each]
        found[target] = sorted(each for each in kept if not each.isascii())
    return {target: alike for target, alike in found.items() if alike}


def spelled(letters: list[str]) -> str:
    lines, line = [], ""
    for each in letters:
        code = f"\\u{ord(each):04x}" if ord(each) < 1 << 16 else f"\\U{ord(each):08x}"
        if len(line) + len(code) > WIDTH:
            lines, line = [*lines, line], ""
        line += code
    return f"'{line}'" if not lines else "(\n" + "".join(f"        '{each}'\n" for each in [*lines, line]) + "    )"


if __name__ == "__main__":
    sys.exit(main())

"""An accelerated wheel, where a packager asks for one; the wheel that is built otherwise stays pure.

`HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 .venv/bin/python -m hatchling build -t wheel`: in the development environment, for the
types of every dependency decide what is compiled.
"""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))


class Compiled(BuildHookInterface[Any]):
    """Put the compiled modules beside their sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and name the wheel for this Python and this platform; an editable installation stays pure."""
        if version == "editable":
            return
        from compiling import ROOT, compiled  # noqa: PLC0415 - beside this file, which hatchling does not look at

        folder = compiled(ROOT / "build" / "wheel")
        found = [path for path in folder.rglob("*") if path.suffix in {".so", ".pyd"}]
        build_data["force_include"] |= {str(path): str(path.relative_to(folder)) for path in found}
        build_data["pure_python"], build_data["infer_tag"] = False, True

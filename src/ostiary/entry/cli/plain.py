"""Import `structlog` without `rich`, which it looks for: a gateway writes lines, and draws nothing."""

from __future__ import annotations

import sys
from typing import Any, cast

_modules = cast("dict[str, Any]", sys.modules)

if _modules.keys().isdisjoint({"rich", "structlog"}):
    # None tells Python that there is no such module. It would take four megabytes, and be used for nothing.
    _modules["rich"] = None
    try:
        import structlog as structlog
    finally:
        del _modules["rich"]

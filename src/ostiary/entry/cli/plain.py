"""Import `structlog` without what it looks for and a gateway has no use for: it writes lines, and draws nothing."""

from __future__ import annotations

import sys
from typing import Any, cast

_modules = cast("dict[str, Any]", sys.modules)

_UNUSED = ("rich", "greenlet")

if _modules.keys().isdisjoint({*_UNUSED, "structlog"}):
    # None tells Python that there is no such module. They would take five megabytes, and be used for nothing.
    _modules.update(dict.fromkeys(_UNUSED))
    try:
        import structlog as structlog
    finally:
        for name in _UNUSED:
            del _modules[name]

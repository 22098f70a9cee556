"""The names that clients of the aggregate see: `server__tool`, within what models and clients accept. Pure.

Model APIs cap tool names at 64 of `[A-Za-z0-9_-]`, and one bad name can break a whole client session. A name is a
function of the server's configured name and the upstream's own name and of nothing else, so that it stays the same
across restarts and whatever other servers come and go. Nothing ever splits an exposed name: a table leads back.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

LONGEST: Final = 64
SEPARATOR: Final = "__"
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_-]")
_DIGEST: Final = 8


def exposed(server: str, name: str) -> str:
    """Return the aggregate's name for a tool or prompt; a changed or cut name ends in a hash of the whole."""
    plain = f"{server}{SEPARATOR}{name}"
    fit = _UNFIT.sub("_", plain)
    if fit == plain and len(fit) <= LONGEST:
        return fit
    digest = hashlib.sha256(plain.encode()).hexdigest()[:_DIGEST]
    return f"{fit[: LONGEST - _DIGEST - 1]}_{digest}"


def label(server: str, kind: str, name: str) -> str:
    """Return what rules and the ledger call a target: `files.read`, `files:file:///x`, `files.prompt/greet`."""
    match kind:
        case "tool":
            return f"{server}.{name}"
        case "prompt":
            return f"{server}.prompt/{name}"
    return f"{server}:{name}"

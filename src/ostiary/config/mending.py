"""Keys that are misspelt: read as what they are close to, so that the mistakes below them are found as well. Pure.

A section under a misspelt key would be passed over, and everything that needs it would be told to be missing. Nothing
is ever used that was mended: the misspelt key is a problem, and a configuration with a problem is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ostiary.config.problems import Path, nearest
from ostiary.config.tree import Node, Scalar, Table

_CLOSE: Final = 0.75
"""How close a word must be to be taken for another one; what is only suggested may be farther away."""
_SAME: Final[Mapping[str, tuple[str, ...]]] = {
    "user": ("subjects", "id"),
    "username": ("user", "id"),
    "users": ("subjects",),
    "group": ("roles",),
    "groups": ("roles",),
    "permit": ("allow",),
    "forbid": ("deny",),
    "cmd": ("command",),
    "environment": ("env",),
    "enviroment": ("env",),
    "timezone": ("zone",),
    "if": ("when",),
    "condition": ("when",),
    "rate": ("calls", "limit"),
    "client_id": ("id",),
    "client_secret": ("secret",),
    "cert": ("certificate",),
    "readonly": ("read_only",),
    "header": ("name",),
    "tools": ("include", "allow"),
}
"""What people call a key elsewhere, and its names here."""
# These words go together with another key of the other kind of file, which says the rest.
_NEVER: Final = frozenset({"args", "type", "transport", "<<"})


def meant(key: str, known: tuple[str, ...]) -> str:
    """Return the key that a word stands for, or nothing where it could be several, or none."""
    if key in _NEVER:
        return ""
    same = next((name for name in _SAME.get(key, ()) if name in known), "")
    return same or nearest(key, known, _CLOSE)


def empty(node: Node, path: Path = ()) -> Iterator[Path]:
    """Yield every place without a value where there must be one.

    A key without a value says nothing, and says it in silence: `when:` with nothing after it would narrow no rule.
    """
    if isinstance(node, Scalar):
        if node.value is None:
            yield path
    elif not _free(path):
        steps = node.items.items() if isinstance(node, Table) else enumerate(node.items)
        for step, below in steps:
            yield from empty(below, (*path, step))


def _free(path: Path) -> bool:
    """Say whether values of JSON stand here, of which `null` is one."""
    return (
        (path[:1] == ("views",) and path[2:3] == ("set",) and len(path) > len(("views", "NAME", "set")))
        or (path[:1] == ("expect",) and path[2:3] == ("args",))
        or (path[:1] == ("expect",) and path[2:4] == ("who", "claims"))
    )

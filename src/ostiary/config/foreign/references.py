"""Recognise how clients say "take this from elsewhere": `${VAR}`, `${input:id}`, `{env:VAR}`, `{file:path}`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# What only the client itself can fill in: folders of the editor, of the user, of the bundle.
_CLIENTS_OWN: Final = frozenset({
    "workspaceFolder", "workspaceRoot", "workspaceFolderBasename", "userHome", "pathSeparator", "cwd", "file",
    "fileDirname", "fileWorkspaceFolder", "relativeFile", "__dirname", "HOME_DIR", "CLAUDE_PLUGIN_ROOT",
    "CLAUDE_PROJECT_DIR",
})  # fmt: skip
_ONE: Final = re.compile(
    r"""\$\{\{\s*(?:secrets|inputs|env)\.(?P<ci>[\w.-]+)\s*\}\}          # Continue
      | \{\{\s*(?P<docker>[^{}\s|]+)(?:\s*\|[^{}]*)?\s*\}\}              # Docker MCP catalogue
      | \$\{(?:input|user_config|secret|keychain)[:.](?P<asked>[^{}]+)\} # VS Code, MCPB
      | \$\{\s*(?:env[:.])?(?P<var>[A-Za-z_]\w*)(?::?-(?P<default>[^}]*))?\s*\}
      | \{env:(?P<brace>[A-Za-z_]\w*)\}                                  # opencode
      | \{file:(?P<file>[^{}]+)\}
      | \$\{(?P<other>[^{}]+)\}                                          # ${workspaceFolder:name}, ${command:id}
      | \$(?P<bare>[A-Z_][A-Z0-9_]+)                                     # Gemini CLI, Copilot CLI
    """,
    re.VERBOSE,
)
_NAME: Final = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Reference:
    """One whole value that points elsewhere. `variable` or `path` is set, or neither where only the client knows."""

    variable: str = ""
    path: str = ""
    asked: bool = False
    default: str = ""


def whole(text: str) -> Reference | None:
    """Return the reference that is the entire text, if it is one."""
    found = _ONE.fullmatch(text.strip())
    return _reference(found) if found else None


def embedded(text: str) -> bool:
    """Whether the text holds a reference anywhere."""
    return bool(_ONE.search(text))


def rest(text: str) -> str:
    """Return the literal parts of a text that holds references, their defaults included."""
    return _ONE.sub(lambda found: found["default"] or "", text)


def variables(text: str) -> frozenset[str]:
    """Return the environment variables that a text names."""
    return frozenset(variable for found in _ONE.finditer(text) if (variable := _reference(found).variable))


def variable_name(text: str) -> str:
    """Return a name that a shell can export, made from any text: the same for the same text."""
    name = _NAME.sub("_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)).strip("_").upper()
    return f"V_{name}".rstrip("_") if not name or name[0].isdigit() else name[:100].rstrip("_")


def _reference(found: re.Match[str]) -> Reference:
    if variable := found["var"] or found["brace"] or found["bare"]:
        own = variable in _CLIENTS_OWN and "env:" not in found[0]
        return Reference() if own else Reference(variable=variable, default=found["default"] or "")
    if asked := found["asked"] or found["ci"] or found["docker"]:
        return Reference(variable=variable_name(asked), asked=True)
    return Reference(path=(found["file"] or "").strip())

"""Packages that bring guards, as an installer leaves them: a module, and metadata that names its entry points."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[1] / "data" / "plugins"
ACME = (PLUGINS / "acme_words.py").read_text("utf-8")


def installed(
    folder: Path,
    *,
    package: str = "acme-words",
    version: str = "1.2.0",
    name: str = "acme-words",
    module: str = "acme_words",
    text: str = ACME,
) -> Path:
    """Install a package in a folder, and return the folder."""
    folder.mkdir(exist_ok=True)
    (folder / f"{module}.py").write_text(text, "utf-8")
    info = folder / f"{package.replace('-', '_')}-{version}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[ostiary.guards]\n{name} = {module}:make\n")
    (info / "RECORD").write_text("")
    return folder


def seen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process find what is installed in a folder, and forget its modules afterwards."""
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    for path in folder.glob("*.py"):
        monkeypatch.delitem(sys.modules, path.stem, raising=False)


def removed(folder: Path, package: str = "acme-words") -> None:
    """Uninstall a package."""
    for info in folder.glob(f"{package.replace('-', '_')}-*.dist-info"):
        shutil.rmtree(info)

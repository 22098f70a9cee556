"""Make sure that the tools of the bench are here and build its upstream."""

import os
import shutil
import subprocess
from pathlib import Path

from bench.processes import LOAD_CORE, PROXY_CORE, BenchFailure

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
# Debian keeps daemons out of an ordinary user's PATH.
WHERE = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
PACKAGES = {"wrk": "wrk", "nginx": "nginx-light", "gcc": "gcc", "taskset": "util-linux", "setpriv": "util-linux"}


def tool(name: str) -> str:
    """Return the path of an installed program."""
    found = shutil.which(name, path=WHERE)
    if found is None:
        raise BenchFailure(f"{name} is not installed. Run: apt-get install -y {PACKAGES.get(name, name)}")
    return found


def missing() -> list[str]:
    return sorted({package for name, package in PACKAGES.items() if shutil.which(name, path=WHERE) is None})


def install(packages: list[str]) -> None:
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise BenchFailure(f"the bench needs {', '.join(packages)}. Run as root: {' '.join(command)}")
    print(f"installing {', '.join(packages)} ...", flush=True)
    # A package list from the image's birth may name versions that have left the mirror since.
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        subprocess.run(["apt-get", "update", "-q"], check=False, capture_output=True)
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise BenchFailure(f"{' '.join(command)} failed:\n{done.stderr[-1000:]}")


def check_cores() -> None:
    mine = os.sched_getaffinity(0)
    if not {PROXY_CORE, LOAD_CORE} <= mine:
        raise BenchFailure(f"the bench needs cores {PROXY_CORE} and {LOAD_CORE}, but may use only {sorted(mine)}")


def upstream_binary() -> Path:
    """Return the compiled upstream, compiling it when the source is newer."""
    source, binary = HERE / "upstream.c", BUILD / "upstream"
    if binary.exists() and binary.stat().st_mtime > source.stat().st_mtime:
        return binary
    BUILD.mkdir(exist_ok=True)
    command = [tool("gcc"), "-O2", "-std=c11", "-Wall", "-Wextra", "-o", str(binary), str(source)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchFailure(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return binary


def prepare() -> None:
    """Install what is missing, or say what is and how to get it."""
    check_cores()
    packages = missing()
    if packages:
        install(packages)
    upstream_binary()

"""Compile the modules on the way of a call with mypyc: the same files, which stay the reference and what is tested.

Left out are modules that gain little, and those that mypyc cannot do: values (msgspec Structs, of which it forgets what
they tell their metaclass), `hub` and `server` (asynchronous generators), and `cycle`, which did not serve.
"""

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
MODULES = (
    "adapters/http/admitting", "adapters/http/connection", "adapters/http/lane",
    "adapters/identity/identities", "adapters/identity/tokens",
    "adapters/store/ledger", "adapters/store/ledger_records", "adapters/store/limits",
    "adapters/store/limits_tills",
    "adapters/telemetry/costs", "adapters/telemetry/lines", "adapters/telemetry/metrics",
    "adapters/upstream/connection", "adapters/upstream/heads", "adapters/upstream/line", "adapters/upstream/places",
    "adapters/upstream/pool", "adapters/upstream/wire",
    "integrity/linking", "integrity/schemas",
    "pipeline/costing", "pipeline/flight", "pipeline/steps", "pipeline/swift",
    "policy/limits",
    "protocol/answers", "protocol/frames", "protocol/jsonrpc", "protocol/redaction",
)  # fmt: skip
"""Under src/ostiary."""


class CannotCompile(Exception):
    """Something is missing; the text says what, and how to get it."""


def compiler() -> str:
    """Return the command of a C compiler."""
    if os.environ.get("CC"):
        return os.environ["CC"]
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return name
    if importlib.util.find_spec("ziglang"):
        return f"{sys.executable} -m ziglang cc"
    raise CannotCompile(
        "there is no C compiler. Install one (apt-get install gcc python3-dev), or one that comes as a wheel "
        f"({sys.executable} -m pip install ziglang), or name yours in the variable CC"
    )


def compiled(work: Path) -> Path:
    """Return a folder with the compiled modules alone, made in `work`; takes a minute or two."""
    for name in ("mypyc", "setuptools"):
        if importlib.util.find_spec(name) is None:
            raise CannotCompile(f"{name} is not installed. Run: {sys.executable} -m pip install mypy setuptools")
    from mypyc.build import mypycify  # noqa: PLC0415 - said above where it is missing

    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    os.environ["CC"] = compiler()
    files = [str(SOURCE / "ostiary" / f"{name}.py") for name in MODULES]
    if values := [file for file in files if "(Struct" in Path(file).read_text()]:
        # mypyc forgets what a class tells its metaclass: frozen, gc, rename. Records would be written in other words.
        raise CannotCompile(f"{', '.join(values)} has values (msgspec Structs): move them to a module of their own")
    given = [f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={work / 'types'}", *files]
    before = Path.cwd()
    # The configuration names folders from here, and mypyc writes its C there.
    os.chdir(ROOT)
    try:
        return built(mypycify(given, opt_level="3", debug_level="0", target_dir=str(work / "c")), work)
    except SystemExit as error:
        raise CannotCompile(f"mypyc, or the C compiler ({os.environ['CC']}), could not do it: {error}") from error
    finally:
        os.chdir(before)


def built(extensions: list[Any], work: Path) -> Path:
    """Let the C compiler do its part."""
    from setuptools import Distribution  # noqa: PLC0415 - as above

    command: Any = Distribution({"name": "ostiary", "ext_modules": extensions}).get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(work / "lib"), str(work / "objects")
    command.ensure_finalized()
    command.run()
    return work / "lib"

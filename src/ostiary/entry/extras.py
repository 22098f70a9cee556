"""What a configuration needs that is installed only where somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Final

from ostiary.config.parse import Document
from ostiary.config.problems import Problem

OTEL: Final = "opentelemetry.proto.collector"
_SAID: Final = "needs the classes of OpenTelemetry's messages, which are not installed"
_REMEDY: Final = "run: pip install 'ostiary[otel]'"
MISSING: Final = f"telemetry.otlp {_SAID}; {_REMEDY}"


def installed(module: str) -> bool:
    """Say whether a module is there, without importing it."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def lacking(document: Document, there: Callable[[str], bool] = installed) -> Iterator[Problem]:
    """Yield the keys that need an extra which is not installed, and what to run; models of names look for theirs."""
    if document.config.telemetry.otlp is not None and not there(OTEL):
        yield document.problem(("telemetry", "otlp"), _SAID, _REMEDY)

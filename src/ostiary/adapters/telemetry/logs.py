"""Log lines about the gateway's own life, on standard error: JSON for machines, or text for people.

Calls are in the ledger, not here. Whatever reaches a line, ours or a library's, passes the same last gate: secrets are
masked, what could forge a line or steer a terminal is escaped, and an exception is told by its kind and place, never
by its message, which may repeat what a client sent.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise
from pathlib import PurePath
from typing import Any, Final, Literal, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor

from ostiary.core.errors import GatewayError

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["json", "text"]

MASK: Final = "***"
_LONGEST: Final = 2_000
_NAME: Final = 128
_DEEPEST: Final = 6
_WIDEST: Final = 100
_FRAMES: Final = 12

_SECRET_WORDS: Final = frozenset(
    {
        "token", "tokens", "secret", "secrets", "password", "passwords", "passwd", "passphrase", "pwd", "authorization",
        "cookie", "cookies", "credential", "credentials", "apikey", "bearer", "signature", "assertion", "jwt",
    }
)  # fmt: skip
_SECRET_PAIRS: Final = frozenset({("api", "key"), ("private", "key"), ("client", "assertion"), ("access", "key")})
# What names a secret without being one: `token_id`, `secret_name`, `tokens_count`.
_ABOUT: Final = frozenset({"id", "ids", "count", "name", "names", "kind", "type", "expires", "reference", "url"})
_WORDS: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")

# Shapes of secrets in running text. These meet only our own short lines, never a payload, so `re` will do; none of
# them can backtrack over more than one run of characters.
_SHAPES: Final = (
    (re.compile(r"\bost_[A-Za-z0-9_-]{4,}"), f"ost_{MASK}"),
    (re.compile(r"(?i)\b(bearer|basic|digest|negotiate)[ =:]+[^\s,;\"']{4,}"), rf"\1 {MASK}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*"), MASK),
    (re.compile(r"\b(?:gh[a-z]_|github_pat_|glpat-|xox[a-z]-|sk-|rk_live_|sk_live_|AKIA|npm_|pypi-)[\w-]{8,}"), MASK),
    (re.compile(r"(?<=://)[^\s/@]{1,256}@"), f"{MASK}@"),
    (
        re.compile(
            r"(?i)([\w-]*(?:token|secret|password|passwd|authorization|api[_-]?key|cookie)[\"']?\s?[=:]\s?)[^\s&,;}]+"
        ),
        rf"\1{MASK}",
    ),
)

# C0 and C1 controls (new lines and terminal escapes among them), line separators, and what turns text around.
_CODES: Final = (
    *range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029,
    0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF,
)  # fmt: skip
_UNSEEN: Final = {code: f"\\u{code:04x}" for code in _CODES} | {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}


def plain(text: str) -> str:
    """Return a text without secrets and without what could forge a line or steer a terminal."""
    cut = text[:_LONGEST]
    for shape, instead in _SHAPES:
        cut = shape.sub(instead, cut)
    return cut.translate(_UNSEEN) + ("…" if len(text) > _LONGEST else "")


@lru_cache(maxsize=4096)
def shown(name: str) -> str:
    """Return a name that others gave something, as it may stand in metrics and traces: bounded and plain."""
    # A lone surrogate would break the whole page for its reader.
    return plain(name[:_NAME].encode("utf-8", "replace").decode())


def secretive(key: str) -> bool:
    """Say whether what has this name is a secret."""
    words = [word.lower() for word in _WORDS.findall(key)]
    if not words or words[-1] in _ABOUT:
        return False
    return not _SECRET_WORDS.isdisjoint(words) or not _SECRET_PAIRS.isdisjoint(pairwise(words))


def clean(value: object, depth: int = 0) -> object:
    """Return a value as it may be written: whatever is no plain value is told by its type alone."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return plain(value)
        case GatewayError() | BaseException():
            return kind(value)
        case PurePath() | IPv4Address() | IPv6Address():
            return plain(str(value))
        case Mapping() if depth < _DEEPEST:
            return {plain(str(key)): _under(str(key), each, depth) for key, each in list(value.items())[:_WIDEST]}
        case list() | tuple() | set() | frozenset() if depth < _DEEPEST:
            return [clean(each, depth + 1) for each in list(value)[:_WIDEST]]
        case _:
            return f"<{type(value).__name__}>"


def _under(key: str, value: object, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    return MASK if secretive(key) else clean(value, depth + 1)


def kind(error: BaseException) -> str:
    """Return what an exception is, without what it says: messages of libraries repeat what they were given."""
    name = type(error).__name__
    if isinstance(error, GatewayError):
        return f"{name} ({error.code})"
    if isinstance(error, OSError) and error.strerror:
        return f"{name}: {plain(error.strerror)}"
    return name


def _told(_: Any, __: str, event: EventDict) -> EventDict:
    """Replace an exception by its kinds and places."""
    info = event.pop("exc_info", None)
    event.pop("stack_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error"] = [kind(each) for each in _chain(error)]
        event["at"] = places(error)
    return event


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in found and len(found) < _DEEPEST:
        found.append(each)
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return found


def places(error: BaseException) -> list[str]:
    """Return where an exception came from, innermost last: names of files and functions, no source and no values."""
    frames = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=False)
    return [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-_FRAMES:]]


def _first_line(_: Any, __: str, event: EventDict) -> EventDict:
    """Drop what asyncio adds to its complaints: representations of tasks, and with them of exceptions."""
    record = event.get("_record")
    if record is not None and record.name == "asyncio":
        event["event"] = str(event["event"]).partition("\n")[0]
    return event


def masked(_: Any, __: str, event: EventDict) -> EventDict:
    """Clean every value of a line."""
    return {plain(key): _under(key, value, 0) for key, value in event.items()}


def _as_json(_: Any, __: str, event: EventDict) -> str:
    first = {key: event.pop(key) for key in ("time", "level", "event") if key in event}
    return msgspec.json.encode({**first, **event}).decode()


def _as_text(_: Any, __: str, event: EventDict) -> str:
    time, level, what = (str(event.pop(key, "")) for key in ("time", "level", "event"))
    rest = " ".join(f"{key}={_worded(value)}" for key, value in event.items())
    return f"{time[11:19]} {level:<7} {what}  {rest}".rstrip()


def _worded(value: object) -> str:
    return value if isinstance(value, str) and value and " " not in value else msgspec.json.encode(value).decode()


def configure(level: Level = "info", form: Format = "json", stream: TextIO | None = None) -> None:
    """Route every logger of the process, ours and the libraries', through the same gate to standard error."""
    shared: Sequence[Processor] = (
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                _first_line,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _told,
                masked,
                _as_text if form == "text" else _as_json,
            ],
        )
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(_NUMBERS[level]),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_NUMBERS[level])
    for name, least in _LIBRARIES.items():
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = least is not None
        logger.setLevel(max(least or 0, _NUMBERS[level]))
    logging.captureWarnings(capture=True)


_NUMBERS: Final[Mapping[Level, int]] = {
    "debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR,
}  # fmt: skip
# Below these levels libraries tell of addresses, statements and headers. The ledger is the access log.
_LIBRARIES: Final[Mapping[str, int | None]] = {
    "uvicorn": logging.WARNING, "uvicorn.error": logging.WARNING, "uvicorn.access": None, "uvicorn.asgi": None,
    "asyncio": logging.WARNING, "sqlalchemy": logging.WARNING, "alembic": logging.WARNING,
    "watchfiles": logging.WARNING, "mcp": logging.WARNING, "httpx2": logging.WARNING, "httpcore2": logging.WARNING,
}  # fmt: skip


def unhandled(loop: asyncio.AbstractEventLoop, context: MutableMapping[str, Any]) -> None:
    """Log what an event loop has no other place for; for `loop.set_exception_handler`."""
    del loop
    structlog.get_logger(__name__).error(
        "a task failed and nobody looked", what=context.get("message"), exc_info=context.get("exception")
    )

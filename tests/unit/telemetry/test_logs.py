"""Log lines: what they keep to themselves, and that nobody can forge one."""

from __future__ import annotations

import asyncio
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from ostiary.adapters.telemetry.logs import MASK, clean, configure, plain, secretive, unhandled
from ostiary.core.errors import Blocked

TOKEN = "ost_" + "Ab-_9" * 8 + "xyz_0a1b2c3d"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


class Written:
    """What was written while this was the log's stream."""

    def __init__(self, level: Any = "info", form: Any = "json") -> None:
        self._stream = io.StringIO()
        configure(level, form, self._stream)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[Any]:
        return [msgspec.json.decode(line) for line in self.text.splitlines()]


def test_a_line_is_one_json_object_with_time_level_and_event_first() -> None:
    written = Written()
    structlog.get_logger().info("snapshot replaced", revision=7, changed=[1, 2])
    [line] = written.lines
    assert list(line) == ["time", "level", "event", "revision", "changed"]
    assert line["time"].endswith("Z")
    assert (line["level"], line["event"], line["revision"]) == ("info", "snapshot replaced", 7)


def test_text_for_people_is_one_line_too() -> None:
    written = Written(form="text")
    structlog.get_logger().warning("odd\nINFO forged", server="crm", why="two\nlines \x1b[2J", token=TOKEN)
    assert len(written.text.splitlines()) == 1
    assert "\x1b" not in written.text
    assert "server=crm" in written.text
    assert f"token={MASK}" in written.text


def test_the_level_is_a_threshold() -> None:
    written = Written("warning")
    structlog.get_logger().info("no")
    structlog.get_logger().warning("yes")
    logging.getLogger("any.library").info("no")
    logging.getLogger("any.library").error("yes")
    assert [line["event"] for line in written.lines] == ["yes", "yes"]


SECRETS = [
    TOKEN,
    f"Authorization: Bearer {TOKEN}",
    "Bearer abcdef0123456789",
    "authorization=Basic dXNlcjpwYXNz",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "https://user:hunter22@crm.internal/mcp",
    "https://x/?access_token=hunter22&a=b",
    'password="hunter22"',
    "ghp_0123456789abcdef0123",
    "sk-0123456789abcdef",
]


@pytest.mark.parametrize("text", SECRETS)
@pytest.mark.parametrize("form", ["json", "text"])
def test_a_secret_is_masked_wherever_it_stands(text: str, form: str) -> None:
    secrets = (TOKEN[4:30], "abcdef0123456789", "dXNlcjpwYXNz", "eyJzdWIi", "c2lnbmF0", "hunter22", "0123456789abcdef")
    written = Written(form=form)
    log = structlog.get_logger()
    around = f"before {text} after"
    log.info(around)
    log.info("constant", note=text, deep={"list": [text], text: 1})
    logging.getLogger("library").warning("said %s", text)
    assert MASK in written.text
    assert not [secret for secret in secrets if secret in written.text]


@pytest.mark.parametrize(
    "key",
    ["token", "access_token", "accessToken", "refresh-token", "Authorization", "Proxy-Authorization", "client_secret",
     "password", "db_password", "Set-Cookie", "api_key", "apiKey", "X-Api-Key", "privateKey", "credential"],
)  # fmt: skip
def test_what_is_called_a_secret_is_masked_whatever_it_is(key: str) -> None:
    assert secretive(key)
    for value in ("hunter22", b"hunter22", ["hunter22"], {"a": "hunter22"}, 22):
        written = Written()
        structlog.get_logger().info("constant", deep={key: value}, **{key.replace("-", "_"): value})
        [line] = written.lines
        assert line["deep"] == {key: MASK}
        assert line[key.replace("-", "_")] == MASK


@pytest.mark.parametrize(
    "key", ["token_id", "tokenizer", "secret_name", "key", "keyboard", "server", "author", "revision", ""]
)
def test_what_only_sounds_like_a_secret_is_kept(key: str) -> None:
    assert not secretive(key)


@given(st.text())
def test_no_text_can_forge_a_line_or_steer_a_terminal(text: str) -> None:
    shown = plain(text)
    assert len(shown.splitlines()) <= 1
    assert all(
        character.isprintable() or character > "\xa0" or character == " " for character in shown if character != "\xa0"
    )
    assert not set(shown) & {"\x1b", "\x9b", "\n", "\r", "\u2028", "\u202e", "\x7f"}


def test_a_long_text_is_cut() -> None:
    assert len(plain("x" * 1_000_000)) < 3_000


class Payload:
    """What a line must never show."""

    content: ClassVar[str] = "canary-4711"

    def __repr__(self) -> str:
        return self.content


def test_what_is_no_plain_value_is_told_by_its_type() -> None:
    assert clean(Payload()) == "<Payload>"
    assert clean(b"canary-4711") == "<bytes>"
    assert clean(Path("/etc/ostiary")) == "/etc/ostiary"
    assert clean(Blocked("canary-4711")) == "Blocked (blocked)"
    endless: list[Any] = []
    endless.append(endless)
    assert "<list>" in str(clean(endless))


def failing(canary: str) -> None:
    try:
        int(canary)
    except ValueError as error:
        raise KeyError(canary) from error


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_exception_is_told_by_kind_and_place_and_never_by_its_message(form: str) -> None:
    """Messages of exceptions repeat arguments: KeyError's is one."""
    written = Written(form=form)
    for say in (structlog.get_logger().exception, logging.getLogger("uvicorn.error").exception):
        try:
            failing("canary-4711")
        except KeyError:
            say("it broke")
    assert "canary" not in written.text
    assert written.text.count("KeyError") == written.text.count("ValueError") == 2
    assert "failing" in written.text
    assert len(written.text.splitlines()) == 2


def test_an_operating_systems_error_says_what_it_was() -> None:
    written = Written()
    try:
        Path("/nonexistent/canary-4711").read_text()
    except OSError:
        structlog.get_logger().exception("cannot read")
    [line] = written.lines
    assert line["error"] == ["FileNotFoundError: No such file or directory"]


def test_libraries_speak_through_the_same_gate() -> None:
    written = Written("debug")
    logging.getLogger("uvicorn.error").info("Uvicorn running on …")
    logging.getLogger("uvicorn.access").error("127.0.0.1 GET /?token=x")
    logging.getLogger("uvicorn.error").warning("odd %s", "\x1b[31m")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("soon gone", DeprecationWarning, stacklevel=1)
    events = [line["event"] for line in written.lines]
    assert len(events) == 2
    assert events[0] == "odd \\u001b[31m"
    assert written.lines[0]["logger"] == "uvicorn.error"
    assert "soon gone" in events[1]


async def test_what_asyncio_complains_of_shows_no_representation() -> None:
    written = Written()
    loop = asyncio.get_running_loop()
    error = KeyError("canary-4711")
    future: asyncio.Future[None] = loop.create_future()
    future.set_exception(error)
    context: dict[str, Any] = {"message": "Task exception was never retrieved", "exception": error, "future": future}
    loop.default_exception_handler(context)
    unhandled(loop, context)
    assert future.exception() is error
    first, second = written.lines
    assert first["event"] == "Task exception was never retrieved"
    assert second["error"] == ["KeyError"]
    assert "canary" not in written.text


def test_configuring_twice_writes_each_line_once() -> None:
    Written()
    written = Written()
    structlog.get_logger().info("once")
    assert len(written.lines) == 1

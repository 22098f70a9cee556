"""Secrets come from their places, exactly, or not at all; and nothing that could hold one is inherited."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ostiary.adapters.secrets import Unresolved, base_environment, exposure, resolve
from ostiary.config.values import Secret


def kept(folder: Path, content: bytes, mode: int = 0o600) -> Secret:
    path = folder / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return Secret("file", str(path))


def refused(reference: Secret) -> str:
    with pytest.raises(Unresolved) as caught:
        resolve(reference, {})
    return str(caught.value)


def test_a_variable_is_read_as_it_is() -> None:
    assert resolve(Secret("env", "TOKEN"), {"TOKEN": " hunter2\n"}) == " hunter2\n"


def test_without_another_environment_it_is_the_process_s_own() -> None:
    assert resolve(Secret("env", "PATH")) == os.environ["PATH"]


def test_a_variable_that_is_not_set_is_named() -> None:
    assert refused(Secret("env", "TOKEN")).startswith("env:TOKEN: the environment variable is not set;")


def test_an_empty_variable_is_no_secret() -> None:
    with pytest.raises(Unresolved, match="env:TOKEN: is empty"):
        resolve(Secret("env", "TOKEN"), {"TOKEN": ""})


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"a\n\n", "a\n"),
        (b"a\nb\n", "a\nb"),
    ],
)
def test_a_file_loses_one_newline(tmp_path: Path, content: bytes, secret: str) -> None:
    assert resolve(kept(tmp_path, content)) == secret


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hunter2\xff", "is not UTF-8 text"),
        (b"hunter2" * 10_000, "is larger than 64 KiB"),
    ],
)
def test_a_file_without_a_usable_secret_is_named_and_not_shown(tmp_path: Path, content: bytes, why: str) -> None:
    text = refused(kept(tmp_path, content))
    assert f"{tmp_path}/secret: {why};" in text
    assert "hunter2" not in text


def test_a_missing_file_a_folder_and_a_path_that_cannot_be_are_named(tmp_path: Path) -> None:
    assert "No such file" in refused(Secret("file", str(tmp_path / "gone")))
    assert "not a regular file" in refused(Secret("file", str(tmp_path)))
    assert "cannot be read" in refused(Secret("file", "a\0b"))


def test_a_pipe_does_not_hold_the_gateway_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in refused(Secret("file", str(tmp_path / "pipe")))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_used_and_warned_about(tmp_path: Path, mode: int) -> None:
    reference = kept(tmp_path, b"hunter2", mode)
    with capture_logs() as logged:
        assert resolve(reference) == "hunter2"
    assert [entry["log_level"] for entry in logged] == ["warning"]
    assert "hunter2" not in str(logged)
    assert exposure(reference).startswith(f"{reference} can be read or written by other users")


def test_what_nobody_else_can_read_exposes_nothing(tmp_path: Path) -> None:
    assert exposure(kept(tmp_path, b"x")) == ""
    assert exposure(Secret("env", "TOKEN")) == ""
    assert exposure(Secret("file", str(tmp_path / "gone"))) == ""


def test_a_server_s_process_inherits_nothing_that_could_be_a_credential() -> None:
    given = {
        "PATH": "/bin",
        "HOME": "/root",
        "LC_ALL": "C",
        "AWS_SECRET_ACCESS_KEY": "hunter2",
        "HTTPS_PROXY": "http://u:hunter2@p",
        "TERM": "() { :; }; x",
    }
    assert base_environment(given) == {"PATH": "/bin", "HOME": "/root", "LC_ALL": "C"}


def test_without_another_environment_the_base_is_of_the_process_s_own() -> None:
    assert base_environment()["PATH"] == os.environ["PATH"]

"""`ostiary demo`, as a person runs it: the tour is true, and the live stage leaves nothing behind."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from ostiary.demo.setting import CAST, Token
from ostiary.demo.stage import Stage
from ostiary.demo.tour import STEPS, play

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

DEMO = [sys.executable, "-m", "ostiary", "demo"]


@pytest.fixture(autouse=True)
def listening() -> Iterator[None]:
    """Have programs hear Ctrl-C, as in a terminal: a shell starts background jobs, and what they start, deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def scratch_folders(folder: Path) -> list[Path]:
    return list(folder.glob("ostiary-demo-*"))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_the_tour_goes_as_told_and_leaves_no_folder(temporary: Path) -> None:
    ended = subprocess.run([*DEMO, "--once"], capture_output=True, text=True, timeout=180, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = re.findall(r"^ *\d+\. (.+): ok$", ended.stdout, re.MULTILINE)
    assert told == [step.word for step in STEPS]
    assert f"{len(STEPS)} of {len(STEPS)} steps went as told." in ended.stdout
    assert scratch_folders(temporary) == []


def test_the_live_demo_tells_a_call_and_stops_cleanly(temporary: Path) -> None:
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        try:
            told = []
            for line in demo.stdout:
                told.append(line.rstrip("\n"))
                if line.startswith("Each call as it happens"):
                    break
            adding = next(line for line in told if line.startswith("curl") and "notes__add_note" in line)
            added = subprocess.run(["sh", "-c", adding], capture_output=True, text=True, timeout=60, check=True)
            assert '"from curl"' in added.stdout or "from curl" in added.stdout
            seen = next(line for line in demo.stdout if "notes.add_note" in line)
            demo.send_signal(signal.SIGINT)
            _, errors = demo.communicate(timeout=60)
        finally:
            demo.kill()
    assert re.search(r"\d\d:\d\d:\d\d  ana +notes\.add_note +allow by developers-take-notes +answered +[\d.]+ ms", seen)
    assert demo.returncode == 0
    assert "nothing is left running" in errors
    assert scratch_folders(temporary) == []
    gateway = next(line for line in told if line.startswith("The gateway is at ")).removeprefix("The gateway is at ")
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(gateway)


def test_every_suggestion_for_curl_works(temporary: Path) -> None:
    """Ours: what is ready to paste is tried by people who have no idea yet what went wrong."""
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        try:
            pasted = []
            for line in demo.stdout:
                if line.startswith(("curl", "S=$(curl")):
                    pasted.append(line)
                if line.startswith("Each call as it happens"):
                    break
            answers = [
                subprocess.run(["sh", "-c", each], capture_output=True, text=True, timeout=60, check=True).stdout
                for each in pasted
            ]
            demo.send_signal(signal.SIGTERM)
            demo.communicate(timeout=60)
        finally:
            demo.kill()
    adding, deleting, listing = answers
    assert "from curl" in adding
    assert "-32602" in deleting
    assert "notes__add_note" in listing
    assert "notes__delete_note" not in listing
    assert scratch_folders(temporary) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    ended = subprocess.run(
        [*DEMO, "--once", "--keep", str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert "not an empty folder" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


async def test_a_tour_without_a_gateway_says_of_every_step_that_it_failed(tmp_path: Path) -> None:
    """Ours: a step that crashes must not pass, and must not end the tour either."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        tokens = {person.name: Token("tok_none", "ost_none") for person in CAST}
        stage = Stage(tmp_path, f"http://127.0.0.1:{port}", tokens, ended)
        seen = [(step.word, true) async for step, _, true in play(stage)]
    assert seen == [(step.word, False) for step in STEPS]

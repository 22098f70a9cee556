"""What detection is measured with: it is there, and training cannot read it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BLIND = ROOT / "tests/data/blind"


def opening(path: str) -> subprocess.CompletedProcess[str]:
    """Open a file as training would."""
    program = "import sys; from injection_measured import refusing; sys.addaudithook(refusing); open(sys.argv[1], 'rb')"
    return subprocess.run(
        [sys.executable, "-c", program, path], cwd=ROOT / "scripts", capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", ["injection", "secrets", "personal"])
def test_training_cannot_read_what_is_measured_with(name: str) -> None:
    for path in (str(BLIND / f"{name}.jsonl.gz"), f"../tests/data/blind/{name}.jsonl.gz"):
        said = opening(path)
        assert said.returncode
        assert "held back to measure with" in said.stderr


def test_training_reads_anything_else() -> None:
    assert opening(str(ROOT / "README.md")).returncode == 0

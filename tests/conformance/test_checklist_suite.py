"""The official suite, against one upstream's own endpoint: no check less than direct."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1800)]

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.requirement("MCP-41")
@pytest.mark.parametrize(("run", "count"), [("0.1", 44), ("2025-11-25", 84), ("2026-07-28", 152)])
def test_the_official_suite_counts_the_same_through_the_gateway(run: str, count: int) -> None:
    command = [sys.executable, "scripts/conformance.py", "--only", run]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1700, check=False)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
    assert re.search(rf"^{re.escape(run)}\s+{count}/{count}\s+{count}/{count}\s", ran.stdout, re.MULTILINE), ran.stdout

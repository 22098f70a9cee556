"""Texts that were written one by one to be learnt from: each is labelled as what it is, and names no place of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WRITTEN = sorted((ROOT / "scripts/written").glob("*.jsonl"))
REGISTRIES = ("pypi.", "pythonhosted.", "npmjs.", "crates.io", "rubygems.", "docker.io", "ghcr.io", "quay.io")


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_each_text_is_labelled_and_names_no_registry(path: Path) -> None:
    texts = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert max(Counter(each["text"] for each in texts).values()) == 1
    for each in texts:
        assert set(each) == {"text", "attack", "surface", "kind", "language", "family"}
        assert not any(host in each["text"].lower() for host in REGISTRIES)


def test_they_are_read_as_examples_with_the_place_of_the_attack() -> None:
    program = """
from injection_written import example, read
every = read()
assert len(every) > 3000
assert all(0 <= each.span[0] < each.span[1] <= len(each.text) for each in every if each.label)
assert all(each.kind in {"overt", "covert", "hidden"} for each in every if each.label)
try:
    example('{"text": "a", "attack": "b", "surface": "answer", "kind": "overt"}', "x")
except ValueError as error:
    assert "not labelled as what it is" in str(error)
else:
    raise AssertionError
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT / "scripts", capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr

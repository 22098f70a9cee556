"""What the page about policy shows is a configuration that the gateway takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ostiary.config.expect import failed
from ostiary.config.parse import parse

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "policy.md").read_text("utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
AROUND = """\
gateway: {url: https://mcp.example.com}
identity: {staff: {issuer: https://id.example.com}, partners: {issuer: https://id.partner.example}}
guards: [{name: injection, use: injection, then: note}]
"""
SERVERS = "servers: {files: {command: [files]}, crm: {command: [crm]}}\n"


LARGE = "  - {name: large-refunds, allow: [crm.refund], teams: [support], approval: {by: [lead]}}\n"


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_is_taken(block: str) -> None:
    rules = BLOCKS[3] + LARGE if block.startswith("expect:") else ""
    servers = "" if block.startswith("servers:") else SERVERS
    config = parse(AROUND + servers + rules + block, "policy.md")
    assert list(failed(config)) == []


def test_there_are_examples_of_everything() -> None:
    assert len(BLOCKS) == 9

"""A header and a body that say different things are refused: whoever routes by one and acts by the other is fooled otherwise.

2026-07-28, SEP-2243: `Mcp-Method`, `Mcp-Name`, `MCP-Protocol-Version` and the `Mcp-Param-*` that mirror arguments.
"""

from __future__ import annotations

import base64
import json

import pytest

from tests.pipeline.stage import Stage
from tests.security.composed import EVERYTHING, body, fields, inbound, refused, said, stage, tool


def mirror(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "x-mcp-header": name}


def made() -> Stage:
    region = {"region": mirror("string", "Region"), "size": mirror("integer", "Size"), "dry": mirror("boolean", "Dry")}
    return stage(EVERYTHING, [tool("read", region), tool("drop", {})])


GOOD = {"region": "eu", "size": 5, "dry": True}
MIRRORED = {"mcp-param-region": "eu", "mcp-param-size": "5", "mcp-param-dry": "true"}


def test_what_agrees_goes_through() -> None:
    it = made()
    assert "result" in said(it, inbound(body("read", GOOD), fields("read", **MIRRORED)))
    assert len(it.sent) == 1


METHODS = [
    "tools/list",
    "prompts/get",
    "",
    "Tools/Call",
    "tools/call,tools/list",
    "tools%2Fcall",
    "=?base64?dG9vbHMvY2FsbA==?=x",
]


@pytest.mark.parametrize("method", METHODS)
def test_the_method(method: str) -> None:
    refused(made(), inbound(body("read", GOOD), fields("read", **MIRRORED) | {"mcp-method": method}))


@pytest.mark.parametrize(
    "name",
    [
        "drop",
        "",
        "Read",
        " read,drop",
        "re\u200bad",
        "=?base64?ZHJvcA==?=",
        "=?base64?!?=",
        "=?base64?cmVhZA?=x",
        "files__read",
    ],
)
def test_the_name(name: str) -> None:
    refused(made(), inbound(body("read", GOOD), fields("read", **MIRRORED) | {"mcp-name": name}))
    refused(made(), inbound(body("drop", {}), fields("read")))


@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-29", "", "2026-07-28, 2025-11-25", "latest"])
def test_the_version(version: str) -> None:
    refused(made(), inbound(body("read", GOOD), fields("read", **MIRRORED) | {"mcp-protocol-version": version}))


@pytest.mark.parametrize("missing", ["mcp-method", "mcp-name", "mcp-protocol-version"])
def test_what_is_missing_agrees_with_nothing(missing: str) -> None:
    headers = {key: value for key, value in fields("read", **MIRRORED).items() if key != missing}
    refused(made(), inbound(body("read", GOOD), headers))


@pytest.mark.parametrize("doubled", ["mcp-method", "mcp-name", "mcp-protocol-version", "mcp-param-region"])
def test_what_is_there_twice_is_refused_though_both_agree(doubled: str) -> None:
    """Which of two a proxy in front took is anybody's guess; here they never are the same header twice."""
    refused(made(), inbound(body("read", GOOD), fields("read", **MIRRORED), doubled=frozenset({doubled})))


PARAMS = [
    ("region", "us"), ("region", "EU"), ("region", ""), ("region", "eu,us"), ("region", "=?base64?dXM=?="), ("region", "=?base64?%%%?="), ("region", "e\u200bu"),
    ("size", "6"), ("size", "5.5"), ("size", "0x5"), ("size", "five"), ("size", "5e0"), ("size", "٥"), ("size", "+5"), ("size", "9" * 5000), ("size", "NaN"),
    ("dry", "false"), ("dry", "True"), ("dry", "1"), ("dry", "yes"), ("dry", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), PARAMS)
def test_a_mirrored_argument(name: str, value: str) -> None:
    refused(made(), inbound(body("read", GOOD), fields("read", **MIRRORED) | {f"mcp-param-{name}": value}))


@pytest.mark.parametrize("name", ["region", "size", "dry"])
def test_a_mirror_without_its_argument_and_an_argument_without_its_mirror(name: str) -> None:
    less = {key: value for key, value in GOOD.items() if key != name}
    refused(made(), inbound(body("read", less), fields("read", **MIRRORED)))
    headers = {key: value for key, value in fields("read", **MIRRORED).items() if key != f"mcp-param-{name}"}
    refused(made(), inbound(body("read", GOOD), headers))


def test_numbers_beyond_what_a_float_holds_are_compared_exactly() -> None:
    """2**53 and 2**53 + 1 are one and the same to a reader of floating point."""
    big = 2**53
    arguments, headers = {**GOOD, "size": big + 1}, fields("read", **MIRRORED) | {"mcp-param-size": str(big)}
    refused(made(), inbound(body("read", arguments), headers))


def test_another_spelling_of_the_same_value_agrees() -> None:
    it = made()
    coded = f"=?base64?{base64.b64encode(b'eu').decode()}?="
    assert "result" in said(it, inbound(body("read", GOOD), fields("read", **MIRRORED) | {"mcp-param-region": coded}))


def test_a_header_that_mirrors_nothing_stays_behind() -> None:
    """An intermediary's own header is nobody's argument: it is not an error, and no server hears of it."""
    it = made()
    said(it, inbound(body("read", GOOD), fields("read", **MIRRORED, **{"mcp-param-admin": "true"})))
    assert "admin" not in json.dumps(it.sent[-1].call.params)

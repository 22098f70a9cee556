"""What the ledger says of how callers behaved is what happened, as far as it was written down."""

from __future__ import annotations

from typing import Any

import pytest

from ostiary.operate.recalled import longest, network, recalled

ANA = {"subject": "ana", "issuer": "staff", "client": "tok_1"}


def intent(number: int, tool: str = "crm.search", **more: Any) -> dict[str, Any]:
    stamp = f"2026-01-01T00:00:{number % 60:02d}.000Z"
    return {"type": "intent", "reference": f"r{number}", "principal": ANA, "tool": tool, "time": stamp,
            "program": "ide", "peer": "10.1.2.3", **more}  # fmt: skip


def outcome(number: int, how: str = "answered", **more: Any) -> dict[str, Any]:
    stamp = f"2026-01-01T00:00:{number % 60:02d}.500Z"
    return {"type": "outcome", "reference": f"r{number}", "outcome": how, "time": stamp,
            "bytes": {"in": 10, "out": 20}, **more}  # fmt: skip


def test_a_call_is_seen_when_it_has_ended() -> None:
    (seen,) = recalled([intent(1), {"type": "event", "kind": "start"}, outcome(1), intent(2)])
    assert (seen.subject, seen.tool, seen.client, seen.program, seen.address) == (
        "staff ana", "crm.search", "tok_1", "ide", "10.1.2",
    )  # fmt: skip
    assert (seen.at, seen.sent, seen.got, seen.denied, seen.failed) == (1_767_225_601.5, 10, 20, False, False)


def test_a_refusal_is_seen_by_itself_and_nobody_is_nobody() -> None:
    refused = outcome(1, "not_found", principal=ANA, name="secret__tool", time="never")
    (seen,) = recalled([refused, outcome(2, "unauthenticated")])
    assert (seen.tool, seen.denied, seen.at) == ("secret__tool", True, 0.0)


@pytest.mark.parametrize("how", ["tool_error", "rpc_error", "upstream_lost"])
def test_failures_are_the_servers(how: str) -> None:
    (seen,) = recalled([intent(1), outcome(1, how)])
    assert seen.failed


def test_intents_without_an_end_are_forgotten_in_time() -> None:
    assert list(recalled([intent(number) for number in range(100_010)] + [outcome(1)])) == []


def test_what_was_done_most_in_a_row_is_told_by_kind() -> None:
    same = {"arguments": {"digest": "d", "masked": {"q": "string(5)"}}}
    grown = [
        intent(number, "crm.note", arguments={"digest": f"{number}", "masked": ["x", "string(" + "9" * number + ")"]})
        for number in range(1, 5)
    ]
    found = longest([*(intent(number, **same) for number in range(4)), outcome(1), *grown])
    assert (found["repeats"], found["growth"], found["cycles"]) == ([4], [3], [])


@pytest.mark.parametrize(
    ("peer", "expected"), [("10.1.2.3", "10.1.2"), ("2001:db8:1:2:3::4", "2001:db8:1:2"), ("", "")]
)
def test_addresses_are_known_by_their_networks(peer: str, expected: str) -> None:
    assert network(peer) == expected

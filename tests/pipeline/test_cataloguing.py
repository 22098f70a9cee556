"""Guards read definitions: what they stop waits for a person, what they note is told, and who cannot look is asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from ostiary.core.model import Kind
from ostiary.core.screening import Block, Fence, Hold, Note, Pass, Payload, Redact, Screen, Side, Verdict
from ostiary.integrity.findings import Severity
from ostiary.integrity.pins import Sighting
from ostiary.pipeline.cataloguing import Read, kept, plain, read
from tests.pipeline.stage import looking

TOOL = Sighting(
    Kind.TOOL, "find", "d1", {"name": "find", "description": "words", "icon": {"mimeType": "image/png", "data": "AAAA"}}
)
SELF = Sighting(Kind.GATEWAY, "crm", "d2", {"instructions": "be good"})


def shown(
    verdict: Verdict | Exception, *sightings: Sighting, shadow: bool = False
) -> tuple[Mapping[str, Read], list[Payload]]:
    seen: list[Payload] = []

    def look(payload: Payload) -> Verdict:
        seen.append(payload)
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    screen = Screen("g", looking(look), shadow=shadow)
    found = asyncio.run(read("crm", sightings or (TOOL,), lambda _kind, _server, _label: (screen,), lambda: 0.0))
    return found, seen


def test_a_definition_is_read_with_all_its_words_once() -> None:
    found, [seen] = shown(Pass(), TOOL, TOOL)
    assert (seen.side, seen.server, seen.label, seen.unread) == (Side.CATALOGUE, "crm", "crm.find", ("image/png",))
    assert {"words", "description", "find"} <= {text.value for text in seen.texts}
    assert found == {"d1": Read((), whole=True)}


def test_what_a_server_says_of_itself_is_read_too() -> None:
    found, [seen] = shown(Block("no"), SELF)
    assert seen.label == "crm/"
    assert found["d2"].findings[0].severity is Severity.HIGH


@pytest.mark.parametrize("verdict", [Block("bad"), Hold("bad"), Redact("bad", {}), Fence("bad", {}, {})])
def test_whatever_would_change_or_stop_words_holds_them_back(verdict: Verdict) -> None:
    found, _ = shown(verdict)
    [finding] = found["d1"].findings
    assert (finding.rule, finding.severity, finding.evidence) == ("guard:g", Severity.HIGH, "bad")
    assert kept(plain(finding)) == finding


def test_a_note_and_a_rehearsal_hold_nothing_back() -> None:
    assert [each.severity for each in shown(Note("odd"))[0]["d1"].findings] == [Severity.MEDIUM]
    assert [each.severity for each in shown(Block("odd"), shadow=True)[0]["d1"].findings] == [Severity.LOW]


def test_who_cannot_look_holds_it_back_and_is_asked_again() -> None:
    found, _ = shown(ValueError("secret words"))
    assert not found["d1"].whole
    assert found["d1"].findings[0].severity is Severity.HIGH
    assert "secret words" not in str(found)


def test_many_are_read_in_parts() -> None:
    every = [Sighting(Kind.TOOL, f"t{at}", f"d{at}", {"name": f"t{at}"}) for at in range(20)]
    found, seen = shown(Pass(), *every)
    assert len(found) == len(seen) == 20

"""Names and places: read beside the event loop, by a model from a folder, and told what is missing where none is."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ostiary.adapters import names
from ostiary.adapters.names import Unusable
from ostiary.config.guards import GuardEntry
from ostiary.core.screening import Block, Guard, Pass, Payload, Redact, Side, Text
from ostiary.entry import guarding
from ostiary.entry.guarding import local
from ostiary.guards.naming import Entity
from ostiary.operate.proving import Trial, prove
from tests.contract import test_cli
from tests.contract.test_cli import Shell
from tests.pipeline.test_looking import TOKENS

shell = test_cli.shell
TEXT = "Ask Maria Schmidt in Lisbon, or maria@example.org."
PATH = ("result", "content", 0, "text")
REAL = importlib.util.find_spec(names.PACKAGE) is not None


class Fake:
    """A model that knows two names (port `Names`)."""

    def __init__(self) -> None:
        self.threads: set[str] = set()

    def ready(self) -> None:
        """Be ready."""

    def __call__(self, text: str) -> Iterator[Entity]:
        self.threads.add(threading.current_thread().name)
        for known, slug in (("Maria Schmidt", "name"), ("Lisbon", "place")):
            if (at := text.find(known)) >= 0:
                yield Entity(at, at + len(known), slug, 0.85)


def entry(folder: str = "model", **more: Any) -> GuardEntry:
    said = {"name": "people", "use": "personal", "in": ["answer"], "then": "redact", "names": {"model": folder}}
    return GuardEntry.model_validate({**said, **more})


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    found = Fake()
    monkeypatch.setattr(guarding, "_model", lambda _entry, _beside: found)
    return found


def looked(guard: Guard, text: str = TEXT) -> Any:
    async def look() -> Any:
        return await guard(Payload(Side.ANSWER, "crm", "crm.find", "tools/call", "run", (Text(PATH, text),)))

    return asyncio.run(look())


def test_names_are_replaced_like_anything_personal(fake: Fake) -> None:
    verdict = looked(local(entry(), TOKENS))
    assert isinstance(verdict, Redact)
    assert verdict.replace[PATH] == "Ask [redacted:name] in [redacted:place], or [redacted:email]."


def test_only_names_are_taken_where_only_they_are_asked_for(fake: Fake) -> None:
    verdict = looked(local(entry(kinds=["name"], then="mask"), TOKENS))
    assert isinstance(verdict, Redact)
    assert "Schmidt" not in verdict.replace[PATH]
    assert "Lisbon, or maria@example.org." in verdict.replace[PATH]
    assert isinstance(looked(local(entry(at=0.9, kinds=["name"]), TOKENS)), Pass), "it has to be sure enough"


def test_no_model_runs_on_the_event_loop(fake: Fake) -> None:
    looked(local(entry(), TOKENS))
    assert fake.threads
    assert all(each.startswith("guards-aside") for each in fake.threads)


def test_a_long_text_is_read_in_pieces_like_any_other(fake: Fake) -> None:
    verdict = looked(local(entry(kinds=["name", "place"]), TOKENS), "word " * 4_000 + TEXT)
    assert isinstance(verdict, Redact)
    assert "Lisbon" not in verdict.replace[PATH]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"canary": TEXT}, ""),
        ({"canary": "Nobody is known here."}, "it does not find its canary in an answer"),
        ({}, ""),
        ({"kinds": ["name"]}, ""),
    ],
)
def test_what_its_operator_says_proves_it(fake: Fake, more: dict[str, Any], reason: str) -> None:
    it = entry(**more)
    proof = asyncio.run(prove(Trial(it, local(it, TOKENS), lambda most: most // 2)))
    assert proof.reason == reason


def test_a_check_says_what_to_install_and_what_to_mount(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = "{name: people, use: personal, then: redact, names: {model: nowhere}}"
    shell.file.write_text(f'gateway: {{url: "http://127.0.0.1:8080"}}\nguards:\n  - {guard}\n')
    monkeypatch.setattr(names, "PACKAGE", "no_such_package")
    names.model.cache_clear()
    said = shell("check")
    assert said.code == 1
    plain = " ".join(said.out.split())
    assert "guards[0].names: needs Presidio, which is not installed; pip install 'ostiary[names]'" in plain
    monkeypatch.setattr(names, "PACKAGE", "json")
    names.model.cache_clear()
    assert "is no folder of a spaCy model; mount one that has meta.json" in " ".join(shell("check").out.split())


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        ("{name: a, use: personal, then: redact, kinds: [name]}",
         "takes a model that knows names; add names: {model: FOLDER}, or remove it"),
        ("{name: a, use: personal, then: redact, canary: Maria}", "is for the model of names, and there is none"),
        ("{name: a, use: secrets, then: redact, names: {model: x}}", "means nothing to secrets"),
    ],
)  # fmt: skip
def test_names_without_a_model_are_refused(shell: Shell, guard: str, said: str) -> None:
    shell.file.write_text(f'gateway: {{url: "http://127.0.0.1:8080"}}\nguards:\n  - {guard}\n')
    found = shell("check")
    assert found.code == 1
    assert said in " ".join(found.out.split())


def test_a_guard_whose_model_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"guards\.people\.names: (needs Presidio|is no folder)"):
        local(entry("nowhere"), TOKENS, tmp_path)


@pytest.mark.skipif(not REAL, reason="the extra `names` is not installed")
def test_a_real_model_from_a_folder_is_read_without_a_network(tmp_path: Path) -> None:
    """Presidio and spaCy as they are, with a pipeline that is made here: no weights, and nothing to fetch."""
    spacy = importlib.import_module("spacy")
    made = spacy.blank("en")
    person, place = [{"LOWER": "maria"}, {"LOWER": "schmidt"}], "Lisbon"
    made.add_pipe("entity_ruler").add_patterns(
        [{"label": "PERSON", "pattern": person}, {"label": "GPE", "pattern": place}]
    )
    made.to_disk(tmp_path / "model")
    verdict = looked(local(entry("model"), TOKENS, tmp_path))
    assert isinstance(verdict, Redact)
    assert verdict.replace[PATH] == "Ask [redacted:name] in [redacted:place], or [redacted:email]."
    blocking = local(entry("model", then="block"), TOKENS, tmp_path)
    assert isinstance(looked(blocking), Block)
    assert isinstance(looked(blocking, json.dumps({"n": 1})), Pass)


def test_a_folder_without_a_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "PACKAGE", "json")
    with pytest.raises(Unusable, match="no folder of a spaCy model"):
        names.Model(tmp_path)

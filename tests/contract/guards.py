"""Every built-in guard as a configuration makes it, with what is promised of it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from ostiary.adapters.store.pseudonyms import Pseudonyms
from ostiary.config.parse import parse
from ostiary.config.schema import Config
from ostiary.core.screening import Flow, Payload, Side, Text
from ostiary.entry.guarding import guarding
from ostiary.guards.canaries import FIRST
from ostiary.operate.contract import Case, payload
from ostiary.operate.proving import Trial

TOKENS: Final = Pseudonyms(b"k" * 32)
PRIVATE: Final = " ".join(f"word{at * 7919 % 1000} of customer{at}" for at in range(60))
"""What a private answer said."""
BOTH: Final = (Side.REQUEST, Side.ANSWER)
EVERYWHERE: Final = tuple(Side)
GUARDS: Final[dict[str, dict[str, Any]]] = {
    "secrets that are cut out": {"use": "secrets", "then": "redact", "in": [*EVERYWHERE]},
    "secrets that stop": {"use": "secrets", "then": "block", "in": [*EVERYWHERE]},
    "secrets that are noted": {"use": "secrets", "then": "note"},
    "personal data that is cut out": {"use": "personal", "then": "redact", "in": [*EVERYWHERE]},
    "personal data in part": {"use": "personal", "then": "mask"},
    "personal data as tokens": {"use": "personal", "then": "tokenize", "reveal": ["crm.send"]},
    "personal data for a person": {"use": "personal", "then": "hold"},
    "injection that stops": {"use": "injection", "then": "block", "in": [*EVERYWHERE]},
    "injection that is cut out": {"use": "injection", "then": "redact"},
    "injection that is fenced": {"use": "injection", "then": "fence", "in": ["answer"]},
    "words": {"use": "exact", "then": "redact", "words": ["project bluebird", "ZX-81"], "in": [*EVERYWHERE]},
    "words as tokens": {"use": "exact", "then": "tokenize", "words": ["project bluebird"]},
    "private answers": {"use": "flow", "then": "block"},
    "private answers that are noted": {"use": "flow", "then": "note"},
    "fences": {"use": "fence", "in": ["answer"]},
    "fences with marks": {"use": "fence", "in": ["answer"], "marking": True},
}
"""By what they are for: their entries."""


def config(**guard: Any) -> Config:
    """Return a configuration with one guard, called `it`."""
    named = {"name": "it", **{key: _plain(value) for key, value in guard.items()}}
    # JSON is YAML.
    return parse(json.dumps({**HOUSE, "guards": [named]}), "test.yaml")


HOUSE: Final = {"gateway": {"url": "http://127.0.0.1:8080"}, "servers": {"crm": {"command": ["crm"]}}}


def _plain(value: Any) -> Any:
    return [str(each) for each in value] if isinstance(value, list) else value


def trial(**guard: Any) -> Trial:
    """Return a guard with what a gateway tries it with."""
    found = config(**guard)
    made = guarding(TOKENS)(found)
    return Trial(found.guards[0], made["it"], secrets.randbelow, made.get("it/reveal"))


def case(name: str) -> Case:
    """Return a guard with what is promised of it."""
    tried = trial(**GUARDS[name])
    use, sides = tried.entry.use, tuple(Side(each) for each in tried.entry.in_)
    if use == "fence":
        return Case(tried.guard, ["Some words."], sides, harmless=(), at_once=True)
    if use == "flow":
        return Case(tried.guard, [PRIVATE], (Side.REQUEST,), before=partial(_told, tried), ordered=True)
    return Case(tried.guard, _canaries(tried), sides)


def _canaries(tried: Trial) -> Sequence[str]:
    if tried.entry.use == "exact":
        return [f"about {each}, please" for each in tried.entry.words or ()]
    drawn = (each.make(tried.draw) for each in FIRST[tried.entry.use])
    return [each.text for each in drawn if each is not None]


def _told(_tried: Trial, run: str) -> Sequence[Payload]:
    """Return the private answer that a run was given before."""
    answer = Text(("result", "content", 0, "text"), PRIVATE)
    return [payload(Side.ANSWER, (answer,), run, frozenset({Flow.PRIVATE}))]

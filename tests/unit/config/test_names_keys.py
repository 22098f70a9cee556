"""Keys of guards that ask for names, and for a canary of their own: what means nothing is refused."""

from __future__ import annotations

import pytest

from ostiary.config import units
from ostiary.config.checking import tried
from ostiary.config.problems import Unfit


def problems(guard: str) -> list[str]:
    _, found = tried(f'gateway: {{url: "http://127.0.0.1:8080"}}\nguards: [{{name: a, {guard}}}]\n', "x.yaml")
    return [f"{each.path}: {each.message}; {each.suggestion}" for each in found]


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        ("use: personal, then: redact, names: {model: /m}, kinds: [name, personal.place], canary: Maria", []),
        ("use: webhook, then: block, url: 'https://x.example.com/', canary: bluebird, cache: 0s", []),
        ("use: personal, then: redact, kinds: [card]", []),
        (
            "use: personal, then: redact, kinds: [card, personal.place]",
            [
                "guards[0].kinds[1]: takes a model that knows names; add names: {model: FOLDER}, or remove it",
            ],
        ),
        (
            "use: personal, then: redact, canary: Maria",
            ["guards[0].canary: is for the model of names, and there is none; remove it"],
        ),
        (
            "use: exact, then: redact, words: [x], names: {}",
            ["guards[0].names.model: is required; add it: the folder of "],
        ),
        ("use: secrets, then: redact, canary: x", ["guards[0].canary: means nothing to secrets; remove it; "]),
    ],
)
def test_keys_of_names_and_canaries(guard: str, said: list[str]) -> None:
    found = problems(guard)
    assert len(found) >= len(said)
    assert all(any(each.startswith(one) for each in found) for one in said), found
    assert said or not found


@pytest.mark.parametrize(("written", "seconds"), [("0s", 0.0), ("90s", 90.0), ("2m", 120.0)])
def test_a_duration_that_may_be_nothing(written: str, seconds: float) -> None:
    assert units.lasting(written) == seconds
    assert units.lasting(units.as_lasting(seconds)) == seconds


def test_other_durations_of_nothing_are_refused() -> None:
    with pytest.raises(Unfit):
        units.lasting("0ms")

"""Each guard has the keys that mean something to it, and all that it needs."""

from __future__ import annotations

import pytest

from ostiary.config.guards import GuardEntry, Use
from ostiary.config.tree import compose
from ostiary.config.uses import EVERYWHERE, USES, check


def test_every_use_and_every_key_is_spoken_of() -> None:
    keys = {field.alias or name for name, field in GuardEntry.model_fields.items()}
    assert set(USES) == set(Use.__args__)
    assert EVERYWHERE.union(*(each.may for each in USES.values())) == keys
    assert all(set(group) <= use.may for use in USES.values() for group in use.needs)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{use: injection, then: block}", []),
        ("{use: injection}", ["does not say what happens; add then: note, redact, fence, hold or block"]),
        ("{use: fence, then: block}", ["fence does what it does; remove it"]),
        ("{use: flow, then: redact}", ["cannot redact what flow finds; write note, hold or block"]),
        ("{use: flow, then: 7, in: [catalogue]}", ["flow does not read there; write in: [answer, request]"]),
        ("{use: webhook, then: block}", ["webhook needs url; add url: ..."]),
        ("{use: webhook, then: block, url: x}", []),
        ("{use: fence, words: [a]}", ["means nothing to fence; remove it; it is for: exact"]),
        ("{use: fence, in: [{}]}", []),
        ("{use: fence, strange: 1}", []),
        ("{use: nothing}", []),
        ("{use: 7}", []),
        ("{use: [fence]}", []),
        ("{then: block}", []),
        ("[use]", []),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(entry: str, said: list[str]) -> None:
    root, _ = compose(f"guards: [{entry}]")
    assert [f"{each.message}; {each.suggestion}" for each in check(root)] == said

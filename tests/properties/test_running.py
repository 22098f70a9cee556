"""Nothing gets outside in a run that read private and untrusted data, whatever is called in whatever order."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given

from tests.properties import running
from tests.properties.budget import examples
from tests.properties.drawn import DRAWS


@examples(15)
@given(DRAWS)
def test_what_was_read_does_not_get_outside(draw: Random) -> None:
    """Issue 6, "Flows": labels of servers and tools, both eras, both ways to tell runs apart, and little room."""
    running.kept(draw)


def test_generated_runs_show_every_case() -> None:
    seen = Counter[str]()
    for seed in range(20):
        seen.update(running.kept(Random(seed)))
    assert min(seen[case] for case in ("sent", "refused", "refused for lack of room")) >= 10, seen

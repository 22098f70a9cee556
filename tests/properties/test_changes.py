"""What a change may do to what everybody can call: take, give, or nothing, and to whom."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import event, given, note

from tests.properties.budget import examples
from tests.properties.changes import CHANGES
from tests.properties.drawn import DRAWS, SCENES, Scene
from tests.properties.world import text


@pytest.mark.parametrize("change", CHANGES)
@examples(3, share=len(CHANGES))
@given(scene=SCENES, draw=DRAWS)
def test_a_change_does_what_it_says_and_no_more(change: str, scene: Scene, draw: Random) -> None:
    """issue 5, must show 1, in the words of each change; everything is parsed, compiled and carried twice."""
    note(text(scene.world))
    for case, count in CHANGES[change](scene, draw).items():
        event(f"{case}: {'some' if count else 'none'}")

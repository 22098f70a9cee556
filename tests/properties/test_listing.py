"""What is listed is what can be called: for every caller, rule set, endpoint and era."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import event, given, note

from ostiary.protocol import cursors
from tests.properties import flying, listing
from tests.properties.budget import examples
from tests.properties.drawn import DRAWS, SCENES, Scene
from tests.properties.world import text


@examples(16)
@given(SCENES)
def test_what_is_listed_can_be_called_and_the_rest_is_not_there(scene: Scene) -> None:
    """issue 5, must show 1; docs/policy.md: lists and calls, hidden and missing, refused and sent, the ledger's word."""
    note(text(scene.world))
    for case in sorted(listing.kept(scene)):
        event(case)


@examples(3, share=20)
@given(SCENES)
def test_so_it_is_where_a_list_has_many_pages(scene: Scene) -> None:
    """2025-11-25, "Pagination": every page is filtered by itself."""
    note(text(scene.world))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cursors, "PAGE", 1)
        listing.kept(scene)


@examples(8, share=4)
@given(SCENES, DRAWS)
def test_the_swift_way_says_what_the_long_one_says_and_forgets_what_is_over(scene: Scene, draw: Random) -> None:
    """issue 5, must show 1: listed is callable by either way, and a rule that came since is heard."""
    note(text(scene.world))
    for case in sorted(flying.kept(scene, draw)):
        event(case)

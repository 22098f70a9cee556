"""What one stream has yet to tell."""

from __future__ import annotations

import pytest

from ostiary.core.ports import Change
from ostiary.pipeline import feed as feeds
from ostiary.pipeline.feed import Feed
from tests.pipeline.streams import WAIT, updated


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "TOGETHER", 0.001)


async def test_what_waits_for_a_slow_reader_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MOST", 10)
    feed = Feed()
    for number in range(1000):
        feed.tell(updated(f"note://1/{number}", "note://1"))
    assert len(feed) == 11
    batch = await feed.batch(WAIT)
    assert batch is not None
    assert batch[-1].uri == "note://1", "which part changed is not known any more, but that one did"


async def test_what_waits_when_the_end_comes_is_told_before_it() -> None:
    feed = Feed(["tools"])
    feed.tell(Change("files", "tools"))
    feed.tell(None)
    assert await feed.batch(WAIT) == [Change("files", "tools")]
    assert await feed.batch(WAIT) is None
    assert await feed.batch(WAIT) is None


async def test_silence_is_an_empty_batch() -> None:
    feed = Feed(["tools"])
    feed.tell(Change("files", "prompts"))
    assert await feed.batch(0.001) == []

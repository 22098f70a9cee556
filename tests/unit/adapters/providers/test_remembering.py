"""What was said a moment ago: bounded in number, weight and time, and never that of other words."""

from __future__ import annotations

from msgspec.structs import replace

from ostiary.adapters.providers.formats import Asked
from ostiary.adapters.providers.remembering import Remembered, digest
from ostiary.core.screening import Side, Text

ASKED = Asked(Side.ANSWER, "crm", "crm.find", "tools/call", "run", (Text(("a", 1), "hello"), Text(("b",), "there")))


def test_what_was_said_is_kept_for_its_time() -> None:
    table: Remembered[str] = Remembered(10.0, len)
    table.keep(b"k", "said", 0.0)
    assert table.find(b"k", 9.9) == "said"
    assert table.find(b"k", 10.0) is None
    assert len(table) == 0
    assert table.find(b"other", 0.0) is None


def test_the_one_that_nobody_asked_about_goes_first() -> None:
    table: Remembered[str] = Remembered(10.0, len, most=2)
    table.keep(b"1", "a", 0.0)
    table.keep(b"2", "b", 0.0)
    table.find(b"1", 0.0)
    table.keep(b"3", "c", 0.0)
    assert [table.find(key, 0.0) for key in (b"1", b"2", b"3")] == ["a", None, "c"]


def test_what_is_heavy_makes_room_or_is_not_kept() -> None:
    table: Remembered[str] = Remembered(10.0, len, heaviest=100)
    for number in range(30):
        table.keep(b"%d" % number, "x" * 10, 0.0)
    assert len(table) == 10
    table.keep(b"huge", "x" * 11, 0.0)
    assert table.find(b"huge", 0.0) is None
    table.keep(b"29", "y", 0.0)
    assert table.find(b"29", 0.0) == "y"
    assert len(table) == 10


def test_no_time_means_that_nothing_is_kept() -> None:
    table: Remembered[str] = Remembered(0.0, len)
    table.keep(b"k", "said", 0.0)
    assert len(table) == 0


def test_whatever_a_provider_may_judge_by_makes_another_question() -> None:
    texts = ASKED.texts
    others = [
        replace(ASKED, side=Side.REQUEST), replace(ASKED, server="mail"), replace(ASKED, label="crm.get"),
        replace(ASKED, method="prompts/get"), replace(ASKED, texts=texts[:1]), replace(ASKED, texts=texts[::-1]),
        replace(ASKED, texts=(Text(("a", "1"), "hello"), texts[1])),
        replace(ASKED, texts=(Text(("a", 1), "hello", rigid=True), texts[1])),
        replace(ASKED, texts=(Text(("a", 1), "hell"), Text(("b",), "othere"))),
        replace(ASKED, texts=(Text(("a",), "1"), *texts)),
    ]  # fmt: skip
    made = [digest(("webhook", "prod"), each) for each in (ASKED, *others)]
    made += [digest(whose, ASKED) for whose in (("airs", "prod"), ("webhook", "test"), ("webhookprod",), ())]
    assert len(set(made)) == len(made)
    assert digest(("webhook", "prod"), replace(ASKED, run="another")) == made[0]
    assert digest((), replace(ASKED, texts=(Text((), "\ud800"),)))

"""What each provider is sent and what is made of its answers: one suite for all, over real sockets."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ostiary.core.screening import Block, Hold, Note, Pass, Redact, Side, Text
from tests.contract.providers.case import Case
from tests.contract.providers.house import Heard, Reply, asking, payload, result, serving
from tests.contract.providers.table import CASES

pytestmark = pytest.mark.timeout(60)
CARD = "4111 1111 1111 1111"
MASK = "[redacted:credit-card]"
KEY = "AKIA" + "QYLPMN5HFIQR7XYA"
every = pytest.mark.parametrize("case", CASES, ids=lambda case: case.use)
sided = pytest.mark.parametrize(
    ("case", "side"),
    [(case, side) for case in CASES for side in case.sides],
    ids=lambda each: getattr(each, "use", each),
)


def url(house: Any, case: Case) -> str:
    return f"{house.url}{case.path}"


def one(case: Case, kind: str) -> list[Any]:
    return [pytest.param(case, answer, id=f"{case.use}: {name}") for name, answer in getattr(case, kind).items()]


@sided
async def test_what_is_harmless_passes_and_every_request_follows_the_format(case: Case, side: Side) -> None:
    async with serving(case.allow) as house, asking(case.use, url(house, case), case.keys) as guard:
        assert await guard(payload({"query": "hello there", "more": ["one", {"two": 'quo"te\n'}]}, side)) == Pass()
    for heard in house.heard:
        case.check(heard, side)
    texts = "\n".join(text for heard in house.heard for text in case.shown(heard))
    assert all(word in texts for word in ("query", "hello there", "more", "one", "two", 'quo"te\n'))


@sided
async def test_what_is_objected_to_is_stopped_and_the_finding_names_it_in_the_providers_words(
    case: Case, side: Side
) -> None:
    async with serving(case.block) as house, asking(case.use, url(house, case), case.keys) as guard:
        said = await guard(payload({"query": "hello there"}, side))
    assert isinstance(said, Block)
    assert said.finding.startswith(case.named)
    assert "hello" not in said.finding


@every
@pytest.mark.parametrize(("then", "kind"), [("note", Note), ("hold", Hold), ("block", Block)])
async def test_the_configuration_decides_what_happens(case: Case, then: str, kind: type[Any]) -> None:
    async with serving(case.block) as house, asking(case.use, url(house, case), case.keys, then=then) as guard:
        said = await guard(payload(result("hello")))
    assert isinstance(said, kind)
    assert said.finding.startswith(case.named)


@every
async def test_what_is_rehearsed_by_a_redaction_that_cannot_be_placed_is_stopped(case: Case) -> None:
    async with serving(case.block) as house, asking(case.use, url(house, case), case.keys, then="redact") as guard:
        assert isinstance(await guard(payload(result("hello"))), Block)


@pytest.mark.parametrize("case", [case for case in CASES if case.masked is not None], ids=lambda case: case.use)
async def test_what_a_provider_masked_is_put_exactly_where_it_stood(case: Case) -> None:
    def answer(heard: Heard) -> Reply:
        assert case.masked is not None
        return case.masked(heard, CARD, MASK)

    texts = ("nothing here", f'a card: {CARD}, "quoted"\n', f"{CARD} and {CARD}", "the end")
    async with serving(answer) as house, asking(case.use, url(house, case), case.keys, then="redact") as guard:
        said = await guard(payload(result(*texts)))
    assert isinstance(said, Redact), said
    assert dict(said.replace) == {
        ("result", "content", 1, "text"): f'a card: {MASK}, "quoted"\n',
        ("result", "content", 2, "text"): f"{MASK} and {MASK}",
    }


@pytest.mark.parametrize("case", [case for case in CASES if case.masked is not None], ids=lambda case: case.use)
async def test_what_was_masked_is_stopped_where_nothing_may_be_replaced(case: Case) -> None:
    def answer(heard: Heard) -> Reply:
        assert case.masked is not None
        return case.masked(heard, CARD, MASK)

    async with serving(answer) as house, asking(case.use, url(house, case), case.keys) as guard:
        assert isinstance(await guard(payload(result(f"a card: {CARD}"))), Block)


@pytest.mark.parametrize(("case", "answer"), [each for case in CASES for each in one(case, "not_a_pass")])
async def test_an_answer_that_only_looks_like_a_pass_is_none(case: Case, answer: Any) -> None:
    async with serving(answer) as house, asking(case.use, url(house, case), case.keys) as guard:
        assert isinstance(await guard(payload(result("hello"))), Block)


@pytest.mark.parametrize(("case", "answer"), [each for case in CASES for each in one(case, "noted")])
async def test_what_is_allowed_with_a_finding_is_noted(case: Case, answer: Any) -> None:
    async with serving(answer) as house, asking(case.use, url(house, case), case.keys) as guard:
        said = await guard(payload(result("hello")))
    assert isinstance(said, Note)
    assert said.finding


@sided
async def test_secrets_and_personal_data_are_masked_before_anything_is_sent(case: Case, side: Side) -> None:
    value = {
        "a": f"key {KEY}",
        "b": [f"card {CARD}"],
        f"of {KEY}": "x",
        "split": [KEY[:9], KEY[9:]],
        "number": 4111111111111111,
    }
    async with serving(case.allow) as house, asking(case.use, url(house, case), case.keys, mask_first=True) as guard:
        assert await guard(payload(value, side)) == Pass()
    sent = b"".join(heard.body for heard in house.heard).decode()
    assert house.heard
    assert "redacted" in sent
    assert not any(secret in sent for secret in (KEY, CARD, CARD.replace(" ", "")))


@pytest.mark.parametrize("case", [case for case in CASES if case.masked is not None], ids=lambda case: case.use)
async def test_masks_of_ours_do_not_end_up_in_what_goes_on(case: Case) -> None:
    """With `mask_first` a provider masks a copy: put in place, it would redact what nobody asked to be redacted."""

    def answer(heard: Heard) -> Reply:
        assert case.masked is not None
        return case.masked(heard, "bad", MASK)

    more = {"mask_first": True, "then": "redact"}
    async with serving(answer) as house, asking(case.use, url(house, case), case.keys, **more) as guard:
        assert isinstance(await guard(payload(result(f"bad beside {KEY}"))), Block)
        assert isinstance(await guard(payload(result("bad alone", f"{KEY}"))), Redact)


@every
async def test_members_that_are_skipped_are_not_sent(case: Case) -> None:
    async with serving(case.allow) as house, asking(case.use, url(house, case), case.keys, skip=["notes"]) as guard:
        assert await guard(payload({"notes": "keep this here", "query": "hello"}, Side.REQUEST)) == Pass()
    sent = b"".join(heard.body for heard in house.heard)
    assert b"hello" in sent
    assert b"keep this here" not in sent


@every
async def test_nothing_is_sent_of_a_payload_without_words(case: Case) -> None:
    async with serving(case.block) as house, asking(case.use, url(house, case), case.keys) as guard:
        assert await guard(msgspec.structs.replace(payload(7), texts=(Text(("result",), ""),))) == Pass()
    assert house.heard == []


@sided
async def test_a_long_text_is_shown_whole_wherever_something_stands_in_it(case: Case, side: Side) -> None:
    marks = [f"<mark-{number:06d}>" for number in range(case.long // 400)]
    text = "".join(mark.ljust(400, ".") for mark in marks)
    async with serving(case.allow) as house, asking(case.use, url(house, case), case.keys, timeout="50s") as guard:
        assert await guard(payload({"text": text, "after": "the end"}, side)) == Pass()
    shown = [text for heard in house.heard for text in case.shown(heard)]
    assert len(house.heard) > 1
    for heard in house.heard:
        case.check(heard, side)
    everything = "\n".join(shown)
    assert [mark for mark in marks if mark not in everything] == []
    assert "the end" in everything


@every
async def test_a_text_is_stopped_by_what_any_part_of_it_is_objected_to(case: Case) -> None:
    def answer(heard: Heard) -> Reply:
        return (case.block if any("<here>" in text for text in case.shown(heard)) else case.allow)(heard)

    text = "." * (case.long * 3 // 4) + "<here>" + "." * (case.long // 4)
    async with serving(answer) as house, asking(case.use, url(house, case), case.keys, timeout="50s") as guard:
        said = await guard(payload(result(text)))
        again = await guard(payload(result(text.replace("<here>", "......"))))
    assert isinstance(said, Block)
    assert said.finding.startswith(case.named)
    assert again == Pass()

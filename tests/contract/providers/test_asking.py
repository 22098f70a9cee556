"""How providers are asked, whichever it is: once for the same words, side by side, within bounds, and in silence."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import Any

import msgspec
import pytest
import structlog

from ostiary.adapters.providers import asking as bounds
from ostiary.adapters.providers.formats import Answer, Asked, Outgoing, Portion, Said, Setting
from ostiary.adapters.providers.providers import made
from ostiary.adapters.store.pseudonyms import Pseudonyms
from ostiary.config.guards import GuardEntry
from ostiary.config.schema import Config
from ostiary.core.screening import Block, Fence, Note, Pass, Redact, Side, Text
from ostiary.entry.asking import Providers
from ostiary.entry.guarding import Asking, guarding
from ostiary.policy.breakers import Pace
from tests.contract.providers.cases_airs import AIRS
from tests.contract.providers.cases_webhook import WEBHOOK
from tests.contract.providers.house import (
    KEY,
    LOOPBACK,
    SOON,
    Heard,
    House,
    Reply,
    asking,
    payload,
    result,
    serving,
    soon,
)
from tests.contract.providers.test_failures import WORDS, url

pytestmark = pytest.mark.timeout(60)


def guarded(house: House, **more: Any) -> Any:
    return asking("webhook", url(house, WEBHOOK), WEBHOOK.keys, **more)


def passes(_: Heard) -> Reply:
    return Reply({"action": "pass"})


async def until(wanted: Any) -> None:
    async with asyncio.timeout(SOON):
        while not wanted():
            await asyncio.sleep(0)


# The same words


async def test_the_same_words_are_asked_about_once() -> None:
    async with serving(WEBHOOK.block) as house, guarded(house) as guard:
        first = [await guard(payload(result("bad"))) for _ in range(3)]
        assert len(house.heard) == 1
        await guard(payload(result("bad"), run="another run"))
        assert len(house.heard) == 1
        await guard(payload({"q": "bad"}, Side.REQUEST))
        await guard(payload(result("bad"), label="crm.other"))
        await guard(payload(result("bad"), server="mail"))
        await guard(payload(result("b", "ad")))
    assert isinstance(first[0], Block)
    assert first[0] == first[1] == first[2]
    assert len(house.heard) == 5, "what a provider may judge by is part of what is remembered"


@pytest.mark.parametrize("kind", ["status", "partial"])
async def test_failures_are_not_remembered(kind: str) -> None:
    reply = Reply({}, 500) if kind == "status" else Reply({"action": "perhaps"})
    async with serving(lambda _: reply) as house, guarded(house) as guard:
        assert isinstance(await guard(payload(result("hello"))), Block)
        house.answer = passes
        assert await guard(payload(result("hello"))) == Pass()


async def test_equal_words_at_the_same_time_are_one_request() -> None:
    async with serving(passes) as house, guarded(house) as guard:
        house.gate = asyncio.Event()
        looks = [asyncio.create_task(guard(payload(result("hello")))) for _ in range(20)]
        await until(lambda: house.waiting == 1)
        house.gate.set()
        assert await asyncio.gather(*looks) == [Pass()] * 20
    assert len(house.heard) == 1


async def test_a_caller_who_leaves_does_not_end_what_others_wait_for() -> None:
    async with serving(passes) as house, guarded(house) as guard:
        house.gate = asyncio.Event()
        leaving, staying = (asyncio.create_task(guard(payload(result("hello")))) for _ in range(2))
        await until(lambda: house.waiting == 1)
        leaving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await leaving
        house.gate.set()
        assert await staying == Pass()
    assert len(house.heard) == 1


async def test_what_was_redacted_is_remembered_for_where_it_stood() -> None:
    def answer(heard: Heard) -> Reply:
        assert WEBHOOK.masked is not None
        return WEBHOOK.masked(heard, "bad", "good")

    async with serving(answer) as house, guarded(house, then="redact") as guard:
        for _ in range(2):
            said = await guard(payload(result("a bad one")))
            assert said == Redact("cards", {("result", "content", 0, "text"): "a good one"})
    assert len(house.heard) == 1


# Bounds


async def test_pieces_of_a_long_text_are_shown_side_by_side() -> None:
    text = "x" * 900_000
    async with serving(passes) as house, guarded(house, timeout="20s") as guard:
        house.gate = asyncio.Event()
        look = asyncio.create_task(guard(payload(result(text))))
        await until(lambda: house.waiting >= 4)
        house.gate.set()
        assert await look == Pass()


async def test_no_more_requests_than_a_few_are_under_way_at_one_time() -> None:
    async with serving(passes) as house, guarded(house, timeout="20s") as guard:
        house.gate = asyncio.Event()
        looks = [asyncio.create_task(guard(payload(result(f"{count}")))) for count in range(bounds.MOST_UNDER_WAY)]
        await until(lambda: house.waiting == bounds.MOST_AT_ONCE)
        one_more = await guard(payload(result("one more")))
        assert isinstance(one_more, Block)
        assert "too much" in one_more.finding
        assert house.waiting == bounds.MOST_AT_ONCE
        house.gate.set()
        assert set(await asyncio.gather(*looks)) == {Pass()}
        assert await guard(payload(result("one more"))) == Pass()


async def test_a_text_of_more_pieces_than_are_asked_about_is_stopped_even_where_things_pass() -> None:
    async with serving(passes) as house, guarded(house, unsafe_open=True, timeout="20s") as guard:
        said = await guard(payload(result("x" * 80_000_000)))
    assert isinstance(said, Block)
    assert "requests to show all of it" in said.finding
    assert house.heard == []


async def test_characters_that_no_json_can_hold_are_stopped() -> None:
    async with serving(passes) as house, guarded(house, unsafe_open=True) as guard:
        said = await guard(msgspec.structs.replace(payload(result("x")), texts=(Text(("result",), "a\ud800b"),)))
    assert isinstance(said, Block)
    assert house.heard == []


async def test_a_connection_that_was_closed_meanwhile_is_no_failure() -> None:
    """Unlike a call, a question may be put twice."""
    async with serving(passes) as house, guarded(house) as guard:
        assert await guard(payload(result("one"))) == Pass()
        for writer in tuple(house._writers):
            writer.transport.abort()
        assert await guard(payload(result("two"))) == Pass()


# Keys and words


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(f"{record.getMessage()} {record.__dict__}")


@pytest.mark.parametrize("case", [AIRS, WEBHOOK], ids=lambda case: case.use)
async def test_neither_words_nor_keys_are_in_logs_and_findings(case: Any) -> None:
    replies = [
        Reply({"error": WORDS}, 500),
        Reply(body=WORDS.encode()),
        Reply({"action": WORDS, "x": KEY}),
        Reply(raw=b"x"),
    ]
    lines = Lines()
    logging.getLogger().addHandler(lines)
    try:
        with structlog.testing.capture_logs() as events:
            async with serving(lambda _: replies[0]) as house, asking(case.use, url(house, case), case.keys) as guard:
                findings = []
                for count in range(12):
                    house.answer = lambda _, count=count: replies[count % len(replies)]
                    findings.append(await guard(payload(result(WORDS, f"{count}"))))
                house.answer = case.allow
                await soon(guard, lambda said: said == Pass(), lambda count: payload(result(WORDS, f"again {count}")))
    finally:
        logging.getLogger().removeHandler(lines)
    written = json.dumps([str(events), lines.said, [str(each) for each in findings]])
    assert KEY not in written
    assert WORDS not in written
    assert [each["event"] for each in events] == ["a provider is left alone for a while", "a provider answers again"]


def test_nothing_that_is_printed_by_chance_shows_keys_or_words() -> None:
    setting = Setting(url="https://guard.example.com", key=KEY, profile="prod")
    asked = Asked(Side.ANSWER, "crm", "crm.find", "tools/call", "run", (Text(("result",), WORDS),))
    sent = made("webhook", setting).request(asked, 0.0)
    things = (setting, asked, sent, sent[0].portions, Answer(200, {}, WORDS.encode()), Said(True, masked={(): WORDS}))
    assert WORDS not in repr(things)
    assert KEY not in repr(things)
    assert isinstance(sent[0], Outgoing)
    assert isinstance(sent[0].portions[0], Portion)


async def test_a_key_that_was_changed_where_it_is_kept_is_used_without_a_restart() -> None:
    keys = ["old"]

    def answer(heard: Heard) -> Reply:
        return passes(heard) if heard.headers["x-pan-token"] == "new" else Reply({"error": "no"}, 401)

    async def shown(house: House) -> None:
        async with asking(AIRS.use, house.url, AIRS.keys, key=lambda: keys[0]) as guard:
            refused = await guard(payload(result("hello")))
            assert "check `key`" in refused.finding
            keys[0] = "new"
            house.answer = lambda heard: AIRS.allow(heard) if heard.headers["x-pan-token"] == "new" else answer(heard)
            assert await soon(guard, lambda said: said == Pass(), lambda count: payload(result(f"{count}"))) == Pass()

    async with serving(answer) as house:
        await shown(house)


async def test_a_key_that_cannot_be_read_at_the_moment_leaves_the_one_before() -> None:
    reads = [KEY]

    def key() -> str:
        if not reads:
            raise LookupError("env:KEY: is empty")
        return reads.pop()

    async with serving(lambda _: Reply({}, 503)) as house, asking(AIRS.use, house.url, AIRS.keys, key=key) as guard:
        await soon(guard, lambda said: "left alone" in said.finding, lambda count: payload(result(f"{count}")))
        house.answer = AIRS.allow
        await soon(guard, lambda said: said == Pass(), lambda count: payload(result(f"b {count}")))


async def test_time_that_others_take_is_not_added_to_a_guards_own() -> None:
    """Someone who comes late to a question that is under way gives up at their own deadline, not before."""
    async with serving(passes) as house, guarded(house, timeout="300ms", unsafe_open=True) as guard:
        house.gate = asyncio.Event()
        said = await guard(payload(result("hello")))
        assert isinstance(said, Note)
        house.gate.set()
        assert await soon(guard, lambda said: said == Pass(), lambda count: payload(result(f"{count}"))) == Pass()


async def test_only_one_request_goes_out_to_see_whether_a_provider_is_back() -> None:
    pace = Pace(row=1, rest=0.01, longest=600.0)
    async with serving(lambda _: Reply({}, 503)) as house, guarded(house, pace=pace) as guard:
        assert "status 503" in (await guard(payload(result("first")))).finding
        house.gate, house.answer = asyncio.Event(), passes
        probe = asyncio.create_task(
            soon(
                guard,
                lambda said: "left alone" not in getattr(said, "finding", ""),
                lambda count: payload(result(f"p {count}")),
            )
        )
        await until(lambda: house.waiting == 2)
        others = [await guard(payload(result(f"{count}"))) for count in range(5)]
        house.gate.set()
        assert await probe == Pass()
        assert await guard(payload(result("after"))) == Pass()
    assert all("left alone" in each.finding for each in others)


async def test_what_is_objected_to_is_fenced_where_that_is_wanted_and_what_nobody_saw_is_stopped() -> None:
    async with serving(WEBHOOK.block) as house:
        said = {
            "name": "asked",
            "use": "webhook",
            "url": url(house, WEBHOOK),
            "then": "fence",
            "allow_private": LOOPBACK,
        }
        config = Config.model_validate({"gateway": {"url": "http://127.0.0.1:8080"}, "guards": [said]})
        asking_ = Asking(Pseudonyms(b"k" * 32))
        guard = guarding(Pseudonyms(b"k" * 32), asking_)(config)["asked"]
        fenced = await guard(payload(result("hello")))
        house.answer = lambda _: Reply({}, 500)
        unseen = await guard(payload(result("hello again")))
        assert asking_.states() == {"asked": "closed"}
        await asking_.close()
    assert isinstance(fenced, Fence)
    assert "hello" in fenced.replace["result", "content", 0, "text"]
    assert isinstance(unseen, Block)


async def test_a_guard_stays_the_same_while_its_entry_does_and_ends_with_it() -> None:
    """A new snapshot is compiled whenever a catalogue changes: what is known of a provider must outlive it."""
    async with serving(passes) as house:
        said = {
            "name": "asked",
            "use": "webhook",
            "url": url(house, WEBHOOK),
            "then": "block",
            "allow_private": LOOPBACK,
        }
        providers = Providers(lambda _reference: KEY, Pseudonyms(b"k" * 32))
        first = providers.guard(GuardEntry.model_validate(said))
        assert providers.guard(GuardEntry.model_validate(said)) is first
        house.gate = asyncio.Event()
        under_way = asyncio.create_task(first(payload(result("hello"))))
        await until(lambda: house.waiting)
        second = providers.guard(GuardEntry.model_validate({**said, "timeout": "3s"}))
        assert second is not first
        house.gate.set()
        assert await under_way == Pass(), "a call that is under way is finished in the world it began in"
        assert await second(payload(result("hello"))) == Pass()
        await providers.close()

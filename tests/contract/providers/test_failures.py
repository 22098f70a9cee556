"""Whatever is no answer stops the call, or passes with a note where that was configured: for every provider alike."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from ostiary.core.screening import Block, Note, Pass, Side
from tests.contract.providers.case import Case
from tests.contract.providers.house import House, Reply, asking, payload, result, serving, soon
from tests.contract.providers.table import CASES

pytestmark = pytest.mark.timeout(60)
every = pytest.mark.parametrize("case", CASES, ids=lambda case: case.use)
opened = pytest.mark.parametrize("opened", [False, True], ids=["stops", "passes"])
WORDS = "the words of a call 4711"


def url(house: House, case: Case) -> str:
    return f"{house.url}{case.path}"


def fits(said: Any, *, opened: bool) -> bool:
    """Say whether a payload that nobody looked at is stopped, or noted; and nothing of it is repeated."""
    assert WORDS not in said.finding
    if opened:
        return isinstance(said, Note) and said.finding.startswith("was not looked at: ")
    return isinstance(said, Block) and said.finding.startswith("could not be looked at: ")


@every
@opened
@pytest.mark.parametrize("status", [201, 204, 301, 401, 403, 404, 405, 408, 429, 500, 502, 503, 504])
async def test_a_status_that_is_no_answer(case: Case, status: int, opened: bool) -> None:
    body = b"" if status == 204 else json.dumps({"error": {"message": WORDS}, "action": "allow"}).encode()
    reply = Reply(status=status, body=body, headers={"location": "/elsewhere"})
    more = {"unsafe_open": opened}
    async with serving(lambda _: reply) as house, asking(case.use, url(house, case), case.keys, **more) as guard:
        said = await guard(payload(result(WORDS)))
    assert fits(said, opened=opened)
    assert f"status {status}" in said.finding
    assert len(house.heard) == 1, "redirects are not followed, and nothing is asked twice"


@every
@opened
@pytest.mark.parametrize("status", [400, 413, 422])
async def test_what_is_refused_for_its_words_is_stopped_whatever_is_configured(
    case: Case, status: int, opened: bool
) -> None:
    """Ours: otherwise words could choose not to be looked at. And they cannot have a provider left alone."""
    reply = Reply({"message": WORDS}, status)
    more = {"unsafe_open": opened}
    async with serving(lambda _: reply) as house, asking(case.use, url(house, case), case.keys, **more) as guard:
        for count in range(12):
            assert fits(await guard(payload(result(WORDS, f"{count}"))), opened=False)
        house.answer = case.allow
        assert await guard(payload(result("other words"))) == Pass()
    assert len(house.heard) == 13


def cut(whole: bytes) -> Reply:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(whole)
    return Reply(raw=head + whole[: len(whole) // 2])


def plain(whole: bytes, **headers: str) -> Reply:
    return Reply(body=whole, headers={name.replace("_", "-"): value for name, value in headers.items()})


MALFORMED: dict[str, Callable[[bytes], Reply]] = {
    "truncated": cut,
    "nothing at all": lambda _: Reply(raw=b""),
    "not HTTP": lambda _: Reply(raw=b"SSH-2.0-OpenSSH_9.9\r\n"),
    "two answers": lambda whole: Reply(raw=Reply(body=whole).bytes() * 2),
    "an empty body": lambda _: plain(b""),
    "half a document": lambda whole: plain(whole[: len(whole) // 2]),
    "two documents": lambda whole: plain(whole + whole),
    "another type": lambda whole: plain(whole, content_type="text/html"),
    "no type": lambda whole: plain(whole, content_type=""),
    "an event stream": lambda whole: plain(b"data: " + whole + b"\n\n", content_type="text/event-stream"),
    "compressed": lambda whole: plain(gzip.compress(whole), content_encoding="gzip"),
    "an array": lambda whole: plain(b"[" + whole + b"]"),
    "null": lambda _: plain(b"null"),
    "a text": lambda _: plain(b'"allow"'),
    "an empty object": lambda _: plain(b"{}"),
    "members twice": lambda whole: plain(whole[:-1] + b"," + whole[1:]),
    "too deep": lambda whole: plain(whole[:-1] + b',"more":' + b"[" * 500 + b"]" * 500 + b"}"),
    "UTF-16": lambda whole: plain(whole.decode().encode("utf-16")),
    "huge": lambda whole: plain(whole[:-1] + b',"more":"' + b"x" * 5_000_000 + b'"}'),
    "a huge head": lambda whole: plain(whole, x_more="x" * 100_000),
}


@every
@opened
@pytest.mark.parametrize("kind", MALFORMED)
async def test_an_answer_that_cannot_be_read(case: Case, kind: str, opened: bool) -> None:
    def answer(heard: Any) -> Reply:
        return MALFORMED[kind](json.dumps(case.allow(heard).value).encode())

    async with serving(answer) as house, asking(case.use, url(house, case), case.keys, unsafe_open=opened) as guard:
        assert fits(await guard(payload(result(WORDS))), opened=opened)
        house.answer = case.allow
        assert await soon(guard, lambda said: said == Pass(), lambda count: payload(result(f"{count}")))


@every
@opened
async def test_an_answer_that_only_looks_like_a_pass(case: Case, opened: bool) -> None:
    (first, *_) = case.not_a_pass.values()
    async with serving(first) as house, asking(case.use, url(house, case), case.keys, unsafe_open=opened) as guard:
        assert fits(await guard(payload(result(WORDS))), opened=opened)


@every
@opened
async def test_an_answer_that_never_comes(case: Case, opened: bool) -> None:
    more = {"unsafe_open": opened, "timeout": "200ms"}
    reply = Reply(hang=True)
    async with serving(lambda _: reply) as house, asking(case.use, url(house, case), case.keys, **more) as guard:
        said = await guard(payload(result(WORDS)))
    assert fits(said, opened=opened)
    assert "no answer in time" in said.finding


@every
@opened
async def test_a_provider_that_is_not_there(case: Case, opened: bool) -> None:
    async with serving(case.allow) as house:
        await house.kill()
        async with asking(case.use, url(house, case), case.keys, unsafe_open=opened) as guard:
            said = await guard(payload(result(WORDS)))
    assert fits(said, opened=opened)
    assert "127.0.0.1" not in said.finding, "where it is asked is nothing that callers are told"


@every
@opened
async def test_a_place_that_egress_does_not_permit(case: Case, opened: bool) -> None:
    more = {"unsafe_open": opened, "allow_private": []}
    async with serving(case.allow) as house, asking(case.use, url(house, case), case.keys, **more) as guard:
        assert fits(await guard(payload(result(WORDS))), opened=opened)
    assert house.heard == []


@every
async def test_http_is_not_spoken_beyond_what_is_permitted(case: Case) -> None:
    """RFC 5737: nobody is at 192.0.2.1; what counts is that nothing is sent there in the clear."""
    async with asking(case.use, f"http://192.0.2.1{case.path}", case.keys) as guard:
        assert fits(await guard(payload(result(WORDS))), opened=False)


@every
async def test_who_asks_to_be_left_alone_is(case: Case) -> None:
    reply = Reply({"error": "slow down"}, 429, {"retry-after": "120"})
    async with serving(lambda _: reply) as house, asking(case.use, url(house, case), case.keys) as guard:
        first = await guard(payload(result(WORDS)))
        second = await guard(payload(result(WORDS, "more")))
        third = await guard(payload({"q": WORDS}, Side.REQUEST))
    assert "status 429" in first.finding
    assert all(fits(each, opened=False) and "left alone for" in each.finding for each in (second, third))
    assert len(house.heard) == 1


@every
@opened
async def test_one_that_fails_again_and_again_is_left_alone_until_it_is_well(case: Case, opened: bool) -> None:
    reply = Reply({"error": WORDS}, 503)
    more = {"unsafe_open": opened}
    async with serving(lambda _: reply) as house, asking(case.use, url(house, case), case.keys, **more) as guard:
        await soon(guard, lambda said: "left alone" in said.finding, lambda count: payload(result(WORDS, f"{count}")))
        assert fits(await guard(payload(result(WORDS))), opened=opened)
        house.answer = case.allow
        assert (
            await soon(guard, lambda said: said == Pass(), lambda count: payload(result(WORDS, f"b{count}"))) == Pass()
        )
        assert await guard(payload(result("and then"))) == Pass()

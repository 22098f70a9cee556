"""HTTP+SSE upstreams (2024-11-05), over real sockets: what is promised to the code that sends calls."""

import asyncio

import pytest

from ostiary.adapters.upstream.channel import endpoint
from ostiary.core.errors import Garbled
from ostiary.policy.egress import parse_url
from tests.contract.sse_double import PATIENCE, Old
from tests.contract.sse_rig import FORM, Person, order, said, served, soon

# One call.


async def test_a_call_is_posted_where_the_stream_says_and_answered_on_the_stream() -> None:
    async with served() as (old, hub):
        assert await said(hub, order("echo", text="hi")) == {"text": "hi"}
    assert [each.message.get("method") for each in old.seen] == [
        None, "initialize", "notifications/initialized", "tools/call"
    ]  # fmt: skip
    assert [each.target for each in old.seen] == ["/sse"] + ["/messages?session=s1"] * 3


async def test_the_gateways_credential_goes_with_the_stream_and_with_every_message() -> None:
    async with served() as (old, hub):
        await said(hub, order("echo"))
    assert {(each.headers["authorization"], each.headers["x-tenant"]) for each in old.seen} == {
        ("Bearer s3cret", "acme")
    }


async def test_what_a_server_offers_is_found_out_in_a_session_and_never_by_discovery() -> None:
    async with served() as (old, hub):
        found = await hub.offered("old", "", soon(), 0.0)
    assert (found.era, found.version) == ("handshake", "2024-11-05")
    assert {each.name for each in found.definitions} >= {"echo", "steps"}
    assert old.heard("server/discover") == []


async def test_progress_reaches_the_call_it_belongs_to_before_its_answer() -> None:
    async with served() as (_, hub):
        person, other = Person(), Person()
        await asyncio.gather(said(hub, order("steps"), person), said(hub, order("echo"), other))
    assert person.told == [("notifications/progress", {"progressToken": "p", "progress": step}) for step in (1, 2)]
    assert other.told == []


async def test_a_log_message_reaches_the_only_call_in_flight() -> None:
    async with served() as (_, hub):
        person = Person()
        await said(hub, order("log"), person)
    assert person.told == [("notifications/message", {"level": "warning", "data": "careful"})]


async def test_a_servers_question_reaches_the_client_whose_call_is_in_flight() -> None:
    async with served() as (_, hub):
        person = Person()
        answer = await said(hub, order("ask", offer=FORM), person)
    assert answer == {"result": {"action": "accept", "content": {"name": "ana"}}}
    assert person.asked == ["elicitation/create"]


@pytest.mark.requirement("MCP-32")
async def test_a_question_that_may_belong_to_either_of_two_calls_is_refused() -> None:
    """2024-11-05 gives such a request no call of its own: it is answered with an error, and nobody is asked."""
    async with served() as (old, hub):
        first, second = Person(), Person()
        calls = [asyncio.create_task(said(hub, order("hold"), each)) for each in (first, second)]
        await old.until(lambda: len(old.heard("tools/call")) == 2)
        answer = await old.ask("s1", "elicitation/create", {"message": "who?"})
        assert answer["error"]["code"] == -32601
        old.release()
        await asyncio.gather(*calls)
    assert first.asked == second.asked == []


async def test_a_ping_is_answered_by_the_gateway() -> None:
    async with served() as (old, hub):
        await said(hub, order("echo"))
        assert await old.ask("s1", "ping", {}) == {"result": {}}


async def test_fifty_calls_at_once_are_all_answered_each_its_own() -> None:
    async with served(max_in_flight=50) as (_, hub):
        answers = await asyncio.gather(*(said(hub, order("echo", number=number)) for number in range(50)))
    assert [each["number"] for each in answers] == list(range(50))


async def test_an_answer_may_come_before_its_message_was_accepted() -> None:
    async with served() as (_, hub):
        assert await said(hub, order("quick", n=1)) == {"n": 1}


async def test_each_principal_has_a_stream_of_their_own_and_two_calls_of_one_share_it() -> None:
    async with served() as (old, hub):
        await asyncio.gather(*(said(hub, order("echo", who)) for who in ("ana", "ana", "bea")))
    assert old.opened == 2


async def test_announcements_are_heard_without_a_call() -> None:
    async with served() as (old, hub):
        following = asyncio.create_task(hub.follow("old"))
        await old.until(lambda: old.heard("notifications/initialized"))
        old.say({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        async with asyncio.timeout(PATIENCE):
            await hub.stirred.wait()
        assert hub.dirty() == [("old", "tools")]
        following.cancel()


# Where messages go.


@pytest.mark.requirement("MCP-34")
@pytest.mark.parametrize(
    "where",
    [
        "http://127.0.0.1:1/messages", "https://127.0.0.1/messages", "http://evil.example.com/messages",
        "//evil.example.com/messages", "http://localhost/messages", "file:///etc/passwd",
        "http://127.0.0.1@evil.example.com/messages", "http://evil.example.com\\@127.0.0.1/", "javascript:x", "/a#b",
        "/caf\u00e9", "/" + "a" * 9000,
    ],
)  # fmt: skip
async def test_an_endpoint_elsewhere_is_refused_and_nothing_is_sent_there(where: str) -> None:
    """2024-11-05 says nothing of it; the official clients refuse it, for the credential would follow."""
    async with served(Old(endpoint=where.replace("{", "{{"))) as (old, hub):
        with pytest.raises(Garbled, match="endpoint event"):
            await said(hub, order("echo"))
        assert [each.verb for each in old.seen] == ["GET"]
        await old.until(lambda: not old.streams)


@pytest.mark.parametrize(
    ("said_", "path"),
    [
        ("/messages?s=1", "/messages?s=1"), ("messages/?s=1", "/api/messages/?s=1"), ("?s=1", "/api/sse?s=1"),
        ("https://h.example.com/m", "/m"), ("https://H.example.com:443/m", "/m"), ("../m", "/m"),
        ("//h.example.com/m", "/m"),
    ],
)  # fmt: skip
def test_an_endpoint_is_resolved_against_the_stream(said_: str, path: str) -> None:
    assert endpoint(parse_url("https://h.example.com/api/sse?key=k"), said_) == path

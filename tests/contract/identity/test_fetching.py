"""Requests to identity providers over real sockets: what may be asked, and what an answer may be."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trustme

from ostiary.adapters.identity.issuers import Issuers
from ostiary.adapters.identity.outbound import Fetch, Fetched
from ostiary.adapters.upstream.fetching import Fetching
from ostiary.core.errors import Garbled, TimedOut, Unauthenticated, Unreachable
from tests.contract.hop.stage import LOOPBACK, SOON, Peer, Stage, saying, serving, stream, whole
from tests.contract.identity.provider import Clock, Provider, inbound, made, said, setup, signed


@contextlib.asynccontextmanager
async def asking(*permitted: Any, **more: Any) -> AsyncIterator[Fetching[Fetched]]:
    fetching = Fetching(Fetched, permitted, **more)
    held: Fetch = fetching
    assert held is fetching
    try:
        yield fetching
    finally:
        async with asyncio.timeout(SOON):
            await fetching.close()


def soon(within: float = SOON) -> float:
    return asyncio.get_running_loop().time() + within


def at(stage: Stage, path: str = "/keys", host: str = "127.0.0.1", scheme: str = "http") -> str:
    return f"{scheme}://{host}:{stage.port}{path}"


JSON = whole(b'{"keys":[]}', b"content-type: application/json", b"cache-control: max-age=60")


async def test_a_document_is_fetched_from_this_machine_where_that_is_permitted() -> None:
    async with serving(saying(JSON, hold=True)) as stage, asking(*LOOPBACK) as fetch:
        for _ in range(2):
            found = await fetch("GET", at(stage, "/keys?v=1"), deadline=soon())
        assert (found.status, found.body, found.headers["cache-control"]) == (200, b'{"keys":[]}', "max-age=60")
        head = stage.requests[0][0].lower()
        assert head.startswith(b"get /keys?v=1 http/1.1\r\n")
        assert b"accept: application/json\r\n" in head
        assert stage.accepted == 1
        await fetch.close()


async def test_a_form_goes_out_with_the_clients_own_credentials() -> None:
    """RFC 6749 section 2.3.1: both are form-encoded before they are joined."""
    async with serving(saying(JSON)) as stage, asking(*LOOPBACK) as fetch:
        await fetch("POST", at(stage), deadline=soon(), form={"token": "a&b=c"}, basic=("g:w", "s é"))
        head, body = stage.requests[0]
        assert body == b"token=a%26b%3Dc"
        assert b"authorization: Basic ZyUzQXc6cyslQzMlQTk=\r\n" in head
        assert b"content-type: application/x-www-form-urlencoded\r\n" in head


async def test_this_machine_is_not_asked_unless_that_is_permitted() -> None:
    async with serving(saying(JSON)) as stage, asking() as fetch:
        with pytest.raises(Unreachable, match="allow_private"):
            await fetch("GET", at(stage), deadline=soon())
        assert stage.accepted == 0


@pytest.mark.parametrize("url", ["http://id.example.com/keys", "http://10.0.0.1/keys", "ftp://127.0.0.1/", "http://user@127.0.0.1/", "http://127.0.0.1/a\r\nx: y"])  # fmt: skip
async def test_what_is_not_https_or_not_plain_is_not_asked(url: str) -> None:
    async with asking(*LOOPBACK) as fetch:
        with pytest.raises(Unreachable):
            await fetch("GET", url, deadline=soon())


async def test_a_name_for_this_machine_that_leads_elsewhere_gets_nothing_in_plain_text() -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.1"]

    async with asking(*LOOPBACK, resolve=resolve) as fetch:
        with pytest.raises(Unreachable, match="no address"):
            await fetch("GET", "http://localhost:9/keys", deadline=soon())


async def test_a_private_address_behind_a_public_name_is_not_asked() -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["169.254.169.254"]

    async with asking(*LOOPBACK, resolve=resolve) as fetch:
        with pytest.raises(Unreachable, match="cloud metadata"):
            await fetch("GET", "https://id.example.com/keys", deadline=soon())


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    moved = whole(b"", b"location: http://169.254.169.254/", status=b"302 Found")
    async with serving(saying(moved)) as stage, asking(*LOOPBACK) as fetch:
        assert (await fetch("GET", at(stage), deadline=soon())).status == 302
        assert len(stage.requests) == 1


@pytest.mark.parametrize(
    "said",
    [
        whole(b"a" * (1024 * 1024 + 1)),
        stream(b"data: {}\n\n"),
        whole(b"{}", b"content-encoding: gzip"),
        whole(b"{}", b"x: " + b"a" * 40_000),
    ],
    ids=["too large", "a stream", "compressed", "a large head"],
)
async def test_an_answer_that_is_no_small_document_is_refused(said: bytes) -> None:
    async with serving(saying(said)) as stage, asking(*LOOPBACK) as fetch:
        with pytest.raises(Garbled):
            await fetch("GET", at(stage), deadline=soon())


async def test_a_provider_that_does_not_answer_is_given_up() -> None:
    async def silent(peer: Peer) -> None:
        await peer.request()
        await peer.hung_up()

    async with serving(silent) as stage, asking(*LOOPBACK) as fetch:
        with pytest.raises(TimedOut):
            await fetch("GET", at(stage), deadline=soon(0.05))


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nb", "é", "a\0"])
async def test_a_header_cannot_become_two(value: str) -> None:
    async with asking(*LOOPBACK) as fetch:
        with pytest.raises(Unreachable, match="plain text"):
            await fetch("GET", "http://127.0.0.1:9/", deadline=soon(), headers={"x-id": value})


async def test_over_tls_the_name_is_checked_against_the_authority_that_is_trusted() -> None:
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with serving(saying(JSON), tls=server) as stage:
        async with asking(*LOOPBACK, tls=trusting) as fetch:
            assert (await fetch("GET", at(stage, host="localhost", scheme="https"), deadline=soon())).status == 200
            with pytest.raises(Unreachable, match="certificate"):
                await fetch("GET", at(stage, scheme="https"), deadline=soon())
        async with asking(*LOOPBACK) as fetch:
            with pytest.raises(Unreachable, match="certificate"):
                await fetch("GET", at(stage, host="localhost", scheme="https"), deadline=soon())


async def test_a_token_is_verified_with_keys_that_came_over_a_socket() -> None:
    """Discovery, keys and verification together, with nothing in between that is not ours."""
    provider = Provider()

    async def served(peer: Peer) -> None:
        while True:
            await peer.request()
            path = peer.stage.requests[-1][0].split(b" ")[1].decode()
            found = await provider("GET", f"http://127.0.0.1:{peer.stage.port}{path}", deadline=0.0)
            status = b"200 OK" if found.status == 200 else b"404 Not Found"
            await peer.say(whole(found.body, b"content-type: application/json", status=status))

    async with serving(served) as stage, asking(*LOOPBACK) as fetch:
        provider.issuer = f"http://127.0.0.1:{stage.port}"
        provider.metadata = {"issuer": provider.issuer, "jwks_uri": f"{provider.issuer}/keys"}
        clock = Clock()
        known = Issuers([setup(provider, fetch=fetch)], clock, clock)
        assert (await known(inbound(provider.token()))).issuer == provider.issuer
        clock.now += 11.0
        with pytest.raises(Unauthenticated, match="jwt_kid_unknown"):
            await known(inbound(signed(made(number=1), said(provider.issuer), kid="two")))
        assert [head.split(b" ")[1] for head, _ in stage.requests].count(b"/keys") == 2


async def test_a_provider_that_moves_about_keeps_few_connections_open() -> None:
    async with contextlib.AsyncExitStack() as stack:
        fetch = await stack.enter_async_context(asking(*LOOPBACK))
        stages = [await stack.enter_async_context(serving(saying(JSON, hold=True))) for _ in range(10)]
        for stage in stages:
            await fetch("GET", at(stage), deadline=soon())
        assert len(fetch._pools) == 8
        await fetch.close()

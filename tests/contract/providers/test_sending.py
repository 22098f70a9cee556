"""Where requests to providers may go, over real sockets: TLS everywhere but on this machine and where it was named."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest
import trustme

from ostiary.adapters.providers.formats import Answer
from ostiary.adapters.upstream.fetching import Fetching
from ostiary.adapters.upstream.pool import Limits
from ostiary.core.errors import Garbled, TimedOut, Unreachable
from tests.contract.hop.stage import LOOPBACK, SOON, saying, serving, whole

pytestmark = pytest.mark.timeout(30)
JSON = whole(b"{}", b"content-type: application/json")


@contextlib.asynccontextmanager
async def sending(*permitted: Any, **more: Any) -> AsyncIterator[Fetching[Answer]]:
    fetching = Fetching(Answer, permitted, **more)
    try:
        yield fetching
    finally:
        async with asyncio.timeout(SOON):
            await fetching.close()


async def sent(fetching: Fetching[Answer], url: str, within: float = SOON) -> Answer:
    deadline = asyncio.get_running_loop().time() + within
    return await fetching.send("POST", url, {"content-type": "application/json"}, b"{}", deadline)


def named(*addresses: str) -> Any:
    async def resolve(_host: str, _port: int) -> list[str]:
        return list(addresses)

    return resolve


async def test_a_body_goes_out_as_it_is_and_the_answer_comes_back_whole() -> None:
    async with serving(saying(JSON)) as stage, sending(*LOOPBACK, plain=True) as fetching:
        got = await sent(fetching, f"http://127.0.0.1:{stage.port}/look?a=b")
    head, body = stage.requests[0]
    assert head.lower().startswith(b"post /look?a=b http/1.1\r\n")
    assert (body, got.status, got.body) == (b"{}", 200, b"{}")


async def test_a_name_in_a_network_that_was_named_is_asked_in_plain_text() -> None:
    async with serving(saying(JSON)) as stage:
        async with sending(*LOOPBACK, plain=True, resolve=named("127.0.0.1")) as fetching:
            assert (await sent(fetching, f"http://guard.internal:{stage.port}/")).status == 200
        async with sending(*LOOPBACK, resolve=named("127.0.0.1")) as fetching:
            with pytest.raises(Unreachable, match="only https"):
                await sent(fetching, f"http://guard.internal:{stage.port}/")
    assert len(stage.requests) == 1


@pytest.mark.parametrize("address", ["93.184.216.34", "10.9.9.9", "169.254.169.254"])
async def test_a_name_that_is_elsewhere_gets_nothing_in_plain_text(address: str) -> None:
    """A name that resolves to somewhere else tomorrow (DNS rebinding) must not get the words of calls unencrypted."""
    networks = (*LOOPBACK, ip_network("10.1.0.0/16"), ip_network("93.184.216.0/24"))
    async with sending(*networks, plain=True, resolve=named(address)) as fetching:
        with pytest.raises(Unreachable):
            await sent(fetching, "http://guard.internal:9/")
        with pytest.raises(Unreachable):
            await sent(fetching, f"http://{address}:9/")


async def test_a_certificate_is_checked() -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("guard.internal").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with serving(saying(JSON), tls=server) as stage:
        async with sending(*LOOPBACK, tls=trusting, resolve=named("127.0.0.1")) as fetching:
            assert (await sent(fetching, f"https://guard.internal:{stage.port}/")).status == 200
            with pytest.raises(Unreachable, match="certificate"):
                await sent(fetching, f"https://other.internal:{stage.port}/")
        async with sending(*LOOPBACK, resolve=named("127.0.0.1")) as fetching:
            with pytest.raises(Unreachable, match="certificate"):
                await sent(fetching, f"https://guard.internal:{stage.port}/")


async def test_an_answer_over_its_bound_is_dropped() -> None:
    bounds = {"plain": True, "limits": Limits(body=1_000)}
    async with serving(saying(whole(b"x" * 2_000))) as stage, sending(*LOOPBACK, **bounds) as fetching:
        with pytest.raises(Garbled):
            await sent(fetching, f"http://127.0.0.1:{stage.port}/")


async def test_a_deadline_is_kept_however_long_it_is() -> None:
    async def silent(peer: Any) -> None:
        await peer.request()
        await peer.hung_up()

    async with serving(silent) as stage, sending(*LOOPBACK, plain=True) as fetching:
        with pytest.raises(TimedOut):
            await sent(fetching, f"http://127.0.0.1:{stage.port}/", within=0.1)

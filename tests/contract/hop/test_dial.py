"""Dialling: only what may be reached, exactly what was judged, with the certificate of the name that was asked for."""

from __future__ import annotations

import asyncio
import socket
import ssl
from ipaddress import ip_network
from typing import Any

import pytest
import trustme

from ostiary.adapters.upstream.dial import Dialer
from ostiary.adapters.upstream.pool import Pool
from ostiary.core.errors import Unreachable
from ostiary.policy.egress import Origin
from tests.contract.hop.stage import LOOPBACK, SOON, Peer, Stage, echo, pooled, post, serving

AUTHORITY = trustme.CA()


class Names:
    """A resolver that knows what it is told, and counts the questions."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def pool_to(stage: Stage, dialer: Dialer, host: str = "server.test", tls: ssl.SSLContext | None = None) -> Any:
    origin = stage.origin(host, "https" if tls else "http")
    return Pool(origin, dial=dialer, tls=tls)


def server_side(*names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(*names).configure_cert(context)
    return context


def client_side(*, trusting: bool = True) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if trusting:
        AUTHORITY.configure_trust(context)
    return context


async def test_a_name_is_asked_for_once_and_its_address_dialled() -> None:
    names = Names(["127.0.0.1"])
    async with serving(echo) as stage:
        pool = pool_to(stage, Dialer(LOOPBACK, resolve=names))
        assert (await post(pool, b"hello")).body == b"hello"
        assert names.asked == [("server.test", stage.port)]
        assert stage.requests[0][0].startswith(b"POST /mcp HTTP/1.1\r\nhost: server.test:")
        await pool.close()


async def test_the_systems_resolver_knows_this_machine() -> None:
    async with serving(echo) as stage:
        pool = pool_to(stage, Dialer((*LOOPBACK, ip_network("::1/128"))), "localhost")
        assert (await post(pool, b"hello")).body == b"hello"
        await pool.close()


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (["127.0.0.1"], "server.test is at 127.0.0.1, which is loopback; add allow_private: [127.0.0.1/32]"),
        (["10.1.2.3"], "server.test is at 10.1.2.3, which is private; add allow_private: [10.1.2.3/32]"),
        (["fd12::1"], "which is unique-local; add allow_private: [fd12::1/128]"),
        (["::ffff:127.0.0.1"], "which is loopback; add allow_private: [127.0.0.1/32]"),
        (["64:ff9b::7f00:1"], "which is loopback; add allow_private: [127.0.0.1/32]"),
        (
            ["169.254.169.254"],
            "which is cloud metadata; add allow_private: [169.254.169.254/32] to this server only if",
        ),
        (
            ["10.0.0.1", "127.0.0.1"],
            "which is private; add allow_private: [10.0.0.1/32] to this server; server.test is",
        ),
    ],
)
async def test_a_name_with_only_forbidden_addresses_is_refused_with_advice(answer: list[str], advice: str) -> None:
    async with serving(echo) as stage:
        pool = pool_to(stage, Dialer(resolve=Names(answer)))
        with pytest.raises(Unreachable) as caught:
            await post(pool)
        assert advice in caught.value.detail
        assert stage.accepted == 0
        await pool.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::ffff:7f00:1", "64:ff9b::7f00:1", "169.254.169.254"])
async def test_a_forbidden_address_in_the_url_is_refused(host: str) -> None:
    names = Names(["127.0.0.1"])
    async with serving(echo) as stage:
        pool = pool_to(stage, Dialer(resolve=names), host)
        with pytest.raises(Unreachable, match="add allow_private"):
            await post(pool)
        assert (stage.accepted, names.asked) == (0, [])
        await pool.close()


async def test_of_mixed_answers_only_the_allowed_ones_are_dialled() -> None:
    async with serving(echo) as stage:
        pool = pool_to(stage, Dialer((ip_network("127.0.0.1/32"),), resolve=Names(["10.0.0.1", "127.0.0.1"])))
        assert (await post(pool, b"hello")).body == b"hello"
        await pool.close()


async def test_a_name_that_changes_its_mind_is_judged_each_time() -> None:
    """DNS rebinding: the first answer is allowed, the next one is not, and is not dialled."""
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    dialer = Dialer((ip_network("127.0.0.1/32"),), resolve=names)

    async def once(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")

    async with serving(once) as stage:
        pool = pool_to(stage, dialer)
        await post(pool)
        with pytest.raises(Unreachable, match=r"127\.0\.0\.2, which is loopback"):
            await post(pool)
        assert stage.accepted == 1
        await pool.close()


async def test_the_next_address_is_tried_when_the_first_does_not_answer() -> None:
    async with serving(echo) as stage:
        pool = pool_to(stage, Dialer(LOOPBACK, resolve=Names(["127.0.0.2", "127.0.0.1"])))
        assert (await post(pool, b"hello")).body == b"hello"
        await pool.close()


async def test_nobody_listening_is_said_so() -> None:
    async with serving(echo) as stage:
        pool = pool_to(stage, Dialer(LOOPBACK, resolve=Names(["127.0.0.2", "127.0.0.3"])))
        with pytest.raises(Unreachable, match=r"127\.0\.0\.2: refused; check that.*127\.0\.0\.3: refused"):
            await post(pool)
        await pool.close()


async def hang(host: str, port: int) -> list[str]:
    await asyncio.get_running_loop().create_future()
    return []


async def fail(host: str, port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize(
    ("resolve", "why"),
    [(hang, "took over 0.02 s"), (fail, "does not resolve"), (Names([]), "has no address")],
)
async def test_a_name_that_does_not_resolve_is_unreachable(resolve: Any, why: str) -> None:
    with pytest.raises(Unreachable, match=why):
        await Dialer(resolve=resolve, timeout=0.02)(Origin("http", "server.test", 80, "/"), asyncio.Protocol, None)


async def test_a_server_that_never_shakes_hands_is_unreachable() -> None:
    async def mute(peer: Peer) -> None:
        await peer.hung_up()

    async with serving(mute) as stage:
        dialer = Dialer(LOOPBACK, timeout=0.05)
        with pytest.raises(Unreachable, match="no answer in time"):
            await dialer(stage.origin("127.0.0.1", "https"), asyncio.Protocol, client_side())


@pytest.mark.parametrize(("scheme", "tls"), [("https", None), ("http", ssl.create_default_context())])
async def test_a_scheme_without_its_transport_is_refused(scheme: str, tls: ssl.SSLContext | None) -> None:
    async with serving(echo) as stage:
        with pytest.raises(Unreachable, match="TLS"):
            await Dialer(LOOPBACK)(stage.origin("127.0.0.1", scheme), asyncio.Protocol, tls)
        assert stage.accepted == 0


async def test_tls_with_the_right_name_carries_exchanges() -> None:
    body = bytes(range(256)) * 8192
    async with serving(echo, server_side("server.test")) as stage:
        pool = pool_to(stage, Dialer(LOOPBACK, resolve=Names(["127.0.0.1"])), tls=client_side())
        for sent in (b"small", body, b"small"):
            assert (await post(pool, sent)).body == sent
        assert stage.accepted == 1
        async with asyncio.timeout(SOON):
            await pool.close()


async def test_a_certificate_for_an_address_is_checked_against_it() -> None:
    async with serving(echo, server_side("127.0.0.1")) as stage:
        pool = pool_to(stage, Dialer(LOOPBACK), "127.0.0.1", client_side())
        assert (await post(pool, b"hello")).body == b"hello"
        await pool.close()


@pytest.mark.parametrize("name", ["other.test", "127.0.0.1", "sub.server.test"])
async def test_a_certificate_for_another_name_is_refused(name: str) -> None:
    async with serving(echo, server_side(name)) as stage:
        pool = pool_to(stage, Dialer(LOOPBACK, resolve=Names(["127.0.0.1"])), tls=client_side())
        with pytest.raises(Unreachable, match=r"the certificate is not valid for server\.test"):
            await post(pool)
        assert not stage.requests
        await pool.close()


async def test_a_certificate_of_an_unknown_authority_is_refused() -> None:
    async with serving(echo, server_side("server.test")) as stage:
        pool = pool_to(stage, Dialer(LOOPBACK, resolve=Names(["127.0.0.1"])), tls=client_side(trusting=False))
        with pytest.raises(Unreachable, match="add the authority"):
            await post(pool)
        assert not stage.requests
        await pool.close()


async def test_a_server_without_tls_is_refused() -> None:
    async def plain(peer: Peer) -> None:
        await peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(plain) as stage:
        pool = pool_to(stage, Dialer(LOOPBACK, resolve=Names(["127.0.0.1"])), tls=client_side())
        with pytest.raises(Unreachable, match="TLS failed"):
            await post(pool)
        await pool.close()


async def test_a_pool_dials_through_the_same_guard() -> None:
    async with serving(echo) as stage, pooled(stage, dial=Dialer()) as pool:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1, which is loopback"):
            await post(pool)
        assert stage.accepted == 0

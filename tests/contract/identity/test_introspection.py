"""Opaque tokens: believed if their issuer says so, for a moment; refused quietly; never lost to an outage."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ostiary.adapters.identity.introspection import Introspection
from ostiary.adapters.identity.issuers import Issuers
from ostiary.adapters.identity.jwt import INVALID
from ostiary.core.errors import Overloaded, Unauthenticated
from tests.contract.identity.provider import NOW, Clock, Provider, inbound, opaque, said, setup

TOKEN = "opaque-7Jq"


def house(**answer: Any) -> tuple[Provider, Clock, Issuers]:
    provider, clock = Provider(), Clock()
    provider.opaque[TOKEN] = {"active": True, **said(), "scope": "read write", **answer}
    return provider, clock, Issuers([opaque(provider)], clock, clock)


async def test_an_active_token_is_asked_about_once_a_minute() -> None:
    provider, clock, known = house()
    callers = await asyncio.gather(*(known(inbound(TOKEN)) for _ in range(50)))
    assert (callers[0].subject, callers[0].proof, callers[0].scopes) == (
        "ana",
        "introspection:staff",
        {"read", "write"},
    )
    assert provider.forms == [("POST", {"token": TOKEN, "token_type_hint": "access_token"}, ("gw", "s3cret"))]
    clock.now += 61.0
    await known(inbound(TOKEN))
    assert len(provider.forms) == 2


async def test_an_issuer_that_is_alone_need_not_name_itself() -> None:
    """RFC 7662 section 2.2: `iss` is optional."""
    provider, _, known = house()
    del provider.opaque[TOKEN]["iss"]
    assert (await known(inbound(TOKEN))).issuer == provider.issuer


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "inactive": ({"active": False}, "introspection_inactive"),
    "active in words": ({"active": "true"}, "introspection_inactive"),
    "active in numbers": ({"active": 1}, "introspection_inactive"),
    "of another issuer": ({"iss": "https://id.evil.example"}, "introspection_wrong_issuer"),
    "of no issuer, explicitly": ({"iss": None}, "introspection_wrong_issuer"),
    "for somebody else": ({"aud": "https://other.example.com"}, "introspection_wrong_audience"),
    "for nobody": ({"aud": None}, "introspection_wrong_audience"),
    "expired": ({"exp": NOW - 31}, "introspection_expired"),
    "not yet": ({"nbf": NOW + 31}, "introspection_not_yet"),
    "of nobody": ({"sub": None}, "introspection_nobody"),
    "bound": ({"cnf": {"x5t#S256": "x"}}, "introspection_bound"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_token_that_is_not_good_is_refused_with_its_reason(name: str) -> None:
    answer, reason = REFUSALS[name]
    _, _, known = house(**answer)
    with pytest.raises(Unauthenticated) as caught:
        await known(inbound(TOKEN))
    assert caught.value.detail.partition(":")[0] == reason
    assert caught.value.hint == INVALID


async def test_a_token_without_an_expiry_is_refused() -> None:
    provider, _, known = house()
    del provider.opaque[TOKEN]["exp"]
    with pytest.raises(Unauthenticated, match="introspection_no_expiry"):
        await known(inbound(TOKEN))


async def test_no_is_remembered_for_a_few_seconds() -> None:
    provider, clock, known = house(active=False)
    for _ in range(20):
        with pytest.raises(Unauthenticated):
            await known(inbound(TOKEN))
    assert len(provider.forms) == 1
    clock.now += 6.0
    provider.opaque[TOKEN]["active"] = True
    assert (await known(inbound(TOKEN))).subject == "ana"


async def test_a_token_revoked_at_the_issuer_ends_within_a_minute_and_at_once_when_told() -> None:
    provider, _, known = house()
    await known(inbound(TOKEN))
    provider.opaque[TOKEN]["active"] = False
    await known(inbound(TOKEN))
    known.clear()
    with pytest.raises(Unauthenticated):
        await known(inbound(TOKEN))


@pytest.mark.parametrize("how", ["away", 401, 403, 500, 302])
async def test_an_issuer_that_cannot_be_asked_costs_no_client_its_token(how: Any) -> None:
    """Fail closed, but not with 401; our own credentials being wrong is not the client's fault either."""
    provider, _, known = house()
    provider.down, provider.status = how == "away", how if isinstance(how, int) else 200
    with pytest.raises(Overloaded) as caught:
        await known(inbound(TOKEN))
    assert caught.value.status == 503
    assert caught.value.retry_after == 5.0
    assert TOKEN not in f"{caught.value.detail}{caught.value.message}"
    provider.down, provider.status = False, 200
    assert (await known(inbound(TOKEN))).subject == "ana"


async def test_an_endpoint_without_https_is_not_asked() -> None:
    provider, clock = Provider(), Clock()
    at = Introspection("http://id.example.com/introspect", "gw", "s3cret")
    with pytest.raises(Overloaded, match="not https"):
        await Issuers([setup(provider, introspection=at)], clock, clock)(inbound(TOKEN))
    assert provider.asked == []


async def test_an_endless_token_is_not_passed_on() -> None:
    provider, _, known = house()
    with pytest.raises(Unauthenticated, match="credential_oversized"):
        await known(inbound("a" * 20_000))
    assert provider.asked == []


def test_the_clients_secret_is_in_no_representation() -> None:
    provider = Provider()
    assert "s3cret" not in repr(opaque(provider))


def test_two_places_to_ask_are_a_mistake() -> None:
    one, two, clock = Provider(), Provider("https://id.example.org"), Clock()
    with pytest.raises(ValueError, match="introspection"):
        Issuers([opaque(one), opaque(two, name="guests")], clock, clock)

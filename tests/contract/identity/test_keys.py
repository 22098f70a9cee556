"""An issuer's keys: rotated under load, asked for seldom, and there while the provider is not."""

from __future__ import annotations

import asyncio

import pytest

from ostiary.adapters.identity.jwks import Keys, KeySet, Pace
from ostiary.core.errors import Overloaded
from tests.contract.identity.provider import ISSUER, Clock, Provider, made, public, until


def kept(provider: Provider, clock: Clock, jwks: str = "", pace: Pace = Pace()) -> Keys:  # noqa: B008 - frozen
    return Keys(ISSUER, jwks, provider, pace, clock, clock.sleep)


def ids(found: KeySet) -> set[str | None]:
    return {key.kid for key in found.keys}


async def test_keys_are_found_by_discovery_once_however_many_ask() -> None:
    provider, clock = Provider(), Clock()
    keys = kept(provider, clock)
    found = await asyncio.gather(*(keys.find("one") for _ in range(100)))
    assert all(ids(each) == {"one"} for each in found)
    assert provider.asked == [
        "https://id.example.com/.well-known/oauth-authorization-server/realm",
        "https://id.example.com/.well-known/openid-configuration/realm",
        f"{ISSUER}/keys",
    ]


async def test_a_configured_place_needs_no_discovery() -> None:
    provider = Provider()
    await kept(provider, Clock(), f"{ISSUER}/keys").find("one")
    assert provider.asked == [f"{ISSUER}/keys"]


async def test_a_rotation_fails_no_call() -> None:
    """The old key is gone and the new one signs at once; a thousand calls come in that moment."""
    provider, clock = Provider(), Clock()
    keys = kept(provider, clock)
    await keys.find("one")
    provider.keys = {"two": made(number=1)}
    clock.now += 11.0
    found = await asyncio.gather(*(keys.find("two") for _ in range(1000)))
    assert all(each.has("two") for each in found)
    assert provider.fetched() == 2


async def test_a_rotation_right_after_a_request_waits_for_the_next_one() -> None:
    provider, clock = Provider(), Clock()
    keys = kept(provider, clock)
    await keys.find("one")
    clock.now += 3.0
    provider.keys = {"two": made(number=1)}
    assert (await keys.find("two")).has("two")
    assert clock.slept == [7.0]


async def test_a_storm_of_invented_ids_is_one_request_per_interval() -> None:
    provider, clock = Provider(), Clock()
    keys = kept(provider, clock)
    await keys.find("one")
    clock.now += 20.0
    found = await asyncio.gather(*(keys.find(f"invented {number}") for number in range(500)))
    assert not any(each.has(f"invented {number}") for number, each in enumerate(found))
    # One request for those who came first, and one more for the few who may wait for it.
    assert provider.fetched() <= 3
    assert len(clock.slept) <= Pace().waiting


async def test_an_id_that_was_looked_for_in_vain_is_not_waited_for() -> None:
    provider, clock = Provider(), Clock()
    keys = kept(provider, clock)
    await keys.find("one")
    clock.now += 20.0
    assert not (await keys.find("invented")).has("invented")
    for _ in range(100):
        assert not (await keys.find("invented")).has("invented")
    assert (provider.fetched(), clock.slept) == (2, [])
    clock.now += 11.0
    provider.keys["invented"] = made(number=1)
    assert (await keys.find("invented")).has("invented")


async def test_keys_are_fetched_beside_the_calls_before_they_are_stale() -> None:
    provider, clock = Provider(), Clock()
    provider.headers = {"cache-control": "max-age=1000"}
    keys = kept(provider, clock)
    await keys.find("one")
    provider.keys["two"] = made(number=1)
    clock.now += 801.0
    provider.gate.clear()
    assert ids(await keys.find("one")) == {"one"}
    provider.gate.set()
    await until(lambda: provider.fetched() == 2 and keys._task is None)
    assert ids(await keys.find("one")) == {"one", "two"}


async def test_a_key_that_was_taken_back_is_not_trusted_beyond_its_freshness() -> None:
    provider, clock = Provider(), Clock()
    keys = kept(provider, clock)
    await keys.find("one")
    provider.keys = {"two": made(number=1)}
    clock.now += 3601.0
    assert ids(await keys.find(None)) == {"two"}


async def test_the_last_good_keys_serve_through_an_outage_without_delay_and_not_for_ever() -> None:
    provider, clock = Provider(), Clock()
    keys = kept(provider, clock)
    await keys.find("one")
    provider.down = True
    clock.now += 3601.0
    assert ids(await keys.find("one")) == {"one"}  # The one who finds out waits for the request to fail.
    provider.gate.clear()
    clock.now += 11.0
    assert ids(await keys.find("one")) == {"one"}  # Everybody after does not.
    provider.gate.set()
    await until(lambda: keys._task is None)
    clock.now += 86_400.0
    with pytest.raises(Overloaded, match="keys_unreachable"):
        await keys.find("one")
    provider.down = False
    clock.now += 11.0
    assert ids(await keys.find("one")) == {"one"}


async def test_an_unknown_key_in_an_outage_is_no_reason_to_throw_a_token_away() -> None:
    """401 makes a client drop its token; nobody can know here that it is bad."""
    provider, clock = Provider(), Clock()
    keys = kept(provider, clock)
    await keys.find("one")
    provider.down = True
    clock.now += 11.0
    for _ in range(3):
        with pytest.raises(Overloaded) as caught:
            await keys.find("two")
        assert 0 < (caught.value.retry_after or 0) <= 10.0
    assert clock.slept == []
    assert ids(await keys.find("one")) == {"one"}


async def test_a_provider_that_was_never_heard_is_asked_seldom() -> None:
    provider, clock = Provider(), Clock()
    provider.down = True
    keys = kept(provider, clock, f"{ISSUER}/keys")
    for _ in range(50):
        with pytest.raises(Overloaded):
            await keys.find("one")
    assert provider.fetched() == 1
    provider.down = False
    clock.now += 2.0
    assert ids(await keys.find("one")) == {"one"}


@pytest.mark.parametrize("listed", [[], [{"kty": "oct", "k": "c2VjcmV0", "kid": "one"}], [public(made())] * 65])
async def test_a_bad_answer_takes_no_good_key_away(listed: list[object]) -> None:
    provider, clock = Provider(), Clock()
    keys = kept(provider, clock)
    await keys.find("one")
    provider.published = listed
    clock.now += 3601.0
    assert ids(await keys.find("one")) == {"one"}


async def test_one_who_gives_up_stops_nobody_elses_request() -> None:
    provider, clock = Provider(), Clock()
    provider.gate.clear()
    keys = kept(provider, clock, f"{ISSUER}/keys")
    first = asyncio.create_task(keys.find("one"))
    await until(lambda: provider.fetched() == 1)
    second = asyncio.create_task(keys.find("one"))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    provider.gate.set()
    assert ids(await second) == {"one"}
    assert provider.fetched() == 1


async def test_metadata_of_another_issuer_gives_no_keys() -> None:
    provider = Provider()
    provider.metadata["issuer"] = f"{ISSUER}/"
    with pytest.raises(Overloaded, match="identical"):
        await kept(provider, Clock()).find("one")
    assert provider.fetched() == 0


@pytest.mark.parametrize("issuer", ["http://id.example.com", "https://id.example.com/?a=b", "id.example.com"])
async def test_an_issuer_that_is_no_https_url_is_not_asked(issuer: str) -> None:
    provider = Provider()
    with pytest.raises(Overloaded, match="correct the configuration"):
        await Keys(issuer, "", provider, Pace(), Clock()).find("one")
    assert provider.asked == []


async def test_keys_over_plain_http_are_not_asked_for() -> None:
    provider = Provider()
    with pytest.raises(Overloaded, match="no https"):
        await kept(provider, Clock(), "http://id.example.com/keys").find("one")
    assert provider.asked == []


async def test_closing_stops_a_request() -> None:
    provider = Provider()
    provider.gate.clear()
    keys = kept(provider, Clock())
    asking = asyncio.create_task(keys.find("one"))
    await until(lambda: bool(provider.asked))
    keys.close()
    with pytest.raises(Overloaded):
        await asking
    kept(provider, Clock()).close()

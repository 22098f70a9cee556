"""DPoP at the token endpoint, with real proofs: what tokens are bound to, and which proofs bind nothing (RFC 9449)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ostiary.adapters.identity.dpop import ALGORITHMS, Nonces, Proofs, Rules
from ostiary.adapters.identity.issuers import Issuers, Setup
from ostiary.adapters.identity.jwt import Expected
from ostiary.adapters.identity.mutual import binding
from ostiary.adapters.identity.outbound import Fetched
from ostiary.core.errors import Unauthenticated
from ostiary.policy.claims import Reading
from tests.contract.identity.provider import made, signed
from tests.contract.identity.proving import ELLIPTIC, asked, proof, shown, thumbprint
from tests.contract.oauth.house import CALLBACK, NOW, RESOURCE, SECRET, URL, House, Time, exchange

JKT = thumbprint(ELLIPTIC)
OTHER = made("ES256", 1)
HERE = f"{URL}/token"


class Bank:
    """A house that verifies proofs, and what it noted."""

    def __init__(self, folder: Path, nonces: bool = False, **rules: Any) -> None:
        self.time, self.notes = Time(), list[tuple[str, Any]]()
        secret = Nonces(b"s" * 32, self.time) if nonces else None
        self.proofs = Proofs(URL, self.time, secret, Rules(**rules))
        self.house = House(
            folder, proof=self.proofs.held, time=self.time, clock=self.time,
            note=lambda event, fields: self.notes.append((event, fields)),
        )  # fmt: skip

    async def post(self, fields: dict[str, str], *sent: str, **more: Any) -> Any:
        headers = [("dpop", each) for each in sent]
        async with self.house.browser("") as client:
            return await client.post("/token", data=fields, headers=headers, **more)

    async def redeemed(self, client: str, *sent: str, **fields: str) -> Any:
        return await self.post(exchange(client, await self.house.code(client, **fields)), *sent)

    async def refreshed(self, client: str, token: str, *sent: str, **more: Any) -> Any:
        fields = {"grant_type": "refresh_token", "client_id": client, "refresh_token": token}
        return await self.post({name: value for name, value in fields.items() if value}, *sent, **more)

    def reason(self) -> str:
        event, fields = self.notes[-1]
        assert event.endswith("_refused"), fields
        return str(fields["reason"])


def here(key: Any = ELLIPTIC, **changed: Any) -> str:
    """Return a good proof for the token endpoint, with changes."""
    return proof(key=key, **{"htu": HERE, "ath": None, **changed})


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return Bank(tmp_path)


async def test_a_token_is_bound_to_the_key_that_was_proven(bank: Bank) -> None:
    """RFC 9449 section 5: so are the refresh tokens of a public client."""
    client = await bank.house.registered()
    said = (await bank.redeemed(client, here())).json()
    assert said["token_type"] == "DPoP"
    assert (await bank.house.claims(said["access_token"]))["cnf"] == {"jkt": JKT}
    for sent in ((), (here(OTHER),)):
        assert (await bank.refreshed(client, said["refresh_token"], *sent)).json()["error"] == "invalid_grant"
        assert bank.reason() == "refresh_wrong_key"
    fresh = await bank.refreshed(client, said["refresh_token"], here())
    assert (await bank.house.claims(fresh.json()["access_token"]))["cnf"] == {"jkt": JKT}
    assert (await bank.refreshed(client, fresh.json()["refresh_token"])).status_code == 400, "and so on"


async def test_without_a_proof_everything_is_as_it_was(bank: Bank) -> None:
    client = await bank.house.registered()
    said = (await bank.redeemed(client)).json()
    assert said["token_type"] == "Bearer"
    assert "cnf" not in await bank.house.claims(said["access_token"])
    assert bank.notes == []


async def test_a_public_client_that_begins_to_prove_a_key_is_bound_to_it_from_then_on(bank: Bank) -> None:
    """RFC 9449 section 5: whatever refresh token is issued on a proof."""
    client = await bank.house.registered()
    first = (await bank.redeemed(client)).json()["refresh_token"]
    second = (await bank.refreshed(client, first, here())).json()["refresh_token"]
    assert (await bank.refreshed(client, second)).status_code == 400
    assert (await bank.refreshed(client, second, here())).status_code == 200


async def test_a_client_that_authenticates_may_change_its_key(bank: Bank) -> None:
    code = await bank.house.code("portal", redirect_uri=CALLBACK)
    auth = ("portal", SECRET)
    first = await bank.post(exchange("", code, redirect_uri=CALLBACK), here(), auth=auth)
    second = await bank.refreshed("", first.json()["refresh_token"], here(OTHER), auth=auth)
    assert (await bank.house.claims(second.json()["access_token"]))["cnf"] == {"jkt": thumbprint(OTHER)}


async def test_a_service_account_may_bind_its_tokens_too(bank: Bank) -> None:
    fields = {"grant_type": "client_credentials", "resource": RESOURCE}
    said = (await bank.post(fields, here(), auth=("nightly", "n1ghtly"))).json()
    assert (said["token_type"], (await bank.house.claims(said["access_token"]))["cnf"]) == ("DPoP", {"jkt": JKT})


@pytest.mark.parametrize(("key", "status"), [(None, 400), (OTHER, 400), (ELLIPTIC, 200)])
async def test_a_code_that_was_asked_for_with_a_key_needs_it(bank: Bank, key: Any, status: int) -> None:
    """RFC 9449 section 10."""
    client = await bank.house.registered()
    response = await bank.redeemed(client, *([here(key)] if key else []), dpop_jkt=JKT)
    assert response.status_code == status
    assert status == 200 or bank.reason() == "code_wrong_key"


BAD: dict[str, tuple[tuple[str, ...], str]] = {
    "an empty one": (("",), "dpop_malformed"),
    "two": ((here(), here()), "dpop_doubled"),
    "an oversized one": ((here(pad="a" * 8192),), "dpop_oversized"),
    "for the endpoint of tools": ((here(htu=RESOURCE),), "dpop_url"),
    "for another server's token endpoint": ((here(htu="https://id.example.com/token"),), "dpop_url"),
    "for the address with a query": ((here(htu=f"{HERE}?x=1"),), "dpop_url"),
    "for no address": ((here(htu=None),), "dpop_url"),
    "for a GET": ((here(htm="GET"),), "dpop_method"),
    "without a jti": ((here(jti=None),), "dpop_jti"),
    "from an hour ago": ((here(iat=int(NOW) - 3600),), "dpop_stale"),
    "from tomorrow": ((here(iat=int(NOW) + 86_400),), "dpop_stale"),
    "from no time": ((here(iat=None),), "dpop_stale"),
    "from a time in text": ((here(iat="now"),), "dpop_time"),
    "of another type": ((here(header={"typ": "jwt"}),), "dpop_typ"),
    "without a key": ((here(header={"jwk": None}),), "dpop_key"),
    "with a private key": ((here(header={"jwk": ELLIPTIC.as_dict(private=True)}),), "dpop_private"),
    "signed by another key": ((here(OTHER, header={"jwk": shown(ELLIPTIC)}),), "dpop_signature"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_proof_gives_nothing_and_costs_no_code(bank: Bank, name: str) -> None:
    sent, reason = BAD[name]
    client = await bank.house.registered()
    fields = exchange(client, await bank.house.code(client))
    response = await bank.post(fields, *sent)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_dpop_proof")
    assert (bank.reason(), bank.house.failures.count) == (reason, 1)
    assert reason not in response.text
    assert (await bank.post(fields, here())).status_code == 200


async def test_a_proof_is_good_once_for_all_that_share_its_memory(bank: Bank) -> None:
    client, sent = await bank.house.registered(), here(jti="same")
    assert (await bank.redeemed(client, sent)).status_code == 200
    assert (await bank.redeemed(client, sent)).json()["error"] == "invalid_dpop_proof"
    assert bank.reason() == "dpop_replayed"
    with pytest.raises(Unauthenticated, match="dpop_replayed"):
        await bank.proofs(asked(proof(jti="same")), JKT)


async def test_a_client_is_told_which_nonce_to_use_and_given_the_next_in_time(tmp_path: Path) -> None:
    """RFC 9449 sections 8 and 8.2."""
    bank = Bank(tmp_path, nonces=True)
    client = await bank.house.registered()
    fields = exchange(client, await bank.house.code(client))
    asked_back = await bank.post(fields, here())
    nonce = asked_back.headers["dpop-nonce"]
    assert (asked_back.status_code, asked_back.json()["error"]) == (400, "use_dpop_nonce")
    assert (bank.notes, bank.house.failures.count) == ([], 0), "a question is no failure"
    first = await bank.post(fields, here(nonce=nonce))
    assert (first.status_code, "dpop-nonce" in first.headers) == (200, False)
    bank.time.now += 200
    second = await bank.refreshed(client, first.json()["refresh_token"], here(nonce=nonce, iat=bank.time.now))
    following = second.headers["dpop-nonce"]
    assert (second.status_code, following != nonce) == (200, True)
    bank.time.now += 200
    token = second.json()["refresh_token"]
    late = await bank.refreshed(client, token, here(nonce=nonce, iat=bank.time.now))
    assert late.json()["error"] == "use_dpop_nonce"
    assert (await bank.refreshed(client, token, here(nonce=following, iat=bank.time.now))).status_code == 200


@pytest.mark.parametrize("fields", [{"grant_type": "authorization_code", "code": "noise"}, {"grant_type": "refresh_token", "refresh_token": "noise"}, {"grant_type": "authorization_code"}])  # fmt: skip
async def test_nothing_is_verified_or_remembered_for_who_brings_nothing(bank: Bank, fields: dict[str, str]) -> None:
    """Ours: a public client's name and a key are free, so neither may cost us anything."""
    client = await bank.house.registered()
    response = await bank.post({"client_id": client, **fields}, here())
    assert (response.json()["error"], bank.reason()) == ("invalid_grant", "client_brings_nothing")
    assert (len(bank.proofs._uses), len(bank.proofs._keys)) == (0, 0)


async def test_whoever_asks_for_tokens_keeps_nobody_out_who_has_one(tmp_path: Path) -> None:
    bank = Bank(tmp_path, opened=2)
    client = await bank.house.registered()
    for number in range(2):
        assert (await bank.redeemed(client, here(made("ES256", number)))).status_code == 200
    full = await bank.redeemed(client, here(made("ES256", 2)))
    assert (full.status_code, full.headers["retry-after"]) == (503, "9")
    await bank.proofs(asked(proof()), JKT)
    bank.time.now += 100
    assert (await bank.redeemed(client, here(iat=bank.time.now))).status_code == 200


async def test_what_is_issued_opens_the_door_to_who_has_the_key_and_to_nobody_else(bank: Bank) -> None:
    house = bank.house

    async def keys(method: str, url: str, /, **_: Any) -> Fetched:
        async with house.browser("") as client:
            return Fetched(200, {}, (await client.get("/.well-known/jwks.json")).content)

    expected = Expected(URL, frozenset({URL}), URL, frozenset({"ES256"}), only_access=True)
    bound = binding("none", bank.proofs, bank.time)
    door = Issuers([Setup("ours", expected, Reading(URL), keys, f"{URL}/keys", None, bound)], bank.time, bank.time)
    token = (await bank.redeemed(await house.registered(), here())).json()["access_token"]
    assert (await door(asked(proof(token), token))).subject == "ann"
    for message, reason in (
        (asked(None, token, "Bearer"), "dpop_scheme"),
        (asked(proof(token, key=OTHER), token), "dpop_wrong_key"),
        (asked(here(), token), "dpop_url"),
    ):
        with pytest.raises(Unauthenticated, match=reason):
            await door(message)


async def test_the_metadata_says_which_signatures_are_taken(bank: Bank, tmp_path: Path) -> None:
    async with bank.house.browser("") as client:
        said = (await client.get("/.well-known/oauth-authorization-server")).json()
    assert said["dpop_signing_alg_values_supported"]
    assert set(said["dpop_signing_alg_values_supported"]) <= set(ALGORITHMS)
    async with House(tmp_path / "other").browser("") as client:
        bare = (await client.get("/.well-known/oauth-authorization-server")).json()
    assert "dpop_signing_alg_values_supported" not in bare, "where nobody verifies them, nothing is promised"


async def test_where_nobody_can_check_a_proof_nothing_is_bound(tmp_path: Path) -> None:
    house = House(tmp_path)
    client = await house.registered()
    fields = exchange(client, await house.code(client))
    response = await house.post("/token", fields, headers={"dpop": signed(ELLIPTIC, {}, "ES256")})
    assert response.json()["token_type"] == "Bearer"
    asked_with_key = exchange(client, await house.code(client, dpop_jkt=JKT))
    assert (await house.post("/token", asked_with_key)).status_code == 400

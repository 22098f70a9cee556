"""Enterprise-managed authorization: a provider's signed word for a person becomes a token of ours (ID-JAG, RFC 7523)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ostiary.adapters.identity.assertion import Assertions, Trusted
from ostiary.adapters.identity.dpop import Proofs
from ostiary.adapters.identity.jwks import Keys, Pace
from ostiary.adapters.oauth.assertions import actors
from ostiary.adapters.oauth.setting import Assertion
from ostiary.adapters.oauth.storing import Subject
from ostiary.policy.claims import Reading, Source, caller
from tests.contract.identity.provider import ISSUER, Clock, Provider, made
from tests.contract.identity.proving import ELLIPTIC, proof, thumbprint
from tests.contract.identity.test_assertion import said
from tests.contract.oauth.house import NOW, OTHER, RESOURCE, SECRET, URL, House

BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JKT = thumbprint(ELLIPTIC)


class Company:
    """A house that takes the word of a company's provider, verified as it is at work."""

    def __init__(self, folder: Path) -> None:
        self.provider, self.clock, self.notes = Provider(), Clock(NOW), list[tuple[str, Any]]()
        trusted = {ISSUER: Trusted("staff", Reading(ISSUER, roles=Source("groups"), teams=Source("team")))}
        keys = Keys(ISSUER, "", self.provider, Pace(), self.clock, self.clock.sleep)
        self.verify = Assertions(URL, lambda: trusted, lambda _: keys, self.clock)
        self.house = House(
            folder, assertion=self.assertion, proof=Proofs(URL, self.clock).held, time=self.clock, clock=self.clock,
            note=lambda event, fields: self.notes.append((event, fields)),
        )  # fmt: skip

    async def assertion(self, text: str) -> Assertion:
        """Turn what one adapter found into what the other asks for, as the entry does."""
        found = await self.verify(text)
        who = found.caller
        subject = Subject(who.subject, who.issuer, tuple(sorted(who.roles)), tuple(sorted(who.teams)))
        return Assertion(found.header, found.claims, subject)

    async def brings(self, assertion: str, client: str = "portal", dpop: str = "", **fields: str) -> Any:
        secret = {"portal": SECRET, "nightly": "n1ghtly"}[client]
        headers = {"dpop": dpop} if dpop else {}
        form = {"grant_type": BEARER, "assertion": assertion, **fields}
        return await self.house.post("/token", form, auth=(client, secret), headers=headers)

    async def claims(self, assertion: str, **more: str) -> dict[str, Any]:
        response = await self.brings(assertion, **more)
        assert response.status_code == 200, response.text
        return await self.house.claims(response.json()["access_token"])

    async def refused(self, assertion: str, **more: Any) -> str:
        """Return the reason that the ledger hears, after making sure that the client hears none."""
        response = await self.brings(assertion, **more)
        assert response.json()["error"] in {"invalid_grant", "invalid_target"}
        reason = str(self.notes[-1][1]["reason"])
        assert reason not in response.text
        return reason


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


async def test_the_word_of_a_provider_becomes_a_token_for_the_resource(company: Company) -> None:
    claims = await company.claims(said(sub="ann"))
    assert (claims["sub"], claims["idp"], claims["aud"], claims["client_id"]) == ("ann", ISSUER, RESOURCE, "portal")
    assert (claims["scope"], claims["roles"], claims["teams"]) == ("tools:read", ["eng"], ["blue"])
    assert "act" not in claims


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"header": {"typ": "JWT"}}, "jwt_typ"),
        ({"key": made(number=1)}, "jwt_signature"),
        ({"iss": "https://evil.example"}, "jwt_wrong_issuer"),
        ({"aud": "https://other.example"}, "jwt_wrong_audience"),
        ({"exp": NOW - 60}, "jwt_expired"),
        ({"exp": NOW + 7200}, "jwt_lifetime"),
        ({"client_id": "tool"}, "id_jag_wrong_client"),
        ({"client_id": None}, "id_jag_wrong_client"),
        ({"resource": OTHER + "x"}, "invalid_target"),
        ({"resource": [RESOURCE, OTHER]}, "id_jag_wrong_resource"),
        ({"jti": None}, "assertion_jti"),
        ({"jti": "j" * 300}, "assertion_jti"),
        ({"act": "agent"}, "id_jag_actor"),
        ({"act": {}}, "id_jag_actor"),
        ({"cnf": {"jkt": JKT}}, "id_jag_wrong_key"),
        ({"cnf": None, "act": {"sub": ["x"]}}, "id_jag_actor"),
    ],
)
async def test_each_refusal_has_a_reason_of_its_own_in_the_ledger(
    company: Company, changed: dict[str, Any], reason: str
) -> None:
    response = await company.brings(said(**changed))
    assert response.status_code == 400
    event, fields = company.notes[-1]
    assert (event, fields["at"], fields["reason"]) == ("token_refused", "token", reason)


async def test_an_assertion_counts_once_until_it_has_expired_and_then_never(company: Company) -> None:
    first = said(jti="one")
    await company.claims(first)
    assert await company.refused(first) == "id_jag_replayed"
    company.clock.now += 200
    assert await company.refused(first) == "id_jag_replayed"
    company.clock.now += 200
    assert await company.refused(first) == "jwt_expired"
    await company.claims(said(jti="two", iat=company.clock.now, exp=company.clock.now + 60))


async def test_a_mistake_in_the_request_does_not_use_an_assertion_up(company: Company) -> None:
    assert await company.refused(said(), resource=OTHER) == "id_jag_wrong_resource"
    await company.claims(said())


async def test_who_acts_for_the_person_is_in_the_token_and_known_at_the_door(company: Company) -> None:
    """RFC 8693 section 4.1: the outermost acts now; what else an actor is said to be is nothing that we sign."""
    act = {"sub": "agent-7", "iss": ISSUER, "admin": True, "act": {"sub": "planner", "exp": 1}}
    claims = await company.claims(said(act=act))
    assert claims["act"] == {"sub": "agent-7", "iss": ISSUER, "act": {"sub": "planner"}}
    assert caller(claims, Reading(URL), "jwt:ours", claims["exp"]).agent == "agent-7"


@pytest.mark.parametrize("act", [None, [], "x", {}, {"sub": ""}, {"sub": 1}, {"sub": "a" * 257}, {"sub": "a", "iss": 1}, {"sub": "a", "act": None}, {"sub": "a", "act": {}}])  # fmt: skip
def test_an_actor_without_a_name_is_refused_and_not_left_out(act: Any) -> None:
    """Ours: left out, an agent would pass for the person."""
    with pytest.raises(ValueError, match="act"):
        actors(act)


def test_a_chain_of_actors_has_an_end() -> None:
    chain: dict[str, Any] = {"sub": "a"}
    for _ in range(3):
        chain = {"sub": "a", "act": chain}
    assert actors(chain) == chain
    with pytest.raises(ValueError, match="too deep"):
        actors({"sub": "a", "act": chain})


async def test_an_assertion_that_is_bound_to_a_key_is_for_who_has_it(company: Company) -> None:
    """RFC 7800: a confirmation that is not checked would be none."""
    mine: dict[str, Any] = {"htu": f"{URL}/token", "ath": None}
    bound = said(cnf={"jkt": JKT})
    assert await company.refused(bound) == "id_jag_wrong_key"
    assert await company.refused(bound, dpop=proof(key=made("ES256", 1), **mine)) == "id_jag_wrong_key"
    assert await company.refused(said(cnf={"x5t#S256": JKT}), dpop=proof(**mine)) == "id_jag_wrong_key"
    assert (await company.claims(bound, dpop=proof(**mine)))["cnf"] == {"jkt": JKT}


async def test_while_the_provider_is_away_a_client_is_told_to_come_back(company: Company) -> None:
    company.provider.down = True
    response = await company.brings(said())
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert company.notes == [], "nothing was refused"


async def test_a_service_account_may_bring_what_was_made_for_it(company: Company) -> None:
    assert (await company.claims(said(client_id="nightly"), client="nightly"))["client_id"] == "nightly"
    assert await company.refused(said(), client="nightly") == "id_jag_wrong_client"

"""What claims say about a caller."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.errors import Unauthenticated
from ostiary.core.model import Caller
from ostiary.policy.claims import Reading, Source, caller

ISSUER = "https://id.example"
READING = Reading(
    ISSUER, roles=Source("groups", {"eng": "developer", "sec": "auditor"}), teams=Source("https://example.com/team")
)


def read(reading: Reading = READING, **claims: Any) -> Caller:
    return caller({"sub": "ana", **claims}, reading, "jwt:staff", 100.0)


def test_only_mapped_groups_become_roles() -> None:
    found = read(groups=["eng", "admin", 7, ""], **{"https://example.com/team": "support"})
    assert found.roles == {"developer"}
    assert found.teams == {"support"}
    assert found.tags == {"*", "subject:ana", "role:developer", "team:support", f"issuer:{found.issuer}"}
    assert (found.issuer, found.proof, found.expires) == (ISSUER, "jwt:staff", 100.0)


@pytest.mark.parametrize("groups", [None, 7, {"eng": True}, [["eng"]], True])
def test_a_claim_of_another_type_gives_nothing(groups: Any) -> None:
    assert read(groups=groups).roles == frozenset()


def test_a_claim_may_lie_deeper() -> None:
    nested = Reading(ISSUER, subject="user.name", roles=Source("realm_access.roles"))
    found = read(nested, realm_access={"roles": ["admin"]}, user={"name": "eve"})
    assert (found.subject, found.roles) == ("eve", {"admin"})
    assert read(Reading(ISSUER, roles=Source("a.b.c")), a={"b": "c"}).roles == frozenset()


@pytest.mark.parametrize("subject", [None, "", 7, "x" * 300, "a\nb", ["ana"]])
def test_a_token_that_names_nobody_is_refused(subject: Any) -> None:
    with pytest.raises(Unauthenticated):
        read(sub=subject)


@pytest.mark.parametrize(("scope", "scopes"), [("a b  c", {"a", "b", "c"}), (["a", "b"], {"a", "b"}), (None, set())])
def test_scopes_are_a_text_or_a_list(scope: Any, scopes: set[str]) -> None:
    assert read(scope=scope).scopes == scopes


def test_a_broader_scope_brings_the_narrower_ones() -> None:
    """Checklist 46; which brings which is the configuration's word, and never the token's."""
    found = read(Reading(ISSUER, brings={"crm.write": frozenset({"crm.read"})}), scope="crm.write x")
    assert found.scopes == {"crm.write", "crm.read", "x"}


def test_the_client_and_the_agent_are_told_apart_from_the_subject() -> None:
    """RFC 8693 section 4.1: the outermost actor is the one who acts now."""
    found = read(client_id="ide", azp="other", act={"sub": "robot", "act": {"sub": "earlier"}})
    assert (found.client, found.agent) == ("ide", "robot")
    assert {"client:ide", "agent:robot"} <= found.tags
    assert read(azp="other").client == "other"


@pytest.mark.parametrize("act", ["robot", {"sub": 7}, {"sub": ""}, {"sub": "a\nb"}, {}])
def test_an_actor_that_is_none_is_nobody(act: Any) -> None:
    assert read(act=act).agent == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["groups", "scope", "act", "azp", "https://example.com/team"]), JSON))
def test_no_claim_gives_a_role_that_is_not_mapped(claims: dict[str, Any]) -> None:
    assert read(**claims).roles <= {"developer", "auditor"}


def test_whose_subject_it_is_can_be_said_by_the_token_of_one_who_speaks_for_others() -> None:
    own = Reading(ISSUER, voucher="idp")
    assert read(own, idp="https://id.company.example").issuer == "https://id.company.example"
    for said in (None, "", 7):
        with pytest.raises(Unauthenticated, match="whose subject"):
            read(own, idp=said)

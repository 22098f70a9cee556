"""Certificates of clients (RFC 8705): bound tokens, and certificates that say by themselves who calls."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ostiary.adapters.identity.failures import EACH, TOTAL, Failures
from ostiary.adapters.identity.identities import Identities
from ostiary.adapters.identity.issuers import Issuers
from ostiary.adapters.identity.mutual import Holders, Named, fitting
from ostiary.core.errors import Unauthenticated
from ostiary.core.model import Certificate, Inbound
from tests.contract.identity.provider import NOW, Clock, Provider, inbound, setup
from tests.contract.identity.proving import ELLIPTIC, asked, bind, certificate, proof, thumbprint

AGENTS = Named("agents", ("spiffe://example.org/agents/*",), frozenset({"agent"}), frozenset({"ops"}))
HOSTS = Named("hosts", ("*.example.org", "*@example.org"), frozenset({"host"}))


def shown(found: Certificate | None, **headers: str) -> Inbound:
    return replace(inbound(None), certificate=found, headers=headers)


def holders(clock: Any = None) -> Holders:
    return Holders([AGENTS, HOSTS], clock or Clock())


@pytest.mark.parametrize("mode", ["none", "mtls", "either"])
async def test_a_bound_token_is_good_on_a_connection_with_its_certificate(mode: Any) -> None:
    found = certificate()
    await bind(mode)(asked(None, scheme="Bearer", certificate=found), {"cnf": {"x5t#S256": found.thumbprint}})


async def test_a_token_may_be_bound_to_both() -> None:
    found, claims = certificate(), {"cnf": {"jkt": thumbprint(ELLIPTIC), "x5t#S256": certificate().thumbprint}}
    await bind("either")(asked(proof(), certificate=found), claims)


async def test_a_certificate_is_asked_about_on_every_request() -> None:
    """A token that is remembered comes again, on another connection."""
    provider, clock = Provider(), Clock()
    known = Issuers([setup(provider, bind=bind("mtls", clock))], clock, clock, clock.sleep)
    found = certificate()
    token = provider.token(cnf={"x5t#S256": found.thumbprint})
    first = await known(asked(None, token, "Bearer", certificate=found))
    assert await known(asked(None, token, "Bearer", certificate=found)) is first
    for other in (None, certificate("spiffe://example.org/agents/other")):
        with pytest.raises(Unauthenticated, match="mtls_"):
            await known(asked(None, token, "Bearer", certificate=other))


async def test_a_certificate_says_who_calls() -> None:
    found = certificate()
    caller = await holders()(shown(found))
    assert (caller.subject, caller.client, caller.proof) == (found.names[0], found.thumbprint, "mtls:agents")
    assert (caller.roles, caller.teams, caller.expires) == (frozenset({"agent"}), frozenset({"ops"}), found.expires)
    named = {f"subject:{caller.subject}", f"client:{caller.client}", f"issuer:{caller.issuer}"}
    assert caller.tags == {"*", "role:agent", "team:ops", *named}


async def test_the_first_name_that_is_known_counts() -> None:
    several = Certificate("t", ("spiffe://other.org/agents/x", "a.example.org", "b.example.org"), NOW + 9)
    caller = await holders()(shown(several))
    assert (caller.subject, caller.proof) == ("a.example.org", "mtls:hosts")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (shown(None), "no_credential"),
        (shown(certificate(), authorization="Bearer "), "no_credential"),
        (shown(certificate(), authorization="Basic YTpi"), "no_credential"),
        (shown(certificate("spiffe://example.org/agents/a/b")), "mtls_nobody"),
        (shown(certificate("spiffe://evil.org/agents/a")), "mtls_nobody"),
        (shown(Certificate("t", (), NOW + 9)), "mtls_nobody"),
        (shown(certificate(expires=NOW)), "mtls_expired"),
        (shown(Certificate("t", ("a.example.org",))), "mtls_expired"),
        (shown(certificate(), **{"sec-fetch-site": "cross-site"}), "mtls_cross_site"),
        (shown(certificate(), **{"sec-fetch-site": "same-site"}), "mtls_cross_site"),
    ],
)
async def test_a_certificate_that_names_nobody_lets_nobody_in(message: Inbound, reason: str) -> None:
    """No hint: no token came, and clients look for the authorization server only if none is called invalid."""
    with pytest.raises(Unauthenticated) as caught:
        await holders()(message)
    assert (caught.value.detail.partition(":")[0], caught.value.hint) == (reason, "")


async def test_a_certificate_ends_while_its_connection_goes_on() -> None:
    clock = Clock()
    known = holders(clock)
    caller = await known(shown(certificate()))
    assert known.stands(caller)
    clock.now += 600.0
    assert not known.stands(caller)
    with pytest.raises(Unauthenticated, match="mtls_expired"):
        await known(shown(certificate()))


async def test_who_is_configured_away_is_known_no_more() -> None:
    known = holders()
    caller = await known(shown(certificate()))
    known.configure([HOSTS])
    assert not known.stands(caller)
    with pytest.raises(Unauthenticated, match="mtls_nobody"):
        await known(shown(certificate()))


async def test_a_token_says_more_than_the_certificate_of_its_connection() -> None:
    clock, provider = Clock(), Provider()
    known = Identities(
        None,
        Issuers([setup(provider, bind=bind("none", clock))], clock, clock, clock.sleep),
        Failures(clock, EACH, TOTAL),
        holders(clock),
    )
    assert (await known(shown(certificate()))).proof == "mtls:agents"
    token = provider.token()
    assert (await known(asked(None, token, "Bearer", certificate=certificate()))).proof == "jwt:staff"
    with pytest.raises(Unauthenticated, match="credential_unknown"):
        await known(asked(None, "bad", "Bearer", certificate=certificate()))


@pytest.mark.parametrize(
    ("pattern", "fits", "not_"),
    [
        ("spiffe://a.org/x", ["spiffe://a.org/x"], ["spiffe://a.org/xy", "spiffe://a.org/x/y", "spiffe://aXorg/x"]),
        ("spiffe://a.org/*", ["spiffe://a.org/x"], ["spiffe://a.org/", "spiffe://a.org/x/y", "spiffe://a.org"]),
        ("spiffe://a.org/ns/*/sa/crm", ["spiffe://a.org/ns/x/sa/crm"], ["spiffe://a.org/ns/x/sa/y/sa/crm"]),
        ("spiffe://a.org/**", ["spiffe://a.org/x", "spiffe://a.org/x/y"], ["spiffe://a.orgx/y"]),
        ("spiffe://*/x", ["spiffe://a.org/x"], ["spiffe://a.org/b/x"]),
        ("*.A.org", ["x.a.org"], ["x.y.a.org", "a.org", ".a.org", "u@x.a.org", "spiffe://x.a.org"]),
        ("**.a.org", ["x.a.org", "x.y.a.org"], ["u@x.a.org", "spiffe://x.a.org", "a.org"]),
        ("*", ["localhost"], ["x.y", "a@b", "spiffe://x"]),
        ("*@a.org", ["ana@a.org", "ana.b@a.org"], ["ana@a.orgx", "ana@b@a.org", "spiffe://x/@a.org"]),
        ("agent-[0]", ["agent-[0]"], ["agent-0"]),
    ],
)
def test_what_a_pattern_fits(pattern: str, fits: list[str], not_: list[str]) -> None:
    test = fitting(pattern)
    assert [name for name in fits + not_ if test(name)] == fits


@pytest.mark.parametrize("pattern", ["", "a b", "é.org", "a\n", "a" * 513])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(ValueError, match="a pattern of names"):
        fitting(pattern)

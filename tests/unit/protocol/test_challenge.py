"""Challenges and protected-resource metadata."""

from __future__ import annotations

import pytest

from ostiary.protocol.challenge import Protection, audiences, challenge, metadata, reasoned

URL = "https://mcp.example"
OPEN = Protection(URL, ("https://id.example",), ("mcp",), ("ES256",))


def test_a_challenge_names_the_metadata_of_its_endpoint() -> None:
    """RFC 9728 section 5.1; checklist 45."""
    said = challenge(OPEN, "/servers/crm/mcp")
    place = f"{URL}/.well-known/oauth-protected-resource/servers/crm/mcp"
    assert said == f'Bearer resource_metadata="{place}", scope="mcp", DPoP algs="ES256"'
    assert challenge(Protection(URL, ("https://id.example",), ('a"b',)), "/mcp").endswith('protected-resource/mcp"')


def test_more_scopes_than_a_header_has_room_for_are_in_the_metadata_only() -> None:
    many = tuple(f"scope-{number:04d}" for number in range(200))
    crowded = Protection(URL, ("https://id.example",), many)
    assert "scope=" not in challenge(crowded, "/mcp")
    assert metadata(crowded, "/mcp")["scopes_supported"] == list(many)


def test_without_an_issuer_there_is_nothing_to_discover() -> None:
    assert challenge(Protection(URL), "/mcp") == f'Bearer realm="{URL}"'


def test_metadata_names_the_resource_as_clients_use_it() -> None:
    """Checklist 44."""
    assert metadata(OPEN, "/mcp") == {
        "resource": f"{URL}/mcp",
        "authorization_servers": ["https://id.example"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Ostiary",
        "scopes_supported": ["mcp"],
        "dpop_signing_alg_values_supported": ["ES256"],
    }
    assert "scopes_supported" not in metadata(Protection(URL), "")


def test_a_token_may_be_for_the_gateway_or_for_an_endpoint() -> None:
    assert audiences(OPEN, ["/mcp"]) == {URL, f"{URL}/", f"{URL}/mcp"}


META = 'Bearer resource_metadata="https://x/y"'
PROOFS = f'{META}, scope="a b", DPoP algs="ES256 EdDSA"'


@pytest.mark.parametrize(
    ("said", "reason", "expected"),
    [
        ("Bearer", "", "Bearer"),
        ("Bearer", 'error="e"', 'Bearer error="e"'),
        (META, 'error="e"', f'{META}, error="e"'),
        (PROOFS, "", PROOFS),
        (PROOFS, 'error="e"', f'{META}, scope="a b", error="e", DPoP algs="ES256 EdDSA", error="e"'),
        (
            PROOFS,
            'error="e", scope="c"',
            f'{META}, error="e", scope="c", DPoP algs="ES256 EdDSA", error="e", scope="c"',
        ),
    ],
)
def test_each_scheme_of_a_challenge_has_the_reason_and_each_parameter_once(
    said: str, reason: str, expected: str
) -> None:
    """RFC 9110 section 11.2; RFC 9449 section 7.1."""
    assert reasoned(said, reason) == expected


def test_who_must_use_a_nonce_is_told_nothing_else() -> None:
    """RFC 9449 section 9: clients do it over only if that is the one challenge."""
    assert reasoned(PROOFS, 'error="invalid_token"', nonce=True) == (
        'DPoP error="use_dpop_nonce", algs="ES256 EdDSA", resource_metadata="https://x/y"'
    )
    assert reasoned("Bearer", "", nonce=True) == 'DPoP error="use_dpop_nonce"'

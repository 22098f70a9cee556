"""Challenges and protected-resource metadata."""

from __future__ import annotations

from ostiary.protocol.challenge import Protection, audiences, challenge, metadata

URL = "https://mcp.example"
OPEN = Protection(URL, ("https://id.example",), ("mcp",), ("ES256",))


def test_a_challenge_names_the_metadata_of_its_endpoint() -> None:
    """RFC 9728 section 5.1; checklist 45."""
    said = challenge(OPEN, "/servers/crm/mcp")
    assert said == f'Bearer resource_metadata="{URL}/.well-known/oauth-protected-resource/servers/crm/mcp", scope="mcp"'
    assert challenge(Protection(URL, ("https://id.example",), ('a"b',)), "/mcp").endswith('protected-resource/mcp"')


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

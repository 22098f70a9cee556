"""No byte of what a client proves itself with reaches a server, over either transport, in either era.

MCP, "Security best practices", token passthrough: what a caller presents to us is ours alone.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib

import pytest

from tests.security import raw, speech
from tests.security.conftest import INHERITED, OWN_CREDENTIAL, House

pytestmark = pytest.mark.e2e

CARRIED = {
    "Cookie": "session=cookie-of-a-client",
    "X-Api-Key": "api-key-of-a-client",
    "Proxy-Authorization": "Basic proxy-of-a-client",
    "X-Forwarded-Authorization": "Bearer forwarded-of-a-client",
    "X-Amz-Security-Token": "amz-of-a-client",
    "X-Forwarded-For": "203.0.113.77",
    "Forwarded": "for=203.0.113.77;secret=forwarded-for-a-client",
    "User-Agent": "agent-of-a-client/1.0",
    "Referer": "https://referer-of-a-client.example/",
    "Baggage": "baggage-of-a-client=1",
    "Mcp-Param-Anything": "param-of-a-client",
    "X-Custom": "custom-of-a-client",
}
"""What proxies, browsers and clients send along; none of it was meant for a server behind us."""


def told(house: House, token: str, path: str, session: str) -> list[bytes]:
    """Return the requests of one caller at one endpoint, all with everything that can be carried."""
    extra, host = list(CARRIED.items()), house.host
    name = "say" if "views" in path else "echo" if "servers" in path else "echo__echo"
    params = speech.call(name, {"secret": "arrives", "way": "progress"})
    old = speech.session_fields(token, session, "2025-11-25")
    requests = []
    for method, given in (
        ("tools/call", params),
        ("tools/list", {}),
        ("prompts/get", {"name": "greet", "arguments": {"who": "x"}}),
    ):
        body = speech.packed(speech.message("id-of-a-client", method, speech.enveloped(given, "progress-of-a-client")))
        requests.append(speech.request(path, host, [*speech.modern_fields(token, method, given), *extra], body))
        given = {**given, "_meta": {"progressToken": "progress-of-a-client"}}
        body = speech.packed(speech.message("id-of-a-client", method, given))
        requests.append(speech.request(path, host, [*old, *extra], body))
    requests.append(speech.request(path + "?access_token=query-of-a-client", host, [*old, *extra], body))
    return requests


def spellings(secret: str) -> list[bytes]:
    """Return a secret as it is, and as it might be carried in disguise."""
    plain = secret.encode()
    return [
        plain,
        base64.b64encode(plain),
        base64.urlsafe_b64encode(plain).rstrip(b"="),
        plain.hex().encode(),
        hashlib.sha256(plain).hexdigest().encode(),
    ]


async def test_no_byte_of_a_client_s_credentials_reaches_a_server(house: House) -> None:
    secrets = [OWN_CREDENTIAL]
    for token in house.rig.tokens:
        for path in ("/mcp", "/servers/echo/mcp", "/servers/pipes/mcp", "/views/chosen/mcp"):
            hello = await raw.once(house.port, speech.initialize(path, house.host, token, "2025-11-25"))
            session = hello.header("mcp-session-id")
            secrets += [session, token, token.rpartition("_")[2]]
            answers = await asyncio.gather(*(raw.once(house.port, data) for data in told(house, token, path, session)))
            assert any(b"arrives" in said.body for said in answers)
    received = house.received()
    assert b"arrives" in received, "the servers recorded nothing, so this test would prove nothing"
    assert OWN_CREDENTIAL.encode() in received, "the gateway's own credential for a server should have been sent"
    for secret in secrets[1:]:
        for spelling in spellings(secret):
            assert spelling not in received
    for value in (b"-of-a-client", b"203.0.113.77", INHERITED.encode()):
        assert value not in received


async def test_no_answer_and_no_log_line_holds_a_token(house: House) -> None:
    """What is refused is told without being repeated."""
    token = house.token[:-4] + "abcd"
    for path in ("/mcp", "/metrics", "/nowhere"):
        said = await raw.once(house.port, speech.modern(path, house.host, token, "tools/list", {}))
        assert said.status in {401, 429}, "429: this address has brought too many bad credentials"
        assert token.encode() not in said.head + said.body
    log = house.rig.gateway.log.read_text()
    everything = log + "".join(str(record) for record in house.ledger())
    for each in (*house.rig.tokens, token, OWN_CREDENTIAL):
        assert each not in everything

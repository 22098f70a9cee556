"""No byte of what a client proves itself with reaches a server, over any transport, in either era.

MCP, "Security best practices", token passthrough: what a caller presents to us is ours alone. What a client writes into
the message itself, its arguments or a `_meta` of its own, is what it says to the server, and arrives.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Iterator

import httpx2
import pytest

from tests.e2e import planted
from tests.e2e.planted import Secret, Sieve
from tests.e2e.searched import RUN
from tests.security import raw, speech
from tests.security.conftest import INHERITED, OWN_CREDENTIAL, House
from tests.security.crossing import CALLERS, OWN, SERVERS, Crossing, answer, call, crossing

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


# Callers of every kind, at servers of every kind


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crossing]:
    with crossing(tmp_path_factory.mktemp("wire")) as running:
        yield running


def carried(session: str = "") -> dict[str, str]:
    """Return what goes along with every request."""
    return CARRIED | {"X-Session": f"{session or 'none'}-of-a-client", "Authorization-Info": "info-of-a-client"}


def modern(wire: Crossing, http: httpx2.Client, given: dict[str, str], method: str, params: speech.Json) -> speech.Json:
    """Make a request of the modern era, with a name and a token for progress that are the client's own."""
    info = {speech.META + "clientInfo": {"name": "info-of-a-client", "version": "1"}}
    about = {**speech.ENVELOPE, **info, "progressToken": "progress-of-a-client"}
    body = speech.message("id-of-a-client", method, {**params, "_meta": about})
    fields = dict(speech.modern_fields("", method, params)) | given | carried()
    return answer(http.post(wire.url + "?access_token=query-of-a-client", json=body, headers=fields))


def handshake(
    wire: Crossing, http: httpx2.Client, given: dict[str, str], session: str, body: speech.Json
) -> httpx2.Response:
    """Make a request within a session, or the one that opens it."""
    fields = dict(speech.session_fields("", session, "2025-11-25") if session else speech.common(""))
    return http.post(wire.url, json=body, headers=fields | given | carried(session))


@pytest.mark.parametrize("caller", CALLERS)
def test_whoever_calls_and_however_no_server_hears_what_proved_it(wire: Crossing, caller: str) -> None:
    """Issue 4, must show 4: a token of ours, one of an issuer, one bound to a key, a certificate."""
    given, mark = wire.credentials(caller), f"arrives-from-{caller}"
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "info-of-a-client", "version": "1"},
    }
    with httpx2.Client(verify=wire.trust, trust_env=False, timeout=30) as http:
        opened = handshake(wire, http, given(), "", speech.message(1, "initialize", hello))
        session = opened.headers["mcp-session-id"]
        handshake(wire, http, given(), session, speech.message(None, "notifications/initialized", {}))
        for server in SERVERS:
            params = call(server, mark)
            for _ in range(3):
                assert "result" in modern(wire, http, given(), "tools/call", params)
            body = speech.message(
                "id-of-a-client", "tools/call", {**params, "_meta": {"progressToken": "t-of-a-client"}}
            )
            assert "result" in answer(handshake(wire, http, given(), session, body))
        for method in ("tools/list", "prompts/list", "resources/list"):
            assert "result" in modern(wire, http, given(), method, {})
        http.delete(wire.url, headers=dict(speech.session_fields("", session, "2025-11-25")) | given())
    for server in SERVERS:
        received = wire.received(server)
        assert received.count(mark.encode()) >= 4, f"{server} recorded nothing, so this test would prove nothing"
        assert (OWN.encode() in received) is (server != "pipes")
        assert Sieve(presented(wire)).found(received) == []
        assert b"-of-a-client" not in received


def presented(wire: Crossing) -> list[Secret]:
    """Return everything that clients have proved themselves with so far, and what went along with it."""
    along = [planted.secret("configured secret", name, value) for name, value in CARRIED.items()]
    shown = [each for each in RUN.planted() if each.kind != "server credential"]
    assert {"static token", "access token", "session"} & {each.kind for each in shown}
    return [*shown, *wire.names(), *(each for each in along if each is not None)]


# The credential itself, where nobody expects it

UNUSUAL = {
    "Cookie": "token={}", "X-Api-Key": "{}", "Proxy-Authorization": "Bearer {}", "X-Forwarded-Authorization": "Bearer {}",
    "Mcp-Session-Id": "{}", "Last-Event-Id": "{}", "Mcp-Method": "{}", "Mcp-Name": "{}", "Mcp-Param-Token": "{}",
    "MCP-Protocol-Version": "{}", "Origin": "https://{}.example", "Referer": "https://a.example/?token={}",
    "User-Agent": "{}", "Content-Type": "application/json; token={}", "Accept": "application/json; token={}",
    "X-Forwarded-For": "{}", "Forwarded": "for={}", "Traceparent": "00-{}-01", "Tracestate": "a={}", "Baggage": "a={}",
    "DPoP": "{}", "Authorization": "Token {}", "X-Forwarded-Host": "{}", "Sec-Fetch-Site": "{}", "Expect": "{}",
}  # fmt: skip
ADDRESSES = ("/mcp?access_token={}", "/mcp?token={}#{}", "/mcp/{}", "/servers/{}/mcp", "/views/{}/mcp", "/{}", "/console/{}",
             "/.well-known/oauth-protected-resource/{}", "/health/live?{}", "/metrics?token={}")  # fmt: skip


@pytest.mark.parametrize("proven", [True, False])
async def test_a_token_in_an_unusual_place_is_passed_on_and_told_nowhere(house: House, proven: bool) -> None:
    """An answer that refuses it, the log and the ledger say what was wrong without saying it."""
    token = house.rig.tokens[1]
    RUN.plant("static token", "the second caller's", token)
    params = speech.call("echo__echo", {"secret": "arrives", "way": "json"})
    body = speech.packed(speech.message(1, "tools/call", speech.enveloped(params)))
    usual = dict(speech.modern_fields(house.token if proven else "", "tools/call", params))
    places = [(name, "/mcp", usual | {name: value.format(token)}) for name, value in UNUSUAL.items()]
    places += [(address, address.format(token, token), usual) for address in ADDRESSES]
    statuses = set[int]()
    for where, path, fields in places:
        for verb in ("POST", "GET", "DELETE"):
            said = await raw.once(house.port, speech.request(path, house.host, fields.items(), body, verb))
            RUN.heard("answer", f"to {verb}, the token in {where}", said.head + b"\n" + said.body)
            statuses.add(said.status)
    assert {400, 401, 403, 404} & statuses
    assert max(statuses) < 500, statuses
    assert not Sieve(each for each in RUN.planted() if each.kind == "static token").found(house.received())
    assert RUN.findings() == []

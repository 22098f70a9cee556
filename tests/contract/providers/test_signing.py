"""Keys that are more than a header: requests that are signed, and tokens that are obtained first, over real sockets."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from ostiary.core.screening import Block, Note, Pass
from tests.contract.providers import cases_bedrock, cases_google
from tests.contract.providers.house import Heard, Reply, asking, payload, result, serving

ACCESS, SECRET, SESSION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session+/token=="
ARN = "arn:aws:bedrock:eu-central-1:111122223333:guardrail/gr0abc1"
PAIR = RSAKey.generate_key(2048)

pytestmark = pytest.mark.timeout(60)


def verified(heard: Heard, secret: str) -> bool:
    """Verify a signature by what came over the wire, as AWS describes it; nothing of ours is used for it."""
    algorithm, _, rest = heard.headers["authorization"].partition(" ")
    said = dict(part.strip().split("=", 1) for part in rest.split(","))
    access, day, region, service, end = said["Credential"].split("/")
    names = said["SignedHeaders"].split(";")
    assert (algorithm, access, end) == ("AWS4-HMAC-SHA256", ACCESS, "aws4_request")
    assert {"host", "x-amz-date"} <= set(names)
    path, _, query = heard.path.partition("?")
    lines = [heard.method, quote(path, safe="/-_.~"), query, *(f"{name}:{heard.headers[name]}" for name in names), ""]
    canonical = "\n".join([*lines, ";".join(names), hashlib.sha256(heard.body).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, end):
        key = hmac.new(key, part.encode(), "sha256").digest()
    scope = f"{day}/{region}/{service}/{end}"
    string = "\n".join([algorithm, heard.headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    return hmac.compare_digest(hmac.new(key, string.encode(), "sha256").hexdigest(), said["Signature"])


def signing(secret: str = SECRET) -> Any:
    def answer(heard: Heard) -> Reply:
        if not verified(heard, secret):
            return Reply({"message": "The request signature we calculated does not match"}, 403)
        return cases_bedrock.answer(heard)

    return answer


@pytest.mark.parametrize("profile", ["gr0abc1", ARN])
@pytest.mark.parametrize("session", ["", SESSION])
async def test_a_signature_is_good_for_what_arrives(profile: str, session: str) -> None:
    keys = {"key": "env:KEY", "profile": profile, "version": "7", "region": "eu-central-1"}
    key = f"{ACCESS}:{SECRET}{':' if session else ''}{session}"
    async with (
        serving(signing()) as house,
        asking("bedrock-guardrails", house.url, keys, key=lambda: key) as guard,
    ):
        assert await guard(payload(result("hello", "wörds"))) == Pass()
    (heard,) = house.heard
    assert heard.headers.get("x-amz-security-token", "") == session
    assert SECRET not in json.dumps(dict(heard.headers))


async def test_a_signature_that_is_not_accepted_is_no_pass() -> None:
    keys = {"key": "env:KEY", "profile": "gr0abc1", "version": "7", "region": "eu-central-1"}
    async with (
        serving(signing("another")) as house,
        asking("bedrock-guardrails", house.url, keys, key=lambda: f"{ACCESS}:{SECRET}") as guard,
    ):
        said = await guard(payload(result("hello")))
    assert isinstance(said, Block)
    assert "bedrock:ApplyGuardrail" in said.finding
    assert SECRET not in said.finding


class Google:
    """A token endpoint and Model Armor in one server: the tokens of the one open the other."""

    def __init__(self) -> None:
        self.granted: list[str] = []
        self.refuses = False
        self.life = 3600

    def __call__(self, heard: Heard) -> Reply:
        if heard.path == "/token":
            return self._token(heard)
        token = heard.headers["authorization"].removeprefix("Bearer ")
        if not self.granted or token != self.granted[-1]:
            return Reply({"error": {"code": 401, "status": "UNAUTHENTICATED"}}, 401)
        return cases_google.answer()

    def _token(self, heard: Heard) -> Reply:
        assert heard.headers["content-type"] == "application/x-www-form-urlencoded"
        form = parse_qs(heard.body.decode(), strict_parsing=True)
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        claims = jwt.decode(form["assertion"][0], PAIR, algorithms=["RS256"]).claims
        assert claims["aud"].endswith("/token")
        assert claims["exp"] - claims["iat"] <= 3600
        if self.refuses:
            return Reply({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
        self.granted.append(f"ya29.{len(self.granted)}")
        return Reply({"access_token": self.granted[-1], "expires_in": self.life, "token_type": "Bearer"})


def account(url: str) -> str:
    return json.dumps({
        "type": "service_account", "project_id": "ours", "private_key_id": "kid-1",
        "private_key": PAIR.as_pem(private=True).decode(), "client_email": "guard@ours.iam.gserviceaccount.com",
        "token_uri": f"{url}/token",
    })  # fmt: skip


KEYS = {"key": "env:KEY", "profile": cases_google.TEMPLATE}


def paths(house: Any) -> list[str]:
    return [heard.path.rpartition(":")[2] for heard in house.heard]


async def test_a_token_is_obtained_once_and_used_for_what_follows() -> None:
    async with (
        serving(Google()) as house,
        asking("model-armor", house.url, KEYS, key=lambda: account(house.url)) as guard,
    ):
        for count in range(3):
            assert await guard(payload(result(f"hello {count}"))) == Pass()
    assert paths(house) == ["/token", *["sanitizeUserPrompt"] * 3]


async def test_a_token_that_was_taken_back_is_replaced() -> None:
    google = Google()
    async with (
        serving(google) as house,
        asking("model-armor", house.url, KEYS, key=lambda: account(house.url)) as guard,
    ):
        assert await guard(payload(result("one"))) == Pass()
        google.granted.append("taken back")
        assert isinstance(await guard(payload(result("two"))), Block)
        assert await guard(payload(result("three"))) == Pass()


@pytest.mark.parametrize(("opened", "kind"), [(False, Block), (True, Note)])
async def test_without_a_token_nobody_looks(opened: bool, kind: type[Any]) -> None:
    google = Google()
    google.refuses = True
    async with (
        serving(google) as house,
        asking("model-armor", house.url, KEYS, key=lambda: account(house.url), unsafe_open=opened) as guard,
    ):
        said = await guard(payload(result("hello")))
    assert isinstance(said, kind)
    assert "service account" in said.finding
    assert paths(house) == ["/token"]

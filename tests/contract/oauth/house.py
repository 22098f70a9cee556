"""An authorization server in front of a login that is only a cookie, an internet that is only a table, and a browser."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request

from ostiary.adapters.oauth.keys import Keyring
from ostiary.adapters.oauth.routes import routes
from ostiary.adapters.oauth.setting import Setting, configured, service
from ostiary.adapters.store import database
from ostiary.adapters.store.keys import Sealer
from ostiary.adapters.store.oauth import OAuth
from ostiary.core.errors import Unreachable

URL = "https://mcp.example.com"
RESOURCE = f"{URL}/mcp"
OTHER = f"{URL}/servers/crm/mcp"
CALLBACK = "https://client.example/callback"
LOOPBACK = "http://127.0.0.1:3000/cb"
DOCUMENT = "https://app.example/oauth/client.json"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
NOW = 1_800_000_000.0
KEY = ECKey.generate_key("P-256", {"kid": "one"}, private=True)
SECRET = "s3cret-of-the-configured"


class Person(Struct, frozen=True):
    subject: str
    issuer: str = "https://id.example.com"
    roles: frozenset[str] = frozenset({"developer"})
    teams: frozenset[str] = frozenset({"eng"})
    claims: Mapping[str, Any] = {}


class Answer(Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Time:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Internet:
    """Holds what lies at which address, and which of them were asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer] = {}
        self.asked: list[str] = []

    def put(self, url: str, content: Any, status: int = 200, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        told = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        self.pages[url] = Answer(status, told, body)

    async def __call__(self, method: str, url: str, /, *, deadline: float, headers: Mapping[str, str] = {}) -> Answer:
        self.asked.append(url)
        if url not in self.pages:
            raise Unreachable("nobody is there")
        return self.pages[url]


class Failures:
    def __init__(self) -> None:
        self.count = 0

    def wait(self, peer: str) -> float:
        return 30.0 if self.count >= 5 else 0.0

    def add(self, peer: str) -> None:
        self.count += 1


async def signed_in(request: Request) -> Person | None:
    who = request.cookies.get("who")
    return Person(who) if who else None


def known() -> dict[str, Any]:
    return {
        "portal": configured("portal", (CALLBACK,), "The Portal", SECRET),
        "tool": configured("tool", (LOOPBACK,), "A Tool"),
        "nightly": service("nightly", ("tools:read", "tools:write"), ("robot",), (), secret="n1ghtly"),
        "signer": service("signer", ("tools:read",), jwks={"keys": [KEY.as_dict(private=False)]}),
    }


class House:
    """A running authorization server and what is around it."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.time, self.internet, self.failures = Time(), Internet(), Failures()
        self.engine = database.opened(folder)
        self.storage = OAuth(self.engine)
        self.seal = Sealer(b"k" * 32)
        self.keys = Keyring(folder, self.seal, self.time)
        self.revocations = 0
        told: dict[str, Any] = {
            "issuer": URL, "resources": lambda: frozenset({RESOURCE, OTHER}),
            "scopes": lambda: {"tools:read": "look at what tools say", "tools:write": "change things"},
            "minimum": lambda: ("tools:read",),
            "storage": self.storage, "keys": self.keys, "seal": self.seal, "fetch": self.internet,
            "signed_in": signed_in, "login_url": lambda back: f"/login?next={quote(back, safe='')}",
            "attempts": self.failures, "time": self.time, "clock": self.time, "known": known, "revoked": self._revoked,
        }  # fmt: skip
        self.setting = Setting(**{**told, **more})
        self.app = Starlette(routes=routes(self.setting))

    def _revoked(self) -> None:
        self.revocations += 1

    def browser(self, who: str = "ann") -> httpx2.AsyncClient:
        """Return a browser in which this person is signed in; nobody, where the name is empty."""
        transport = httpx2.ASGITransport(app=self.app, client=("192.0.2.1", 1))
        cookies = {"who": who} if who else {}
        return httpx2.AsyncClient(transport=transport, base_url=URL, cookies=cookies)

    async def post(self, path: str, data: Any, **more: Any) -> httpx2.Response:
        async with self.browser("") as client:
            return await client.post(path, data=data, **more)

    async def token(self, **fields: Any) -> httpx2.Response:
        auth = fields.pop("auth", None)
        return await self.post("/token", fields, **({"auth": auth} if auth else {}))

    async def register(self, **fields: Any) -> httpx2.Response:
        async with self.browser("") as client:
            return await client.post("/register", json={**REGISTRATION, **fields})

    async def registered(self, **fields: Any) -> str:
        response = await self.register(**fields)
        assert response.status_code == 201, response.text
        return str(response.json()["client_id"])

    async def code(self, client: str, who: str = "ann", **fields: str) -> str:
        """Return the code that a client gets when a person allows what it asks for."""
        async with self.browser(who) as browser:
            return str((await allowed(browser, **query(client, **fields)))["code"])

    async def tokens(self, client: str, **fields: str) -> dict[str, Any]:
        redirect = fields.get("redirect_uri", LOOPBACK)
        response = await self.token(**exchange(client, await self.code(client, **fields), redirect_uri=redirect))
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    async def refreshed(self, client: str, token: str, **fields: str) -> httpx2.Response:
        return await self.token(grant_type="refresh_token", client_id=client, refresh_token=token, **fields)

    async def claims(self, token: str) -> dict[str, Any]:
        """Return what a token says, verified with the keys that are shown."""
        async with self.browser("") as client:
            keys = KeySet.import_key_set((await client.get("/.well-known/jwks.json")).json())
        return dict(jwt.decode(token, keys, algorithms=["ES256"]).claims)


REGISTRATION = {
    "client_name": "Reader", "redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
}  # fmt: skip


def query(client: str, **fields: str) -> dict[str, str]:
    """Return a good authorization request, with what is said instead; a field without a value is left out."""
    found = {
        "response_type": "code", "client_id": client, "redirect_uri": LOOPBACK, "code_challenge": CHALLENGE,
        "code_challenge_method": "S256", "state": "st&te", "resource": RESOURCE, "scope": "tools:read",
    }  # fmt: skip
    return {name: value for name, value in {**found, **fields}.items() if value}


def exchange(client: str, code: str, **fields: str) -> dict[str, str]:
    found = {
        "grant_type": "authorization_code", "client_id": client, "code": code, "redirect_uri": LOOPBACK,
        "code_verifier": VERIFIER, "resource": RESOURCE,
    }  # fmt: skip
    return {name: value for name, value in {**found, **fields}.items() if value}


def ticket(page: str) -> str:
    found = re.search(r'name="ticket" value="([^"]+)"', page)
    assert found, page
    return html.unescape(found[1])


async def allowed(browser: httpx2.AsyncClient, /, **asked: str) -> dict[str, str]:
    """Ask, agree if asked back, and return what the client hears."""
    response = await browser.get("/authorize", params=asked)
    if response.status_code == 200:
        response = await decide(browser, response.text)
    assert response.status_code == 303, response.text
    return heard(response)


async def decide(browser: httpx2.AsyncClient, page: str, decision: str = "allow", **headers: str) -> httpx2.Response:
    sent = {"origin": URL, "sec-fetch-site": "same-origin", **{k.replace("_", "-"): v for k, v in headers.items()}}
    form = {"ticket": ticket(page), "decision": decision}
    return await browser.post("/authorize/decision", data=form, headers={k: v for k, v in sent.items() if v})


def heard(response: httpx2.Response) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}

"""A provider that is only functions, a browser that is only a jar, and the login pages between them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from starlette.applications import Starlette

from ostiary.adapters.identity import jwt
from ostiary.adapters.identity.jwks import key_set
from ostiary.adapters.identity.outbound import Fetched
from ostiary.adapters.login.pages import routes
from ostiary.adapters.login.ports import Client, Provider
from ostiary.adapters.login.relying import challenge
from ostiary.adapters.login.sessions import Sessions
from ostiary.adapters.login.setting import Setting
from ostiary.adapters.store import database
from ostiary.adapters.store.keys import Sealer
from ostiary.adapters.store.logins import Logins
from ostiary.core.errors import Unreachable
from ostiary.core.model import Json
from ostiary.policy.claims import Reading, Source
from tests.contract.identity.provider import NOW, made, public, signed

URL = "https://mcp.example.com"
ISSUER = "https://id.example.com"
OTHER = "https://other.example.net"
SECRET = "planted-client-secret"


class Directory:
    """Implements `Fetch`, and knows which code was given for which question."""

    def __init__(self, issuer: str = ISSUER) -> None:
        self.issuer, self.down, self.status = issuer, False, 200
        self.metadata: dict[str, Any] = {
            "issuer": issuer, "authorization_endpoint": f"{issuer}/auth", "token_endpoint": f"{issuer}/token",
            "end_session_endpoint": f"{issuer}/end", "authorization_response_iss_parameter_supported": True,
        }  # fmt: skip
        self.changed: dict[str, Any] = {}
        self.said: dict[str, Any] | None = None
        self.asked: list[tuple[str, Any, Any]] = []
        self.codes: dict[str, dict[str, str]] = {}

    async def __call__(self, method: str, url: str, /, *, deadline: float, headers: Any = None, form: Any = None, basic: Any = None) -> Fetched:  # fmt: skip
        self.asked.append((url, form, basic))
        if self.down:
            raise Unreachable("the provider is away")
        if self.said is not None:
            return Fetched(self.status, {}, json.dumps(self.said).encode())
        asked = self.codes.pop(form["code"], None)
        if asked is None or challenge(form["code_verifier"]) != asked["code_challenge"]:
            return Fetched(400, {}, b'{"error": "invalid_grant", "error_description": "planted words"}')
        return Fetched(200, {}, json.dumps({"id_token": self.token(nonce=asked["nonce"])}).encode())

    def signs_in(self, away: str, **changed: str) -> str:
        """Return the way back of somebody who signed in after being sent away to this address."""
        asked = dict(parse_qsl(urlsplit(away).query))
        code = f"code-{len(self.codes)}-{asked['state'][:8]}"
        self.codes[code] = asked
        said = {"code": code, "state": asked["state"], "iss": self.issuer} | changed
        return f"/login/callback?{urlencode({name: value for name, value in said.items() if value})}"

    def token(self, **more: Any) -> str:
        claims = {
            "iss": self.issuer, "sub": "ana", "aud": "gateway", "exp": NOW + 300, "iat": NOW - 1, "sid": "s1",
            "groups": ["eng"], **more, **self.changed,
        }  # fmt: skip
        return signed(made(), {name: value for name, value in claims.items() if value is not None})

    async def verify(self, text: str) -> Json:
        token = jwt.read(text)
        expected = jwt.Expected(self.issuer, frozenset({"gateway"}), id_tokens=True)
        jwt.permitted(token, expected)
        jwt.judge(token.claims, expected, NOW)
        return await self.signed(text)

    async def signed(self, text: str) -> Json:
        if self.down:
            raise Unreachable("the provider is away")
        token, keys = jwt.read(text), key_set({"keys": [public(made())]})
        jwt.keyed(token, keys)
        jwt.proven(token, keys)
        return token.claims

    async def document(self) -> Json:
        return self.metadata

    def provider(self, name: str = "staff", secret: str = SECRET) -> Provider:
        reading = Reading(self.issuer, roles=Source("groups", {"eng": "developer"}))
        client = Client("gateway", secret)
        return Provider(name, self.issuer, client, reading, self.document, self, self.verify, self.signed)


class Said:
    """An answer."""

    def __init__(self, messages: list[Any]) -> None:
        self.status: int = messages[0]["status"]
        self.headers = [(name.decode(), value.decode()) for name, value in messages[0]["headers"]]
        self.text = b"".join(message.get("body", b"") for message in messages[1:]).decode()

    def __getitem__(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    @property
    def state(self) -> str:
        return parse_qs(urlsplit(self["location"]).query)["state"][0]


class Stage:
    """One gateway's pages, over a real database."""

    def __init__(self, folder: Path, *directories: Directory, url: str = URL, secret: str = SECRET) -> None:
        self.now, self.notes = NOW, list[tuple[str, Any]]()
        self.directories = directories or (Directory(),)
        names = ["staff", "guests"]
        found = {name: each.provider(name, secret) for name, each in zip(names, self.directories, strict=False)}
        self.logins = Logins(database.opened(folder))
        self.setting = Setting(
            url, found, Sessions(self.logins, self.time), Sealer(b"s" * 32), b"k" * 32, self.time,
            note=lambda event, fields: self.notes.append((event, fields)),
        )  # fmt: skip
        self.app = Starlette(routes=list(routes(self.setting)))
        self.host = url.partition("://")[2]

    def time(self) -> float:
        return self.now

    def reasons(self) -> list[str]:
        return [fields["reason"] for event, fields in self.notes if event == "login_refused"]


class Browser:
    """Keeps cookies, and says where it comes from."""

    def __init__(self, stage: Stage, **cookies: str) -> None:
        self.stage, self.cookies = stage, dict(cookies)

    async def get(self, path: str) -> Said:
        return await self.send("GET", path)

    async def post(self, path: str, form: Mapping[str, str], **headers: str) -> Said:
        own = {"origin": self.stage.setting.origin, "sec-fetch-site": "same-origin"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.send("POST", path, urlencode(form).encode(), own | given)

    async def send(self, verb: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Said:
        place, _, query = path.partition("?")
        fields = {"host": self.stage.host, "content-type": "application/x-www-form-urlencoded"} | dict(headers or {})
        if self.cookies and "cookie" not in fields:
            fields["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        scope = {
            "type": "http", "method": verb, "path": place, "raw_path": place.encode(), "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in fields.items() if value],
            "scheme": "https", "http_version": "1.1", "server": ("127.0.0.1", 443), "client": ("127.0.0.1", 5),
        }  # fmt: skip
        messages: list[Any] = []
        parts = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            return parts.pop() if parts else await asyncio.Future()

        async def send(message: Any) -> None:
            messages.append(message)

        await self.stage.app(scope, receive, send)
        said = Said(messages)
        self._keep(said)
        return said

    def _keep(self, said: Said) -> None:
        for name, value in said.headers:
            if name == "set-cookie":
                for key, morsel in SimpleCookie(value).items():
                    self.cookies.pop(key, None)
                    if morsel["max-age"] != "0":
                        self.cookies[key] = morsel.value

    async def signs_in(self, number: int = 0) -> Said:
        """Go all the way."""
        away = await self.get("/login" if len(self.stage.directories) == 1 else "/login?with=staff")
        return await self.get(self.stage.directories[number].signs_in(away["location"]))

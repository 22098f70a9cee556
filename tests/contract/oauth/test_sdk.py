"""The official SDK's client logs in with nothing but the URL, by registering itself and by a document."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.oauth2 import TokenStorage
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ostiary.adapters.oauth.routes import routes
from tests.contract.oauth.house import DOCUMENT, LOOPBACK, RESOURCE, URL, House, allowed

PLACE = "/.well-known/oauth-protected-resource/mcp"


class Kept(TokenStorage):
    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.info: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.info

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.info = client_info


async def endpoint(request: Request) -> Response:
    if "authorization" in request.headers:
        return JSONResponse({"token": request.headers["authorization"].removeprefix("Bearer ")})
    said = f'Bearer resource_metadata="{URL}{PLACE}", scope="tools:read"'
    return Response(b"", 401, {"www-authenticate": said})


async def protection(_: Request) -> Response:
    return JSONResponse({"resource": RESOURCE, "authorization_servers": [URL], "scopes_supported": ["tools:read"]})


@pytest.mark.parametrize("document", [None, DOCUMENT])
async def test_the_official_client_logs_in(tmp_path: Path, document: str | None) -> None:
    house = House(tmp_path)
    house.internet.put(DOCUMENT, {"client_id": DOCUMENT, "client_name": "SDK", "redirect_uris": [LOOPBACK]})
    house.app = Starlette(
        routes=[Route("/mcp", endpoint, methods=["POST"]), Route(PLACE, protection), *routes(house.setting)]
    )
    heard: dict[str, str] = {}

    async def sent(url: str) -> None:
        async with house.browser() as browser:
            heard.update(await allowed(browser, **dict(parse_qsl(urlsplit(url).query))))

    async def back() -> AuthorizationCodeResult:
        return AuthorizationCodeResult(code=heard["code"], state=heard["state"], iss=heard["iss"])

    metadata: Any = {"client_name": "SDK", "redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "none"}
    auth = OAuthClientProvider(
        RESOURCE, OAuthClientMetadata(**metadata), Kept(), sent, back, client_metadata_url=document
    )
    transport = httpx2.ASGITransport(app=house.app, client=("192.0.2.1", 1))
    async with httpx2.AsyncClient(transport=transport, base_url=URL, auth=auth) as client:
        answer = (await client.post("/mcp")).json()
    claims = await house.claims(answer["token"])
    assert (claims["sub"], claims["aud"], claims["scope"]) == ("ann", RESOURCE, "tools:read")
    assert claims["client_id"].startswith(document or "dcr_")

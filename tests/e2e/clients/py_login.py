"""Log in with the Python SDK's client, with nothing but the URL, and print one JSON document of what it then saw.

python py_login.py URL [DOCUMENT]       DOCUMENT: the address of its client ID metadata document; else it registers
Says `open: ADDRESS` when a person is needed, and hears of the answer on a loopback port.
"""

import asyncio
import sys
from urllib.parse import parse_qs, urlsplit

import document
import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.oauth2 import TokenStorage
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from py_sdk import seen


class Kept(TokenStorage):
    """Tokens in memory."""

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


async def asked(url: str) -> None:
    """Ask for a person."""
    sys.stdout.write(f"open: {url}\n")
    sys.stdout.flush()


async def main() -> None:
    """Log in, list, and print."""
    url, where = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        if "code=" in line or "error=" in line:
            heard.set_result(line)
        body = b"Back at the program."
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answered, "127.0.0.1", 0)
    back = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callback"

    async def result() -> AuthorizationCodeResult:
        found = parse_qs(urlsplit(await heard).query)
        return AuthorizationCodeResult(code=found["code"][0], state=found["state"][0], iss=found.get("iss", [None])[0])

    metadata = OAuthClientMetadata.model_validate(
        {"client_name": "Python SDK", "redirect_uris": [back], "token_endpoint_auth_method": "none"}
    )
    kept = Kept()
    auth = OAuthClientProvider(url, metadata, kept, asked, result, client_metadata_url=where)
    async with (
        httpx2.AsyncClient(auth=auth, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode="auto") as client,
    ):
        saw = await seen(client, [])
    document.show({**saw, "client": kept.info.client_id if kept.info else ""})


if __name__ == "__main__":
    asyncio.run(main())

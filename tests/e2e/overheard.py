"""What the clients of the tests say and hear: their credentials are planted, and what a gateway answers is kept.

Whatever a client proves itself with is a secret from then on, and so is whatever an answer hands out for that purpose.
Handing it out is an answer's job only there: in `Set-Cookie`, in `Mcp-Session-Id`, in the code of a redirect, in the
JSON of a token or registration endpoint, and in what the two pages of `OWN` say. All this is cut out before an answer is
searched.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import http.client
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import count
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.e2e.searched import RUN

Fields = Iterable[tuple[str, str]]

FORM: Final = {
    "access_token": "access token",
    "token": "access token",
    "refresh_token": "refresh token",
    "subject_token": "identity token",
    "actor_token": "identity token",
    "id_token": "identity token",
    "logout_token": "logout token",
    "assertion": "assertion",
    "client_assertion": "assertion",
    "client_secret": "issued client secret",
    "registration_access_token": "access token",
    "code": "authorization code",
    "code_verifier": "code verifier",
    "password": "password",
}
"""What is secret in forms and in the JSON that answers them."""
HANDS_OUT: Final = ("/token", "/register", "/request")
"""How the paths of endpoints end that hand out what they make."""
LINK: Final = "/bootstrap/"
OWN: Final = {
    # OpenID Connect RP-Initiated Logout 1.0 section 2: the person's browser brings it back to who issued it.
    "/logout": re.compile(rb'id_token_hint=[^&"\s]*'),
    # Whoever sees this page has come by the link that its form leads to.
    f"{LINK}…": re.compile(rb'action="/bootstrap/[^"]*"'),
}
"""What belongs into one page's answer, and into no other's."""
OURS: Final = re.compile(r"ost_[\w-]{43}_[0-9a-f]{8}")
_MOST: Final = 4 * 2**20
_numbers = count(1)


def _plant(kind: str, where: str, value: str) -> None:
    RUN.plant(kind, f"{where} (number {next(_numbers)})", value)


def asked(path: str, headers: Fields, body: bytes = b"") -> None:
    """Plant what a request proves itself with."""
    bare = _named(path)
    for name, value in headers:
        match name.lower():
            case "authorization":
                _authorization(f"sent to {bare}", value)
            case "dpop":
                _plant("proof", f"sent to {bare}", value)
            case "mcp-session-id":
                _plant("session", f"sent to {bare}", value)
            case "cookie":
                for pair in value.split(";"):
                    _plant("cookie", f"{pair.partition('=')[0].strip()} sent to {bare}", pair.partition("=")[2])
            case "content-type" if "form-urlencoded" in value:
                _form(f"sent to {bare}", body.decode(errors="replace"))
    _form(f"in the address of {bare}", urlsplit(path).query)


def _named(path: str) -> str:
    """Return what a report may call a path; the one of a bootstrap link is itself a secret."""
    bare = path.partition("?")[0]
    if not bare.startswith(LINK):
        return bare
    _plant("bootstrap link", "used by the test", bare.removeprefix(LINK))
    return f"{LINK}…"


def _authorization(where: str, value: str) -> None:
    scheme, _, credential = value.partition(" ")
    if scheme.lower() != "basic":
        _plant("static token" if OURS.fullmatch(credential) else "access token", where, credential)
        return
    try:
        pair = base64.b64decode(credential, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return
    _plant("client secret", where, pair.partition(":")[2])


def _form(where: str, text: str) -> None:
    for name, values in parse_qs(text).items() if len(text) < _MOST else ():
        for value in values if name in FORM else ():
            _plant(FORM[name], where, value)


def answered(port: int, path: str, headers: Fields, body: bytes) -> None:
    """Plant what an answer hands out, and keep the rest of it if a gateway said it."""
    bare, kept = _named(path), []
    for name, value in headers:
        kept.append(f"{name}: {_handed_out(name.lower(), value, bare)}")
    rest = _given(bare, body)
    # What begins with /test/ is a test's own way to an application of its own.
    if RUN.ours(port) and not bare.startswith("/test/"):
        said = "\n".join([*kept, ""]).encode() + rest
        if bare in OWN:
            said = OWN[bare].sub(b"", said)
        RUN.heard("answer", f"to {bare}", said)


def _handed_out(name: str, value: str, path: str) -> str:
    if name == "set-cookie":
        pair, _, more = value.partition(";")
        _plant("cookie", f"{pair.partition('=')[0]} set by {path}", pair.partition("=")[2])
        return more
    if name == "mcp-session-id":
        _plant("session", f"given by {path}", value)
        return ""
    if name == "location":
        _form(f"given by {path}", urlsplit(value).query)
        return re.sub(r"([?&]code=)[^&]*", r"\1", value)
    return value


def _given(path: str, body: bytes) -> bytes:
    if not path.endswith(HANDS_OUT):
        return body
    try:
        said = json.loads(body)
    except ValueError:
        return body
    for name in FORM.keys() & (said if isinstance(said, dict) else {}):
        if isinstance(said[name], str):
            _plant(FORM[name], f"given by {path}", said.pop(name))
    return json.dumps(said).encode()


def printed(words: tuple[str, ...], text: str) -> None:
    """Keep what a command printed; one that makes a token shows that token, once."""
    if words[:1] == ("token",) and words[1:2] in {("create",), ("rotate",)}:
        for number, token in enumerate(OURS.findall(text), 1):
            RUN.plant("static token", f"number {number} of `ostiary {' '.join(words)}`", token)
        text = OURS.sub("", text)
    RUN.heard("printed", f"by `ostiary {' '.join(words)}`", text.encode())


# Clients that run in the tests' own process


def listen(patch: pytest.MonkeyPatch) -> None:
    """Overhear `http.client` (and with it urllib) and httpx2 from now on."""
    _urllib(patch)
    blocking, unblocking = httpx2.HTTPTransport.handle_request, httpx2.AsyncHTTPTransport.handle_async_request

    def handle(self: Any, request: Any) -> Any:
        _requested(request)
        response = blocking(self, request)
        response.stream = _Blocking(response, request.url)
        return response

    async def handle_async(self: Any, request: Any) -> Any:
        _requested(request)
        response = await unblocking(self, request)
        response.stream = _Unblocking(response, request.url)
        return response

    patch.setattr(httpx2.HTTPTransport, "handle_request", handle)
    patch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", handle_async)


def _requested(request: Any) -> None:
    form = "form-urlencoded" in request.headers.get("content-type", "")
    path = request.url.raw_path.decode("ascii")
    asked(path, request.headers.multi_items(), getattr(request, "_content", b"") if form else b"")


class _Body:
    """A response's body, which is kept while it is read, and told when it is closed."""

    def __init__(self, response: Any, url: Any) -> None:
        self.inner, self.headers, self.url = response.stream, response.headers, url
        self.data = bytearray()

    def keep(self, part: bytes) -> bytes:
        if len(self.data) < _MOST:
            self.data += part
        return part

    def end(self) -> None:
        body, self.data = bytes(self.data), bytearray()
        if "gzip" in self.headers.get("content-encoding", ""):
            body = gzip.decompress(body)
        port, path = self.url.port or 0, self.url.raw_path.decode("ascii")
        answered(port, path, self.headers.multi_items(), body)


class _Blocking(_Body, httpx2.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        for part in self.inner:
            yield self.keep(part)

    def close(self) -> None:
        self.inner.close()
        self.end()


class _Unblocking(_Body, httpx2.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self.inner:
            yield self.keep(part)

    async def aclose(self) -> None:
        await self.inner.aclose()
        self.end()


def _urllib(patch: pytest.MonkeyPatch) -> None:
    connection = http.client.HTTPConnection
    request, getresponse = connection.request, connection.getresponse

    def requested(self: Any, method: str, url: str, body: Any = None, headers: Any = (), **more: Any) -> None:
        self.overheard = url
        asked(url, dict(headers).items(), body if isinstance(body, bytes) else b"")
        request(self, method, url, body, dict(headers), **more)

    def responded(self: Any) -> http.client.HTTPResponse:
        response, path = getresponse(self), getattr(self, "overheard", "?")
        port, read = int(self.port or 0), response.read
        answered(port, path, response.getheaders(), b"")

        def reading(amount: int | None = None) -> bytes:
            data = read(amount)
            answered(port, path, (), data)
            return data

        response.read = reading  # type: ignore[assignment, method-assign]  # all of urllib reads here
        return response

    patch.setattr(connection, "request", requested)
    patch.setattr(connection, "getresponse", responded)

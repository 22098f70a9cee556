"""The login pages and one page behind them, served by uvicorn: python -m tests.e2e.idp.app SETTING (JSON).

Says its address when it listens, and ends with its standard input. `POST /test/pass?seconds=N` is how far the clock of
sessions is ahead, `POST /test/link` makes a bootstrap link: what a terminal would show.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ostiary.adapters.identity import jwt
from ostiary.adapters.identity.jwks import Keys, Pace
from ostiary.adapters.identity.outbound import Fetched
from ostiary.adapters.identity.signing_in import Described, Tokens
from ostiary.adapters.login import bootstrap, looks
from ostiary.adapters.login.forgery import FIELD, proof, unforged
from ostiary.adapters.login.pages import routes
from ostiary.adapters.login.ports import Client, Provider
from ostiary.adapters.login.sessions import Sessions, Times
from ostiary.adapters.login.setting import Setting, login_url, signed_in
from ostiary.adapters.store import database
from ostiary.adapters.store.keys import Sealer, key
from ostiary.adapters.store.logins import Logins
from ostiary.adapters.upstream.fetching import Fetching
from ostiary.core.errors import GatewayError
from ostiary.core.model import Json
from ostiary.policy.claims import Reading, Source

PASSED = [0.0]


def now() -> float:
    return time.time() + PASSED[0]


def provider(issuer: str, client: Client) -> Provider:
    fetch: Fetching[Fetched] = Fetching(Fetched, (ip_network("127.0.0.0/8"),))
    keys = Keys(issuer, "", fetch, Pace(), time.monotonic, asyncio.sleep)
    tokens = Tokens(issuer, client.id, lambda: keys, jwt.USUAL, time.time)
    metadata = Described(issuer, fetch, time.monotonic)
    names = {"eng": "developer", "sec": "auditor"}
    reading = Reading(issuer, roles=Source("groups", names), teams=Source("team"))
    scopes = ("openid", "profile", "email", "groups")
    return Provider(
        "staff", issuer, client, reading, metadata, fetch, tokens.identity, tokens.logout, scopes, "Staff directory"
    )


def setting(given: Any) -> Setting:
    folder = Path(given["folder"])
    secret = key(folder, "seal.key")
    sessions = Sessions(Logins(database.opened(folder)), now, Times())
    found = {"staff": provider(given["issuer"], Client(*given["client"]))} if given.get("issuer") else {}

    def note(event: str, fields: Json) -> None:
        print(json.dumps({"event": event, **fields}), file=sys.stderr, flush=True)

    return Setting(given["url"], found, sessions, Sealer(secret), key(folder, "forms.key"), now, note=note)


def behind(chosen: Setting) -> list[Route]:
    """Return a page for people who are signed in, with a form."""

    async def console(request: Request) -> Response:
        person = await signed_in(request, chosen)
        if person is None:
            return RedirectResponse(login_url(str(request.url.path)), 303)
        who = f"{person.subject} roles={sorted(person.roles)} teams={sorted(person.teams)}"
        form = looks.form("/console/act", {FIELD: proof(chosen, person)}, looks.button("Act"))
        return looks.page("Console", looks.said(who), form)

    async def act(request: Request) -> Response:
        person = await signed_in(request, chosen)
        if person is None:
            return PlainTextResponse("nobody", 401)
        try:
            await unforged(request, person, chosen)
        except GatewayError as error:
            return PlainTextResponse(error.detail, error.status)
        return PlainTextResponse(f"done by {person.subject}")

    async def passed(request: Request) -> Response:
        PASSED[0] = float(request.query_params["seconds"])
        return JSONResponse(PASSED[0])

    async def link(_: Request) -> Response:
        return JSONResponse(await bootstrap.link(chosen))

    return [
        Route("/console/", console), Route("/console/act", act, methods=["POST"]),
        Route("/test/pass", passed, methods=["POST"]), Route("/test/link", link, methods=["POST"]),
    ]  # fmt: skip


async def main(given: Any) -> None:
    # Standard output is for whoever started this.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    chosen = setting(given)
    app = Starlette(routes=[*routes(chosen), *behind(chosen)])
    tls = {"ssl_certfile": given["certificate"], "ssl_keyfile": given["key"]} if "key" in given else {}
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", **tls))
    bound = socket.create_server(("127.0.0.1", given["port"]))

    async def ended() -> None:
        await asyncio.to_thread(sys.stdin.read)
        server.should_exit = True

    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[bound]))
        group.create_task(ended())
        print(chosen.url, flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))

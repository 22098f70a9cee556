"""Configuration → the pages where people sign in, and the authorization server where their programs get tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from msgspec import Struct
from starlette.routing import Route

from ostiary.adapters.identity.assertion import Assertions, Trusted
from ostiary.adapters.identity.signing_in import Described, Tokens
from ostiary.adapters.login import bootstrap, pages
from ostiary.adapters.login.ports import Client as Registered
from ostiary.adapters.login.ports import Provider
from ostiary.adapters.login.sessions import Person, Sessions
from ostiary.adapters.login.setting import Setting as Login
from ostiary.adapters.login.setting import login_url, signed_in
from ostiary.adapters.oauth import addresses, routes
from ostiary.adapters.oauth.grants import revoke
from ostiary.adapters.oauth.setting import Assertion, Lifetimes, configured, service
from ostiary.adapters.oauth.setting import Setting as Server
from ostiary.adapters.oauth.storing import Client, Subject
from ostiary.adapters.store import keys
from ostiary.adapters.store.logins import Logins
from ostiary.config.authorization import Authorization
from ostiary.config.identity import Identity
from ostiary.config.schema import Config
from ostiary.core.model import Caller
from ostiary.entry import console
from ostiary.entry.identities import source
from ostiary.entry.nobody import Around, Nobody, signing_in
from ostiary.policy.claims import Reading

FIXED: Final = ("access", "grant", "private_schemes", "allow_private")
"""Keys of `authorization` that take a restart."""
_DAY: Final = 86_400.0


class Known(Struct, frozen=True):
    """What one configuration says of providers and programs, with its secrets resolved."""

    providers: Mapping[str, Provider]
    programs: Mapping[str, Client]


class People(Nobody):
    """Who signs in here, and what they let programs do."""

    def __init__(self, config: Config, around: Around, data: Path, engine: sa.Engine) -> None:
        """Make the pages that this configuration has; whether there are any takes a restart to change."""
        super().__init__(around)
        self._described: dict[str, Described] = {}
        self._assertions = Assertions(around.grants.url, self._trusted, around.speakers.keys, time.time)
        self._known = self._said(config)
        self._providers = dict(self._known.providers)
        self.logins = Logins(engine)
        self._key = keys.key(data, "forms.key")
        self.login = self._login(config)
        self.server = self._authorization(self.login) if config.authorization is not None else None

    def _said(self, config: Config) -> Known:
        named = ((name, each) for name, each in config.identity.items() if each.client is not None)
        server = config.authorization
        return Known(
            {name: self._provider(name, each) for name, each in named},
            {} if server is None else _programs(server, self._around.speakers.resolve),
        )

    def ready(self, config: Config) -> Callable[[], None]:
        """Return what makes another configuration count; raise where a secret is missing."""
        return partial(self._configure, self._said(config))

    def _configure(self, known: Known) -> None:
        self._known = known
        self._providers.clear()
        self._providers.update(known.providers)

    def changed(self, config: Config) -> list[str]:
        """Return the keys that a running gateway cannot take on."""
        old, new = self._around.config().authorization, config.authorization
        if (old is None) != (new is None) or not signing_in(config):
            return ["authorization" if (old is None) != (new is None) else "the first or last identity.*.client"]
        if old is None or new is None:
            return []
        moved = [f"authorization.{key}" for key in FIXED if getattr(old, key) != getattr(new, key)]
        # The server's metadata says whether there are any.
        asserting = bool(self._trusted()), any(each.assertions for each in config.identity.values())
        return moved if asserting[0] == asserting[1] else [*moved, "the first or last identity.*.assertions"]

    def routes(self) -> list[Route]:
        """Return every address that there is for people and their programs."""
        programs = console.routes(
            self.login, self._around.grants.storage, lambda: self._known.programs, self._end, self._around.standing
        )
        found = [*pages.routes(self.login), *programs]
        return found if self.server is None else [*found, *routes.routes(self.server)]

    async def _end(self, grant: str) -> None:
        """End a grant of a program, and every token that came of it."""
        if self.server is not None:
            await revoke(self.server, grant)

    def opened(self, verb: str, path: str) -> bool:
        """Say whether an address answers without a bearer token: it looks for a cookie or a secret of its own."""
        if (verb, path) in pages.OPEN | console.OPEN or (verb in {"GET", "POST"} and path.startswith(pages.OPEN_UNDER)):
            return True
        return self.server is not None and (verb, path) in addresses.OPEN

    async def invitation(self) -> str:
        """Return a link that makes whoever opens it first an administrator; empty where nobody needs one."""
        return "" if self._has_admin() else await bootstrap.link(self.login)

    def _has_admin(self) -> bool:
        """Say whether the configuration makes anybody an administrator."""
        claims = (each.roles for name, each in self._around.config().identity.items() if name in self._providers)
        return any(bootstrap.ADMIN in (each.map or {}).values() for each in claims if each is not None)

    def _provider(self, name: str, each: Identity) -> Provider:
        issuer, client, speakers = str(each.issuer), each.client, self._around.speakers
        assert client is not None  # noqa: S101 - whoever calls has looked
        fetch = speakers.fetching(tuple(each.allow_private))
        described = self._described.setdefault(issuer, Described(issuer, fetch, time.monotonic))
        tokens = Tokens(issuer, client.id, lambda: speakers.keys(issuer), frozenset(each.algorithms), time.time)
        secret = speakers.resolve(client.secret) if client.secret is not None else ""
        reading = Reading(issuer, each.subject, source(each.roles), source(each.teams), each.scopes)
        return Provider(
            name, issuer, Registered(client.id, secret), reading, described, fetch, tokens.identity, tokens.logout,
            client.scopes, client.title,
        )  # fmt: skip

    def _login(self, config: Config) -> Login:
        around, sessions = self._around, Sessions(self.logins, time.time)

        def barred(who: Person) -> bool:
            return around.barred(Caller(who.subject, who.issuer, "", "login", who.ends))

        return Login(
            config.gateway.url, self._providers, sessions, around.grants.seal, self._key, time.time,
            barred=barred, note=around.note,
        )  # fmt: skip

    def _authorization(self, login: Login) -> Server:
        around = self._around
        section = self._section()
        return Server(
            issuer=around.grants.url,
            resources=self._resources,
            scopes=self._scopes,
            storage=around.grants.storage,
            keys=around.grants.keys,
            seal=around.grants.seal,
            fetch=around.speakers.fetching(tuple(section.allow_private)),
            signed_in=lambda request: signed_in(request, login),
            login_url=login_url,
            attempts=around.speakers.failures,
            time=time.time,
            clock=time.monotonic,
            known=lambda: self._known.programs,
            registration=lambda: self._section().registration == "on",
            documents=self._believed,
            private_schemes=tuple(section.private_schemes),
            minimum=lambda: tuple(self._section().default_scopes),
            default_resource=f"{around.grants.url}/mcp",
            assertion=self._asserted if self._trusted() else None,
            proof=around.speakers.proofs.held,
            note=around.note,
            standing=self._standing,
            revoked=around.revoked,
            lifetimes=Lifetimes(access=section.access, grant=section.grant, idle=min(14 * _DAY, section.grant)),
        )

    def _section(self) -> Authorization:
        return self._around.config().authorization or Authorization()

    def _resources(self) -> frozenset[str]:
        url = self._around.grants.url
        return frozenset({url, f"{url}/", *(f"{url}{endpoint}" for endpoint in self._around.current().endpoints)})

    def _scopes(self) -> Mapping[str, str]:
        config = self._around.config()
        named = {scope for rule in config.rules for scope in rule.scopes or ()} | set(config.gateway.scopes)
        return dict.fromkeys(sorted(named), "") | dict(self._section().scopes)

    def _trusted(self) -> Mapping[str, Trusted]:
        """Return the issuers whose identity assertions are taken."""
        named = ((name, each) for name, each in self._around.config().identity.items() if each.assertions)
        return {str(each.issuer): _trusted(name, each) for name, each in named}

    async def _asserted(self, text: str) -> Assertion:
        found = await self._assertions(text)
        who = found.caller
        subject = Subject(who.subject, who.issuer, tuple(sorted(who.roles)), tuple(sorted(who.teams)))
        return Assertion(found.header, found.claims, subject)

    def _believed(self, host: str) -> bool:
        believed = self._section().documents
        return "*" in believed or host in believed

    async def _standing(self, subject: Subject) -> Subject | None:
        """Return what a person still is when their program renews its tokens: nobody, once their provider is gone."""
        known = {each.issuer for each in self._providers.values()}
        return subject if subject.issuer in known else None


def _trusted(name: str, each: Identity) -> Trusted:
    reading = Reading(str(each.issuer), each.subject, source(each.roles), source(each.teams), each.scopes)
    return Trusted(name, reading, frozenset(each.algorithms), each.skew)


def _programs(server: Authorization, resolve: Callable[..., str]) -> dict[str, Client]:
    programs = {
        ident: configured(ident, tuple(each.redirects), each.name, resolve(each.secret) if each.secret else "")
        for ident, each in server.clients.items()
    }
    services = {
        ident: service(
            ident, tuple(each.scopes), tuple(each.roles), tuple(each.teams),
            secret=resolve(each.secret) if each.secret else "", jwks_uri=each.jwks or "",
        )
        for ident, each in server.services.items()
    }  # fmt: skip
    return programs | services

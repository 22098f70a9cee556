"""The gateway as authorization server, for programs whose people's identity provider cannot serve them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, Strict

from ostiary.config import values
from ostiary.config.fields import (
    Name,
    Reachable,
    Redirect,
    Reference,
    Seconds,
    Section,
    ServerURL,
    Somebody,
    User,
    may,
    must,
)

Some = Annotated[tuple[Somebody, ...], Strict(strict=False)]


def _host_or_any(value: str) -> str:
    return value if value == "*" else values.host_name(value)


Documents = Annotated[str, AfterValidator(_host_or_any)]
SCHEME: Final = r"^(\*|[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+)$"
Scheme = Annotated[str, Field(pattern=SCHEME, max_length=255)]
Meaning = Annotated[str, Field(min_length=1, max_length=300)]


class Program(Section):
    """A program that is known beforehand, because it can neither register itself nor has a metadata document."""

    name: Annotated[str, Field(max_length=100)] = may("", "What people read when they are asked; otherwise its id.")
    redirects: Annotated[tuple[Redirect, ...], Field(min_length=1), Strict(strict=False)] = must(
        "Where people may be sent back to, exactly; a loopback address stands for any port."
    )
    secret: Reference | None = may(None, "Where its secret is kept; without one it is a public client.")


_ONE_PROOF: Final[dict[str, JsonValue]] = {"oneOf": [{"required": ["secret"]}, {"required": ["jwks"]}]}


class Service(Section):
    """A service account: a program that acts for itself, by client credentials."""

    model_config = ConfigDict(json_schema_extra=_ONE_PROOF)

    secret: Reference | None = may(None, "Where its secret is kept.")
    jwks: ServerURL | None = may(None, "Where its public keys are: it proves itself by private_key_jwt (RFC 7523).")
    scopes: Some = may((), "All the scopes that it may ask for.")
    roles: Some = may((), "Its roles.")
    teams: Some = may((), "Its teams.")


class Authorization(Section):
    """The gateway's own authorization server: people log in at their identity provider, programs get tokens here."""

    registration: Literal["on", "off"] = may("on", "Whether programs may register themselves (RFC 7591).")
    documents: Annotated[tuple[Documents, ...], Strict(strict=False)] = may(
        ("*",), "Hosts whose client metadata documents are believed; `*` is any, an empty list none."
    )
    clients: Mapping[User, Program] = may({}, "Programs that are known beforehand, by their client id.")
    services: Mapping[Name, Service] = may({}, "Service accounts, by their client id.")
    scopes: Mapping[Somebody, Meaning] = may(
        {}, "What scopes mean, in words that people understand; scopes that rules name exist without it."
    )
    default_scopes: Some = may((), "The scopes of a program that asks for none.")
    private_schemes: Annotated[tuple[Scheme, ...], Strict(strict=False)] = may(
        (), "Redirect schemes of installed programs, such as com.example.app; `*` is any with a dot."
    )
    access: Seconds = may("10m", "How long an access token is good for; at most 30 minutes.")
    grant: Seconds = may(
        "7d", "How long a program may renew its tokens before the person signs in again, and their roles are read anew."
    )
    allow_private: Annotated[tuple[Reachable, ...], Strict(strict=False)] = may(
        (), "Networks that metadata documents and keys of programs may be in although they are private."
    )

"""Who may speak: identity providers, and how what they say of a person is read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, Strict

from ostiary.config import values
from ostiary.config.fields import (
    Filled,
    Reachable,
    Reference,
    Seconds,
    Section,
    ServerURL,
    Somebody,
    User,
    may,
    must,
)

Issuer = Annotated[str, AfterValidator(values.issuer)]
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
Bound = Literal["none", "dpop", "mtls", "either"]


class Claim(Section):
    """Where roles or teams are found in what an issuer says, and what they are called here."""

    claim: Filled = must("The claim's name, or a path of names with dots between them.")
    map: Mapping[Filled, Somebody] | None = may(
        None,
        "The values and our names for them; what is not in it gives nothing. Without it they are the names.",
    )


class Introspection(Section):
    """Where tokens that say nothing themselves are asked about (RFC 7662)."""

    url: ServerURL = must("The endpoint.")
    id: User = must("Our client id there.")
    secret: Reference = must("Where our client secret is kept.")


class Client(Section):
    """What the gateway is at this issuer, so that people can sign in there (OpenID Connect)."""

    id: User = must("Our client id there; the redirect URI to register is gateway.url + /login/callback.")
    secret: Reference | None = may(None, "Where our client secret is kept; without one we are a public client.")
    scopes: Annotated[tuple[Filled, ...], Field(min_length=1), Strict(strict=False)] = may(
        ("openid", "profile", "email"), "What is asked for; add what makes the issuer tell groups and teams."
    )
    title: Annotated[str, Field(max_length=60)] = may("", "What people call it; otherwise its name here.")


class Certificates(Section):
    """Client certificates that say who calls; the authorities are those of gateway.tls.client_ca."""

    names: Annotated[tuple[Filled, ...], Field(min_length=1), Strict(strict=False)] = must(
        "Patterns of subject alternative names (URIs such as SPIFFE ids, DNS names, mail addresses)."
    )
    roles: Annotated[tuple[Somebody, ...], Strict(strict=False)] = may((), "The roles of whoever has one.")
    teams: Annotated[tuple[Somebody, ...], Strict(strict=False)] = may((), "Their teams.")
    scopes: Annotated[tuple[Somebody, ...], Strict(strict=False)] = may((), "Their scopes.")


_ONE_SOURCE: Final[dict[str, JsonValue]] = {"oneOf": [{"required": ["issuer"]}, {"required": ["certificates"]}]}


class Identity(Section):
    """An issuer of tokens, or certificates."""

    model_config = ConfigDict(json_schema_extra=_ONE_SOURCE)

    issuer: Issuer | None = may(None, "The issuer, exactly as it writes itself; discovery and keys follow from it.")
    certificates: Certificates | None = may(None, "Client certificates instead of an issuer.")
    audience: Annotated[tuple[Filled, ...], Strict(strict=False)] = may(
        (), "What else tokens may name as their audience, besides gateway.url and our endpoints."
    )
    algorithms: Annotated[tuple[Algorithm, ...], Strict(strict=False)] = may(
        ("RS256", "PS256", "ES256", "ES384", "EdDSA"), "The signatures that are taken."
    )
    jwks: ServerURL | None = may(None, "Where the issuer's keys are, if its metadata does not say so.")
    subject: Filled = may("sub", "The claim that names the caller.")
    roles: Claim | None = may(None, "Where roles are found; without it nobody has any.")
    teams: Claim | None = may(None, "Where teams are found.")
    scopes: Filled = may("scope", "The claim that holds the scopes.")
    skew: Seconds = may("30s", "How far clocks may be apart.")
    access_tokens_only: bool = may(False, "Whether `typ` must say that it is an access token (RFC 9068).")
    bound: Bound = may("none", "What its tokens must be bound to: a DPoP key, a client certificate, or either.")
    introspection: Introspection | None = may(None, "Where its opaque tokens are asked about.")
    access_tokens: Literal["on", "off"] = may(
        "on", "Whether its access tokens are taken at the door; off: people only sign in there."
    )
    client: Client | None = may(None, "What the gateway is there, so that people can sign in.")
    assertions: bool = may(
        False, "Whether its identity assertions (ID-JAG) are exchanged for tokens of our authorization server."
    )
    allow_private: Annotated[tuple[Reachable, ...], Strict(strict=False)] = may(
        (), "Networks that the issuer may be in although they are private."
    )

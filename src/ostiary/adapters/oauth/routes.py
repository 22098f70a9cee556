"""The authorization server's addresses, put together."""

from __future__ import annotations

from starlette.routing import Route

from ostiary.adapters.oauth import addresses, consent, metadata
from ostiary.adapters.oauth.authorize import authorize
from ostiary.adapters.oauth.clients import Clients
from ostiary.adapters.oauth.registration import register
from ostiary.adapters.oauth.revocation import revoke
from ostiary.adapters.oauth.setting import Setting
from ostiary.adapters.oauth.token import token


def routes(setting: Setting) -> list[Route]:
    """Return every route of the authorization server; which of them are open is in `addresses.OPEN`."""
    if setting.issuer.endswith("/"):
        # 2026-07-28, authorization: clients compare issuers as texts, and a slash more is another issuer.
        raise ValueError("the issuer ends with a slash; it must be gateway.url without one")
    clients, described = Clients(setting), metadata.metadata(setting)
    return [
        Route(addresses.METADATA, described, methods=["GET"]),
        Route(addresses.OPENID, described, methods=["GET"]),
        Route(addresses.JWKS, metadata.keys(setting), methods=["GET"]),
        Route(addresses.AUTHORIZE, authorize(setting, clients, consent.asks(setting)), methods=["GET"]),
        Route(addresses.DECISION, consent.decision(setting, clients), methods=["POST"]),
        Route(addresses.TOKEN, token(setting, clients), methods=["POST"]),
        Route(addresses.REGISTER, register(setting), methods=["POST"]),
        Route(addresses.REVOKE, revoke(setting, clients), methods=["POST"]),
    ]
